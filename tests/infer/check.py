#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Compares model-eval with the goldens: check.py MODEL-EVAL FOLDER [NAME...]
Each check is a line PASS or FAIL; the largest difference is said with it.
"""
import json
import os
import re
import subprocess
import sys

import numpy as np

import models
import to_gguf

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = {"F32": 1e-3, "F16": 2e-2, "BF16": 2e-2}
failed = 0


def verdict(name, ok, why=""):
    global failed
    failed += not ok
    print(f"PASS infer/{name} {why}" if ok else f"FAIL infer/{name}: {why}", flush=True)


class Eval:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, path, *commands, **options):
        given = [x for k, v in {"kv": "f32", **options}.items() for x in ("--" + k, str(v))]
        done = subprocess.run([self.program, path, *given, *map(str, commands)], capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
        return done.stdout

    def logits(self, path, vocabulary, *parts, **options):
        """Of all tokens; each part is a call of its own."""
        commands, files = [], []
        for i, ids in enumerate(parts):
            files.append(os.path.join(self.folder, f"logits-{i}"))
            commands += ["ids", text_of(ids), "logits", files[-1]]
        self.run(path, *commands, **options)
        return np.concatenate([np.fromfile(f, np.float32).reshape(-1, vocabulary) for f in files])

    def greedy(self, path, ids, n, **options):
        return [int(i) for i in self.run(path, "ids", text_of(ids), "greedy", n, **options).split(",")]


def text_of(ids):
    return ",".join(map(str, ids))


def nll(logits, ids):
    x = logits[:-1].astype(np.float64)
    top = x.max(axis=1)
    total = top + np.log(np.exp(x - top[:, None]).sum(axis=1))
    return float(np.mean(total - x[np.arange(len(ids) - 1), ids[1:]]))


def compare(name, golden, logits, ids, tolerance):
    worst = max(float(np.abs(logits[int(i)] - np.array(row)).max()) for i, row in golden["logits"].items())
    off = abs(nll(logits, ids) - golden["nll"])
    verdict(name, worst <= tolerance and off <= tolerance, f"logits differ by {worst:.2g}, the mean NLL by {off:.2g}")


def tokens_equal(name, golden, got):
    same = next((i for i, (a, b) in enumerate(zip(golden["greedy"], got)) if a != b), len(got))
    verdict(name, got == golden["greedy"], f"{same} of {len(golden['greedy'])} tokens are the same")


def check_decoder(e, root, name, golden):
    c, _, dtype = models.MODELS[name]
    path, ids, vocabulary = os.path.join(root, name), models.ids_of(name), c["vocab_size"]
    options = {"context": max(len(ids), golden["greedy_from"] + len(golden["greedy"]))}
    if c["model_type"] == "gpt2":
        options = {}
    logits = e.logits(path, vocabulary, ids, **options)
    compare(name, golden, logits, ids, TOLERANCE[dtype])
    start = ids[:golden["greedy_from"]]
    tokens_equal(name + "/greedy", golden, e.greedy(path, start, len(golden["greedy"]), **options))
    for spelling in sorted(os.listdir(root)):
        if spelling.startswith(name + "+"):
            compare(spelling, golden, e.logits(os.path.join(root, spelling), vocabulary, ids, **options), ids, TOLERANCE[dtype])
    check_calls(e, name, path, vocabulary, ids, logits, options)
    check_gguf(e, root, name, golden, ids, options)


def check_calls(e, name, path, vocabulary, ids, logits, options):
    one = e.logits(path, vocabulary, ids, threads=1, **options)
    three = e.logits(path, vocabulary, ids, threads=3, **options)
    verdict(name + "/threads", np.array_equal(one, logits) and np.array_equal(three, logits), "the same bits with 1, 2 and 3")
    if len(ids) < 200:
        # As if what was truncated had never been there; longrope falls back to its short factors.
        file = os.path.join(e.folder, "truncated")
        e.run(path, "ids", text_of(ids), "eval", "truncate", 9, "ids", text_of(ids[9:20]), "logits", file, **options)
        fresh = e.logits(path, vocabulary, ids[:9], ids[9:20], **options)[9:]
        off = np.abs(np.fromfile(file, np.float32).reshape(-1, vocabulary) - fresh).max()
        verdict(name + "/truncate", off < 1e-4, f"logits differ by {off:.2g}")
    if len(ids) > 200 or "longrope" in str(models.MODELS[name][0]) or name == "llama-dynamic":
        return  # there a text in parts is another text
    parts = [ids[:7], ids[7:8], ids[8:]]
    off = float(np.abs(e.logits(path, vocabulary, *parts, **options) - logits).max())
    verdict(name + "/parts", off < 1e-3, f"in parts of 7, 1 and the rest logits differ by {off:.2g}")
    off = float(np.abs(e.logits(path, vocabulary, ids, **{**options, "kv": "f16"}) - logits).max())
    verdict(name + "/kv-f16", 0 < off < 0.1, f"with keys and values in F16 logits differ by {off:.2g}")


def has_gguf(c):
    """What GGUF has no words for: biases of Llama's feed-forward are read, mscale and dynamic ropes are not said."""
    rope = str(c.get("rope_scaling") or c.get("rope_parameters"))
    return not any(word in rope for word in ("mscale", "dynamic", "beta_fast")) and "layer_types" not in c and \
        c.get("query_pre_attn_scalar", 24) in (24, 20) and not (c["model_type"].startswith("qwen") and c.get("use_sliding_window")) and \
        c.get("hidden_act") != "gelu"


