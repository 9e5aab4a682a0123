#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Over https with HTTP/2, as the Hub speaks it: nghttpx with certificates made here stands in front of the endpoint and of the content
# origin. Which certificates are trusted, which version is spoken for what, the token, connections that end in the middle.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
PATH=$PATH:/usr/sbin
command -v nghttpx >/dev/null || skip "there is no nghttpx"
make_hub "$work/hub"
source=$work/hub/org/model
cd "$work" || exit 1

# make_ca NAME, make_certificate CA: NAME.pem; server.pem with server.key, for localhost.
make_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
make_certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext
	openssl x509 -req -in server.csr -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 2 -extfile server.ext -out server.pem 2>/dev/null
}
make_ca ca
make_ca other
make_certificate ca
mkdir hashed
cp ca.pem "hashed/$(openssl x509 -hash -noout -in ca.pem).0"

# front NAME PORT BACKEND: nghttpx on that port; NAME.log has a line for each request, with what the connection speaks.
front() {
	nghttpx --conf=/dev/null --no-ocsp --no-location-rewrite --workers=1 -f "127.0.0.1,$2" -b "127.0.0.1,$3" --errorlog-file="$work/$1.err" \
		--accesslog-file="$work/$1.log" --accesslog-format='$alpn $status $method $path' server.key server.pem >/dev/null 2>&1 &
	front_pid=$!
	pids+=("$front_pid")
	wait_for 10 curl -s -o /dev/null --cacert ca.pem "https://localhost:$2/_test/stats"
}
read -r hub_port cdn_port front_port front_cdn_port < <(python3 -c '
import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(x.getsockname()[1] for x in s))')
start_server hub "$hub_faulty" "$work/hub" --listen "127.0.0.1:$hub_port" --cdn-listen "127.0.0.1:$cdn_port" \
	--cdn-url "https://localhost:$front_cdn_port" --state "$work/serve-state"
front hub "$front_port" "$hub_port"
endpoint_pid=$front_pid
front content "$front_cdn_port" "$cdn_port"
content_pid=$front_pid
control() { curl -fsS "http://127.0.0.1:$hub_port/_test/$1"; }
endpoint=https://localhost:$front_port
# lines NAME PATTERN: how many requests of that front match.
lines() { grep -cE "$2" "$work/$1.log"; }

# Which certificates are trusted: an option, what other programs call it, a directory of them; never nothing.
must_mount "$work/option" ca_file=ca.pem
same_files right-bytes "$work/option/org/model/main" "$source"
check option-umount "$hffs" umount "$work/option"
# ls_with NAME=VALUE...: with a cache of its own, so that the Hub is asked.
ls_with() { env "$@" "HF_ENDPOINT=$endpoint" "HFFS_CACHE=$(mktemp -d -p "$work")" "$hffs" ls org/model; }
for variable in SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE; do
	check "ls-with-$variable" env "$variable=$work/ca.pem" "HF_ENDPOINT=$endpoint" "$hffs" ls org/model
done
check ls-with-directory ls_with "SSL_CERT_FILE=$work/hashed"
check requests-wins ls_with "REQUESTS_CA_BUNDLE=$work/ca.pem" CURL_CA_BUNDLE=/nowhere SSL_CERT_FILE=/nowhere
check pull env "SSL_CERT_FILE=$work/ca.pem" "HF_ENDPOINT=$endpoint" "HFFS_CACHE=$work/pull.cache" "$hffs" pull -q org/model
refuses untrusted 1 'certificate.*ca_file= names' ls_with
refuses wrong-ca 1 'certificate.*ca_file= names' ls_with "SSL_CERT_FILE=$work/other.pem"
refuses empty-is-not-no-check 1 certificate ls_with CURL_CA_BUNDLE=
refuses absent-ca 1 'cannot read the certificates to trust, /nowhere' "$hffs" mount "$work/hub" -o "nonempty,ca_file=/nowhere,endpoint=$endpoint,cache=$work/x"
echo nonsense >nonsense.pem
refuses ca-that-is-none 1 "$work/nonsense.pem" ls_with "SSL_CERT_FILE=$work/nonsense.pem"
must_mount "$work/wrong" ca_file=other.pem
start=$SECONDS
refuses mount-with-wrong-ca 2 'Input/output' ls "$work/wrong/org/model/main/"
at_most wrong-ca-in-time $((SECONDS - start)) 3
check wrong-ca-is-told grep -q 'localhost: .*certificate.* (ca_file= names other certificates to trust)' "$work/wrong.log"
check wrong-ca-umount "$hffs" umount "$work/wrong"

