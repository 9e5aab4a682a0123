#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Quantised files by us and by llama.cpp (prebuilt, of node-llama-cpp): we are no further from exact arithmetic on the same weights.
. "$(dirname "$0")/lib.sh"

want_python numpy==2.4.6 gguf==0.19.0
node=$PWD/build/test/infer-node
mkdir -p "$node"
if [ ! -e "$node/ready" ]; then
	(cd "$node" && npm init -y >/dev/null && npm install --silent --ignore-scripts --no-audit --no-fund node-llama-cpp@3.22.1) >"$work/npm" 2>&1 ||
		{ fail llamacpp/packages "$(tail -n 3 "$work/npm")"; exit 1; }
	touch "$node/ready"
fi
cp tests/infer/llamacpp.mjs "$node/"
"$python" tests/infer/llamacpp.py "$eval" "$work" "$node" || failed=1
exit $failed
