# SPDX-License-Identifier: Apache-2.0
# One mremap of more than 64 mappings: those behind the 64th used to stay behind.
. "${0%/*}/lib.sh"
p=$(program moves_many) || fail "cannot build"
same_evicting -f 300 -a fifo -- "$p"
same -- "$p"
