#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# llama.cpp is built for this processor and measured beside us, with a small model.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

"$python" bench/infer.py --small --build "$build" --work "$work/files" --types Q4_0 --threads 1 --rounds 1 --native >"$work/native" 2>"$work/err"
table native 5 'Q4_0 | 1'
finish
