# SPDX-License-Identifier: Apache-2.0
# memtester locks its memory and checks every pattern it knows.

prepare() { :; }

run() { paged memtester "$(full_or_quick 64M 16M)" 1; }
