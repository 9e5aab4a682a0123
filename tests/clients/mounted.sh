#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that know repository ids only (huggingface_hub, transformers, datasets), with HF_HUB_CACHE on a mount's .hub: what they
# get, and what it costs. Packages come from pip once and stay in $HFFS_TEST_DIR (default ./build/clients). With HFFS_TEST_LONG also
# torch, which is large. Usage: mounted.sh HFFS_BINARY
set -u
packages=(huggingface_hub==2.4.0 transformers==5.24.0 datasets==5.2.0 duckdb==2.0.1 numpy==2.4.6)
[ -z "${HFFS_TEST_LONG:-}" ] || packages+=(torch==2.14.1)

[ $# = 1 ] || { echo "usage: mounted.sh HFFS_BINARY" >&2; exit 2; }
export HFFS_BUILD
HFFS_BUILD=$(dirname "$(realpath "$1")")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../mount/lib.sh
. "$here/../mount/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
keep=${HFFS_TEST_DIR:-$PWD/build/clients}
mkdir -p "$keep"
keep=$(cd "$keep" && pwd)
python=$keep/venv-mounted/bin/python
stamp=$keep/mounted.$(printf '%s ' "${packages[@]}" | sha256sum | cut -c1-16)
[ -f "$stamp" ] || {
	rm -rf "$keep/venv-mounted"
	python3 -m venv "$keep/venv-mounted" && "$keep/venv-mounted/bin/pip" -q install "${packages[@]}" && touch "$stamp"
} || skip "the clients cannot be installed here"

repos=$work/repos
"$here/make_repos.sh" "$repos" || { fail repositories "cannot be made"; finish; }
"$python" "$here/make_tiny.py" "$repos" 2>"$work/make.log" || { fail tiny-model "$(tail -n 3 "$work/make.log")"; finish; }
serve_faulty "$repos"
hf=$work/hf
must_mount "$hf"
export HF_HUB_CACHE=$hf/.hub HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1 NO_PROXY=127.0.0.1 TRANSFORMERS_VERBOSITY=error
# hub NAME ROUTE: a counter of the server.
hub() { control stats | "$python" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]][sys.argv[2]])' "$1" "$2"; }
# run MODE: its checks, counted.
run() {
	local line
	while IFS= read -r line; do
		case $line in
		"PASS "*) pass "${line#PASS }" ;;
		"FAIL "*) fail "${line#FAIL }" "$(grep -v -e '^PASS' -e '^FAIL' "$work/said" | tail -n 4 | tr '\n' ' ')" ;;
		"VERSIONS "*) echo "$line" ;;
		esac
	done < <(timeout 300 "$python" "$here/mounted.py" "$1" "$repos" "$hf" 2>"$work/said"; echo "$?" >"$work/status")
	equal "$1-ran-to-its-end" "$(cat "$work/status")" 0
}
load='from transformers import AutoConfig, AutoTokenizer
assert AutoConfig.from_pretrained("acme/tiny-llama").hidden_size == 8
AutoTokenizer.from_pretrained("acme/tiny-llama")'

# What a load costs: all requests are the mount's, since the program makes none.
control reset >/dev/null
check cold-load env HF_HUB_OFFLINE=1 "$python" -c "$load"
equal cold-load-asks-for-names "$(hub requests api)" 2 # the repository, and a page of its listing
at_most cold-load-asks-for-content "$(hub requests resolve)" 3 # a file each: config, tokenizer, its settings
control reset >/dev/null
check warm-load env HF_HUB_OFFLINE=1 "$python" -c "$load"
equal warm-load-asks-nothing "$(hub requests total)" 0
equal weights-were-not-fetched "$(getfattr --only-values --absolute-names -n user.hffs.cached "$hf/acme/tiny-llama/main/model.safetensors")" 0

# Offline and online; then every byte that went over the wire went to the mount.
HF_HUB_OFFLINE=1 run offline
before=$(counter "$hf" bytes_fetched)
control reset >/dev/null
HF_ENDPOINT=$endpoint run online
content=$(($(hub bytes resolve-cache) + $(hub bytes cdn)))
equal online-content-comes-through-the-mount "$content" "$(($(counter "$hf" bytes_fetched) - before))"
[ -z "${HFFS_TEST_LONG:-}" ] || HF_HUB_OFFLINE=1 run long

# The program itself.
control reset >/dev/null
HF_HUB_OFFLINE=1 "$keep/venv-mounted/bin/hf" cache ls --format json >"$work/ls.json" 2>"$work/ls.err"
equal cache-ls "$("$python" -c 'import json, sys; print(sorted(r["repo_id"] for r in json.load(open(sys.argv[1])) if r["repo_id"] == "acme/history"))' "$work/ls.json" 2>&1)" "['acme/history']"
equal cache-ls-asks-nothing "$(hub requests total)" 0
check umount "$hffs" umount "$hf"

# A daemon without network has what the last one had.
must_mount "$hf" offline
HF_HUB_OFFLINE=1 run offline
equal offline-mount-asks-nothing "$(counter "$hf" requests)" 0
check umount-offline "$hffs" umount "$hf"
finish
