# SPDX-License-Identifier: Apache-2.0
# More pages leave the window at once than one command takes, in a child that has no agent yet: none of them may be forgotten.
. "${0%/*}/lib.sh"
forker=$(workload forker) || fail "cannot build"
same -f 4000 -a lru --window 64 --exact -- "$forker" -p 400 -r 2
