#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a model runs beside llama.cpp: the same GGUF files, of random weights, in turns.

    bench/infer.py [--types Q4_0,Q4_K,...] [--threads 1,2] [--rounds 5] [--kernels NAME] [--mount]
                   [--node FOLDER] [--native | --llama-bench PROGRAM]

The files are made in build/bench/infer: eight layers in the shape of a Llama of 1B, 0.2 to 1.5 GB. --node is a folder in which
node-llama-cpp was installed (npm install node-llama-cpp), which brings llama.cpp as a program; --native builds llama-bench for this
processor (bench/llamacpp.sh), --llama-bench is one that was built; the better counts of what it does with weights as they are in the file and
repacked. A row is a type with a number of threads: medians of our tokens a second, then our speed over theirs; last, the
bytes a second of decoding over those of a loop that reads the mapped file with as many threads in the same second.
--mount (as root) adds our speed with the same bytes elsewhere over that with the local file: "mount" is the file in a mount whose cache has
all of it, proven; "private" is the data file of that cache, which a run maps that makes its own mount. How large the pages are into which
the cache's file is read is left to hffs; the local file is read by a first run, which is not counted.
Needs numpy and gguf (pip).
"""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import types
import typing

import gguf
import numpy as np

import hub as hubs
import peers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TOKENS, NEW = 512, 32
TYPES = ["F32", "BF16", "F16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]
# Where the F16 scales of a block are. [ggml-common.h]
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


class Shape(typing.NamedTuple):
    """Of a Llama."""
    width: int
    feed: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int

    kv = property(lambda self: self.width // self.heads * self.kv_heads)

    def needed(self):
        """The part of the file that a token needs: of the table one row."""
        table, layer = self.vocabulary * self.width, self.width * (2 * self.width + 2 * self.kv + 3 * self.feed)
        return 1 - table / (2 * table + self.layers * layer)


LARGE = Shape(2048, 5632, 8, 32, 8, 4096)
SMALL = Shape(256, 512, 2, 4, 2, 4096)


def random_rows(random, rows, cols, kind):
    """Rows as they are stored: small numbers, whatever the type."""
    if kind not in SCALES:
        x = random.standard_normal((rows, cols), dtype=np.float32) * 0.02
        if kind == "BF16":
            return (x.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8).reshape(rows, 2 * cols)
        return x.astype(np.float16 if kind == "F16" else np.float32)
    block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    raw = random.integers(0, 256, (rows * cols // block, size), dtype=np.uint8)
    for at in SCALES[kind]:
        value = np.full(len(raw), 0.0001 if kind.endswith("_K") else 0.002, np.float16)
        raw[:, at:at + 2] = value.view(np.uint8).reshape(-1, 2)
    return raw.reshape(rows, cols // block * size)


def make(path, kind, shape):
    random = np.random.default_rng(1)
    w = gguf.GGUFWriter(path + ".part", "llama")
    w.add_context_length(2048)
    w.add_embedding_length(shape.width)
    w.add_block_count(shape.layers)
    w.add_feed_forward_length(shape.feed)
    w.add_head_count(shape.heads)
    w.add_head_count_kv(shape.kv_heads)
    w.add_rope_dimension_count(shape.width // shape.heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_vocab_size(shape.vocabulary)
    w.add_tokenizer_model("llama")
    w.add_token_list([b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % i for i in range(256)] + [b"t%d" % i for i in range(shape.vocabulary - 259)])
    w.add_token_scores([0.0] * shape.vocabulary)
    w.add_token_types([2, 3, 3] + [6] * 256 + [1] * (shape.vocabulary - 259))
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    qtype, width, kv, feed = gguf.GGMLQuantizationType[kind], shape.width, shape.kv, shape.feed
    tensors = [("token_embd", shape.vocabulary, width), ("output", shape.vocabulary, width), ("output_norm", 0, width)]
    for i in range(shape.layers):
        tensors += [(f"blk.{i}.{name}", rows, cols) for name, rows, cols in (
            ("attn_norm", 0, width), ("attn_q", width, width), ("attn_k", kv, width), ("attn_v", kv, width), ("attn_output", width, width),
            ("ffn_norm", 0, width), ("ffn_gate", feed, width), ("ffn_up", feed, width), ("ffn_down", width, feed))]
    for name, rows, cols in tensors:
        if rows:
            w.add_tensor(name + ".weight", random_rows(random, rows, cols, kind), raw_dtype=qtype)
        else:
            w.add_tensor(name + ".weight", np.ones(cols, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    os.rename(path + ".part", path)


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def ours(args, path, threads):
    return run([os.path.join(args.build, "bench-model"), path, str(threads), str(TOKENS), str(NEW)] + ([args.kernels] if args.kernels else []))


def node(args, path, threads):
    shutil.copy(os.path.join(HERE, "llamacpp.mjs"), args.node)
    return run(["node", "llamacpp.mjs", path, str(threads), str(TOKENS), str(NEW)], cwd=args.node)


def llama_bench(args, path, threads):
    rows = run([args.llama_bench, "-m", path, "-t", str(threads), "-p", str(TOKENS), "-n", str(NEW), "-r", "1", "--repack", "0,1", "-o", "json"])
    return {name: min(row["avg_ns"] / 1e9 for row in rows if bool(row["n_gen"]) == decodes)
            for name, decodes in (("prefill_s", False), ("decode_s", True))}


def forget(path):
    """Takes a file out of the page cache."""
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def fill(mount, path):
    """Reads a file of a mount until all of it is proven; the data file that has its bytes."""
    with open(path, "rb") as f:
        while f.read(1 << 20):
            pass
    end = time.monotonic() + 120
    while os.getxattr(path, "user.hffs.verified") != b"yes":
        if time.monotonic() > end:
            sys.exit(f"{path} does not become complete")
        time.sleep(0.1)
    digest = os.getxattr(path, "user.hffs.sha256").decode()
    return os.path.join(mount.cache, "blobs", digest[:2], digest)


@contextlib.contextmanager
def elsewhere(args, kind, path):
    """Names and paths of the same bytes."""
    if not args.mount:
        yield {}
        return
    repo = types.SimpleNamespace(name=kind, files=[types.SimpleNamespace(path=kind + ".gguf")])
    top = os.path.join(args.work, "hub")
    source = os.path.join(top, "bench", kind, kind + ".gguf")
    shutil.rmtree(top, ignore_errors=True)
    os.makedirs(os.path.dirname(source))
    os.link(path, source)
    hub = hubs.make_hub(args, types.SimpleNamespace(hub=top))
    try:
        hub.learn(repo)
        with peers.Hffs(types.SimpleNamespace(args=args, hub=hub), repo) as mount:
            shown = mount.path(repo.files[0])
            others = {"mount": shown, "private": fill(mount, shown)}
            forget(path)  # the server has read it, into small pages
            yield others
        shutil.rmtree(mount.cache)
    finally:
        hub.close()
        shutil.rmtree(top)


def measure(args, path, others, rivals, threads):
    """Rounds: of each who takes part its times; who begins changes."""
    who = {"hffs": lambda: ours(args, path, threads)}
    who.update((name, lambda p=p: ours(args, p, threads)) for name, p in others.items())
    who.update((name, lambda f=f: f(args, path, threads)) for name, f in rivals.items())
    names, rounds = list(who), []
    ours(args, path, threads)
    for p in others.values():
        ours(args, p, threads)
    for i in range(args.rounds):
        turn = i % len(names)
        rounds.append({name: who[name]() for name in names[turn:] + names[:turn]})
    return rounds


def row_of(rounds, others, rivals, needed):
    row = ""
    for what, tokens in (("prefill_s", TOKENS), ("decode_s", NEW)):
        row += f" {tokens / statistics.median(r['hffs'][what] for r in rounds):.1f} |"
        for name in others:
            row += f" {statistics.median(r['hffs'][what] / r[name][what] for r in rounds):.2f} |"
        for name in rivals:
            row += f" {statistics.median(r[name][what] / r['hffs'][what] for r in rounds):.2f} |"
    return row + f" {statistics.median(NEW * needed / r['hffs']['decode_s'] * r['hffs']['read_s'] for r in rounds):.2f} |"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--work", help="folder for files and a mount; kept for the next run (build/bench/infer)")
    parser.add_argument("--small", action="store_true", help="models of some MB, whose figures mean nothing: for tests")
    parser.add_argument("--kernels")
    parser.add_argument("--mount", action="store_true")
    native = parser.add_mutually_exclusive_group()
    native.add_argument("--native", action="store_true")
    native.add_argument("--llama-bench")
    parser.add_argument("--node")
    args = parser.parse_args()
    args.build = os.path.join(ROOT, args.build)
    args.work = os.path.join(ROOT, args.work or "build/bench/infer" + ("-small" if args.small else ""))
    return args


def main():
    args = parse_arguments()
    rivals = {}
    if args.node:
        rivals["prebuilt"] = node
    if args.native:
        args.llama_bench = subprocess.run([os.path.join(HERE, "llamacpp.sh")], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]
    if args.llama_bench:
        rivals["native"] = llama_bench
    os.makedirs(args.work, exist_ok=True)
    shape = SMALL if args.small else LARGE
    columns = (["mount / local", "private / local"] if args.mount else []) + ["/ " + name for name in rivals]
    columns = ["type", "threads", "prefill, tokens/s", *columns, "decode, tokens/s", *columns, "/ read loop"]
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|", flush=True)
    for kind in args.types.split(","):
        path = os.path.join(args.work, kind + ".gguf")
        if not os.path.exists(path):
            make(path, kind, shape)
        with elsewhere(args, kind, path) as others:
            for threads in map(int, args.threads.split(",")):
                print(f"| {kind} | {threads} |" + row_of(measure(args, path, others, rivals, threads), others, rivals, shape.needed()),
                      flush=True)


if __name__ == "__main__":
    main()
