# SPDX-License-Identifier: Apache-2.0
# The kernel's own swap, for comparison: a swap device made for one measurement and taken away after it.
#
#   swap_available KIND   0, or says why this machine has none; KIND is zram (lzo-rle) or loop (a file in tmpfs, uncompressed)
#   swap_begin KIND MB    the device is the first choice for swapping from now on
#   swap_used_bytes       most memory that zram took for pages, compressed and with overhead, since swap_reset_used; 1: not zram
#   swap_end              swapoff, and the device is as it was found
#
# swap_end may be called at any time, also twice. Only an unused zram device is taken.
#
# The file of a loop device is in a tmpfs of its own, mounted with noswap. In /dev/shm the kernel may swap the file out to the device that
# it backs (something that reclaims cold pages did): reading it back waits for itself, and neither the program nor swapoff ever ends.
SWAP_DEVICE='' SWAP_KIND='' SWAP_DIR='' SWAP_ZRAM='' SWAP_OLD_ALGORITHM=''
SWAP_ALGORITHM=lzo-rle

unused_zram() {
	local sys device
	for sys in /sys/block/zram*; do
		device=/dev/${sys##*/}
		[ -b "$device" ] && [ "$(cat "$sys/disksize")" = 0 ] && ! grep -q "^$device " /proc/swaps /proc/mounts &&
			grep -qw "$SWAP_ALGORITHM" <(tr -d '[]' <"$sys/comp_algorithm") && { echo "${sys##*/}"; return; }
	done
	return 1
}

swap_available() {
	local tool
	[ "$(id -u)" = 0 ] || { echo "needs root"; return 1; }
	for tool in mkswap swapon swapoff; do
		command -v $tool >/dev/null || { echo "no $tool"; return 1; }
	done
	if [ "$1" = zram ]; then
		unused_zram >/dev/null || { echo "no unused zram device with $SWAP_ALGORITHM"; return 1; }
	else
		command -v losetup >/dev/null && losetup -f >/dev/null 2>&1 || { echo "no loop device"; return 1; }
	fi
}

swap_begin() { # 1 when it cannot
	local mb=$2 sys current
	SWAP_KIND=$1
	if [ "$1" = zram ]; then
		SWAP_ZRAM=$(unused_zram) || return 1
		sys=/sys/block/$SWAP_ZRAM
		current=$(sed 's/.*\[\(.*\)\].*/\1/' "$sys/comp_algorithm")
		if [ "$current" != $SWAP_ALGORITHM ]; then
			SWAP_OLD_ALGORITHM=$current
			echo $SWAP_ALGORITHM >"$sys/comp_algorithm"
		fi
		echo "${mb}M" >"$sys/disksize" || return 1
		SWAP_DEVICE=/dev/$SWAP_ZRAM
	else
		SWAP_DIR=$(mktemp -d) || return 1
		mount -t tmpfs -o "noswap,mode=700,size=$((mb + 1))M" vmm-bench "$SWAP_DIR" || return 1
		# Every page of the file exists beforehand: otherwise they would be charged to the group that swaps.
		dd if=/dev/zero of="$SWAP_DIR/swap" bs=1M count="$mb" status=none || return 1
		SWAP_DEVICE=$(losetup -f --show "$SWAP_DIR/swap") || return 1
	fi
	mkswap "$SWAP_DEVICE" >/dev/null 2>&1 && swapon -p 32767 "$SWAP_DEVICE"
}

swap_used_bytes() {
	[ "$SWAP_KIND" = zram ] && awk '{ print $5 }' "/sys/block/$SWAP_ZRAM/mm_stat"
}

swap_reset_used() {
	[ "$SWAP_KIND" != zram ] || echo 0 >"/sys/block/$SWAP_ZRAM/mem_used_max"
}

swap_end() {
	if [ -n "$SWAP_DEVICE" ] && grep -q "^$SWAP_DEVICE " /proc/swaps; then
		swapoff "$SWAP_DEVICE"
	fi
	if [ -n "$SWAP_ZRAM" ]; then
		echo 1 >"/sys/block/$SWAP_ZRAM/reset"
		[ -z "$SWAP_OLD_ALGORITHM" ] || echo "$SWAP_OLD_ALGORITHM" >"/sys/block/$SWAP_ZRAM/comp_algorithm"
	elif [ -n "$SWAP_DEVICE" ]; then
		losetup -d "$SWAP_DEVICE"
	fi
	if [ -n "$SWAP_DIR" ]; then
		umount "$SWAP_DIR" 2>/dev/null
		rmdir "$SWAP_DIR"
	fi
	SWAP_DEVICE='' SWAP_KIND='' SWAP_DIR='' SWAP_ZRAM='' SWAP_OLD_ALGORITHM=''
}
