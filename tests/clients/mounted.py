# SPDX-License-Identifier: Apache-2.0
"""Programs that only know repository ids, with HF_HUB_CACHE on a mount's .hub.

Usage: mounted.py MODE REPOS MOUNT, where MODE is offline, online, or long (offline, with torch). Prints PASS or FAIL for each check.
"""

import os
import sys
import traceback
from pathlib import Path

import huggingface_hub
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
from huggingface_hub.file_download import _CACHED_NO_EXIST

mode, repos, mount = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
cache = mount / ".hub"


def check(name):
    """Runs the function below at once, and says whether it ended well."""

    def run(function):
        try:
            function()
            print(f"PASS {mode}: {name}", flush=True)
        except Exception:
            traceback.print_exc(limit=-4)
            print(f"FAIL {mode}: {name}", flush=True)

    return run


def expect(got, wanted):
    assert got == wanted, f"got {got!r}, not {wanted!r}"


def same(path, source):
    assert str(path).startswith(str(cache)), f"{path} is not in the mount"
    expect(Path(path).read_bytes(), (repos / source).read_bytes())


@check("hf_hub_download")
def _():
    same(hf_hub_download("acme/history", "sub/ü b.txt"), "acme/history/sub/ü b.txt")
    same(hf_hub_download("acme/rows", "README.md", repo_type="dataset"), "datasets/acme/rows/README.md")
    same(hf_hub_download("acme/space", "index.html", repo_type="space"), "spaces/acme/space/index.html")


@check("hf_hub_download of a branch with a slash, a pull request, a tag, a commit")
def _():
    by_branch = hf_hub_download("acme/history", "extra.txt", revision="release/v2")
    expect(Path(by_branch).read_text(), "three\n")
    commit = Path(by_branch).parent.name
    expect(hf_hub_download("acme/history", "extra.txt", revision=commit), by_branch)
    expect(Path(hf_hub_download("acme/history", "extra.txt", revision="refs/pr/1")).read_text(), "three\n")
    expect(Path(hf_hub_download("acme/history", "README.md", revision="v1.0")).read_text(), "two\n")


@check("snapshot_download")
def _():
    for kind, name in (("model", "acme/plain"), ("dataset", "acme/rows")):
        top = Path(snapshot_download(name, repo_type=kind))
        source = repos / (name if kind == "model" else f"datasets/{name}")
        for path in source.rglob("*"):
            if path.is_file() and path.resolve().is_relative_to(source):
                same(top / path.relative_to(source), path.relative_to(repos))


@check("try_to_load_from_cache tells what there is not")
def _():
    same(try_to_load_from_cache("acme/tiny-llama", "config.json"), "acme/tiny-llama/config.json")
    for name in ("adapter_config.json", "sub/none.json", "model.safetensors.index.json"):
        if name.startswith("sub/"):
            assert try_to_load_from_cache("acme/history", name) is _CACHED_NO_EXIST
        else:
            assert try_to_load_from_cache("acme/tiny-llama", name) is _CACHED_NO_EXIST


@check("AutoConfig, AutoTokenizer")
def _():
    from transformers import AutoConfig, AutoTokenizer

    expect(AutoConfig.from_pretrained("acme/tiny-llama").hidden_size, 8)
    expect(AutoTokenizer.from_pretrained("acme/tiny-llama").tokenize("hello world"), ["hello", "world"])


@check("safetensors")
def _():
    from safetensors import safe_open

    with safe_open(hf_hub_download("acme/tiny-llama", "model.safetensors"), "np") as weights:
        expect(weights.get_tensor("model.norm.weight").shape, (8,))


if mode == "online":

    @check("load_dataset")
    def _():
        import datasets

        rows = datasets.load_dataset("acme/rows", split="train")
        expect((len(rows), rows[7]), (1000, {"n": 7, "text": "row 7"}))


@check("load_dataset of a path in the mount")
def _():
    import datasets

    rows = datasets.load_dataset(str(mount / "datasets/acme/rows/main"), split="train")
    expect((len(rows), rows[7]["n"]), (1000, 7))


@check("pyarrow and DuckDB on Parquet")
def _():
    import duckdb
    import pyarrow.parquet as pq

    path = mount / "datasets/acme/rows/main/data/train-00000-of-00001.parquet"
    expect(pq.read_table(path, columns=["n"])["n"][999].as_py(), 999)
    expect(duckdb.sql(f"select sum(n), count(distinct text) from '{path}'").fetchall(), [(499500, 1000)])
    expect(duckdb.sql(f"select count(*) from '{mount}/datasets/acme/rows/main/data/*.parquet'").fetchall(), [(1000,)])


if mode == "long":

    @check("AutoModel, pipeline")
    def _():
        import torch
        from transformers import AutoModelForCausalLM, pipeline

        model = AutoModelForCausalLM.from_pretrained("acme/tiny-llama")
        with torch.no_grad():
            expect(tuple(model(torch.tensor([[1, 2]])).logits.shape), (1, 2, 5))
        text = pipeline("text-generation", "acme/tiny-llama")("hello", max_new_tokens=3, do_sample=False)
        assert text[0]["generated_text"].startswith("hello")


@check("scan_cache_dir finds nothing amiss")
def _():
    found = scan_cache_dir()
    expect(found.warnings, [])
    names = {(repo.repo_type, repo.repo_id) for repo in found.repos}
    assert {("model", "acme/history"), ("model", "acme/plain"), ("dataset", "acme/rows"), ("space", "acme/space")} <= names, names
    history = next(repo for repo in found.repos if repo.repo_id == "acme/history")
    expect(set(history.refs) >= {"main", "release/v2", "refs/pr/1", "v1.0"}, True)


def versions():
    from importlib.metadata import version

    names = ["huggingface_hub", "transformers", "tokenizers", "safetensors", "datasets", "pyarrow", "duckdb"] + ["torch"] * (mode == "long")
    print("VERSIONS", ", ".join(f"{name} {version(name)}" for name in names))


versions()
