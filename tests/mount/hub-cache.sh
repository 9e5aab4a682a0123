#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cache import and export: the official client's layout both ways, without fetching, through a daemon and without; broken caches lose nothing.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"
hf=$work/hf
mkdir "$hf"
real_commit=$("$hffs" pin --lock "$work/commit.lock" org/model -o "endpoint=$endpoint,cache=$work/other" >/dev/null && sed -n 's/.*"commit": "\(.*\)",/\1/p' "$work/commit.lock")

# make_cache DIR COMMIT: org/model and the dataset as the official client leaves them.
make_cache() {
	python3 - "$work/hub" "$@" <<'END'
import hashlib, os, shutil, sys
hub, top, commit = sys.argv[1:]
for repo, folder in (("org/model", "models--org--model"), ("datasets/org/data", "datasets--org--data")):
    base, snap = f"{top}/{folder}", f"{top}/{folder}/snapshots/{commit}"
    os.makedirs(f"{base}/refs")
    os.makedirs(f"{base}/blobs")
    open(f"{base}/refs/main", "w").write(commit)
    for where, _, names in os.walk(f"{hub}/{repo}"):
        for name in names:
            path = os.path.relpath(f"{where}/{name}", f"{hub}/{repo}")
            data = open(f"{where}/{name}", "rb").read()
            lfs = name.endswith((".bin", ".safetensors"))
            digest = hashlib.sha256(data).hexdigest() if lfs else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            open(f"{base}/blobs/{digest}", "wb").write(data)
            os.makedirs(os.path.dirname(f"{snap}/{path}"), exist_ok=True)
            os.symlink("../" * (path.count("/") + 2) + f"blobs/{digest}", f"{snap}/{path}")
END
}
make_cache "$work/hfcache" "$real_commit"
sums "$work/hfcache" >"$work/hfcache.sums"

# Import: proven, not fetched.
equal import-says "$("$hffs" cache import "$work/hfcache" -o "$on" | sed 's/([^)]*)/(SIZE)/')" "14 files imported, 1 here before (SIZE), 0 skipped"
equal import-twice "$("$hffs" cache import "$work/hfcache" -o "$on,offline" | sed 's/([^)]*)/(SIZE)/')" "0 files imported, 15 here before (SIZE), 0 skipped"
equal import-changes-nothing "$(sums "$work/hfcache")" "$(cat "$work/hfcache.sums")"
equal import-of-environment "$(HF_HUB_CACHE=$work/hfcache "$hffs" cache import -o "$on" | cut -d ' ' -f 1-3)" "0 files imported,"
check mount "$hffs" mount "$hf" -o "$on"
same_files imported-files "$hf/org/model/main/" "$work/hub/org/model"
same_files imported-data "$hf/datasets/org/data/main/" "$work/hub/datasets/org/data"
equal nothing-was-fetched "$(counter "$hf" bytes_fetched)" 0
equal imported-is-proven "$(getfattr --only-values -n user.hffs.verified "$hf/org/model/main/large.safetensors" 2>/dev/null)" yes
check verify-imported "$hffs" verify -cq org/model -o "endpoint=$endpoint"
check umount "$hffs" umount "$hf"

# Through a daemon, also while files are open that are not all there.
check mount-empty "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/cache2"
exec 7<"$hf/org/model/main/large.safetensors"
head -c 100 <&7 >/dev/null
equal import-through-daemon "$("$hffs" cache import "$work/hfcache" -o "endpoint=$endpoint" | cut -d ' ' -f 1-3)" "14 files imported,"
fetched=$(counter "$hf" bytes_fetched)
check read-through-open-file cmp <(cat "$hf/org/model/main/large.safetensors") "$work/hub/org/model/large.safetensors"
exec 7<&-
same_files imported-through-daemon "$hf/org/model/main/" "$work/hub/org/model"
at_most fetched-no-more "$(counter "$hf" bytes_fetched)" "$fetched"
check umount-empty "$hffs" umount "$hf"

