# SPDX-License-Identifier: Apache-2.0
"""What the machine does while something is measured: who computes, who holds memory; and the page cache before it."""
import contextlib
import mmap
import os
import re
import resource
import threading
import time

MADV_POPULATE_WRITE = 23  # include/uapi/asm-generic/mman-common.h
TICKS = os.sysconf("SC_CLK_TCK")


def drop_page_cache():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3\n")


def touch_free_memory(size):
    """
    On virtual machines whose free memory goes back to the host, the first use of a page after some seconds costs more than to read it
    from a disk. Who is measured shall not pay for what was free for longer than for another.
    """
    size = min(size, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    if size < 1 << 20:
        return
    with contextlib.suppress(OSError), mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        memory.madvise(MADV_POPULATE_WRITE)  # an error before Linux 5.14


def cpu_seconds(pid):
    """Of a process that runs, without its children."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_anon(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next((int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon")), 0)


def all_seconds():
    """(CPU seconds of all processes, seconds that the host took away). Interrupts belong to nobody."""
    with open("/proc/stat", encoding="ascii") as f:
        n = [int(x) for x in f.readline().split()[1:]]
    return (n[0] + n[1] + n[2]) / TICKS, n[7] / TICKS


def own_seconds(pids):
    """Of this process, of the children that have ended, and of these that run."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return ended.ru_utime + ended.ru_stime + own.ru_utime + own.ru_stime + sum(cpu_seconds(p) for p in pids)


def wait_until_quiet(pids, longest_s):
    """Until others leave the processors alone for a moment."""
    end = time.monotonic() + longest_s
    while time.monotonic() < end:
        before, at = all_seconds()[0] - own_seconds(pids), time.monotonic()
        time.sleep(0.3)
        if all_seconds()[0] - own_seconds(pids) - before < 0.15 * (time.monotonic() - at):
            return


def wait_until_idle(pid, longest_s):
    """Until this process computes no more: what it still had to prove and to write is done."""
    end = time.monotonic() + longest_s
    while time.monotonic() < end:
        before = cpu_seconds(pid)
        time.sleep(0.3)
        if cpu_seconds(pid) - before < 0.02:
            return


class Meter:
    """
    Watches from its making to done(). watched: the process that is measured, None if there is none; helpers: pids of ours that
    compute meanwhile, the server among them.
    """

    def __init__(self, watched, server, helpers=()):
        self.watched, self.server = watched, server
        self.ours = [p for p in {watched, server, *helpers} if p]
        self.peak = 0
        self.end = threading.Event()
        self.sampler = threading.Thread(target=self.sample, daemon=True)
        self.before = self.look()
        if watched:
            self.sampler.start()

    def look(self):
        every, stolen = all_seconds()
        return {"at": time.monotonic(), "foreign": every - own_seconds(self.ours), "stolen": stolen,
                "cpu": cpu_seconds(self.watched) if self.watched else 0, "server": cpu_seconds(self.server)}

    def sample(self):
        while True:
            try:
                self.peak = max(self.peak, rss_anon(self.watched))
            except OSError:
                return
            if self.end.wait(0.05):
                return

    def done(self):
        after = self.look()
        self.end.set()
        if self.watched:
            self.sampler.join()
        d = {k: after[k] - self.before[k] for k in after}
        wall = max(d["at"], 1e-6)
        out = {"foreign_cores": round(d["foreign"] / wall, 3), "stolen_cores": round(d["stolen"] / wall, 3),
               "server_cpu_s": round(d["server"], 3), "wall_s": round(wall, 4)}
        if self.watched:
            out.update(cpu_s=round(d["cpu"], 3), rss_anon=self.peak)
        return out


def describe():
    """One line for the head of a report."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        found = re.search(r"model name\s*:\s*(.*)", f.read())
    if found:
        model = found[1]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {os.uname().release}"
