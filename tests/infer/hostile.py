#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Files that are cut short, have flipped bits, or contradict themselves: each must end with a sentence and exit code 1, or work.
hostile.py MODEL-EVAL FOLDER SEED COUNT
"""
import concurrent.futures
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys

import check
import models
import to_gguf

NUMBERS = [0, 1, 2, 3, 7, 63, 64, 65, 127, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64 - 1, -1, 0.5, 1e300]
WORDS = ["null", "true", "false", "[]", "{}", '""', '"silu"', "[1,2]", "-0.0", "1e-300"]


def flip(r, data, end=None):
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 8, 64])):
        at = r.randrange(min(len(data), end or len(data)))
        data[at] ^= 1 << r.randrange(8)
    return bytes(data)


def cut(r, data):
    return data[:r.choice([0, 1, 7, 8, 9, 24, r.randrange(len(data)), len(data) - 1])]


def text_change(r, text):
    """One value of a JSON text becomes another, or a member goes, or its name changes."""
    spots = list(re.finditer(r":\s*(-?[\d.e+-]+|true|false|null|\"[^\"]*\")", text)) + list(re.finditer(r"[\[,]\s*(\d+)", text))
    if not spots:
        return text
    at = r.choice(spots)
    value = r.choice(WORDS) if r.random() < 0.3 else str(r.choice(NUMBERS))
    if r.random() < 0.15:
        names = list(re.finditer(r'"([^"]+)"\s*:', text))
        name = r.choice(names)
        return text[:name.start(1)] + r.choice(["x", name.group(1)[:-1], r.choice(names).group(1)]) + text[name.end(1):]
    return text[:at.start(1)] + value + text[at.end(1):]


def hostile_safetensors(r, data):
    n = struct.unpack("<Q", data[:8])[0]
    how = r.randrange(5)
    if how == 0:
        return cut(r, data)
    if how == 1:
        return flip(r, data, 8 + n)
    if how == 2:
        return struct.pack("<Q", r.choice([0, 1, n - 1, n + 1, 2**31, 2**63, 2**64 - 1, len(data) - 8])) + data[8:]
    text = data[8:8 + n].decode()
    if how == 3:
        text = text.replace('"F32"', r.choice(['"F16"', '"BF16"', '"F64"', '"I32"', '"F8_E4M3"', '"F4"']), r.choice([1, -1]))
    else:
        text = text_change(r, text)
    text = text.encode()
    return struct.pack("<Q", len(text)) + text + data[8 + n:]


def hostile_gguf(r, data):
    how = r.randrange(4)
    if how == 0:
        return cut(r, data)
    if how == 1:
        return flip(r, data, 3000)
    if how == 2:
        return flip(r, data)
    at = r.randrange(0, 3000, 4)  # numbers are anywhere in the header
    return data[:at] + struct.pack("<I", r.choice(NUMBERS[:16]) & 0xFFFFFFFF) + data[at + 4:]


def hostile_json(r, data):
    text = data.decode()
    if r.random() < 0.2:
        return cut(r, data) if r.random() < 0.5 else flip(r, data)
    for _ in range(r.choice([1, 1, 1, 3])):
        text = text_change(r, text)
    return text.encode()


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Kind:
    """A good model, and which of its files is spoiled how."""

    def __init__(self, name, model, file, spoil):
        self.name, self.model, self.file, self.spoil = name, model, file, spoil


def commands_of(kind):
    return ["embed", "5,6,7,8"] if "bert" in kind.name else ["ids", "5,6,7,8", "greedy", "3"]


def one(program, kind, good, folder, number, seed):
    r = random.Random(f"{seed} {kind.name} {number}")
    path = os.path.join(folder, f"{kind.name}-{number}" + (".gguf" if kind.file is None else ""))
    source = kind.model if kind.file is None else os.path.join(kind.model, kind.file)
    if kind.file is None:
        spoiled = path
    else:
        os.mkdir(path)
        for root, folders, files in os.walk(kind.model):
            at = os.path.join(path, os.path.relpath(root, kind.model))
            os.makedirs(at, exist_ok=True)
            for f in files:
                os.link(os.path.join(root, f), os.path.join(at, f))
        spoiled = os.path.join(path, kind.file)
        os.unlink(spoiled)
    with open(spoiled, "wb") as f:
        f.write(kind.spoil(r, good[source]))
    try:
        done = subprocess.run([program, path, *commands_of(kind)], capture_output=True, text=True, timeout=20, errors="replace")
        said = done.stderr.strip()
        ok = done.returncode == 0 or (done.returncode == 1 and said.startswith("model-eval: ") and "\n" not in said)
        why = "" if ok else f"exit code {done.returncode}, said {said[:300]!r}"
        worked = done.returncode == 0
    except subprocess.TimeoutExpired:
        why, worked = "hangs", False
    if not why:
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    return why and f"{path} (seed {seed}, number {number}): {why}", worked


def main():
    program, folder, seed, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    for name in ("qwen3", "qwen3-plain", "gemma3", "bert", "llama-yarn", "phi3"):
        models.write_model(folder, name)
        if name in ("qwen3-plain", "phi3", "bert"):
            to_gguf.write(os.path.join(folder, name + ".gguf"), name)
    to_gguf.write(os.path.join(folder, "q8.gguf"), "qwen3-plain", "Q8_0")
    model, how, *_ = check.SCALED["block"]
    models.write(os.path.join(folder, "scaled"), {**models.MODELS[model][0], "quantization_config": how}, check.scaled(model, check.SCALED["block"])[0])
    at = lambda name: os.path.join(folder, name)
    kinds = [Kind("safetensors", at("qwen3"), "model.safetensors", hostile_safetensors), Kind("gguf", at("qwen3-plain.gguf"), None, hostile_gguf),
             Kind("config", at("qwen3"), "config.json", hostile_json), Kind("config-gemma", at("gemma3+outer"), "config.json", hostile_json),
             Kind("config-rope", at("phi3"), "config.json", hostile_json), Kind("config-bert", at("bert"), "config.json", hostile_json),
             Kind("index", at("llama-yarn"), "model.safetensors.index.json", hostile_json), Kind("gguf-quantised", at("q8.gguf"), None, hostile_gguf),
             Kind("gguf-phi3", at("phi3.gguf"), None, hostile_gguf), Kind("gguf-bert", at("bert.gguf"), None, hostile_gguf),
             Kind("scales", at("scaled"), "model.safetensors", hostile_safetensors), Kind("config-scales", at("scaled"), "config.json", hostile_json),
             Kind("modules-bert", at("bert"), "modules.json", hostile_json)]
    main_kinds = ("safetensors", "gguf", "config")
    status = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as workers:
        for kind in kinds:
            source = kind.model if kind.file is None else os.path.join(kind.model, kind.file)
            if subprocess.run([program, kind.model, *commands_of(kind)], stdout=subprocess.DEVNULL).returncode:
                print(f"FAIL infer/hostile/{kind.name}: the good one does not work")
                status = 1
                continue
            n = count if kind.name in main_kinds else max(1, count // 5)
            jobs = [workers.submit(one, program, kind, {source: read(source)}, folder, i, seed) for i in range(n)]
            results = [j.result() for j in jobs]
            bad, worked = [why for why, _ in results if why], sum(w for _, w in results)
            status |= bool(bad)
            print(f"FAIL infer/hostile/{kind.name}: {len(bad)} of {n}: {bad[0]}" if bad else
                  f"PASS infer/hostile/{kind.name} {n} files, {n - worked} refused", flush=True)
    sys.exit(status)


main()
