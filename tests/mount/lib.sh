# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every mount test sources: a hub on a free port, mounts with private caches, and one line per check: "PASS name" or
# "FAIL name: why". The suite ends with `finish`. Whatever it started is ended, whatever it mounted unmounted, on any way out.
#
# HFFS_BUILD is the build folder (build/release). Sanitizer reports of daemons are collected and fail the suite.

set -u

# hffs doctor, status and refresh look at every mount there is: those of other suites and of the machine, dead ones among them, are
# none of a suite's business. Only root can be apart. HFFS_TEST_APART is the namespace that was left.
apart_from=${HFFS_TEST_APART:-}
unset HFFS_TEST_APART
if [ -z "$apart_from" ] && unshare -m true 2>/dev/null; then
	HFFS_TEST_APART=$(readlink /proc/self/ns/mnt) exec unshare -m bash "$0" "$@"
elif [[ $apart_from == mnt:* && $apart_from != "$(readlink /proc/self/ns/mnt)" ]]; then
	awk '$3 == "fuse.hffs" { print $2 }' /proc/mounts | xargs -r -n 1 umount -l
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${HFFS_BUILD:-$root/build/release}
hffs=$build/hffs
hub_faulty=$build/hub-faulty
suite=$(basename "$0" .sh)
passed=0 failed=0
pids=() # of servers
work=$(mktemp -d "${TMPDIR:-/tmp}/hffs-$suite.XXXXXX")

# No setting of the machine reaches a test.
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE http_proxy https_proxy all_proxy no_proxy
unset HTTPS_PROXY ALL_PROXY NO_PROXY HF_ENDPOINT HF_TOKEN HUGGING_FACE_HUB_TOKEN HF_TOKEN_PATH HF_HUB_OFFLINE HFFS_CACHE HFFS_CACHE_SIZE HFFS_LOG
export HF_HOME=$work/hf-home XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/xdg-cache LC_ALL=C.UTF-8
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$work/sanitizer UBSAN_OPTIONS=print_stacktrace=1:log_path=$work/sanitizer
export TSAN_OPTIONS=${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$work/sanitizer

pass() { passed=$((passed + 1)); echo "PASS $suite/$1"; }
fail() { failed=$((failed + 1)); echo "FAIL $suite/$1: ${2:-}"; }
# check NAME COMMAND...: one check by the exit status.
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then pass "$name"; else fail "$name" "'$*': $(tail -n 3 <<<"$said")"; fi
}
# equal NAME GOT WANTED
equal() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got '$2', not '$3'"; fi; }
# at_most NAME GOT MOST
at_most() { if [ -n "$2" ] && [ "$2" -le "$3" ]; then pass "$1"; else fail "$1" "got '$2', more than $3"; fi; }
# refuses NAME CODE PATTERN COMMAND...: ends with this exit code, and one line of what it says matches the pattern.
refuses() {
	local name=$1 code=$2 pattern=$3 said status
	shift 3
	if [ "$(type -t "$1")" = file ]; then said=$(timeout 60 "$@" 2>&1); else said=$("$@" 2>&1); fi
	status=$?
	if [ "$status" != "$code" ]; then
		fail "$name" "exit $status, not $code: $said"
	elif ! grep -qiE -- "$pattern" <<<"$said"; then
		fail "$name" "it says: $said"
	else
		pass "$name"
	fi
}

