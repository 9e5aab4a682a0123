# SPDX-License-Identifier: Apache-2.0
"""Tokens and texts of `hffs tokenize` and `hffs detokenize` against those of the package `tokenizers`: compare.py HFFS FOLDER LINES"""
import json
import multiprocessing
import os
import struct
import subprocess
import sys
import tempfile

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

import texts

os.environ["TOKENIZERS_PARALLELISM"] = "false"
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


def compare(name, model, t, lines):
    theirs = [e.ids for e in t.encode_batch(lines)]
    verdict(f"{name}/encode", first_difference(lines, ask("tokenize", model, lines), theirs))
    some = lines[:500]
    verdict(f"{name}/encode-no-special", first_difference(some, ask("tokenize", model, some, "--no-special"), [e.ids for e in t.encode_batch(some, add_special_tokens=False)]))
    t.encode_special_tokens = True
    verdict(f"{name}/encode-plain", first_difference(some, ask("tokenize", model, some, "--plain"), [e.ids for e in t.encode_batch(some)]))
    t.encode_special_tokens = False
    theirs = [ids for ids in theirs if ids]  # no text at all makes the reference's BPEDecoder panic
    verdict(f"{name}/decode", first_difference(theirs, ask("detokenize", model, theirs), t.decode_batch(theirs, skip_special_tokens=False)))
    some = [sorted(ids, key=lambda x: x * 7919 % 1000003) for ids in theirs[:500]]  # in an order that no text has
    verdict(f"{name}/decode-any-order", first_difference(some, ask("detokenize", model, some, "--no-special"), t.decode_batch(some, skip_special_tokens=True)))


def reference_of_gguf(path):
    """A `tokenizers` tokenizer made from the vocabulary of a GGUF file of SmolLM2."""
    values = gguf_values(path)
    tokens = values["tokenizer.ggml.tokens"]
    t = Tokenizer(models.BPE(vocab={x: i for i, x in enumerate(tokens)}, merges=[tuple(x.split(" ")) for x in values["tokenizer.ggml.merges"]]))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(x, special=True, normalized=False) for x, kind in zip(tokens, values["tokenizer.ggml.token_type"]) if kind == 3])
    return t


def gguf_values(path):
    numbers = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    with open(path, "rb") as f:
        def read(code):
            return struct.unpack("<" + code, f.read(struct.calcsize("<" + code)))[0]

        def value(kind):
            if kind == 8:
                return f.read(read("Q")).decode()
            if kind == 9:
                item, count = read("I"), read("Q")
                return [value(item) for _ in range(count)]
            return read(numbers[kind])

        f.read(16)
        return {f.read(read("Q")).decode(): value(read("I")) for _ in range(read("Q"))}


def one(name):
    path, lines = os.path.join(folder, name), texts.lines(nr)
    gguf = os.path.join(path, "model.gguf")
    if os.path.exists(os.path.join(path, "tokenizer.json")):
        t = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
        t.no_padding()
        t.no_truncation()
        compare(name, path, t, lines)
        if os.path.exists(gguf):
            compare(name + ".gguf", gguf, t, lines)
    elif os.path.exists(os.path.join(path, "model.spm")):
        compare_sentencepiece(gguf, os.path.join(path, "model.spm"), lines)
    else:
        compare(name + ".gguf", gguf, reference_of_gguf(gguf), lines)
    return failed


def compare_sentencepiece(gguf, model, lines):
    import sentencepiece

    sp = sentencepiece.SentencePieceProcessor(model_file=model)
    # This library ends a text at a NUL byte, and does not look for special tokens in it.
    lines = [x for x in lines if x and "\0" not in x and not any(s in x for s in ("<s>", "</s>", "<unk>"))]
    theirs = [[sp.bos_id()] + sp.encode(x) for x in lines]
    verdict("sentencepiece.gguf/encode", first_difference(lines, ask("tokenize", gguf, lines), theirs))
    verdict("sentencepiece.gguf/decode", first_difference(theirs, ask("detokenize", gguf, theirs, "--no-special"), [sp.decode(x[1:]) for x in theirs]))


def main():
    with multiprocessing.Pool(os.cpu_count()) as pool:
        sys.exit(any(pool.map(one, sorted(os.listdir(folder)), chunksize=1)))


if __name__ == "__main__":
    main()
