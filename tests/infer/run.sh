#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs run and hffs embed on files of this machine: what is written, what is counted, what is refused. tiny-tales.json has what
# transformers computes.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
tiny=$root/examples/hub/hffs/tiny-tales
cd "$work" || exit 1

run() { "$hffs" run "$@"; }
# member NAME: of the JSON on standard input.
member() { python3 -c 'import json, sys; v = json.load(sys.stdin)[sys.argv[1]]; print(v if isinstance(v, str) else json.dumps(v))' "$1"; }
golden() { python3 -c 'import json, sys; c = json.load(open(sys.argv[1]))["cases"][int(sys.argv[2])]; v = c[sys.argv[3]]; print(v if isinstance(v, str) else json.dumps(v))' "$root/tests/infer/tiny-tales.json" "$1" "$2"; }
ids_of() { golden "$1" prompt_ids | tr -d '[] '; }

# --- text ---
for i in 0 1 2; do
	run "$tiny" --ids "$(ids_of $i)" -n 60 --temperature 0 --json >"$work/$i.json" 2>"$work/said" || fail "greedy-$i" "$(cat "$work/said")"
	equal "greedy-ids-$i" "$(member tokens <"$work/$i.json")" "$(golden $i greedy_ids)"
	run "$tiny" --ids "$(ids_of $i)" --logits >"$work/$i.logits"
	check "logits-$i" python3 - "$work/$i.logits" "$(golden $i top5)" <<'END'
import json, sys
logits, top = json.load(open(sys.argv[1]))["logits"], json.loads(sys.argv[2])
assert len(logits) == 1024, len(logits)
assert sorted(range(1024), key=lambda i: -logits[i])[:5] == [i for i, _ in top]
for i, want in top:
    assert abs(logits[i] - want) < 0.01, (i, logits[i], want)
END
done
first=$work/0.json
equal prompt-tokens "$(member prompt_tokens <"$first")" 5
equal end-length "$(member end <"$first")" length
check timings python3 -c 'import json, sys
t = json.load(open(sys.argv[1]))["timings"]
assert t["bind_ms"] > 0 and t["first_token_ms"] > 0 and t["prompt_tokens_per_s"] > 0 and t["decode_tokens_per_s"] > 0, t
assert "bytes_at_first_token" not in t' "$first"
equal plain-text "$(run "$tiny" --ids "$(ids_of 0)" -n 10 --temperature 0)" " there was a gentle boy named Sam. Sam had"
equal text-in-json "$(run "$tiny" --ids "$(ids_of 0)" -n 10 --temperature 0 --json | member text)" " there was a gentle boy named Sam. Sam had"
equal end-of-model "$(member end <"$work/2.json") $(member text <"$work/2.json" | tail -c 13)" "eos and stopped."
story=$(run "$tiny" -p "Once upon a time" -n 20 --temperature 0)
equal prompt-of-stdin "$(echo "Once upon a time" | run "$tiny" -n 20 --temperature 0)" "$story"
for kernels in scalar avx2 avx512; do
	run "$tiny" --kernels $kernels --bench >/dev/null 2>&1 || continue # not on this processor
	equal "text-of-$kernels" "$(run "$tiny" -p "Once upon a time" -n 20 --temperature 0 --kernels $kernels --kv f32)" "$story"
done
check empty-prompt test -n "$(run "$tiny" -p "" -n 3 --temperature 0)"

# --- sampling ---
seven=$(run "$tiny" -p "Once upon a time" -n 60 --seed 7)
for threads in 1 2 3; do
	equal "seed-with-$threads-threads" "$(run "$tiny" -p "Once upon a time" -n 60 --seed 7 --threads $threads)" "$seven"
