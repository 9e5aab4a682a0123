#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Complete files are read past the daemon, where kernel and rights allow it: who is, who goes on beside, what eviction, kills and an
# overlay on top do to it. Without passthrough the same reads go through the daemon; that is checked everywhere.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
source=$work/hub/org/model
cp /bin/true "$source/true"
python3 - "$source" <<'END'
import random, sys
rng = random.Random(8)
for name, mib in ("a.bin", 24), ("b.bin", 30), ("c.bin", 26):
    with open(f"{sys.argv[1]}/{name}", "wb") as f:
        f.write(rng.randbytes(mib << 20))
END
serve_faulty "$work/hub"
hf=$work/hf
must_mount "$hf"
"$hffs" status --json "$hf" | grep -q '"passthrough":true' || skip "the kernel does not read files past us (Linux 6.9, root)"
model=$hf/org/model/main

is_sealed() { [ "$(getfattr --absolute-names --only-values -n user.hffs.verified "$1" 2>/dev/null)" = yes ]; }
# is_passed DIR FILE: a whole read of it does not reach the daemon.
is_passed() {
	local before
	before=$(counter "$1" reads)
	cat "$2" >"$work/passed" && [ "$(counter "$1" reads)" = "$before" ]
}
# holder NAME FILE SOURCE WHAT: a process that opens and maps FILE and keeps it; WHAT=map closes the descriptor. Each line that it is
# given makes it compare all bytes again, and say so.
holder() {
	mkfifo "$work/$1.in" "$work/$1.out"
	python3 -c '
import ctypes, mmap, os, sys
name, want, what = sys.argv[1:]
want = open(want, "rb").read()
f = open(name, "rb")
libc = ctypes.CDLL(None, use_errno=True) # the mmap of Python keeps a descriptor of its own
libc.mmap.restype, libc.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
at = libc.mmap(None, len(want), mmap.PROT_READ, mmap.MAP_SHARED, f.fileno(), 0)
m = (ctypes.c_char * len(want)).from_address(at)
if what == "map":
    f.close()
print("ready", flush=True)
for line in sys.stdin:
    if line == "end\n":
        break
    right = m.raw == want and (what == "map" or os.pread(f.fileno(), len(want), 0) == want)
    print("right" if right else "WRONG", os.fstat(f.fileno()).st_ino if what != "map" else "", flush=True)
' "$2" "$3" "$4" <"$work/$1.in" >"$work/$1.out" &
	pids+=($!)
	eval "$1_pid=$!"
	exec {in_fd}>"$work/$1.in" {out_fd}<"$work/$1.out"
	eval "$1_in=$in_fd $1_out=$out_fd"
	local line
	read -r line <&"$out_fd"
	equal "$1-is-there" "$line" ready
}
ask() {
	local in=$1_in out=$1_out line
	echo >&"${!in}"
	read -r -t 60 line <&"${!out}"
	echo "$line"
}
let_go() {
	local in=$1_in pid=$1_pid
	echo end >&"${!in}"
	wait "${!pid}"
}

# A reader and a mapping from before the file is complete go on beside new ones.
large=$model/large.safetensors
holder early "$large" "$source/large.safetensors" both
# says_passed FILE: who opens it now is told that the kernel reads it.
says_passed() { python3 -c 'import os, sys; sys.exit("user.hffs.passthrough" not in os.listxattr(os.open(sys.argv[1], os.O_RDONLY)))' "$1"; }
refuses early-is-not-passed 1 '^$' says_passed "$large"
ino=$(stat -Lc %i "$large")
equal early-reads "$(ask early)" "right $ino"
check is-sealed wait_for 20 is_sealed "$large"
check is-passed-beside-an-old-reader wait_for 20 is_passed "$hf" "$large"
check says-so wait_for 20 says_passed "$large"
equal inode-number-stays "$(stat -Lc %i "$large")" "$ino"
equal early-goes-on "$(ask early)" "right $ino"
before=$(counter "$hf" reads)
holder late "$large" "$source/large.safetensors" both
equal late-reads "$(ask late)" "right $ino"
equal late-is-passed "$(counter "$hf" reads)" "$before"
equal early-and-late "$(ask early)$(ask late)" "right ${ino}right $ino"
equal open-files-are-counted "$(counter "$hf" open_files)" 2
let_go early
let_go late

# Every way of reading.
cat >"$work/ways.py" <<'END'
import mmap, os, sys, tempfile
name, want = sys.argv[1], open(sys.argv[2], "rb").read()
fd = os.open(name, os.O_RDONLY | os.O_DIRECT)
buf = mmap.mmap(-1, 1 << 20)
assert os.preadv(fd, [buf], 4 << 20) == 1 << 20 and buf[:] == want[4 << 20:5 << 20], "direct"
os.close(fd)
fd = os.open(name, os.O_RDONLY)
with tempfile.TemporaryFile() as out:
    left, off = len(want), 0
    while off < left:
        off += os.sendfile(out.fileno(), fd, off, left - off)
    out.seek(0)
    assert out.read() == want, "sendfile"
