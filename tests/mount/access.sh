#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Repositories that not everybody may see, tokens that are right, wrong, changed: the errno, when it comes, and what is said.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
make_hub "$work/hub"
for name in private gated; do
	mkdir -p "$work/hub/org/$name"
	head -c 600000 /dev/urandom >"$work/hub/org/$name/weights.safetensors"
	echo '{}' >"$work/hub/org/$name/config.json"
	echo '# a card' >"$work/hub/org/$name/README.md"
done
# Gated, and nothing in large file storage: the listing hides no digest, so only the Hub's answer to a read tells.
mkdir -p "$work/hub/org/gated-text"
head -c 300000 /dev/zero | tr '\0' 'x' >"$work/hub/org/gated-text/data.txt"
echo '# a card' >"$work/hub/org/gated-text/README.md"
serve_faulty "$work/hub"
control 'token?token=hf_good&repo=org/private&mode=private' >/dev/null
control 'token?token=hf_good&repo=org/gated&mode=gated' >/dev/null
control 'token?token=hf_good&repo=org/gated-text&mode=gated' >/dev/null
control 'token?token=hf_stranger' >/dev/null
hf=$work/hf
mkdir "$hf"
# at NAME TOKEN: a mount with this token.
at() {
	[ -z "$2" ] || export HF_TOKEN=$2
	must_mount "$work/$1" deadline=6s
	unset HF_TOKEN
	hf=$work/$1
}
# what PATH: the errno of open, and of read where open works.
what() { python3 - "$1" <<'END'
import errno, os, sys
try:
    fd = os.open(sys.argv[1], os.O_RDONLY)
except OSError as e:
    sys.exit(print("open", errno.errorcode[e.errno]))
try:
    os.pread(fd, 4096, 0)
    print("ok")
except OSError as e:
    print("read", errno.errorcode[e.errno])
END
}

at nobody ""
equal without-token-public "$(what "$hf/org/model/main/config.json")" ok
equal without-token-private "$(what "$hf/org/private/main/config.json")" "open ENOENT"
equal without-token-gated "$(what "$hf/org/gated/main/weights.safetensors")" "open EACCES"
equal without-token-gated-page "$(getfattr --only-values --absolute-names -n user.hffs.last_error "$hf/org/gated/main/weights.safetensors" |
	grep -c "ask for access at $endpoint/org/gated,")" 1
equal without-token-gated-card "$(what "$hf/org/gated/main/README.md")" ok
check without-token-gated-listing ls "$hf/org/gated/main/"
check without-token-umount "$hffs" umount "$hf"
refuses without-token-mount-private 1 'absent or private|private.*HF_TOKEN' "$hffs" mount org/private "$hf" -o "endpoint=$endpoint,cache=$work/c1"
refuses without-token-pull-gated 1 "ask for access at $endpoint/org/gated," "$hffs" pull org/gated -o "endpoint=$endpoint,cache=$work/c1"

at stranger hf_stranger
equal stranger-public "$(what "$hf/org/model/main/config.json")" ok
equal stranger-private "$(what "$hf/org/private/main/config.json")" "open ENOENT"
equal stranger-gated "$(what "$hf/org/gated/main/weights.safetensors")" "open EACCES"
check stranger-umount "$hffs" umount "$hf"

at wrong hf_wrong
equal wrong-token "$(what "$hf/org/model/main/config.json")" "open EACCES"
check wrong-token-is-said grep -qi 'token' <<<"$("$hffs" status --json "$hf" | python3 -c 'import json,sys; print(json.load(sys.stdin)["mounts"][0]["last_error"])')"
check wrong-token-umount "$hffs" umount "$hf"
refuses wrong-token-mount 1 'token' env HF_TOKEN=hf_wrong "$hffs" mount org/model "$hf" -o "endpoint=$endpoint,cache=$work/c2"

at good hf_good
for name in private gated gated-text; do
	control reset >/dev/null
	same_files "good-$name" "$hf/org/$name/main/" "$work/hub/org/$name"
	# The commit, its listing, a resolve each: that bytes come is proof enough of the right to have them.
	at_most "good-$name-requests" "$(control stats | python3 -c 'import json, sys; r = json.load(sys.stdin)["requests"]; print(r["api"] + r["resolve"])')" 5
done
check good-umount "$hffs" umount "$hf"

# The cache of the one who may does not open the door to another.
mkdir -p "$work/other"
check other-mount env HF_TOKEN=hf_stranger "$hffs" mount "$work/other" -o "endpoint=$endpoint,cache=$work/good.cache,deadline=6s"
equal other-private "$(what "$work/other/org/private/main/config.json")" "open ENOENT"
equal other-gated "$(what "$work/other/org/gated/main/weights.safetensors")" "open EACCES"
equal other-gated-text "$(what "$work/other/org/gated-text/main/data.txt")" "read EACCES"
equal other-gated-text-in-hub "$(what "$work/other/.hub/models--org--gated-text/snapshots/$(cat "$work/other/.hub/models--org--gated-text/refs/main")/data.txt")" "read EACCES"
check other-says-where grep -q 'gated' <<<"$(getfattr --only-values --absolute-names -n user.hffs.last_error "$work/other/org/gated-text/main/data.txt")"
check other-umount "$hffs" umount "$work/other"
check nobody-mount "$hffs" mount "$work/other" -o "endpoint=$endpoint,cache=$work/good.cache,deadline=6s"
equal nobody-gated-text "$(what "$work/other/org/gated-text/main/data.txt")" "read EACCES"
check nobody-umount "$hffs" umount "$work/other"

# Who was given it keeps it: offline, and when the token is not valid any more; and without asking again and again.
check again-mount env HF_TOKEN=hf_good "$hffs" mount "$work/other" -o "endpoint=$endpoint,cache=$work/good.cache,offline"
for name in private gated gated-text; do same_files "again-offline-$name" "$work/other/org/$name/main/" "$work/hub/org/$name"; done
check again-umount "$hffs" umount "$work/other"
control 'fault?kind=status&arg=401&message=Invalid%20credentials' >/dev/null
check revoked-mount env HF_TOKEN=hf_good "$hffs" mount "$work/other" -o "endpoint=$endpoint,cache=$work/good.cache,deadline=6s,ref_ttl=0"
control reset >/dev/null
for name in private gated gated-text; do
	for _ in 1 2 3 4 5; do ls "$work/other/org/$name/main/" >/dev/null 2>&1; done
	same_files "revoked-$name" "$work/other/org/$name/main/" "$work/hub/org/$name"
done
at_most revoked-does-not-hammer "$(control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"]["total"])')" 6
equal revoked-was-refused "$(control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["refused"]["total"] > 0)')" True
equal revoked-is-said "$("$hffs" status --json "$work/other" | grep -c '"auth":[1-9]')" 1
check revoked-umount "$hffs" umount "$work/other"
control clear >/dev/null

# A token file is read again when it changes; a denial is remembered for a minute.
if [ -n "${HFFS_TEST_LONG:-}" ]; then
	echo hf_wrong >"$work/token"
	chmod 600 "$work/token"
	must_mount "$work/file" "token_file=$work/token,deadline=6s"
	equal file-wrong "$(what "$work/file/org/private/main/config.json")" "open EACCES"
	sleep 1.1
	echo hf_good >"$work/token"
	works() { [ "$(what "$work/file/org/private/main/config.json")" = ok ]; }
	check file-changed wait_for 75 works
	check file-umount "$hffs" umount "$work/file"
fi
equal no-token-went-elsewhere "$(control stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["token_leaks"])')" 0
finish
