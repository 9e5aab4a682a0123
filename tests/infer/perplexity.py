#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Perplexity: exact, ours, llama.cpp's. perplexity.py HFFS MODEL.gguf TEXT FOLDER NODE-FOLDER"""
import json
import os
import subprocess
import sys

import gguf

import check

TOKENS, WINDOW = 4096, 512


def to_f32(source, path):
    """The same file with every tensor as F32."""
    reader = gguf.GGUFReader(source)
    arch = reader.fields["general.architecture"].contents()
    w = gguf.GGUFWriter(path, arch)
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            kind = field.types[0]
            w.add_key_value(field.name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for t in reader.tensors:
        w.add_tensor(t.name, gguf.quants.dequantize(t.data, t.tensor_type))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=1500)
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    return json.loads(done.stdout)


def cut(hffs, model, text):
    """The longest beginning, to a line, that is not above TOKENS tokens, and its tokens."""
    lines, ids = text.splitlines(keepends=True), None
    while ids is None or len(ids) > TOKENS:
        lines.pop()
        ids = run(hffs, "tokenize", model, "--json-lines", text=json.dumps("".join(lines)))
    return "".join(lines), ids


def main():
    hffs, model, text, folder, node = sys.argv[1:]
    with open(text) as f:
        text, ids = cut(hffs, model, f.read())
    path, plain = os.path.join(folder, "text"), os.path.join(folder, "plain.gguf")
    with open(path, "w") as f:
        f.write(text)
    to_f32(model, plain)
    scored = ["--perplexity", path, "--window", str(WINDOW), "--json"]
    exact = run(hffs, "run", plain, "--kernels", "scalar", *scored)
    with open(os.path.join(node, "perplexity.mjs"), "w") as f, open(os.path.join(check.HERE, "perplexity.mjs")) as source:
        f.write(source.read())
    theirs = run("node", os.path.join(node, "perplexity.mjs"), model, str(WINDOW), text=json.dumps(ids))
    for kernels in ("best", "avx2"):
        ours = run(hffs, "run", model, *scored, *(["--kernels", kernels] if kernels != "best" else []))
        right = exact["ppl"] * 0.999 <= ours["ppl"] <= theirs["ppl"] * 1.005 and ours["count"] == exact["count"] == theirs["count"]
        check.verdict(f"perplexity/{kernels}", right, f"ours {ours['ppl']:.4f}, exact {exact['ppl']:.4f}, llama.cpp {theirs['ppl']:.4f}, {ours['count']} tokens")
    sys.exit(check.failed != 0)


main()