done
equal seed-with-a-sign "$(run "$tiny" -p "Once upon a time" -n 60 --seed -1)" "$(run "$tiny" -p "Once upon a time" -n 60 --seed 18446744073709551615)"
check other-seed test "$(run "$tiny" -p "Once upon a time" -n 60 --seed 8)" != "$seven"
equal top-k-1 "$(run "$tiny" -p "Once upon a time" -n 20 --temperature 5 --top-k 1)" "$story"
equal top-p-0 "$(run "$tiny" -p "Once upon a time" -n 20 --temperature 2 --top-k 0 --top-p 0)" "$story"
equal min-p-1 "$(run "$tiny" -p "Once upon a time" -n 20 --temperature 2 --top-k 0 --top-p 1 --min-p 1)" "$story"
check repeat-penalty test "$(run "$tiny" -p "Once upon a time" -n 40 --temperature 0 --repeat-penalty 2)" != "$(run "$tiny" -p "Once upon a time" -n 40 --temperature 0)"

# --- ends ---
equal stop "$(run "$tiny" -p "Once upon a time" --temperature 0 --stop zebra --stop 'gentle boy')" " there was a "
equal stop-is-said "$(run "$tiny" -p "Once upon a time" --temperature 0 --stop boy --json | member end)" stop
equal context-is-full "$(run "$tiny" -p "Once upon a time" --temperature 0 --context 16 2>/dev/null | tail -n 1)" "$(run "$tiny" -p "Once upon a time" -n 13 --temperature 0)"
refuses context-is-said 0 'the context of 16 tokens is full' run "$tiny" -p "Once upon a time" --temperature 0 --context 16
equal context-in-json "$(run "$tiny" -p "Once upon a time" --temperature 0 --context 16 --json | member end)" context
refuses prompt-too-long 1 'the prompt has 600 tokens, and the context has room for 512, the answer included$' run "$tiny" --ids "$(seq -s, 600)"
refuses prompt-for-a-larger-context 1 'room for 16, the answer included; --context' run "$tiny" --ids "$(seq -s, 16)" --context 16
refuses logits-for-a-larger-context 1 'there is room; --context' run "$tiny" --ids "$(seq -s, 17)" --context 16 --logits

# --- tokens that are seldom met ---
python3 "$root/tests/infer/odd_model.py" "$tiny" "$work/seldom" || fail odd-model "it cannot be made"
odd() { run "$work/seldom" --ids "$(ids_of 0)" --temperature 0 --json "$@" 2>"$work/said"; }
check parts-of-a-character-and-a-zero-byte python3 -c 'import json, sys
text = json.loads(sys.argv[1])["text"]
assert text == "there was a\u20ac Sam. Sam\0 a hat. One", repr(text)' "$(odd -n 15)"
equal not-applied-is-said "$(cat "$work/said")" "hffs run: generation_config.json asks for what is not applied: no_repeat_ngram_size"
check stop-of-a-special-token python3 -c 'import json, sys
got = json.loads(sys.argv[1])
assert got["end"] == "stop" and got["text"].endswith("Sam\0 a") and got["tokens"][-1] == 750, got' "$(odd -n 40 --stop zebra --stop '<|pause|>')"
check ids-without-a-token python3 -c 'import json, sys
got = json.loads(sys.argv[1])
assert len(got["tokens"]) == 60 and any(788 < t < 1000 for t in got["tokens"]) and got["text"], got' "$(odd -n 60 --temperature 100 --top-k 0 --top-p 1 --seed 1)"

# --- interrupts: the text so far, and 130 ---
mkdir "$work/endless" && ln -s "$tiny"/model* "$tiny"/token* "$tiny/config.json" "$work/endless" && echo '{"eos_token_id": 1023}' >"$work/endless/generation_config.json"
# interrupted NAME OPTION...: SIGINT after a while; $? and the output in $work/interrupted.
interrupted() {
	"$hffs" run "$work/endless" --threads 1 --kernels scalar "$@" >"$work/interrupted" 2>/dev/null &
	local pid=$!
	sleep 0.7
	kill -INT $pid 2>/dev/null
	wait $pid
}
interrupted -p "Once upon a time" --context 100000 --json
equal interrupt "$? $(member end <"$work/interrupted")" "130 interrupted"
check interrupt-keeps-text test "$(member tokens <"$work/interrupted" | wc -c)" -gt 20
for _ in $(seq 3000); do echo "$story"; done >"$work/long"
interrupted --perplexity "$work/long"
equal interrupt-of-perplexity $? 130
interrupted --chat < <(sleep 5)
equal interrupt-without-template $? 1
python3 "$root/tests/infer/chat_model.py" "$tiny" "$work/chat" || fail chat-model "it cannot be made"
"$hffs" run "$work/chat" --chat < <(sleep 5) & pid=$!
sleep 0.5
kill -INT $pid
wait $pid
equal interrupt-while-reading $? 130

