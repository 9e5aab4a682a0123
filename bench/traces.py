# SPDX-License-Identifier: Apache-2.0
"""
Recorded loaders: which READs a filesystem was asked while a program loaded a model. A trace (gzip, one JSON object) has "files":
[{"path", "size", "tensors"?}] and "reads": [[microseconds, file, offset, length, thread], ...] in the order they came.
"""
import gzip
import hashlib
import json
import os
import pathlib

import content


class Trace:
    def __init__(self, path):
        self.name = os.path.basename(path).removesuffix(".json.gz")
        with gzip.open(path) as f:
            d = json.load(f)
        if d.get("format") != "hffs-trace" or d.get("version") != 1:
            raise SystemExit(f"{path} is no trace that this program knows")
        read = sorted({r[1] for r in d["reads"] if d["files"][r[1]]["size"]})
        self.place = {old: new for new, old in enumerate(read)}
        self.files = [d["files"][i] for i in read]
        self.reads = [r for r in d["reads"] if r[1] in self.place]
        # So many READs of a thread are on their way at once: the kernel's readahead is one ahead, or with 16 MiB many.
        self.lanes = 2 if d["read_ahead_kb"] <= 1024 else 32

    def repo(self):
        """Traces of the same files share a repository."""
        key = hashlib.sha256(json.dumps(self.files).encode()).hexdigest()
        files = [make_file(f, int(key[:8], 16) + i, self.walked(i)) for i, f in enumerate(self.files)]
        return content.Repo("trace-" + key[:10], files)

    def walked(self, file):
        """Where the reads of 8 KiB are that the reader of a ZIP file makes, one for each local header, before it reads on."""
        last, found = 0, []
        for _, f, off, length, _ in self.reads:
            if self.place[f] == file and length == 8192 and last < off <= self.files[file]["size"] - (1 << 20):
                found.append(off)
                last = off
        return found

    def jobs(self):
        """Lines for the reader, a stream a thread; the last READ of a file may have asked for more than there is."""
        threads, jobs = {}, []
        for _, file, off, length, thread in self.reads:
            length = min(length, self.files[self.place[file]]["size"] - off)
            if length > 0:
                jobs.append((self.place[file], off, length, threads.setdefault(thread, len(threads))))
        return jobs


def make_file(f, seed, walked):
    """Random bytes behind a header of the kind the name promises, with the tensors of the trace at their places."""
    tensors = tuple(tuple(t) for t in f.get("tensors", ()))
    path, size = f["path"], f["size"]
    if path.endswith(".bin") and len(walked) > 1:
        members = [(f"archive/data/{i}", off) for i, off in enumerate((0, *walked))]
        return content.File(path, size, seed, pieces=content.zip_pieces(members, size))
    if not tensors:
        return content.File(path, size, seed)
    if path.endswith(".gguf"):
        return content.File(path, size, seed, content.gguf_header(tensors, size), tensors=tensors)
    header, placed = content.tensor_header([(n, length) for n, _, length in tensors], tensors[0][1])
    if placed != tensors:
        raise SystemExit(f"{path}: the tensors of the trace do not lie one behind the other")
    return content.File(path, size, seed, header, tensors=tensors)


def recorded(folder, kind):
    """Names of all that were recorded with this readahead: ra128, ra16384."""
    return sorted(p.name.removesuffix(".json.gz") for p in pathlib.Path(folder).glob(f"*.{kind}.json.gz"))


def load(folder, names):
    """The traces of these names that are in the folder, in the order of the names."""
    paths = [os.path.join(folder, name + ".json.gz") for name in names]
    return [Trace(p) for p in paths if os.path.exists(p)]