# Without any network: with a lock.
check import-lock "$hffs" cache import -q --lock "$work/import.lock" "$work/hfcache" -o "endpoint=http://127.0.0.1:9,cache=$work/cache3"
check mount-offline "$hffs" mount "$hf" -o "endpoint=http://127.0.0.1:9,cache=$work/cache3,offline,lock=$work/import.lock"
same_files offline-files "$hf/org/model/main/" "$work/hub/org/model"
check umount-offline "$hffs" umount "$hf"
check verify-import-lock "$hffs" verify -cq "$work/import.lock" -o "endpoint=http://127.0.0.1:9,cache=$work/cache3"

# A broken cache: each thing that is wrong is said, the rest is taken in, and nothing wrong is.
make_cache "$work/broken" "$real_commit"
model=$work/broken/models--org--model
large=$(basename "$(readlink "$model/snapshots/$real_commit/large.safetensors")")
three=$(basename "$(readlink "$model/snapshots/$real_commit/three.bin")")
page=$(basename "$(readlink "$model/snapshots/$real_commit/page")")
one=$(basename "$(readlink "$model/snapshots/$real_commit/one")")
printf x | dd of="$model/blobs/$large" bs=1 seek=15000000 conv=notrunc status=none
truncate -s 1000000 "$model/blobs/$three"
rm "$model/blobs/$page" "$model/blobs/$one"
mkfifo "$model/blobs/$page"
ln -s /etc/passwd "$model/blobs/$one"
echo stranger >"$model/blobs/stranger"
head -c 1000 /dev/zero >"$model/blobs/$large.incomplete"
ln -sf ../../blobs/../../../../etc/passwd "$model/snapshots/$real_commit/passwd"
echo copy >"$model/snapshots/$real_commit/copy.txt"
echo garbage >"$model/refs/garbage"
mkdir -p "$work/broken/models--..--x/blobs" "$work/broken/models--a--b--c/blobs" "$work/broken/what"
truncate -s 0 "$work/broken/datasets--org--data/blobs/"*
said=$("$hffs" cache import --lock "$work/broken.lock" "$work/broken" -o "endpoint=$endpoint,cache=$work/cache4" 2>&1)
equal broken-exit "$?" 1
check broken-says-flipped grep -q "$large is skipped: its content is not what its name says" <<<"$said"
check broken-says-cut grep -q "$three is skipped: its content is not what its name says" <<<"$said"
check broken-says-fifo grep -q "$page is skipped: it is no regular file" <<<"$said"
check broken-says-link grep -q "$one is skipped: it cannot be read" <<<"$said"
check broken-says-empty grep -q "is skipped: its content is not what its name says: it is empty" <<<"$said"
check broken-counts grep -q '9 files imported, 1 here before (.*), 5 skipped' <<<"$said"
check broken-says-strangers grep -q '1 files are not named by a digest' <<<"$said"
check broken-says-copies grep -q '1 files of snapshots are copies' <<<"$said"
check broken-verifies "$hffs" verify -q -o "endpoint=$endpoint,cache=$work/cache4"
check broken-lock-has-good-only python3 - "$work/broken.lock" <<'END'
import json, sys
names = [f["path"] for r in json.load(open(sys.argv[1]))["repositories"] for f in r["files"]]
assert "config.json" in names and not {"large.safetensors", "three.bin", "page", "one", "passwd", "copy.txt", "train.jsonl"} & set(names), names
END
check mount-broken "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/cache4"
same_files broken-is-mended-by-reading "$hf/org/model/main/" "$work/hub/org/model"
check umount-broken "$hffs" umount "$hf"
refuses import-nowhere 1 "cannot read the cache $work/nowhere" "$hffs" cache import "$work/nowhere" -o "$on"
mkdir "$work/nothing"
equal import-of-nothing "$("$hffs" cache import "$work/nothing" -o "$on")" "0 files imported, 0 here before (0 B), 0 skipped"
refuses import-no-room 1 'no room' "$hffs" cache import "$work/hfcache" -o "endpoint=$endpoint,cache=$work/cache5,cache_size=1M"

