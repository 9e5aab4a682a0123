#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pins: kept under a limit that evicts all else, through a daemon and without, listed, taken away; what can be wrong.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"
hf=$work/hf
mkdir "$hf"
cached() { getfattr --only-values -n user.hffs.cached "$1" 2>/dev/null; }

# Without a mount.
equal nothing-pinned "$("$hffs" pin -o "$on")" ""
equal pin-says "$("$hffs" pin org/model 'three.bin' -o "$on" | sed 's/of [0-9a-f]*/of COMMIT/')" "1 file of COMMIT, 3.1 MB: pinned"
check pin-more "$hffs" pin -q org/model@main '*.json' 'sub/' -o "$on"
check pin-dataset "$hffs" pin -q datasets/org/data -o "$on"
check pin-again "$hffs" pin -q datasets/org/data -o "$on"
listed() { "$hffs" pin -o "$1" | sed -E 's/  [0-9a-f]{12}  / COMMIT /'; }
equal pin-lists "$(listed "$on")" "datasets/org/data@main COMMIT 400.0 kB, 0 B here
org/model@main '*.json' 'sub/' COMMIT 1.0 kB, 0 B here
org/model@main 'three.bin' COMMIT 3.1 MB, 0 B here"
equal pin-fetches-nothing "$(find "$work/cache/blobs" -type f | wc -l)" 0
refuses pin-unknown 1 'org/nothing' "$hffs" pin org/nothing -o "$on"
refuses pin-no-match 1 'no file of org/model@main matches' "$hffs" pin org/model '*.none' -o "$on"
refuses pin-bad-pattern 1 "is not a pattern" "$hffs" pin org/model $'a\nb' -o "$on"
refuses pin-empty-pattern 1 "is not a pattern" "$hffs" pin org/model '' -o "$on"
refuses unpin-nothing 1 'org/other is not pinned' "$hffs" unpin org/other -o "$on"
refuses unpin-other-patterns 1 'not pinned with just these patterns' "$hffs" unpin org/model '*.json' -o "$on"
refuses pin-larger-than-cache 0 '3.5 MB are pinned, but the cache may hold 2.1 MB' "$hffs" pin -o "$on,cache_size=2M"

# A limit that holds the pins and little else: they stay, the rest comes and goes.
check pull-pinned "$hffs" pull -q org/model three.bin -o "$on,cache_size=8M"
check pull-data "$hffs" pull -q datasets/org/data -o "$on,cache_size=8M"
"$hffs" pull -q org/model large.safetensors -o "$on,cache_size=8M" >/dev/null 2>&1
"$hffs" pull -q org/other -o "$on,cache_size=8M" >/dev/null 2>&1
check mount "$hffs" mount "$hf" -o "$on,cache_size=8M"
for pass in 1 2 3; do
	cat "$hf/org/model/main/large.safetensors" "$hf/org/other/main/file.bin" >/dev/null
done
cat "$hf/org/model/main/one" >/dev/null
fetched=$(counter "$hf" bytes_fetched)
check pinned-is-right cmp "$hf/org/model/main/three.bin" "$work/hub/org/model/three.bin"
check pinned-data-is-right cmp "$hf/datasets/org/data/main/train.jsonl" "$work/hub/datasets/org/data/train.jsonl"
equal pinned-was-kept "$(counter "$hf" bytes_fetched)" "$fetched"
at_most all-else-was-evicted "$(counter "$hf" bytes_cached)" $((8 * 1048576 + 1048576))

# Through the daemon: the same verbs; a second process cannot open its cache, and need not.
equal pin-lists-through-daemon "$(listed "endpoint=$endpoint" | head -n 1)" "datasets/org/data@main COMMIT 400.0 kB, 400.0 kB here"
check unpin-through-daemon "$hffs" unpin -q org/model three.bin -o "endpoint=$endpoint"
check pin-through-daemon "$hffs" pin -q org/model page -o "endpoint=$endpoint"
refuses pin-unknown-through-daemon 1 'org/nothing' "$hffs" pin org/nothing -o "endpoint=$endpoint"
equal status-has-pinned "$(counter "$hf" bytes_pinned)" "$((400000 + 999 + 5 + 23 + 4096))"
check still-same-through-cache-option "$hffs" pin -o "$on"
drop_pages() { [ "$(id -u)" = 0 ] && echo 3 >/proc/sys/vm/drop_caches; }
evict_unpinned() { # what was used in one second is of one age
	drop_pages
	cat "$hf/org/model/main/large.safetensors" "$hf/org/other/main/file.bin" >/dev/null
	[ "$(cached "$hf/org/model/main/three.bin")" = 0 ]
}
if [ "$(id -u)" = 0 ]; then check unpinned-is-evicted wait_for 20 evict_unpinned; fi
check unpinned-is-right cmp "$hf/org/model/main/three.bin" "$work/hub/org/model/three.bin"
check umount "$hffs" umount "$hf"

# They outlive the daemon, also one that is killed.
check mount-again "$hffs" mount "$hf" -o "$on,cache_size=8M"
check pin-before-kill "$hffs" pin -q org/other -o "endpoint=$endpoint"
kill_daemon "$hf"
check umount-dead "$hffs" umount "$hf"
equal pins-after-kill "$(listed "$on" | grep -c .)" 4
check unpin-repo "$hffs" unpin -q org/model -o "$on"
equal unpin-repo-took-all "$(listed "$on" | sed 's/ .*//' | tr '\n' ' ')" "datasets/org/data@main org/other@main "
check unpin-revision "$hffs" unpin -q datasets/org/data@main -o "$on"
refuses unpin-revision-again 1 'is not pinned' "$hffs" unpin -q datasets/org/data@main -o "$on"

# A mount that says that more is pinned than fits.
check mount-too-small "$hffs" mount "$hf" -o "$on,cache_size=1M,log=$work/small.log"
check too-small-is-told grep -q 'bytes are pinned, but the cache may hold 1048576' "$work/small.log"
check umount-too-small "$hffs" umount "$hf"
finish
