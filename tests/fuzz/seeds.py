#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small good inputs for each fuzzer: seeds.py FOLDER"""
import glob
import io
import json
import math
import os
import struct
import sys
import zipfile

import seeds_tokens


TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "chat_templates")


def safetensors(tensors, metadata=None, end=0):
    header = {"__metadata__": metadata} if metadata else {}
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    return struct.pack("<H", end) + json.dumps(header).encode()


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def gguf(values, tensors, data, version=3):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    for key, kind, raw in values:
        out += text(key) + struct.pack("<I", kind) + raw
    for name, dims, kind, off in tensors:
        out += text(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims) + struct.pack("<IQ", kind, off)
    return out + bytes(-len(out) % 32) + bytes(data)


def zip_file(comment=b"", zip64=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name in ("archive/data.pkl", "archive/data/0"):
            with z.open(name, "w", force_zip64=zip64) as member:
                member.write(b"content of " + name.encode())
        z.comment = comment
    return out.getvalue()


def zip64_end(count):
    """A directory of no entries behind a zip64 end record."""
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, 0, 0)
    locator = struct.pack("<IIQI", 0x07064B50, 0, 0, 1)
    return record + locator + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 6, "hidden_size": 4, "intermediate_size": 8,
         "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 16, "rms_norm_eps": 1e-5,
         "hidden_act": "silu", "rope_theta": 10000.0, "eos_token_id": [1, 2], "bos_token_id": 0, "tie_word_embeddings": True}
BLOCKS = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [2, 3]}
CHANNELS = {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {"group_0": {
    "weights": {"num_bits": 8, "type": "float", "strategy": "channel", "symmetric": True, "dynamic": False}, "targets": ["Linear"]}}}
