# SPDX-License-Identifier: Apache-2.0
# GNU sort of 1.5 million lines in memory, one thread. Its output goes through a pipe.

prepare() {
	"$PYTHON" - "$(full_or_quick 1500000 200000)" > lines <<-'PY'
		import random, sys
		r = random.Random(1)
		for i in range(int(sys.argv[1])):
		    print("%016x %s %d" % (r.getrandbits(64), "abcdefgh"[: i % 9], i))
	PY
}

run() { paged sort --parallel=1 -S 1G "$INPUT/lines" | sha256sum; }
