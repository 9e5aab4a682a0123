#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hub that misbehaves, seen through a mount: every read gives the right bytes or fails, in time, and works when the fault is over.
# The ids are those of docs/SEMANTICS.md.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
make_hub "$work/hub"
serve_faulty "$work/hub"
source=$work/hub/org/model

# Reads of a cold cache while the fault lasts, over small files (from resolve-cache) and large ones (from the content origin).
cat >"$work/read.py" <<'END'
import errno, os, sys, time
got, want = sys.argv[1], sys.argv[2]
start = time.monotonic()
said = []
for name in ("config.json", "chunk+1", "three.bin"):
    try:
        with open(f"{got}/{name}", "rb", buffering=0) as f:
            data = b"".join(iter(lambda: f.read(1 << 20), b""))
        said.append("ok" if data == open(f"{want}/{name}", "rb").read() else "WRONG")
    except OSError as e:
        said.append(errno.errorcode[e.errno])
print(" ".join(sorted(set(said))), int(time.monotonic() - start))
END

# with NAME FAULT PATTERN MOST_S: what the three reads say matches, within so many seconds; afterwards all is well.
with() {
	local name=$1 dir=$work/$1 said
	must_mount "$dir" deadline=4s
	control "fault?$2" >/dev/null
	said=$(python3 "$work/read.py" "$dir/org/model/main" "$source")
	if grep -qE "^($3) [0-9]+$" <<<"$said"; then pass "$name"; else fail "$name" "$said"; fi
	at_most "$name-in-time" "${said##* }" "$4"
	control clear >/dev/null
	healed() { [ "$(python3 "$work/read.py" "$dir/org/model/main" "$source" | cut -d ' ' -f 1)" = ok ]; }
	if [ "${5:-heals}" = heals ]; then check "$name-heals" wait_for 90 healed; fi
	check "$name-umount" "$hffs" umount "$dir"
	rm -rf "$dir.cache"
}

# Faults that pass: nobody notices.
with N3-reset-once 'kind=cut&route=cdn&arg=100000&times=1' ok 6
with N4-close-once 'kind=close&times=1' ok 6
with N4-close-after-headers 'kind=close-after-headers&times=2' ok 8
with N5-short-once 'kind=short&arg=10&route=cdn&times=1' ok 6
with N9-wrong-range-once 'kind=range-start&times=1&route=cdn' ok 8
with N26-503-twice 'kind=status&arg=503&times=2' ok 8
with N26-503-retry-after 'kind=status&arg=503&retry_after=1&times=1' ok 8
with N26-500-of-content 'kind=status&arg=500&route=cdn&times=2' ok 8
with N29-cut-json-once 'kind=json-truncate&times=1' ok 8
with N25-429-once 'kind=status&arg=429&retry_after=1&times=1' ok 8
with N7-delay 'kind=delay&arg=500' ok 20

# Faults that stay: an errno, never wrong bytes, never for ever. A buffered read that fails is tried once more by the kernel.
errors='(E[A-Z]+ ?)+( ?ok)?'
with N4-always-close 'kind=close&route=cdn' "$errors" 40
with N6-always-long 'kind=long&arg=5&route=cdn' "ok|$errors" 40
with N9-always-wrong-start 'kind=range-start&route=cdn' "$errors" 40
with N9-always-wrong-total 'kind=range-total&route=cdn' "$errors" 40
with N16-redirect-loop 'kind=redirect-loop&route=resolve' "$errors" 40
with N17-redirect-to-file 'kind=redirect&route=resolve&arg=file:///etc/passwd' "$errors" 40
with N26-always-503 'kind=status&arg=503&route=cdn' "$errors" 40
with N27-compressed 'kind=set-header&arg=Content-Encoding:%20br&route=cdn' "$errors" 40
with N28-login-page 'kind=set-header&arg=Content-Type:%20text/html&route=info' "ok|$errors" 40
with N29-bad-json 'kind=json-bad' "$errors" 60
with N30-foreign-link 'kind=link-foreign&arg=http://127.0.0.2:1&route=tree' "ok|$errors" 40
with N14-flipped-bytes 'kind=flip&arg=4096&route=resolve-cache&times=1' '.*' 40 may-stay

