#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hub-faulty does what its README says: each control once. Usage: faults.sh HUB_FAULTY_BINARY
set -u
hub=$1
dir=$(mktemp -d)
passed=0 failed=0
trap 'kill "$pid" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT

mkdir -p "$dir/d/acme/tiny/sub" "$dir/d/acme/other"
printf 'Hello, World!' > "$dir/d/acme/tiny/hello.txt"
seq 1 5000 > "$dir/d/acme/tiny/big.txt"
seq 1 200000 > "$dir/d/acme/tiny/w.bin"
echo a > "$dir/d/acme/tiny/README.md"
echo b > "$dir/d/acme/tiny/sub/b"
echo c > "$dir/d/acme/other/c"
"$hub" "$dir/d" --listen 127.0.0.1:0 --state "$dir/state" > "$dir/out" &
pid=$!
until [ -s "$dir/out" ]; do kill -0 "$pid" || exit 1; done
e=$(head -1 "$dir/out")
api=$e/api/models/acme/tiny

control() { curl -sf -X POST "$e/_test/$1" > /dev/null || echo "control $1 was refused"; }
# check NAME ACTUAL PATTERN: does the text match the extended regular expression?
check() {
	if printf '%s' "$2" | tr '\n' ' ' | grep -qE -- "$3"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s: got %.300s\n' "$1" "$2"
	fi
	control clear
}
head_of() { curl -s -o /dev/null -D - "$@"; }
code_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
curl_rc() { curl -s -m 10 -o /dev/null "$@"; echo "rc=$?"; }

control 'fault?kind=status&arg=429&retry_after=7&rate=0;30'
check status-429 "$(head_of "$api")" '429.*Retry-After: 7.*RateLimit: "api";r=0;t=30'
control 'fault?kind=status&arg=502'
check status-502 "$(curl -si "$api")" '502.*text/html.*<html>'
control 'fault?kind=status&arg=404&code=EntryNotFound&message=Entry%20not%20found'
check status-404 "$(curl -si "$api")" 'X-Error-Code: EntryNotFound.*X-Error-Message: Entry not found.*\{"error":"Entry not found"\}'
control 'fault?kind=status&arg=503&nth=2&times=1&route=info'
check nth-times "$(for i in 1 2 3; do code_of "$api"; done)" '^200503200$'
control 'fault?kind=status&arg=503&route=tree&match=recursive'
check route-match "$(code_of "$api"; code_of "$api/tree/main"; code_of "$api/tree/main?recursive=1")" '^200200503$'
control 'fault?kind=close'
check close "$(curl_rc "$api")" 'rc=52'
control 'fault?kind=close-after-headers&route=cdn'
check close-after-headers "$(curl_rc -L "$e/acme/tiny/resolve/main/w.bin")" 'rc=(18|56)'
control 'fault?kind=cut&arg=1000&route=cdn'
check cut "$(curl -sL "$e/acme/tiny/resolve/main/w.bin" | wc -c)" '^1000$'
control 'fault?kind=short&arg=10&route=resolve-cache'
check short "$(curl_rc -L "$e/acme/tiny/resolve/main/big.txt")" 'rc=18'
control 'fault?kind=long&arg=10&route=resolve-cache'
check long "$(printf 'GET /api/resolve-cache/models/acme/tiny/%s/hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' \
	"$(curl -s "$api?expand=sha" | grep -o '"sha":"[0-9a-f]*' | cut -c8-)" | timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/${e##*:}; cat >&3; cat <&3" | tr -d '\0')" \
	'Content-Length: 13.*Hello, World!xxxxxxxxxx$'
