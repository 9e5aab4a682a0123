# SPDX-License-Identifier: Apache-2.0
"""The official Python client against a server of the repositories that make_repos.sh made.

Usage: client.py REPOS OUT HF_PROGRAM, with HF_ENDPOINT and HF_HOME set. Prints PASS or FAIL for each check.
"""

import hashlib
import os
import subprocess
import sys
import traceback
from pathlib import Path

from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

repos, out, hf = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
api = HfApi()
fs = HfFileSystem()
history = repos / "acme/history"


def check(name):
    """Runs the function below at once, and says whether it ended well."""

    def run(function):
        try:
            function()
            print(f"PASS python: {name}", flush=True)
        except Exception:
            traceback.print_exc(limit=-3)
            print(f"FAIL python: {name}", flush=True)

    return run


def files_of(folder, skip=(".git", ".cache")):
    """Path to bytes, as the server shows the folder: links inside it are files, others are not there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        inside = path.resolve().is_relative_to(folder.resolve())
        if path.is_file() and name.parts[0] not in skip and (inside or not path.is_symlink()):
            found[str(name)] = path.read_bytes()
    return found


def files_under(folder):
    """What a download made, its links followed."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and ".cache" not in p.parts}


def git(*args, repo=history):
    return subprocess.run(["git", "-C", repo, *args], check=True, capture_output=True).stdout


def git_files(rev):
    """Path to bytes at a revision, LFS pointers replaced by what they stand for."""
    found = {}
    for path in git("ls-tree", "-r", "-z", "--name-only", rev).decode().split("\0")[:-1]:
        data = git("cat-file", "blob", f"{rev}:{path}")
        if data.startswith(b"version https://git-lfs"):
            sha = data.split(b"sha256:")[1][:64].decode()
            data = (history / ".git/lfs/objects" / sha[:2] / sha[2:4] / sha).read_bytes()
        found[path] = data
    return found


def git_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def assert_same(got, expected):
    assert set(got) == set(expected), f"names differ: {sorted(set(got) ^ set(expected))[:5]}"
    for name, data in expected.items():
        assert got[name] == data, f"{name!r} differs"


@check("snapshot_download of plain folders")
def _():
    assert_same(files_under(Path(snapshot_download("acme/plain"))), files_of(repos / "acme/plain", skip=()))
    assert_same(files_under(Path(snapshot_download("acme/signs"))), files_of(repos / "acme/signs"))


@check("snapshot_download into a local folder")
def _():
    snapshot_download("acme/plain", local_dir=out / "local")
    assert_same(files_under(out / "local"), files_of(repos / "acme/plain", skip=()))


@check("snapshot_download of 1520 files in pages")
def _():
    assert_same(files_under(Path(snapshot_download("acme/many", max_workers=16))), files_of(repos / "acme/many"))


@check("snapshot_download of a dataset and of a Space")
def _():
    for kind in "dataset", "space":
        name = {"dataset": "data", "space": "space"}[kind]
        got = files_under(Path(snapshot_download(f"acme/{name}", repo_type=kind)))
        assert_same(got, files_of(repos / f"{kind}s/acme" / name))


for rev in "main", "release/v2", "v0", "v1.0", "refs/pr/1", "refs/convert/parquet":

    @check(f"snapshot_download of a history at {rev}")
    def _():
        commit = git("rev-parse", f"{rev}^{{commit}}").decode().strip()
        folder = Path(snapshot_download("acme/history", revision=rev))
        assert folder.name == commit, folder
        assert_same(files_under(folder), git_files(commit))


@check("snapshot_download of a bare history, by commit")
def _():
    commit = git("rev-parse", "v0").decode().strip()
    assert_same(files_under(Path(snapshot_download("acme/bare", revision=commit))), git_files(commit))


@check("hf_hub_download of odd names")
def _():
    for repo in "acme/plain", "acme/signs":
        for name, data in files_of(repos / repo, skip=()).items():
            assert Path(hf_hub_download(repo, name, cache_dir=out / "single")).read_bytes() == data, name


@check("hf_hub_download says what is missing")
def _():
    for kwargs, error in (
        ({"filename": "nothing"}, EntryNotFoundError),
        ({"filename": "onnx"}, EntryNotFoundError),
        ({"filename": "README.md", "revision": "nothing"}, RevisionNotFoundError),
    ):
        try:
            hf_hub_download("acme/plain", **kwargs)
        except error:
            continue
        raise AssertionError(f"{kwargs} did not raise {error.__name__}")


