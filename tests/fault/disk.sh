#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The cache's disk fails: readers get the right bytes all the same. disk.c, preloaded, is that disk.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
disk=$build/disk-faulty.so
[ -e "$disk" ] || skip "there is no $disk"
make_hub "$work/hub"
serve "$work/hub"
hf=$work/hf
model=$hf/org/model/main
large=$work/hub/org/model/large.safetensors
export HFFS_TEST_DISK=$work/disk
# disk WORDS: what it does from now on.
disk() { echo "$1" >"$HFFS_TEST_DISK"; }
mount_on_it() {
	disk ""
	LD_PRELOAD=$disk must_mount "$hf" "$@"
}
forget_pages() { sync; echo 3 >/proc/sys/vm/drop_caches; }
sealed() { [ "$(of_cache "$hf" blobs_sealed)" = "${1:-1}" ]; }
[ "$(id -u)" = 0 ] || skip "run as root: the page cache is dropped"

# L7: nothing can be written.
mount_on_it
disk "write=5"
check write-fails cmp "$model/large.safetensors" "$large"
equal write-nothing-recorded "$(of_cache "$hf" blobs)" 0
# Nothing is fetched so far ahead that it is gone before its reader comes.
at_most write-fails-is-fetched-once "$(counter "$hf" bytes_fetched)" 25000000
disk ""
forget_pages
check write-again cmp "$model/large.safetensors" "$large"
check write-again-sealed wait_for 10 sealed
equal write-said-once "$(grep -c 'takes nothing' "$hf.log")" 1

# L6: what was written cannot be read: fetched again.
forget_pages
disk "read=5"
check read-fails cmp "$model/large.safetensors" "$large"
check read-fails-part cmp -n 5000 "$model/three.bin" "$work/hub/org/model/three.bin"
disk ""
forget_pages
check read-again cmp "$model/large.safetensors" "$large"
equal read-no-error "$("$hffs" status --json "$hf" | grep -o '"last_error":[^,]*')" '"last_error":null'
check umount "$hffs" umount "$hf"

# L6, of a part, which is not sealed and was not read in this run; by reading and by mapping.
rm -rf "$hf.cache"
mount_on_it
head -c 9000000 "$model/large.safetensors" >/dev/null
check part-umount "$hffs" umount "$hf"
mount_on_it
disk "read=5"
check part-fails cmp -n 9000000 "$model/large.safetensors" "$large"
disk ""
forget_pages
head -c 9000000 "$model/large.safetensors" >/dev/null
forget_pages
disk "read=5"
check part-fails-mapped python3 - "$model/large.safetensors" "$large" <<'END'
import mmap, sys
files = [open(name, "rb") for name in sys.argv[1:]]
got, want = (mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) for f in files)
assert got[:9000000] == want[:9000000]
END
disk ""
check part-fails-is-passed-by grep -q "does not give back what it has: it is passed by" "$hf.log"
check part-umount-2 "$hffs" umount "$hf"

# L7: what was written cannot be made safe: it is not believed.
rm -rf "$hf.cache"
mount_on_it
disk "sync=5"
check sync-fails cmp "$model/large.safetensors" "$large"
failed() { [ "$(of_cache "$hf" write_errors)" -ge 1 ]; }
check sync-failure-counted wait_for 10 failed
equal sync-nothing-sealed "$(of_cache "$hf" blobs_sealed)" 0
disk ""
forget_pages
check sync-again cmp "$model/large.safetensors" "$large"
check sync-again-sealed wait_for 10 sealed
check sync-umount "$hffs" umount "$hf"

# A small file that only memory has is written when the disk takes it again, without anybody reading it.
rm -rf "$hf.cache"
mount_on_it
disk "write=5"
cat "$model/config.json" "$model/one" >/dev/null
disk ""
check small-files-are-kept-at-last wait_for 10 sealed 2
check small-umount "$hffs" umount "$hf"

# Half a second for each call is no trouble, but who reads does not wait until 80 chunks are written.
rm -rf "$hf.cache"
mount_on_it
disk "write-ms=500"
start=$SECONDS
check lazy-disk-reads cmp -n 20000000 "$model/large.safetensors" "$large"
at_most lazy-disk-holds-nobody-up $((SECONDS - start)) 5
disk ""
check lazy-disk-umount "$hffs" umount "$hf"

# L21: the disk takes three seconds for each call.
rm -rf "$hf.cache"
mount_on_it deadline=10s
head -c 9000000 "$model/large.safetensors" >/dev/null
recorded() { [ "$(of_cache "$hf" blobs)" -ge 1 ]; }
wait_for 10 recorded
forget_pages
disk "write-ms=3000 read-ms=3000"
start=$SECONDS
check slow-large cmp "$hf/org/other/main/file.bin" "$work/hub/org/other/file.bin"
check slow-large-of-both cmp "$model/large.safetensors" "$large"
check slow-names ls "$hf/datasets/org/data/main/"
at_most slow-is-passed-by $((SECONDS - start)) 15
said() { grep -q 'takes more than 2 s' "$hf.log"; }
check slow-is-said wait_for 10 said
equal slow-said-once "$(grep -c 'takes more than 2 s' "$hf.log")" 1
equal slow-no-error "$("$hffs" status --json "$hf" | grep -o '"last_error":[^,]*')" '"last_error":null'
disk ""
kept() { cmp "$model/large.safetensors" "$large" && sealed 2; }
check slow-is-over wait_for 30 kept
check slow-umount "$hffs" umount "$hf"

# Also where nobody writes, and all that is asked for is on the disk.
rm -rf "$hf.cache"
mount_on_it deadline=10s
head -c 9000000 "$model/large.safetensors" >/dev/null
wait_for 10 recorded
sleep 12 # until memory has given its chunks back
forget_pages
disk "read-ms=3000"
start=$SECONDS
check slow-reads cmp -n 9000000 "$model/large.safetensors" "$large"
at_most slow-reads-are-passed-by $((SECONDS - start)) 25 # 54 where nobody notices
said_again() { [ "$(grep -c 'takes more than 2 s' "$hf.log")" = 2 ]; }
check slow-reads-said wait_for 10 said_again
disk ""
check slow-reads-umount "$hffs" umount "$hf"

# L12: locks that keep nobody out. It is said, and nothing else is different.
equal locks-nothing-said "$(grep -c 'locks have no effect' "$hf.log")" 0
disk "no-locks=1"
LD_PRELOAD=$disk must_mount "$hf"
check locks-reads cmp "$model/three.bin" "$work/hub/org/model/three.bin"
equal locks-said "$(grep -c 'locks have no effect' "$hf.log")" 1
check locks-umount "$hffs" umount "$hf"

# L9: the cache is removed while it is used. What is read is right, and the log says that it is not kept.
mount_on_it
head -c 1000000 "$model/large.safetensors" >/dev/null
rm -rf "$hf.cache"
check removed-reads cmp "$model/large.safetensors" "$large"
check removed-reads-others cmp "$hf/org/other/main/file.bin" "$work/hub/org/other/file.bin"
check removed-is-said grep -q 'takes nothing' "$hf.log"
check removed-umount "$hffs" umount "$hf"
mount_on_it
check removed-begins-anew cmp "$model/large.safetensors" "$large"
check removed-umount-2 "$hffs" umount "$hf"
finish
