#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tools that people point at a tree, on files of which nothing is cached: tar (-S, too), rsync, cp --sparse, git hash-object, find, du,
# os.scandir, bind mounts, overlayfs on top. Each has to bring the right bytes, or ask for none.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
# A file that is mostly zeros: holes are for the tools to make, never to believe in.
truncate -s 3M "$work/hub/org/model/zeros.bin"
printf end >>"$work/hub/org/model/zeros.bin"
serve "$work/hub"
hf=$work/hf
fetched() { counter "$hf" bytes_fetched; }
# fresh [OPTIONS]: a mount with an empty cache.
fresh() {
	is_mounted "$hf" && check unmounted "$hffs" umount "$hf"
	rm -rf "$hf.cache"
	must_mount "$hf" "${1:-}"
	commit=$hf/org/model/$(basename "$(realpath "$hf/org/model/main")")
}

fresh
find "$hf/org" -type f -o -type l >"$work/found"
equal find "$(grep -c "$commit/" "$work/found")" "$(find "$work/hub/org/model" -type f | wc -l)"
ls -lR "$commit/" >/dev/null
equal scandir "$(python3 -c '
import os, sys
def walk(top):
    with os.scandir(top) as entries:
        for e in entries:
            if e.is_dir(follow_symlinks=False):
                yield from walk(e.path)
            else:
                yield os.path.relpath(e.path, sys.argv[1]), e.stat().st_size
print(sorted(walk(sys.argv[1])))' "$commit")" "$(python3 -c '
import os, sys
print(sorted((os.path.relpath(os.path.join(d, f), sys.argv[1]), os.path.getsize(os.path.join(d, f))) for d, _, fs in os.walk(sys.argv[1]) for f in fs))' "$work/hub/org/model")"
equal du-of-nothing "$(du -s --block-size=4096 "$commit" | cut -f1)" "$(find "$work/hub/org/model" -type f -size +0 | wc -l)" # one block a file, never 0
equal none-of-these-fetched "$(fetched)" 0

tar -C "$commit" -cf "$work/plain.tar" . && mkdir "$work/plain" && tar -C "$work/plain" -xf "$work/plain.tar"
same_files tar "$work/plain" "$work/hub/org/model"
fresh
tar -S -C "$commit" -cf "$work/sparse.tar" . && mkdir "$work/sparse" && tar -C "$work/sparse" -xf "$work/sparse.tar"
same_files tar-S "$work/sparse" "$work/hub/org/model"
fresh
check cp-sparse cp -r --sparse=always "$commit" "$work/copied"
same_files cp-sparse-bytes "$work/copied" "$work/hub/org/model"
fresh
check cp-reflink cp -r --reflink=auto "$commit" "$work/copied2"
same_files cp-reflink-bytes "$work/copied2" "$work/hub/org/model"
if command -v rsync >/dev/null; then
	fresh
	check rsync rsync -aS "$commit/" "$work/synced/"
	same_files rsync-bytes "$work/synced" "$work/hub/org/model"
	before=$(fetched)
	equal rsync-again "$(rsync -aSi "$commit/" "$work/synced/" | wc -l)" 0
	equal rsync-again-fetches-nothing "$(fetched)" "$before"
else
	echo "SKIP tools/rsync: not installed"
fi
fresh
equal git-hash-object "$(git hash-object "$commit/config.json")" "$(getfattr --only-values --absolute-names -n user.hffs.oid "$commit/config.json")"
equal sha256sum "$(sha256sum <"$commit/three.bin" | cut -d' ' -f1)" "$(getfattr --only-values --absolute-names -n user.hffs.sha256 "$commit/three.bin")"

# What du says is what is cached, also of a mount that has read nothing yet.
sum_cached() { find "$commit" -type f -exec getfattr --only-values --absolute-names -n user.hffs.cached {} \; -printf '\n' | awk '{ n += $1 } END { print n + 0 }'; }
cat "$commit/three.bin" "$commit/large.safetensors" >/dev/null
check unmount-for-du "$hffs" umount "$hf"
must_mount "$hf" offline
size=$(stat -c %s "$work/hub/org/model/three.bin")
equal blocks-of-a-cached-file "$(($(stat -c %b "$commit/three.bin") * 512 / 4096))" "$(((size + 4095) / 4096))"
equal blocks-of-another "$(stat -c %b "$commit/zeros.bin")" 8
du=$(du -s --block-size=1 "$commit" | cut -f1)
want=$(($(stat -c %s "$work/hub/org/model/three.bin") + $(stat -c %s "$work/hub/org/model/large.safetensors")))
equal du-tells-what-is-cached "$((du >= want && du <= want + 40 * 4096))" 1
check unmount-after-du "$hffs" umount "$hf"

if [ "$(id -u)" = 0 ]; then
	fresh stable
	mkdir -p "$work/bind" "$work/upper" "$work/overlay-work" "$work/overlay"
	if mount --bind "$commit" "$work/bind" 2>"$work/why"; then
		same_files bind-mount "$work/bind" "$work/hub/org/model"
		umount "$work/bind"
	else
		echo "SKIP tools/bind: $(cat "$work/why")"
	fi
	if mount -t tmpfs none "$work/upper" 2>"$work/why" && mkdir "$work/upper/u" "$work/upper/w" &&
		mount -t overlay none "$work/overlay" -o "lowerdir=$hf,upperdir=$work/upper/u,workdir=$work/upper/w" 2>"$work/why"; then
		same_files overlay "$work/overlay/org/model/$(basename "$commit")" "$work/hub/org/model"
		check overlay-writes sh -c "echo new >'$work/overlay/org/model/$(basename "$commit")/new.txt'"
		check overlay-changes sh -c "echo more >>'$work/overlay/org/model/$(basename "$commit")/config.json'"
		equal below-stays "$(cat "$commit/config.json")" "$(cat "$work/hub/org/model/config.json")"
		# The layout of the Hugging Face cache with a writable layer.
		equal overlay-hub "$(cat "$work/overlay/.hub/models--org--model/refs/main")" "$(basename "$commit")"
		check overlay-hub-writes sh -c "mkdir -p '$work/overlay/.hub/.locks/models--org--model' && : >'$work/overlay/.hub/.locks/models--org--model/x.lock'"
		check overlay-hub-reads cmp "$work/overlay/.hub/models--org--model/snapshots/$(basename "$commit")/three.bin" "$work/hub/org/model/three.bin"
		umount "$work/overlay"
		umount "$work/upper"
	else
		echo "SKIP tools/overlay: $(cat "$work/why")"
	fi
	check unmount-stable "$hffs" umount "$hf"
else
	echo "SKIP tools/mounts-on-top: not root"
fi
finish
