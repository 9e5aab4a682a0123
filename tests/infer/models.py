#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Small models with random weights, one for each thing that an architecture can ask for: models.py FOLDER [NAME...]

Nothing of them is trained or taken from elsewhere: weights come from numpy's frozen RandomState, so every machine makes the same
bytes. Values are chosen so that each setting shows in the result: windows shorter than the text, caps that bite, norms that are
not one, biases that are not zero. goldens.py computes with transformers what they must come to.
"""
import json
import os
import struct
import sys
import zlib

import numpy as np

VOCABULARY = 128
SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": VOCABULARY, "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2}


def config(model_type, name, **more):
    return {**SIZES, "model_type": model_type, "architectures": [name], "torch_dtype": "float32", **more}


def llama(**more):
    return config("llama", "LlamaForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", tie_word_embeddings=False, **more)


def gemma(model_type, name, **more):
    return config(model_type, name, rms_norm_eps=1e-3, head_dim=24, hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=20,
                  **{"tie_word_embeddings": False, **more})


GPT2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": VOCABULARY, "n_embd": 64, "n_layer": 3, "n_head": 4,
        "n_positions": 320, "n_inner": 80, "layer_norm_epsilon": 1e-3, "activation_function": "gelu_new", "n_ctx": 320,
        "bos_token_id": 1, "eos_token_id": 2}
BERT = {"model_type": "bert", "architectures": ["BertModel"], "vocab_size": VOCABULARY, "hidden_size": 64, "num_hidden_layers": 3,
        "num_attention_heads": 4, "intermediate_size": 96, "max_position_embeddings": 64, "type_vocab_size": 2, "layer_norm_eps": 1e-3,
        "hidden_act": "gelu", "position_embedding_type": "absolute", "pad_token_id": 0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
FACTORS = {"short_factor": [1.0 + 0.05 * i for i in range(6)], "long_factor": [1.0 + 0.9 * i for i in range(6)]}

# name: configuration; how many tokens the golden text has; how elements are stored
MODELS = {
    "llama3": (llama(head_dim=24, attention_bias=True, mlp_bias=True, rope_theta=500.0, rope_scaling=LLAMA3), 90, "F32"),
    "llama-linear": ({**llama(rope_scaling={"type": "linear", "factor": 4.0}), "tie_word_embeddings": True}, 60, "BF16"),
    "llama-dynamic": (llama(rope_parameters={"rope_type": "dynamic", "factor": 3.0, "rope_theta": 300.0}) | {"max_position_embeddings": 32}, 80, "F32"),
    "llama-yarn": (llama(rope_parameters={"rope_type": "yarn", "factor": 6.0, "rope_theta": 1000.0, "beta_fast": 4.0, "beta_slow": 0.5,
                                          "original_max_position_embeddings": 24, "truncate": False}), 100, "F16"),
    "llama-yarn-mscale": (llama(rope_scaling={"rope_type": "yarn", "factor": 6.0, "original_max_position_embeddings": 24, "mscale": 1.3,
                                              "mscale_all_dim": 0.7}), 100, "F32"),
    "llama-long": (llama(rope_theta=500000.0, rope_scaling={**LLAMA3, "original_max_position_embeddings": 256})
                   | {"max_position_embeddings": 4096, "num_hidden_layers": 2}, 3000, "F32"),
    "llama-wide": (llama(rope_theta=10000.0) | {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "vocab_size": 256}, 40, "F32"),
    "mistral": (config("mistral", "MistralForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", head_dim=32, sliding_window=13,
                       tie_word_embeddings=False), 60, "F32"),
    "mistral-null": (config("mistral", "MistralForCausalLM", rms_norm_eps=1e-3, hidden_act="gelu", head_dim=None, sliding_window=None,
                            rope_theta=1e6, tie_word_embeddings=False), 60, "F16"),
    "qwen2": (config("qwen2", "Qwen2ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", use_sliding_window=False, sliding_window=8,
                     max_window_layers=1, rope_theta=1e6, tie_word_embeddings=True), 60, "BF16"),
    "qwen2-window": (config("qwen2", "Qwen2ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", use_sliding_window=True, sliding_window=9,
                            max_window_layers=1, tie_word_embeddings=False,
                            rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}), 70, "F32"),
    "qwen3": (config("qwen3", "Qwen3ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", head_dim=32, attention_bias=True,
                     use_sliding_window=True, sliding_window=11, layer_types=["full_attention", "sliding_attention", "full_attention"],
                     tie_word_embeddings=False), 60, "F32"),
    "qwen3-plain": (config("qwen3", "Qwen3ForCausalLM", rms_norm_eps=1e-6, hidden_act="silu", head_dim=32, attention_bias=False,
                           use_sliding_window=False, sliding_window=None, rope_scaling=None, rope_theta=1e6, tie_word_embeddings=True), 60, "F16"),
    "phi3": (config("phi3", "Phi3ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", sliding_window=20, partial_rotary_factor=0.75,
                    original_max_position_embeddings=40, rope_scaling={"type": "longrope", **FACTORS}, tie_word_embeddings=False,
                    pad_token_id=0), 30, "F32"),
    "phi3-long": (config("phi3", "Phi3ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", sliding_window=None, partial_rotary_factor=0.75,
                         original_max_position_embeddings=40, rope_scaling={"type": "longrope", **FACTORS}, tie_word_embeddings=False,
                         pad_token_id=0), 70, "F32"),
    "phi3-plain": (config("phi3", "Phi3ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", sliding_window=17, rope_scaling=None,
                          original_max_position_embeddings=512, tie_word_embeddings=False, pad_token_id=0), 60, "BF16"),
    "gemma2": (gemma("gemma2", "Gemma2ForCausalLM", attn_logit_softcapping=2.0, final_logit_softcapping=12.0, sliding_window=7,
                     hidden_act="gelu_pytorch_tanh"), 50, "F32"),
    "gemma3": (gemma("gemma3_text", "Gemma3ForCausalLM", sliding_window=8, sliding_window_pattern=3, rope_theta=1e4, rope_local_base_freq=50.0,
                     rope_scaling={"rope_type": "linear", "factor": 8.0}, final_logit_softcapping=None), 50, "BF16"),
    "gemma3-new": (gemma("gemma3_text", "Gemma3ForCausalLM", sliding_window=6, final_logit_softcapping=4.0, attn_logit_softcapping=None,
                         layer_types=["full_attention", "sliding_attention", "sliding_attention"], tie_word_embeddings=True,
                         rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 2000.0},
                                          "sliding_attention": {"rope_type": "default", "rope_theta": 30.0}}), 50, "F32"),
    "olmo2": (config("olmo2", "Olmo2ForCausalLM", rms_norm_eps=1e-3, hidden_act="silu", rope_theta=5e5, tie_word_embeddings=False), 60, "F32"),
    "gpt2": (GPT2, 60, "F32"),
    "gpt2-half": ({**GPT2, "activation_function": "gelu"}, 60, "F16"),
    "bert": (BERT, 40, "F32"),
    "bert-cls": ({**BERT, "architectures": ["BertForMaskedLM"], "type_vocab_size": 3, "hidden_act": "gelu_new"}, 40, "F16"),
}

# Where the best two tokens come close to each other during 200, another salt makes other weights.
SALT = {"llama-linear": 3, "llama-dynamic": 4, "llama-yarn-mscale": 1, "llama-long": 4, "llama-wide": 2, "mistral-null": 1, "qwen2": 2,
        "qwen2-window": 9, "qwen3": 1, "qwen3-plain": 4, "phi3": 2, "phi3-long": 2, "phi3-plain": 6, "gpt2": 10, "gpt2-half": 8, "gemma2": 10, "gemma3": 3}


def head_dim(c):
    return c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]


def llama_layers(c, norms, fused=False, bias=(), qk_norm=None):
    """(name, shape, kind) of the weights of what is built like Llama."""
    width, ffn, hd = c["hidden_size"], c["intermediate_size"], head_dim(c)
    q, kv = c["num_attention_heads"] * hd, c["num_key_value_heads"] * hd
    out = [("model.embed_tokens.weight", (c["vocab_size"], width), "embed"), ("model.norm.weight", (width,), "norm")]
    if not c["tie_word_embeddings"]:
        out.append(("lm_head.weight", (c["vocab_size"], width), "head"))
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        out += [(at + name + ".weight", (width,), "norm") for name in norms]
        attention = [("qkv_proj", q + 2 * kv)] if fused else [("q_proj", q), ("k_proj", kv), ("v_proj", kv)]
        products = [("self_attn." + name, n, width) for name, n in attention] + [("self_attn.o_proj", width, q)]
        products += [("mlp.gate_up_proj", 2 * ffn, width)] if fused else [("mlp.gate_proj", ffn, width), ("mlp.up_proj", ffn, width)]
        products.append(("mlp.down_proj", width, ffn))
        for name, rows, cols in products:
            out.append((at + name + ".weight", (rows, cols), "w"))
            if name.split(".")[1] in bias:
                out.append((at + name + ".bias", (rows,), "bias"))
        if qk_norm:
            out += [(at + "self_attn.q_norm.weight", (hd if qk_norm == "head" else q,), "norm"),
                    (at + "self_attn.k_norm.weight", (hd if qk_norm == "head" else kv,), "norm")]
    return out


def gpt2_layers(c):
    width = c["n_embd"]
    out = [("transformer.wte.weight", (c["vocab_size"], width), "embed"), ("transformer.wpe.weight", (c["n_positions"], width), "bias")]
    norms, products = ["ln_1", "ln_2"], [("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width), ("mlp.c_fc", width, c["n_inner"]),
                                         ("mlp.c_proj", c["n_inner"], width)]
    for i in range(c["n_layer"]):
        at = f"transformer.h.{i}."
        for name in norms:
            out += [(at + name + ".weight", (width,), "norm"), (at + name + ".bias", (width,), "bias")]
        for name, rows, cols in products:
            out += [(at + name + ".weight", (rows, cols), "wt"), (at + name + ".bias", (cols,), "bias")]
    return out + [("transformer.ln_f.weight", (width,), "norm"), ("transformer.ln_f.bias", (width,), "bias")]


def bert_layers(c):
    width, ffn = c["hidden_size"], c["intermediate_size"]
    out = [("embeddings.word_embeddings.weight", (c["vocab_size"], width), "embed"),
           ("embeddings.position_embeddings.weight", (c["max_position_embeddings"], width), "bias"),
           ("embeddings.token_type_embeddings.weight", (c["type_vocab_size"], width), "bias")]
    norms = ["embeddings.LayerNorm"]
    for i in range(c["num_hidden_layers"]):
        at = f"encoder.layer.{i}."
        for name, rows, cols in [("attention.self.query", width, width), ("attention.self.key", width, width),
                                 ("attention.self.value", width, width), ("attention.output.dense", width, width),
                                 ("intermediate.dense", ffn, width), ("output.dense", width, ffn)]:
            out += [(at + name + ".weight", (rows, cols), "w"), (at + name + ".bias", (rows,), "bias")]
        norms += [at + "attention.output.LayerNorm", at + "output.LayerNorm"]
    for name in norms:
        out += [(name + ".weight", (width,), "norm"), (name + ".bias", (width,), "bias")]
    return out


def layers(c):
    kind = c["model_type"]
    before = ["input_layernorm", "post_attention_layernorm"]
    if kind == "gpt2":
        return gpt2_layers(c)
    if kind == "bert":
        return bert_layers(c)
    if kind == "phi3":
        return llama_layers(c, before, fused=True)
    if kind.startswith("gemma"):
        norms = before + ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
        return llama_layers(c, norms, qk_norm="head" if kind == "gemma3_text" else None)
    if kind == "olmo2":
        return llama_layers(c, ["post_attention_layernorm", "post_feedforward_layernorm"], qk_norm="width")
    bias = ["q_proj", "k_proj", "v_proj"] if kind == "qwen2" else []
    if c.get("attention_bias"):
        bias = ["q_proj", "k_proj", "v_proj", "o_proj"]
    if c.get("mlp_bias"):
        bias = bias + ["gate_proj", "up_proj", "down_proj"]
    return llama_layers(c, before, bias=bias, qk_norm="head" if kind == "qwen3" else None)


def values(random, shape, kind, plus_one):
    x = random.standard_normal(shape)
    if kind == "norm":
        return 0.3 * x + (0 if plus_one else 1)
    if kind == "bias":
        return 0.3 * x
    if kind == "embed":
        return x * 0.5
    if kind == "head":
        return 4 * x / np.sqrt(shape[1])
    return 1.6 * x / np.sqrt(shape[0] if kind == "wt" else shape[1])


def to_bf16(x):
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def f8_value(code):
    """F8_E4M3: no infinities, one NaN of each sign."""
    sign, exponent, mantissa = -1 if code & 128 else 1, code >> 3 & 15, code & 7
    if code & 127 == 127:
        return float("nan")
    return sign * (mantissa / 8 * 2.0 ** -6 if exponent == 0 else (1 + mantissa / 8) * 2.0 ** (exponent - 7))


F8_VALUES = np.array([f8_value(code) for code in range(256)], np.float32)
F8_ORDER = np.argsort(F8_VALUES)[:254]  # NaN is behind all


def to_f8(x):
    """Codes of the values next to x."""
    values = F8_VALUES[F8_ORDER]
    at = np.clip(np.searchsorted(values, x.ravel()), 1, len(values) - 1)
    at -= x.ravel() - values[at - 1] < values[at] - x.ravel()
    return F8_ORDER[at].astype(np.uint8).reshape(x.shape)


def f8_scaled(x, rows, cols, dtype):
    """A matrix in F8_E4M3 with a scale for each block: codes, scales, and the exact product."""
    tiles = (-(-x.shape[0] // rows), -(-x.shape[1] // cols))
    scales = np.empty(tiles, np.float32)
    for i, j in np.ndindex(tiles):
        scales[i, j] = np.abs(x[i * rows:(i + 1) * rows, j * cols:(j + 1) * cols]).max() / 448
    scales = rounded(scales, dtype)
    each = scales.repeat(rows, 0)[:x.shape[0]].repeat(cols, 1)[:, :x.shape[1]]
    codes = to_f8(x / each)
    return codes, scales, F8_VALUES[codes] * each


def encode(x, dtype):
    if dtype in ("F8_E4M3", "I32"):
        return x.tobytes()
    x = x.astype(np.float32)
    return x.tobytes() if dtype == "F32" else x.astype(np.float16).tobytes() if dtype == "F16" else to_bf16(x).tobytes()


def rounded(x, dtype):
    """What is read back."""
    x = x.astype(np.float32)
    if dtype == "BF16":
        return (to_bf16(x).astype(np.uint32) << 16).view(np.float32)
    return x.astype(np.float16).astype(np.float32) if dtype == "F16" else x


def weights(name):
    """name: (array, dtype as stored)"""
    c, _, dtype = MODELS[name]
    random = np.random.RandomState(zlib.crc32(name.encode()) ^ SALT.get(name, 0) << 8)
    plus_one = c["model_type"].startswith("gemma")
    return {n: (values(random, shape, kind, plus_one).astype(np.float32), dtype) for n, shape, kind in layers(c)}


def ids_of(name):
    c, n, _ = MODELS[name]
    random = np.random.RandomState(zlib.crc32(name.encode()) ^ 1)
    return [int(i) for i in random.randint(3, c["vocab_size"], n)]


def write_safetensors(path, tensors):
    header, data = {}, []
    at = 0
    for n, (x, dtype) in tensors.items():
        raw = encode(x, dtype)
        header[n] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data.append(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def write_json(path, value):
    with open(path, "w") as out:
        json.dump(value, out, indent=1)


def write_shards(folder, tensors, nr):
    names = sorted(tensors)
    index = {}
    for i in range(nr):
        file = f"model-{i + 1:05}-of-{nr:05}.safetensors"
        part = names[i::nr]
        write_safetensors(os.path.join(folder, file), {n: tensors[n] for n in part})
        index.update({n: file for n in part})
    write_json(os.path.join(folder, "model.safetensors.index.json"), {"metadata": {}, "weight_map": index})


def write(folder, c, tensors, shards=0):
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "config.json"), c)
    if shards:
        write_shards(folder, tensors, shards)
    else:
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors)


def write_sentence(folder, pooling, normalise, max_tokens):
    """What sentence-transformers writes beside an encoder."""
    kinds = ["Transformer", "Pooling"] + (["Normalize"] if normalise else [])
    paths = ["", "1_Pooling", "2_Normalize"]
    write_json(os.path.join(folder, "modules.json"),
               [{"idx": i, "name": str(i), "path": paths[i], "type": "sentence_transformers.models." + k} for i, k in enumerate(kinds)])
    os.makedirs(os.path.join(folder, "1_Pooling"), exist_ok=True)
    write_json(os.path.join(folder, "1_Pooling", "config.json"),
               {"word_embedding_dimension": 64, "pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean",
                "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False})
    write_json(os.path.join(folder, "sentence_bert_config.json"), {"max_seq_length": max_tokens, "do_lower_case": False})


def write_tied(folder, name, c, tensors):
    """Who says that embeddings are tied may have two tables all the same, or one by the name of the other."""
    if name == "llama3":
        write(folder + "+tied", {**c, "tie_word_embeddings": True}, tensors)
    if name == "qwen2":
        write(folder + "+copy", c, {**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"]})
    head = {"qwen2": "model.embed_tokens", "gpt2": "transformer.wte"}.get(name)
    if head:
        write(folder + "+head", c, {n.replace(head, "lm_head"): t for n, t in tensors.items()})


def write_model(root, name):
    """The model under its own name, and other spellings of it, which must come to the same."""
    c, tensors = MODELS[name][0], weights(name)
    folder = os.path.join(root, name)
    write(folder, c, tensors, shards=3 if name == "llama-yarn" else 0)
    write_tied(folder, name, c, tensors)
    if name == "gpt2":
        bare = {n.removeprefix("transformer."): t for n, t in tensors.items()}
        bare["h.0.attn.bias"] = (np.zeros((1, 1, 4, 4), np.float32), "F32")
        write(folder + "+bare", {**c, "architectures": ["GPT2Model"], "pruned_heads": {}}, bare)
    if name == "phi3-long":
        write(folder + "+su", {**c, "rope_scaling": {"rope_type": "su", **FACTORS}}, tensors)
    if name == "gemma3":
        for spelling, before, head in [("+old", "language_model.model.", "language_model.lm_head."), ("+outer", "model.language_model.", "lm_head.")]:
            inner = {n.replace("model.", before, 1).replace("lm_head.", head): t for n, t in tensors.items()}
            inner["vision_tower.patch.weight"] = (np.zeros((2, 2), np.float32), "F32")
            outer = {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"], "text_config": c, "vision_config": {"x": 1},
                     "mm_tokens_per_image": 256, "tie_word_embeddings": False}
            write(folder + spelling, outer, inner)
    if name == "bert":
        write_sentence(folder, "mean", True, 32)
        named = {("bert." + n): t for n, t in tensors.items()}
        named["cls.predictions.bias"] = (np.zeros((VOCABULARY,), np.float32), "F32")
        write(folder + "+plain", {**c, "architectures": ["BertForMaskedLM"]}, named)
        old = {n.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): t for n, t in named.items()}
        old["qa_outputs.weight"] = (np.zeros((2, 64), np.float32), "F32")
        write(folder + "+old", {**c, "architectures": ["BertForQuestionAnswering"]}, old)
    if name == "bert-cls":
        write_sentence(folder, "cls", False, 64)


def main():
    for name in sys.argv[2:] or MODELS:
        write_model(sys.argv[1], name)


if __name__ == "__main__":
    main()