for flags in mmap.MAP_SHARED, mmap.MAP_PRIVATE:
    m = mmap.mmap(fd, 0, prot=mmap.PROT_READ, flags=flags)
    m.madvise(mmap.MADV_RANDOM)
    assert m[:] == want, "mapped"
assert os.pread(fd, 10, len(want) - 3) == want[-3:] and os.pread(fd, 10, len(want)) == b"", "end"
assert os.lseek(fd, 0, os.SEEK_HOLE) == len(want), "hole"
os.close(fd)
os.close(os.open(f"/proc/self/fd/{os.open(name, os.O_RDONLY)}", os.O_RDONLY))
END
check ways-to-read python3 "$work/ways.py" "$large" "$source/large.safetensors"
check is-still-passed is_passed "$hf" "$large"
loader=$(python3 -c 'print(next(l.split()[-1] for l in open("/proc/self/maps") if "ld-linux" in l or "ld-musl" in l))')
check true-is-sealed wait_for 20 bash -c "cat '$model/true' >/dev/null; [ \"\$(getfattr --absolute-names --only-values -n user.hffs.verified '$model/true')\" = yes ]"
check runs-a-program "$loader" "$model/true"
refuses writing-is-refused 1 'read-only file system' bash -c "echo x >'$large'"
same_files everything "$model/" "$source"
check blocks-of-a-passed-file wait_for 10 bash -c "cat '$large' >/dev/null; [ \$((\$(stat -Lc %b '$large') * 512)) -ge \$(stat -Lc %s '$large') ]"

# A clean end and another start: what was proven is passed at once.
check umount "$hffs" umount "$hf"
must_mount "$hf"
stat -L "$large" >"$work/stat" # its rows are asked for
check passed-at-once wait_for 5 is_passed "$hf" "$large"
at_most reads-before-that "$(counter "$hf" reads)" 200
check cmp-after-restart cmp "$large" "$source/large.safetensors"

# A kill: mappings and descriptors of passed files keep their bytes; the next daemon proves first, then passes, and never touches
# a file that the one before it had handed out.
holder orphan "$large" "$source/large.safetensors" map
kill_daemon "$hf"
equal orphan-after-kill "$(ask orphan)" right
must_mount "$hf"
check cmp-after-kill cmp "$large" "$source/large.safetensors"
check proven-again wait_for 30 is_sealed "$large"
check passed-again wait_for 20 is_passed "$hf" "$large"
check umount-2 "$hffs" umount "$hf"
must_mount "$hf" "cache_size=32M"
check cmp-b-after-kill cmp "$model/b.bin" "$source/b.bin"
is_evicted() { ! find "$hf.cache/blobs" -name "$(sha256sum <"$source/large.safetensors" | cut -c 1-64)" | grep -q .; }
check orphan-was-evicted wait_for 20 is_evicted
equal orphan-after-eviction "$(ask orphan)" right
let_go orphan
check umount-3 "$hffs" umount "$hf"

# Eviction on a disk of its own: whoever has the file mapped keeps it; the space is back when they let go.
small=$work/small
mkdir "$small" "$small.cache"
mount -t tmpfs -o size=96m,mode=0700 hffs-test "$small.cache" || skip "no tmpfs"
must_mount "$small" "cache_size=40M,keep_free=2M"
model=$small/org/model/main
used() { echo $(($(df --output=used -B1M "$small.cache" | tail -n 1))); }
evicted() { counter "$small" evicted_bytes; }
has_name() { find "$small.cache/blobs" -name "$(sha256sum <"$source/$1" | cut -c 1-64)" | grep -q .; }
cat "$model/a.bin" >/dev/null
check a-is-sealed wait_for 20 is_sealed "$model/a.bin"
check a-is-passed wait_for 20 is_passed "$small" "$model/a.bin"
holder mapped "$model/a.bin" "$source/a.bin" map
sleep 1.1 # what is used within one second is equally old
check cmp-b cmp "$model/b.bin" "$source/b.bin"
is_without_a() { ! has_name a.bin; }
check a-is-evicted wait_for 20 is_without_a
equal mapped-keeps-its-bytes "$(ask mapped)" right
at_most the-rest-is-within-the-limit "$(used)" $((24 + 42))
at_most mapped-keeps-its-space $((24 + 10)) "$(used)"
check cmp-a-anew cmp "$model/a.bin" "$source/a.bin"
equal mapped-keeps-its-bytes-still "$(ask mapped)" right
let_go mapped
is_within() { [ "$(used)" -le "$1" ]; }
check space-is-back wait_for 20 is_within 44
last=$(evicted)
sleep 0.6 # three turns of an eviction that does not come to rest
equal eviction-rests "$(evicted)" "$last"

