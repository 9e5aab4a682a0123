#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory of a whole run beside its mapped files, at its peak: at most 64 MiB, with a tokenizer as large as Gemma's too. Keys and values are
# a few KiB here.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# peak_kb COMMAND...: the most anonymous memory of it, looked at every millisecond.
peak_kb() {
	python3 - "$@" <<'END'
import subprocess, sys, time
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
peak = 0
while p.poll() is None:
    with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
        peak = max(peak, *(int(line.split()[1]) for line in f if line.startswith("RssAnon")), 0)
    time.sleep(0.001)
print(peak if p.returncode == 0 else f"exit status {p.returncode}")
END
}

check() { # NAME COMMAND...
	local name=$1 kb
	shift
	kb=$(peak_kb "$@")
	if [[ $kb =~ ^[1-9][0-9]*$ ]] && [ "$kb" -le 65536 ]; then pass "$name"; else fail "$name" "$kb KiB, more than 65536"; fi
}

python3 tests/infer/sparse.py "$work/json" 1 256 512 262144
python3 tests/infer/vocabulary.py "$work/json"
mv "$work/json/model.gguf" "$work/model.gguf"
text=$(seq -s ' ' 1 100)
check tokenizer-json "$build/hffs" run "$work/json" -p "$text" -n 2 --json
check tokenizer-gguf "$build/hffs" run "$work/model.gguf" -p "$text" -n 2 --json
exit $failed
