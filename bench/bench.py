#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures hffs beside curl, a plain local file, and other mounts, in one run, and prints ratios.

Everything is made and served here: files whose every byte is known, a Hub with delays and rates, a mount with an empty cache for
each repetition. Who is compared takes turns; the median of the ratios of pairs is what counts, and each byte that anybody hands out
is compared. Exit status: 0; 1 if a byte was wrong, a call failed or hung; 2 if it cannot run here.

Needs root, because the page cache is dropped, and room under --work: four times --size, and 2 GB for each model of the traces.
"""
import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

import cases
import content
import hub as hubs
import machine
import peers
import report

HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    """What the cases share: server, files, the reader, and the rows so far."""

    def __init__(self, args):
        self.args = args
        self.reader = os.path.join(args.build, "bench-reader")
        self.store = content.Store(self.reader, args.work)
        self.rows = []
        self.errors = []
        self.learned = set()
        os.makedirs(os.path.join(self.store.hub, "bench"), exist_ok=True)
        self.hub = hubs.make_hub(args, self.store)

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)

    def wants(self, peer):
        return peer in self.args.peers

    @staticmethod
    def give_up(peer, why):
        """Without hffs there is nothing to compare; another one is left out."""
        if peer == "hffs":
            raise SystemExit(str(why))
        Bench.say(f"{peer}: left out here: {why}")

    def shapes(self, names):
        if self.args.shapes:
            return [n for n in names if n in self.args.shapes] or [self.args.shapes[0]]
        return names[:1] if self.args.quick else names

    def prepare(self, repo):
        self.hub.shape("loopback")
        self.store.ensure(repo)
        if repo.name not in self.learned:
            self.hub.learn(repo)
            self.learned.add(repo.name)
        if self.args.break_answers:
            self.hub.ask("/_test/clear", "POST")
            self.hub.break_answers()

    @contextlib.contextmanager
    def holding(self, repo):
        """The server's files stay in memory when the page cache is dropped; a reader of a plain file gets no such help."""
        paths = [self.store.source(repo, f) for f in repo.files]
        holder = subprocess.Popen([self.reader, "hold", *paths], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        try:
            if holder.stdout.readline() != "held\n":
                raise SystemExit("the files cannot be held in memory")
            yield
        finally:
            holder.communicate()

    def write_lists(self, mount, jobs, repo=None):
        """What the reader is to read, as it wants it."""
        files, listed = os.path.join(self.args.work, "files.list"), os.path.join(self.args.work, "jobs.list")
        with open(files, "w", encoding="utf-8") as f:
            for file in (repo or mount.repo).files:
                f.write(f"{file.seed}\t{self.store.pieces(mount.repo, file)}\t{mount.path(file)}\n")
        with open(listed, "w", encoding="ascii") as f:
            f.writelines("%d %d %d %d\n" % job for job in jobs)
        return files, listed

    def read(self, arguments):
        command = [self.reader, arguments[0], "-t", str(self.args.limit), *arguments[1:]]
        start = time.monotonic()
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            out, _ = reader.communicate(timeout=self.args.limit + 90)
        except subprocess.TimeoutExpired:
            reader.kill()
            return {"hang": True, "seconds": time.monotonic() - start, "bytes": 0, "failed": 1}
        return json.loads(out) if out else {"seconds": time.monotonic() - start, "bytes": 0, "failed": 1}

    def measure(self, row, watched, work, size=0, settle=False, right=None, server=None):
        """Runs work(), which reads size bytes, and adds the row with what it returns and what was seen meanwhile; right() is asked
        afterwards."""
        server = server or self.hub.pid
        machine.wait_until_quiet([p for p in (watched, server) if p], self.args.quiet_wait)
        machine.touch_free_memory(size * 5 // 2)  # the page cache of the mount, that of the data file, and the rest
        self.hub.reset()
        meter = machine.Meter(watched, server)
        row.update(work())
        row.update(meter.done())
        self.count_wire(row, settle)
        if right and not row.get("failed") and not right():
            row["wrong_pages"] = 1
        self.judge(row)
        self.rows.append(row)
        self.say(report.one_line(row))

    def count_wire(self, row, settle):
        """What was sent; to settle: also what comes although nobody reads any more."""
        counts = self.hub.counts()
        row["wire_at_end"] = counts["bytes"]["cdn"] + counts["bytes"]["resolve-cache"]
        row["connections"] = counts["connections"] - 1  # this question came by one of its own
        end, last, since = time.monotonic() + 20, -1, time.monotonic()
        while settle and time.monotonic() < end and time.monotonic() - since < 0.3:
            counts = self.hub.counts()
            now = counts["bytes"]["cdn"] + counts["bytes"]["resolve-cache"]
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.05)
        row["wire"] = counts["bytes"]["cdn"] + counts["bytes"]["resolve-cache"]
        row["requests"] = counts["requests"]["total"]

    def judge(self, row):
        others = row["foreign_cores"] + row["stolen_cores"]
        row["disturbed"] = others > 0.25 and others * row["wall_s"] > 0.06  # the kernel counts in steps of 10 ms, for each process
        troubles = (("wrong_pages", "wrong bytes"), ("hang", "a hang"), ("failed", "a failed call"))
        trouble = row["trouble"] = next((words for key, words in troubles if row.get(key)), None)
        if trouble and row["peer"] in ("hffs", "local", "curl", "curls"):  # other programs answer for themselves
            self.errors.append(f"{row['case']} {row['stage']} {row['shape']}: {row['peer']}: {trouble}")

    def close(self):
        self.hub.close()


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0], epilog="cases: " + " ".join(cases.CASES))
    p.add_argument("--quick", action="store_true", help="a smaller file, one network for each case, two traces: some minutes")
    p.add_argument("--size", type=int, help="MiB of the large file (2048; quick: 256)")
    p.add_argument("--reps", type=int, help="pairs of each case (3; quick: 2)")
    p.add_argument("--only", help="cases, separated by commas; traces may be narrowed: traces:NAME")
    p.add_argument("--shapes", help="networks, separated by commas: " + " ".join(hubs.SHAPES))
    p.add_argument("--peers", default="hffs,local,curl,curls,rclone,httpdirfs", help="who takes part, where it is installed")
    p.add_argument("--traces", default=os.path.join(HERE, "../tests/replay/traces"), help="folder of recorded loaders")
    p.add_argument("--limit", type=int, help="seconds until a reading is cut off (60; quick: 10)")
    p.add_argument("--quiet-wait", type=float, default=10, help="seconds to wait for others to leave the processors alone (10)")
    p.add_argument("--json", help="file for the rows, one JSON object a line")
    p.add_argument("--svg", help="file for the plot")
    p.add_argument("--from-json", help="measure nothing; table and plot of these rows")
    p.add_argument("--build", default=os.path.join(HERE, "../build/release"), help="where hffs, hub-faulty and bench-reader are")
    p.add_argument("--work", default=os.path.join(HERE, "out"), help="folder for files and caches; kept for the next run")
    p.add_argument("--break", dest="break_answers", action="store_true", help="the server inverts bytes: each case must fail")
    args = p.parse_args()
    args.size = args.size or (256 if args.quick else 2048)
    args.reps = args.reps or (2 if args.quick else 3)
    args.limit = args.limit or (10 if args.quick else 60)
    args.build, args.work = os.path.abspath(args.build), os.path.abspath(args.work)
    args.shapes = args.shapes.split(",") if args.shapes else None
    args.peers = args.peers.split(",")
    only = (args.only or ",".join(cases.CASES)).split(",")
    args.traces_named = [n.split(":", 1)[1] for n in only if n.startswith("traces:")]
    args.only = list(dict.fromkeys(n.split(":", 1)[0] for n in only))
    for given, known in ((args.only, cases.CASES), (args.shapes or [], hubs.SHAPES), (args.peers, [*peers.MOUNTS, "curl", "curls"])):
        for name in given:
            if name not in known:
                p.error(f"'{name}' is none of: {' '.join(known)}")
    return args


