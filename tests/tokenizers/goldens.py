# SPDX-License-Identifier: Apache-2.0
"""Writes tests/unit/tokenizers.json: small tokenizers with what the package `tokenizers` 0.23.3 makes of some texts. goldens.py FILE"""
import json
import sys

import make
from tokenizers import Tokenizer

TEXTS = ["", "Once upon a time there was a cat", "  two  blanks\t\ttabs\n\nlines \r\n", "it's DON'T we'Ve 1234567 3.14", "na\u00efve cafe\u0301 Stra\u00dfe \u03a3\u0391\u03a3 \u0130",
         "\u4e2d\u6587\u5b57 \u3042\u3044 \ud55c\uad6d", "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \ufefftext\ufeff", "<s> x <mask> y<|im_start|>tool tools </s>", "Yesterday yesterday  ``q''",
         "if (a[i] != 0) { b += c->d; }", "\u0664\u0662 \u00bd \u2163 \uff11\uff12", "\u0001\u007f\u00ad\u200b\u00a0x\u3000y\u2028z", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         "\u2581x \u2581\u2581 ##x </w> <0x41>", "\ufb01 \u2460 \u212b \uff21\uff22 \u1100\u1161\u11a8"]
NAMES = ["roberta", "llama3", "qwen2", "o200k", "deepseek3", "falcon", "clip", "forms", "llama2", "mistral", "gemma", "xlmr", "unigram-bytes", "bert", "bert-cased", "words", "suffix", "prefix", "merged"]


def case(t, text):
    ids = t.encode(text).ids
    t.encode_special_tokens = True
    plain = t.encode(text, add_special_tokens=False).ids
    t.encode_special_tokens = False
    return {"text": text, "ids": ids, "plain": plain, "decoded": t.decode(ids, skip_special_tokens=False) if ids else "", "short": t.decode(ids, skip_special_tokens=True) if plain else None}


def main():
    make.small = True
    out = []
    for name, t in make.shapes():
        if name not in NAMES:
            continue
        j = json.loads(t.to_str())
        for step in (j["normalizer"] or {}).get("normalizers", []):
            if step["type"] == "Precompiled":  # 400 kB of rules: in their place one of them
                step.clear()
                step.update({"type": "NFKC"})
        text = json.dumps(j)
        t = Tokenizer.from_str(text)
        out.append({"name": name, "tokenizer": j, "cases": [case(t, x) for x in TEXTS]})
    with open(sys.argv[1], "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(x, separators=(",", ":"), ensure_ascii=False) for x in out) + "\n]\n")


main()
