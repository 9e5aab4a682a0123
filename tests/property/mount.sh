#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random reads, maps, evictions, restarts and kills against a plain copy. SEED=n repeats a run, ROUNDS=n makes it longer.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
seed=${SEED:-$RANDOM}
rounds=${ROUNDS:-$([ -n "${HFFS_TEST_LONG:-}" ] && echo 60 || echo 12)}
echo "seed $seed, $rounds rounds"
mkdir -p "$work/hub/org/model"
python3 - "$work/hub/org/model" "$seed" <<'END'
import random, sys
rng = random.Random(int(sys.argv[2]))
for i, size in enumerate([70 * 2**20 + 11, 40 * 2**20, 9 * 2**20 + 4095, 262144, 1]):
    with open(f"{sys.argv[1]}/f{i}.bin", "wb") as f:
        f.write(rng.randbytes(size))
END
serve_faulty "$work/hub"
# The cache holds a third of the files, so that eviction never rests; every seventh transfer ends early.
for ((n = 7; n <= 700; n += 7)); do
	curl -fsS -X POST "$endpoint/_test/fault?route=cdn&nth=$n&times=1&kind=cut&arg=100000" >/dev/null || fail faults "refused"
done
mkdir "$work/hf"
cat >"$work/driver.py" <<'END'
import mmap, os, random, signal, subprocess, sys, threading
hffs, endpoint, hf, source, seed, rounds = sys.argv[1:5] + [int(a) for a in sys.argv[5:7]]
options = f"endpoint={endpoint},cache={hf}.cache,cache_size=40M,log={hf}.log"
names = sorted(os.listdir(source))
plain = {n: open(f"{source}/{n}", "rb").read() for n in names}
rng = random.Random(seed)
bad = []

def mount():
    said = subprocess.run([hffs, "mount", hf, "-o", options], capture_output=True, text=True, timeout=60)
    if said.returncode:
        sys.exit(f"no mount: {said.stderr}")

def pid():
    import json
    out = subprocess.run([hffs, "status", "--json", hf], capture_output=True, text=True, check=True).stdout
    return json.loads(out)["mounts"][0]["pid"]

def read_some(path, whole, dice, mapped):
    fd = os.open(path, os.O_RDONLY)
    m = mmap.mmap(fd, 0, prot=mmap.PROT_READ) if mapped else None
    at = dice.randrange(len(whole))
    for _ in range(30):
        at = at if dice.random() < 0.5 else dice.randrange(len(whole))
        n = min(dice.choice([1, 4095, 4096, 131072, 262145, 1 << 20]), len(whole) - at)
        piece = m[at:at + n] if mapped else os.pread(fd, n, at)
        if piece != whole[at:at + n]:
            bad.append(f"{path}: wrong bytes at {at}, {n} long, {'mapped' if mapped else 'read'}")
        at = at + n if at + n < len(whole) else 0
    if m:
        m.close()
    os.close(fd)

def worker(s):
    dice = random.Random(s)
    try:
        for _ in range(3):
            name = dice.choice(names)
            read_some(f"{hf}/org/model/main/{name}", plain[name], dice, dice.random() < 0.4)
    except Exception as e:
        bad.append(repr(e))

def crash():
    p = pid()
    os.kill(p, signal.SIGKILL)
    while os.path.exists(f"/proc/{p}") and open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
        pass

mount()
for i in range(rounds):
    threads = [threading.Thread(target=worker, args=(seed * 1000 + i * 16 + t,)) for t in range(6)]
    for t in threads: t.start()
    for t in threads: t.join()
    if bad:
        sys.exit("\n".join(bad[:5]))
    what = rng.choice(["nothing", "drop", "restart", "kill", "drop"])
    if what == "drop" and os.getuid() == 0:
        open("/proc/sys/vm/drop_caches", "w").write("3\n")
    if what == "kill":
        crash()
    if what == "restart":
        subprocess.run([hffs, "umount", hf], check=True, timeout=30)
    if what in ("kill", "restart"):
        mount()
END
check bytes-are-right python3 "$work/driver.py" "$hffs" "$endpoint" "$work/hf" "$work/hub/org/model" "$seed" "$rounds"
same_files all-files "$work/hf/org/model/main/" "$work/hub/org/model"
# Eviction follows the next commit of the index, at the latest a second later.
is_within_limit() { [ "$(du -s -B1 "$work/hf.cache/blobs" | cut -f 1)" -le $((44 * 1048576)) ]; }
check cache-stays-in-its-limit wait_for 10 is_within_limit
at_most evictions-happened 1 "$(sed -n 's/.*"evicted_bytes":\([0-9]*\).*/\1/p' <<<"$("$hffs" status --json "$work/hf")")"
check unmount "$hffs" umount "$work/hf"
finish
