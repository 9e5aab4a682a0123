# SPDX-License-Identifier: Apache-2.0
"""Makes a tiny model with its tokenizer, and a dataset, as transformers and pyarrow write them. Usage: make_tiny.py DIR"""

import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast

model, dataset = f"{sys.argv[1]}/acme/tiny-llama", f"{sys.argv[1]}/datasets/acme/rows"
os.makedirs(model)
os.makedirs(f"{dataset}/data")

words = {"<unk>": 0, "hello": 1, "world": 2, "<s>": 3, "</s>": 4}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>").save_pretrained(model)
size, wide = 8, 16
LlamaConfig(vocab_size=len(words), hidden_size=size, intermediate_size=wide, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=2, max_position_embeddings=32, architectures=["LlamaForCausalLM"]).save_pretrained(model)
shapes = {"model.embed_tokens.weight": (len(words), size), "model.norm.weight": (size,), "lm_head.weight": (len(words), size)}
layer = "model.layers.0."
shapes |= {f"{layer}self_attn.{x}_proj.weight": (size, size) for x in "qkvo"}
shapes |= {f"{layer}mlp.{x}_proj.weight": (wide, size) for x in ("gate", "up")}
shapes |= {f"{layer}mlp.down_proj.weight": (size, wide)}
shapes |= {f"{layer}{x}_layernorm.weight": (size,) for x in ("input", "post_attention")}
rng = np.random.default_rng(7)
save_file({name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}, f"{model}/model.safetensors",
          metadata={"format": "pt"})

pq.write_table(pa.table({"n": list(range(1000)), "text": [f"row {i}" for i in range(1000)]}),
               f"{dataset}/data/train-00000-of-00001.parquet")
with open(f"{dataset}/README.md", "w") as card:
    card.write("---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n---\n# rows\n")
