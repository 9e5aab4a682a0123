#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pause that one process was told is kept by others: by the next one with the same cache, and by a mount beside it that has another.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
make_hub "$work/hub"
serve_faulty "$work/hub"
requests() { control stats | python3 -c 'import json, sys; r = json.load(sys.stdin)["requests"]; print(r["total"])'; }
one=endpoint=$endpoint,cache=$work/one.cache,deadline=2s
export HFFS_CACHE=$work/user-cache # what the settings of the user name; nobody makes it
refuse() { control "fault?kind=status&arg=429&times=1&retry_after=$1" >/dev/null; }

# The first is told to wait for 15 minutes, which is longer than it has; it ends. The second asks nothing.
refuse 900
refuses told 1 'limit|429|too many' "$hffs" ls -o "$one" org/model
equal told-by-one-request "$(requests)" 1
equal kept-private "$(stat -c %a "$work/one.cache/pauses")" 600
equal no-token-in-it "$(grep -c 'hf_' "$work/one.cache/pauses")" 0
refuses kept-by-the-next 1 'rate limit asks to wait' "$hffs" ls -o "$one" org/model
refuses kept-by-a-pull 1 'rate limit asks to wait' "$hffs" pull -o "$one" org/model
equal nobody-asked "$(requests)" 1
# What is spoiled, or says more than an hour, is no pause.
echo spoiled >"$work/one.cache/pauses"
check spoiled-is-none "$hffs" ls -o "$one" org/model
refuse 100000
refuses told-too-much 1 . "$hffs" ls -o "$one,ref_ttl=0" org/other
left=$(python3 -c 'import json, sys, time; print(int(json.load(open(sys.argv[1]))["pauses"][0]["until_ms"] / 1000 - time.time()))' "$work/one.cache/pauses")
at_most an-hour-at-most "$left" 3600
check an-hour-all-the-same test "$left" -gt 3500
rm "$work/one.cache/pauses"

# A short one is waited out, and then the answer comes.
refuse 3
"$hffs" ls -o "$one,ref_ttl=0" org/other >/dev/null 2>&1 &
first=$!
pids+=("$first")
wait_for 5 test -e "$work/one.cache/pauses"
{ kill -9 "$first" && wait "$first"; } 2>/dev/null # it has told it by then
before=$(requests) start=$(date +%s%N)
check waited-out "$hffs" ls -o "$one" org/other
check really-waited test $((($(date +%s%N) - start) / 1000000)) -ge 2000
check asked-after-it test "$(requests)" -gt "$before"

# A mount beside, with a cache of its own: both share through the cache that the user's settings name, once it exists.
equal nothing-made-for-it "$([ -e "$HFFS_CACHE" ]; echo $?)" 1
mkdir "$HFFS_CACHE"
must_mount "$work/hf" ref_ttl=0
ls "$work/hf/org/model/main/" >/dev/null
sleep 2.1 # it has looked, and will have to look again
refuse 3
"$hffs" ls -o "$one,ref_ttl=0" org/other >/dev/null 2>&1 &
first=$!
pids+=("$first")
wait_for 5 test -e "$HFFS_CACHE/pauses"
{ kill -9 "$first" && wait "$first"; } 2>/dev/null
before=$(requests)
ls "$work/hf/org/other/main/" >/dev/null &
reader=$!
sleep 1.5
equal mount-beside-asks-nothing "$(requests)" "$before"
check mount-beside-says-it test "$(counter "$work/hf" pause_ms)" -gt 0
wait "$reader"
equal mount-beside-goes-on $? 0
check mount-beside-asked test "$(requests)" -gt "$before"
check umount "$hffs" umount "$work/hf"
finish