@check("a wrong-case id leads to the repository")
def _():
    assert api.model_info("ACME/Plain").id == "acme/plain"
    assert Path(hf_hub_download("ACME/Plain", "README.md")).read_bytes() == b"# Card\n"


@check("list_repo_tree, one level and recursive")
def _():
    expected = files_of(repos / "acme/plain", skip=())
    got = {e.path: e for e in api.list_repo_tree("acme/plain", recursive=True) if hasattr(e, "blob_id")}
    assert set(got) == set(expected)
    for path, data in expected.items():
        assert got[path].size == len(data), path
        if got[path].lfs:
            assert got[path].lfs.sha256 == hashlib.sha256(data).hexdigest(), path
        else:
            assert got[path].blob_id == git_id(data), path
    assert got["model.safetensors"].lfs and got["large.dat"].lfs and not got["config.json"].lfs
    level = sorted(e.path for e in api.list_repo_tree("acme/plain", "onnx"))
    assert level == ["onnx/config.json", "onnx/deep", "onnx/model.onnx"], level


@check("list_repo_tree in pages")
def _():
    assert len(list(api.list_repo_tree("acme/many", recursive=True))) == 1522
    assert len(list(api.list_repo_tree("acme/many", "a"))) == 1500
    assert sorted(e.path for e in api.list_repo_tree("acme/many")) == ["a", "b"]


@check("list_repo_tree with the last commits")
def _():
    got = {e.path: e.last_commit.oid for e in api.list_repo_tree("acme/history", recursive=True, revision="release/v2", expand=True)}
    for path, commit in got.items():
        assert git("log", "-1", "--format=%H", "release/v2", "--", path).decode().strip() == commit, path


@check("list_repo_refs")
def _():
    refs = api.list_repo_refs("acme/history", include_pull_requests=True)
    shown = {r.ref: r.target_commit for r in refs.branches + refs.tags + refs.converts + refs.pull_requests}
    lines = git("for-each-ref", "--format=%(refname)").decode().split()
    assert shown == {ref: git("rev-parse", f"{ref}^{{commit}}").decode().strip() for ref in lines}
    assert {b.name for b in refs.branches} == {"main", "release/v2"}


for repo in "history", "bare":

    @check(f"list_repo_commits of {repo}, in pages")
    def _():
        for rev in "main", "release/v2":
            got = [(c.commit_id, c.title) for c in api.list_repo_commits(f"acme/{repo}", revision=rev)]
            lines = git("log", "--format=%H %s", rev).decode().splitlines()
            assert got == [tuple(line.split(" ", 1)) for line in lines], rev


@check("model_info with files_metadata")
def _():
    info = api.model_info("acme/plain", files_metadata=True)
    expected = files_of(repos / "acme/plain", skip=())
    assert {s.rfilename: s.size for s in info.siblings} == {name: len(data) for name, data in expected.items()}
    assert len(info.sha) == 40 and info.id == "acme/plain" and not info.private
    weights = next(s for s in info.siblings if s.rfilename == "model.safetensors")
    assert weights.lfs.sha256 == hashlib.sha256(expected["model.safetensors"]).hexdigest()


@check("dataset_info and space_info with files_metadata")
def _():
    data = api.dataset_info("acme/data", files_metadata=True)
    assert {s.rfilename: s.size for s in data.siblings} == {"train.csv": 8, "train.parquet": 500000}
    space = api.space_info("acme/space", files_metadata=True)
    assert {s.rfilename for s in space.siblings} == {"README.md", "index.html"}


@check("model_info of revisions")
def _():
    for rev in "main", "v1.0", "release/v2", "refs/pr/1":
        assert api.model_info("acme/history", revision=rev).sha == git("rev-parse", f"{rev}^{{commit}}").decode().strip(), rev
    short = git("rev-parse", "--short=9", "v0").decode().strip()
    assert api.model_info("acme/history", revision=short).sha.startswith(short)


@check("get_paths_info")
def _():
    paths = ["config.json", "onnx", "it's \"quoted\" + & = ;.txt", "grüße-日本語.txt", "nothing"]
    assert {e.path for e in api.get_paths_info("acme/plain", paths)} == set(paths) - {"nothing"}
    paths = ["#", "#/1 ? 100% + & = ;.txt", "new\nline.txt", "100%.bin"]
    assert {e.path for e in api.get_paths_info("acme/signs", paths)} == set(paths)
    many = [f"a/file-{i:04}.txt" for i in range(1, 1001)]
    assert len(api.get_paths_info("acme/many", many)) == 1000
    (entry,) = api.get_paths_info("acme/history", ["README.md"], expand=True)
    assert entry.last_commit.oid == git("rev-parse", "main").decode().strip()


