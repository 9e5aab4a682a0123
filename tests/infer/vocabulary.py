#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tokenizer of a model that has as many tokens and merges as Gemma 3, 262,144 and half a million: vocabulary.py FOLDER

FOLDER gets tokenizer.json, as large as that of Gemma (33 MB), and model.gguf with the same tokens, whose weights are a hole.
"""
import os
import struct
import sys

NR, WIDTH, HEADS, FFN = 262144, 256, 4, 256
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"
TEXT, STRINGS, UINT, F32 = 8, (9, 8), 4, 6  # types of values [ggml docs/gguf.md]


def vocabulary():
    pairs = [a + b for a in LETTERS for b in LETTERS]
    tokens = ["<unk>", "<bos>", "<eos>"] + [f"<0x{i:02X}>" for i in range(256)] + list(LETTERS) + pairs
    triples = [p + c for p in pairs for c in LETTERS][:NR - len(tokens)]
    merges = [(p[0], p[1]) for p in pairs] + [m for t in triples for m in ((t[:2], t[2]), (t[0], t[1:]))]
    return tokens + triples, merges


def write_json(path, tokens, merges):
    with open(path, "w", encoding="ascii") as f:
        f.write('{"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,\n'
                '  "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "fuse_unk": true, "vocab": {\n')
        f.write(",\n".join(f'            "{t}": {i}' for i, t in enumerate(tokens)))
        f.write('\n    },\n    "merges": [\n')
        f.write(",\n".join(f'        [\n            "{a}",\n            "{b}"\n        ]' for a, b in merges))
        f.write("\n]}}\n")


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def value(key, kind, v):
    if kind == STRINGS:
        return text(key) + struct.pack("<IIQ", *kind, len(v)) + b"".join(map(text, v))
    return text(key) + struct.pack("<I", kind) + (text(v) if kind == TEXT else struct.pack("<f" if kind == F32 else "<I", v))


def write_gguf(path, tokens, merges):
    values = [("general.architecture", TEXT, "llama"), ("llama.context_length", UINT, 256), ("llama.embedding_length", UINT, WIDTH),
              ("llama.block_count", UINT, 1), ("llama.feed_forward_length", UINT, FFN), ("llama.attention.head_count", UINT, HEADS),
              ("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), ("tokenizer.ggml.model", TEXT, "gpt2"),
              ("tokenizer.ggml.pre", TEXT, "gpt-2"), ("tokenizer.ggml.tokens", STRINGS, tokens),
              ("tokenizer.ggml.merges", STRINGS, [f"{a} {b}" for a, b in merges])]
    shapes = {"token_embd": [WIDTH, NR], "output_norm": [WIDTH], "blk.0.attn_norm": [WIDTH], "blk.0.ffn_norm": [WIDTH],
              **{f"blk.0.{n}": [WIDTH, WIDTH] for n in ("attn_q", "attn_k", "attn_v", "attn_output")},
              **{f"blk.0.{n}": [WIDTH, FFN] for n in ("ffn_gate", "ffn_up")}, "blk.0.ffn_down": [FFN, WIDTH]}
    head, at = struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), len(values)) + b"".join(value(*v) for v in values), 0
    for name, dims in shapes.items():
        head += text(name + ".weight") + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, 0, at)
        size = 4
        for d in dims:
            size *= d
        at += size
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32))
        f.truncate(f.tell() + at)


os.makedirs(sys.argv[1], exist_ok=True)
write_json(os.path.join(sys.argv[1], "tokenizer.json"), *vocabulary())
write_gguf(os.path.join(sys.argv[1], "model.gguf"), *vocabulary())
