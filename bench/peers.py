# SPDX-License-Identifier: Apache-2.0
"""Who is measured: hffs, a plain local file, other mounts over HTTP, and curl, which downloads what the others read."""
import os
import shutil
import subprocess
import time

import hub as hubs
import machine


class NotMounted(Exception):
    """A program did not do what it was asked to."""


def is_mounted(folder):
    """Also if the daemon is dead."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split()[4] == folder for line in f)


class Mount:
    """
    A folder to read a repository from, made fresh: empty cache, empty page cache. watched: the process id of its daemon. Subclasses
    say what to run and where the files are.
    """
    name = ""

    def __init__(self, bench, repo, listed=False):
        self.bench, self.repo = bench, repo
        self.dir = os.path.join(bench.args.work, "mnt")
        self.cache = os.path.join(bench.args.work, "cache")
        self.process = None
        shutil.rmtree(self.cache, ignore_errors=True)
        os.makedirs(self.cache)
        os.makedirs(self.dir, exist_ok=True)
        machine.drop_page_cache()
        self.start()
        if listed:
            os.listdir(self.folder())

    watched = property(lambda self: self.process.pid if self.process else None)

    def start(self):
        log = os.path.join(self.bench.args.work, self.name + ".log")
        with open(log, "ab") as out:
            self.process = subprocess.Popen(self.command(), stdout=out, stderr=out)
        end = time.monotonic() + 20
        while not is_mounted(self.dir):
            if time.monotonic() > end or self.process.poll() is not None:
                Mount.close(self)
                raise NotMounted(f"{self.name} did not mount, see {log}")
            time.sleep(0.005)

    def command(self):
        raise NotImplementedError

    def folder(self):
        return self.dir

    def path(self, file):
        return os.path.join(self.folder(), file.path)

    def rest(self):
        """Nothing is in the page cache, and everything on disk that will be."""
        if self.process:
            machine.wait_until_idle(self.process.pid, 20)
        machine.drop_page_cache()

    def restart(self):
        """A new daemon with the cache of the last one."""
        Mount.close(self)
        machine.drop_page_cache()
        self.start()

    def unmount(self):
        return subprocess.run(["fusermount3", "-u", self.dir], check=False, stderr=subprocess.DEVNULL).returncode == 0

    def close(self):
        if not self.process:
            return
        end = time.monotonic() + 20
        while is_mounted(self.dir) and not self.unmount() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if is_mounted(self.dir):
            subprocess.run(["umount", "-l", self.dir], check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Hffs(Mount):
    name = "hffs"

    def command(self):
        options = f"endpoint={self.bench.hub.endpoint},cache={self.cache}"
        return [os.path.join(self.bench.args.build, "hffs"), "mount", "-f", "hub", self.dir, "-o", options]

    def folder(self):
        return os.path.join(self.dir, "bench", self.repo.name, "main")

    def unmount(self):
        command = [os.path.join(self.bench.args.build, "hffs"), "umount", self.dir]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


class Local(Mount):
    """The same bytes in a file of the local filesystem."""
    name = "local"

    def start(self):
        pass

    def folder(self):
        return os.path.join(self.bench.store.top, "local", self.repo.name)


class Foreign(Mount):
    """Mounts an index in HTML."""

    def __init__(self, bench, repo, listed=False):
        self.index = hubs.Index(bench.hub, repo)
        try:
            super().__init__(bench, repo, listed)
        except BaseException:
            self.index.close()
            raise

    def close(self):
        super().close()
        self.index.close()


class Rclone(Foreign):
    name = "rclone"
    program = "rclone"

    def command(self):
        command = ["rclone", "mount", ":http:", self.dir, "--http-url", self.index.url, "--vfs-cache-mode", "full", "--read-only",
                   "--cache-dir", self.cache, "--config", "/dev/null"]
        if "--vfs-read-chunk-streams" in help_of("rclone", "mount", "--help"):  # from 1.68 on
            command += ["--vfs-read-chunk-streams", "16"]
        return command


class Httpdirfs(Foreign):
    name = "httpdirfs"
    program = "httpdirfs"

    def command(self):
        return ["httpdirfs", "-f", "--cache", "--cache-location", self.cache, "--max-conns", "16", self.index.url, self.dir]


def help_of(*command):
    """What a program says about itself."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


