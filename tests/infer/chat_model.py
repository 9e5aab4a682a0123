#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tiny-tales made into something that can be talked to: chat_model.py TINY-TALES FOLDER [TEMPLATE]

The weights are the same, so what it says is a story; the tokenizer gets the special tokens of ChatML, at ids that were not in use, and
the configuration a chat template.
"""
import json, os, sys

source, folder = sys.argv[1:3]
CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
os.makedirs(folder)
for name in os.listdir(source):
    if name.startswith("model") or name == "config.json":
        os.symlink(os.path.join(os.path.abspath(source), name), os.path.join(folder, name))
tokenizer = json.load(open(os.path.join(source, "tokenizer.json")))
for i, token in enumerate(["<|im_start|>", "<|im_end|>"]):
    tokenizer["added_tokens"].append({"id": 1000 + i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                                      "normalized": False, "special": True})
json.dump(tokenizer, open(os.path.join(folder, "tokenizer.json"), "w"))
config = json.load(open(os.path.join(source, "tokenizer_config.json")))
config["chat_template"] = sys.argv[3] if len(sys.argv) > 3 else CHATML
json.dump(config, open(os.path.join(folder, "tokenizer_config.json"), "w"))
json.dump({"eos_token_id": [0], "temperature": 0.7, "top_p": 0.9}, open(os.path.join(folder, "generation_config.json"), "w"))