# --- perplexity: the same by the logits of each position ---
echo "$story" >"$work/text"
run "$tiny" --perplexity "$work/text" --window 8 --json >"$work/ppl" || fail perplexity "it fails"
check perplexity python3 - "$hffs" "$tiny" "$work/text" "$work/ppl" <<'END'
import json, math, subprocess, sys
hffs, tiny, text, got = sys.argv[1:]
ids = [int(n) for n in subprocess.run([hffs, "tokenize", tiny, open(text).read()], capture_output=True, text=True, check=True).stdout.split()]
total = count = 0
for at in range(0, len(ids), 8):
    window = ids[at:at + 8]
    for n in range(1, len(window)):
        out = subprocess.run([hffs, "run", tiny, "--logits", "--ids", ",".join(map(str, window[:n]))], capture_output=True, text=True, check=True)
        logits = json.loads(out.stdout)["logits"]
        most = max(logits)
        total -= logits[window[n]] - most - math.log(sum(math.exp(v - most) for v in logits))
        count += 1
got = json.load(open(got))
assert got["count"] == count, (got, count)
assert abs(got["ppl"] / math.exp(total / count) - 1) < 1e-3, (got, math.exp(total / count))
END
check bench python3 -c 'import json, sys
b = json.loads(sys.argv[1])
assert b["prompt_tokens_per_s"] > 0 and b["decode_tokens_per_s"] > 0 and b["weight_bytes"] > 6000000' "$(run "$tiny" --bench --json)"

# --- conversations ---
chat_prompt() { "$hffs" run "$work/chat" --chat "$@" --temperature 0 -n 1 --json | member prompt_tokens; }
equal chat-tokens "$(chat_prompt -p boy)" "$("$hffs" tokenize "$work/chat" $'<|im_start|>user\nboy<|im_end|>\n<|im_start|>assistant\n' | wc -w)"
# A special token that the user writes is text: more tokens than the one that it would be.
check chat-plain test "$(chat_prompt -p 'boy<|im_end|>')" -gt $(($(chat_prompt -p boy) + 3))
# first_of CONFIG MAP: the token that begins a text, of these members of both files.
first_of() {
	rm -rf "$work/first" && python3 "$root/tests/infer/chat_model.py" "$tiny" "$work/first" '{{ bos_token }}{% for message in messages %}{{ message["content"] }}{% endfor %}' ||
		return
	python3 - "$work/first" "$@" <<'END'
import json, sys
folder, members, named = sys.argv[1:]
config = json.load(open(f"{folder}/tokenizer_config.json"))
for key in ("bos_token", "added_tokens_decoder"):
    config.pop(key, None)
json.dump(config | json.loads(members), open(f"{folder}/tokenizer_config.json", "w"))
open(f"{folder}/special_tokens_map.json", "w").write(named)
END
	"$hffs" run "$work/first" --chat -p boy --temperature 0 -n 1 --json | member prompt_tokens
}
alone=$("$hffs" tokenize "$work/chat" boy | wc -w)
equal first-of-config "$(first_of '{"bos_token": "<|im_end|>", "added_tokens_decoder": {}}' '{}')" $((alone + 1))
equal first-is-null "$(first_of '{"bos_token": null, "added_tokens_decoder": {}}' '{"bos_token": "<|im_end|>"}')" "$alone"
equal first-of-map "$(first_of '{"added_tokens_decoder": {}}' '{"bos_token": {"content": "<|im_end|>"}}')" $((alone + 1))
equal first-of-map-where-old "$(first_of '{"bos_token": "boy boy"}' '{"bos_token": "<|im_end|>"}')" $((alone + 1))
check chat-system test "$(chat_prompt -p boy --system boy)" -gt "$(chat_prompt -p boy)"
check chat-answers test -n "$(run "$work/chat" --chat -p "Once upon a time" --temperature 0 -n 20)"
printf 'Once upon a time\n\nThere was once\n' | run "$work/chat" --chat --temperature 0 -n 10 >"$work/talk" 2>/dev/null
equal chat-of-lines "$(wc -l <"$work/talk")" 2
refuses chat-zero-byte-in-a-line 1 'a line has a zero byte' run "$work/chat" --chat < <(printf 'boy\0girl\n')
refuses chat-overflow 1 'no longer fits the context of 32 tokens' run "$work/chat" --chat -p "$story $story $story" --context 32
refuses chat-without-template 1 'tiny-tales has no chat template' run "$tiny" --chat -p Hi
python3 "$root/tests/infer/chat_model.py" "$tiny" "$work/odd" '{{ messages | tojson }}'
refuses chat-unknown-template 1 'is not understood' run "$work/odd" --chat -p Hi
printf '{{ messages }}\0{{ x }}' >"$work/odd/chat_template.jinja"
refuses chat-zero-byte 1 'has a zero byte' run "$work/odd" --chat -p Hi

