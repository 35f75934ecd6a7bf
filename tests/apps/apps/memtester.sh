# SPDX-License-Identifier: Apache-2.0
# memtester locks its memory and checks every pattern it knows: some 2,400 passes over all of it, each of which faults
# on every page when there is less memory than it wants. A quick run leaves out those with many patterns, but one.

prepare() { :; }

run() {
	[ "$SCALE" = full ] || export MEMTESTER_TEST_MASK=0x181ff
	paged memtester "$(full_or_quick 64M 16M)" 1
}
