#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Models by the name of their repository: through a mount that is there, through a private one, and where nothing can be mounted. What
# comes over the wire, what is left behind, and that a hub that fails is an error and no crash.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
tiny=$root/examples/hub/hffs/tiny-tales
mkdir -p "$work/hub/hffs/tiny" "$work/hub/hffs/quants" "$work/hub/hffs/none" "$work/tmp"
cp "$tiny"/* "$work/hub/hffs/tiny/"
head -c 30000000 /dev/urandom >"$work/hub/hffs/tiny/pytorch_model.bin" # nobody needs it
touch "$work/hub/hffs/quants/m-Q4_K_M.gguf" "$work/hub/hffs/quants/m-Q8_0.gguf"
cp "$tiny/README.md" "$work/hub/hffs/none/"
needed=$(cat "$tiny"/* | wc -c)
serve_faulty "$work/hub"
export HF_ENDPOINT=$endpoint HFFS_CACHE=$work/cache XDG_RUNTIME_DIR=$work/tmp
cd "$work" || exit 1

run() { "$hffs" run "$@"; }
tell() { run hffs/tiny "$@" -p "Once upon a time" -n 10 --temperature 0; }
story=" there was a gentle boy named Sam. Sam had"
# bytes: those by the first token, of the JSON on standard input.
bytes() { sed -n 's/.*"bytes_at_first_token":\([0-9]*\).*/\1/p'; }
left_behind() { { ls "$work/tmp"; grep -o "$work/tmp/[^ ]*" /proc/self/mountinfo; pgrep -f "^$hffs run"; } | sort -u; }
nothing_left() { [ -z "$(left_behind)" ]; }

# --- a private mount ---
equal cold "$(tell 2>"$work/said")" "$story"
equal cold-says-nothing "$(cat "$work/said")" ""
equal cold-leaves-nothing "$(left_behind)" ""
rm -rf "$work/cache"
control reset >/dev/null
got=$(tell --json | bytes)
equal cold-asks-what-there-is-once "$(control stats | grep -o '"requests":{"api":[0-9]*')" '"requests":{"api":2' # revision and listing
at_most cold-bytes "${got:-none}" $((needed + 2 * 262144))
check cold-bytes-are-counted test "${got:-0}" -gt 6000000
control reset >/dev/null
equal warm "$(tell --json -o offline | bytes)" 0
equal warm-requests "$(control stats | grep -o '"total":[0-9]*' | head -n 1)" '"total":0'
equal url "$(run "$endpoint/hffs/tiny/tree/main" -p "Once upon a time" -n 10 --temperature 0)" "$story"
equal revision "$(run hffs/tiny@main -p "Once upon a time" -n 10 --temperature 0)" "$story"

# --- what ends it ---
mkdir "$work/endless" && cp "$tiny"/* "$work/endless/" && echo '{"eos_token_id": 1023}' >"$work/endless/generation_config.json"
mkdir -p "$work/hub/hffs/endless" && cp "$work/endless"/* "$work/hub/hffs/endless/"
endless() { "$hffs" run hffs/endless -p "Once" --context 100000 --threads 1 --kernels scalar >/dev/null 2>&1; }
# Complete files are read where they lie in the cache, and mapped from there.
is_mapped() { grep -qs "$work/cache/blobs/" /proc/"$(pgrep -f "^$hffs run hffs/endless" | head -n 1)"/maps; }
endless & shell=$!
sleep 2
for pid in $(pgrep -P $shell); do kill -INT "$pid"; done
wait $shell
check nothing-left-at-first wait_for 10 nothing_left
for signal in INT TERM KILL; do
	endless & shell=$!
	is_running() { grep -q "$work/tmp/" /proc/self/mountinfo; }
	wait_for 10 is_running || fail "started-$signal" "there is no private mount"
	check "maps-data-files-$signal" wait_for 10 is_mapped
	for pid in $(pgrep -P $shell); do kill -$signal "$pid"; done
	wait $shell 2>/dev/null
	status=$?
	[ $signal = KILL ] || equal "exit-code-$signal" $status 130
	check "nothing-left-$signal" wait_for 10 nothing_left
done

# --- two at a time share a mount ---
endless & shell=$!
wait_for 10 grep -q "$work/tmp/" /proc/self/mountinfo
equal second-process "$(tell)" "$story"
for pid in $(pgrep -P $shell); do kill -INT "$pid"; done
wait $shell 2>/dev/null
check nothing-left-of-two wait_for 10 nothing_left

# --- a mount that is there ---
rm -rf "$work/cache"
hf=$work/hf
mkdir "$hf"
"$hffs" mount "$hf" || fail mount "it cannot be made"
got=$(tell --json | bytes)
at_most mounted-bytes "${got:-none}" $((needed + 2 * 262144))
equal mounted "$(tell)" "$story"
equal mounted-again "$(tell --json | bytes)" 0
equal no-private-mount "$(left_behind)" ""
equal path-in-mount "$(run "$hf/hffs/tiny/main" -p "Once upon a time" -n 10 --temperature 0)" "$story"
refuses no-such-repo-in-mount 1 'hffs/missing: there is no such repository' run hffs/missing -p x
check umount "$hffs" umount "$hf"

# --- where nothing can be mounted ---
if [ "$(id -u)" = 0 ]; then
	rm -rf "$work/cache"
	no_fuse() { unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' sh "$@"; }
	equal pulled "$(no_fuse "$hffs" run hffs/tiny -p "Once upon a time" -n 10 --temperature 0 2>"$work/said")" "$story"
	check pulled-is-said grep -q 'nothing can be mounted here' "$work/said"
	equal pulled-again "$(no_fuse "$hffs" run hffs/tiny -p "Once upon a time" -n 10 --temperature 0 --json | bytes)" 0
	equal pulled-leaves-nothing "$(left_behind)" ""
	equal pulled-bytes "$(du -b --apparent-size -c "$work/cache/blobs"/*/* | tail -n 1 | awk -v n="$needed" '{ print ($1 <= n) }')" 1