def check_gguf(e, root, name, golden, ids, options):
    c, _, dtype = models.MODELS[name]
    if not has_gguf(c) or c.get("activation_function") == "gelu":
        return
    if c["model_type"].startswith("gemma"):
        return  # llama.cpp fixes the scale of queries by the model's size
    path = os.path.join(root, name + ".gguf")
    to_gguf.write(path, name)
    compare(name + "/gguf", golden, e.logits(path, c["vocab_size"], ids, **options), ids, TOLERANCE[dtype])


def check_gemma_gguf(e, root):
    """Their GGUF files leave the scale of queries and the pattern of layers to the reader: the same is said in a config.json."""
    for name, more in {"gemma2": {}, "gemma3": {"sliding_window_pattern": 6, "rope_local_base_freq": 10000.0, "num_hidden_layers": 3}}.items():
        c, n, dtype = models.MODELS[name]
        c = {**c, **more, "query_pre_attn_scalar": models.head_dim(c)}
        models.write(os.path.join(root, name + "-as-gguf"), c, models.weights(name))
        path, ids = os.path.join(root, name + ".gguf"), models.ids_of(name)
        to_gguf.write(path, name)
        a = e.logits(os.path.join(root, name + "-as-gguf"), c["vocab_size"], ids)
        b = e.logits(path, c["vocab_size"], ids)
        verdict(name + "/gguf", np.abs(a - b).max() < 1e-3, f"differs from its config.json by {np.abs(a - b).max():.2g}")


def check_quantised(e, root, name="llama-wide"):
    """A quantised file against its own weights, read back by gguf-py and stored as F32."""
    c, ids = models.MODELS[name][0], models.ids_of(name)
    for quant in ("F16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"):
        path, plain = os.path.join(root, f"{quant}.gguf"), os.path.join(root, f"{quant}-plain")
        back = to_gguf.write(path, name, quant)
        unturned = {n: unpermute(c, n, x) for n, x in back.items()}
        models.write(plain, c, {n: (x, "F32") for n, x in unturned.items()})
        exact = e.logits(plain, c["vocab_size"], ids, kernels="scalar")
        # The scalar kernels compute with the weights as they are; the others round activations to 8 bits, as llama.cpp does.
        for kernels, bound in {"scalar": 1e-5, "": 0.06}.items():
            got = e.logits(path, c["vocab_size"], ids, **({"kernels": kernels} if kernels else {}))
            off, spread = float(np.sqrt(np.mean((exact - got) ** 2))), float(exact.std())
            verdict(f"quantised/{quant}/{kernels or 'best'}", off < bound * spread, f"logits of {spread:.3g} differ by {off:.2g} (RMS)")


