# SPDX-License-Identifier: Apache-2.0
# H15: 32-bit programs run unpaged; int 0x80 VM calls of a paged one stop it with a message; vmm inside vmm is refused; the shim is
# not seen in the environment and a preload of the user's own works; --store-limit stops a run.
# timeout: 180
. "${0%/*}/lib.sh"
lines=$(program lines) || fail "cannot build"
# 32 bits
if as --32 -o "$T/w32.o" "$LIVE/parts/world32.s" && ld -m elf_i386 -o "$T/w32" "$T/w32.o" && "$T/w32" >"$T/native"; then
	paged w32 -f 300 -- "$T/w32"
	[ "$(cat "$T/w32.status")" = 0 ] && cmp "$T/native" "$T/w32.out" || { show "$T/w32.err"; fail "a 32-bit program"; }
	flat "$T/w32.json" | grep -q '"paged":false,"reason":"[^"]\+"' || fail "the report does not say why it is not paged"
	paged sh32 -q -f 300 -- sh -c "'$T/w32'; '$T/w32'"
	[ "$(cat "$T/sh32.status")" = 0 ] && cat "$T/native" "$T/native" | cmp - "$T/sh32.out" || fail "a 32-bit child"
else
	echo "32-bit programs cannot be built or run here"
fi
# int 0x80
p=$(program h15_int80) || fail "cannot build"
if "$p" >"$T/native"; then
	paged int80 -f 300 -- "$p"
	status=$(cat "$T/int80.status")
	[ "$status" != 0 ] || { show "$T"/int80.*; fail "an int 0x80 mmap went through in a paged process"; }
	grep -q 'int 0x80\|32-bit' "$T/int80.err" || { show "$T/int80.err"; fail "no message about int 0x80"; }
fi
# vmm inside vmm
paged nested -q -f 2000 -- "$VMM" run -q -f 300 -- echo inside
[ "$(cat "$T/nested.status")" = 125 ] || { show "$T"/nested.*; fail "vmm inside vmm: status $(cat "$T/nested.status"), expected 125"; }
[ -s "$T/nested.out" ] && fail "vmm inside vmm ran the program"
grep -q '^vmm: ' "$T/nested.err" || fail "vmm inside vmm: no message"
# environment
same -f 300 -- env -i PATH=/bin HELLO=world env
same -f 300 -- bash -c 'env | grep -v "^_=\|VMM_TEST" | sort; echo "[${LD_PRELOAD-unset}]"; bash -c "echo [\${LD_PRELOAD-unset}]; tr \"\\0\" \"\\n\" </proc/self/environ | grep -c PRELOAD"'
mine=$(special mine.so mine.c -shared -fPIC) || fail "cannot build"
for shell in bash dash; do
	command -v $shell >"$T/which" || continue
	same -f 300 -- env LD_PRELOAD="$mine" $shell -c 'echo "preload: $LD_PRELOAD"; bash -c "echo inner: \$LD_PRELOAD"'
	[ "$(grep -c 'mine.c was here' "$T/native.err")" = 2 ] || fail "the preload of this test does not work"
done
# Given to vmm itself it goes to the program as well; only vmm says so once more.
LD_PRELOAD=$mine "$VMM" run -q -f 300 -- bash -c 'echo "preload: $LD_PRELOAD"' >"$T/out" 2>"$T/err"
[ "$(cat "$T/out")" = "preload: $mine" ] || { show "$T/out"; fail "a preload given to vmm"; }
[ "$(grep -c 'mine.c was here' "$T/err")" = 2 ] || { show "$T/err"; fail "a preload given to vmm is not loaded into the program"; }
same -f 300 -- bash -c 'unset LD_PRELOAD; exec env -i bash -c "exec echo through two execs"'
flat "$T/vmm.json" | grep -q '"paged":true' || fail "not paged"
flat "$T/vmm.json" | grep -q '"paged":false' && fail "an exec with another environment is not paged"
# store limit
paged limit -f 200 --store-limit 1M -- "$lines" -n 1000 -p 4000
[ "$(cat "$T/limit.status")" != 0 ] || fail "--store-limit did not stop the run"
grep -q 'store' "$T/limit.err" || { show "$T/limit.err"; fail "--store-limit: no message"; }
