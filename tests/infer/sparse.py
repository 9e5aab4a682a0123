#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Llama of any size whose weights are a hole: sparse.py FOLDER LAYERS WIDTH FFN VOCABULARY [SHARDS]"""
import json
import os
import struct
import sys

folder, (layers, width, ffn, vocabulary, *shards) = sys.argv[1], map(int, sys.argv[2:])
tensors = [("model.embed_tokens.weight", [vocabulary, width]), ("model.norm.weight", [width]), ("lm_head.weight", [vocabulary, width])]
for i in range(layers):
    tensors += [(f"model.layers.{i}.{name}.weight", shape) for name, shape in [
        ("input_layernorm", [width]), ("post_attention_layernorm", [width]), ("self_attn.q_proj", [width, width]),
        ("self_attn.k_proj", [width // 4, width]), ("self_attn.v_proj", [width // 4, width]), ("self_attn.o_proj", [width, width]),
        ("mlp.gate_proj", [ffn, width]), ("mlp.up_proj", [ffn, width]), ("mlp.down_proj", [width, ffn])]]
os.makedirs(folder, exist_ok=True)
n = shards[0] if shards else 1
index = {}
for part in range(n):
    header, at = {}, 0
    for name, shape in tensors[part::n]:
        size = 2
        for d in shape:
            size *= d
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file = "model.safetensors" if n == 1 else f"model-{part + 1:05}-of-{n:05}.safetensors"
    index.update({name: file for name in header})
    with open(os.path.join(folder, file), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        out.truncate(8 + len(text) + at)
if n > 1:
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as out:
        json.dump({"weight_map": index}, out)
with open(os.path.join(folder, "config.json"), "w") as out:
    json.dump({"model_type": "llama", "hidden_size": width, "intermediate_size": ffn, "num_hidden_layers": layers, "vocab_size": vocabulary,
               "num_attention_heads": width // 64, "num_key_value_heads": width // 256, "max_position_embeddings": 4096}, out)