finish() {
	local report
	for report in "$work"/sanitizer.*; do
		[ -e "$report" ] && fail sanitizer "$(head -n 20 "$report")"
	done
	echo "$suite: $passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}

skip() {
	if [ "${CI:-}" = true ]; then
		fail available "$1"
		finish
	fi
	echo "SKIP $suite: $1"
	exit 77
}

cleanup() {
	local dir pid
	awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r dir; do
		umount -l "$dir" 2>/dev/null || fusermount3 -uz "$dir" 2>/dev/null
	done
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# ended PID...: waits for each of this shell's children; true if all ended well. Not in $(...), where they are nobody's children.
ended() {
	local pid all=0
	for pid; do wait "$pid" || all=1; done
	return $all
}
# wait_for SECONDS COMMAND...: until it succeeds. Whole seconds of $SECONDS would let it end up to one too early.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		sleep 0.05
	done
}

# start_server NAME COMMAND...: waits for its first line, the endpoint, and puts it into $endpoint, its process id into $server_pid.
start_server() {
	local out=$work/$1.out
	shift
	"$@" >"$out" 2>"$out.err" &
	server_pid=$!
	pids+=("$server_pid")
	wait_for 20 test -s "$out" || { fail "server" "$(cat "$out.err")"; finish; }
	endpoint=$(head -n 1 "$out")
}
serve() { start_server "serve-$RANDOM" "$hffs" serve "$1" --listen "${2:-127.0.0.1:0}" --state "$work/serve-state"; }
serve_faulty() { start_server "hub-$RANDOM" "$hub_faulty" "$1" --listen 127.0.0.1:0 --state "$work/serve-state"; }
# control PATH: a request to the faulty hub's own interface.
control() { curl -fsS "$endpoint/_test/$1"; }

# init_git DIR: a repository with a branch main; git knows from here on who commits.
init_git() {
	export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
	git -C "$1" init -q -b main
}
# git_commit DIR WORD: all that is there, with a version.txt that says WORD; prints the commit.
git_commit() {
	echo "$2" >"$1/version.txt"
	git -C "$1" add -A
	git -C "$1" commit -qm "$2"
	git -C "$1" rev-parse HEAD
}

# mount_hub DIR [OPTIONS]: the whole hub at DIR, which is made; the cache is DIR.cache.
mount_hub() {
	mkdir -p "$1"
	"$hffs" mount "$1" -o "endpoint=$endpoint,cache=$1.cache,log=$1.log${2:+,$2}"
}
must_mount() { local said; said=$(mount_hub "$@" 2>&1) || { fail mount "$said"; finish; }; }
is_mounted() { grep -q " $1 " /proc/self/mountinfo; }
# counter DIR NAME: a number of `hffs status --json`.
counter() { "$hffs" status --json "$1" | sed -n "s/.*[{,]\"$2\":\([0-9]*\).*/\1/p"; }
daemon_pid() { counter "$1" pid; }
# of_cache DIR NAME: what its cache says of itself, in `hffs status --json`.
of_cache() { "$hffs" status --json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["mounts"][0]["cache"][sys.argv[1]])' "$2"; }
# A zombie has ended; that somebody else's parent has not looked yet is not ours to wait for.
is_gone() { ! grep -qsE '^State:\s+[^Z]' "/proc/$1/status"; }
# kill_daemon DIR: no chance to clean up; the dead mount stays.
kill_daemon() {
	local pid
	pid=$(daemon_pid "$1")
	kill -9 "$pid"
	wait_for 10 is_gone "$pid"
}

# sums DIR: sha256 of every file below, with sizes, sorted.
sums() { (cd "$1" && find -L . -type f -not -path './.git/*' -print0 | sort -z | xargs -0 -r sha256sum); }
# same_files NAME DIR SOURCE
same_files() {
	local got want
	got=$(sums "$2" 2>&1)
	want=$(sums "$3")
	if [ "$got" = "$want" ]; then pass "$1"; else fail "$1" "$(diff <(echo "$got") <(echo "$want") | head -n 4)"; fi
}

# make_hub DIR: org/model, of many sizes and names, org/other, and a dataset.
make_hub() {
	python3 - "$1" <<'END'
import os, random, sys
top, rng = sys.argv[1], random.Random(7)
sizes = {"org/model/empty": 0, "org/model/one": 1, "org/model/page": 4096, "org/model/page-1": 4095, "org/model/chunk": 262144,
         "org/model/chunk-1": 262143, "org/model/chunk+1": 262145, "org/model/three.bin": 3 * 1048576 + 7,
         "org/model/large.safetensors": 20 * 1048576 + 13, "org/model/sub/deeper/file.txt": 999, "org/model/sub/deeper/er/x": 5,
         "org/model/with blank.txt": 77, "org/model/\u00fcml\u00e4ut.txt": 78, "org/other/file.bin": 5 * 1048576,
         "datasets/org/data/train.jsonl": 400000, "spaces/org/app/app.py": 300}
for path, size in sizes.items():
    os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
    with open(f"{top}/{path}", "wb") as f:
        f.write(rng.randbytes(size))
with open(f"{top}/org/model/config.json", "w") as f:
    f.write('{"model_type": "none"}\n')
END
}

need_fuse() { [ -c /dev/fuse ] || skip "there is no /dev/fuse"; }

[ -x "$hffs" ] || { echo "FAIL $suite/build: there is no $hffs"; exit 1; }
