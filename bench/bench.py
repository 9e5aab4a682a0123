#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a mount beside curl on the same machine in the same run, and prints ratios.

  bench/bench.py [--size MIB] [--reps N] [--only CASE,...] [--build DIR] [--work DIR]

Everything is made and served locally: a random safetensors file, the test Hub with its delays and rates, a mount with an empty
cache for each repetition. Repetitions of curl and hffs alternate, and the median of their ratios is what counts. Bytes that a
mount hands out are compared with the source. Needs root (the page cache is dropped between runs) and room for three copies of
the file under --work.
"""
import argparse
import hashlib
import json
import mmap
import os
import random
import shutil
import statistics
import struct
import subprocess
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
MODEL = "bench/model/main/model.safetensors"


def make_model(path, size):
    """A safetensors file of `size` bytes: 64 tensors of random bytes."""
    if os.path.exists(path) and os.path.getsize(path) == size:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    room = 16384
    each = (size - room) // 64
    ends = [(i + 1) * each for i in range(63)] + [size - room]
    header = {f"layers.{i}.weight": {"dtype": "U8", "shape": [end - i * each], "data_offsets": [i * each, end]}
              for i, end in enumerate(ends)}
    text = json.dumps(header).encode().ljust(room - 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for off in range(0, size - room, 16 * MIB):
            f.write(random.randbytes(min(16 * MIB, size - room - off)))


def make_many(folder):
    os.makedirs(folder, exist_ok=True)
    for i in range(1000):
        with open(os.path.join(folder, f"part-{i:04}.txt"), "w", encoding="ascii") as f:
            f.write(hashlib.sha256(str(i).encode()).hexdigest() * 4)


def settle(args):
    """The same start for every run: nothing cached but the source, which the server reads from memory."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3\n")
    with open(args.source, "rb") as f:
        while f.read(8 * MIB):
            pass


