# SPDX-License-Identifier: Apache-2.0
# Programs put out the same bytes while they are recorded, through a window, in limited memory, and of faults only.
# timeout: 400
. "${0%/*}/lib.sh"

# same_recorded NAME INPUT COMMAND...
same_recorded() {
	local name=$1 input=$2 options
	shift 2
	command -v "$1" >"$T/null" || { echo "$1 is not there"; return; }
	"$@" <"$input" >"$T/native" 2>"$T/native.err" || fail "$name fails alone"
	for options in "--window 64" "--window 32 -f 1000 --checksum --audit" "-f 1000 -a clock --exact"; do
		# shellcheck disable=SC2086
		"$VMM" record -q -o "$T/$name.vmt" $options --json "$T/$name.json" -- "$@" <"$input" >"$T/out" 2>"$T/err" ||
			{ show "$T/err"; fail "$name, $options: exit status $?"; }
		cmp "$T/native" "$T/out" || fail "$name, $options: output"
		cmp "$T/native.err" "$T/err" || { show "$T/err"; fail "$name, $options: stderr"; }
		sound "$T/$name.json"
		"$VMM" trace info "$T/$name.vmt" >"$T/info" 2>"$T/info.err" || { show "$T/info.err"; fail "$name: trace"; }
		[ -s "$T/info.err" ] && { show "$T/info.err"; fail "$name: the trace is not whole"; }
		recorded=$(flat "$T/$name.json" | grep -o '"references":[0-9]*' | cut -d: -f2)
		[ "$(awk '$1 == "references" { print $2 }' "$T/info")" = "$recorded" ] || fail "$name: the report counts $recorded references"
		echo "$name, $options: $recorded references"
	done
}
seq 1 40000 | awk '{ print $1 * 7919 % 1000003 }' >"$T/numbers"
cat >"$T/sql" <<'END'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO t SELECT i, printf('%0200d', i * 7919 % 10007) FROM n;
CREATE INDEX x ON t(b);
SELECT count(*), sum(length(b)) FROM t WHERE b > '5';
SELECT b FROM t ORDER BY b DESC LIMIT 3;
END
: >"$T/empty"
same_recorded sqlite "$T/sql" sqlite3 -batch :memory:
same_recorded sort "$T/numbers" sort --parallel=2 -S 1M
python=/usr/bin/python3
[ -x $python ] || python=python3
same_recorded python "$T/empty" $python -c 'd = {i * 7919 % 100003: str(i) for i in range(20000)}; print(sum(map(len, d.values())), sorted(d)[:5])'