@check("list_models, list_datasets, list_spaces of an organisation")
def _():
    assert sorted(m.id for m in api.list_models(author="acme")) == ["acme/bare", "acme/history", "acme/many", "acme/plain", "acme/signs"]
    assert [m.id for m in api.list_models(author="acme", search="LAI")] == ["acme/plain"]
    assert [d.id for d in api.list_datasets(author="acme")] == ["acme/data"]
    assert [s.id for s in api.list_spaces(author="acme")] == ["acme/space"]
    assert list(api.list_models(author="nobody")) == []


@check("repo_exists, revision_exists, file_exists, auth_check")
def _():
    assert api.repo_exists("acme/plain") and api.revision_exists("acme/history", "v1.0") and not api.revision_exists("acme/history", "v9")
    assert api.file_exists("acme/plain", "onnx/model.onnx") and not api.file_exists("acme/plain", "nothing")
    api.auth_check("acme/plain")


@check("HfFileSystem ls and find")
def _():
    assert sorted(fs.ls("acme/plain/onnx", detail=False)) == [f"acme/plain/onnx/{n}" for n in ("config.json", "deep", "model.onnx")]
    found = fs.find("acme/plain", detail=True)
    expected = files_of(repos / "acme/plain", skip=())
    assert {k.removeprefix("acme/plain/"): v["size"] for k, v in found.items()} == {n: len(d) for n, d in expected.items()}
    assert sorted(fs.ls("datasets/acme/data", detail=False)) == [f"datasets/acme/data/train.{e}" for e in ("csv", "parquet")]
    assert len(fs.find("acme/many")) == 1520


@check("HfFileSystem open, seek and read")
def _():
    expected = (repos / "acme/plain/large.dat").read_bytes()
    with fs.open("acme/plain/large.dat", block_size=1 << 16) as f:
        for off, size in (0, 100), (11_999_990, 100), (5_000_001, 70_000), (123_456, 1):
            f.seek(off)
            assert f.read(size) == expected[off : off + size], off
    assert fs.cat_file("acme/plain/config.json", start=2, end=8) == b"hidden"
    assert fs.read_text("acme/history@v0/README.md") == "one\n"
    assert fs.cat_file("acme/plain/empty.txt") == b""


@check("hf download")
def _():
    subprocess.run([hf, "download", "acme/plain", "--local-dir", out / "cli"], check=True, capture_output=True, timeout=60)
    assert_same(files_under(out / "cli"), files_of(repos / "acme/plain", skip=()))
    command = [hf, "download", "acme/history", "w.bin", "--revision", "v0", "--local-dir", out / "cli-v0"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert (out / "cli-v0/w.bin").read_bytes() == git_files("v0")["w.bin"]


@check("HfFileSystem streams from the middle")
def _():
    expected = (repos / "acme/plain/large.dat").read_bytes()
    with fs.open("acme/plain/large.dat", block_size=0) as f:
        assert f.read(5_000_000) == expected[:5_000_000]
    assert fs.cat_file("acme/plain/large.dat", start=11_000_000) == expected[11_000_000:]


@check("a changed file is a new commit, an old commit keeps its listing")
def _():
    import time

    target = repos / "acme/change"
    target.mkdir()
    (target / "a.txt").write_text("one")
    (target / "b.txt").write_text("same")
    old = api.model_info("acme/change").sha
    (target / "a.txt").write_text("two!")
    time.sleep(1.2)
    new = api.model_info("acme/change").sha
    assert old != new
    assert [e.size for e in api.list_repo_tree("acme/change", revision=old)] == [3, 4]
    assert Path(hf_hub_download("acme/change", "b.txt", revision=old)).read_text() == "same"
    assert Path(hf_hub_download("acme/change", "a.txt")).read_text() == "two!"
    try:
        hf_hub_download("acme/change", "a.txt", revision=old)
        raise AssertionError("bytes that are gone were served")
    except EntryNotFoundError:
        pass
    assert [c.commit_id for c in api.list_repo_commits("acme/change")] == [new, old]


@check("a moved branch is seen within two seconds")
def _():
    import time

    before = api.model_info("acme/bare").sha
    commit = git("rev-parse", "release/v2").decode().strip()
    git("update-ref", "refs/heads/main", commit, repo=repos / "acme/bare")
    time.sleep(1.2)
    assert api.model_info("acme/bare").sha == commit != before
