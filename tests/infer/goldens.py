#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the models of models.py come to, by transformers with F32 arithmetic: goldens.py > golden.json
Made once; needs transformers==5.12.1 torch==2.14.1 numpy==2.4.6. Tests read golden.json and need none of them but numpy.
"""
import json
import os
import sys
import tempfile

import torch
import transformers

import models

GREEDY = 200


def forward(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def greedy(model, name, ids, n):
    """Without a cache, but for dynamic ropes, which turn what is in the cache once and not again."""
    out, cache, margin = [], None, 9.0
    ids = list(ids)
    for _ in range(n):
        with torch.no_grad():
            if name == "llama-dynamic":
                got = model(input_ids=torch.tensor([ids if cache is None else ids[-1:]]), past_key_values=cache, use_cache=True)
                cache, last = got.past_key_values, got.logits[0, -1]
            else:
                last = forward(model, ids)[-1]
        top = torch.topk(last, 2)
        margin = min(margin, float(top.values[0] - top.values[1]))
        ids.append(int(top.indices[0]))
        out.append(ids[-1])
    return out, margin


def golden_bert(folder, name, ids):
    model = transformers.BertModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        x = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    mean = x.mean(0)
    results = {"mean": mean, "normalised": mean / mean.norm(), "cls": x[0]}
    return {k: [round(float(v), 6) for v in r] for k, r in results.items()}


def golden(root, name):
    c, n, _ = models.MODELS[name]
    ids = models.ids_of(name)
    models.write_model(root, name)
    folder = os.path.join(root, name)
    if c["model_type"] == "bert":
        return golden_bert(folder, name, ids)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    logits = forward(model, ids)
    at = [0, n // 2, n - 1]
    start = ids if n < 200 else ids[:100]
    room = (c.get("n_positions") or 512) - len(start)
    tokens, margin = greedy(model, name, start, min(GREEDY, room))
    print(f"{name}: logits of {float(logits.std()):.2f}, margin {margin:.5f}, {len(set(tokens))} different tokens", file=sys.stderr)
    result = {"logits": {str(i): [round(float(v), 5) for v in logits[i]] for i in at}, "nll": round(nll(logits, ids), 6),
              "greedy_from": len(start), "greedy": tokens}
    return result


def nll(logits, ids):
    """Mean of the negative logarithms of what each token but the first was given."""
    return float(torch.nn.functional.cross_entropy(logits[:-1].double(), torch.tensor(ids[1:])))


def main():
    with tempfile.TemporaryDirectory() as root:
        results = {name: golden(root, name) for name in sys.argv[1:] or models.MODELS}
    text = json.dumps({"made_with": f"transformers {transformers.__version__}, torch {torch.__version__}, F32, eager attention",
                       "models": results}, separators=(",", ":"))
    print(text.replace("},\"", "},\n\""))


main()
