#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A token is nowhere but in the header that it is for: not in arguments, environments, logs, status, attributes, the cache, a core.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
canary=hf_canaryCANARYcanary42
hf=$work/hf
mkdir "$hf"
check mount-with-token env "HF_TOKEN=$canary" "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$hf.cache,log=$hf.log,log_level=debug"
pid=$(daemon_pid "$hf")
sha256sum "$hf/org/model/main/three.bin" >/dev/null
cat "$hf/org/model/main/nowhere" "$hf/org/nothing/main/x" 2>/dev/null
# absent NAME FILE...
absent() {
	local name=$1 found
	shift
	found=$(grep -aFlr "$canary" "$@" 2>/dev/null)
	if [ -z "$found" ]; then pass "$name"; else fail "$name" "$found"; fi
}
absent arguments "/proc/$pid/cmdline"
absent environment "/proc/$pid/environ"
"$hffs" status --json >"$work/status.json"
absent status "$work/status.json"
getfattr -dm - -R "$hf/org/model/main/" >"$work/attributes" 2>&1
absent attributes "$work/attributes"
absent log "$hf.log"
check log-has-lines test -s "$hf.log"
equal no-core "$(awk '/core file size/ { print $5, $6 }' "/proc/$pid/limits")" "0 0"
check umount "$hffs" umount "$hf"
absent cache "$hf.cache"
absent no-signature-in-log "$hf.log"
equal no-signed-url-in-log "$(grep -ciE 'signature=|policy=|[?&]sig=' "$hf.log")" 0
equal no-signed-url-in-cache "$(grep -acirE 'signature=|policy=' "$hf.cache" | awk -F: '$2 > 0' | wc -l)" 0

finish