MOUNTS = {m.name: m for m in (Hffs, Local, Rclone, Httpdirfs)}


def available(name):
    program = getattr(MOUNTS.get(name), "program", "curl" if name.startswith("curl") else None)
    return program is None or shutil.which(program) is not None


class Piece:
    """A part of a file, and where curl puts it."""

    def __init__(self, file, off, length, out):
        self.file, self.off, self.length, self.out = file, off, length, out

    range = property(lambda self: f"{self.off}-{self.off + self.length - 1}")


class Curl:
    """Downloads to disk what a case reads. fetch() is what is timed; is_right() compares afterwards."""

    def __init__(self, bench, repo):
        self.bench, self.repo = bench, repo
        self.folder = os.path.join(bench.args.work, "curl")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.pieces, self.commands = [], []
        machine.drop_page_cache()

    def piece(self, file, off, length):
        p = Piece(file, off, length, os.path.join(self.folder, str(len(self.pieces))))
        self.pieces.append(p)
        return p

    def one_stream(self, most):
        """One curl as a user calls it: the first file, `most` bytes of it at most, which tells the rate of a slow link well enough."""
        file = self.repo.files[0]
        p = self.piece(file, 0, min(file.size, most))
        limit = [] if p.length == file.size else ["-r", p.range]
        self.commands = [["curl", "-sfL", *limit, "-o", p.out, self.bench.hub.resolve_url(self.repo, file.path)]]

    def whole(self, streams):
        """Every file, in as many parallel ranges, each a curl of its own that knows where the bytes are."""
        files = [f for f in self.repo.files if f.size]
        each = max(1, streams // len(files))
        for file in files:
            url, part = self.bench.hub.content_url(self.repo, file.path), -(-file.size // each)
            for off in range(0, file.size, part):
                p = self.piece(file, off, min(part, file.size - off))
                self.commands.append(["curl", "-sfL", "-r", p.range, "-o", p.out, url])

    def ranges(self, jobs, streams):
        """What each job reads, from one curl that keeps its connections, `streams` at once."""
        urls = {f.path: self.bench.hub.content_url(self.repo, f.path) for f in self.repo.files}
        lines = []
        for file, off, length, _ in jobs:
            p = self.piece(self.repo.files[file], off, length)
            lines.append("\n".join((f'url = "{urls[p.file.path]}"', f'range = "{p.range}"', f'output = "{p.out}"', "fail", "silent")))
        config = os.path.join(self.bench.args.work, "curl.config")
        with open(config, "w", encoding="utf-8") as f:
            f.write("\nnext\n".join(lines) + "\n")
        parallel = ["-Z", "--no-progress-meter", "--parallel-immediate", "--parallel-max", str(streams)] if streams > 1 else []
        self.commands = [["curl", *parallel, "-K", config]]

    def fetch(self):
        """Sixteen at once; returns bytes, None if one failed."""
        ok, waiting, running = True, list(self.commands), []
        while waiting or running:
            while waiting and len(running) < 16:
                running.append(subprocess.Popen(waiting.pop(0)))
            ok = running.pop(0).wait() == 0 and ok
        return sum(p.length for p in self.pieces) if ok else None

    def is_right(self):
        return all(self.is_piece_right(p) for p in self.pieces)

    def is_piece_right(self, p):
        left = p.length
        with open(p.out, "rb") as got, open(self.bench.store.source(self.repo, p.file), "rb") as source:
            source.seek(p.off)
            while left:
                n = min(left, 4 << 20)
                block = got.read(n)
                if len(block) != n or block != source.read(n):
                    return False
                left -= n
            return not got.read(1)