# An open file is in use: others go first, and it keeps its place.
seal_again() { cat "$model/a.bin" >/dev/null && is_sealed "$model/a.bin"; } # room for all of it may be made meanwhile, of itself
check a-is-sealed-again wait_for 20 seal_again
check a-is-passed-again wait_for 20 is_passed "$small" "$model/a.bin"
holder opened "$model/a.bin" "$source/a.bin" both
check cmp-b-beside cmp "$model/b.bin" "$source/b.bin"
check within-the-limit wait_for 20 is_within 44
check a-keeps-its-place has_name a.bin
equal opened-keeps-its-bytes "$(cut -d ' ' -f 1 <<<"$(ask opened)")" right
let_go opened
check umount-small "$hffs" umount "$small"
umount "$small.cache"

# Opening and closing while files are sealed and evicted: never an error. A mount of one repository has the same nodes.
busy=$work/busy
must_mount "$busy" "cache_size=48M"
cat >"$work/busy.py" <<'END'
import mmap, os, random, sys, threading, time
top, source, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
names = ["a.bin", "b.bin", "large.safetensors", "three.bin", "chunk", "one", "config.json", "chunk+1", "page"]
plain = {n: open(f"{source}/{n}", "rb").read() for n in names}
bad, end, opens = [], time.monotonic() + seconds, 0
def work(seed):
    global opens
    rng = random.Random(seed)
    kept = []
    while time.monotonic() < end and not bad:
        name = rng.choice(names)
        whole = plain[name]
        try:
            fd = os.open(f"{top}/{name}", os.O_RDONLY)
            opens += 1
            if rng.random() < 0.1:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
            off = rng.randrange(len(whole))
            n = min(rng.choice([1, 4096, 300000, 8 << 20]), len(whole) - off)
            if rng.random() < 0.5:
                m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
                got = m[off:off + n]
                if rng.random() < 0.2:
                    kept.append((m, whole))
            else:
                got = os.pread(fd, n, off)
            if got != whole[off:off + n]:
                bad.append(f"{name}: wrong bytes at {off}")
            os.close(fd)
            while len(kept) > 4 or (kept and rng.random() < 0.1):
                m, whole = kept.pop(0)
                off = rng.randrange(len(whole))
                if m[off:off + 70000] != whole[off:off + 70000]:
                    bad.append(f"a kept mapping is wrong at {off}")
        except OSError as e:
            bad.append(f"{name}: {e}")
threads = [threading.Thread(target=work, args=(s,)) for s in range(8)]
for t in threads: t.start()
for t in threads: t.join()
if bad or opens < 50:
    sys.exit(f"{opens} opened; " + "; ".join(bad[:5]))
END
check opens-while-sealing-and-evicting python3 "$work/busy.py" "$busy/org/model/main" "$source" "${HFFS_TEST_LONG:+6}6"
at_most busy-evictions 1 "$(counter "$busy" evicted_bytes)"
check umount-busy "$hffs" umount "$busy"

# An overlay on top of a stable mount: nodes stay, also when files are sealed under it.
stable=$work/stable
must_mount "$stable" stable
mkdir "$work/upper" "$work/work" "$work/merged"
if mount -t overlay hffs-test -o "lowerdir=$(realpath "$stable/org/model/main"),upperdir=$work/upper,workdir=$work/work" "$work/merged"; then
	merged=$work/merged
	head -c 100000 "$merged/large.safetensors" | cmp -n 100000 - "$source/large.safetensors" && pass overlay-head || fail overlay-head
	holder through "$merged/large.safetensors" "$source/large.safetensors" both
	equal overlay-reads "$(cut -d ' ' -f 1 <<<"$(ask through)")" right
	check overlay-sealed-below wait_for 20 is_sealed "$stable/org/model/main/large.safetensors"
	sleep 1.2 # nodes would have been changed within a second
	check overlay-stat stat "$merged/large.safetensors"
	check overlay-cmp cmp "$merged/large.safetensors" "$source/large.safetensors"
	equal overlay-reads-on "$(cut -d ' ' -f 1 <<<"$(ask through)")" right
	let_go through
	check overlay-is-passed wait_for 20 is_passed "$stable" "$merged/large.safetensors"
	check overlay-ways python3 "$work/ways.py" "$merged/large.safetensors" "$source/large.safetensors"
	check overlay-copies-up bash -c "printf tail >>'$merged/large.safetensors'"
	equal overlay-copy "$(sha256sum <"$merged/large.safetensors")" "$( (cat "$source/large.safetensors" && printf tail) | sha256sum)"
	check below-is-unchanged cmp "$stable/org/model/main/large.safetensors" "$source/large.safetensors"
	check overlay-small bash -c "echo >>'$merged/config.json' && head -n 1 '$merged/config.json' | cmp - '$source/config.json'"
	rm "$merged/large.safetensors" "$merged/config.json"
	check overlay-umount umount "$merged"
else
	echo "SKIP $suite/overlay: it cannot be mounted here"
fi
check umount-stable "$hffs" umount "$stable"
finish
