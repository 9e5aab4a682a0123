#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon the first token of a model comes, of which nothing is here yet, over a link of 20 ms, 50 MB/s a connection and 300 MB/s.

    bench/cold.py [--models Q8_0,Q4_0,BF16] [--rounds 5] [--node FOLDER] [--shape link] [--threads 2] [--work FOLDER]

A GGUF file has 365M random weights (bench/infer.py makes it); "safetensors" is a repository of BF16 weights in four shards, whose table of
embeddings is a fifth of it. In turns, each with an empty cache and page cache:

  curls      sixteen curls, which know where the bytes are, download what the first token needs: all but the rows of the table that the
             prompt does not use
  hffs       `hffs run ORG/NAME` with a prompt of eight tokens, which makes its own mount
  mounted    the same through a mount that is there
  llama      llama.cpp with a GGUF file on that mount, as node-llama-cpp in the folder that --node names; the start of node counts
  download_then_run   sixteen curls download all files, then `hffs run` runs them

A row has the median seconds of curls, then the medians of the others' time over that of the curls of the same round. Seconds are from the
start of the program until its token is written. Needs root, because the page cache is dropped, and numpy and gguf (pip).
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
import types

import numpy as np

import hub as hubs
import infer
import machine
import peers

HERE = os.path.dirname(os.path.abspath(__file__))
IDS = ",".join(str(3 + i * 7919 % 4000) for i in range(8))
LARGE = infer.Shape(2048, 5632, 4, 32, 8, 32768)  # of the safetensors, with a shard a layer


# -- the models

class Repo:
    """skipped: (file, offset, length) of the bytes that the first token does not need."""

    def __init__(self, folder, name, files, skipped):
        self.folder, self.name, self.skipped = folder, name, skipped
        self.files = [types.SimpleNamespace(path=f, size=os.path.getsize(os.path.join(folder, f))) for f in files]

    def extents(self, all_of_it):
        """(file, offset, length)"""
        for file in self.files:
            hole = next(((off, length) for path, off, length in self.skipped if path == file.path and not all_of_it), (file.size, 0))
            yield file, 0, hole[0]
            if hole[0] + hole[1] < file.size:
                yield file, hole[0] + hole[1], file.size - hole[0] - hole[1]


def gguf_repo(top, kind, small):
    path = os.path.join(top, kind, kind + ".gguf")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        infer.make(path, kind, infer.SMALL if small else infer.LARGE)
    table = next(t for t in infer.gguf.GGUFReader(path).tensors if t.name == "token_embd.weight")
    return Repo(os.path.dirname(path), kind, [kind + ".gguf"], [(kind + ".gguf", int(table.data_offset), int(table.n_bytes))])


def tensors_of(shape, shard):
    """Names, shapes, in the order in which they lie; each shard has a layer, the first also the table, the last also the head."""
    width, feed, kv = shape.width, shape.feed, shape.kv
    if shard == 0:
        yield "model.embed_tokens", (shape.vocabulary, width)
    for name, dims in (("input_layernorm", (width,)), ("mlp.down_proj", (width, feed)), ("mlp.gate_proj", (feed, width)),
                       ("mlp.up_proj", (feed, width)), ("post_attention_layernorm", (width,)), ("self_attn.k_proj", (kv, width)),
                       ("self_attn.o_proj", (width, width)), ("self_attn.q_proj", (width, width)), ("self_attn.v_proj", (kv, width))):
        yield f"model.layers.{shard}.{name}", dims
    if shard == shape.layers - 1:
        yield "model.norm", (width,)
        yield "lm_head", (shape.vocabulary, width)


def write_shard(path, shape, shard, random):
    header, at = {}, 0
    for name, dims in tensors_of(shape, shard):
        length = 2 * int(np.prod(dims))
        header[name + ".weight"] = {"dtype": "BF16", "shape": dims, "data_offsets": [at, at + length]}
        at += length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for _, dims in tensors_of(shape, shard):
            rows, cols = dims if len(dims) == 2 else (1, dims[0])
            f.write(infer.random_rows(random, rows, cols, "BF16").tobytes())
    return header, 8 + len(text)


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="ascii") as f:
        json.dump(value, f)