def unpermute(c, name, x):
    heads = c["num_attention_heads"] if "q_proj" in name else c["num_key_value_heads"] if "k_proj" in name else 0
    if not heads:
        return x
    return x.reshape(heads, x.shape[0] // heads // 2, 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def check_f8(e, root, name="llama-wide"):
    """F8_E4M3 without scales: what is stored is what counts."""
    c, ids = models.MODELS[name][0], models.ids_of(name)
    small, plain = {}, {}
    for n, (x, _) in models.weights(name).items():
        codes = models.to_f8(x) if x.ndim == 2 else None
        small[n] = (x, "F32") if codes is None else (codes, "F8_E4M3")
        plain[n] = (x, "F32") if codes is None else (models.F8_VALUES[codes], "F32")
    models.write(os.path.join(root, "f8"), c, small)
    models.write(os.path.join(root, "f8-plain"), c, plain)
    off = np.abs(e.logits(os.path.join(root, "f8"), c["vocab_size"], ids) - e.logits(os.path.join(root, "f8-plain"), c["vocab_size"], ids)).max()
    verdict("f8", off < 2e-2, f"differs from the same in F32 by {off:.2g}")


COMPRESSED = {"quant_method": "compressed-tensors", "format": "float-quantized", "ignore": ["lm_head"], "kv_cache_scheme": None,
              "quantization_status": "compressed", "global_compression_ratio": 1.5}


def compressed(strategy, **more):
    weights = {"num_bits": 8, "type": "float", "strategy": strategy, "symmetric": True, "dynamic": False, "group_size": None,
               "actorder": None, "observer": "minmax", "observer_kwargs": {}, "block_structure": None, **more}
    group = {"weights": weights, "input_activations": {"num_bits": 8, "type": "float", "dynamic": True}, "output_activations": None,
             "targets": ["Linear"]}
    return {**COMPRESSED, "config_groups": {"group_0": group}}


# model; what its configuration says; rows and columns of a block (0: all); the scales' name, shape (None: a number a block) and type
SCALED = {
    "tensor": ("llama-wide", compressed("tensor"), 0, 0, "weight_scale", (1,), "F32"),
    "number": ("llama3", {"quant_method": "fp8", "activation_scheme": "static", "weight_block_size": None}, 0, 0, "weight_scale_inv", (), "BF16"),
    "channel": ("qwen3", compressed("channel"), 1, 0, "weight_scale", None, "BF16"),
    "fbgemm": ("llama-wide", {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0, "modules_to_not_convert": ["lm_head"]}, 1, 0,
               "weight_scale", None, "F32"),
    "flat": ("qwen2-window", {**compressed("channel"), "quantization_status": "frozen"}, 1, 0, "weight_scale", (-1,), "F16"),
    "block": ("llama-wide", {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}, 128, 128,
              "weight_scale_inv", None, "F32"),
    "odd-block": ("qwen3", compressed("block", block_structure=[24, 40]), 24, 40, "weight_scale", None, "F32"),
    "fused-tensor": ("phi3-plain", compressed("tensor"), 0, 0, "weight_scale", (1,), "F32"),
    "fused-channel": ("phi3-plain", compressed("channel"), 1, 0, "weight_scale", None, "BF16"),
    "fused-block": ("phi3-plain", {"quant_method": "fp8", "weight_block_size": [32, 48]}, 32, 48, "weight_scale_inv", None, "F32"),
    "tied-head": ("qwen2", {"quant_method": "fp8", "weight_block_size": [50, 33]}, 50, 33, "weight_scale_inv", None, "F32"),
    "tied-table": ("qwen2", {"quant_method": "fp8", "weight_block_size": [50, 33]}, 50, 33, "weight_scale_inv", None, "F32"),
}


def scaled(name, layout):
    """The model in F8_E4M3 with scales, and in F32 with their products: tensors of both."""
    _, how, rows, cols, end, shape, dtype = layout
    small, plain = {}, {}
    for n, (x, _) in models.weights(name).items():
        small[n] = plain[n] = (x, "F32")
        if x.ndim == 2 and ("_proj" in n or models.MODELS[name][0]["tie_word_embeddings"]):
            codes, scales, product = models.f8_scaled(x, rows or x.shape[0], cols or x.shape[1], dtype)
            small[n], plain[n] = (codes, "F8_E4M3"), (product, "F32")
            small[n.replace("weight", end)] = (scales if shape is None else scales.reshape(shape), dtype)
            if how.get("activation_scheme") == "static":
                small[n.replace("weight", "activation_scale")] = (np.ones(1), "F32")
    # As programs write them: what is wide first, so that everything is aligned.
    return dict(sorted(small.items(), key=lambda t: -{"F32": 4, "F8_E4M3": 1}.get(t[1][1], 2))), plain


def check_scales(e, root):
    """F8_E4M3 with scales of every form against the products in F32, one token a call and all at once."""
    for layout, row in SCALED.items():
        c, ids = models.MODELS[row[0]][0], models.ids_of(row[0])
        small, plain = scaled(row[0], row)
        if layout == "tied-head":
            small = {n.replace("model.embed_tokens", "lm_head"): t for n, t in small.items()}
        models.write(os.path.join(root, "scaled"), {**c, "quantization_config": row[1]}, small)
        models.write(os.path.join(root, "scaled-plain"), c, plain)
        want = e.logits(os.path.join(root, "scaled-plain"), c["vocab_size"], ids)
        for kernels in ("scalar", ""):
            options = {"kernels": kernels} if kernels else {}
            got = e.logits(os.path.join(root, "scaled"), c["vocab_size"], ids, **options)
            ones = e.logits(os.path.join(root, "scaled"), c["vocab_size"], *([i] for i in ids[:12]), **options)
            off, alone = np.abs(got - want).max(), np.abs(ones - want[:12]).max()
            verdict(f"scales/{layout}/{kernels or 'best'}", max(off, alone) < 1e-3, f"logits differ by {off:.2g}, one by one by {alone:.2g}")


def check_scales_refused(e, root):
    name, q = "llama-wide", "model.layers.1.self_attn.q_proj.weight"
    c, block = models.MODELS[name][0], SCALED["block"]
    small, _ = scaled(name, block)
    scale = q + "_scale_inv"
    bad = small[scale][0].copy()
    bad[1, 1] = np.nan
    cases = {
        "none": ({scale: None}, f"tensor {q} is of type F8_E4M3 and has no scale"),
        "shape": ({scale: (np.ones((2, 3)), "F32")}, f"tensor {scale} has a shape that does not fit"),
        "rows": ({scale: (np.ones((256, 1)), "F32")}, f"tensor {scale} has a shape that does not fit"),
        "rank": ({scale: (np.ones((2, 2, 1)), "F32")}, f"tensor {scale} has a shape that does not fit"),
        "type": ({scale: (np.ones((2, 2), np.int32), "I32")}, f"tensor {scale} has elements of type I32"),
        "f8": ({scale: (np.ones((2, 2), np.uint8), "F8_E4M3")}, f"tensor {scale} has elements of type F8_E4M3, which is not supported there"),
        "both": ({q + "_scale": (np.ones(1), "F32")}, "q_proj.weight_scale_inv is not one that this"),
        "without-f8": ({q: (np.zeros((256, 256)), "F32")}, "q_proj.weight_scale_inv is not one that this"),
        "nan": ({scale: (bad, "F32")}, f"tensor {scale} has a scale that is not a finite number"),
        "infinite": ({scale: (np.full((2, 2), np.inf), "F32")}, f"tensor {scale} has a scale that is not a finite number"),
    }
    folder = os.path.join(root, "refused")
    for case, (change, pattern) in cases.items():
        tensors = {n: t for n, t in {**small, **change}.items() if t is not None}
        models.write(folder, {**c, "quantization_config": block[1]}, dict(sorted(tensors.items(), key=lambda t: t[1][1] == "F8_E4M3")))
        refused(e, "scales/" + case, folder, pattern, "ids", "1", "eval")
    models.write(folder, c, small)
    refused(e, "scales/not-said", folder, "weight_scale_inv is not one that this")
    phi, how = "phi3-plain", {"quant_method": "fp8", "weight_block_size": [48, 48]}
    models.write(folder, {**models.MODELS[phi][0], "quantization_config": how}, scaled(phi, (phi, how, 48, 48, "weight_scale_inv", None, "F32"))[0])
    refused(e, "scales/cut", folder, "a block of scales belongs to two matrices")


def computed(e, path, name):
    c, ids = models.MODELS[name][0], models.ids_of(name)
    if c["model_type"] == "bert":
        return np.array([float(v) for v in e.run(path, "embed", text_of(ids)).split(",")])
    return e.logits(path, c["vocab_size"], ids)


def split(root, stem, name, **layout):
    """Paths of the parts."""
    to_gguf.write(os.path.join(root, stem + ".gguf"), name, split=6, **layout)
    return sorted(os.path.join(root, f) for f in os.listdir(root) if f.startswith(stem + "-0"))


def check_split(e, root):
    """A GGUF model in several files is opened by the first; what tensors say may be said in another, and the first may have none."""
    whole = os.path.join(root, "whole.gguf")
    for name in ("llama3", "phi3", "bert"):
        to_gguf.write(whole, name)
        for stem, layout in {"split": {}, "empty-first": {"empty_first": True}, "backwards": {"backwards": True}}.items():
            files = split(root, f"{stem}-{name}", name, **layout)
            try:
                same = np.array_equal(computed(e, whole, name), computed(e, files[0], name))
                verdict(f"gguf-split/{name}/{stem}", same and len(files) > 2, f"{len(files)} files")
            except RuntimeError as why:
                verdict(f"gguf-split/{name}/{stem}", False, str(why))
    files = split(root, "split", "llama3")
    refused(e, "gguf-split/second", files[1], "give the first")
    os.unlink(files[2])
    refused(e, "gguf-split/missing", files[0], "cannot open .*-00003-of-")


def refused(e, name, path, pattern, *commands):
    try:
        e.run(path, *(commands or ["info"]))
        verdict("refuses/" + name, False, "it is opened")
    except RuntimeError as why:
        verdict("refuses/" + name, re.search(pattern, str(why)) is not None, str(why))


def check_refusals(e, root):
    """What does not fit together is said by name."""
    c, tensors = models.MODELS["llama-wide"][0], models.weights("llama-wide")
    q, norm = "model.layers.1.self_attn.q_proj.weight", "model.norm.weight"
    cases = {
        "missing": (lambda t: t.pop(q), f"tensor {q} is missing"),
        "shape": (lambda t: t.update({q: (t[q][0][:-4], "F32")}), f"tensor {q} is 252 x 256; the configuration asks for 256 x 256"),
        "vector-shape": (lambda t: t.update({norm: (t[norm][0][:-4], "F32")}), f"tensor {norm} is 252"),
        "rank": (lambda t: t.update({norm: (t[norm][0].reshape(1, -1), "F32")}), f"tensor {norm} is 1 x 256"),
        "type": (lambda t: t.update({q: (t[q][0].astype(np.int32), "I32")}), f"tensor {q} has elements of type I32"),
        "vector-type": (lambda t: t.update({norm: (np.zeros(256, np.uint8), "F8_E4M3")}), f"tensor {norm} has elements of type F8_E4M3, .* there"),
        "bias": (lambda t: t.update({q.replace("weight", "bias"): (np.zeros(256), "F32")}), "q_proj.bias is not one that this"),
        "scale": (lambda t: t.update({q + "_scale": (np.zeros(1), "F32")}), "q_proj.weight_scale is not one that this"),
        "layers": (lambda t: t.update({q.replace(".1.", ".2."): t[q]}), "layers.2.*is not one that this"),
    }
    for name, (change, pattern) in cases.items():
        changed = dict(tensors)
        change(changed)
        models.write(os.path.join(root, "refused"), c, changed)
        refused(e, name, os.path.join(root, "refused"), pattern)
    models.write(os.path.join(root, "refused"), c, {"model.a": (np.zeros(1), "F16"), **tensors})
    refused(e, "unaligned", os.path.join(root, "refused"), "is not aligned")
    models.write(os.path.join(root, "refused"), {**c, "tie_word_embeddings": True}, {**tensors, "lm_head.weight": (np.zeros((255, 256)), "F32")})
    refused(e, "tied-shape", os.path.join(root, "refused"), "tensor lm_head.weight is 255 x 256")
    bert, norm = models.weights("bert"), "encoder.layer.1.output.LayerNorm."
    models.write(os.path.join(root, "refused"), models.MODELS["bert"][0], {**bert, norm + "gamma": bert[norm + "weight"]})
    refused(e, "two-names", os.path.join(root, "refused"), norm + "gamma is not one that this")
    refused(e, "nothing", os.path.join(root, "nowhere"), "cannot open .*nowhere")
    refused(e, "no-config", root, "cannot read .*config.json")
    os.unlink(os.path.join(root, "refused", "model.safetensors"))
    refused(e, "no-weights", os.path.join(root, "refused"), "has neither model.safetensors nor")


def check_bert(e, root, name, golden):
    c, _, dtype = models.MODELS[name]
    ids = models.ids_of(name)
    cases = {"bert": [("bert", "normalised"), ("bert+plain", "mean"), ("bert+old", "mean"), ("bert.gguf", "normalised")],
             "bert-cls": [("bert-cls", "cls")]}[name]
    for folder, kind in cases:
        path = os.path.join(root, folder)
        if folder.endswith(".gguf"):
            to_gguf.write(path, name)
        got = np.array([float(v) for v in e.run(path, "embed", text_of(ids)).split(",")])
        off = float(np.abs(got - np.array(golden[kind])).max())
        verdict(folder, off <= TOLERANCE[dtype] / 10, f"{kind} differs by {off:.2g}")
    info = json.loads(e.run(os.path.join(root, name), "info"))
    verdict(name + "/info", info["embeds"] and info["embed_max"] == (32 if name == "bert" else 64), f"at most {info['embed_max']} tokens")


def check_tiny_tales(e):
    """The example model, trained and in BF16: best five after each prompt, and how it goes on."""
    with open(os.path.join(HERE, "tiny-tales.json")) as f:
        cases = json.load(f)["cases"]
    path = "examples/hub/hffs/tiny-tales"
    for i, case in enumerate(cases):
        last = e.logits(path, 1024, case["prompt_ids"])[-1]
        off = max(abs(float(last[token]) - value) for token, value in case["top5"])
        got = e.greedy(path, case["prompt_ids"], len(case["greedy_ids"]), kv="f16")
        verdict(f"tiny-tales/{i}", off < 2e-2 and got == case["greedy_ids"], f"logits differ by {off:.2g}; {len(got)} tokens")


def main():
    e = Eval(sys.argv[1], sys.argv[2])
    root = os.path.join(sys.argv[2], "models")
    with open(os.path.join(HERE, "golden.json")) as f:
        goldens = json.load(f)["models"]
    for name in sys.argv[3:] or models.MODELS:
        try:
            models.write_model(root, name)
            check = check_bert if name.startswith("bert") else check_decoder
            check(e, root, name, goldens[name])
        except (RuntimeError, KeyError) as why:
            verdict(name, False, repr(why))
    if not sys.argv[3:]:
        check_tiny_tales(e)
        check_refusals(e, root)
        check_split(e, root)
        check_f8(e, root)
        check_scales(e, root)
        check_scales_refused(e, root)
        check_gemma_gguf(e, root)
        check_quantised(e, root)
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