# N8: a trickle does not hold a reader beyond the deadline, and others read meanwhile.
must_mount "$work/slow" deadline=5s
control 'fault?kind=trickle&arg=10&match=large' >/dev/null
timeout 60 cat "$work/slow/org/model/main/large.safetensors" >/dev/null 2>&1 &
reader=$!
start=$SECONDS
check N8-others-read cmp "$work/slow/org/model/main/three.bin" "$source/three.bin"
at_most N8-others-in-time $((SECONDS - start)) 5
kill -9 "$reader"
check C1-killed-reader-is-gone wait_for 2 is_gone "$reader"
wait "$reader" 2>/dev/null
control clear >/dev/null
pid=$(daemon_pid "$work/slow")
start=$SECONDS
kill -TERM "$pid"
check L22-ends-under-way wait_for 6 is_gone "$pid"

# N7: as many stalled readers as there are connections hold up nobody else.
mkdir -p "$work/hub/org/stalled"
for i in $(seq 32); do head -c 300000 /dev/urandom >"$work/hub/org/stalled/$i.bin"; done
must_mount "$work/stalled"
ls "$work/stalled/org/stalled/main/" "$work/stalled/org/model/main/" >/dev/null
control 'fault?kind=delay&arg=60000&match=stalled' >/dev/null
stalled=()
for i in $(seq 32); do
	head -c 1 "$work/stalled/org/stalled/main/$i.bin" >/dev/null 2>&1 &
	stalled+=($!)
done
sleep 3
start=$SECONDS
check N7-others-read cmp "$work/stalled/org/model/main/three.bin" "$source/three.bin"
check N7-others-read-on cmp "$work/stalled/org/model/main/large.safetensors" "$source/large.safetensors"
at_most N7-others-in-time $((SECONDS - start)) 8
check N7-names-work timeout 10 ls "$work/stalled/datasets/org/data/main/"
control clear >/dev/null
ended "${stalled[@]}"
equal N7-the-stalled-heal $? 0
check N7-umount "$hffs" umount "$work/stalled"

# Answers that are late do not count with those that are wrong.
must_mount "$work/mixed" deadline=30s
ls "$work/mixed/org/model/main/" >/dev/null
control 'fault?kind=status&arg=503&route=cdn&times=4' >/dev/null
control 'fault?kind=range-start&route=cdn&nth=5&times=2' >/dev/null
equal N9-wrong-after-late "$(dd if="$work/mixed/org/model/main/three.bin" bs=64K count=1 iflag=direct 2>/dev/null | sha256sum)" "$(dd if="$source/three.bin" bs=64K count=1 2>/dev/null | sha256sum)"
control clear >/dev/null
check N9-mixed-umount "$hffs" umount "$work/mixed"

# N14: a large file with wrong bytes. What a reader saw meanwhile is not kept: neither by the cache nor by the kernel.
must_mount "$work/flip" deadline=5s
control 'fault?kind=flip&arg=4096&route=cdn&match=&times=1' >/dev/null
cat "$work/flip/org/model/main/large.safetensors" >/dev/null 2>&1
spoiled() { [ "$("$hffs" status --json "$work/flip" | sed -n 's/.*"spoiled_blobs":\([0-9]*\).*/\1/p')" -ge 1 ]; }
check N14-found wait_for 30 spoiled
control clear >/dev/null
right() { cmp -s "$work/flip/org/model/main/large.safetensors" "$source/large.safetensors"; }
check N14-heals wait_for 10 right
grep -q 'large.safetensors: its bytes are not those' "$work/flip.log" && pass N14-is-told || fail N14-is-told "no line in the log"
check N14-umount "$hffs" umount "$work/flip"

# H1: names that are no names are hidden; the rest works.
must_mount "$work/names"
for entry in '../x' '/x' 'a//b' '..' 'a\u0000b' '.'; do
	control "fault?kind=entry&arg=$(python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$entry")&route=tree" >/dev/null
done
equal H1-names "$(cd "$work/names/org/model/main/" && find . -type f | sort)" "$(cd "$source" && find . -type f | sort)"
control clear >/dev/null
check H1-umount "$hffs" umount "$work/names"

# C4: many readers of one chunk are one request.
must_mount "$work/many"
cat "$work/many/org/model/main/config.json" >/dev/null
ls "$work/many/org/other/main/" >/dev/null
control reset >/dev/null
control 'shape?delay_ms=300' >/dev/null
readers=()
for _ in $(seq 40); do
	dd if="$work/many/org/other/main/file.bin" of=/dev/null bs=4096 count=1 2>/dev/null &
	readers+=($!)
done
for reader in "${readers[@]}"; do wait "$reader"; done
at_most C4-one-request "$(control stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["requests"]["total"])')" 3
control clear >/dev/null
check C4-umount "$hffs" umount "$work/many"
finish
