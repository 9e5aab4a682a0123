#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every byte is the source's: cold, warm, after a crash, with many readers, mapped; and what a cold and a warm read cost.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
hf=$work/hf
must_mount "$hf"
model=$hf/org/model/main
source=$work/hub/org/model

# What is there before anything is read.
check commit-is-a-directory test -d "$(realpath "$model")"
check branch-is-a-link test -L "$model"
check realpath-names-a-commit grep -qE '/org/model/[0-9a-f]{40}$' <<<"$(realpath "$model")"
equal names "$(cd "$model/" && find . -type f | sort)" "$(cd "$source" && find . -type f | sort)"
equal sizes "$(cd "$model/" && find . -type f -printf '%s %p\n' | sort)" "$(cd "$source" && find . -type f -printf '%s %p\n' | sort)"
equal modes "$(stat -Lc %a "$model/one" "$model/sub" | tr '\n' ' ')" "444 555 "
equal listing-fetches-nothing "$(counter "$hf" bytes_fetched)" 0
equal absent-file "$(cat "$model/nowhere" 2>&1 | grep -c 'No such file')" 1
equal absent-repo "$(ls "$hf/org/nothing/main" 2>&1 | grep -c 'No such file')" 1

same_files cold "$model/" "$source"
bytes=$(du -sb --apparent-size "$source" | cut -f 1)
at_most cold-bytes "$(counter "$hf" bytes_fetched)" $((bytes * 103 / 100))
before=$(counter "$hf" requests)
same_files warm "$model/" "$source"
echo 3 2>/dev/null >/proc/sys/vm/drop_caches
same_files warm-from-disk "$model/" "$source"
equal warm-requests "$(counter "$hf" requests)" "$before"
same_files dataset "$hf/datasets/org/data/main/" "$work/hub/datasets/org/data"
same_files space "$hf/spaces/org/app/main/" "$work/hub/spaces/org/app"

# Nothing can be changed.
n=0
for attempt in "touch $model/new" "rm $model/one" "mkdir $model/dir" "mv $model/one $model/two" "truncate -s 0 $model/one" \
	"chmod 777 $model/one" "ln -s x $model/link" "ln $model/one $model/hard" "mkdir $hf/org/newmodel" "rmdir $model/sub" \
	"setfattr -n user.x -v y $model/one" "touch $model/one"; do
	refuses "read-only-$(cut -d ' ' -f 1 <<<"$attempt")-$((++n))" 1 'read-only file system' $attempt
done
refuses read-only-write 1 'read-only file system' bash -c "echo x >$model/one"

# A page at a time in a shuffled order, and mapped by several processes.
cat >"$work/probe.py" <<'END'
import mmap, os, random, sys
how, got, want, seed = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
reference = open(want, "rb").read()
rng = random.Random(seed)
fd = os.open(got, os.O_RDONLY)
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED if seed % 2 else mmap.MAP_PRIVATE) if how == "map" else None
for _ in range(400):
    off = rng.randrange(len(reference))
    n = min(rng.choice([1, 100, 4096, 65536, 700000]), len(reference) - off)
    piece = m[off:off + n] if m else os.pread(fd, n, off)
    if piece != reference[off:off + n]:
        sys.exit(f"{how}: wrong bytes at {off}, {n} long")
if m:
    assert m[:] == reference
END
check pread-shuffled python3 "$work/probe.py" pread "$model/large.safetensors" "$source/large.safetensors" 1
check mapped-warm python3 "$work/probe.py" map "$model/large.safetensors" "$source/large.safetensors" 2

# A mapping that the kernel reads nothing ahead for: its chunks are pushed into the page cache, so most pages cost no request. Shared
# by several threads, which is where pushing and reading could wait for each other.
cat >"$work/random.py" <<'END'
import ctypes, mmap, os, sys, threading
got, want = sys.argv[1], open(sys.argv[2], "rb").read()
fd = os.open(got, os.O_RDONLY)
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
m.madvise(mmap.MADV_RANDOM)
wrong = []
def walk(start):
    for block in range(start, len(want), 4 << 20):
        for off in range(block, min(block + (1 << 20), len(want)), 4096):
            if m[off:off + 4096] != want[off:off + 4096]:
                wrong.append(off)
walkers = [threading.Thread(target=walk, args=(i << 20,)) for i in range(4)]
for w in walkers:
    w.start()
for w in walkers:
    w.join()
sys.exit(f"wrong bytes at {wrong[:3]}" if wrong else 0)
END
hf1=$work/hf1
must_mount "$hf1" stable,cache="$work/cache1"
ls "$hf1/org/model/main/" >/dev/null
before=$(counter "$hf1" reads)
check mapped-random-cold timeout 60 python3 "$work/random.py" "$hf1/org/model/main/large.safetensors" "$source/large.safetensors"
at_most mapped-random-requests $(($(counter "$hf1" reads) - before)) 3000 # of 5121 pages; some are asked for meanwhile
check mapped-random-umount "$hffs" umount "$hf1"

# A crash, then the next mount without repair; what is cached is not fetched again.
sleep 1.5 # the index is committed within a second
kill_daemon "$hf"
refuses dead-mount 1 'daemon is gone' "$hffs" status "$hf"
must_mount "$hf"
same_files after-kill "$model/" "$source"
equal after-kill-bytes "$(counter "$hf" bytes_fetched)" 0
check umount "$hffs" umount "$hf"
must_mount "$hf"
same_files after-umount "$model/" "$source"
equal after-umount-bytes "$(counter "$hf" bytes_fetched)" 0
check umount-again "$hffs" umount "$hf"

# Sixteen readers of a cold cache, half of them mapping.
hf2=$work/hf2
must_mount "$hf2"
readers=()
for seed in $(seq 16); do
	how=pread
	[ $((seed % 2)) = 1 ] && how=map
	python3 "$work/probe.py" $how "$hf2/org/model/main/large.safetensors" "$source/large.safetensors" "$seed" 2>"$work/reader.$seed" &
	readers+=($!)
done
wrong=0
for reader in "${readers[@]}"; do wait "$reader" || wrong=$((wrong + 1)); done
equal sixteen-readers "$wrong" 0
at_most sixteen-readers-bytes "$(counter "$hf2" bytes_fetched)" $((($(stat -c %s "$source/large.safetensors") + 262144) * 103 / 100))
equal no-reader-left "$(counter "$hf2" readers_parked)" 0
check umount-2 "$hffs" umount "$hf2"
finish
