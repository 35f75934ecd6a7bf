# SPDX-License-Identifier: Apache-2.0
# Acceptance 4 for nru: the counts of a live run, the core and the model are equal at five sizes.
# timeout: 300
. "${0%/*}/exact.sh"
exact_policy nru mix 48 100 256 600 1000
