#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files that are cut, flipped and contradictory: a sentence and an end, never a crash or a wait. HFFS_SEED repeats a run.
. "$(dirname "$0")/lib.sh"

want_python numpy==2.4.6 gguf==0.19.0
seed=${HFFS_SEED:-1}
count=300
[ -n "${HFFS_TEST_LONG:-}" ] && count=1000
echo "seed $seed"
"$python" tests/infer/hostile.py "$eval" "$work" "$seed" "$count" || failed=1
exit $failed
