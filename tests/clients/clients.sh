#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The official clients against `hffs serve`, byte for byte. Usage: clients.sh HFFS_BINARY
# Packages come from pip and npm once and stay in $HFFS_TEST_DIR (default ./build/clients). Prints PASS or FAIL for each check
# and the sums on the last line; exit status 0 if nothing failed, 77 if the clients cannot be installed.
set -u
python_client=huggingface_hub==2.4.0
js_client=@huggingface/hub@2.17.5

[ $# = 1 ] || { echo "usage: clients.sh HFFS_BINARY" >&2; exit 2; }
hffs=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
keep=${HFFS_TEST_DIR:-$PWD/build/clients}
mkdir -p "$keep"
keep=$(cd "$keep" && pwd)
work=$(mktemp -d "$keep/run.XXXXXX")
server=
cleanup() {
	[ -n "$server" ] && kill "$server" 2> /dev/null && wait "$server" 2> /dev/null
	rm -rf "$work"
}
trap cleanup EXIT

install_clients() {
	[ -f "$keep/$python_client" ] || {
		rm -rf "$keep/venv"
		python3 -m venv "$keep/venv" && "$keep/venv/bin/pip" -q install "$python_client" && touch "$keep/$python_client"
	} || return 1
	[ -f "$keep/js.${js_client//\//_}" ] || {
		rm -rf "$keep/js" && mkdir -p "$keep/js"
		(cd "$keep/js" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund "$js_client" > /dev/null) &&
			touch "$keep/js.${js_client//\//_}"
	}
}

install_clients || { echo "the official clients cannot be installed here" >&2; exit 77; }

"$here/make_repos.sh" "$work/repos" || { echo "FAIL the test repositories could be made"; exit 1; }
"$hffs" serve "$work/repos" --listen 127.0.0.1:0 --state "$work/state" > "$work/endpoint" &
server=$!
for _ in $(seq 100); do
	[ -s "$work/endpoint" ] && break
	sleep 0.1
done
HF_ENDPOINT=$(head -1 "$work/endpoint")
export HF_ENDPOINT HF_HOME="$work/hf" HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1 NO_PROXY=127.0.0.1
unset HF_TOKEN HUGGING_FACE_HUB_TOKEN HF_HUB_OFFLINE
[ -n "$HF_ENDPOINT" ] || { echo "FAIL hffs serve says where it serves"; exit 1; }

{
	timeout 120 "$keep/venv/bin/python" "$here/client.py" "$work/repos" "$work/out" "$keep/venv/bin/hf" ||
		echo "FAIL the Python checks ran to their end"
	cp "$here/client.mjs" "$keep/js/client.mjs"
	timeout 60 node "$keep/js/client.mjs" "$work/repos" "$work/out" || echo "FAIL the JavaScript checks ran to their end"
} 2>&1 | tee "$work/log"
kill -TERM "$server"
wait "$server" && verdict=PASS || verdict=FAIL
echo "$verdict the server ends cleanly" | tee -a "$work/log"
server=

passed=$(grep -c '^PASS ' "$work/log")
failed=$(grep -c '^FAIL ' "$work/log")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
