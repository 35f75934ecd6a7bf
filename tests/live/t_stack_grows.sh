# SPDX-License-Identifier: Apache-2.0
# --regions stack: the stack grows at a touch below it, which no call announces. It used to fault for ever there.
# timeout: 60
. "${0%/*}/lib.sh"
outside=$(program outside) || fail "cannot build"
for kind in stack deep; do
	same_evicting -f 200 -a fifo --regions stack -- "$outside" $kind 4 0
	same_evicting -f 300 -a clock --regions all -- "$outside" $kind 4 0
	same_evicting -f 300 -a sieve --regions heap,stack -- "$outside" $kind 4 0 fork
	same_evicting --exact -f 300 -a nru --regions all -- "$outside" $kind 4 0
	same --regions all -- "$outside" $kind 4 0
done
