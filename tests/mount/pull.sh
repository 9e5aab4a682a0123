#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs pull and hffs ls: in their own process and through a mount, patterns, going on after an end in the middle.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
source=$work/hub/org/model
on="endpoint=$endpoint,cache=$work/cache"
bytes=$(find "$source" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')

# In its own process; a mount made later has everything.
check pull "$hffs" pull org/model -o "$on"
equal pull-twice "$("$hffs" pull org/model -o "$on,offline" 2>/dev/null)" "$(find "$source" -type f | wc -l) files, $(awk -v n="$bytes" 'BEGIN { printf "%.1f MB", n / 1e6 }'): complete"
equal pull-quiet "$("$hffs" pull -q org/model -o "$on" 2>&1)" ""
hf=$work/hf
mkdir "$hf"
check mount-after-pull "$hffs" mount "$hf" -o "$on"
same_files files-after-pull "$hf/org/model/main/" "$source"
equal fetched-after-pull "$(counter "$hf" bytes_fetched)" 0
equal sealed-after-pull "$("$hffs" status --json "$hf" | sed -n 's/.*"blobs_sealed":\([0-9]*\).*/\1/p')" "$(find "$source" -type f -size +0 | wc -l)"

# Through the mount.
check pull-through-mount "$hffs" pull org/other -o "endpoint=$endpoint"
equal mount-has-it "$(counter "$hf" bytes_fetched)" "$(stat -c %s "$work/hub/org/other/file.bin")"
check pull-dataset "$hffs" pull datasets/org/data -o "endpoint=$endpoint"
refuses pull-no-match-through-mount 1 'no file of org/model matches' "$hffs" pull org/model '*.none' -o "endpoint=$endpoint"
refuses pull-unknown-through-mount 1 'org/nothing' "$hffs" pull org/nothing -o "endpoint=$endpoint"

# ls: both ways, the same.
"$hffs" ls -lR org/model -o "endpoint=$endpoint" >"$work/ls.mount" 2>&1
"$hffs" ls -lR org/model -o "endpoint=$endpoint,cache=$work/ls.cache" >"$work/ls.process" 2>&1
check ls-both-ways-alike diff "$work/ls.mount" "$work/ls.process"
equal ls-lists-all "$(grep -vc '/$' "$work/ls.process")" "$(find "$source" -type f | wc -l)"
equal ls-directory "$("$hffs" ls org/model:sub -o "$on,endpoint=$endpoint" 2>&1)" "deeper/"
equal ls-path-with-slash "$("$hffs" ls org/model/sub/deeper -o "$on" 2>&1 | tr '\n' ' ')" "er/ file.txt "
equal ls-file "$("$hffs" ls -l org/model@main:sub/deeper/file.txt -o "$on" 2>&1 | awk '{ print $1, $2 }')" "999 file.txt"
equal ls-human "$("$hffs" ls -lH org/model:three.bin -o "$on" 2>&1 | awk '{ print $1, $2 }')" "3.1 MB"
equal ls-org "$("$hffs" ls org -o "$on" 2>&1 | tr '\n' ' ')" "model other "
equal ls-org-in-process "$("$hffs" ls org -o "endpoint=$endpoint,cache=$work/ls.cache" 2>&1 | tr '\n' ' ')" "model other "
equal ls-datasets "$("$hffs" ls datasets/org -o "$on" 2>&1)" "data"
check umount "$hffs" umount "$hf"

# Patterns.
on="endpoint=$endpoint,cache=$work/cache2"
pulled() { "$hffs" pull org/model "$@" -o "$on" 2>&1 >/dev/null | sed -E 's/  [0-9.]+ [a-zA-Z]+$//' | sort | tr '\n' ' '; }
equal pattern-suffix "$(pulled '*.safetensors')" "large.safetensors "
equal pattern-matches-slash "$(pulled 'sub/*')" "sub/deeper/er/x sub/deeper/file.txt "
equal pattern-directory "$(pulled 'sub/deeper/er/')" "sub/deeper/er/x "
equal pattern-two "$(pulled one page)" "one page "

# Ended in the middle, by kill and by Ctrl-C: what came is kept, the next one goes on.
if [ -x "$hub_faulty" ]; then
	mkdir -p "$work/hub2/org/slow"
	head -c 40000000 /dev/urandom >"$work/hub2/org/slow/file.bin"
	serve_faulty "$work/hub2"
	control 'shape?total_bps=8000000' >/dev/null
	on="endpoint=$endpoint,cache=$work/cache3"
	"$hffs" pull org/slow -o "$on" >/dev/null 2>&1 &
	puller=$!
	sleep 2.5
	kill -9 "$puller"
	wait "$puller" 2>/dev/null
	got=$(control stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["bytes"]["cdn"])')
	check killed-in-the-middle test "$got" -lt 35000000
	"$hffs" pull org/slow -o "$on" >/dev/null 2>"$work/said" &
	puller=$!
	sleep 1
	kill -INT "$puller"
	wait "$puller"
	equal interrupted-exit $? 130
	check interrupted-says grep -q 'what came is kept' "$work/said"
	control 'shape?total_bps=0' >/dev/null
	check goes-on "$hffs" pull -q org/slow -o "$on"
	total=$(control stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["bytes"]["cdn"])')
	at_most goes-on-from-there "$total" $((40000000 + 24000000))
	mkdir "$work/slow"
	check mount-after-kill "$hffs" mount "$work/slow" -o "$on"
	check bytes-after-kill cmp "$work/slow/org/slow/main/file.bin" "$work/hub2/org/slow/file.bin"
	equal nothing-fetched-again "$(counter "$work/slow" bytes_fetched)" 0
	check umount-slow "$hffs" umount "$work/slow"

	# A mount that starts meanwhile gets the cache, and the pull goes on through it.
	on="endpoint=$endpoint,cache=$work/cache7"
	control 'shape?total_bps=8000000' >/dev/null
	"$hffs" pull org/slow -o "$on" >/dev/null 2>"$work/said" &
	puller=$!
	has_some() { [ "$(du -sm "$work/cache7" | cut -f 1)" -ge 6 ]; }
	check pull-has-begun wait_for 20 has_some
	check mount-during-a-pull "$hffs" mount "$work/slow" -o "$on"
	rate() { [ "$(counter "$work/slow" bytes_per_s)" -ge 1000000 ]; }
	check status-says-how-fast wait_for 10 rate
	control 'shape?total_bps=0' >/dev/null
	wait "$puller"
	equal handed-over-exit $? 0
	check handed-over-says grep -q 'a mount takes over the cache' "$work/said"
	all_here() { [ "$(counter "$work/slow" bytes_cached)" = 40000000 ]; }
	check handed-over-is-complete wait_for 10 all_here
	at_most handed-over-keeps "$(counter "$work/slow" bytes_fetched)" 36000000
	check handed-over-bytes cmp "$work/slow/org/slow/main/file.bin" "$work/hub2/org/slow/file.bin"
	check umount-handed-over "$hffs" umount "$work/slow"
	# One that would be of no use to it does not.
	on="endpoint=$endpoint,cache=$work/cache9"
	control 'shape?total_bps=8000000' >/dev/null
	"$hffs" pull -q org/slow -o "$on" &
	puller=$!
	has_some() { [ "$(du -sm "$work/cache9" | cut -f 1)" -ge 3 ]; }
	check pull-has-begun-3 wait_for 20 has_some
	refuses mount-of-another-hub 1 'process [0-9]+ uses the cache' "$hffs" mount "$work/slow" -o "$on,endpoint=http://127.0.0.1:1"
	refuses mount-of-one 1 'process [0-9]+ uses the cache' "$hffs" mount org/slow "$work/slow" -o "$on"
	refuses mount-offline 1 'process [0-9]+ uses the cache' "$hffs" mount "$work/slow" -o "$on,offline"
	control 'shape?total_bps=0' >/dev/null
	wait "$puller"
	equal pull-stays-exit $? 0
	# One that then cannot be made leaves it to the pull.
	on="endpoint=$endpoint,cache=$work/cache8"
	control 'shape?total_bps=8000000' >/dev/null
	"$hffs" pull -q org/slow -o "$on" 2>"$work/said" &
	puller=$!
	has_some() { [ "$(du -sm "$work/cache8" | cut -f 1)" -ge 6 ]; }
	check pull-has-begun-2 wait_for 20 has_some
	mkdir "$work/full" && touch "$work/full/file"
	refuses mount-over-files 1 'not empty' "$hffs" mount "$work/full" -o "$on"
	control 'shape?total_bps=0' >/dev/null
	wait "$puller"
	equal pull-goes-on-exit $? 0
	check pull-goes-on-is-here "$hffs" pull -q org/slow -o "$on,offline"

	# Wrong bytes: fetched once more; twice: said, and never called complete.
	on="endpoint=$endpoint,cache=$work/cache4"
	control 'fault?kind=flip&route=cdn&times=1' >/dev/null
	check pull-wrong-once "$hffs" pull -q org/slow -o "$on"
	check pull-wrong-once-is-here "$hffs" pull -q org/slow -o "$on,offline"
	control 'fault?kind=flip&route=cdn' >/dev/null
	refuses pull-wrong-twice 1 "file.bin: .*the Hub's" "$hffs" pull -q org/slow -o "endpoint=$endpoint,cache=$work/cache5"
	control clear >/dev/null

	# No room to keep them: said, in both ways.
	on="endpoint=$endpoint,cache=$work/cache6,cache_size=8M"
	refuses pull-no-room 1 'no room|larger than the cache' "$hffs" pull -q org/slow -o "$on"
	mkdir "$work/small"
	check mount-small "$hffs" mount "$work/small" -o "$on"
	refuses pull-no-room-through-mount 1 'no room|larger than the cache' "$hffs" pull -q org/slow -o "endpoint=$endpoint"
	check umount-small "$hffs" umount "$work/small"
fi
finish
