#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can be wrong, each with its exit code or errno and a sentence that says it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
hf=$work/hf
mkdir -p "$hf"
on="endpoint=$endpoint,cache=$work/cache"

# A mount of one repository says at once what is wrong with it.
start=$SECONDS
refuses unknown-repo 1 'org/nothing' "$hffs" mount org/nothing "$hf" -o "$on"
at_most unknown-repo-soon $((SECONDS - start)) 2
refuses unknown-revision 1 'org/model@v9: there is no such revision' "$hffs" mount org/model@v9 "$hf" -o "$on"
equal nothing-left "$(grep -c " $hf " /proc/self/mountinfo)" 0

# Mount points.
refuses missing-dir 1 'No such file' "$hffs" mount "$work/nowhere" -o "$on"
touch "$work/file"
refuses file-as-dir 1 'not a directory' "$hffs" mount "$work/file" -o "$on"
mkdir "$work/full"
touch "$work/full/there"
refuses non-empty 1 'not empty' "$hffs" mount "$work/full" -o "$on"
check non-empty-if-told "$hffs" mount "$work/full" -o "$on,nonempty"
equal non-empty-is-covered "$(ls "$work/full" | grep -c '^there$')" 0
check non-empty-umount "$hffs" umount "$work/full"
check non-empty-keeps test -e "$work/full/there"

# Caches.
refuses cache-is-a-file 1 "$work/file" "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/file"
refuses cache-in-proc 1 '/proc/cache' "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=/proc/cache"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 700 "$work/others"
	chown 65534 "$work/others"
	refuses cache-of-another 1 "$work/others" "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/others"
fi
check mount-once "$hffs" mount "$hf" -o "$on"
check umount-once "$hffs" umount "$hf"
python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute("PRAGMA user_version = 999"); c.commit()' "$work/cache/index.db"
refuses newer-cache 1 'newer' "$hffs" mount "$hf" -o "$on"

# Inside a mount.
must_mount "$hf" deadline=3s
refuses no-such-org 2 'No such file' ls "$hf/nobody/nothing/main"
refuses no-such-repo 2 'No such file' ls "$hf/org/nothing"
refuses no-such-revision 2 'No such file' ls "$hf/org/model/v9"
refuses no-such-commit 2 'No such file' ls "$hf/org/model/0123456789012345678901234567890123456789/"
refuses no-such-path 2 'No such file' ls "$hf/org/model/main/nowhere"
refuses bad-org-name 2 'No such file' ls "$hf/-bad-/x"
refuses long-name 2 'File name too long' ls "$hf/$(printf 'a%.0s' $(seq 256))"
refuses path-of-a-file 2 'Not a directory' ls "$hf/org/model/main/config.json/x"
refuses cat-of-a-directory 1 'Is a directory' cat "$hf/org/model/main/sub"
check still-fine cat "$hf/org/model/main/config.json"
refuses pull-unknown-repo 1 'org/nothing' "$hffs" pull org/nothing -o "$on,cache=$work/cache3"
refuses pull-no-match 1 'no file of org/model matches' "$hffs" pull org/model '*.nothing' -o "endpoint=$endpoint,cache=$work/cache3"
refuses pull-busy-cache 1 "$(daemon_pid "$hf")" "$hffs" pull org/model -o "endpoint=http://127.0.0.1:1,cache=$hf.cache"
refuses ls-unknown-path 1 "nowhere" "$hffs" ls org/model:nowhere -o "endpoint=$endpoint,cache=$work/cache3"
check umount "$hffs" umount "$hf"

# No server, no network.
must_mount_dead() { "$hffs" mount "$hf" -o "endpoint=http://127.0.0.1:1,cache=$work/cache4,deadline=3s"; }
check mount-without-server must_mount_dead
start=$SECONDS
refuses read-without-server 2 'timed out' ls "$hf/org/model/main"
at_most read-without-server-soon $((SECONDS - start)) 5
check umount-without-server "$hffs" umount "$hf"
refuses pull-without-server 1 '127.0.0.1' "$hffs" pull org/model -o "endpoint=http://127.0.0.1:1,cache=$work/cache4,deadline=3s"
equal pull-says-one-sentence "$("$hffs" pull org/model -o "endpoint=http://127.0.0.1:1,cache=$work/cache4,deadline=3s" 2>&1 | wc -l)" 1
equal ls-says-one-sentence "$("$hffs" ls org/model -o "endpoint=http://127.0.0.1:1,cache=$work/cache4,deadline=3s" 2>&1 | wc -l)" 1

# Tokens.
echo "hf_canary_token" >"$work/token"
refuses token-over-http 1 'http' env HF_TOKEN=hf_canary "$hffs" mount "$hf" -o "endpoint=http://hub.example:80,cache=$work/cache5"
refuses token-file-over-http 1 'http' "$hffs" mount "$hf" -o "endpoint=http://hub.example:80,cache=$work/cache5,token_file=$work/token"
finish
