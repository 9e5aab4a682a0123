#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Logarithms of probabilities: exact, ours, llama.cpp's. llamacpp.py MODEL-EVAL FOLDER NODE-FOLDER"""
import json
import os
import subprocess
import sys

import numpy as np

import check
import models
import to_gguf

TEXTS = 12


def log_softmax(x):
    x = x.astype(np.float64)
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def theirs(node, path, ids, vocabulary):
    out = path + ".json"
    done = subprocess.run(["node", "llamacpp.mjs", path, check.text_of(ids), out], cwd=node, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    with open(out) as f:
        rows = [dict(row) for row in json.load(f)]
    return np.log(np.array([[max(row.get(i, 0), 1e-30) for i in range(vocabulary)] for row in rows]))


def rms(exact, other):
    """Over tokens that are not all but impossible: their probabilities are floats."""
    likely = exact > np.log(1e-5)
    return float(np.sqrt(np.mean((exact - other)[likely] ** 2)))


def main():
    program, folder, node = sys.argv[1:]
    e, name = check.Eval(program, folder), "llama-wide"
    c = models.MODELS[name][0]
    for quant in ("F32", "F16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"):
        path, plain = os.path.join(folder, f"{quant}.gguf"), os.path.join(folder, f"{quant}-plain")
        back = to_gguf.write(path, name, quant, tokens=True)
        models.write(plain, c, {n: (check.unpermute(c, n, x), "F32") for n, x in back.items()})
        ours = other = 0
        for text in range(TEXTS):  # both round activations to 8 bits, in other places: by one text chance decides
            ids = [int(i) for i in np.random.RandomState(text).randint(3, c["vocab_size"], 60)]
            exact = log_softmax(e.logits(plain, c["vocab_size"], ids, kernels="scalar"))
            ours += rms(exact, log_softmax(e.logits(path, c["vocab_size"], ids, kv="f16"))) ** 2 / TEXTS
            other += rms(exact, theirs(node, path, ids, c["vocab_size"])) ** 2 / TEXTS
        ours, other = ours ** 0.5, other ** 0.5
        check.verdict("llamacpp/" + quant, ours <= 1.03 * other + 1e-4, f"ours differ by {ours:.4g}, llama.cpp's by {other:.4g} (RMS)")
    # That both mean the same by a file of each architecture; keys and values are F16 in both.
    for name in ("llama3", "llama-linear", "mistral-null", "qwen2", "qwen3-plain", "phi3-plain", "gemma2", "gemma3", "olmo2", "gpt2"):
        c, ids = models.MODELS[name][0], models.ids_of(name)
        path = os.path.join(folder, f"{name}.gguf")
        if name.startswith("phi3"):
            ids = ids[:c["sliding_window"]]  # llama.cpp leaves Phi 3's window out
        to_gguf.write(path, name, tokens=True, without="lm_head.weight" if name == "gemma2" else None)  # it knows that one tied only
        try:
            ours = log_softmax(e.logits(path, c["vocab_size"], ids, kv="f16"))
            off = rms(ours, theirs(node, path, ids, c["vocab_size"]))
            check.verdict("llamacpp/" + name, off < 0.03, f"differs from llama.cpp by {off:.3g} (RMS)")
        except RuntimeError as why:
            check.verdict("llamacpp/" + name, False, str(why)[-200:])
    sys.exit(check.failed != 0)


main()