def check_machine(args):
    for program in ("hffs", "hub-faulty", "bench-reader"):
        if not os.access(os.path.join(args.build, program), os.X_OK):
            raise SystemExit(f"there is no {program} in {args.build}: build first")
    if os.geteuid() != 0:
        raise SystemExit("only root can drop the page cache")
    for name in list(args.peers):
        if not peers.available(name):
            Bench.say(f"{name}: skipped, it is not installed")
            args.peers.remove(name)


def measure_all(args):
    check_machine(args)
    os.makedirs(args.work, exist_ok=True)
    bench = Bench(args)
    try:
        for name in args.only:
            cases.CASES[name].run(bench)
    finally:
        bench.close()
        for folder in ("cache", "curl"):
            shutil.rmtree(os.path.join(args.work, folder), ignore_errors=True)
    head = {"machine": machine.describe(), "size": args.size, "reps": args.reps,
            "date": time.strftime("%Y-%m-%d", time.gmtime())}
    return head, bench.rows, bench.errors


def load(path):
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    return lines[0], lines[1:], []


def main():
    args = parse_arguments()
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "http_proxy", "https_proxy", "all_proxy"):
        os.environ.pop(name, None)
    head, rows, errors = load(args.from_json) if args.from_json else measure_all(args)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(line) + "\n" for line in [head, *rows])
    if not rows:
        raise SystemExit("nothing was measured")
    summary = report.summarise(rows)
    print(report.table(head, summary))
    if args.svg:
        content.write(args.svg, report.plot(head, summary).encode())
    for error in errors:
        print("ERROR", error)
    return 1 if errors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SystemExit as e:
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
            sys.exit(2)
        raise
