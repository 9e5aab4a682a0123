#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the Hub may expect of a client: connections are few and kept, a 429 stops everything that goes to its host, and a host in
# trouble is asked by one request at a time, which finds out soon that it is over.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
make_hub "$work/hub"
head -c 140000000 /dev/urandom >"$work/hub/org/other/many.bin"
serve_faulty "$work/hub"
stat_of() { control stats | python3 -c 'import functools, json, sys; print(functools.reduce(lambda o, k: o[k], sys.argv[1:], json.load(sys.stdin)))' "$@"; }
# In one question, because pauses are short.
requests_of() { control stats | python3 -c 'import json, sys; r = json.load(sys.stdin)["requests"]; print(*(r[b] for b in sys.argv[1:]))' "$@"; }
cat >"$work/read.py" <<'END'
import os, random, sys, threading
got, want = open(sys.argv[1], "rb", 0), open(sys.argv[2], "rb")
places = [i * 262144 for i in range(500)]
random.Random(1).shuffle(places)
wrong = []

def reader(mine):
    for place in mine:
        if os.pread(got.fileno(), 4096, place) != os.pread(want.fileno(), 4096, place):
            wrong.append(place)

threads = [threading.Thread(target=reader, args=(places[i::16],)) for i in range(16)]
for t in threads: t.start()
for t in threads: t.join()
print("wrong:", wrong)
END

# 500 ranges by 16 threads, and listings meanwhile, over at most 8 connections. The tests' own control has one more.
must_mount "$work/few" connections=8
ls "$work/few/org/other/main/" >/dev/null
control 'shape?delay_ms=5' >/dev/null
control reset >/dev/null
(for _ in 1 2 3 4 5; do ls "$work/few/org/model/main/" "$work/few/datasets/org/data/refs/" "$work/few/spaces/org/app/main/"; done) >/dev/null &
lister=$!
equal many-ranges "$(python3 "$work/read.py" "$work/few/org/other/main/many.bin" "$work/hub/org/other/many.bin")" "wrong: []"
wait "$lister"
check ranges-are-many test "$(stat_of requests cdn)" -ge 300
at_most connections-within-the-limit "$(stat_of open_most)" 9
at_most connections-are-kept "$(stat_of connections)" 24
equal nothing-was-refused "$(stat_of refused total)" 0
control clear >/dev/null
check few-umount "$hffs" umount "$work/few"

# 429: after it no request goes to that host before the time that it names: counted in the middle of the pause.
# pause NAME ROUTE HEADERS OTHER [OPTIONS]: the route answers 429 once; meanwhile readers and listings of everything try; only OTHER is asked.
pause() {
	local dir=$work/$1 buckets=$4 readers=() path before # buckets: a list of words
	must_mount "$dir" "${5:-deadline=60s}"
	cat "$dir/org/model/main/config.json" >/dev/null
	control reset >/dev/null
	control "fault?kind=status&arg=429&route=$2&times=1&$3" >/dev/null
	head -c 1 "$dir/org/other/main/file.bin" >/dev/null &
	readers=($!)
	refused() { [ "$(stat_of refused total)" -ge 1 ]; }
	wait_for 5 refused || fail "$1-refused" "no 429 was sent"
	before=$(requests_of $buckets)
	for path in org/model/main/three.bin org/model/main/large.safetensors org/model/main/chunk datasets/org/data/main/train.jsonl; do
		head -c 1 "$dir/$path" >/dev/null &
		readers+=($!)
	done
	sleep 1
	equal "$1-host-is-left-alone" "$(requests_of $buckets)" "$before"
	wait "${readers[@]}"
	check "$1-bytes" cmp "$dir/org/model/main/three.bin" "$work/hub/org/model/three.bin"
	equal "$1-told-once" "$(stat_of refused total)" 1
	control clear >/dev/null
	check "$1-umount" "$hffs" umount "$dir"
}
pause endpoint-retry-after resolve retry_after=4 'api resolve resolve-cache'
pause endpoint-ratelimit resolve 'rate=0;4' 'api resolve resolve-cache'
pause names tree retry_after=4 'api resolve resolve-cache'
pause storage cdn retry_after=4 cdn
pause storage-beyond-the-deadline cdn retry_after=6 cdn deadline=3s

# 12 s of trouble, 12 readers and a listing: each begins once, then about one request a second asks.
trouble() {
	local dir=$work/$1 readers=() sizes most
	must_mount "$dir" deadline=60s
	ls "$dir/org/model/main/" "$dir/org/other/main/" >/dev/null
	control reset >/dev/null
	control "fault?kind=$2&$3" >/dev/null
	for path in page chunk chunk-1 chunk+1 one three.bin sub/deeper/file.txt sub/deeper/er/x config.json page-1 large.safetensors; do
		head -c 1 "$dir/org/model/main/$path" >/dev/null &
		readers+=($!)
	done
	head -c 1 "$dir/org/other/main/many.bin" >/dev/null &
	readers+=($!)
	ls "$dir/spaces/org/app/main/" >/dev/null &
	readers+=($!)
	sleep 12
	at_most "$1-is-asked-seldom" "$(stat_of requests total)" 45
	check "$1-is-asked-still" test "$(stat_of requests total)" -ge 15
	control clear >/dev/null
	# The first success.
	control reset >/dev/null
	answered() { [ "$(stat_of bytes total)" -gt 0 ]; }
	check "$1-over-is-found-soon" wait_for 2 answered
	ended "${readers[@]}"
	equal "$1-over-for-all" $? 0
	check "$1-umount" "$hffs" umount "$dir"
}
trouble status-503 status arg=503
trouble closed close ''
finish