CONFIGS = [
    LLAMA,
    {**LLAMA, "attention_bias": True, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                       "original_max_position_embeddings": 8}},
    {**LLAMA, "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8, "beta_fast": 32, "truncate": False}},
    {**LLAMA, "model_type": "phi3", "architectures": ["Phi3ForCausalLM"], "sliding_window": 4, "original_max_position_embeddings": 8,
     "rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [2.0]}},
    {**LLAMA, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "use_sliding_window": True, "sliding_window": 4,
     "layer_types": ["sliding_attention"], "head_dim": 4},
    {"model_type": "gemma3", "text_config": {"num_hidden_layers": 2, "hidden_size": 4, "head_dim": 2, "sliding_window_pattern": 2,
                                             "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "final_logit_softcapping": 30.0}},
    {"model_type": "gpt2", "n_embd": 4, "n_layer": 1, "n_head": 2, "n_inner": None, "activation_function": "gelu_new"},
    {"model_type": "bert", "hidden_size": 4, "num_attention_heads": 2, "num_hidden_layers": 1, "position_embedding_type": "absolute"},
    {**LLAMA, "quantization_config": BLOCKS},
    {**LLAMA, "quantization_config": CHANNELS},
]
BESIDE = [
    {"bos_token_id": 1, "eos_token_id": [1, 2]},
    {"word_embedding_dimension": 64, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True},
    [{"idx": 0, "path": "", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}, {"path": "", "type": "x.Normalize"}],
    {"max_seq_length": 256},
]


def llama_tensors(rows):
    """(name in a repository, name in GGUF, shape)"""
    once = [("model.embed_tokens.weight", "token_embd.weight", [6, 4]), ("model.norm.weight", "output_norm.weight", [4])]
    layer = [("input_layernorm", "attn_norm", [4]), ("post_attention_layernorm", "ffn_norm", [4]), ("self_attn.q_proj", "attn_q", [4, 4]),
             ("self_attn.k_proj", "attn_k", [2, 4]), ("self_attn.v_proj", "attn_v", [2, 4]), ("self_attn.o_proj", "attn_output", [4, 4]),
             ("mlp.gate_proj", "ffn_gate", [8, 4]), ("mlp.up_proj", "ffn_up", [8, 4]), ("mlp.down_proj", "ffn_down", [4, 8])]
    return once + [(f"model.layers.0.{a}.weight", f"blk.0.{b}.weight", shape) for a, b, shape in layer][:rows]


def scaled_tensors(block):
    """Matrices in F8_E4M3, each with a scale a block, or a row."""
    out = []
    for name, _, shape in llama_tensors(20):
        if "_proj" not in name:
            out.append((name, "F32", shape, 4 * math.prod(shape)))
            continue
        scales = [-(-shape[0] // 2), -(-shape[1] // 3)] if block else [shape[0], 1]
        out += [(name + ("_scale_inv" if block else "_scale"), "F32", scales, 4 * math.prod(scales)), (name, "F8_E4M3", shape, math.prod(shape))]
    return out


def bind_folder(rows, config=LLAMA, tensors=None):
    tensors = tensors or [(name, "F32", shape, 4 * math.prod(shape)) for name, _, shape in llama_tensors(rows)]
    text, header = json.dumps(config).encode(), safetensors(tensors)
    return struct.pack("<BH", 0, len(text)) + header[:2] + text + header[2:]


def bind_gguf(rows):
    number = lambda key, value: (key, 4, struct.pack("<I", value))
    values = [("general.architecture", 8, text("llama"))] + [
        number("llama." + key, value) for key, value in [("block_count", 1), ("context_length", 16), ("embedding_length", 4),
                                                         ("feed_forward_length", 8), ("attention.head_count", 2), ("attention.head_count_kv", 1)]]
    values.append(("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)))
    return gguf(values, [(name, shape[::-1], 0, 128 * i) for i, (_, name, shape) in enumerate(llama_tensors(rows))], 0)


def seeds():
    array = struct.pack("<IQ", 8, 2) + text("a") + text("bc")
    nested = struct.pack("<IQIQ", 9, 1, 5, 1) + bytes(4)
    kinds = [("u8", 0, b"\1"), ("i16", 3, b"\1\2"), ("f32", 6, bytes(4)), ("yes", 7, b"\1"), ("f64", 12, bytes(8)), ("i64", 11, bytes(8))]
    index = {"metadata": {"total_size": 10}, "weight_map": {f"layers.{n}.w": f"m-{n % 3}.safetensors" for n in range(12)}}
    files = [{"path": "a/b", "size": 7, "digest": "sha256:" + "ab" * 32}, {"path": "c", "size": 0, "digest": "git-sha1:" + "e6" * 20}]
    lock = {"hffs_lock": 1, "repositories": [
        {"repository": "datasets/org/d", "revision": "refs/pr/1", "commit": "cd" * 20, "files": files},
        {"repository": "org/m", "revision": "main", "commit": "ef" * 20, "files": []}]}
    return {
        "safetensors": [
            safetensors([]),
            safetensors([("a", "F32", [2, 3], 24), ("layers.10.b", "BF16", [4], 8), ("c", "I64", [0], 0)], {"format": "pt"}),
            safetensors([("f4", "F4", [2, 2], 2), ("f6", "F6_E2M3", [4], 3), ("x\n\u00fc", "U8", [], 1)]),
        ],
        "gguf": [
            gguf([], [], 0),
            gguf(kinds + [("general.alignment", 4, struct.pack("<I", 64)), ("s", 8, text("value")), ("t", 9, array)], [], 0),
            gguf([("t", 9, array), ("n", 9, nested)], [("blk.0.w", [64, 2], 2, 0), ("blk.1.w", [5], 0, 96)], 96 + 20, 2),
        ],
        "shards": [json.dumps(index).encode(), b'{"weight_map": {}}', b'{"weight_map": {"\\u0061": "x.bin"}}'],
        "config": [json.dumps(c).encode() for c in CONFIGS + BESIDE],
        "bind": [bind_folder(0, {**LLAMA, "quantization_config": BLOCKS}, scaled_tensors(True)),
                 bind_folder(0, {**LLAMA, "quantization_config": CHANNELS}, scaled_tensors(False)),
                 bind_folder(9), bind_folder(4), bind_gguf(9), bind_gguf(5)],
        "zip": [zip_file(), zip_file(b"a comment"), zip_file(zip64=True), zip64_end(0)],
        **seeds_tokens.seeds(gguf),
        "pickle": [b"\x80\x04\x95", b"\x93NUMPY\x01\x00\x14\x00{'descr': '|O', 'a':1}", b"storages".ljust(257, b"\0") + b"ustar", zip_file(),
                   b"(dp0\nVa\np1\n(lp2\nI1\naF2.5\naNasS'b'\nL3L\ns.cposix\nsystem\np0\n(Vx\np1\ntp2\nRp3\n.",
                   b"}q\0X\1\0\0\0aq\1]q\2(K\1G@\4\0\0\0\0\0\0Nes.cposix\nsystem\nq\0(X\1\0\0\0xq\1tq\2Rq\3."],
        "lockfile": [json.dumps(lock).encode(), b'{"hffs_lock": 1, "repositories": []}'],
        "card": [b'---\nlicense: mit\ntags:\n- a\nx: &a [1, {b: ~}]\ny: *a\n---\n# X\n## Uses\nFine-tuned. More.\n', b'---\na: |\n  b\n---\n'],
        "chat": [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(TEMPLATES, "*.jinja")) +
                                                            glob.glob(os.path.join(TEMPLATES, "unknown", "*.jinja")))],
        "parquet": [struct.pack("<QI4s", 1000, 100, b"PAR1"), struct.pack("<QI4s", 20, 8, b"PARE")],
    }


def main():
    for name, inputs in seeds().items():
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        for number, data in enumerate(inputs):
            with open(os.path.join(folder, str(number)), "wb") as out:
                out.write(data)


main()
