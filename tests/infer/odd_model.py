#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tiny-tales with a tokenizer in the form of Llama 2's, and tokens that are seldom met: odd_model.py TINY-TALES FOLDER

Weights and ids are the same. Behind "Once upon a time" (0,383,384,260,348) it goes on with " there was a", three tokens that are the bytes
of one character, " Sam. Sam", a zero byte, " a", the special token <|pause|>, " hat. One". It never ends, and has no token for 235 ids of its
vocabulary.
"""
import json, os, sys

source, folder = sys.argv[1:3]
ODD = {585: "<0xE2>", 553: "<0x82>", 523: "<0xAC>", 532: "<0x00>"}
PAUSE = 750
LLAMA = {
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                       {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "pre_tokenizer": None,
    "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
                                                 {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}}


def byte_chars():
    """The bytes that GPT-2 writes as characters."""
    plain = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


def as_llama(token, chars=byte_chars()):
    raw = bytes(chars[c] for c in token)
    if len(raw) == 1 and not 0x20 <= raw[0] < 0x7f:
        return f"<0x{raw[0]:02X}>"
    return raw.decode(errors="replace").replace(" ", "\u2581")


os.makedirs(folder)
for name in os.listdir(source):
    if name.startswith("model") or name == "config.json":
        os.symlink(os.path.join(os.path.abspath(source), name), os.path.join(folder, name))
tokenizer = json.load(open(os.path.join(source, "tokenizer.json")))
model = tokenizer["model"]
end = tokenizer["added_tokens"][0]
texts = {i: as_llama(token) for token, i in model["vocab"].items() if i not in (end["id"], PAUSE)}
model["vocab"] = {text: i for i, text in texts.items() if i not in ODD}
model["vocab"].update({text: i for i, text in ODD.items()} | {end["content"]: end["id"], "<|pause|>": PAUSE})
model.update(merges=[], byte_fallback=True)
tokenizer["added_tokens"].append(end | {"id": PAUSE, "content": "<|pause|>"})
tokenizer.update(LLAMA)
json.dump(tokenizer, open(os.path.join(folder, "tokenizer.json"), "w"))
config = json.load(open(os.path.join(source, "tokenizer_config.json")))
config["chat_template"] = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
json.dump(config, open(os.path.join(folder, "tokenizer_config.json"), "w"))
generation = {"eos_token_id": 1023, "no_repeat_ngram_size": 3, "min_length": 0, "suppress_tokens": None}
json.dump(generation, open(os.path.join(folder, "generation_config.json"), "w"))
