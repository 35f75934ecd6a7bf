# SPDX-License-Identifier: Apache-2.0
# Acceptance 6: the messages for what users get wrong. Each error is one line "vmm: what: why", and what to do about it.
# timeout: 120
. "${0%/*}/lib.sh"
rm -f "$T/ran"
wrong() { # STATUS PATTERN OPTIONS...: is an error before anything runs
	local expected=$1 pattern=$2 status
	shift 2
	"$VMM" run "$@" >"$T/out" 2>"$T/err"
	status=$?
	case " $expected " in *" $status "*) ;; *) show "$T/err"; fail "vmm run $*: exit status $status, expected $expected" ;; esac
	head -n 1 "$T/err" | grep -q '^vmm: [^:]*: .' || { show "$T/err"; fail "vmm run $*: not 'vmm: what: why'"; }
	grep -qi -- "$pattern" "$T/err" || { show "$T/err"; fail "vmm run $*: no '$pattern' in the message"; }
	[ "$(wc -l <"$T/err")" -le 3 ] || { show "$T/err"; fail "vmm run $*: more than an error and its remedy"; }
	[ ! -e "$T/ran" ] || fail "vmm run $*: the program ran all the same"
}
ran=(touch "$T/ran")
wrong 127 'no-such-program' -f 300 -- no-such-program
mkdir "$T/closed" && chmod 000 "$T/closed"
PATH=$T/closed:$PATH wrong 127 'no-such-program' -f 300 -- no-such-program
chmod 755 "$T/closed"
wrong 127 'no/such/path' -f 300 -- ./no/such/path
printf '#!/no/such/shell\n' >"$T/script"
chmod 755 "$T/script"
wrong 127 'first line' -f 300 -- "$T/script"
: >"$T/plain-file"
wrong 126 'plain-file' -f 300 -- "$T/plain-file"
wrong 2 'clock' -f 300 -a clok -- "${ran[@]}"
wrong 2 'sieve' -f 300 -a seive -- "${ran[@]}"
wrong 2 'reff-at-load' -f 300 -a clock:reff-at-load=1 -- "${ran[@]}"
wrong 2 'cannot be read' -f 300 -a ./policy.so -- "${ran[@]}"
wrong 2 'frame' -f 0 -- "${ran[@]}"
wrong '2 125' 'frame' -f 5 -- "${ran[@]}"
wrong '2 125' '40' -f 39 -- "${ran[@]}"
wrong 2 'number' -f many -- "${ran[@]}"
wrong 2 'did you mean lz4' -f 300 --store lzz4 -- "${ran[@]}"
wrong 2 'mem, lz4, file:PATH' -f 300 --store tape -- "${ran[@]}"
wrong 2 'takes no argument' -f 300 --store mem:1 -- "${ran[@]}"
wrong 2 'needs the path\|not built in' -f 300 --store file -- "${ran[@]}"
wrong 2 'needs the path\|not built in' -f 300 --store file: -- "${ran[@]}"
wrong '2 125' 'no such file or directory\|not built in' -f 300 --store file:/no/such/place/at-all -- "${ran[@]}"
wrong 2 'number' -f 300 --latency-us soon -- "${ran[@]}"
wrong 2 'region' -f 300 --regions heep -- "${ran[@]}"
wrong 2 '.' -f 300
wrong 2 'no such option' --no-such-option -- "${ran[@]}"
"$VMM" run -q -f 40 -- true || fail "40 frames are enough for true"
# Too few for what the program does later cannot be known before: the report says so.
two=$(program h12_two_threads) || fail "cannot build"
paged few -f 48 -- "$two"
grep -q 'has 3 threads and 48 frames: with fewer than 56' "$T/few.err" || { show "$T/few.err"; fail "too few frames for 3 threads are not mentioned"; }
paged enough -f 56 -- "$two"
grep -q 'threads and' "$T/enough.err" && { show "$T/enough.err"; fail "56 frames are enough for 3 threads"; }
# Programs that cannot be paged run, and the report says which and why.
static=$(special static plain.c -static) && {
	paged static -f 300 -- "$static"
	[ "$(cat "$T/static.status")" = 0 ] || fail "a static program"
	grep -q 'not paged.* static: a static program' "$T/static.err" || { show "$T/static.err"; fail "a static program is not named in the report"; }
}
if [ "$(id -u)" = 0 ]; then
	dynamic=$(special plain plain.c) || fail "cannot build"
	setuid=$(mktemp -d /tmp/vmm-live-XXXXXX)
	trap 'rm -rf "$setuid"' EXIT
	chmod 755 "$setuid"
	cp "$dynamic" "$setuid/setuid-program"
	chown 65534:65534 "$setuid/setuid-program"
	chmod 6755 "$setuid/setuid-program"
	"$setuid/setuid-program" >"$T/native"
	if grep -q 'uid 65534' "$T/native"; then
		paged setuid -f 300 -- bash -c "'$setuid/setuid-program'; true"
		cmp "$T/native" "$T/setuid.out" || { show "$T/setuid.err"; fail "a setuid program"; }
		flat "$T/setuid.json" | grep -q '"comm":"setuid-program","paged":[a-z]*,"reason":"[^"]\+"' ||
			{ show "$T/setuid.json"; fail "the report does not say why the setuid program is not paged"; }
		grep -q 'setuid-program: a setuid program' "$T/setuid.err" || { show "$T/setuid.err"; fail "the setuid program is not named"; }
	fi
fi
exit 0
