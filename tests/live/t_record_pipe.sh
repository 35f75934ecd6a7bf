# SPDX-License-Identifier: Apache-2.0
# A trace that goes to a pipe nobody reads for a while: the program waits, nothing is lost. When nobody ever reads, the program
# can still be interrupted, and vmm too.
# timeout: 180
. "${0%/*}/lib.sh"
set -m
toucher=$(workload toucher) windowed=$(program windowed) || fail "cannot build"
mkfifo "$T/pipe.vmt"
(sleep 2; cat) <"$T/pipe.vmt" >"$T/read.vmt" &
"$VMM" record -q -o "$T/pipe.vmt" --window 8 --exact --regions 'anon>=1M' --json "$T/pipe.json" -- \
	"$toucher" -p 1024 -n 150000 -k uniform -l "$T/log" >"$T/out" || fail "exit status $?"
wait %1
"$VMM" trace cat "$T/read.vmt" | awk '$2 ~ /^[RWL]$/ { print $2, $3 }' >"$T/live"
"$windowed" 8 1 <"$T/log" | cmp - "$T/live" || fail "the trace is not what was touched"
awk -v waited="$(key "$T/pipe.json" waited_s)" 'BEGIN { exit !(waited > 0.1) }' || fail "the program did not wait, so nothing was tested"

sleep 100 <"$T/pipe.vmt" &
sleeper=$!
"$VMM" record -q -o "$T/pipe.vmt" --window 8 --regions 'anon>=1M' -- "$toucher" -p 1024 -n 9000000 -k uniform >"$T/out" 2>"$T/err" &
front=$!
wait_for 10 alive toucher || fail "no program"
sleep 2 # pipe and ring are full
kill -INT -- -$front
wait_for 5 gone toucher || fail "the program cannot be interrupted"
wait_for 5 gone vmm-pager || fail "the pager waits for the pipe for ever"
kill -INT -- -$front
wait_for 5 gone 'vmm*' || fail "vmm cannot be interrupted: $(family 'vmm*')"
kill $sleeper
