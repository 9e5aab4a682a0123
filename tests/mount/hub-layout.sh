#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# .hub, the layout of the Hugging Face cache, through a mount: the same bytes, what is listed when, what it costs, restarts, offline.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
hf=$work/hf
must_mount "$hf"
repo=$hf/.hub/models--org--model
requests() { counter "$hf" requests; }
fetched() { counter "$hf" bytes_fetched; }

equal hidden-in-the-root "$(ls -a "$hf" | grep -c '^\.hub$')" 0
equal empty-at-first "$(ls "$hf/.hub")" ""
commit=$(cat "$repo/refs/main")
equal ref-is-the-commit "$commit" "$(basename "$(realpath "$hf/org/model/main")")"
equal ref-is-40-bytes "$(stat -c %s "$repo/refs/main"; wc -c <"$repo/refs/main")" "40
40"
same_files snapshot "$repo/snapshots/$commit" "$work/hub/org/model"
equal pointer "$(readlink "$repo/snapshots/$commit/sub/deeper/file.txt" | grep -cE '^\.\./\.\./\.\./\.\./blobs/[0-9a-f]{40,64}$')" 1
equal pointer-is-relative-and-right "$(realpath "$repo/snapshots/$commit/three.bin")" \
	"$repo/blobs/$(sha256sum <"$work/hub/org/model/three.bin" | cut -d' ' -f1)"
equal lists-what-was-used "$(ls "$hf/.hub")" models--org--model
equal lists-parts "$(echo $(ls "$repo"))" "blobs refs snapshots"
equal lists-refs "$(ls "$repo/refs")" main
equal lists-snapshots "$(ls "$repo/snapshots")" "$commit"
check dataset cmp "$hf/.hub/datasets--org--data/snapshots/$(cat "$hf/.hub/datasets--org--data/refs/main")/train.jsonl" "$work/hub/datasets/org/data/train.jsonl"
check space cmp "$hf/.hub/spaces--org--app/snapshots/$(cat "$hf/.hub/spaces--org--app/refs/main")/app.py" "$work/hub/spaces/org/app/app.py"
refuses no-such-repo 2 'no such file' ls "$hf/.hub/models--org--none"
refuses no-such-commit 2 'no such file' ls "$repo/snapshots/ffffffffffffffffffffffffffffffffffffffff"
refuses not-to-be-written 1 'read-only' touch "$repo/refs/new"

# One content, whatever view it is read through.
before=$(fetched)
check same-bytes-both-ways cmp "$hf/org/model/main/large.safetensors" "$repo/snapshots/$commit/large.safetensors"
equal fetched-once "$(fetched)" "$before"

# What is not there costs nothing, and is said the way that programs of this layout look for it.
before=$(requests)
for name in adapter_config.json model.safetensors.index.json sub/deeper/none added_tokens.json; do
	check "no_exist-$name" test -f "$repo/.no_exist/$commit/$name"
	check "not-in-snapshot-$name" test ! -e "$repo/snapshots/$commit/$name"
done
check no_exist-not-of-what-is-there test ! -e "$repo/.no_exist/$commit/config.json"
check no-ref-of-a-commit test ! -e "$repo/refs/$commit"
for name in .locks CACHEDIR.TAG version.txt models--org--model/trees models--org--model/blobs/abc.incomplete; do
	check "not-there-$name" test ! -e "$hf/.hub/$name"
done
find "$hf/.hub" >"$work/found"
equal nothing-dangles "$(find "$hf/.hub" -xtype l | wc -l)" 0
equal no-request-for-any-of-it "$(requests)" "$before"

# Another mount of the same cache, without network: what was used is there and is all that is listed.
check umount "$hffs" umount "$hf"
must_mount "$hf" offline
equal again-lists "$(echo $(ls "$hf/.hub"))" "datasets--org--data models--org--model spaces--org--app"
equal again-lists-refs "$(ls "$repo/refs")" main
blob=$(realpath -m "$hf/.hub/models--org--model/blobs/$(sha256sum <"$work/hub/org/model/three.bin" | cut -d' ' -f1)")
check blob-by-its-own-path cmp "$blob" "$work/hub/org/model/three.bin"
check no-such-blob test ! -e "$repo/blobs/ffffffffffffffffffffffffffffffffffffffff"
same_files again "$repo/snapshots/$(cat "$repo/refs/main")" "$work/hub/org/model"
equal again-no-request "$(requests)" 0
check umount-2 "$hffs" umount "$hf"
finish
