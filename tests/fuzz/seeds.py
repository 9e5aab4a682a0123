#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small good inputs for each fuzzer: seeds.py FOLDER"""
import io
import json
import os
import struct
import sys
import zipfile


def safetensors(tensors, metadata=None, end=0):
    header = {"__metadata__": metadata} if metadata else {}
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    return struct.pack("<H", end) + json.dumps(header).encode()


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def gguf(values, tensors, data, version=3):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    for key, kind, raw in values:
        out += text(key) + struct.pack("<I", kind) + raw
    for name, dims, kind, off in tensors:
        out += text(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims) + struct.pack("<IQ", kind, off)
    return out + bytes(-len(out) % 32) + bytes(data)


def zip_file(comment=b"", zip64=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name in ("archive/data.pkl", "archive/data/0"):
            with z.open(name, "w", force_zip64=zip64) as member:
                member.write(b"content of " + name.encode())
        z.comment = comment
    return out.getvalue()


def zip64_end(count):
    """A directory of no entries behind a zip64 end record."""
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, 0, 0)
    locator = struct.pack("<IIQI", 0x07064B50, 0, 0, 1)
    return record + locator + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def seeds():
    array = struct.pack("<IQ", 8, 2) + text("a") + text("bc")
    nested = struct.pack("<IQIQ", 9, 1, 5, 1) + bytes(4)
    kinds = [("u8", 0, b"\1"), ("i16", 3, b"\1\2"), ("f32", 6, bytes(4)), ("yes", 7, b"\1"), ("f64", 12, bytes(8)), ("i64", 11, bytes(8))]
    index = {"metadata": {"total_size": 10}, "weight_map": {f"layers.{n}.w": f"m-{n % 3}.safetensors" for n in range(12)}}
    files = [{"path": "a/b", "size": 7, "digest": "sha256:" + "ab" * 32}, {"path": "c", "size": 0, "digest": "git-sha1:" + "e6" * 20}]
    lock = {"hffs_lock": 1, "repositories": [
        {"repository": "datasets/org/d", "revision": "refs/pr/1", "commit": "cd" * 20, "files": files},
        {"repository": "org/m", "revision": "main", "commit": "ef" * 20, "files": []}]}
    return {
        "safetensors": [
            safetensors([]),
            safetensors([("a", "F32", [2, 3], 24), ("layers.10.b", "BF16", [4], 8), ("c", "I64", [0], 0)], {"format": "pt"}),
            safetensors([("f4", "F4", [2, 2], 2), ("f6", "F6_E2M3", [4], 3), ("x\n\u00fc", "U8", [], 1)]),
        ],
        "gguf": [
            gguf([], [], 0),
            gguf(kinds + [("general.alignment", 4, struct.pack("<I", 64)), ("s", 8, text("value")), ("t", 9, array)], [], 0),
            gguf([("t", 9, array), ("n", 9, nested)], [("blk.0.w", [64, 2], 2, 0), ("blk.1.w", [5], 0, 96)], 96 + 20, 2),
        ],
        "shards": [json.dumps(index).encode(), b'{"weight_map": {}}', b'{"weight_map": {"\\u0061": "x.bin"}}'],
        "zip": [zip_file(), zip_file(b"a comment"), zip_file(zip64=True), zip64_end(0)],
        "pickle": [b"\x80\x04\x95", b"\x93NUMPY\x01\x00\x14\x00{'descr': '|O', 'a':1}", b"storages".ljust(257, b"\0") + b"ustar", zip_file()],
        "lockfile": [json.dumps(lock).encode(), b'{"hffs_lock": 1, "repositories": []}'],
        "parquet": [struct.pack("<QI4s", 1000, 100, b"PAR1"), struct.pack("<QI4s", 20, 8, b"PARE")],
    }


def main():
    for name, inputs in seeds().items():
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        for number, data in enumerate(inputs):
            with open(os.path.join(folder, str(number)), "wb") as out:
                out.write(data)


main()