# --- what is refused ---
refuses no-model-there 1 'No such file' run ./nowhere -p x
refuses no-model-in-folder 1 'there is no model' run "$root/docs" -p x
mkdir "$work/several" && touch "$work/several/a.gguf" "$work/several/b.gguf"
refuses several-files 1 'name one, as DIR/FILE.gguf or .*: a.gguf, b.gguf' run "$work/several" -p x
mkdir "$work/bare" && ln -s "$tiny"/model* "$tiny/config.json" "$work/bare"
refuses no-tokenizer 1 'tokenizer' run "$work/bare" -p x
check ids-without-tokenizer run "$work/bare" --ids 0,383 -n 2
mkdir "$work/broken" && ln -s "$tiny"/model* "$tiny"/token* "$work/broken" && echo '{"model_type": ' >"$work/broken/config.json"
refuses broken-config 1 'config.json' run "$work/broken" -p x
echo '{"model_type": "mystery", "architectures": ["MysteryForCausalLM"]}' >"$work/broken/config.json"
refuses unknown-architecture 1 'mystery' run "$work/broken" -p x
cp "$tiny/config.json" "$work/broken" && echo '{"temperature": "warm"}' >"$work/broken/generation_config.json"
refuses broken-generation-config 1 'generation_config.json: temperature' run "$work/broken" -p x
refuses bad-id 1 'id 5000, and the model.s vocabulary ends at 1023' run "$tiny" --ids 5000
refuses unknown-kernels 1 "'sse9'" run "$tiny" -p x --kernels sse9
refuses no-perplexity-file 1 'nowhere' run "$tiny" --perplexity nowhere
refuses too-short-a-text 1 'nothing to score' run "$tiny" --perplexity <(printf a)
refuses window-beyond-context 1 'does not fit the context' run "$tiny" --perplexity "$work/text" --window 600 --context 512
refuses embedding-of-text-model 1 'makes text and no embeddings' "$hffs" embed "$tiny" x
refuses write-error 1 'cannot write' bash -c "'$hffs' run '$tiny' -p x -n 3 >/dev/full"
for bad in '--ids 1,x|token ids' '--ids , |token ids' '-n 0|number of tokens' '--temperature hot|--temperature takes' '--top-p 2|--top-p takes' \
	'--top-k -1|--top-k takes' '--seed x|--seed takes' '--seed -|--seed takes' '--seed 99999999999999999999|of 64 bits' \
	'--context 1|length of a context' '--threads 0|number of threads' '--kv f8|f16 or f32' \
	'--window 8|goes with --perplexity' '--system x|goes with --chat' '--chat --bench|only one of' '--chat --json|one turn' '--ids 1 -p x|--ids is the prompt'; do
	refuses "usage:${bad%%|*}" 2 "${bad#*|}" bash -c "'$hffs' run '$tiny' ${bad%%|*}"
done
refuses no-model 2 'REPO is missing' run
refuses two-models 2 "'b' is too much" run a b
refuses bad-repo 2 'is not a repository' run 'no good'
refuses name-without-organisation 2 'has no organisation' run gpt2
finish
