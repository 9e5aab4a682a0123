# SPDX-License-Identifier: Apache-2.0
"""The files that are served and read. Each exists twice, from the same seed: where the server has it, and as a plain local file."""
import dataclasses
import hashlib
import json
import os
import random
import struct
import subprocess

MIB = 1 << 20
GIB = 1 << 30


@dataclasses.dataclass
class File:
    path: str  # inside its repository
    size: int
    seed: int
    header: bytes = b""
    extents: tuple = ()  # (off, len) of what is there; none: everything
    tensors: tuple = ()  # (name, off, len)
    pieces: tuple = ()  # (off, bytes) behind the header

    @property
    def packed(self):
        """Header and pieces as content.h wants them."""
        placed = (((0, self.header),) if self.header else ()) + self.pieces
        return b"".join(struct.pack("<QQ", off, len(data)) + data for off, data in placed)


@dataclasses.dataclass
class Repo:
    name: str  # without the organisation, which is "bench"
    files: list

    @property
    def size(self):
        return sum(f.size for f in self.files)


def tensor_header(sizes, length=None):
    """
    A safetensors header for tensors of these (name, bytes), in file order, padded to `length` in all, and the (name, off, len) of
    each.
    """
    table, off = {}, 0
    for name, size in sizes:
        table[name] = {"dtype": "U8", "shape": [size], "data_offsets": [off, off + size]}
        off += size
    text = json.dumps(table, separators=(",", ":")).encode()
    text = text.ljust(length - 8 if length else -(-len(text) // 8) * 8)
    if length and len(text) + 8 != length:
        raise SystemExit(f"a table of {len(table)} tensors does not fit into {length} bytes")
    header = struct.pack("<Q", len(text)) + text
    return header, tuple((name, len(header) + t["data_offsets"][0], t["shape"][0]) for name, t in table.items())


def gguf_header(tensors, size):
    """A GGUF 3 header for tensors (name, off, len) of a file of `size` bytes; their data begin at the first of those offsets."""
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()
    first = tensors[0][1]
    infos = b"".join(text(n) + struct.pack("<IQIQ", 1, length, 24, off - first) for n, off, length in tensors)  # 24: 8 bit integers
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + text("bench.padding") + struct.pack("<I", 8)
    padding = first - len(head) - len(infos) - 8
    if padding < 0 or first > size:
        raise SystemExit(f"a table of {len(tensors)} tensors does not fit into {first} bytes")
    return head + text(" " * padding) + infos


def zip_pieces(members, size):
    """
    What makes a file of `size` bytes a ZIP file of members (name, off), each of which reaches to the next one, the last one to the
    directory: their local headers, and the directory.
    """
    first = size - 22 - sum(46 + len(name) for name, _ in members)
    pieces, directory = [], b""
    for (name, off), end in zip(members, [off for _, off in members[1:]] + [first]):
        length = end - off - 30 - len(name)
        both = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, length, length, len(name), 0)
        pieces.append((off, b"PK\3\4" + both + name.encode()))
        directory += b"PK\1\2\24\0" + both + struct.pack("<HHHII", 0, 0, 0, 0, off) + name.encode()
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(members), len(members), len(directory), first, 0)
    return (*pieces, (first, directory + end))


def llama_sizes(total):
    """(name, bytes) as a small Llama has them, in the order of its layers, which is not that of the names; about `total` bytes."""
    hidden, vocabulary = (2048, 32768) if total >= GIB else (512, 16384) if total >= 100 * MIB else (128, 4096)
    kv, inner = hidden // 4, hidden * 4
    layer = [("input_layernorm", hidden), ("self_attn.q_proj", hidden * hidden), ("self_attn.k_proj", kv * hidden),
             ("self_attn.v_proj", kv * hidden), ("self_attn.o_proj", hidden * hidden), ("post_attention_layernorm", hidden),
             ("mlp.gate_proj", inner * hidden), ("mlp.up_proj", inner * hidden), ("mlp.down_proj", inner * hidden)]
    sizes = [("model.embed_tokens.weight", 2 * vocabulary * hidden)]
    left = total - sizes[0][1]
    for i in range(1000):
        if left < 2 * sum(n for _, n in layer):
            break
        sizes += [(f"model.layers.{i}.{name}.weight", 2 * n) for name, n in layer]
        left -= 2 * sum(n for _, n in layer)
    return sizes + [("model.norm.weight", 2 * hidden), ("lm_head.weight", max(left - 2 * hidden, 4096))]


