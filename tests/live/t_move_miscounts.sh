# SPDX-License-Identifier: Apache-2.0
# A page that UFFDIO_MOVE has moved without counting it (Linux 6.18) is found again: it is neither lost nor left in staging.
. "${0%/*}/lib.sh"
p=$(program move_miscounts) || fail "cannot build"
"$p"
