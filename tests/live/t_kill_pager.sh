# SPDX-License-Identifier: Apache-2.0
# Acceptance 5: kill -9 of the pager at random moments. The target is dead within a second, no process remains, and each
# process printed a prefix of its native output. 20 times, 100 with FULL=1.
# timeout: 600
. "${0%/*}/lib.sh"
. "$LIVE/kill_pager.sh"
kill_pager "${FULL:+100}" -c 2