fi

# --- a slow link, cold: the first token right behind the last byte that it needs ---
rm -rf "$work/cache"
control 'shape?delay_ms=20&total_bps=4000000' >/dev/null
start=$(date +%s%N)
tell >/dev/null || fail slow-link "it fails"
took=$((($(date +%s%N) - start) / 1000000))
at_most slow-link-ms $took $((needed * 1000 / 4000000 + 2500))
control clear >/dev/null

# --- files do not wait for each other: while the first one is on its way, the other six are asked for ---
rm -rf "$work/cache"
control 'fault?kind=delay&route=resolve&match=/config.json&arg=20000' >/dev/null
control reset >/dev/null
tell >/dev/null 2>&1 & shell=$!
asked_for_all() { [ "$(control stats | sed 's/.*"requests":[^}]*"resolve":\([0-9]*\).*/\1/')" -ge 6 ]; }
check heads-at-once wait_for 10 asked_for_all
control clear >/dev/null
for pid in $(pgrep -P $shell); do kill -INT "$pid"; done
wait $shell 2>/dev/null
check heads-leave-nothing wait_for 10 nothing_left

# --- a hub that fails ---
rm -rf "$work/cache"
control 'fault?kind=close&route=cdn' >/dev/null
refuses hub-fails 1 '[a-z]' tell -o deadline=2s
check hub-fails-leaves-nothing wait_for 15 nothing_left
control clear >/dev/null
rm -rf "$work/cache"
control 'fault?kind=flip&route=cdn&arg=100000' >/dev/null
said=$(tell 2>&1)
status=$?
check wrong-bytes-are-no-crash test $status -le 1
control clear >/dev/null
rm -rf "$work/cache"
refuses no-such-repo 1 'hffs/missing' run hffs/missing -p x
refuses no-model-in-repo 1 'hffs/none: there is no model' run hffs/none -p x
refuses several-files 1 'm-Q4_K_M.gguf, m-Q8_0.gguf' run hffs/quants -p x
refuses no-such-file 1 "no GGUF file fits 'q5'" run hffs/quants:q5 -p x
refuses not-a-gguf 1 'run: hffs/quants/m-Q8_0.gguf is empty' run hffs/quants:q8 -p x
refuses nothing-behind-colon 2 'names no file' run hffs/quants: -p x
check refused-leave-nothing wait_for 10 nothing_left

# --- a user without root ---
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mode=$(stat -c %a /dev/fuse)
	chmod 666 /dev/fuse
	chmod 755 "$work"
	mkdir -p "$work/home/tmp" "$work/bin"
	cp "$hffs" "$work/bin/"
	chown -R nobody "$work/home"
	as_nobody() {
		setpriv --reuid=nobody --regid=nogroup --clear-groups env -i PATH="$PATH" HOME="$work/home" XDG_RUNTIME_DIR="$work/home/tmp" \
			HF_ENDPOINT="$endpoint" ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} "$@"
	}
	equal user "$(as_nobody "$work/bin/hffs" run hffs/tiny -p "Once upon a time" -n 10 --temperature 0)" "$story"
	equal user-warm "$(as_nobody "$work/bin/hffs" run hffs/tiny -p "Once upon a time" -n 10 --temperature 0 --json | bytes)" 0
	equal user-leaves-nothing "$(ls "$work/home/tmp"; grep -c "$work/home/tmp" /proc/self/mountinfo)" 0
	chmod "$mode" /dev/fuse
fi
finish
