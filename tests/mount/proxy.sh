#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Through a proxy, as curl knows them: right bytes, every request seen by the proxy, NO_PROXY, a dead proxy, its password, the token,
# and no way around the rule that a public host leads to no private address. Names below .test are known to the proxy only.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve_faulty "$work/hub"
hub=$endpoint hub_port=${endpoint##*:}
source=$work/hub/org/model

# start_proxy NAME [USER:PASSWORD]: its address in $proxy, its log in $work/NAME.log.
start_proxy() {
	start_server "$1" python3 "$root/tests/mount/proxy.py" "$work/$1.log" "${@:2}"
	proxy=$endpoint
}
requests() { control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"]["total"])'; }
# mount_through NAME ENVIRONMENT... -- [OPTIONS]
mount_through() {
	local dir=$work/$1 environment=()
	shift
	while [ "$1" != -- ]; do environment+=("$1"); shift; done
	mkdir "$dir"
	env "${environment[@]}" "$hffs" mount "$dir" -o "cache=$dir.cache,log=$dir.log,log_level=debug,${2:-endpoint=http://hub.test:$hub_port}"
}
lines() { wc -l <"$1"; }

start_proxy plain
endpoint=$hub
control reset >/dev/null
mount_through all "http_proxy=$proxy" --
same_files proxied-bytes "$work/all/org/model/main" "$source"
equal all-requests-are-proxied "$(lines "$work/plain.log")" "$(requests)"
check names-are-proxied grep -qx "GET hub.test:$hub_port" "$work/plain.log"
check content-is-proxied grep -qvx "GET hub.test:$hub_port" "$work/plain.log"
check all-umount "$hffs" umount "$work/all"

mount_through upper "ALL_PROXY=$proxy" --
check all-proxy-is-taken cmp "$work/upper/org/model/main/three.bin" "$source/three.bin"
check upper-umount "$hffs" umount "$work/upper"

# Not for these hosts.
before=$(lines "$work/plain.log")
mount_through around "http_proxy=$proxy" no_proxy=127.0.0.1 -- "endpoint=$hub"
same_files no-proxy-bytes "$work/around/org/model/main" "$source"
equal no-proxy-bypasses "$(lines "$work/plain.log")" "$before"
check around-umount "$hffs" umount "$work/around"

# A token for this machine goes to it, not to a proxy that could read it.
mount_through token "http_proxy=$proxy" HF_TOKEN=hf_canary -- "endpoint=$hub"
check token-bytes cmp "$work/token/org/model/main/config.json" "$source/config.json"
equal no-token-at-the-proxy "$(grep -c token "$work/plain.log")" 0
check token-umount "$hffs" umount "$work/token"

# A host that the proxy alone can resolve counts as public: it leads to no private address, through the proxy or beside it.
location="http://127.0.0.1:$hub_port/secret"
for way in through beside; do
	control reset >/dev/null
	control "fault?kind=redirect&route=resolve&arg=$location" >/dev/null
	mount_through "private-$way" "http_proxy=$proxy" "no_proxy=$([ $way = beside ] && echo 127.0.0.1)" -- \
		"endpoint=http://hub.test:$hub_port,deadline=5s"
	refuses "private-$way" 1 'Input/output' cat "$work/private-$way/org/model/main/three.bin"
	check "private-$way-is-told" grep -q 'redirects to the private address 127.0.0.1' "$work/private-$way.log"
	equal "private-$way-was-not-asked" "$(control stats | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"]["api"])')" 2
	check "private-$way-umount" "$hffs" umount "$work/private-$way"
	control clear >/dev/null
done

# A password: used, and nowhere to be seen; a wrong one is told at once.
start_proxy locked user:hunter2canary
endpoint=$hub
mount_through login "http_proxy=${proxy/\/\//\/\/user:hunter2canary@}" --
check password-is-used cmp "$work/login/org/model/main/three.bin" "$source/three.bin"
"$hffs" status --json "$work/login" >"$work/login.json"
check login-umount "$hffs" umount "$work/login"
mount_through wrong "http_proxy=${proxy/\/\//\/\/user:hunter3canary@}" -- "endpoint=http://hub.test:$hub_port,deadline=8s"
start=$SECONDS
refuses wrong-password 1 'Input/output' cat "$work/wrong/org/model/main/three.bin"
at_most wrong-password-in-time $((SECONDS - start)) 4
check wrong-password-is-told grep -q 'the proxy wants a user and a password' "$work/wrong.log"
"$hffs" status --json "$work/wrong" >"$work/wrong.json"
check wrong-umount "$hffs" umount "$work/wrong"
mount_through tunnel "https_proxy=${proxy/\/\//\/\/user:hunter3canary@}" -- "endpoint=https://hub.test:$hub_port,deadline=8s"
refuses wrong-password-of-a-tunnel 2 'Input/output' ls "$work/tunnel/org/model/main/"
check tunnel-is-told grep -q 'the proxy refuses to connect to hub.test (HTTP 407)' "$work/tunnel.log"
check tunnel-umount "$hffs" umount "$work/tunnel"

# Nobody there; nonsense with a password in it.
mount_through dead http_proxy=http://user:hunter2canary@127.0.0.1:9 -- "endpoint=http://hub.test:$hub_port,deadline=4s"
start=$SECONDS
refuses dead-proxy 2 'timed out' ls "$work/dead/org/model/main/"
at_most dead-proxy-in-time $((SECONDS - start)) 6
check dead-proxy-is-told grep -q 'hub.test, through a proxy: Failed to connect to 127.0.0.1 port 9' "$work/dead.log"
"$hffs" status --json "$work/dead" >"$work/dead.json"
check dead-umount "$hffs" umount "$work/dead"
mount_through nonsense http_proxy=http://user:hunter2canary@127.0.0.1:99999 -- "endpoint=http://hub.test:$hub_port,deadline=4s"
refuses nonsense-proxy 2 'timed out|Input/output' ls "$work/nonsense/org/model/main/"
check nonsense-is-told grep -qi 'proxy' "$work/nonsense.log"
"$hffs" status --json "$work/nonsense" >"$work/nonsense.json"
check nonsense-umount "$hffs" umount "$work/nonsense"
equal no-password-shown "$(grep -lr 'hunter.canary' "$work"/*.json "$work"/{login,wrong,tunnel,dead,nonsense}.{log,cache})" ""
finish
