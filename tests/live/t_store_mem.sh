# SPDX-License-Identifier: Apache-2.0
# Programs in a quarter of their memory, evicted pages in memory.
# timeout: 300
. "${0%/*}/lib.sh"
. "${0%/*}/stores.sh"
on_store mem
