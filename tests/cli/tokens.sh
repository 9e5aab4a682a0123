#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs tokenize and detokenize: there and back byte for byte, lines as they come, by repository, and what is said of what is wrong.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
tiny=$root/examples/hub/hffs/tiny-tales
cd "$work" || exit 1

equal words "$("$hffs" tokenize "$tiny" 'Once upon a time')" "383 384 260 348"
equal standard-input "$(printf 'Once upon a time' | "$hffs" tokenize "$tiny")" "383 384 260 348"
equal option-behind "$("$hffs" tokenize "$tiny" 'Once' --json)" '[{"id": 383, "token": "Once"}]'
equal text-with-minus "$("$hffs" tokenize "$tiny" -- -1 | "$hffs" detokenize "$tiny")" -1
equal ids-as-arguments "$("$hffs" detokenize "$tiny" 383 384 260 348)" "Once upon a time"
equal ids-in-one-argument "$("$hffs" detokenize "$tiny" "383 384 260 348")" "Once upon a time"
equal no-text "$(printf '' | "$hffs" tokenize "$tiny")" ""

# Text of every kind, a line feed at its end or not.
for file in "$root/README.md" "$root/infer/tokenizer.c" "$root/tests/unit/tokenizers.json"; do
	"$hffs" tokenize "$tiny" --no-special <"$file" >ids && "$hffs" detokenize "$tiny" <ids >back
	check "back-again-$(basename "$file")" cmp "$file" back
done
printf 'a\377b' | "$hffs" tokenize "$tiny" --no-special | "$hffs" detokenize "$tiny" >back
equal bad-bytes "$(cat back)" $'a\357\277\275b'

special=$("$hffs" tokenize "$tiny" --no-special '<|end|>')
equal special-is-one-token "$(wc -w <<<"$special")" 1
check plain-is-text test "$("$hffs" tokenize "$tiny" --no-special --plain '<|end|>' | wc -w)" -gt 1
equal special-is-left-out "$("$hffs" detokenize "$tiny" --no-special 383 "$special")" Once

# A line in, a line out, before the next one is there.
coproc "$hffs" tokenize "$tiny" --json-lines
pid=$COPROC_PID to=${COPROC[1]} from=${COPROC[0]} # bash forgets them when it ends
for row in '"Once upon"|[383,384]' '""|[]' '"a\u0020time"|*'; do
	echo "${row%|*}" >&"$to"
	read -r -t 20 answer <&"$from" || answer=none
	[ "${row#*|}" = '*' ] && row="${row%|*}|$answer"
	equal "line-${row%|*}" "$answer" "${row#*|}"
done
exec {to}>&-
wait "$pid"
equal lines-end $? 0
equal lines-back "$(printf '[383,384]\n[]\n[ 260 , 348 ]\n' | "$hffs" detokenize "$tiny" --json-lines)" $'"Once upon"\n""\n" a time"'

refuses no-json 1 'line 2: not a JSON string' bash -c "printf '\"a\"\nb\n' | '$hffs' tokenize '$tiny' --json-lines"
refuses no-list 1 'line 1: not a list of numbers' bash -c "echo '{}' | '$hffs' detokenize '$tiny' --json-lines"
refuses no-number 1 "'x' is no token's number" "$hffs" detokenize "$tiny" 1 x
refuses no-token 1 'no token with the id 4000000' "$hffs" detokenize "$tiny" 4000000
mkdir empty bad && echo '{"model":{"type":"Neural"}}' >bad/tokenizer.json
refuses no-tokenizer 1 'there is no model' "$hffs" tokenize empty x
refuses unknown-model 1 'Neural' "$hffs" tokenize bad x
head -c 100 /dev/urandom >file.gguf
refuses no-gguf 1 '' "$hffs" tokenize ./file.gguf x
refuses full-disk 1 'cannot write' bash -c "'$hffs' tokenize '$tiny' x >/dev/full"

# By repository: only the tokenizer is fetched.
mkdir -p hub/hffs/tiny && cp "$tiny"/* hub/hffs/tiny/
serve "$work/hub"
export HF_ENDPOINT=$endpoint HFFS_CACHE=$work/cache
equal repository "$("$hffs" tokenize hffs/tiny 'Once upon a time')" "383 384 260 348"
equal revision "$("$hffs" detokenize hffs/tiny@main 383 384)" "Once upon"
at_most bytes-of-repository "$(du -s --block-size=1 "$work/cache" | cut -f1)" 3000000
refuses no-repository 1 'hffs/none' "$hffs" tokenize hffs/none x
finish
