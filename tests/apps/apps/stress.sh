# SPDX-License-Identifier: Apache-2.0
# stress-ng checks its own memory with every method it has.

prepare() { :; }

run() {
	paged stress-ng --vm 2 --vm-bytes "$(full_or_quick 96M 32M)" --vm-method all --verify --temp-path . \
		-t "$(full_or_quick 60s 10s)"
}