control 'fault?kind=delay&arg=300'
check delay "$(curl -s -o /dev/null -w '%{time_total}' "$api")" '^0\.[3-9]'
control 'fault?kind=trickle&arg=20&route=resolve-cache'
check trickle "$(curl -sL -o /dev/null -w '%{time_total}' "$e/acme/tiny/resolve/main/hello.txt")" '^(0\.[5-9]|1)'
control 'fault?kind=range-start&arg=1&route=cdn'
check range-start "$(head_of -L -r 10-19 "$e/acme/tiny/resolve/main/w.bin")" 'bytes 11-19/'
control 'fault?kind=range-total&arg=-5&route=cdn'
check range-total "$(head_of -L -r 10-19 "$e/acme/tiny/resolve/main/w.bin")" "bytes 10-19/$(($(stat -c %s "$dir/d/acme/tiny/w.bin") - 5))"
control 'fault?kind=no-range&route=cdn'
check no-range "$(head_of -L -r 10-19 "$e/acme/tiny/resolve/main/w.bin")" '302.*200 OK'
control 'fault?kind=no-length&route=cdn'
check no-length "$(head_of -L "$e/acme/tiny/resolve/main/w.bin" | sed -n '/200 OK/,$p')" 'Transfer-Encoding: chunked'
control 'fault?kind=drop-header&arg=X-Repo-Commit'
check drop-header "$(head_of "$e/acme/tiny/resolve/main/w.bin" | grep -ci '^x-repo-commit:')" '^0$'
control 'fault?kind=set-header&arg=X-HF-Warning:%20topic;%20words'
check set-header "$(head_of "$api")" 'X-HF-Warning: topic; words'
control 'fault?kind=absolute-redirect&route=resolve'
check absolute-redirect "$(head_of "$e/acme/tiny/resolve/main/hello.txt")" "Location: $e/api/resolve-cache"
control 'fault?kind=redirect-loop&route=info'
check redirect-loop "$(head_of "$api")" 'Location: /api/models/acme/tiny'
control 'fault?kind=redirect&arg=file:///etc/passwd&route=info'
check redirect "$(head_of "$api")" 'Location: file:///etc/passwd'
control 'fault?kind=json-truncate&arg=10&route=info'
check json-truncate "$(curl -s "$api" | wc -c)" '^10$'
control 'fault?kind=json-bad&route=info'
check json-bad "$(curl -s "$api")" '\},\]\}$'
control 'fault?kind=entry&arg=..%2Fx&route=tree'
check entry "$(curl -s "$api/tree/main")" '^\[\{[^}]*"path":"../x"\},'
control 'fault?kind=entry&arg=a%5Cu0000b&route=tree'
check entry-nul "$(curl -s "$api/tree/main")" '"path":"a\\u0000b"'
control 'fault?kind=entry-twice&route=tree'
check entry-twice "$(curl -s "$api/tree/main" | grep -o '"path":"README.md"' | wc -l)" '^2$'
control 'fault?kind=entry-both&route=tree'
check entry-both "$(curl -s "$api/tree/main")" '"directory"[^}]*"README.md".*"README.md/inside"'
control 'fault?kind=link-foreign&arg=http://evil.example&route=tree'
check link-foreign "$(head_of "$api/tree/main?limit=1")" 'Link: <http://evil.example/api/models'
control 'fault?kind=link-repeat&route=tree'
check link-repeat "$(head_of "$api/tree/main?limit=1")" "Link: <$api/tree/main\?limit=1>; rel=\"next\""
control 'fault?kind=mask&route=tree'
check mask "$(curl -s "$api/tree/main")" '"oid":"\*{64}"'
control 'fault?kind=sha&route=info'
check sha "$(test "$(curl -s "$api")" != "$(curl -s "$api")" && echo differ)" '^differ$'
control 'fault?kind=rev&arg=nothing&route=tree'
check rev "$(curl -s "$api/tree/main")" 'Invalid rev id: nothing'
control 'fault?kind=flip&arg=100000&route=cdn'
check flip "$(curl -sL "$e/acme/tiny/resolve/main/w.bin" | cmp -l - "$dir/d/acme/tiny/w.bin" | wc -l)" '^1[0-9]$'
check fault-unknown "$(code_of -X POST "$e/_test/fault?kind=nonsense")" '^400$'

check gzip "$(curl -sL --compressed -r 0-3 -D - "$e/acme/tiny/resolve/main/hello.txt")" '200 OK.*W/".*gzip.*chunked.*Hello, World!'
check no-gzip "$(curl -sL -H 'Accept-Encoding: identity' -r 0-3 "$e/acme/tiny/resolve/main/hello.txt")" '^Hell$'