def write_safetensors(folder, shape):
    os.makedirs(folder, exist_ok=True)
    random, where, names, table = np.random.default_rng(2), {}, [], None
    for i in range(shape.layers):
        names.append(f"model-{i + 1:05}-of-{shape.layers:05}.safetensors")
        header, data = write_shard(os.path.join(folder, names[-1]), shape, i, random)
        where.update(dict.fromkeys(header, names[-1]))
        if i == 0:
            table = (names[0], data, 2 * shape.vocabulary * shape.width)
    write_json(folder, "model.safetensors.index.json", {"metadata": {}, "weight_map": where})
    write_json(folder, "config.json", {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": shape.width, "intermediate_size": shape.feed,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocabulary, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        "tie_word_embeddings": False, "torch_dtype": "bfloat16"})
    write_json(folder, "tokenizer.json", {
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False,
                                                                                   "trim_offsets": True, "use_regex": True},
        "post_processor": None, "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {f"t{i}": i for i in range(shape.vocabulary)}, "merges": []}})
    return table


def safetensors_repo(top, small):
    folder, skipped = os.path.join(top, "safetensors"), os.path.join(top, "../../safetensors.skipped")
    if not os.path.exists(skipped):
        write_json(*os.path.split(skipped), write_safetensors(folder, infer.SMALL if small else LARGE))
    with open(skipped, encoding="ascii") as f:
        table = json.load(f)
    return Repo(folder, "safetensors", sorted(os.listdir(folder)), [table])


# -- who takes part

class Cold:
    def __init__(self, args):
        self.args = args
        self.folder = os.path.join(args.work, "hub")
        self.store = types.SimpleNamespace(hub=self.folder)
        self.cache, self.downloads = os.path.join(args.work, "cache"), os.path.join(args.work, "curl")
        run_dir = os.path.join(args.work, "run")
        for folder in (self.folder, run_dir):
            os.makedirs(folder, exist_ok=True)
        self.hub = hubs.make_hub(args, self.store)
        self.env = {**os.environ, "HF_ENDPOINT": self.hub.endpoint, "HFFS_CACHE": self.cache, "XDG_RUNTIME_DIR": run_dir}

    def empty(self):
        for folder in (self.cache, self.downloads):
            shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(self.downloads)
        machine.drop_page_cache()

    def token(self, command, **more):
        """When it has written its line, which is an object of JSON."""
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.env, **more) as p:
            line = p.stdout.readline()
            at = time.monotonic()
        if p.returncode:
            raise SystemExit(f"{' '.join(command)}: exit status {p.returncode}")
        json.loads(line)
        return at

    def run_hffs(self, what):
        return self.token([os.path.join(self.args.build, "hffs"), "run", what, "--ids", IDS, "-n", "1", "--temperature", "0", "--json",
                           "--threads", str(self.args.threads)])

    def named(self, repo):
        return f"bench/{repo.name}"

    def commands(self, repo, all_of_it):
        """Sixteen curls, each with as many bytes as the others; a range begins in one file and may go on in the next."""
        extents = list(repo.extents(all_of_it))
        urls = {f.path: self.hub.content_url(repo, f.path) for f in repo.files}
        each, commands, left = -(-sum(e[2] for e in extents) // 16), [], 0
        for file, off, length in extents:
            while length:
                if not left:
                    commands.append(["curl", "--no-progress-meter"])
                    left = each
                n = min(left, length)
                part = os.path.join(self.downloads, f"{len(commands)}-{len(commands[-1])}")
                commands[-1] += ["-f", "-r", f"{off}-{off + n - 1}", "-o", part, urls[file.path], "--next"]
                off, length, left = off + n, length - n, left - n
        return [c[:-1] for c in commands]

    def download(self, repo, all_of_it):
        commands = self.commands(repo, all_of_it)
        begin = time.monotonic()
        if any([p.wait() for p in [subprocess.Popen(c) for c in commands]]):
            raise SystemExit("a curl failed")
        return begin

    def curls(self, repo):
        begin = self.download(repo, False)
        return time.monotonic() - begin

    def hffs(self, repo):
        begin = time.monotonic()
        return self.run_hffs(self.named(repo)) - begin

    def mounted(self, repo):
        with self.mount(repo):
            begin = time.monotonic()
            return self.run_hffs(self.named(repo)) - begin

    def mount(self, repo):
        return peers.Hffs(self, repo)

    def llama(self, repo):
        if repo.name == "safetensors":
            return None
        shutil.copy(os.path.join(HERE, "llamacpp.mjs"), self.args.node)
        with self.mount(repo) as mount:
            begin = time.monotonic()
            return self.token(["node", "llamacpp.mjs", mount.path(repo.files[0]), str(self.args.threads), "8", "0"], cwd=self.args.node) - begin

    def download_then_run(self, repo):
        """What is run is the source: the same bytes in the page cache, as after a download that wrote them in place."""
        begin = self.download(repo, True)
        return self.run_hffs(repo.folder if repo.name == "safetensors" else os.path.join(repo.folder, repo.files[0].path)) - begin


def measure(cold, repo, who):
    cold.hub.shape("loopback")
    cold.hub.learn(repo)
    paths = [os.path.join(repo.folder, f.path) for f in repo.files]
    holder = subprocess.Popen([os.path.join(cold.args.build, "bench-reader"), "hold", *paths], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    if holder.stdout.readline() != "held\n":
        raise SystemExit("the files cannot be held in memory")
    cold.hub.shape(cold.args.shape)
    rounds = []
    for i in range(cold.args.rounds):
        seconds = {}
        for name in who[i % len(who):] + who[:i % len(who)]:
            cold.empty()
            machine.wait_until_quiet([cold.hub.pid], cold.args.quiet_wait)
            seconds[name] = getattr(cold, name)(repo)
        rounds.append(seconds)
        print(repo.name, {n: s and round(s, 3) for n, s in seconds.items()}, flush=True)
    holder.communicate()
    return rounds


def row_of(repo, rounds, who):
    needed = sum(e[2] for e in repo.extents(False)) / 1e6
    row = f"| {repo.name} | {needed:.0f} | {statistics.median(r['curls'] for r in rounds):.2f} |"
    for name in who[1:]:
        ratios = [r[name] / r["curls"] for r in rounds if r[name]]
        row += f" {statistics.median(ratios):.2f} |" if ratios else " |"
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="Q4_0,Q8_0,BF16,safetensors")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shape", default="link", choices=hubs.SHAPES)
    parser.add_argument("--node")
    parser.add_argument("--only", help="curls and some of: hffs,mounted,llama,download_then_run")
    parser.add_argument("--quiet-wait", type=float, default=10)
    parser.add_argument("--build", default=os.path.join(HERE, "../build/release"))
    parser.add_argument("--work", help="folder for files and caches; kept for the next run (build/bench/cold)")
    parser.add_argument("--small", action="store_true", help="models of some MB, whose figures mean nothing: for tests")
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    args.work = os.path.abspath(args.work or os.path.join(HERE, "../build/bench/cold" + ("-small" if args.small else "")))
    who = ["curls", "hffs", "mounted", *(["llama"] if args.node else []), "download_then_run"]
    if args.only:
        who = [w for w in who if w in args.only.split(",")]
    cold = Cold(args)
    rows = []
    try:
        for name in args.models.split(","):
            top = os.path.join(cold.folder, "bench")
            repo = safetensors_repo(top, args.small) if name == "safetensors" else gguf_repo(top, name, args.small)
            rows.append(row_of(repo, measure(cold, repo, who), who))
    finally:
        cold.hub.close()
        for folder in (cold.cache, cold.downloads):
            shutil.rmtree(folder, ignore_errors=True)
    print("\n| model | MB needed | curls, s |" + "".join(f" {n} / curls |" for n in who[1:]))
    print("|---" * (3 + len(who) - 1) + "|", *rows, sep="\n")


if __name__ == "__main__":
    main()
