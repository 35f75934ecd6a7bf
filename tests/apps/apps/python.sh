# SPDX-License-Identifier: Apache-2.0
# A dictionary, sorts and hashes over some 170 MB of Python objects.

prepare() {
	cat > work.py <<-'PY'
		import hashlib, random, sys
		n = int(sys.argv[1])
		r = random.Random(7)
		records = {"%x-%d" % (r.getrandbits(40), i): [i, r.random(), r.randbytes(500 + i % 2000)] for i in range(n)}
		order = sorted(records, key=lambda k: records[k][1])
		digest = hashlib.sha256()
		for key in order:
		    digest.update(key.encode() + records[key][2])
		print("sorted", len(order), digest.hexdigest())
		for key in order[::3]:
		    del records[key]
		for i, key in enumerate(records):
		    records[key][2] = records[key][2][::-1] if i % 4 else b"short"
		groups = {}
		for key, (i, _, data) in records.items():
		    groups.setdefault(key[:2], []).append((data[:8], i, len(data)))
		for name in sorted(groups):
		    digest.update(repr((name, sorted(groups[name]))).encode())
		print("groups", len(groups), sum(len(g) for g in groups.values()), digest.hexdigest())
		blob = bytearray(n * 500)
		for i in range(0, len(blob), 4096):
		    blob[i : i + 8] = i.to_bytes(8, "little")
		print("blob", hashlib.sha1(blob).hexdigest())
		words = sorted(str(r.getrandbits(60)) for _ in range(3 * n))
		print("words", hashlib.sha256("".join(words).encode()).hexdigest())
		print("a line on stderr", file=sys.stderr)
		sys.exit(7)
	PY
}

# Ends with status 7 and a line on stderr, on purpose: those must come through as well.
run() {
	paged "$PYTHON" "$INPUT/work.py" "$(full_or_quick 90000 10000)"
	local status=$?
	echo "status $status"
	[ $status = 7 ]
}
