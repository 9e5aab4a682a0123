# SPDX-License-Identifier: Apache-2.0
"""Small tokenizers and texts."""
import base64
import json
import struct

MARK = "\u2581"


def added(*tokens):
    return [{"id": 90 + i, "content": t, "single_word": i == 1, "lstrip": i == 2, "rstrip": i == 2, "normalized": i % 2 == 1, "special": i == 0} for i, t in enumerate(tokens)]


def vocab(tokens):
    return {t: i for i, t in enumerate(tokens)}


def charsmap():
    """A rule: 'A' to 'a'. The root's children begin at unit 1; a leaf has its value beside it."""
    units = [1 << 10] + [0] * 127
    at = 1 ^ ord("A")
    units[at] = (2 ^ at ^ 0) << 10 | 1 << 8 | ord("A")
    units[at ^ (units[at] >> 10)] = 1 << 31
    return base64.b64encode(struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + b"a\0").decode()


LETTERS = ["<s>", "</s>", "<unk>"] + [chr(c) for c in range(33, 127)] + ["\u0120", "\u010a", MARK]
GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"


def bpe(extra=(), merges=(), **options):
    return {"type": "BPE", "unk_token": "<unk>", **options, "vocab": vocab(LETTERS + list(extra)), "merges": list(merges)}


def tokenizers():
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    yield {"version": "1.0", "truncation": {"max_length": 8, "direction": "Left", "strategy": "LongestFirst", "stride": 0}, "added_tokens": added("<s>", "tool", "<mask>", "Ab"),
           "normalizer": {"type": "NFC"}, "pre_tokenizer": byte_level, "decoder": byte_level,
           "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": True},
           "model": bpe(["ab", "aa", "aaaa"], ["a b", "a a", "aa aa"])}
    yield {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]},
           "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                                                        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
           "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                              "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
           "model": bpe([MARK + "a"] + [f"<0x{b:02X}>" for b in range(256)], [[MARK, "a"]], byte_fallback=True, fuse_unk=True, ignore_merges=True)}
    yield {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": charsmap()}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                                                              {"type": "Lowercase"}, {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Nmt"}, {"type": "Strip", "strip_left": True}]},
           "pre_tokenizer": {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "first", "split": True}, "decoder": {"type": "Metaspace", "replacement": MARK},
           "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": [["<unk>", 0.0], [MARK, -2.5], ["a", -3e0], ["aa", -1.5], [MARK + "hello", -4.25], ["1", -1]]}}
    yield {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
           "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
           "post_processor": {"type": "BertProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0]},
           "model": {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 20, "vocab": vocab(LETTERS + ["##a", "hello", "##b"])}}
    yield {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "MergedWithPrevious", "invert": True},
                                                                   {"type": "Digits", "individual_digits": False}, {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "WhitespaceSplit"},
                                                                   {"type": "CharDelimiterSplit", "delimiter": "l"}, {"type": "Whitespace"}]},
           "decoder": {"type": "BPEDecoder", "suffix": "</w>"}, "model": bpe(["a</w>", "a##a</w>", "##b", "ab"], [["a", "##b"]], continuing_subword_prefix="##", end_of_word_suffix="</w>")}
    yield {"model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": vocab(["<unk>", "hello"])}}


def text(s):
    s = s.encode()
    return struct.pack("<Q", len(s)) + s


def vocabularies(gguf):
    def strings(key, items):
        return "tokenizer.ggml." + key, 9, struct.pack("<IQ", 8, len(items)) + b"".join(map(text, items))

    def numbers(key, kind, code, items):
        return "tokenizer.ggml." + key, 9, struct.pack(f"<IQ{len(items)}{code}", kind, len(items), *items)

    def word(key, value):
        return "tokenizer." + key, 8, text(value)

    yield gguf([word("ggml.model", "gpt2"), word("ggml.pre", "qwen2"), strings("tokens", LETTERS + ["ab"]), strings("merges", ["a b"]), numbers("token_type", 5, "i", [3, 3, 2] + [1] * 98),
                word("chat_template", "{{ x }}"), ("tokenizer.ggml.bos_token_id", 4, struct.pack("<I", 0)), ("tokenizer.ggml.add_bos_token", 7, b"\1")], [], 0)
    pieces = ["<unk>", "<s>"] + [f"<0x{b:02X}>" for b in range(16)] + [MARK, "a", "b", "ab", MARK + "ab"]
    yield gguf([word("ggml.model", "llama"), strings("tokens", pieces), numbers("scores", 6, "f", [-float(i) for i in range(len(pieces))]),
                numbers("token_type", 5, "i", [2, 3] + [6] * 16 + [1] * 5), ("tokenizer.ggml.unknown_token_id", 4, struct.pack("<I", 0))], [], 0)
    yield gguf([word("ggml.model", "bert"), strings("tokens", ["[UNK]", "[CLS]", "[SEP]", MARK + "a", "a", MARK + "hello"]), numbers("token_type", 5, "i", [3, 3, 3, 1, 1, 1]),
                ("tokenizer.ggml.cls_token_id", 4, struct.pack("<I", 1)), ("tokenizer.ggml.seperator_token_id", 4, struct.pack("<I", 2))], [], 0)
    yield gguf([word("ggml.model", "t5"), strings("tokens", ["<unk>", MARK, "a", MARK + "a"]), numbers("scores", 6, "f", [0, -1, -2, -1.5]),
                numbers("precompiled_charsmap", 0, "B", base64.b64decode(charsmap())), ("tokenizer.ggml.unknown_token_id", 4, struct.pack("<I", 0))], [], 0)


def seeds(gguf):
    texts = ["aaaa abab bcd eee", "<s> ab c  dd dd1", "it's 12345\r\n\t x", "\u00e9e\u0301 \u4e2d\u6587 \U0001f468\u200d\U0001f469", "a" * 70 + "b" * 40]
    return {
        "tokenizer": [json.dumps(t).encode() for t in tokenizers()],
        "vocabulary": list(vocabularies(gguf)),
        "encode": [bytes([kind]) + t.encode() for t in texts for kind in range(5)] + [b"\0\xff\xc3 a\xe2\x82"],
    }
