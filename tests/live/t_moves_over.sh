# SPDX-License-Identifier: Apache-2.0
# A run that is on one CPU leaves it when somebody who cannot leave takes it while another CPU idles.
# timeout: 120
. "${0%/*}/lib.sh"
mask=$(taskset -cp $$) && mask=${mask##*: }
case $mask in *[-,]*) ;; *) skip "one CPU" ;; esac
toucher=$(workload toucher) || fail "cannot build"
where() { sed -n 's/^Cpus_allowed_list:\s*//p' "/proc/$1/status"; }
# Jiffies that the CPUs were idle.
idle() { awk '/^cpu[0-9]/ { sum += $5 + $6 } END { print sum }' /proc/stat; }
"$VMM" run -q -f 300 -a fifo -- "$toucher" -p 400 -n 100000000 >"$T/out" 2>"$T/err" &
front=$!
wait_for 10 eval '[ -n "$(family toucher)" ]' || { show "$T/err"; fail "no program"; }
target=$(family toucher)
wait_for 10 eval '[[ $(where $target) != *[-,]* ]]' || fail "the run is not on one CPU: $(where "$target")"
here=$(where "$target")
before=$(idle)
taskset -c "$here" sh -c 'while :; do :; done' &
busy=$!
wait_for 20 eval '[ "$(where $target)" != "$here" ]'
moved=$?
kill $busy $front
wait $busy $front 2>"$T/wait"
[ $moved = 0 ] && exit 0
# 20 s: no CPU was free for long when the machine idled less than half of one.
[ $(($(idle) - before)) -lt 1000 ] && skip "no CPU is idle on this machine"
fail "the run stays on CPU $here with a busy program while another is idle"