# HTTP/2 for names; for content HTTP/1.1, so that pausing one transfer holds up no other.
at_most api-is-http2 "$(lines hub '^http/1.1 [0-9]+ GET /api/models')" 0
check api-was-asked grep -qE '^h2 200 GET /api/models' hub.log
at_most content-is-http1 "$(lines content '^h2 .*/cdn/')" 0
check content-was-asked grep -qE '^http/1.1 206 GET /cdn/' content.log
at_most resolve-is-http1 "$(lines hub '^h2 .*/resolve/')" 0
check resolve-was-asked grep -qE '^http/1.1 302 GET /org/model/resolve/' hub.log

# Through a proxy all of it is tunnelled, and the proxy sees no token.
hub_endpoint=$endpoint
start_server proxy python3 "$root/tests/mount/proxy.py" "$work/tunnels.log"
proxy=$endpoint endpoint=$hub_endpoint
mkdir "$work/tunnel"
check tunnel-mount env "https_proxy=$proxy" HF_TOKEN=hf_right "$hffs" mount "$work/tunnel" \
	-o "endpoint=https://localhost:$front_port,cache=tunnel.cache,log=tunnel.log,ca_file=ca.pem"
same_files tunnel-bytes "$work/tunnel/org/model/main" "$source"
check tunnel-to-endpoint grep -qx "CONNECT localhost:$front_port" tunnels.log
check tunnel-to-content grep -qx "CONNECT localhost:$front_cdn_port" tunnels.log
equal tunnel-shows-nothing "$(grep -cv '^CONNECT localhost:[0-9]*$' tunnels.log)" 0
check tunnel-umount "$hffs" umount "$work/tunnel"

# Calls that come together share a connection: the front answers only when all of them are there.
must_mount "$work/calls" ca_file=ca.pem
workers=$(cat "/proc/$endpoint_pid/task/$endpoint_pid/children") # of nghttpx, which serve; the first process only watches them
# shellcheck disable=SC2086 # a list
kill -STOP $workers
for name in org/model org/other org/model/main org/other/main datasets/org/data datasets/org/data/main spaces/org/app spaces/org/app/main; do
	ls "$work/calls/$name/" >/dev/null 2>&1 &
	calls+=($!)
done
sleep 0.5
# shellcheck disable=SC2086 # a list
kill -CONT $workers
wait "${calls[@]}"
equal calls-share-a-connection "$(counter "$work/calls" connections)" 1

# Many ranges at once, the token to the endpoint only, and the content front restarted in the middle.
control 'token?token=hf_right' >/dev/null
control reset >/dev/null
mkdir "$work/ranges"
check ranges-mount env HF_TOKEN=hf_right "$hffs" mount "$work/ranges" -o "endpoint=$endpoint,cache=ranges.cache,log=ranges.log,ca_file=ca.pem"
ls "$work/ranges/org/model/main/" >/dev/null
control 'shape?conn_bps=1000000' >/dev/null
sha256sum "$work/ranges/org/model/main/large.safetensors" >sum &
reader=$!
arriving() { [ "$(counter "$work/ranges" bytes_fetched)" -gt 1000000 ]; }
check arrives wait_for 10 arriving
kill -TERM "$content_pid"
wait "$content_pid" 2>/dev/null
front content "$front_cdn_port" "$cdn_port"
wait "$reader"
equal restart-is-survived "$(cut -d ' ' -f 1 sum)" "$(sha256sum "$source/large.safetensors" | cut -d ' ' -f 1)"
equal no-token-to-content "$(control stats | sed -E 's/.*"token_leaks":([0-9]+).*/\1/')" 0
check token-went-to-the-endpoint grep -qE '^h2 200 GET /api/models/org/model/revision' hub.log
control clear >/dev/null
check ranges-umount "$hffs" umount "$work/ranges"

# GOAWAY: connections that were kept are closed gracefully, by a restart of the endpoint's front.
ls "$work/calls/org/other/main/" >/dev/null
kill -QUIT "$endpoint_pid"
wait "$endpoint_pid" 2>/dev/null
front hub "$front_port" "$hub_port"
check goaway-is-survived ls "$work/calls/datasets/org/data/refs/" "$work/calls/org/model/main/sub"
same_files after-goaway "$work/calls/datasets/org/data/main" "$work/hub/datasets/org/data"
check calls-umount "$hffs" umount "$work/calls"
finish
