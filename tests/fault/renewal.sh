#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signed addresses that end every few seconds, while a file is read all the time: they are renewed before, once each, and no request
# for content is ever refused. (That no reader waits meanwhile is shown by unit/test_hub_wire.)
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
make_hub "$work/hub"
start_server hub "$hub_faulty" "$work/hub" --listen 127.0.0.1:0 --url-ttl 5s --state "$work/serve-state"
stat_of() { control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]][sys.argv[2]])' "$1" "$2"; }
must_mount "$work/hf"
ls "$work/hf/org/model/main/" >/dev/null
control reset >/dev/null
# Chunks of one file in no order, by four readers, for three lives of an address.
cat >"$work/read.py" <<'END'
import os, random, sys, threading, time
got, want = open(sys.argv[1], "rb", 0), open(sys.argv[2], "rb").read()
places = [i * 262144 for i in range(len(want) // 262144)]
random.Random(1).shuffle(places)
wrong = []

def reader(mine):
    for place in mine:
        if os.pread(got.fileno(), 4096, place) != want[place:place + 4096]:
            wrong.append(place)
        time.sleep(0.75)

threads = [threading.Thread(target=reader, args=(places[i::4],)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print("wrong:", wrong)
END
equal right-bytes "$(python3 "$work/read.py" "$work/hf/org/model/main/large.safetensors" "$work/hub/org/model/large.safetensors")" "wrong: []"
equal no-content-was-refused "$(stat_of refused cdn)" 0
at_most renewed-once-each "$(stat_of requests resolve)" 6
check was-renewed test "$(stat_of requests resolve)" -ge 3
check many-ranges test "$(stat_of requests cdn)" -ge 40
check umount "$hffs" umount "$work/hf"
finish
