# SPDX-License-Identifier: Apache-2.0
# Programs in a quarter of their memory, evicted pages in a file; none is left behind, and no file of anybody's is touched.
# timeout: 500
. "${0%/*}/lib.sh"
. "${0%/*}/stores.sh"
mkdir "$T/disk"
"$VMM" run -q -f 300 --store "file:$T/disk" -- true 2>"$T/err" || skip "$(head -n 1 "$T/err")"
on_store "file:$T/disk"
[ -z "$(ls -A "$T/disk")" ] || fail "something was left in the directory"
[ ! -w /dev/shm ] || faults_on file:/dev/shm
# A path that is free, of a run that is killed.
paged free -q -f 300 --store "file:$T/disk/pages" -- sh -c 'kill -9 $$'
[ "$(cat "$T/free.status")" = 137 ] || fail "status $(cat "$T/free.status") of a killed program"
[ -z "$(ls -A "$T/disk")" ] || fail "a file was left behind"
echo precious >"$T/disk/mine"
paged mine -f 300 --store "file:$T/disk/mine" -- true
[ "$(cat "$T/mine.status")" = 125 ] && grep -q 'would be overwritten' "$T/mine.err" || { show "$T/mine.err"; fail "a file was taken for the store"; }
[ "$(cat "$T/disk/mine")" = precious ] || fail "a file was overwritten"
# A device: only one that begins with zeros, and that part stays as it is.
truncate -s 64M "$T/image"
device=$(losetup --find --show "$T/image" 2>/dev/null) || { echo "no loop device: not tested on a block device"; exit 0; }
trap 'losetup -d "$device"' EXIT
random=$BIN/bench/random_fault
paged device -f 1024 --checksum --store "file:$device" -- "$random" -m 16 -n 20000 -b
[ "$(cat "$T/device.status")" = 0 ] || { show "$T/device.err"; fail "on a block device"; }
stored_something "$T/device.json" "file:$device"
head -c 1M "$T/image" | cmp -s - <(head -c 1M /dev/zero) || fail "the first MiB of the device was written"
printf 'EFI PART' | dd of="$device" bs=512 seek=1 conv=notrunc,fsync status=none
paged used -f 300 --store "file:$device" -- true
[ "$(cat "$T/used.status")" = 125 ] && grep -q 'seems to hold data' "$T/used.err" || { show "$T/used.err"; fail "a device with a partition table was taken"; }
