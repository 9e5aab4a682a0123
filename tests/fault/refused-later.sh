#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# L7: the page cache takes what the disk refuses when it is written back. Such a disk is made of a file on a file system that is too small
# for it. disk.c, preloaded, keeps hffs from writing past the page cache, where it would hear of it at once.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
disk=$build/disk-faulty.so
[ -e "$disk" ] || skip "there is no $disk"
[ "$(id -u)" = 0 ] || skip "run as root: it mounts, and drops the page cache"
make_hub "$work/hub"
large=$work/hub/org/model/huge.bin # so large that reading some of it does not bring all: a proof would find out
head -c 200000000 /dev/urandom >"$large"
serve "$work/hub"
hf=$work/hf
model=$hf/org/model/main
export HFFS_TEST_DISK=$work/disk
echo "no-direct=1" >"$HFFS_TEST_DISK"

# The data files are on it, and the index is not.
blobs=$hf.cache/blobs
mkdir -p "$work/small" "$blobs"
chmod 700 "$hf.cache"
mount -t tmpfs -o size=8M tmpfs "$work/small"
truncate -s 300M "$work/small/image"
mkfs.ext4 -q -O ^has_journal -E nodiscard "$work/small/image" || skip "there is no mkfs.ext4"
mount -o loop,errors=continue "$work/small/image" "$blobs" || skip "this machine has no loop devices"
chmod 700 "$blobs"

LD_PRELOAD=$disk must_mount "$hf"
head -c 15000000 "$model/huge.bin" >/dev/null
sleep 12 # until memory has given its chunks back
sync "$blobs"/*/* 2>/dev/null # it may have been told already
echo 3 >/proc/sys/vm/drop_caches
check what-it-refused-is-not-read-from-it cmp -n 15000000 "$model/huge.bin" "$large"
check it-is-said grep -q "the disk did not take blob" "$hf.log"
check counted [ "$(of_cache "$hf" write_errors)" -ge 1 ]
check read-all cmp "$model/huge.bin" "$large"
equal nothing-is-sealed "$(of_cache "$hf" blobs_sealed)" 0
equal no-error "$("$hffs" status --json "$hf" | grep -o '"last_error":[^,]*')" '"last_error":null'

# Once the disk takes everything, so does the cache; what the kernel has is asked for again. By another daemon: this one passes the disk by
# for a minute after each third failure, and how many of those fall into which minute is chance.
check umount-of-the-refused "$hffs" umount "$hf"
mount -o remount,size=400M "$work/small"
LD_PRELOAD=$disk must_mount "$hf"
sealed() { echo 3 >/proc/sys/vm/drop_caches; cmp "$model/huge.bin" "$large" && [ "$(of_cache "$hf" blobs_sealed)" = 1 ]; }
check kept-at-last wait_for 90 sealed
echo 3 >/proc/sys/vm/drop_caches
check read-what-is-kept cmp "$model/huge.bin" "$large"
check umount "$hffs" umount "$hf"
umount "$blobs"
umount "$work/small"
finish
