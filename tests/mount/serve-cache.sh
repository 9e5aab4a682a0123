#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs serve without a folder: what a cache holds, to neighbours and the official client, without the Hub; nothing private, nothing partial.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
git init -q -b main "$work/hub/org/git"
echo one >"$work/hub/org/git/file.txt"
git -C "$work/hub/org/git" add -A && git -C "$work/hub/org/git" -c user.name=a -c user.email=a@b commit -qm one
git -C "$work/hub/org/git" tag v1
server=$hub_faulty
[ -x "$server" ] && serve_faulty "$work/hub" || serve "$work/hub"
origin=$endpoint origin_pid=$server_pid
on="endpoint=$origin,cache=$work/cache"
hf=$work/hf
mkdir "$hf"
check fill "$hffs" pull -q org/model -o "$on"
check fill-data "$hffs" pull -q datasets/org/data -o "$on"
check fill-tag "$hffs" pull -q org/git@v1 -o "$on"
check mount-to-fill "$hffs" mount "$hf" -o "$on"
ls "$hf/org/git" >/dev/null # its refs
head -c 1000 "$hf/org/other/main/file.bin" >/dev/null # a part
ls "$hf/spaces/org/app/main/" >/dev/null # a listing without content
if [ -x "$hub_faulty" ]; then # org/secret: private, with a token
	mkdir -p "$work/hub/org/secret" && echo secret >"$work/hub/org/secret/file.txt"
	control 'token?repo=org/secret&mode=private&token=hf_canary' >/dev/null
fi
refuses serve-beside-mount 1 'process [0-9]+ uses the cache .*; what it has is served when its mount is ended' "$hffs" serve --listen 127.0.0.1:0 -o "$on"
check umount "$hffs" umount "$hf"
if [ -x "$hub_faulty" ]; then
	check fill-private env HF_TOKEN=hf_canary "$hffs" pull -q org/secret -o "$on"
fi
kill "$origin_pid"
wait "$origin_pid" 2>/dev/null

# The neighbours: another cache, over the first one, with the Hub gone.
serve_cache() { start_server "cache-$RANDOM" "$hffs" serve --listen 127.0.0.1:0 -o "$on" "$@"; }
serve_cache
check neighbour "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/neighbour"
same_files neighbour-files "$hf/org/model/main/" "$work/hub/org/model"
same_files neighbour-data "$hf/datasets/org/data/main/" "$work/hub/datasets/org/data"
is_verified() { [ "$(getfattr --only-values -n user.hffs.verified "$1" 2>/dev/null)" = yes ]; }
check neighbour-verified wait_for 20 is_verified "$hf/org/model/main/large.safetensors"
equal neighbour-tag "$(cat "$hf/org/git/v1/file.txt")" one
equal neighbour-same-commit "$(readlink "$hf/org/git/v1")" "$(git -C "$work/hub/org/git" rev-parse HEAD)"
check neighbour-refs test "$(ls "$hf/org/git" | grep -cE '^(main|v1)$')" = 2
equal neighbour-lists-org "$(ls "$hf/org" | tr '\n' ' ')" "git model other "
equal part-is-listed "$(stat -c %s "$hf/org/other/main/file.bin")" 5242880
refuses part-is-not-sent 1 'Stale file handle' cat "$hf/org/other/main/file.bin"
refuses listed-is-not-sent 1 'Stale file handle' cat "$hf/spaces/org/app/main/app.py"
refuses unknown 1 'No such file' stat "$hf/org/nothing"
refuses private-is-hidden 1 'No such file' stat "$hf/org/secret"
check umount-neighbour "$hffs" umount "$hf"
equal commits-of-one "$(curl -fsS "$endpoint/api/models/org/model/commits/main" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" 1
equal no-code-for-parts "$(curl -s -o /dev/null -D - "$endpoint/org/other/resolve/main/file.bin" | tr -d '\r' | grep -cE '^HTTP/1.1 404|^X-Error-Code')" 1
equal raw-is-pointer "$(curl -fsS "$endpoint/org/model/raw/main/large.safetensors" | head -n 1)" "version https://git-lfs.github.com/spec/v1"
equal range "$(curl -fsSL -r 5-9 "$endpoint/org/model/resolve/main/three.bin" | xxd -p)" "$(dd if="$work/hub/org/model/three.bin" bs=1 skip=5 count=5 status=none | xxd -p)"
python=${HFFS_TEST_DIR:-$root/build/clients}/venv/bin/python
if [ -x "$python" ]; then
	found=$(HF_ENDPOINT=$endpoint HF_HUB_CACHE=$work/theirs HF_HUB_DISABLE_PROGRESS_BARS=1 "$python" -c 'from huggingface_hub import snapshot_download; print(snapshot_download("org/model"))' 2>&1 | tail -n 1)
	same_files official-client "$found" "$work/hub/org/model"
fi
kill "$server_pid"
wait "$server_pid"
equal ends-cleanly "$?" 0

# With --private, by an identity that had it.
if [ -x "$hub_faulty" ]; then
	HF_TOKEN=hf_canary start_server private "$hffs" serve --private --listen 127.0.0.1:0 -o "$on"
	equal private-is-served "$(curl -fsSL "$endpoint/org/secret/resolve/main/file.txt")" secret
	kill "$server_pid"
	HF_TOKEN=hf_canary start_server private-not "$hffs" serve --listen 127.0.0.1:0 -o "$on"
	equal private-is-not-served "$(curl -s -o /dev/null -w '%{http_code}' "$endpoint/org/secret/resolve/main/file.txt")" 401
	equal private-is-not-listed "$(curl -fsS "$endpoint/api/models?author=org" | grep -c secret)" 0
	kill "$server_pid"
	wait 2>/dev/null
fi
check cache-is-as-before "$hffs" verify -cq org/model -o "$on,offline"
# A folder and the cache: what both have is the folder's.
mkdir -p "$work/folder/org/model" "$work/folder/org/mine"
echo mine | tee "$work/folder/org/mine/file.txt" >"$work/folder/org/model/file.txt"
start_server both "$hffs" serve "$work/folder" --cache --listen 127.0.0.1:0 -o "$on"
equal both-lists "$(curl -fsS "$endpoint/api/models?author=org" | python3 -c 'import json, sys; print(*[m["id"] for m in json.load(sys.stdin)])')" "org/git org/mine org/model org/other"
equal both-folder "$(curl -fsSL "$endpoint/org/mine/resolve/main/file.txt")" mine
equal both-folder-first "$(curl -fsSL "$endpoint/org/model/resolve/main/file.txt")" mine
equal both-cache "$(curl -fsSL "$endpoint/datasets/org/data/resolve/main/train.jsonl" | sha256sum)" "$(sha256sum <"$work/hub/datasets/org/data/train.jsonl")"
kill "$server_pid"
wait "$server_pid"
refuses folder-with-private 2 'not for a folder' "$hffs" serve "$work/hub" --private
refuses folder-with-option 2 'not for a folder' "$hffs" serve "$work/hub" -o offline
refuses bad-setting 2 "no option 'colour'" "$hffs" serve -o colour=red
refuses bad-address 2 'not an address' "$hffs" serve --listen nowhere -o "$on"
refuses no-cache 1 '/proc/cache' "$hffs" serve -o cache=/proc/cache
finish
