# SPDX-License-Identifier: Apache-2.0
# As sort1, with four threads.

. "${BASH_SOURCE%/*}/sort1.sh"

run() { paged sort --parallel=4 -S 1G "$INPUT/lines" | sha256sum; }
