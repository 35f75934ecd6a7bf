# SPDX-License-Identifier: Apache-2.0
# A dictionary, a sort and hashes over some 160 MB of Python objects.

prepare() {
	cat > work.py <<-'PY'
		import hashlib, random, sys
		n = int(sys.argv[1])
		r = random.Random(7)
		words = {}
		for i in range(n):
		    words["%x-%d" % (r.getrandbits(40), i)] = [i, r.random()]
		order = sorted(words, key=lambda w: words[w][1])
		digest = hashlib.sha256()
		for w in order:
		    digest.update(w.encode())
		print("sorted", len(order), digest.hexdigest())
		for w in order[:: 3]:
		    del words[w]
		for w in order[:: 2]:
		    words[w] = words.get(w, [0, 0.0]) + [len(w)]
		groups = {}
		for w, v in words.items():
		    groups.setdefault(w[:2], []).append(v)
		print("groups", len(groups), sum(len(v) for v in groups.values()))
		blob = bytearray(n * 60)
		for i in range(0, len(blob), 4096):
		    blob[i : i + 8] = i.to_bytes(8, "little")
		print("blob", hashlib.sha1(blob).hexdigest())
		print("values", sum(v[0] for g in groups.values() for v in g))
		print("an error line", file=sys.stderr)
		sys.exit(7)
	PY
}

# Ends with status 7 and a line on stderr, on purpose: those must come through as well.
run() {
	paged "$PYTHON" "$INPUT/work.py" "$(full_or_quick 500000 80000)"
	local status=$?
	echo "status $status"
	[ $status = 7 ]
}
