#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Quantised files by us and by llama.cpp (prebuilt, of node-llama-cpp): we are no further from exact arithmetic on the same weights.
. "$(dirname "$0")/lib.sh"

want_python numpy==2.4.6 gguf==0.19.0
want_llamacpp
cp tests/infer/llamacpp.mjs "$node/"
"$python" tests/infer/llamacpp.py "$eval" "$work" "$node" || failed=1
exit $failed
