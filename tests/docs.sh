#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# docs.sh - docs/COMMAND.md explains every option of `vmm COMMAND`, and no other. Needs a built vmm in $BIN.
cd "$(dirname "$0")/.." || exit 1
vmm=${BIN:-bin}/vmm
status=0
for command in run sim mrc; do
	exists=$("$vmm" help $command | sed -nE 's/^ +(-[a-z], |    )?(--[a-z-]+).*/\2/p' | LC_ALL=C sort)
	explained=$(sed -nE 's/^`(-[a-z], )?(--[a-z-]+).*/\2/p' docs/$command.md | LC_ALL=C sort)
	[ -n "$exists" ] && [ "$exists" = "$explained" ] && continue
	echo "docs/$command.md explains: $(echo $explained)"
	echo "vmm help $command lists:   $(echo $exists)"
	status=1
done
exit $status
