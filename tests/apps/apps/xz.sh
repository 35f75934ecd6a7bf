# SPDX-License-Identifier: Apache-2.0
# xz -6 of 64 MB and back; both are paged, each with its share of its own footprint.

prepare() {
	"$PYTHON" - "$(full_or_quick 64 8)" > text <<-'PY'
		import random, sys
		r = random.Random(5)
		size = int(sys.argv[1]) << 20
		words = ["%x" % r.getrandbits(r.randrange(8, 40)) for _ in range(4000)]
		recent, written = [], 0
		out = sys.stdout
		while written < size:
		    if recent and r.random() < 0.985:
		        text = recent[r.randrange(len(recent))]
		    else:
		        text = " ".join(words[int(r.random() ** 2 * 4000)] for _ in range(120)) + "\n"
		        recent.append(text) if len(recent) < 4000 else recent.__setitem__(r.randrange(4000), text)
		    text = text[: size - written]
		    out.write(text)
		    written += len(text)
	PY
}

run() {
	paged xz -6 -T1 -c "$INPUT/text" > text.xz || return
	sha256sum text.xz
	paged xz -dc text.xz | cmp - "$INPUT/text" && echo "and back"
}