# Export: what the official client wants; again, it goes on; through a mount, the same.
check export "$hffs" cache export -q org/model "$work/out" -o "$on"
out=$work/out/models--org--model
equal export-ref "$(cat "$out/refs/main")" "$real_commit"
equal export-ref-size "$(stat -c %s "$out/refs/main")" 40
same_files export-files "$out/snapshots/$real_commit" "$work/hub/org/model"
equal export-links "$(find "$out/snapshots" -type f | wc -l) $(find "$out/snapshots" -type l | wc -l)" "0 14"
equal export-link-is-relative "$(readlink "$out/snapshots/$real_commit/sub/deeper/er/x" | cut -c 1-26)" "../../../../../blobs/a2d35"
rm "$out/refs/main" "$out/blobs/$large"
check export-goes-on "$hffs" cache export -q org/model@main "$work/out" -o "$on,offline"
same_files export-again "$out/snapshots/$real_commit" "$work/hub/org/model"
check export-pattern "$hffs" cache export -q org/other '*.bin' "$work/out" -o "$on"
equal no-leftovers "$(find "$work/out" -name '*.incomplete' -o -name '*.tmp' | wc -l)" 0
check mount-for-export "$hffs" mount "$hf" -o "$on"
check export-through-mount "$hffs" cache export -q datasets/org/data "$work/out" -o "endpoint=$endpoint"
same_files export-data "$work/out/datasets--org--data/snapshots/$(cat "$work/out/datasets--org--data/refs/main")" "$work/hub/datasets/org/data"
check umount-for-export "$hffs" umount "$hf"
refuses export-unknown 1 'org/nothing' "$hffs" cache export org/nothing "$work/out" -o "$on"
refuses export-no-match 1 'no file of org/model matches' "$hffs" cache export org/model '*.none' "$work/out" -o "$on"
refuses export-nowhere 1 "cannot write /proc/nowhere" "$hffs" cache export org/model /proc/nowhere -o "$on"
refuses export-without-dir 2 'DIR is missing' "$hffs" cache export org/model
refuses cache-without-word 2 "'import' or 'export' is missing" "$hffs" cache
refuses cache-other-word 2 "'move' is neither import nor export" "$hffs" cache move
refuses import-two 2 'one DIR' "$hffs" cache import a b

# The official client: what it downloaded is imported, what is exported it finds without network.
keep=${HFFS_TEST_DIR:-$root/build/clients}
client=huggingface_hub==2.4.0
python=$keep/venv/bin/python
if [ ! -f "$keep/$client" ]; then
	mkdir -p "$keep"
	{ rm -rf "$keep/venv" && python3 -m venv "$keep/venv" && "$keep/venv/bin/pip" -q install "$client" && touch "$keep/$client"; } >/dev/null 2>&1
fi
if [ -f "$keep/$client" ]; then
	export HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1 NO_PROXY=127.0.0.1
	download='import sys; from huggingface_hub import snapshot_download; print(snapshot_download("org/model", repo_type=sys.argv[1]))'
	found=$(HF_HUB_CACHE=$work/out HF_HUB_OFFLINE=1 "$python" -c "$download" model 2>&1 | tail -n 1)
	equal client-finds-export "$found" "$out/snapshots/$real_commit"
	check client-scans-export env HF_HUB_CACHE="$work/out" "$python" -c '
from huggingface_hub import scan_cache_dir
info = scan_cache_dir()
assert not info.warnings, info.warnings
assert sorted(r.repo_id for r in info.repos) == ["org/data", "org/model", "org/other"], info.repos'
	HF_ENDPOINT=$endpoint HF_HUB_CACHE=$work/theirs "$python" -c "$download" model >/dev/null 2>&1
	equal import-of-client "$("$hffs" cache import "$work/theirs" -o "endpoint=$endpoint,cache=$work/cache6" | sed 's/([^)]*)/(SIZE)/')" "13 files imported, 1 here before (SIZE), 0 skipped"
	check mount-theirs "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/cache6"
	same_files files-of-client "$hf/org/model/main/" "$work/hub/org/model"
	equal nothing-fetched-after-client "$(counter "$hf" bytes_fetched)" 0
	check umount-theirs "$hffs" umount "$hf"
else
	echo "SKIP $suite/client: huggingface_hub cannot be installed here"
	[ "${CI:-}" = true ] && fail client "huggingface_hub cannot be installed here"
fi
finish
