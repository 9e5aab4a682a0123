# SPDX-License-Identifier: Apache-2.0
"""Trains small tokenizers in the shapes that models have: make.py FOLDER. Each is FOLDER/<name>/tokenizer.json, some also a .gguf."""
import base64
import io
import json
import os
import struct
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import texts

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LOWER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
UPPER = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = LOWER + SHORT + "|" + UPPER + SHORT + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = LOWER + "|" + UPPER + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK3 = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
             "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
TIKTOKEN = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
MARK = "\u2581"
small = False  # for goldens: vocabularies that fit into a file of the repository


def size(wanted):
    return 330 if small else wanted


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(pre, added=(), post=None, normalizer=None, **options):
    t = Tokenizer(models.BPE(**options))
    t.pre_tokenizer = pre
    if normalizer:
        t.normalizer = normalizer
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(texts.prose(4000), trainers.BpeTrainer(vocab_size=size(3000), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
                                                                 special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    t.add_tokens(list(added))
    if post:
        t.post_processor = post
    return t


def plain_bytes():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def both(*pre):
    return pre_tokenizers.Sequence(list(pre) + [plain_bytes()])


def template(t, before, after=()):
    tokens = list(before) + list(after)
    return processors.TemplateProcessing(single=" ".join(list(before) + ["$A"] + list(after)), pair="$A $B",
                                         special_tokens=[(x, t.token_to_id(x)) for x in dict.fromkeys(tokens)])


def with_post(t, before, after=()):
    t.post_processor = template(t, before, after)
    return t


def sentencepiece_like(normalizer, pre, decoder, **options):
    """BPE over characters with <0x00> to <0xFF>, which training does not make: they are put in behind it."""
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True, **options))
    t.normalizer = normalizer
    if pre:
        t.pre_tokenizer = pre
    t.decoder = decoder
    t.train_from_iterator(texts.prose(3000), trainers.BpeTrainer(vocab_size=size(3000), limit_alphabet=100 if small else 300, show_progress=False, max_token_length=16,
                                                                 special_tokens=["<unk>", "<s>", "</s>"]))
    j = json.loads(t.to_str())
    vocab = j["model"]["vocab"]
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    return Tokenizer.from_str(json.dumps(j))


def spm_model(kind, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(x.replace("\n", " ") for x in texts.prose(3000)), model_writer=out, model_type=kind, vocab_size=2500, hard_vocab_limit=kind == "bpe",
                                             minloglevel=2, num_threads=1, **options)
    return out.getvalue()


