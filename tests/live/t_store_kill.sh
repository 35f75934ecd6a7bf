# SPDX-License-Identifier: Apache-2.0
# kill -9 of the pager while pages are being compressed, and while writes are under way: as t_kill_pager.sh.
# timeout: 300
. "${0%/*}/lib.sh"
. "$LIVE/kill_pager.sh"
vmm=$VMM
count=8
[ -z "${FULL-}" ] || count=50
for store in lz4 file:/dev/shm; do
	"$vmm" run -q -f 300 --store $store -- true 2>"$T/err" || { cat "$T/err"; continue; }
	printf '#!/bin/sh\nshift\nexec "%s" run --store %s "$@"\n' "$vmm" $store >"$T/vmm"
	chmod 755 "$T/vmm"
	VMM=$T/vmm
	kill_pager $count -c 2
done
