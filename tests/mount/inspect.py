#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hub for tests/mount/inspect.sh: usage inspect.py DIR. Repositories of each kind, whose numbers the test knows."""
import json
import os
import struct
import sys

top = sys.argv[1]
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 256, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5}


def put(path, content):
    os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
    with open(f"{top}/{path}", "wb") as f:
        f.write(content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode())


def safetensors(tensors):
    """tensors: {name: (dtype, shape, bytes of an element)}"""
    header, at = {}, 0
    for name, (dtype, shape, size) in tensors.items():
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def gguf(vocabulary):
    """A header of so many tokens, and one matrix of Q4_0 behind it."""
    values = [("general.architecture", 8, text("llama")), ("llama.context_length", 4, struct.pack("<I", 4096)),
              ("llama.block_count", 4, struct.pack("<I", 2)), ("llama.embedding_length", 4, struct.pack("<I", 64)),
              ("llama.attention.head_count", 4, struct.pack("<I", 4)), ("llama.attention.head_count_kv", 4, struct.pack("<I", 2)),
              ("tokenizer.ggml.model", 8, text("llama")),
              ("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, vocabulary) + b"".join(text(f"<token {i}>") for i in range(vocabulary))),
              ("tokenizer.chat_template", 8, text("{{ messages }}"))]
    out = struct.pack("<4sIQQ", b"GGUF", 3, 1, len(values))
    for key, kind, value in values:
        out += text(key) + struct.pack("<I", kind) + value
    out += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 64, 30720, 2, 0)
    return out + bytes(-len(out) % 32) + bytes(64 * 30720 // 32 * 18)


shards = [{f"model.layers.{i}.weight": ("BF16", [64, 1000], 2), f"model.layers.{i}.bias": ("F32", [64], 4)} for i in range(4)]
names = [f"model-{i + 1:05}-of-00004.safetensors" for i in range(4)]
for name, tensors in zip(names, shards):
    put(f"org/four/{name}", safetensors(tensors))
put("org/four/model.safetensors.index.json", {"metadata": {"total_size": 4 * (64 * 2000 + 256)},
                                              "weight_map": {t: n for n, s in zip(names, shards) for t in s}})
put("org/four/config.json", CONFIG)
put("org/four/tokenizer.json", {"model": {}})
put("org/four/tokenizer_config.json", {"chat_template": "{{ messages }}"})
put("org/four/README.md", "---\nlicense: mit\npipeline_tag: text-generation\nbase_model: org/parent\n---\n# Four\n\nThis is **org/parent** "
    "fine-tuned on stories. More follows.\n\n## Intended uses & limitations\n\nTests.\n")

for name, tensors in zip(names, shards):
    put(f"org/spoiled/{name}", b"\xff" * 1000 if name == names[3] else safetensors(tensors))
put("org/spoiled/config.json", CONFIG)
put("org/spoiled/tokenizer_config.json", {})

put("org/tiny-gguf/tiny-Q4_K_M.gguf", gguf(20000))
put("org/tiny-gguf/tiny-Q8_0.gguf", gguf(100) + bytes(9000000))
put("org/tiny-gguf/README.md", "---\nlicense: apache-2.0\n---\nConverted with a script.\n")

put("org/lora/adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "org/four", "r": 8})
put("org/lora/adapter_model.safetensors", safetensors({"a": ("F32", [8, 64], 4)}))
put("org/lora/README.md", "---\nlicense: mit\n---\nAn adapter.\n")

put("datasets/org/stories/data/train.parquet", bytes(5000))
put("datasets/org/stories/README.md", "---\nlicense: cc-by-4.0\ntask_categories: [text-generation]\n---\n## Limitations\n\nFew.\n")
put("datasets/org/odd/README.md", "---\nlicense: [\n---\n")
put("spaces/org/app/app.py", "print()\n")
put("spaces/org/app/README.md", "---\nsdk: gradio\n---\n")

put("org/no-card/config.json", CONFIG)
put("org/no-card/model.safetensors", safetensors({"x": ("F16", [4, 4], 2)}))
put("org/broken/README.md", "---\nlicense: mit\ntags: [a, b\n---\n# Broken\n")
put("org/broken/config.json", "{")
put("org/broken/model.safetensors", b"\xff" * 100)
put("org/code/pytorch_model.bin", b"\x80\x02" + bytes(1000))
put("org/code/modeling_x.py", "pass\n")
put("org/code/config.json", {"model_type": "x", "auto_map": {"AutoModel": "modeling_x.X"}})
put("org/code/README.md", "\x1b[31mred\x07\n")
for i in range(30):
    put(f"org/small/{i}.txt", f"{i}\n" * 20)
put("org/small/README.md", "---\nlicense: mit\n---\n")
put("org/closed/README.md", "---\nlicense: mit\n---\n")
put("org/style/README.md", "---\nlicense: mit\nbase_model: org/parent\nbase_model_relation: adapter\nlibrary_name: diffusers\n---\n")
put("org/style/weights.safetensors", safetensors({"x": ("F16", [4, 4], 2)}))
put("org/gated/model.safetensors", safetensors({"x": ("F16", [4000, 400], 2)}))
put("org/gated/config.json", CONFIG)
put("org/gated/README.md", "---\nlicense: mit\n---\n## Limitations\n\nMany.\n")
put("datasets/org/wide/README.md", "---\nlicense: mit\n---\n")
for i in range(1200):
    put(f"datasets/org/wide/{i}.txt", str(i))
for i in range(1200):
    put(f"org/many/data/{i}.txt", str(i))
put("org/many/model.safetensors", safetensors({"x": ("F16", [4, 4], 2)}))

# Several sets of weights beside each other, of which one is the model.
small, large = safetensors({"x": ("F16", [4, 4], 2)}), safetensors({"x": ("F16", [40, 40], 2)})
put("org/pipeline/model_index.json", {"_class_name": "Pipeline"})
put("org/pipeline/all-in-one.safetensors", large)
put("org/pipeline/unet/diffusion_pytorch_model.safetensors", small)
put("org/pipeline/unet/diffusion_pytorch_model.fp16.safetensors", small)
put("org/pipeline/vae/diffusion_pytorch_model.safetensors", small)
put("org/variants/config.json", CONFIG)
put("org/variants/consolidated.safetensors", large)
put("org/variants/model.fp16-1-of-2.safetensors", large)
put("org/variants/model.fp16-2-of-2.safetensors", large)
put("org/variants/model-1-of-2.safetensors", small)
put("org/variants/model-2-of-2.safetensors", small)
put("org/consolidated/consolidated.safetensors", small)
put("org/ggufs/x.imatrix.gguf", gguf(1))
put("org/ggufs/BF16/x-00001-of-00002.gguf", gguf(2))
put("org/ggufs/BF16/x-00002-of-00002.gguf", bytes(4000000))
put("org/ggufs/x-Q8_0.gguf", gguf(3) + bytes(1000000))
put("org/no-gguf/x.gguf", b"\xff" * 1000)
put("org/onnx/onnx/model.onnx", bytes(100))
put("org/onnx/onnx/model.onnx_data", bytes(9000))
put("org/onnx/onnx/model_int8.onnx", bytes(3000))
put("org/checkpoints/best.pt", bytes(5000))
put("org/checkpoints/last.pt", bytes(4000))

# Weights of few bits in elements of more.
PACKED = {"gptq": {"quant_method": "gptq", "bits": 4}, "bnb": {"quant_method": "bitsandbytes", "load_in_4bit": True},
          "packed": {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8}}}}, "fp8": {"quant_method": "fp8"}}
for name, how in PACKED.items():
    kind = {"bnb": ("U8", [100, 10], 1), "fp8": ("F8_E4M3", [100, 10], 1)}.get(name, ("I32", [100, 10], 4))
    put(f"org/{name}/config.json", {**CONFIG, "quantization_config": how})
    put(f"org/{name}/model.safetensors", safetensors({"x": kind, "scales": ("F16", [10], 2)}))
