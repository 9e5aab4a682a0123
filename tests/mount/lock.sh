#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lock files: written the same in both ways, a mount that shows only what is locked, drift and lies refused, nothing lost.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
git_hub() { # org/moving: a git repository, so that its branch can move
	rm -rf "$work/hub/org/moving"
	git init -q -b main "$work/hub/org/moving"
	echo one >"$work/hub/org/moving/file.txt"
	echo old >"$work/hub/org/moving/other.txt"
	commit_moving one
}
commit_moving() { git -C "$work/hub/org/moving" add -A && git -C "$work/hub/org/moving" -c user.name=a -c user.email=a@b commit -qm "$1"; }
git_hub
serve "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"
lock=$work/hub.lock
hf=$work/hf
mkdir "$hf"

# Writing: several repositories, stable, others stay.
check lock-model "$hffs" pin --lock "$lock" org/model -o "$on"
check lock-dataset "$hffs" pin -q -l "$lock" datasets/org/data -o "$on"
check lock-with-pattern "$hffs" pin --lock "$lock" org/other '*.bin' -o "$on"
check lock-branch "$hffs" pin --lock "$lock" org/moving -o "$on"
cp "$lock" "$work/first.lock"
for repo in org/moving org/other datasets/org/data org/model; do
	"$hffs" pin -q --lock "$work/backwards.lock" "$repo" -o "$on" || fail lock-backwards "$repo"
done
check lock-order-does-not-matter cmp "$lock" "$work/backwards.lock"
check lock-is-json python3 - "$lock" "$work/hub" <<'END'
import hashlib, json, os, sys
lock, hub = json.load(open(sys.argv[1])), sys.argv[2]
assert lock["hffs_lock"] == 1
names = [r["repository"] for r in lock["repositories"]]
assert names == ["org/model", "org/moving", "org/other", "datasets/org/data"], names
for r in lock["repositories"]:
    paths = [f["path"] for f in r["files"]]
    assert paths == sorted(paths, key=lambda p: p.encode()) and paths, paths
    for f in r["files"]:
        data = open(os.path.join(hub, r["repository"], f["path"]), "rb").read()
        kind, digest = f["digest"].split(":")
        want = hashlib.sha256(data).hexdigest() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        assert f["size"] == len(data) and digest == want, f
END
refuses lock-without-repo 2 'needs a REPO' "$hffs" pin --lock "$lock" -o "$on"
refuses lock-unknown-repo 1 'org/nothing' "$hffs" pin --lock "$lock" org/nothing -o "$on"
refuses lock-no-match 1 'no file of org/model matches' "$hffs" pin --lock "$lock" org/model '*.none' -o "$on"
refuses lock-nowhere 1 "cannot write the lock file $work/no/where" "$hffs" pin --lock "$work/no/where" org/model -o "$on"
check lock-is-untouched cmp "$lock" "$work/first.lock"
head -c 700 "$lock" >"$work/half.lock"
cp "$work/half.lock" "$work/half.before"
refuses lock-half-written 1 'half.lock cannot be used: it is not JSON as a whole' "$hffs" pin --lock "$work/half.lock" org/model -o "$on"
check half-is-left-as-it-is cmp "$work/half.lock" "$work/half.before"
equal no-temporary-left "$(find "$work" -maxdepth 1 -name '*.tmp' | wc -l)" 0

