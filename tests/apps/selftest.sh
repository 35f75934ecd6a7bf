#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does tests/apps/run see what it is there to see? It tests a stand-in for vmm that runs the program as it is and,
# in each case below, does one thing wrong.
here=$(cd "${0%/*}" && pwd)
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT
passed=0 failed=0

cat > "$fake/vmm" <<'FAKE'
#!/bin/bash
[ "$1" = run ] || exit 125
frames=0 audit= checks=3 violations=0 checksums=9 fatal= evictions=9 paged=true
while [ "$1" != -- ]; do
	case $1 in
		--json) json=$2 ;;
		-f) frames=$2 ;;
		--audit) audit=yes ;;
	esac
	shift
done
shift
[ "$audit" ] || case $VMM_FAKE in max-*) VMM_FAKE=${VMM_FAKE#max-} ;; *) VMM_FAKE= ;; esac
[ "$VMM_FAKE" = hang ] && { sleep 1000; exit; }
"$@"
status=$?
case $VMM_FAKE in
	stdout) echo more ;;
	newline) printf '\n' ;;
	stderr) echo "vmm: a word too many" >&2 ;;
	status) status=1 ;;
	signal) kill -SEGV $$ ;;
	left) setsid sleep 1000 < /dev/null > /dev/null 2>&1 & ;;
	audit) violations=1 ;;
	blind) checks=0 ;;
	unverified) checksums=0 ;;
	fatal) fatal="the store is lost" ;;
	frames) frames=$((frames + 1)) ;;
	unpaged) paged=false ;;
	idle) evictions=0 ;;
	report) exit $status ;;
	torn) echo '{"frames":' > "$json"; exit $status ;;
esac
cat > "$json" <<-END
	{ "frames":$frames, "counters":{"footprint_pages":1000, "faults":9, "faults_major":9, "evictions":$evictions},
	  "audit":{"checks":$checks, "violations":$violations}, "checksums":$checksums, "fatal":"$fatal",
	  "messages":["a hint"], "processes":[{"comm":"sort", "paged":$paged, "reason":"static"}] }
END
exit $status
FAKE
chmod +x "$fake/vmm"

# expect FAULT LAST-LINE TEXT: with the stand-in doing FAULT, run closes with LAST-LINE and says TEXT.
expect() {
	local out
	out=$(VMM_FAKE=$1 "$here/run" --quick --vmm "$fake/vmm" --policies clock --sizes 25 --timeout 5 sort1 2>&1)
	if [ "$(tail -1 <<< "$out")" = "$2" ] && grep -qF -- "$3" <<< "$out"; then
		passed=$((passed + 1))
		echo "ok   ${1:-nothing wrong}"
	else
		failed=$((failed + 1))
		echo "FAIL ${1:-nothing wrong}: expected '$2' and '$3' in:"
		sed 's/^/    /' <<< "$out"
	fi
}

one="1 passed, 1 failed, 0 skipped"
expect ""         "2 passed, 0 failed, 0 skipped" "sort1      clock"
expect stdout     "$one" "stdout differs"
expect newline    "$one" "stdout differs"
expect stderr     "$one" "+vmm: a word too many"
expect status     "$one" "exit status 1, natively 0"
expect signal     "$one" "exit status 139, natively 0"
expect hang       "$one" "not finished after 5 s, killed"
expect left       "$one" "processes left: sleep"
expect audit      "$one" "'violations': 1"
expect blind      "$one" "the audit compared nothing"
expect unverified "$one" "no checksum was verified"
expect fatal      "$one" "fatal: the store is lost"
expect frames     "$one" "frames, not the 250 asked for"
expect unpaged    "$one" "not paged: sort (static)"
expect idle       "$one" "nothing was evicted"
expect report     "$one" "report 1.json"
expect torn       "$one" "report 1.json"
expect max-stdout "1 passed, 1 failed, 0 skipped" "sort1      -          max  FAIL"
expect max-report "0 passed, 1 failed, 1 skipped" "the footprint is not known"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
