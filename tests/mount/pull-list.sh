#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pull --from-file: several repositories, revisions, patterns; what fails is said with its line; requests counted, a 429 waited for.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
make_hub "$work/hub"
serve "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"
list=$work/list.txt
cat >"$list" <<'END'
# what the job needs
org/model *.safetensors 'with blank.txt'   # two patterns

datasets/org/data
	org/other@main "*.bin"
END
check pull "$hffs" pull -q --from-file "$list" -o "$on"
check pulled-and-no-more test "$(find "$work/cache/blobs" -type f | wc -l)" = 4
equal says-each "$("$hffs" pull -f "$list" -o "$on,offline" 2>/dev/null | tr '\n' ';')" "org/model: 2 files, 21.0 MB: complete;datasets/org/data: 1 file, 400.0 kB: complete;org/other@main: 1 file, 5.2 MB: complete;"
check from-stdin bash -c "'$hffs' pull -q -f - -o '$on,offline' <'$list'"
equal empty-list "$(printf '# nothing\n\n' | "$hffs" pull -f - -o "$on" 2>&1)" ""

# One line fails, the others are pulled.
printf 'org/nothing\norg/model *.none\na/b/c\norg/model one # the fourth\norg/model@v9\n' >"$work/bad.txt"
said=$("$hffs" pull -q --from-file "$work/bad.txt" -o "$on" 2>&1)
equal bad-exit "$?" 1
for line in "1: .*org/nothing" "2: no file of org/model matches" "3: 'a/b/c' is not a repository" "5: org/model@v9"; do
	check "says-line-${line%%:*}" grep -q "bad.txt line $line" <<<"$said"
done
equal says-no-more "$(grep -c . <<<"$said")" 4
check others-were-pulled "$hffs" pull -q org/model one -o "$on,offline"
printf "org/model 'one\n" >"$work/quote.txt"
refuses no-end-of-quote 1 'quote.txt line 1: a quote has no end' "$hffs" pull -f "$work/quote.txt" -o "$on"
printf 'org/model\0one\n' >"$work/nul.txt"
refuses not-text 1 'nul.txt is not text' "$hffs" pull -f "$work/nul.txt" -o "$on"
refuses list-is-a-directory 1 "cannot read the list $work" "$hffs" pull -f "$work" -o "$on"

# Through a mount.
hf=$work/hf
mkdir "$hf"
check mount "$hffs" mount "$hf" -o "$on"
printf 'org/model\norg/other\ndatasets/org/data\n' >"$work/all.txt"
check through-mount "$hffs" pull -q -f "$work/all.txt" -o "endpoint=$endpoint"
refuses through-mount-bad 1 'bad.txt line 1' "$hffs" pull -q -f "$work/bad.txt" -o "endpoint=$endpoint"
equal through-mount-complete "$(getfattr --only-values -n user.hffs.cached "$hf/org/model/main/three.bin" 2>/dev/null)" 3145735
check umount "$hffs" umount "$hf"

if [ -x "$hub_faulty" ]; then
	serve_faulty "$work/hub"
	on="endpoint=$endpoint,cache=$work/cache2"
	requests() { control stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["requests"][sys.argv[1]])' "$1"; }
	# The same repository in several lines is listed once.
	printf 'org/model one\norg/model page\norg/model *.json\norg/model sub/\n' >"$work/same.txt"
	check same "$hffs" pull -q -f "$work/same.txt" -o "$on"
	at_most listed-once "$(requests api)" 2
	before=$(requests total)
	check again "$hffs" pull -q -f "$work/same.txt" -o "$on"
	equal again-asks-nothing "$(requests total)" "$before"
	# Too many requests, said by the Hub: all wait, nothing fails, nothing is asked meanwhile.
	control 'fault?kind=status&arg=429&route=resolve&times=1&retry_after=2' >/dev/null
	start=$(date +%s%N)
	check rate-limited "$hffs" pull -q -f "$work/all.txt" -o "$on"
	check rate-limit-was-waited-for test $((($(date +%s%N) - start) / 1000000)) -ge 1900
	check rate-limited-complete "$hffs" pull -q -f "$work/all.txt" -o "$on,offline"
fi
finish
