#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The models of models.py as GGUF files, named, turned and typed as llama.cpp's converter does it.
Q4_K, Q5_K and Q6_K are blocks of random bytes with sane scales: gguf-py can read them, not make them.
"""
import re

import gguf
import numpy as np

import models

ARCH = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "phi3": "phi3", "gemma2": "gemma2", "gemma3_text": "gemma3",
        "olmo2": "olmo2", "gpt2": "gpt2", "bert": "bert"}

LLAMA = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "self_attn.qkv_proj": "attn_qkv", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "input_layernorm": "attn_norm"}
PLAIN = {**LLAMA, "post_attention_layernorm": "ffn_norm"}
GEMMA = {**LLAMA, "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
         "post_feedforward_layernorm": "post_ffw_norm"}
GPT2 = {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down"}
BERT = {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
        "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
        "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
ONCE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "transformer.wte": "token_embd",
        "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm", "embeddings.word_embeddings": "token_embd",
        "embeddings.position_embeddings": "position_embd", "embeddings.token_type_embeddings": "token_types",
        "embeddings.LayerNorm": "token_embd_norm"}


def name_of(kind, name):
    stem, end = name.rsplit(".", 1)
    if stem in ONCE:
        return f"{ONCE[stem]}.{end}"
    layer, rest = re.fullmatch(r"(?:model\.layers|transformer\.h|encoder\.layer)\.(\d+)\.(.*)", stem).groups()
    table = GPT2 if kind == "gpt2" else BERT if kind == "bert" else GEMMA if kind.startswith("gemma") or kind == "olmo2" else PLAIN
    return f"blk.{layer}.{table[rest]}.{end}"


def permute(x, heads):
    """Pairs (i, i + half) of a head become neighbours. [llama.cpp, LlamaModel.permute]"""
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def converted(c, name, x):
    kind = c["model_type"]
    if kind.startswith("gemma") and name.endswith("norm.weight"):
        return x + 1
    if kind == "gpt2" and re.search(r"(c_attn|c_proj|c_fc)\.weight$", name):
        return x.T
    if kind in ("llama", "mistral"):
        if re.search(r"q_proj\.(weight|bias)$", name):
            return permute(x, c["num_attention_heads"])
        if re.search(r"k_proj\.(weight|bias)$", name):
            return permute(x, c["num_key_value_heads"])
    return x


def llama3_factors(c, rope):
    """What frequencies are divided by. [llama.cpp, LlamaModel.generate_extra_tensors]"""
    dim, old = models.head_dim(c), rope["original_max_position_embeddings"]
    low, high = old / rope["low_freq_factor"], old / rope["high_freq_factor"]
    out = []
    for f in 1.0 / (c.get("rope_theta", 1e4) ** (np.arange(0, dim, 2) / dim)):
        length = 2 * np.pi / f
        smooth = (old / length - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
        out.append(1 if length < high else rope["factor"] if length > low else 1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(out, np.float32)


def add_rope(w, c):
    rope = c.get("rope_parameters") or c.get("rope_scaling") or {}
    if c["model_type"] == "gemma3_text":
        w.add_rope_freq_base(rope.get("full_attention", {}).get("rope_theta", c.get("rope_theta", 1e6)))
    else:
        w.add_rope_freq_base(rope.get("rope_theta", c.get("rope_theta", 1e4)))
    kind = rope.get("rope_type", rope.get("type"))
    dims = int(models.head_dim(c) * c.get("partial_rotary_factor", 1))
    w.add_rope_dimension_count(dims)
    if kind in ("linear", "yarn"):
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR if kind == "linear" else gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if kind == "llama3":
        w.add_tensor("rope_freqs.weight", llama3_factors(c, rope))
    if kind == "longrope":
        old, scale = c["original_max_position_embeddings"], c["max_position_embeddings"] / c["original_max_position_embeddings"]
        w.add_rope_scaling_orig_ctx_len(old)
        w.add_rope_scaling_attn_factors(float(np.sqrt(1 + np.log(scale) / np.log(old))))
        w.add_tensor("rope_factors_long.weight", np.array(rope["long_factor"], np.float32))
        w.add_tensor("rope_factors_short.weight", np.array(rope["short_factor"], np.float32))


def add_config(w, c):
    kind = c["model_type"]
    w.add_block_count(c.get("num_hidden_layers") or c["n_layer"])
    w.add_context_length(c.get("max_position_embeddings") or c["n_positions"])
    w.add_embedding_length(c.get("hidden_size") or c["n_embd"])
    w.add_feed_forward_length(c.get("intermediate_size") or c["n_inner"])
    w.add_head_count(c.get("num_attention_heads") or c["n_head"])
    w.add_file_type(0)
    if kind in ("gpt2", "bert"):
        w.add_layer_norm_eps(c.get("layer_norm_epsilon") or c["layer_norm_eps"])
        if kind == "bert":
            w.add_causal_attention(False)
            w.add_pooling_type(gguf.PoolingType.MEAN)
        return
    w.add_head_count_kv(c["num_key_value_heads"])
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_key_length(models.head_dim(c))
    w.add_value_length(models.head_dim(c))
    if c.get("sliding_window") and c.get("use_sliding_window", True):
        w.add_sliding_window(c["sliding_window"])
    if kind == "gemma2":
        w.add_attn_logit_softcapping(c["attn_logit_softcapping"])
        w.add_final_logit_softcapping(c["final_logit_softcapping"])
    add_rope(w, c)


def random_blocks(random, shape, kind):
    """Rows of K-quants: super-blocks of 256 with F16 scales where the type has them. [ggml-common.h]"""
    blocks = shape[0] * shape[1] // 256
    # Where they are and how large; the second is of minima, which balance the mean of the quants.
    size, scales = {"Q4_K": (144, ((0, 2.5e-4), (2, 7.5 * 2.5e-4))), "Q5_K": (176, ((0, 1.2e-4), (2, 15.5 * 1.2e-4))),
                    "Q6_K": (210, ((208, 6e-5),))}[kind]
    raw = random.randint(0, 256, (blocks, size)).astype(np.uint8)
    for at, scale in scales:
        value = scale * (0.6 + 0.4 * random.random_sample(blocks))
        raw[:, at:at + 2] = value.astype(np.float16).view(np.uint8).reshape(blocks, 2)
    return raw.reshape(shape[0], -1)


def stored(x, name, quant, random):
    """(bytes as they are stored, type, what is read back)"""
    kind = gguf.GGMLQuantizationType[quant]
    if x.ndim == 1 or "norm" in name:
        return x.astype(np.float32), gguf.GGMLQuantizationType.F32, x
    if quant in ("F32", "F16"):
        y = x.astype(np.float16 if quant == "F16" else np.float32)
        return y, kind, y.astype(np.float32)
    raw = random_blocks(random, x.shape, quant) if quant.endswith("_K") else gguf.quants.quantize(x.astype(np.float32), kind)
    return raw, kind, gguf.quants.dequantize(raw, kind).astype(np.float32)


def write(path, name, quant="F32", tokens=False, without=None, split=0, empty_first=False, backwards=False):
    """Writes the file; gives {name in the repository: what is read back}, for architectures whose weights are not turned."""
    c, tensors = models.MODELS[name][0], models.weights(name)
    if backwards:
        tensors = dict(reversed(tensors.items()))
    w = gguf.GGUFWriter(path, ARCH[c["model_type"]], split_max_tensors=split, small_first_shard=empty_first)
    random = np.random.RandomState(7)
    add_config(w, c)
    if tokens:  # llama.cpp wants a vocabulary that has a line feed and what it puts for a blank
        order = [0x0A, 0xE2, 0x96, 0x81] + [b for b in range(256) if b not in (0x0A, 0xE2, 0x96, 0x81)]
        w.add_tokenizer_model("llama")
        w.add_token_list([f"<0x{order[i - 3]:02X}>".encode() if i > 2 else [b"<unk>", b"<s>", b"</s>"][i] for i in range(c["vocab_size"])])
        w.add_token_scores([0.0] * c["vocab_size"])
        w.add_token_types([2 if i == 0 else 3 if i < 3 else 6 for i in range(c["vocab_size"])])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    back = {}
    for n, (x, dtype) in tensors.items():
        if n == without:
            continue
        x = np.ascontiguousarray(converted(c, n, models.rounded(x, dtype)))
        raw, kind, back[n] = stored(x, n, quant, random)
        w.add_tensor(name_of(c["model_type"], n), raw, raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return back