def proto_fields(data):
    """(number, bytes) of the fields of a protobuf message that have a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            size, at = varint(data, at)
            yield key >> 3, data[at:at + size]
            at += size
        else:
            at = varint(data, at)[1] if key & 7 == 0 else at + (4 if key & 7 == 5 else 8)


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def charsmap(model):
    spec = next(v for k, v in proto_fields(model) if k == 3)
    return next(v for k, v in proto_fields(spec) if k == 2)


def unigram(normalizer, pre, decoder, byte_fallback=False, single=False):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoder
    t.train_from_iterator(texts.prose(30 if small else 2000), trainers.UnigramTrainer(vocab_size=900 if small else 2000, unk_token="<unk>", special_tokens=["<pad>", "</s>", "<unk>"], show_progress=False,
                                                                     max_piece_length=12))
    if byte_fallback:
        j = json.loads(t.to_str())
        j["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
        j["model"]["byte_fallback"] = True
        t = Tokenizer.from_str(json.dumps(j))
    if single:  # scores that a float holds too, for GGUF
        j = json.loads(t.to_str())
        j["model"]["vocab"] = [[piece, round(score * 1024) / 1024] for piece, score in j["model"]["vocab"]]
        t = Tokenizer.from_str(json.dumps(j))
    else:
        t.add_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    return with_post(t, [], ["</s>"])


def bert(**options):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**options)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(texts.prose(3000), trainers.WordPieceTrainer(vocab_size=size(3000), limit_alphabet=100 if small else 1000, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    return t


def wordlevel(pre):
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.pre_tokenizer = pre
    t.train_from_iterator(texts.prose(1000), trainers.WordLevelTrainer(vocab_size=size(1500), special_tokens=["[UNK]"], show_progress=False))
    return t


def char_bpe(pre, decoder, **options):
    t = Tokenizer(models.BPE(unk_token="<unk>", **options))
    t.pre_tokenizer = pre
    t.decoder = decoder
    trainer = {k: v for k, v in options.items() if k in ("continuing_subword_prefix", "end_of_word_suffix")}
    t.train_from_iterator(texts.prose(2000), trainers.BpeTrainer(vocab_size=size(2000), limit_alphabet=100 if small else 200, special_tokens=["<unk>"], show_progress=False, **trainer))
    return t


def left_out():
    """Leaves out what it does not know; its added tokens look otherwise once normalized, or are blanks that take blanks."""
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    t.decoder = decoders.Metaspace()
    t.train_from_iterator(texts.prose(2000), trainers.BpeTrainer(vocab_size=size(2000), limit_alphabet=60, show_progress=False))
    t.add_tokens([AddedToken("Tool"), AddedToken("   ", lstrip=True, rstrip=True, normalized=True),
                  AddedToken("\n\n", rstrip=True), AddedToken("Yesterday", special=True, normalized=True)])
    return t


def shapes():
    S, N, D = pre_tokenizers, normalizers, decoders
    llama_decoder = D.Sequence([D.Replace(MARK, " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    llama_normalizer = N.Sequence([N.Prepend(MARK), N.Replace(" ", MARK)])
    added = [AddedToken("<mask>", lstrip=True, special=True), AddedToken("tool", single_word=True), AddedToken("<extra>", rstrip=True), AddedToken("Yesterday", normalized=True),
             AddedToken("<|im", normalized=False)]
    yield "gpt2", byte_level(S.ByteLevel(add_prefix_space=False))
    t = byte_level(S.ByteLevel(add_prefix_space=True), added=added)
    t.add_special_tokens(["<s>", "</s>"])
    t.post_processor = processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")))
    yield "roberta", t
    yield "llama3", with_post(byte_level(both(split(LLAMA3)), ignore_merges=True), ["<|endoftext|>"])
    yield "qwen2", byte_level(both(split(QWEN2)), normalizer=N.NFC(), added=added)
    yield "qwen35", byte_level(both(split(QWEN35)), normalizer=N.NFC())
    yield "o200k", byte_level(both(split(O200K, "removed", True)))
    yield "tekken", byte_level(both(split(TEKKEN)), ignore_merges=True)
    yield "tiktoken", byte_level(both(split(TIKTOKEN)))
    yield "bloom", byte_level(both(split(BLOOM)))
    yield "deepseek3", byte_level(both(split(r"\p{N}{1,3}"), split("[一-龥\u3040-ゟ゠-ヿ]+"), split(DEEPSEEK3)))
    yield "deepseek1", byte_level(both(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), S.Digits(True)))
    yield "falcon", byte_level(S.Sequence([S.Punctuation("contiguous"), S.ByteLevel(add_prefix_space=False), S.Digits(False), split("[0-9][0-9][0-9]")]))
    yield "smollm", byte_level(S.Sequence([S.Digits(True), S.ByteLevel(add_prefix_space=False)]))
    clip = byte_level(both(split(CLIP, "removed", True)), normalizer=N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]), end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    yield "clip", clip
    yield "forms", byte_level(S.ByteLevel(add_prefix_space=False), normalizer=N.Sequence([N.NFKC(), N.Strip(), N.Nmt()]), added=added)
    yield "bytes", byte_level(S.WhitespaceSplit(), normalizer=N.Sequence([N.NFD(), N.ByteLevel()]))
    yield "llama2", with_post(sentencepiece_like(llama_normalizer, None, llama_decoder), ["<s>"])
    yield "mistral", with_post(sentencepiece_like(N.NFC(), S.Metaspace(MARK, "first", False), llama_decoder), ["<s>"])
    gemma = sentencepiece_like(N.Replace(" ", MARK), S.Split(" ", "merged_with_previous"), D.Sequence([D.Replace(MARK, " "), D.ByteFallback(), D.Fuse()]))
    gemma.add_tokens([AddedToken(x, normalized=False) for x in ("\n\n", "\n\n\n", "\t\t", MARK * 2, MARK * 3)])
    yield "gemma", with_post(gemma, ["<s>"])
    map_ = charsmap(spm_model("unigram"))
    yield "t5", unigram(N.Precompiled(map_), S.Sequence([S.WhitespaceSplit(), S.Metaspace()]), D.Metaspace(), single=True)
    yield "xlmr", unigram(N.Sequence([N.Precompiled(map_), N.Replace(Regex(" {2,}"), " ")]), S.Metaspace(), D.Metaspace())
    yield "albert", unigram(N.Sequence([N.Replace("``", '"'), N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(), N.Precompiled(map_)]), S.Metaspace(), D.Metaspace())
    yield "unigram-bytes", unigram(N.Replace(Regex(" {2,}"), MARK), S.Metaspace(prepend_scheme="first"), D.Sequence([D.ByteFallback(), D.Metaspace()]), True)
    t = bert(lowercase=True)
    t.post_processor = processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))
    yield "bert", t
    yield "bert-cased", with_post(bert(lowercase=False), ["[CLS]"], ["[SEP]", "[PAD]"])
    yield "bert-kept", bert(lowercase=True, strip_accents=False, handle_chinese_chars=False, clean_text=False)
    yield "words", wordlevel(S.Whitespace())
    yield "words-split", wordlevel(S.Sequence([S.CharDelimiterSplit("a"), S.Punctuation("merged_with_next"), S.Digits(True), S.WhitespaceSplit()]))
    yield "suffix", char_bpe(S.Whitespace(), D.BPEDecoder("</w>"), end_of_word_suffix="</w>")
    yield "prefix", char_bpe(S.BertPreTokenizer(), D.WordPiece("##", False), continuing_subword_prefix="##", fuse_unk=True)
    yield "left-out", left_out()
    yield "unknown", char_bpe(S.Punctuation("removed"), D.Fuse(), fuse_unk=False)
    yield "merged", char_bpe(S.Sequence([S.Split("e", "merged_with_previous"), S.Split(Regex(r"\s"), "contiguous"), S.Split("a", "merged_with_next", True)]), D.Metaspace())


# --- GGUF ---

def text(s):
    s = s.encode() if isinstance(s, str) else s
    return struct.pack("<Q", len(s)) + s


def value(v):
    if isinstance(v, bool):
        return struct.pack("<I?", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + text(v)
    if isinstance(v, bytes):
        return struct.pack("<IIQ", 9, 0, len(v)) + v
    if isinstance(v[0], str):
        return struct.pack("<IIQ", 9, 8, len(v)) + b"".join(map(text, v))
    if isinstance(v[0], float):
        return struct.pack(f"<IIQ{len(v)}f", 9, 6, len(v), *v)
    return struct.pack(f"<IIQ{len(v)}i", 9, 5, len(v), *v)


def write_gguf(path, values):
    with open(path, "wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)))
        for key, v in values.items():
            out.write(text("tokenizer." + key) + value(v))


def gguf_of_bpe(path, t, pre, **more):
    j = json.loads(t.to_str())
    tokens = [t.id_to_token(i) for i in range(t.get_vocab_size())]
    special = {a["content"]: 3 if a["special"] else 4 for a in j["added_tokens"]}
    write_gguf(path, {"ggml.model": "gpt2", "ggml.pre": pre, "ggml.tokens": tokens, "ggml.token_type": [special.get(x, 1) for x in tokens],
                      "ggml.merges": [x if isinstance(x, str) else " ".join(x) for x in j["model"]["merges"]], **more})


def gguf_of_bert(path, t):
    tokens = [t.id_to_token(i) for i in range(t.get_vocab_size())]
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    write_gguf(path, {"ggml.model": "bert", "ggml.tokens": [x if x in special else x[2:] if x.startswith("##") else MARK + x for x in tokens],
                      "ggml.token_type": [3 if x in special else 1 for x in tokens], "ggml.unknown_token_id": t.token_to_id("[UNK]"), "ggml.cls_token_id": t.token_to_id("[CLS]"),
                      "ggml.seperator_token_id": t.token_to_id("[SEP]")})


def gguf_of_unigram(path, t):
    j = json.loads(t.to_str())
    write_gguf(path, {"ggml.model": "t5", "ggml.tokens": [x for x, _ in j["model"]["vocab"]], "ggml.scores": [float(s) for _, s in j["model"]["vocab"]],
                      "ggml.token_type": [{"<pad>": 3, "</s>": 3, "<unk>": 2}.get(x, 1) for x, _ in j["model"]["vocab"]],
                      "ggml.unknown_token_id": j["model"]["unk_id"], "ggml.eos_token_id": t.token_to_id("</s>"),
                      "ggml.precompiled_charsmap": base64.b64decode(j["normalizer"]["precompiled_charsmap"])})


def gguf_of_sentencepiece(path, model):
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = range(sp.get_piece_size())
    kind = [6 if sp.is_byte(i) else 2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 1 for i in ids]
    write_gguf(path, {"ggml.model": "llama", "ggml.tokens": [sp.id_to_piece(i) for i in ids], "ggml.scores": [float(sp.get_score(i)) for i in ids], "ggml.token_type": kind,
                      "ggml.bos_token_id": sp.bos_id(), "ggml.eos_token_id": sp.eos_id(), "ggml.unknown_token_id": sp.unk_id()})


def main():
    for name, t in shapes():
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        t.save(os.path.join(folder, "tokenizer.json"))
        pre = {"gpt2": "gpt-2", "llama3": "llama-bpe", "qwen2": "qwen2", "o200k": "gpt-4o", "deepseek3": "deepseek-v3", "smollm": "smollm"}.get(name)
        if pre and name != "qwen2":  # its added tokens say what GGUF cannot, and it has a normalizer
            gguf_of_bpe(os.path.join(folder, "model.gguf"), t, pre, **{"ggml.bos_token_id": t.token_to_id("<|endoftext|>")})
        if name == "bert":
            gguf_of_bert(os.path.join(folder, "model.gguf"), t)
        if name == "t5":
            gguf_of_unigram(os.path.join(folder, "model.gguf"), t)
    folder = os.path.join(sys.argv[1], "sentencepiece")
    os.makedirs(folder, exist_ok=True)
    model = spm_model("bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.98)
    with open(os.path.join(folder, "model.spm"), "wb") as out:
        out.write(model)
    gguf_of_sentencepiece(os.path.join(folder, "model.gguf"), model)


if __name__ == "__main__":
    main()
