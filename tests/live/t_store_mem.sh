# SPDX-License-Identifier: Apache-2.0
# Evicted pages in memory, as in most other tests; with FULL=1 the programs of the other stores too.
# timeout: 300
. "${0%/*}/lib.sh"
. "${0%/*}/stores.sh"
if [ -n "${FULL-}" ]; then on_store mem; else faults_on mem; fi
