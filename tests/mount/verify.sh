#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# verify and gc: what is proven, wrong, in part and absent; exit codes as of fsck; through a daemon and without; nothing right is lost.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"
hf=$work/hf
mkdir "$hf"
lock=$work/hub.lock
data_file() { local sum; sum=$(sha256sum "$1" | cut -c 1-64); echo "$work/cache/blobs/${sum:0:2}/$sum"; }
# spoil FILE OFFSET: one byte of a data file changes, behind everybody's back.
spoil() {
	local mode
	mode=$(stat -c %a "$1")
	chmod 600 "$1"
	python3 -c 'import os,sys; fd = os.open(sys.argv[1], os.O_RDWR); at = int(sys.argv[2]); os.pwrite(fd, bytes([os.pread(fd, 1, at)[0] ^ 1]), at)' "$1" "$2"
	chmod "$mode" "$1"
}

# Nothing, a part, all.
equal verify-empty "$("$hffs" verify -o "$on")" "0 files proven (0 B), 0 here in part, 0 not here, 0 wrong and dropped, 0 wrong and left"
equal verify-absent "$("$hffs" verify org/model -o "$on")" "0 files proven (0 B), 0 here in part, 13 not here, 0 wrong and dropped, 0 wrong and left"
refuses verify-incomplete 4 'three.bin: is not here' "$hffs" verify -c org/model three.bin -o "$on"
check pull "$hffs" pull -q org/model -o "$on"
check mount "$hffs" mount "$hf" -o "$on"
head -c 300000 "$hf/org/other/main/file.bin" >/dev/null
check verify-through-daemon "$hffs" verify -q org/model -o "endpoint=$endpoint"
refuses verify-part-through-daemon 0 '0 files proven .* 1 here in part' "$hffs" verify org/other -o "endpoint=$endpoint"
check lock-through-daemon "$hffs" pin -q --lock "$lock" org/model -o "endpoint=$endpoint"
refuses gc-through-daemon 0 'a daemon has the cache' "$hffs" gc -o "endpoint=$endpoint"
check umount "$hffs" umount "$hf"
equal verify-all "$("$hffs" verify org/model -o "$on")" "13 files proven ($(find "$work/hub/org/model" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%.1f MB", n / 1e6 }')), 0 here in part, 0 not here, 0 wrong and dropped, 0 wrong and left"
refuses verify-part 0 'here in part' "$hffs" verify org/other -o "$on"
refuses verify-part-complete 4 'file.bin: is here only in part: [0-9]+ of 5242880 bytes' "$hffs" verify --complete org/other -o "$on"
check verify-lock "$hffs" verify --complete "$lock" -o "$on,offline"
check verify-everything "$hffs" verify -q -o "$on"
check verify-offline "$hffs" verify -q org/model -o "$on,offline"

# Decay, seen by nobody else: found, left, dropped, fetched again.
large=$(data_file "$work/hub/org/model/large.safetensors")
spoil "$large" 10000000
refuses decay-is-left 4 'large.safetensors: 262144 bytes have changed on disk$' "$hffs" verify -n org/model -o "$on"
refuses decay-is-left-again 4 'changed on disk' "$hffs" verify --no "$lock" -o "$on"
refuses decay-is-dropped 1 'large.safetensors: 262144 bytes have changed on disk: dropped' "$hffs" verify org/model -o "$on"
refuses then-it-is-not-here 0 '12 files proven .* 1 not here' "$hffs" verify org/model -o "$on"
check fetched-again "$hffs" pull -q org/model -o "$on"
check verify-after-decay "$hffs" verify -cq "$lock" -o "$on"

# Decay through a daemon: readers get right bytes after it.
check mount-for-decay "$hffs" mount "$hf" -o "$on"
head -c 1 "$hf/org/model/main/three.bin" >/dev/null
spoil "$(data_file "$work/hub/org/model/three.bin")" 2000000
refuses decay-through-daemon 1 'three.bin: .* dropped' "$hffs" verify -q org/model -o "endpoint=$endpoint"
[ "$(id -u)" = 0 ] && echo 3 >/proc/sys/vm/drop_caches
check right-again cmp "$hf/org/model/main/three.bin" "$work/hub/org/model/three.bin"
check verify-after-all "$hffs" verify -q org/model -o "endpoint=$endpoint"
check umount-after-decay "$hffs" umount "$hf"
if [ -x "$hub_faulty" ]; then # the Hub lies: its own bytes are not what it names
	honest=$endpoint
	serve_faulty "$work/hub"
	control 'fault?kind=flip&route=cdn' >/dev/null
	"$hffs" pull -q org/other -o "endpoint=$endpoint,cache=$work/liar" >/dev/null 2>&1
	check nothing-false-is-kept "$hffs" verify -q -o "endpoint=$endpoint,cache=$work/liar"
	control clear >/dev/null
	endpoint=$honest
