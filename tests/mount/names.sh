#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Names of repositories and revisions as people write them: without organisation, renamed, in another case; branches with slashes,
# tags of both sorts, pull requests, short commits, %2F. Each leads to the one true name.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
repo=$work/hub/openai-community/gpt2
mkdir -p "$repo"
init_git "$repo"
commit() { git_commit "$repo" "$1"; }
first=$(commit one)
git -C "$repo" tag light
git -C "$repo" tag -a annotated -m 'a tag with an object of its own'
second=$(commit two)
git -C "$repo" branch release/v2 "$first"
git -C "$repo" update-ref refs/pr/7 "$first"
git -C "$repo" update-ref refs/convert/parquet "$first"
mkdir -p "$work/hub/datasets/rajpurkar/squad" "$work/hub/Acme/Tiny-Model"
echo squad >"$work/hub/datasets/rajpurkar/squad/file.txt"
echo tiny >"$work/hub/Acme/Tiny-Model/file.txt"
serve_faulty "$work/hub"
control 'rename?from=gpt2&to=openai-community/gpt2' >/dev/null
control 'rename?from=legacy&to=openai-community/gpt2' >/dev/null
control 'rename?from=listed&to=openai-community/gpt2' >/dev/null
control 'rename?from=old-org/old-name&to=openai-community/gpt2' >/dev/null
control 'rename?from=datasets/squad&to=datasets/rajpurkar/squad' >/dev/null
hf=$work/hf
must_mount "$hf"
gpt2=$hf/openai-community/gpt2

# Repositories.
equal one-part "$(readlink "$hf/gpt2")" openai-community/gpt2
equal one-part-file "$(cat "$hf/gpt2/main/version.txt")" two
equal one-part-dataset "$(readlink "$hf/datasets/squad")" rajpurkar/squad
equal one-part-dataset-file "$(cat "$hf/datasets/squad/main/file.txt")" squad
equal renamed "$(readlink "$hf/old-org/old-name")" ../openai-community/gpt2
equal renamed-file "$(cat "$hf/old-org/old-name/light/version.txt")" one
equal unknown-one-part-file "$(cat "$hf/legacy/main/version.txt")" two
equal unknown-one-part-is-a-link-then "$(readlink "$hf/legacy")" openai-community/gpt2
equal unknown-one-part-listed "$(echo $(ls "$hf/listed/main/"))" version.txt
equal an-org-without-repositories "$(ls "$hf/nobody")" ""
equal canonical-case "$(readlink "$hf/acme/tiny-model")" ../Acme/Tiny-Model
equal canonical-case-path "$(realpath "$hf/ACME/TINY-MODEL/main/file.txt")" "$(realpath "$hf/Acme/Tiny-Model/main/file.txt")"
equal hub-one-part "$(readlink "$hf/.hub/models--gpt2")" models--openai-community--gpt2
equal hub-case "$(readlink "$hf/.hub/models--acme--tiny-model")" models--Acme--Tiny-Model
equal hub-renamed "$(cat "$hf/.hub/models--old-org--old-name/refs/light")" "$first"

# Revisions.
for rev in light annotated release/v2 release%2Fv2 refs/pr/7 refs%2Fpr%2F7 refs/convert/parquet "${first:0:7}" "${first:0:12}" "$first"; do
	equal "rev-$rev" "$(basename "$(realpath "$gpt2/$rev")") $(cat "$gpt2/$rev/version.txt")" "$first one"
	case $rev in "$first"*) continue ;; esac
	[ "$rev" = "$first" ] || equal "hub-rev-$rev" "$(cat "$hf/.hub/models--openai-community--gpt2/refs/$rev")" "$first"
done
equal rev-main "$(basename "$(realpath "$gpt2/main")")" "$second"
for rev in none release refs/pr release%2Fv3 refs/pr/8 0000000 "$(printf '%040d' 0)"; do
	check "no-file-at-$rev" test ! -e "$gpt2/$rev/version.txt"
done
equal directories-of-revisions "$(echo $(ls "$gpt2/release" "$gpt2/refs/pr"))" "$gpt2/refs/pr: 7 $gpt2/release: v2"

# One repository at a directory, by any of these names.
for source in gpt2@light old-org/old-name@refs%2Fpr%2F7 openai-community/gpt2@release/v2 "openai-community/gpt2@${first:0:8}"; do
	mkdir -p "$work/one"
	check "mount-$source" "$hffs" mount "$source" "$work/one" -o "endpoint=$endpoint,cache=$work/one.cache"
	equal "mounted-$source" "$(cat "$work/one/version.txt")" one
	check "umount-$source" "$hffs" umount "$work/one"
done
check umount "$hffs" umount "$hf"

# refresh and unpin by another name mean the true one.
must_mount "$hf" ref_ttl=inf
equal before-refresh "$(basename "$(realpath "$gpt2/main")")" "$second"
third=$(commit three)
knows() { curl -fsS "$endpoint/api/models/openai-community/gpt2/revision/main" | grep -q "\"$third\""; }
wait_for 10 knows
check refresh-by-another-name "$hffs" refresh gpt2
moved() { [ "$(basename "$(realpath "$gpt2/main")")" = "$third" ]; }
check refreshed-by-another-name wait_for 5 moved
for name in gpt2 old-org/old-name@light OpenAI-Community/GPT2; do
	check "pin-$name" "$hffs" pin -q "$name" -o "endpoint=$endpoint"
	check "unpin-$name" "$hffs" unpin -q "$name" -o "endpoint=$endpoint"
done
equal nothing-stays-pinned "$("$hffs" pin -o "endpoint=$endpoint")" ""
check umount-refreshed "$hffs" umount "$hf"

# An organisation costs no request, and what is known stays known.
control reset >/dev/null
must_mount "$hf"
equal again "$(cat "$hf/openai-community/gpt2/$first/version.txt")" one
equal again-no-request "$(counter "$hf" requests)" 0
check umount-again "$hffs" umount "$hf"
finish
