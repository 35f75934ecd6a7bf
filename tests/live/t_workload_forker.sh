# SPDX-License-Identifier: Apache-2.0
# Every way to make a process: each sees the memory it should (fork, nested, parallel, vfork, posix_spawn, raw clone, orphans).
# timeout: 300
. "${0%/*}/lib.sh"
forker=$(workload forker) || fail "cannot build"
same_evicting -f 400 -a fifo -- "$forker" -p 1024 -r 3
same_evicting -f 400 -a clock -- "$forker" -p 1024 -r 3
same_evicting -f 400 -a sieve -- "$forker" -p 600 -r 2
same_evicting -f 400 -a lru -- "$forker" -p 600 -r 2
same_evicting --exact -f 400 -a clock -- "$forker" -p 600 -r 2
same -a clock -- "$forker" -p 600 -r 2