class Hub:
    def __init__(self, args, program, folder):
        command = [os.path.join(args.build, program[0]), *program[1:], folder, "--listen", "127.0.0.1:0",
                   "--state", os.path.join(args.work, "state")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.endpoint = self.process.stdout.readline().strip()

    def call(self, path, method="POST"):
        request = urllib.request.Request(self.endpoint + path, method=method)
        return urllib.request.urlopen(request, timeout=60).read()

    def shape(self, delay_ms=0, conn_bps=0, total_bps=0):
        self.call(f"/_test/shape?delay_ms={delay_ms}&conn_bps={conn_bps}&total_bps={total_bps}")

    def content_requests(self):
        return json.loads(self.call("/_test/stats", "GET"))["requests"]["cdn"]

    def close(self):
        self.process.terminate()
        self.process.wait(10)


class Mount:
    """A mount with an empty cache, or with the one that the last mount left."""

    def __init__(self, args, hub, keep=False):
        self.dir, cache = os.path.join(args.work, "mnt"), os.path.join(args.work, "cache")
        if not keep:
            shutil.rmtree(cache, ignore_errors=True)
        os.makedirs(self.dir, exist_ok=True)
        self.hffs = os.path.join(args.build, "hffs")
        self.process = subprocess.Popen([self.hffs, "mount", "-f", "hub", self.dir, "-o", f"endpoint={hub.endpoint},cache={cache}"])
        self.model = os.path.join(self.dir, MODEL)
        end = time.monotonic() + 10
        while not os.path.ismount(self.dir):
            if time.monotonic() > end:
                raise SystemExit("the mount did not come up")
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([self.hffs, "umount", self.dir], check=True)
        self.process.wait(15)

    def fetched(self):
        out = subprocess.run([self.hffs, "status", "--json", self.dir], capture_output=True, text=True, check=True).stdout
        return json.loads(out)["mounts"][0]["bytes_fetched"]

    def rss_anon(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def row(case, value, note):
    print(f"{case:<44} {value:>10}  {note}", flush=True)


def wrong_bytes():
    raise SystemExit("the mount handed out wrong bytes")


def in_threads(number, work):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(number)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def curl_once(args, hub):
    out = os.path.join(args.work, "curl.out")
    if os.path.exists(out):
        os.unlink(out)
    settle(args)
    return timed(["curl", "-sfL", "-o", out, hub.endpoint + "/" + MODEL.replace("/main/", "/resolve/main/")])


def cold_sequential(args, hub, title, reps):
    ratios, curls, cats, cpus, size = [], [], [], [], os.path.getsize(args.source)
    for i in range(reps):
        curls.append(curl_once(args, hub))
        settle(args)
        with Mount(args, hub) as mount:
            cats.append(timed(["cat", mount.model]))
            cpus.append(mount.cpu_seconds())
            wire = mount.fetched()
            if i == 0 and subprocess.run(["cmp", mount.model, args.source], check=False).returncode:
                wrong_bytes()
        ratios.append(curls[-1] / cats[-1])
    row(title, f"{statistics.median(ratios):.2f} x",
        f"speed; curl {statistics.median(curls):.2f} s, hffs {statistics.median(cats):.2f} s, "
        f"daemon {statistics.median(cpus) / size * 1e9:.2f} CPU s/GB, wire {wire / size:.3f} x the bytes")


def case_serve(args, _):
    hub = Hub(args, ["hffs", "serve"], os.path.join(args.work, "hub"))
    rates = []
    for _ in range(args.reps):
        settle(args)
        s = timed(["curl", "-sfL", "-o", "/dev/null", hub.endpoint + "/" + MODEL.replace("/main/", "/resolve/main/")])
        rates.append(os.path.getsize(args.source) / s / 1e9)
    hub.close()
    row("hffs serve to one curl -o /dev/null", f"{statistics.median(rates):.2f} GB/s", f"best {max(rates):.2f}")


def case_loopback(args, _):
    hub = Hub(args, ["hffs", "serve"], os.path.join(args.work, "hub"))
    cold_sequential(args, hub, "cold cat / curl -o FILE, loopback", args.reps)
    hub.close()


def case_link(args, hub):
    hub.shape(delay_ms=20, conn_bps=100_000_000)
    cold_sequential(args, hub, "cold cat / curl -o FILE, 20 ms, 100 MB/s each", min(args.reps, 3))
    hub.shape()


def read_tensor(path):
    with open(path, "rb") as f:
        n = struct.unpack("<Q", f.read(8))[0]
        begin, _ = json.loads(f.read(n))["layers.40.weight"]["data_offsets"]
        f.seek(8 + n + begin)
        return f.read(MIB)


def case_header(args, hub):
    expected = read_tensor(args.source)
    for keep in (False, True):
        with Mount(args, hub, keep) as mount:
            hub.call("/_test/reset")
            if read_tensor(mount.model) != expected:
                wrong_bytes()
            title = "header and one 1 MiB tensor" + (", after a restart" if keep else "")
            row(title, f"{mount.fetched() / MIB:.2f} MiB", f"on the wire, {hub.content_requests()} content requests")


def case_threads(args, hub):
    size, ratios = os.path.getsize(args.source), []
    for _ in range(args.reps):
        seconds = []
        for number in (1, 2):
            settle(args)
            with Mount(args, hub) as mount:
                fd = os.open(mount.model, os.O_RDONLY)

                def work(i, fd=fd, part=size // number):
                    for off in range(i * part, (i + 1) * part, MIB):
                        os.pread(fd, MIB, off)
                start = time.monotonic()
                in_threads(number, work)
                seconds.append(time.monotonic() - start)
                os.close(fd)
        ratios.append(seconds[0] / seconds[1])
    row("two threads / one, one descriptor, cold", f"{statistics.median(ratios):.2f} x", "speed")


def case_memory(args, hub):
    """1,000 open files and 64 readers of a large one."""
    peak, done, wrong = 0, threading.Event(), []
    with Mount(args, hub) as mount, open(args.source, "rb") as f:
        source = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)

        def sample():
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, mount.rss_anon())
        sampler = threading.Thread(target=sample)
        sampler.start()
        folder = os.path.join(mount.dir, "bench/many/main")
        files = [os.open(os.path.join(folder, n), os.O_RDONLY) for n in sorted(os.listdir(folder))]
        dice = random.Random(1)
        places = [[dice.randrange(len(source) - MIB) for _ in range(12)] for _ in range(64)]

        def work(i):
            fd = os.open(mount.model, os.O_RDONLY)
            for n, off in enumerate(places[i]):
                if os.pread(fd, MIB, off) != source[off:off + MIB]:
                    wrong.append(off)
                os.pread(files[(i * 12 + n) % len(files)], 100, 0)
            os.close(fd)
        in_threads(64, work)
        for fd in files:
            os.close(fd)
        done.set()
        sampler.join()
    if wrong:
        wrong_bytes()
    row(f"{len(files)} open files, 64 readers", f"{peak / MIB:.0f} MiB", "peak RssAnon of the daemon")


CASES = {"serve": case_serve, "loopback": case_loopback, "link": case_link, "header": case_header, "threads": case_threads,
         "memory": case_memory}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--size", type=int, default=2048, help="MiB of the large file")
    p.add_argument("--reps", type=int, default=5)
    p.add_argument("--only", default=",".join(CASES), help="cases, separated by commas")
    p.add_argument("--build", default=os.path.join(HERE, "..", "build", "release"))
    p.add_argument("--work", default=os.path.join(HERE, "out"))
    args = p.parse_args()
    folder = os.path.join(args.work, "hub")
    args.source = os.path.join(folder, "bench/model/model.safetensors")
    make_model(args.source, args.size * MIB)
    make_many(os.path.join(folder, "bench/many"))
    hub = Hub(args, ["hub-faulty"], folder)
    try:
        for repo in ("model", "many"):  # digests are made once, before anything is timed
            hub.call(f"/api/models/bench/{repo}", "GET")
        for name in args.only.split(","):
            CASES[name](args, hub)
    finally:
        hub.close()


if __name__ == "__main__":
    main()
