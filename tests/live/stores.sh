# SPDX-License-Identifier: Apache-2.0
# What the t_store_*.sh share, after lib.sh.

# quarter COMMAND...: a quarter of its footprint in frames, at least 100; into $frames.
quarter() {
	paged whole -q -- "$@"
	frames=$(($(counter "$T/whole.json" footprint_pages) / 4))
	[ $frames -ge 100 ] || frames=100
}

# faults_on SPEC: random faults over pages that are checked, with that store.
faults_on() {
	local store=$1 random=$BIN/bench/random_fault
	[ -x "$random" ] || fail "$random is not there: run make"

	paged random -q --checksum --audit -f 1024 --store "$store" -- "$random" -m 16 -n 20000 -b
	[ "$(cat "$T/random.status")" = 0 ] || { show "$T/random.err"; fail "random_fault on $store read what it did not write"; }
	sound "$T/random.json"
	stored_something "$T/random.json" "$store"
}

# on_store SPEC: these, and programs whose output tells, in a quarter of their memory; more of them with FULL=1.
on_store() {
	local store=$1

	faults_on "$store"
	cat >"$T/rows.sql" <<-'SQL'
		PRAGMA cache_size = -100000;
		CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, s TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			INSERT INTO t SELECT i, i * 2654435761 % 1000003, printf('%0200d', i * 40503 % 99991) FROM n;
		CREATE INDEX t_k ON t(k);
		UPDATE t SET s = s || k WHERE k % 3 = 0;
		SELECT count(*), sum(k), sum(length(s)), min(s), max(s) FROM t;
		SELECT id, k, substr(s, -20) FROM t ORDER BY k LIMIT 200;
	SQL
	quarter sqlite3 -batch :memory: ".read $T/rows.sql"
	same_evicting -f $frames --store "$store" -- sqlite3 -batch :memory: ".read $T/rows.sql"

	cat >"$T/work.py" <<-'PY'
		import hashlib, random
		r = random.Random(3)
		records = {i: r.randbytes(300 + i % 900) if i % 3 else bytes(2000) for i in range(12000)}
		order = sorted(records, key=lambda i: records[i])
		digest = hashlib.sha256()
		for i in order[::2] + order[1::2]:
		    digest.update(records[i])
		print(len(order), digest.hexdigest())
	PY
	quarter python3 "$T/work.py"
	same_evicting -f $frames -a sieve --store "$store" -- python3 "$T/work.py"
	[ -z "${FULL-}" ] || same_evicting -f $frames -a fifo --exact --store "$store" -- python3 "$T/work.py"

	# Address spaces that share slots and part.
	same_evicting -f 400 --store "$store" -- "$(workload forker)" -p 1024 -r 2
	same_evicting -f 500 -a sieve --store "$store" -- "$(workload vmops)" -n 500
	[ -z "${FULL-}" ] || same_evicting -f 700 --store "$store" -- "$(workload vmops)" -n 1000 -t 4
}

# Every page that came back was read from this store, and the report has its figures.
stored_something() {
	local kind=${2%%:*}
	[ "$(counter "$1" faults_major)" -gt 1000 ] || fail "$2: few pages came back, so nothing was tested"
	flat "$1" | grep -q "\"store\":{\"kind\":\"$kind\"" || fail "$2: the report does not name the store"
	flat "$1" | grep -q '"write_ns":{"count":[1-9]' || fail "$2: the report has no times of writes"
	[ "$(key "$1" checksums)" -ge "$(counter "$1" faults_major)" ] || fail "$2: not every page was verified"
}
