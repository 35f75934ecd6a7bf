#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# docs.sh - docs/run.md explains every option of `vmm run`, and no other. Needs a built vmm in $BIN.
cd "$(dirname "$0")/.." || exit 1
vmm=${BIN:-bin}/vmm
exists=$("$vmm" help run | sed -nE 's/^ +(-[a-z], |    )?(--[a-z-]+).*/\2/p' | LC_ALL=C sort)
explained=$(sed -nE 's/^`(-[a-z], )?(--[a-z-]+).*/\2/p' docs/run.md | LC_ALL=C sort)
[ -n "$exists" ] && [ "$exists" = "$explained" ] && exit 0
echo "docs/run.md explains: $(echo $explained)"
echo "vmm help run lists:   $(echo $exists)"
exit 1