# A mount of it: only what is locked, by its names and at its commits, though the branch moves.
commit=$(git -C "$work/hub/org/moving" rev-parse HEAD)
echo two >"$work/hub/org/moving/file.txt"
echo new >"$work/hub/org/moving/new.txt"
commit_moving two
check mount-locked "$hffs" mount "$hf" -o "$on,lock=$lock,ref_ttl=0"
equal status-says-lock "$("$hffs" status --json "$hf" | sed -n 's/.*"lock":"\([^"]*\)".*/\1/p')" "$lock"
same_files locked-files "$hf/org/model/main/" "$work/hub/org/model"
equal locked-names "$(ls "$hf" "$hf/org" "$hf/datasets/org" "$hf/spaces" | tr '\n' ' ' | sed "s#$hf##g")" ": datasets org spaces  /datasets/org: data  /org: model moving other  /spaces: "
equal locked-branch "$(readlink "$hf/org/moving/main")" "$commit"
equal locked-content "$(cat "$hf/org/moving/main/file.txt")" one
check not-of-the-lock test ! -e "$hf/org/moving/main/new.txt"
equal locked-revisions "$(ls "$hf/org/moving" | sort | tr '\n' ' ')" "$(printf '%s\n' main "$commit" | sort | tr '\n' ' ')"
equal pattern-only "$(ls "$hf/org/other/main/")" file.bin
for path in org/nothing spaces/org/app org/moving/v1 "org/moving/$(git -C "$work/hub/org/moving" rev-parse HEAD)"; do
	refuses "hidden-$(basename "$path" | cut -c 1-8)" 1 'No such file' stat "$hf/$path"
done
equal locked-hub-layout "$(ls "$hf/.hub" | tr '\n' ' ')" "datasets--org--data models--org--model models--org--moving models--org--other "
equal locked-hub-ref "$(cat "$hf/.hub/models--org--moving/refs/main")" "$commit"
equal locked-hub-content "$(cat "$hf/.hub/models--org--moving/snapshots/$commit/file.txt")" one
check locked-hub-lacks-the-rest test ! -e "$hf/.hub/models--org--moving/snapshots/$commit/new.txt" -a ! -e "$hf/.hub/spaces--org--app"
check lock-through-mount "$hffs" pin -q --lock "$work/mount.lock" org/model -o "endpoint=$endpoint,lock=$lock"
check lock-both-ways-alike cmp <(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["repositories"][0])' "$work/mount.lock") \
	<(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["repositories"][0])' "$lock")
check umount "$hffs" umount "$hf"
check mount-one-locked "$hffs" mount org/moving@main "$hf" -o "$on,lock=$lock"
equal one-locked-content "$(cat "$hf/file.txt")" one
check umount-one "$hffs" umount "$hf"
refuses mount-one-not-locked 1 'org/moving@v9: it is not in the lock file' "$hffs" mount org/moving@v9 "$hf" -o "$on,lock=$lock"
check pull-locked "$hffs" pull -q org/moving -o "$on,lock=$lock,offline=no"
refuses pull-not-locked 1 'it is not in the lock file' "$hffs" pull -q spaces/org/app -o "$on,lock=$lock"

# Without the Hub: the lock is all that a mount needs for names.
mkdir "$work/fresh"
check mount-offline-without-listing "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/fresh.cache,lock=$lock,offline,log=$work/offline.log"
equal offline-sizes "$(stat -c %s "$hf/org/model/main/large.safetensors")" "$(stat -c %s "$work/hub/org/model/large.safetensors")"
check offline-is-told grep -q 'cannot be compared with the Hub' "$work/offline.log"
check umount-offline "$hffs" umount "$hf"
check mount-offline "$hffs" mount "$hf" -o "$on,lock=$lock,offline"
check offline-content cmp "$hf/org/model/main/large.safetensors" "$work/hub/org/model/large.safetensors"
check umount-offline-again "$hffs" umount "$hf"

# Drift and lies: refused at the mount, each with its sentence; nothing is mounted.
lie() { sed "$1" "$lock" >"$work/lie.lock"; }
refuse_lie() { refuses "$1" 1 "lie.lock does not hold: $2" "$hffs" mount "$hf" -o "$on,lock=$work/lie.lock"; }
lie '/"config.json"/s/"size": 23/"size": 24/'
refuse_lie lie-of-size "org/model@main: 'config.json' is locked with 24 bytes, but the Hub lists 23"
lie '/"large.safetensors"/s/sha256:./sha256:f/;/"large.safetensors"/s/sha256:f1/sha256:e1/'
refuse_lie lie-of-digest "org/model@main: 'large.safetensors' is locked as sha256:[0-9a-f]*..., but the Hub lists"
lie 's/"path": "one"/"path": "onf"/'
refuse_lie lie-of-path "org/model@main: the Hub's listing of the commit [0-9a-f]* has no file 'onf'"
equal nothing-mounted "$(grep -c " $hf " /proc/self/mountinfo)" 0
refuses mount-half 1 'half.lock cannot be used' "$hffs" mount "$hf" -o "$on,lock=$work/half.lock"
refuses mount-missing 1 "cannot read the lock file $work/none" "$hffs" mount "$hf" -o "$on,lock=$work/none"
refuses mount-directory 1 "cannot read the lock file $work/hub" "$hffs" mount "$hf" -o "$on,lock=$work/hub"
refuses lock-without-file 2 "'lock' needs a value" "$hffs" mount "$hf" -o "$on,lock"

# A repository that vanished: what is cached of it is read, the rest of the lock works.
mv "$work/hub/org/model" "$work/gone"
check mount-vanished "$hffs" mount "$hf" -o "$on,lock=$lock,log=$work/vanished.log"
check vanished-is-read cmp "$hf/org/model/main/large.safetensors" "$work/gone/large.safetensors"
equal vanished-others "$(cat "$hf/org/moving/main/other.txt")" old
check umount-vanished "$hffs" umount "$hf"
cp -r "$lock" "$work/kept.lock"
refuses lock-vanished 1 'org/model' "$hffs" pin --lock "$work/kept.lock" org/model@v7 -o "$on"
check vanished-stays-locked cmp "$lock" "$work/kept.lock"

# Content that lies: right size, wrong bytes, behind a listing that agrees with the lock.
if [ -x "$hub_faulty" ]; then
	mv "$work/gone" "$work/hub/org/model"
	serve_faulty "$work/hub"
	control 'fault?kind=flip&route=cdn' >/dev/null
	check mount-liar "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/liar,lock=$lock"
	cat "$hf/org/other/main/file.bin" >/dev/null 2>&1
	wait_for 20 sh -c "! cat $hf/org/other/main/file.bin"
	refuses liar-is-found 1 'Bad message' cat "$hf/org/other/main/file.bin"
	control clear >/dev/null
	check umount-liar "$hffs" umount "$hf"

	# Locked by a name of one part: it is kept in the lock, and leads to the true one without the Hub; so does another case.
	control 'rename?from=old-name&to=org/model' >/dev/null
	check lock-by-an-old-name "$hffs" pin -q --lock "$work/names.lock" old-name -o "endpoint=$endpoint,cache=$work/names"
	check lock-by-the-true-name "$hffs" pin -q --lock "$work/names.lock" org/model -o "endpoint=$endpoint,cache=$work/names"
	equal other-name-is-kept "$(grep -c '"also": "old-name"' "$work/names.lock")" 1
	control reset >/dev/null
	check mount-names "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/names,lock=$work/names.lock,offline"
	equal locked-old-name "$(readlink "$hf/old-name")" org/model
	equal locked-old-name-file "$(stat -c %s "$hf/old-name/main/config.json")" "$(stat -c %s "$work/hub/org/model/config.json")"
	equal locked-other-case "$(readlink "$hf/ORG/Model")" ../org/model
	equal locked-hub-old-name "$(readlink "$hf/.hub/models--old-name")" models--org--model
	equal locked-names-are-not-listed "$(ls "$hf" | tr '\n' ' ')" "datasets org spaces "
	refuses locked-no-other-name 1 'No such file' stat "$hf/never/main"
	check ls-by-an-old-name "$hffs" ls -o "endpoint=$endpoint,lock=$work/names.lock,offline" old-name@main
	check umount-names "$hffs" umount "$hf"
	equal names-ask-nobody "$(control stats | sed 's/.*"requests":{[^}]*"total":\([0-9]*\).*/\1/')" 0
fi
finish