control 'shape?delay_ms=300'
check shape-delay "$(curl -s -o /dev/null -w '%{time_total}' "$api")" '^0\.[3-9]'
control 'shape?conn_bps=2000000'
check shape-conn "$(curl -sL -o /dev/null -w '%{time_total}' "$e/acme/tiny/resolve/main/w.bin")" '^(0\.[5-9]|1)'
control 'shape?total_bps=4000000'
check shape-total "$(for i in 1 2; do curl -sL -o /dev/null -w '%{time_total} ' "$e/acme/tiny/resolve/main/w.bin" & done; wait %2 %3 2>/dev/null)" '(0\.[5-9]|1\.)'

auth() { curl -s -H "Authorization: Bearer $1" "${@:2}"; }
control 'token?token=good&repo=acme/tiny&mode=private'
check private-anonymous "$(curl -si "$api")" '401.*Invalid username or password'
control 'token?token=good&repo=acme/tiny&mode=private'
check private-good "$(auth good -i "$api"; auth good -si "$e/acme/tiny/resolve/main/hello.txt")" '200.*"private":true.*200 OK.*Hello'
control 'token?token=good&repo=acme/tiny&mode=private'
control 'token?token=other'
check private-other "$(auth other -i "$api")" '404.*RepoNotFound'
control 'token?token=good&repo=acme/tiny&mode=private'
check private-bad "$(auth bad -i "$e/api/models/acme/other")" '401.*Invalid credentials in Authorization header'
control 'token?token=good&repo=acme/tiny&mode=private'
check private-list "$( (curl -s "$e/api/models?author=acme"; auth good "$e/api/models?author=acme") | grep -o '"id":"[a-z/]*"')" 'other"\s+"id":"acme/other"\s+"id":"acme/tiny"$'
control 'token?token=good&repo=acme/tiny&mode=gated'
check gated-anonymous "$(curl -s "$api/tree/main"; curl -si "$e/acme/tiny/resolve/main/w.bin")" '\*{64}.*401.*GatedRepo.*Please log in'
control 'token?token=good&repo=acme/tiny&mode=gated'
control 'token?token=other'
check gated-other "$(auth other -i "$e/acme/tiny/resolve/main/none"; auth other -L "$e/acme/tiny/resolve/main/README.md")" '403.*GatedRepo.*not in the authorized list.*access\.a *$'
control 'token?token=good&repo=acme/tiny&mode=gated&pending=1'
check gated-pending "$(auth good -i "$e/acme/tiny/resolve/main/w.bin")" '403.*awaiting a review'
control 'token?repo=acme/tiny&mode=disabled'
check disabled "$(curl -si "$api")" '403.*Access to this resource is disabled'
control 'token?token=good'
check whoami "$(auth good "$e/api/whoami-v2"; curl -s "$e/api/whoami-v2")" '"name":"tester".*Invalid username or password'
control 'rename?from=old/name&to=acme/tiny'
check rename "$(curl -si "$e/api/models/old/name"; curl -sL "$e/old/name/resolve/main/hello.txt")" '307.*Location: /api/models/acme/tiny.*Hello, World!'

control reset
location=$(curl -s -o /dev/null -w '%{redirect_url}' "$e/acme/tiny/resolve/main/w.bin")
check token-leak "$(code_of -H 'Authorization: Bearer x' "$location")" '^400$'
curl -s -o /dev/null "$location"
check stats "$(curl -s "$e/_test/stats")" \
	"\"requests\":\{\"api\":0,\"resolve\":1,\"resolve-cache\":0,\"cdn\":2,\"total\":3\}.*\"cdn\":$(($(stat -c %s "$dir/d/acme/tiny/w.bin") + 34)),.*\"refused\":\{\"api\":0,\"resolve\":0,\"resolve-cache\":0,\"cdn\":1,.*\"open_most\":[1-9].*\"token_leaks\":1"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
