# SPDX-License-Identifier: Apache-2.0
"""Tokens and texts of `hffs tokenize` and `hffs detokenize` against those of the package `tokenizers`: compare.py HFFS FOLDER LINES"""
import json
import os
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

import texts

hffs, folder, nr = sys.argv[1], sys.argv[2], int(sys.argv[3])
failed = False


def verdict(name, wrong):
    global failed
    failed |= bool(wrong)
    print(f"FAIL {name}: {wrong}" if wrong else f"PASS {name}", flush=True)


def ask(verb, model, rows, *options):
    with tempfile.TemporaryFile("w+") as given:
        given.writelines(json.dumps(row, ensure_ascii=row.__class__ is str and len(row) % 2 == 0) + "\n" for row in rows)
        given.seek(0)
        out = subprocess.run([hffs, verb, "--json-lines", *options, model], stdin=given, stdout=subprocess.PIPE, check=True, timeout=120)
    return [json.loads(row) for row in out.stdout.splitlines()]


def first_difference(inputs, ours, theirs):
    if len(ours) != len(theirs):
        return f"{len(ours)} answers, not {len(theirs)}"
    wrong = [i for i in range(len(ours)) if ours[i] != theirs[i]]
    if not wrong:
        return ""
    i = min(wrong, key=lambda i: len(inputs[i]))
    at = next((k for k in range(min(len(ours[i]), len(theirs[i]))) if ours[i][k] != theirs[i][k]), min(len(ours[i]), len(theirs[i])))
    return f"{len(wrong)} of {len(ours)} differ; {str(inputs[i])[:300]!r}: at {at} {ours[i][max(0, at - 3):at + 8]!r}, not {theirs[i][max(0, at - 3):at + 8]!r}"


def compare(name, model, t, lines, encode=True):
    theirs = [e.ids for e in t.encode_batch(lines)]
    if encode:
        verdict(f"{name}/encode", first_difference(lines, ask("tokenize", model, lines), theirs))
        some = lines[:1000]
        verdict(f"{name}/encode-no-special", first_difference(some, ask("tokenize", model, some, "--no-special"), [e.ids for e in t.encode_batch(some, add_special_tokens=False)]))
        t.encode_special_tokens = True
        verdict(f"{name}/encode-plain", first_difference(some, ask("tokenize", model, some, "--plain"), [e.ids for e in t.encode_batch(some)]))
        t.encode_special_tokens = False
    theirs = [ids for ids in theirs if ids]  # no text at all makes the reference's BPEDecoder panic
    verdict(f"{name}/decode", first_difference(theirs, ask("detokenize", model, theirs), t.decode_batch(theirs, skip_special_tokens=False)))
    some = [sorted(ids, key=lambda x: x * 7919 % 1000003) for ids in theirs[:1500]]  # in an order that no text has
    verdict(f"{name}/decode-any-order", first_difference(some, ask("detokenize", model, some, "--no-special"), t.decode_batch(some, skip_special_tokens=True)))


def main():
    lines = texts.lines(nr)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(path, "tokenizer.json")):
            t = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
            t.no_padding()
            t.no_truncation()
            compare(name, path, t, lines)
            gguf = os.path.join(path, "model.gguf")
            if os.path.exists(gguf):
                compare(name + ".gguf", gguf, t, lines)
    spm = os.path.join(folder, "sentencepiece")
    if os.path.exists(spm):
        compare_sentencepiece(os.path.join(spm, "model.gguf"), os.path.join(spm, "model.spm"), lines)
    sys.exit(failed)


def compare_sentencepiece(gguf, model, lines):
    import sentencepiece

    sp = sentencepiece.SentencePieceProcessor(model_file=model)
    # U+2581 written in a text, and control characters that this library ends or drops texts at, are its own matter.
    lines = [x for x in lines if x and "\0" not in x and not any(s in x for s in ("<s>", "</s>", "<unk>"))]
    theirs = [[sp.bos_id()] + sp.encode(x) for x in lines]
    verdict("sentencepiece.gguf/encode", first_difference(lines, ask("tokenize", gguf, lines), theirs))


main()
