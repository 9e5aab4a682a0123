#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Without the hub: what is cached is served, the rest fails by the deadline with the right errno, and all is well when it is back.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
address=${endpoint#http://}
hf=$work/hf
must_mount "$hf" deadline=4s,ref_ttl=1s
model=$hf/org/model/main
cat "$model/three.bin" "$model/config.json" >/dev/null
ls "$hf/org/other/main/" >/dev/null

stop_server() { kill "$server_pid"; wait "$server_pid" 2>/dev/null; }
# errno_of COMMAND...: the words of its failure.
errno_of() { python3 - "$@" <<'END'
import errno, os, sys
try:
    fd = os.open(sys.argv[1], os.O_RDONLY)
    os.pread(fd, 4096, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print("ok")
except OSError as e:
    print(errno.errorcode[e.errno])
END
}

stop_server
sleep 1.2 # the branch is no longer believed
check cached-file cmp "$model/three.bin" "$work/hub/org/model/three.bin"
check cached-listing ls "$model/sub"
start=$SECONDS
equal uncached-read "$(errno_of "$model/large.safetensors" 9000000)" ETIMEDOUT
# The kernel tries a page whose readahead failed once more by itself.
at_most uncached-read-by-deadline $((SECONDS - start)) 10
start=$SECONDS
equal unknown-repo "$(errno_of "$hf/org/unheard/main/x")" ETIMEDOUT
at_most unknown-repo-by-deadline $((SECONDS - start)) 6
equal absent-in-known-tree "$(errno_of "$model/nowhere")" ENOENT
check status-says-it test -n "$("$hffs" status --json "$hf" | python3 -c 'import json,sys; print(json.load(sys.stdin)["mounts"][0]["last_error"] or "")')"
check attribute-says-it getfattr --only-values -n user.hffs.last_error "$model/large.safetensors"

# A reader that waits can be killed.
dd if="$hf/org/other/main/file.bin" of=/dev/null bs=4096 count=1 2>/dev/null &
reader=$!
sleep 0.5
kill -9 "$reader"
check killed-reader-is-gone wait_for 2 is_gone "$reader"

# Back: reads work, without a new mount.
serve "$work/hub" "$address"
check reads-again wait_for 20 cmp "$model/large.safetensors" "$work/hub/org/model/large.safetensors"
check umount "$hffs" umount "$hf"

# A mount without the hub knows what it knew.
stop_server
must_mount "$hf" deadline=3s
check mount-without-hub cmp "$model/three.bin" "$work/hub/org/model/three.bin"
check umount-without-hub "$hffs" umount "$hf"
check one-repo-without-hub "$hffs" mount org/model "$hf" -o "endpoint=$endpoint,cache=$hf.cache,deadline=2s"
check one-repo-reads-without-hub cmp "$hf/three.bin" "$work/hub/org/model/three.bin"
check umount-one-repo "$hffs" umount "$hf"

# Offline: no wait at all.
must_mount "$hf" offline
check offline-cached cmp "$model/three.bin" "$work/hub/org/model/three.bin"
start=$SECONDS
equal offline-uncached "$(errno_of "$hf/org/other/main/file.bin" 5000000)" ETIMEDOUT
at_most offline-at-once $((SECONDS - start)) 2
equal offline-requests "$(counter "$hf" requests)" 0
check umount-offline "$hffs" umount "$hf"

# Only a commit was pulled, and its branch never asked for: that is enough to get to it.
serve "$work/hub" "$address"
commit=$("$hffs" refs -o "endpoint=$endpoint,cache=$work/look.cache" org/model | cut -d' ' -f1)
check pull-a-commit "$hffs" pull -q "org/model@$commit" config.json -o "endpoint=$endpoint,cache=$work/commit.cache"
stop_server
mkdir "$work/commit"
check mount-with-a-commit "$hffs" mount "$work/commit" -o "endpoint=$endpoint,cache=$work/commit.cache,offline"
equal a-commit-is-enough "$(cat "$work/commit/org/model/$commit/config.json")" "$(cat "$work/hub/org/model/config.json")"
equal a-commit-is-enough-in-hub "$(cat "$work/commit/.hub/models--org--model/snapshots/$commit/config.json")" "$(cat "$work/hub/org/model/config.json")"
equal nothing-else-is-there "$(errno_of "$work/commit/org/other/main/file.bin" 1)" ETIMEDOUT
check umount-with-a-commit "$hffs" umount "$work/commit"
finish
