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
of_cache() { "$hffs" status --json "$hf" | python3 -c 'import json, sys; print(json.load(sys.stdin)["mounts"][0]["cache"][sys.argv[1]])' "$1"; }
[ "$(id -u)" = 0 ] || skip "run as root: the page cache is dropped"

# L7: nothing can be written.
mount_on_it
disk "write=5"
check write-fails cmp "$model/large.safetensors" "$large"
equal write-nothing-recorded "$(of_cache blobs)" 0
disk ""
forget_pages
check write-again cmp "$model/large.safetensors" "$large"

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
check part-umount-2 "$hffs" umount "$hf"

# L7: what was written cannot be made safe: it is not believed.
rm -rf "$hf.cache"
mount_on_it
disk "sync=5"
check sync-fails cmp "$model/large.safetensors" "$large"
failed() { [ "$(of_cache write_errors)" -ge 1 ]; }
check sync-failure-counted wait_for 10 failed
equal sync-nothing-sealed "$(of_cache blobs_sealed)" 0
disk ""
forget_pages
sealed() { [ "$(of_cache blobs_sealed)" = 1 ]; }
check sync-again cmp "$model/large.safetensors" "$large"
check sync-again-sealed wait_for 10 sealed
check sync-umount "$hffs" umount "$hf"
finish
