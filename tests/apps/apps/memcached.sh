# SPDX-License-Identifier: Apache-2.0
# memcached with its threads: 150 thousand items set, read back, changed, read back again, by a client that checks
# every answer. -A lets the client end it.

prepare() {
	cat > client.py <<-'PY'
		import hashlib, socket, sys, time
		n = int(sys.argv[1])
		s = socket.socket(socket.AF_UNIX)
		for attempt in range(1200):
		    if s.connect_ex("memcached.sock") == 0:
		        break
		    time.sleep(0.05)
		f = s.makefile("rwb", 1 << 16)

		def value(i, generation):
		    seed = hashlib.md5(b"%d/%d" % (i, generation)).hexdigest().encode()
		    return seed * (1 + i * 7919 % 24)

		def set_all(keys, generation, verb=b"set"):
		    keys = list(keys)
		    for start in range(0, len(keys), 100):
		        part = keys[start : start + 100]
		        for i in part:
		            v = value(i, generation)
		            f.write(b"%s k%d 0 0 %d\r\n%s\r\n" % (verb, i, len(v), v))
		        f.flush()
		        for i in part:
		            answer = f.readline()
		            assert answer == b"STORED\r\n", (i, answer)

		def check_all(expected):
		    digest, keys = hashlib.sha256(), sorted(expected)
		    for start in range(0, n, 100):
		        f.write(b"get " + b" ".join(b"k%d" % i for i in range(start, min(start + 100, n))) + b"\r\n")
		        f.flush()
		        while (line := f.readline()) != b"END\r\n":
		            _, key, _, size = line.split()
		            data = f.read(int(size) + 2)[:-2]
		            i = int(key[1:])
		            assert data == value(i, expected.pop(i)), i
		            digest.update(key + data)
		    assert not expected, sorted(expected)[:10]
		    print("checked", len(keys), digest.hexdigest())

		state = {i: 0 for i in range(n)}
		set_all(state, 0)
		check_all(dict(state))
		for i in range(0, n, 5):
		    f.write(b"delete k%d noreply\r\n" % i)
		    del state[i]
		set_all(range(1, n, 5), 1)
		state.update((i, 1) for i in range(1, n, 5))
		set_all(range(0, n, 10), 2, b"add")
		state.update((i, 2) for i in range(0, n, 10))
		check_all(dict(state))
		f.write(b"shutdown\r\n")
		f.flush()
	PY
}

run() {
	paged memcached -s memcached.sock -m 400 -A -u "$(id -un)" &
	local server=$!
	"$PYTHON" "$INPUT/client.py" "$(full_or_quick 150000 20000)"
	wait $server
	echo "status $?"
}
