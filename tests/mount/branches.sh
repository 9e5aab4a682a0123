#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A branch moves on the hub: the mount keeps its commit until ref_ttl is over and while it is read; both commits can be read.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
repo=$work/hub/org/moving
mkdir -p "$repo"
init_git "$repo"
commit() {
	head -c 300000 /dev/urandom >"$repo/weights.bin"
	git_commit "$repo" "$1"
}
first=$(commit one)
git -C "$repo" tag v1
cp "$repo/weights.bin" "$work/weights.1"
serve "$work/hub"
hf=$work/hf
must_mount "$hf" ref_ttl=2s
moving=$hf/org/moving
commit_of() { basename "$(realpath "$moving/$1")"; }

equal main-is-first "$(commit_of main)" "$first"
equal tag-is-first "$(commit_of v1)" "$first"
equal both-in-listing "$(ls "$moving" | grep -cE '^(main|v1)$')" 2
check first-bytes cmp "$moving/main/weights.bin" "$work/weights.1"
# The commit's own time.
equal mtime "$(stat -Lc %Y "$moving/main/version.txt")" "$(git -C "$repo" log -1 --format=%ct)"

exec 5<"$moving/main/weights.bin"
sleep 1.1 # git's times are seconds
second=$(commit two)
cp "$repo/weights.bin" "$work/weights.2"
equal believed-for-ref_ttl "$(commit_of main)" "$first"
sleep 2.5
equal stays-while-read "$(commit_of main)" "$first"
# Also when the kernel is short of memory, and forgets all names that nobody uses.
if [ "$(id -u)" = 0 ]; then
	sync
	echo 3 >/proc/sys/vm/drop_caches
	equal stays-while-read-and-forgotten "$(commit_of main)" "$first"
fi
exec 5<&-

# Another mount of the same hub sees the new commit at once, and by its name so does this one.
hf2=$work/hf2
must_mount "$hf2"
equal new-mount-is-second "$(basename "$(realpath "$hf2/org/moving/main")")" "$second"
check second-by-commit cmp "$moving/$second/weights.bin" "$work/weights.2"
check first-by-commit cmp "$moving/$first/weights.bin" "$work/weights.1"
check first-by-tag cmp "$moving/v1/weights.bin" "$work/weights.1"
if [ -n "${HFFS_TEST_LONG:-}" ]; then
	# Files of the commit were open in the last minute; after it the branch moves.
	moved() { [ "$(commit_of main)" = "$second" ]; }
	check moves-after-a-minute wait_for 90 moved
	equal moved-version "$(cat "$moving/main/version.txt")" two
fi
check umount "$hffs" umount "$hf"
must_mount "$hf" ref_ttl=0
equal after-remount "$(commit_of main)" "$second"
equal after-remount-version "$(cat "$moving/main/version.txt")" two
check umount-2 "$hffs" umount "$hf"
# Nor is a listing believed for longer.
must_mount "$hf" ref_ttl=0
knows() { curl -fsS "$endpoint/api/models/org/moving/revision/main" | grep -q "\"$third\""; }
ls "$moving" >/dev/null
third=$(commit three)
wait_for 10 knows
ls "$moving" >/dev/null
third=$(commit four)
wait_for 10 knows
equal listed-and-asked-again "$(commit_of main)" "$third"
second=$third
check umount-listed "$hffs" umount "$hf"
must_mount "$hf" ref_ttl=inf
equal never-asked-again "$(commit_of main)" "$second"
check umount-3 "$hffs" umount "$hf"
check umount-4 "$hffs" umount "$hf2"

# A plain folder has no history: a large file that was replaced is gone, and nothing else is.
mkdir -p "$work/hub/org/plain"
head -c 11000000 /dev/urandom >"$work/hub/org/plain/large.bin"
head -c 5000000 /dev/urandom >"$work/hub/org/plain/stays.bin"
must_mount "$hf" ref_ttl=inf
plain=$hf/org/plain
before=$(realpath "$plain/main")
head -c 11000000 /dev/urandom >"$work/hub/org/plain/large.bin"
new_commit() { ! curl -fsS "$endpoint/api/models/org/plain" | grep -q "$(basename "$before")"; }
check folder-has-a-new-commit wait_for 10 new_commit
refuses replaced-file-is-stale 1 'Stale file handle' cat "$plain/main/large.bin"
equal stale-says-why "$(getfattr --absolute-names --only-values -n user.hffs.last_error "$plain/main/large.bin" | grep -c 'has it no longer')" 1
check other-file-is-there cmp "$plain/main/stays.bin" "$work/hub/org/plain/stays.bin"
check umount-5 "$hffs" umount "$hf"
must_mount "$hf" ref_ttl=0
check new-commit-is-there cmp "$plain/main/large.bin" "$work/hub/org/plain/large.bin"
check umount-6 "$hffs" umount "$hf"
finish