def model_file(path, total, seed):
    header, tensors = tensor_header(llama_sizes(total - 32768))
    return File(path, tensors[-1][1] + tensors[-1][2], seed, header, tensors=tensors)


def model(size):
    return Repo("model", [model_file("model.safetensors", size, 1)])


def shards(size):
    return Repo("shards", [model_file(f"model-{i + 1:05}-of-00016.safetensors", max(size // 16, 4 * MIB), 100 + i) for i in range(16)])


def many(folders, each):
    return Repo("many", [File(f"part-{i:03}/file-{k:03}.txt", 60 + k, 10000 + i * each + k)
                         for i in range(folders) for k in range(each)])


def sparse(number, size):
    """Large files of which little is there: the first one its beginning, each eight places."""
    dice, files = random.Random(3), []
    for i in range(number):
        places = sorted(dice.sample(range(1, size // (32 * MIB)), 8))
        extents = tuple((p * 32 * MIB, MIB) for p in places)
        files.append(File(f"part-{i:05}.bin", size, 5000 + i, extents=(((0, 112 * MIB),) if i == 0 else ()) + extents))
    return Repo("sparse", files)


class Store:
    """Makes repositories below one folder, once: what is there already is kept, if it is the same."""

    def __init__(self, reader, top):
        self.reader, self.top = reader, top
        self.hub = os.path.join(top, "hub")

    def source(self, repo, file):
        if file.extents:
            return os.path.join(self.hub, "bench", repo.name, ".git/lfs/objects", *self.pointer_parts(file))
        return os.path.join(self.hub, "bench", repo.name, file.path)

    def local(self, repo, file):
        return os.path.join(self.top, "local", repo.name, file.path)

    def pieces(self, repo, file):
        """The path of the file of pieces."""
        if not file.packed:
            return "-"
        return os.path.join(self.top, "pieces", repo.name, file.path)

    def ensure(self, repo):
        stamp = os.path.join(self.top, "made", repo.name)
        digest = hashlib.sha256(repr(repo).encode()).hexdigest()
        if os.path.exists(stamp) and read_text(stamp) == digest:
            return
        for file in repo.files:
            if file.packed:
                write(self.pieces(repo, file), file.packed)
            self.make(repo, file, self.source(repo, file))
            if not file.extents:
                self.make(repo, file, self.local(repo, file))
        if any(f.extents for f in repo.files):
            self.commit_pointers(repo)
        write(stamp, digest.encode())

    def make(self, repo, file, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        extents = [str(n) for extent in file.extents for n in extent]
        subprocess.run([self.reader, "make", path, str(file.size), str(file.seed), self.pieces(repo, file), *extents], check=True)

    # Hashing a terabyte of holes would take an hour. A git repository has the digests of its large files in pointers, and the server
    # believes them; these are invented, which nobody notices before such a file has been read to its end.

    @staticmethod
    def pointer_parts(file):
        oid = hashlib.sha256(f"{file.path} {file.seed}".encode()).hexdigest()
        return oid[:2], oid[2:4], oid

    def commit_pointers(self, repo):
        folder = os.path.join(self.hub, "bench", repo.name)
        for file in repo.files:
            oid = self.pointer_parts(file)[2]
            write(os.path.join(folder, file.path),
                  f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {file.size}\n".encode())
        git = ["git", "-C", folder, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.hooksPath=/dev/null"]
        for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "--allow-empty", "-m", "files"]):
            subprocess.run([*git, *arguments], check=True)


def read_text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
