# SPDX-License-Identifier: Apache-2.0
# A program that loads and unloads shared objects.
. "${0%/*}/lib.sh"
loads=$(program loads) plugin=$(special plugin.so plugin.c -shared -fPIC) || fail "cannot build"
for policy in fifo clock sieve; do
	same_evicting -f 300 -a $policy -- "$loads" "$plugin"
done
same_evicting --exact -f 300 -a clock --regions heap,anon,stack -- "$loads" "$plugin"
