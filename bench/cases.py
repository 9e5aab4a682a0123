# SPDX-License-Identifier: Apache-2.0
"""
What is measured. Each case has run(bench), which adds rows. Most are a Reading: who reads what, in which order, against whom.
A stage is what is cached before: "cold" nothing, "warm" the chunk cache (for a plain file: the disk), "restarted" the same under a
new daemon, "hot" the page cache.
"""
import dataclasses
import os
import random
import re
import subprocess
import time
import typing

import content
import hub as hubs
import peers
import traces

MIB = 1 << 20
MB = 1000000
CHUNK = 256 << 10  # the least that hffs fetches


# -- jobs: (file, offset, length, stream)

def in_order(repo, streams=False):
    return [(i, off, min(MIB, f.size - off), i if streams else 0) for i, f in enumerate(repo.files) for off in range(0, f.size, MIB)]


def in_blocks(repo):
    jobs = in_order(repo)
    random.Random(7).shuffle(jobs)
    return jobs


def by_name(repo):
    tensors = sorted((name, i, off, length) for i, f in enumerate(repo.files) for name, off, length in f.tensors)
    return [(i, off, length, 0) for _, i, off, length in tensors]


def at_random(number, length):
    def jobs(repo):
        places = range(repo.files[0].size // length)
        return [(0, p * length, length, 0) for p in random.Random(length + 1).sample(places, min(number, len(places)))]
    return jobs


def header_and_tensor(repo):
    file = repo.files[0]
    _, off, length = max((t for t in file.tensors if file.size * 6 // 10 < t[1] < file.size * 9 // 10), key=lambda t: t[2])
    return [(0, 0, 8, 0), (0, 8, len(file.header) - 8, 0), (0, off, min(length, MIB), 0)]


def first_page(_):
    return [(0, 0, 4096, 0)]


def extents_of(repo, jobs):
    """What the jobs read, in whole chunks, in pieces of which sixteen downloads have about the same number."""
    chunks = sorted({(file, i) for file, off, length, _ in jobs for i in range(off // CHUNK, (off + length - 1) // CHUNK + 1)})
    most = max(1, len(chunks) // 64)
    runs = []
    for file, i in chunks:
        if runs and runs[-1][0] == file and runs[-1][1] + runs[-1][2] == i and runs[-1][2] < most:
            runs[-1][2] += 1
        else:
            runs.append([file, i, 1])
    return [(file, i * CHUNK, min(nr * CHUNK, repo.files[file].size - i * CHUNK), 0) for file, i, nr in runs]


@dataclasses.dataclass
class Reading:
    name: str
    title: str
    repo: typing.Callable  # of the bench
    jobs: typing.Callable  # of the repository
    shapes: tuple  # the first one is enough for a quick run
    curls: tuple = ()  # ("curl", "one" | "whole" | "ranges" | "extents", streams)
    mounts: tuple = ("hffs",)
    mode: str = "pread"
    options: tuple = ()  # of the reader
    lanes: int = 1
    after: tuple = ()  # stages after the cold one, with the first shape; nobody's network takes part
    listed: bool = False  # the folder has been listed before
    unit: str = "MB/s"
    in_chunks: bool = False  # bytes are counted as extents_of() does, each once

    def run(self, bench):
        repo = self.repo(bench)
        jobs = self.jobs(repo)
        bench.prepare(repo)
        with bench.holding(repo):
            for shape in bench.shapes(self.shapes):
                bench.hub.shape(shape)
                for rep in range(bench.args.reps):
                    self.compare(bench, repo, jobs, shape, rep)

    def compare(self, bench, repo, jobs, shape, rep):
        """Everybody once; who begins changes. The slower mounts read much over one network only."""
        everybody = [n for n in (*self.mounts, *(c[0] for c in self.curls)) if bench.wants(n)]
        if self.unit == "MB/s" and shape != bench.shapes(self.shapes)[0]:
            everybody = [n for n in everybody if n not in FOREIGN]
        for name in everybody[rep % len(everybody):] + everybody[:rep % len(everybody)] if everybody else []:
            row = {"case": self.name, "title": self.title, "unit": self.unit, "shape": shape, "rep": rep, "peer": name}
            if name not in peers.MOUNTS:
                self.download(bench, repo, jobs, row)
                continue
            try:
                self.read_mounted(bench, repo, jobs, row)
            except peers.NotMounted as e:
                bench.give_up(name, e)

    def read_mounted(self, bench, repo, jobs, row):
        after = self.after if row["shape"] == bench.shapes(self.shapes)[0] else ()
        if row["peer"] == "local" and not after:
            return
        with peers.MOUNTS[row["peer"]](bench, repo, self.listed) as mount:
            if row["peer"] != "local":
                self.read(bench, mount, jobs, {**row, "stage": "cold"})
            for stage in after:
                if stage == "warm":
                    mount.rest()
                elif stage == "restarted":
                    mount.restart()
                self.read(bench, mount, jobs, {**row, "stage": stage})

    def arguments(self, bench, mount, jobs):
        limit = [] if mount.name not in FOREIGN else ["-t", str(min(bench.args.limit, 20))]
        return [self.mode, "-l", str(self.lanes), *limit, *self.options, *bench.write_lists(mount, jobs)]

    def read(self, bench, mount, jobs, row):
        size = self.count(mount.repo, jobs)

        def work():
            done = bench.read(self.arguments(bench, mount, jobs))
            return {**done, "bytes": size} if self.in_chunks and done.get("complete") else done

        bench.measure(row, mount.watched, work, size, row["stage"] == "cold")

    def count(self, repo, jobs):
        return sum(j[2] for j in (extents_of(repo, jobs) if self.in_chunks else jobs))

    def download(self, bench, repo, jobs, row):
        _, kind, streams = next(c for c in self.curls if c[0] == row["peer"])
        curl = peers.Curl(bench, repo)
        if kind == "one":
            rate = hubs.SHAPES[row["shape"]][1]
            curl.one_stream(streams or (rate * MB * 4 if rate else 1 << 60))
        elif kind == "whole":
            curl.whole(streams)
        else:
            curl.ranges(extents_of(repo, jobs) if kind == "extents" else jobs, streams)
        size = self.count(repo, jobs)
        needed = size if kind == "whole" else None  # a download brings more than is needed

        def work():
            start = time.monotonic()
            got = curl.fetch()
            seconds = time.monotonic() - start
            return {"seconds": seconds, "bytes": needed or got or 0, "jobs": len(curl.pieces), "failed": int(got is None)}

        bench.measure({**row, "stage": "cold"}, None, work, size, right=curl.is_right)


def model(bench):
    return content.model(bench.args.size * MIB)


def shards(bench):
    return content.shards(bench.args.size * MIB)


ONE, ALL = ("curl", "one", 0), ("curls", "whole", 16)
FOREIGN = ("rclone", "httpdirfs")


def threads(n):
    return f"{n} thread" + ("s" if n > 1 else "")


# Eight threads are what is looked at from more sides.

def by_name_reading(n):
    return Reading(f"mmap-names-{n}", f"mmap, tensors by name, {threads(n)}", model, by_name, ("link", "near") if n == 8 else ("link",),
                   (ALL,), ("hffs", "local", "rclone") if n == 8 else ("hffs", "local"), "mmap", lanes=n, after=("warm",))


def random_reading(n):
    return Reading(f"random-1m-{n}", f"256 random 1 MiB reads, {threads(n)}", model, at_random(256, MIB),
                   ("link", "near") if n == 8 else ("link",), (("curl" if n == 1 else "curls", "ranges", n),),
                   ("hffs", "local", "rclone") if n == 8 else ("hffs", "local"), lanes=n, after=("warm",))


READINGS = [
    Reading("seq", "sequential read", model, in_order, ("link", "loopback", "near", "far"), (ONE, ALL), ("hffs", "local", *FOREIGN),
            after=("warm", "hot")),
    Reading("mmap-file", "mmap, file order", model, in_order, ("link",), (ALL,), ("hffs", "local", *FOREIGN), "mmap",
            after=("warm", "hot")),
    Reading("mmap-blocks", "mmap, shuffled 1 MiB blocks", model, in_blocks, ("link",), (ALL,), ("hffs", "local", "rclone"), "mmap",
            after=("warm",)),
    *(by_name_reading(n) for n in (1, 8, 32)),
    Reading("random-4k", "500 random 4 KiB reads", model, at_random(500, 4096), ("link", "loopback"), (("curl", "ranges", 1),),
            ("hffs", "local", "rclone"), after=("warm", "hot"), unit="ms each"),
    *(random_reading(n) for n in (1, 8, 32)),
    Reading("shards", "16 shards at once", shards, lambda r: in_order(r, True), ("link", "near"), (ALL,), ("hffs", "local", *FOREIGN),
            after=("warm",)),
    Reading("header", "header and one 1 MiB tensor", model, header_and_tensor, ("link", "loopback", "far"), (("curl", "ranges", 1),),
            ("hffs", *FOREIGN), after=("restarted",), unit="ms"),
    Reading("header-listed", "header and tensor, folder listed before", model, header_and_tensor, ("link", "loopback", "far"),
            (("curl", "ranges", 1),), ("hffs", *FOREIGN), listed=True, unit="ms"),
    Reading("first", "first page, fresh mount, branch path", model, first_page, ("link", "loopback", "far"), (("curl", "one", 4096),),
            ("hffs", *FOREIGN), unit="ms"),
    Reading("first-listed", "first page, folder listed before", model, first_page, ("link", "loopback", "far"),
            (("curl", "one", 4096),), ("hffs", *FOREIGN), listed=True, unit="ms"),
]

QUICK_TRACES = ("transformers5-bf16-1file.ra128", "safetensors-mmap-keys-4shards.ra128")
SPAN = 48  # READs of one program that stand further apart in its trace do not overtake each other


class Traces:
    """Every trace is a Reading of its own."""
    name = "traces"

    def run(self, bench):
        names = bench.args.traces_named or (QUICK_TRACES if bench.args.quick else traces.recorded(bench.args.traces, "ra128"))
        found = traces.load(bench.args.traces, names)
        if not found:
            bench.say(f"traces: skipped, there is none of them in {bench.args.traces}")
        for trace in found:
            self.reading(trace).run(bench)

    @staticmethod
    def reading(trace):
        return Reading("trace-" + trace.name, "loader " + trace.name, lambda _: trace.repo(), lambda _: trace.jobs(), ("link",),
                       (("curls", "extents", 16),), ("hffs", "local"), "pread", ("-o", "-r", "-z", "-s", str(SPAN)), trace.lanes,
                       after=("warm",), in_chunks=True)


class Listing:
    """`ls -lR` of many files, again, and after more than a minute, when no name may have been forgotten."""
    name = "ls"

    def run(self, bench):
        repo = content.many(*((100, 100) if bench.args.size > 64 else (10, 20)))
        self.title = f"ls -lR of {len(repo.files)} files"
        self.wanted = {(os.path.dirname(f.path), os.path.basename(f.path), f.size) for f in repo.files}
        bench.prepare(repo)
        for shape in bench.shapes(("link", "loopback")):
            bench.hub.shape(shape)
            for rep in range(bench.args.reps):
                for name in ("hffs", "local") if rep % 2 == 0 else ("local", "hffs"):
                    if bench.wants(name):
                        row = {"case": "ls", "title": self.title, "unit": "ms", "shape": shape, "rep": rep, "peer": name}
                        self.list(bench, repo, name, row)

    def list(self, bench, repo, name, row):
        with peers.MOUNTS[name](bench, repo) as mount:
            bench.measure({**row, "stage": "cold"}, mount.watched, lambda: self.look(mount))
            bench.measure({**row, "stage": "hot"}, mount.watched, lambda: self.look(mount))
            if row["rep"] == 0 and not bench.args.quick:
                if name == "hffs":
                    time.sleep(61)
                bench.measure({**row, "stage": "after 61 s"}, mount.watched, lambda: self.look(mount))

    def look(self, mount):
        start = time.monotonic()
        done = subprocess.run(["ls", "-lR", "."], cwd=mount.folder(), capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C"})
        seconds = time.monotonic() - start
        return {"seconds": seconds, "bytes": len(self.wanted), "complete": True, "failed": int(done.returncode != 0),
                "wrong_pages": len(self.parse(done.stdout) ^ self.wanted)}

    @staticmethod
    def parse(text):
        found, folder = set(), ""
        for line in text.splitlines():
            if line.startswith(".") and line.endswith(":"):
                folder = line[:-1].removeprefix(".").removeprefix("/")
            m = re.match(r"-\S+\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\S+\s+\S+\s+\S+\s(.*)", line)
            if m:
                found.add((folder, m[2], int(m[1])))
        return found


class Sparse:
    """Readers of files that are far larger than what is read of them."""

    def run(self, bench):
        number, size = (4, 1000 * MB) if bench.args.size <= 64 else (100, 10000 * MB)
        repo = content.sparse(number, size)
        self.title = self.words.format(number=number, size=f"{size // (1000 * MB)} GB")
        bench.prepare(repo)
        shape = bench.shapes(("link",))[0]
        bench.hub.shape(shape)
        for rep in range(bench.args.reps if self.name == "stop" else 1):
            for name in self.everybody:
                if bench.wants(name):
                    row = {"case": self.name, "title": self.title, "unit": "MB/s", "shape": shape, "rep": rep, "peer": name}
                    self.try_one(bench, repo, {**row, "stage": "cold"})

    def try_one(self, bench, repo, row):
        try:
            with peers.MOUNTS[row["peer"]](bench, repo) as mount:
                self.read(bench, mount, row)
        except peers.NotMounted as e:
            bench.give_up(row["peer"], e)


class Stop(Sparse):
    name = "stop"
    words = "a reader that stops after 100 MB of {size}"
    everybody = ("hffs", "rclone")

    def read(self, bench, mount, row):
        first, jobs = content.Repo(mount.repo.name, mount.repo.files[:1]), [(0, off, MB, 0) for off in range(0, 100 * MB, MB)]
        bench.measure(row, mount.watched, lambda: bench.read(["pread", *bench.write_lists(mount, jobs, first)]), settle=True)


class Memory(Sparse):
    name = "memory"
    words = "{number} open files of {size}, 32 readers"
    everybody = ("hffs",)

    def read(self, bench, mount, row):
        jobs = [(i, off, length, 0) for i, f in enumerate(mount.repo.files) for off, length in f.extents[-8:]]
        random.Random(5).shuffle(jobs)
        bench.measure(row, mount.watched, lambda: bench.read(["pread", "-l", "32", *bench.write_lists(mount, jobs)]))


class Serve:
    """What `hffs serve` gives to one curl, against curl reading the file itself."""
    name = "serve"

    def run(self, bench):
        repo = model(bench)
        bench.prepare(repo)
        if bench.args.break_answers:
            self.compare(bench, repo, bench.hub)
            return
        program = [os.path.join(bench.args.build, "hffs"), "serve"]
        server = hubs.Hub(program, bench.store.hub, os.path.join(bench.args.work, "serve-state"))
        try:
            server.learn(repo)
            self.compare(bench, repo, server)
        finally:
            server.close()

    def compare(self, bench, repo, server):
        source = bench.store.source(repo, repo.files[0])
        urls = {"hffs": server.content_url(repo, repo.files[0].path), "local": "file://" + source}
        with bench.holding(repo):
            for rep in range(bench.args.reps):
                for name, url in urls.items():
                    row = {"case": "serve", "title": "hffs serve to one curl", "unit": "MB/s", "shape": "loopback", "rep": rep}
                    row.update(peer=name, stage="hot")
                    bench.measure(row, server.pid, lambda u=url: self.take(repo, u), repo.size,
                                  right=lambda u=url: self.is_right(u, source), server=server.pid)

    @staticmethod
    def take(repo, url):
        start = time.monotonic()
        done = subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=False)
        return {"seconds": time.monotonic() - start, "bytes": repo.size, "failed": int(done.returncode != 0)}

    @staticmethod
    def is_right(url, source):
        """Fetched once more, to be compared."""
        with subprocess.Popen(["curl", "-sf", url], stdout=subprocess.PIPE) as curl:
            return subprocess.run(["cmp", "-s", source], stdin=curl.stdout, check=False).returncode == 0


CASES = {c.name: c for c in [*READINGS, Traces(), Listing(), Stop(), Memory(), Serve()]}