fi

# A lock that lies of content that is here.
sed '/"page"/s/"digest": "git-sha1:[0-9a-f]*"/"digest": "git-sha1:8237732728f4e22621dbd5653ddf21757c08cbd4"/' "$lock" >"$work/lie.lock"
refuses lie-is-not-here 4 'page: is not here' "$hffs" verify -c "$work/lie.lock" -o "$on"

# Wrong usage and what cannot be looked at.
refuses verify-bad-option 16 "'--frob'" "$hffs" verify --frob
refuses verify-bad-repo 16 'a/b/c' "$hffs" verify a/b/c -o "$on"
refuses verify-bad-setting 16 "'ref_ttl'|ref_ttl" "$hffs" verify -o ref_ttl=never
refuses verify-lock-with-glob 16 'takes no GLOB' "$hffs" verify "$lock" '*' -o "$on"
refuses verify-no-lock 8 "cannot read the lock file ./none" "$hffs" verify ./none -o "$on"
head -c 300 "$lock" >"$work/half.lock"
refuses verify-half-lock 8 'half.lock cannot be used' "$hffs" verify "$work/half.lock" -o "$on"
refuses verify-unknown 8 'org/nothing' "$hffs" verify org/nothing -o "$on"
refuses verify-bad-cache 8 '/proc/cache' "$hffs" verify -o "cache=/proc/cache"

# gc: what nobody knows, and the limits now.
mkdir -p "$work/cache/blobs/aa"
head -c 1000000 /dev/urandom >"$work/cache/blobs/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
head -c 1000 /dev/urandom >"$work/cache/blobs/aa/stranger"
refuses gc-dry 0 '2 files that nobody knows, 1.0 MB$' "$hffs" gc --dry-run -o "$on"
check gc-dry-changes-nothing test -e "$work/cache/blobs/aa/stranger" -a -e "$work/cache/blobs/aa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
refuses gc-removes 0 '2 files that nobody knows, 1.0 MB: removed' "$hffs" gc -o "$on"
equal gc-removed "$(find "$work/cache/blobs/aa" -type f | grep -cE 'stranger|aaaa$')" 0
check gc-keeps-the-rest "$hffs" verify -cq "$lock" -o "$on"
check pin-for-gc "$hffs" pin -q org/model three.bin -o "$on"
refuses gc-dry-limit 0 '[0-9.]+ MB would be evicted' "$hffs" gc -n -o "$on,cache_size=4M"
check gc-dry-evicts-nothing "$hffs" verify -cq "$lock" -o "$on"
refuses gc-limit 0 '[0-9.]+ MB evicted, 3.[0-9] MB are cached' "$hffs" gc -o "$on,cache_size=4M"
check gc-keeps-pins "$hffs" verify -cq org/model three.bin -o "$on,offline"
refuses gc-below-pins 0 'still more than the limit: the rest is pinned' "$hffs" gc -o "$on,cache_size=1M"
check gc-keeps-pins-all-the-same "$hffs" verify -cq org/model three.bin -o "$on,offline"
check pull-for-daemon "$hffs" pull -q org/model -o "$on"
check mount-for-gc "$hffs" mount "$hf" -o "$on"
refuses gc-limit-of-daemon 0 '[0-9.]+ MB evicted' "$hffs" gc -o "endpoint=$endpoint,cache_size=4M"
at_most gc-of-daemon-evicted "$(counter "$hf" bytes_cached)" 4194304
check reads-after-gc cmp "$hf/org/model/main/large.safetensors" "$work/hub/org/model/large.safetensors"
check umount-after-gc "$hffs" umount "$hf"
refuses gc-bad-argument 2 "'x' is too much" "$hffs" gc x
refuses gc-quiet 0 '' "$hffs" gc -q -o "$on"
finish
