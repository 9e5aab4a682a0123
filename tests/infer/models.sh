#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each architecture and setting, from safetensors and GGUF files, against what transformers computes (golden.json).
. "$(dirname "$0")/lib.sh"

want_python numpy==2.4.6 gguf==0.19.0
"$python" tests/infer/check.py "$eval" "$work" || failed=1
exit $failed
