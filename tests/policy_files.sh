#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# policy_files.sh - policies of the user's own (-a ./mine.c, ./mine.so): each of core/policies/ loaded from its file counts
# what the one that is built in counts; the cache; and the message of each mistake. Needs a built vmm in $BIN and a compiler.
cd "$(dirname "$0")/.." || exit 1
top=$PWD
case ${BIN:-bin} in /*) vmm=$BIN/vmm ;; *) vmm=$PWD/${BIN:-bin}/vmm ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export XDG_CACHE_HOME=$work/cache TMPDIR=$work
unset VMM_INCLUDE
cc=${CC:-cc}
status=0

bad() {
	echo "policy_files.sh: $*"
	status=1
}

# fails NAME PATTERN COMMAND...: status 2, nothing on stdout, and one message that says the pattern.
fails() {
	local name=$1 pattern=$2 got
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	[ $got = 2 ] || bad "$name: exit status $got: $(cat err)"
	[ ! -s out ] || bad "$name: stdout: $(head -n 1 out)"
	[ "$(grep -c '^vmm: ' err)" = 1 ] && grep -q -- "$pattern" err || bad "$name: says: $(cat err)"
}

# misses SPEC,...: the faults of each, in 7 and 60 frames.
misses() { "$vmm" sim -t trace.vmt -f 7,60 -a "$1" --csv - | awk -F, 'NR > 1 { print $7 }'; }

# try NAME SED...: a copy of the skeleton, changed.
try() {
	local file=$1
	shift
	sed "$@" "$top/core/policies/skeleton.c" >"$file.c"
}

"$vmm" gen -t phased -n 20000 --pages 150 -o trace.vmt 2>/dev/null || bad "no trace"

# Those with a loop of their own, those that are given time, seeded ones, and one that fits no pattern.
for name in fifo random clock nru aging sieve lru s3-fifo arc lecar cacheus; do
	cp "$top/core/policies/$name.c" .
	[ "$(misses "./$name.c")" = "$(misses $name)" ] && [ "$(misses $name | wc -l)" = 2 ] ||
		bad "$name from its file: $(misses "./$name.c" | tr '\n' ' '), built in: $(misses $name | tr '\n' ' ')"
done
n=$(ls cache/vmm/*.so | wc -l)
[ "$n" = 11 ] || bad "$n objects in the cache, not 11"
[ "$(stat -c %a cache/vmm)" = 700 ] || bad "the cache is readable by others"

# The cache is used: what was compiled once needs the preprocessor alone. A changed source, or compiler, is compiled.
printf '#!/bin/sh\nexec %s "$@"\n' "$cc" >half
chmod +x half
CC=$work/half misses ./lru.c >once
printf '#!/bin/sh\ncase " $* " in *" -E "*) exec %s "$@" ;; esac\nexit 1\n' "$cc" >half
CC=$work/half misses ./lru.c | cmp -s - once || bad "what is in the cache is not used"
cp half half2
CC=$work/half2 fails "another compiler" "half2 does not compile it" "$vmm" policies ./lru.c
try mine 's/"skeleton"/"mine"/'
"$vmm" policies ./mine.c | grep -q '^mine - ' || bad "policies ./mine.c"
[ "$(misses ./mine.c:depth=3)" = "$(misses skeleton:depth=3)" ] || bad "a parameter"
[ "$(misses ./mine.c:depth=3)" != "$(misses ./mine.c)" ] || bad "a parameter that does nothing"
sed -i 's/seen++ == s->depth/seen++ == s->depth + 3/' mine.c
[ "$(misses ./mine.c)" = "$(misses skeleton:depth=3)" ] || bad "a changed source"
misses "./mine.c,./mine.c:depth=1,mine,fifo" | wc -l | grep -qx 8 || bad "a file named twice"
"$vmm" sim -t trace.vmt -f 7 -a ./clock.c,clock --csv - | cut -d, -f2 | tr '\n' ' ' |
	grep -qx 'policy clock@clock.c clock ' || bad "a name that is taken"
"$vmm" mrc -t trace.vmt -f 7,60 -a ./mine.c --csv - | awk -F, 'NR > 1 { print $6 }' | tr '\n' ' ' |
	grep -qx "$(misses ./mine.c | tr '\n' ' ')" || bad "mrc: $("$vmm" mrc -t trace.vmt -f 7,60 -a ./mine.c --csv -)"

# A shared object, made by hand from two policies; and without a place for the cache.
$cc -std=gnu11 -O1 -fPIC -shared -D_GNU_SOURCE= -I"$top" mine.c lru.c -o two.so || bad "two.so"
[ "$(misses ./two.so,mine,lru@two.so)" = "$(misses ./mine.c,mine,lru)" ] || bad "a shared object"
[ "$(XDG_CACHE_HOME=/proc/none misses ./mine.c)" = "$(misses ./mine.c)" ] || bad "without a cache"
[ -z "$(ls vmm-policy-* 2>/dev/null)" ] || bad "left behind: $(ls vmm-policy-*)"

fails "no directory" "-a ./NAME" "$vmm" sim -t trace.vmt -f 7 -a mine.c
fails "no such file" "./none.c: the policy cannot be read: No such file" "$vmm" sim -t trace.vmt -f 7 -a ./none.c
fails "another ending" "ends in .c or .so" "$vmm" policies ./half
fails "its parameter" "'width=1': no such parameter" "$vmm" sim -t trace.vmt -f 7 -a ./mine.c:width=1
fails "run: its parameter" "'width=1': no such parameter" "$vmm" run -a ./mine.c:width=1 -- true
echo 'int x = ;' >syntax.c
fails "a syntax error" "./syntax.c: $cc does not compile it" "$vmm" sim -t trace.vmt -f 7 -a ./syntax.c
grep -q 'syntax.c:1:' err || bad "the compiler's message is not shown"
CC=no-such-cc fails "no compiler" "'no-such-cc' cannot be started" "$vmm" sim -t trace.vmt -f 7 -a ./mine.c
VMM_INCLUDE=/proc fails "no headers" "VMM_INCLUDE: '/proc' has no" "$vmm" sim -t trace.vmt -f 7 -a ./mine.c
echo 'int x;' >empty.c
fails "no policy" "registers no policy" "$vmm" sim -t trace.vmt -f 7 -a ./empty.c
echo >empty.so
fails "no shared object" "./empty.so: it cannot be loaded: file too short" "$vmm" sim -t trace.vmt -f 7 -a ./empty.so
try abi 's/VMM_POLICY_ABI/99/'
fails "another ABI" "its table has ABI 99" "$vmm" policies ./abi.c
try lacks '/\.reject = /d'
fails "a callback that is missing" "has no usable .reject" "$vmm" policies ./lacks.c
try touchless 's/POLICY_F,/POLICY_T,/'
fails "class T without touch" "has no usable .touch" "$vmm" policies ./touchless.c
try name 's/"skeleton"/"a,b"/'
fails "a name that cannot be written" "'a,b' is no name" "$vmm" policies ./name.c
$cc -std=gnu11 -fPIC -shared -D_GNU_SOURCE= -I"$top" -DVMM_POLICY_ABI=7 -x c - -o old.so <<-END 2>/dev/null || bad "old.so"
	#include <stdint.h>
	const struct { uint32_t abi, size; const void *p[4]; uint32_t r; } vmm_policy_export = { 7, 1 };
END
fails "an object for another ABI" "made for ABI 7" "$vmm" policies ./old.so
echo 'void nowhere(void); int vmm_policy_export; __attribute__((constructor)) static void f(void) { nowhere(); }' |
	$cc -fPIC -shared -x c - -o undefined.so
fails "a symbol that is nowhere" "undefined symbol: nowhere" "$vmm" policies ./undefined.so

# A policy that chooses what is no victim ends the replay, with its loop compiled in and through its table.
for wrong in 's->frames->capacity' VMM_NONE; do
	try wrong "s/return best;/(void)best; return $wrong;/"
	$cc -std=gnu11 -fPIC -shared -D_GNU_SOURCE= -I"$top" wrong.c -o wrong.so
	for file in wrong.c wrong.so; do
		"$vmm" sim -t trace.vmt -f 7 -a ./$file >out 2>err
		[ $? = 1 ] && grep -q 'it chose a frame that is no victim' err || bad "$file, $wrong: $(cat err)"
	done
done
exit $status
