# SPDX-License-Identifier: Apache-2.0
# redis-server: 200 thousand keys written and read back, BGSAVE under write load, and a second server that loads the
# dump. Data is compared by DEBUG DIGEST. The log, with its pids and times, stays in a file.

prepare() {
	"$PYTHON" - "$(full_or_quick 200000 15000)" <<-'PY'
		import random, sys
		r = random.Random(11)
		n = int(sys.argv[1])
		with open("first", "w") as first, open("second", "w") as second, open("read", "w") as read:
		    for i in range(n):
		        first.write("SET key:%012d %s\r\n" % (i, "%x" % r.getrandbits(8 * r.randrange(20, 120))))
		        second.write("SET key:%012d %s\r\n" % (i, "%x" % r.getrandbits(8 * r.randrange(20, 120))))
		        if i % 20 == 0:
		            first.write("HSET hash:%d f%d %x\r\n" % (i % 977, i, r.getrandbits(200)))
		            first.write("ZADD scores %d member%d\r\n" % (r.getrandbits(20), i))
		            second.write("LPUSH list:%d %x\r\n" % (i % 503, r.getrandbits(100)))
		            second.write("SADD set:%d %x\r\n" % (i % 101, r.getrandbits(60)))
		    for i in range(0, n, 500):
		        read.write("MGET " + " ".join("key:%012d" % k for k in range(i, min(i + 500, n))) + "\n")
	PY
}

cli() { redis-cli -s redis.sock "$@"; }

answers() { [ "$(cli ping)" = PONG ]; } # and not "LOADING"

# In the background: $server is its pid.
start_server() {
	paged redis-server --port 0 --unixsocket redis.sock --save '' --appendonly no --enable-debug-command yes \
		--logfile log &
	server=$!
	wait_until answers
}

# status_is KEY VALUE: is this so in INFO persistence?
status_is() { cli info persistence | tr -d '\r' | grep -qx "$1:$2"; }

read_back() {
	cli < "$INPUT/read" | sha256sum
	cli dbsize
	cli debug digest
}

run() {
	local keys load
	keys=$(wc -l < "$INPUT/read")000
	start_server || return
	cli --pipe < "$INPUT/first" | tail -1
	read_back

	# BGSAVE while redis-benchmark overwrites random keys, for as long as it takes
	redis-benchmark -s redis.sock -q -l -t set -r $((keys / 2)) -d 200 -c 4 -P 16 > benchmark 2>&1 &
	load=$!
	sleep 0.2
	cli bgsave
	wait_until status_is rdb_bgsave_in_progress 0
	kill -0 $load && kill $load
	wait $load
	status_is rdb_last_bgsave_status ok && echo "saved under load"
	redis-check-rdb dump.rdb | grep -o 'RDB looks OK' | tail -1
	cli dbsize

	# a known state again, saved by a second fork, read back by a second server
	cli --pipe < "$INPUT/second" | tail -1
	cli bgsave
	wait_until status_is rdb_bgsave_in_progress 0
	read_back
	cli shutdown nosave
	wait $server
	echo "status $?"
	start_server || return
	read_back
	cli shutdown nosave
	wait $server
}
