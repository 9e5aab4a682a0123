#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hffs inspect and hffs tensors: what they tell of each kind of repository, and that a look costs little, by the server's own count.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ -x "$hub_faulty" ] || skip "there is no hub-faulty"
python3 "$root/tests/mount/inspect.py" "$work/hub" || skip "no hub could be made"
serve_faulty "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"

# look NAME REPO [OPTIONS]: its JSON in $said, the server's counts in $counts; less than ten requests, and few bytes beside card and headers.
look() {
	control reset >/dev/null
	said=$("$hffs" inspect --json "$2" -o "${3:-$on}" 2>"$work/err")
	code=$?
	counts=$(control stats)
	at_most "$1-requests" "$(count requests total)" 9
}
count() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]][sys.argv[3]])' "$counts" "$1" "$2"; }
# is NAME EXPRESSION: of j, what was said.
is() {
	local got
	got=$(python3 -c 'import json, sys; j = json.loads(sys.argv[1]); print(eval(sys.argv[2]))' "$said" "$2" 2>&1)
	equal "$1" "$got" True
}
risks='{r["risk"] for r in j["risks"]}'
fits='{l["name"] for l in j["loaders"] if l["fits"]}'

look four org/four
equal four-exit "$code" 0
is four-kind '(j["kind"], j["type"], j["publisher"], j["license"], j["gate"]) == ("model", "finetune", "org", "mit", "none")'
is four-base 'j["base_models"] == ["org/parent"] and j["changed"] == "This is org/parent fine-tuned on stories."'
is four-card 'j["card"] == {"present": True, "front_matter": "present", "trouble": None, "intended_use": True, "limitations": True}'
is four-files 'j["files"]["number"] == 9 and j["files"]["whole"] and {f["format"]: f["number"] for f in j["files"]["formats"]} == {"safetensors": 4, "json": 4, "text": 1}'
is four-weights '(j["weights"]["files"], j["weights"]["parameters"], j["weights"]["parameters_from"], j["weights"]["dtypes"], j["weights"]["dtypes_from"]) == (4, 256256, "hub", {"BF16": 256000, "F32": 256}, "hub")'
is four-tensors 'j["weights"]["tensors"] == 8'
is four-shape '(j["architecture"], j["context"], j["tokenizer"], j["chat_template"]) == ("LlamaForCausalLM", 2048, True, True)'
is four-memory 'j["memory"]["kv_cache"] == 2048 * 2 * 2 * 2 * 32 and j["memory"]["weights"] == j["weights"]["bytes"] and j["memory"]["bytes"] == sum(j["memory"][k] for k in ("weights", "kv_cache", "overhead"))'
is four-loaders "$fits"' == {"transformers", "vLLM", "hffs run"}'
is four-risks "$risks"' == set()'
is four-counts 'j["took"]["requests"] == '"$(count requests total)"' and j["took"]["through"] == "cache"'
at_most four-bytes "$(count bytes total)" 65536
# What was read is in the cache, so there is room for the headers.
look four-again org/four
is four-again-counted '(j["weights"]["parameters"], j["weights"]["parameters_from"], j["weights"]["dtypes"]) == (256256, "counted", {"BF16": 256000, "F32": 256})'
equal four-again-api "$(count requests api)" 0
check pull "$hffs" pull -q org/four -o "$on"
look four-cached org/four
equal four-cached-requests "$(count requests total)" 0
is four-cached-all 'j["files"]["bytes_cached"] == j["files"]["bytes"] and j["weights"]["parameters"] == 256256'
look four-offline org/four "$on,offline"
equal four-offline-exit "$code" 0
is four-offline 'j["license"] == "mit" and j["took"]["requests"] == 0'

# The Hub tells nothing of weights that it cannot read: the first header stands for the others, and what is left of the limit decides.
look spoiled org/spoiled "endpoint=$endpoint,cache=$work/other"
is spoiled '(j["weights"]["parameters_from"], j["weights"]["dtypes_from"], j["weights"]["tensors"], j["weights"]["dtypes"]) == ("estimated", "estimated", None, {"BF16": 64000, "F32": 64})'
is spoiled-about 'abs(j["weights"]["parameters"] - 3 * 64064) < 2000 and j["chat_template"] is False'

look gguf org/tiny-gguf
is gguf-type '(j["type"], j["weights"]["format"], j["weights"]["file"], j["weights"]["quantization"]) == ("quantized", "gguf", "tiny-Q4_K_M.gguf", "mostly Q4_0")'
is gguf-header '(j["context"], j["architecture"], j["tokenizer"], j["chat_template"], j["weights"]["tensors"], j["weights"]["parameters"]) == (4096, "llama", True, True, 1, 64 * 30720)'
is gguf-loaders '"llama.cpp" in '"$fits"' and "hffs run" not in '"$fits"
is gguf-base '"unknown_base" in '"$risks"
# The header has 0.4 MB, and the file 1.5 MB.
is gguf-bytes '400000 < j["took"]["bytes"] < 460000'
at_most gguf-bytes-sent "$(count bytes cdn)" 700000

look lora org/lora
is lora '(j["type"], j["base_models"], j["library"], j["weights"]["parameters"]) == ("adapter", ["org/four"], "peft", 512)'
is lora-loaders "$fits"' == {"peft"}'

look dataset datasets/org/stories
is dataset '(j["repository"], j["type"], j["task"], j["weights"], j["loaders"]) == ("datasets/org/stories", "dataset", "text-generation", None, [])'
look space spaces/org/app
is space '(j["type"], j["library"], j["risks"][0]["risk"]) == ("space", "gradio", "no_license")'

look no-card org/no-card
is no-card '{"no_card", "no_license"} <= '"$risks"' and j["card"]["present"] is False and j["weights"]["dtypes"] == {"F16": 16}'
look broken org/broken
equal broken-exit "$code" 3
is broken-card 'j["card"]["front_matter"] == "broken" and "line " in j["card"]["trouble"] and "broken_card" in '"$risks"
is broken-files 'any("config.json is malformed" in u for u in j["unread"]) and any("model.safetensors" in u for u in j["unread"])'
look odd datasets/org/odd
equal odd-exit "$code" 0
is odd '{"broken_card", "no_license"} == '"$risks"
look code org/code
is code '{"pickle", "remote_code", "no_license"} <= '"$risks"' and j["weights"]["format"] == "pickle"'
is code-run '[l["fits"] for l in j["loaders"] if l["name"] == "hffs run"] == [False]'
equal code-no-controls "$("$hffs" inspect org/code -o "$on" | tr -d '\n' | tr -dc '[:cntrl:]' | wc -c)" 0
look many org/many
is many 'j["files"]["whole"] is False and j["files"]["number"] == 1 and "large" in '"$risks"

look wide datasets/org/wide
is wide '(j["files"]["whole"], j["files"]["number"], j["license"], j["card"]["front_matter"]) == (False, 1, "mit", "present")'

look style org/style
is style '(j["type"], j["memory"], '"$fits"', [l["why"] for l in j["loaders"] if not l["fits"]]) == ("adapter", None, {"diffusers"}, ["adapters are not supported"])'
# A card that could not be read may name a licence.
control 'fault?kind=status&arg=403&route=resolve' >/dev/null
look closed org/closed "endpoint=$endpoint,cache=$work/closed"
control clear >/dev/null
equal closed-exit "$code" 3
is closed-license 'j["card"]["front_matter"] is None and "no_license" not in '"$risks"

# Of several sets of weights one is the model; what was not looked at is not denied.
weights='(j["weights"]["files"], j["weights"]["bytes"], j["weights"]["file"])'
bytes_of() { local file total=0; for file; do total=$((total + $(stat -c %s "$work/hub/org/$file"))); done; echo "$total"; }
sets="endpoint=$endpoint,cache=$work/sets"
look pipeline org/pipeline "$sets"
is pipeline "$weights == (2, $(bytes_of pipeline/{unet,vae}/diffusion_pytorch_model.safetensors), 'unet/diffusion_pytorch_model.safetensors')"
look variants org/variants "$sets"
is variants "$weights == (2, $(bytes_of variants/model-{1,2}-of-2.safetensors), 'model-1-of-2.safetensors')"
look consolidated org/consolidated "$sets"
is consolidated 'j["weights"]["parameters"] == 16 and j["weights"]["files"] == 1'
look ggufs org/ggufs "$sets"
is ggufs "$weights == (1, $(bytes_of ggufs/x-Q8_0.gguf), 'x-Q8_0.gguf')"
look no-gguf org/no-gguf "$sets"
is no-gguf '(j["tokenizer"], j["chat_template"]) == (None, None)'
look onnx org/onnx "$sets"
is onnx "$weights == (2, 9100, 'onnx/model.onnx') and j['memory']['weights'] == 9100"
look checkpoints org/checkpoints "$sets"
is checkpoints "$weights == (1, 5000, 'best.pt')"

# Eight parameters of 4 bits in each I32, and so on.
for row in "gptq 8010 estimated" "bnb 2010 estimated" "packed 4010 estimated" "fp8 1010 counted"; do
	read -r repo params told <<<"$row"
	look "few-bits-$repo" "org/$repo" "$sets"
	is "few-bits-$repo" "(j['weights']['parameters'], j['weights']['parameters_from'], j['type']) == ($params, '$told', 'quantized')"
done

# The gate: what is public is told, with the page to visit.
control 'token?token=hf_good&repo=org/gated&mode=gated' >/dev/null
look gated org/gated
equal gated-exit "$code" 3
is gated '(j["gate"] != "none", j["access"], j["license"], j["card"]["limitations"]) == (True, False, "mit", True)'
is gated-page 'any("'"$endpoint"'/org/gated" in r["text"] for r in j["risks"] if r["risk"] == "no_access")'
said=$(HF_TOKEN=hf_good "$hffs" inspect --json org/gated -o "$on")
is gated-with-token 'j["access"] and j["weights"]["parameters"] == 1600000'
control clear >/dev/null

# A name that has moved costs a request more.
control 'rename?from=org/old&to=org/four' >/dev/null
look renamed org/old "endpoint=$endpoint,cache=$work/renamed"
is renamed '(j["repository"], j["license"], j["weights"]["tensors"]) == ("org/four", "mit", 8)'
control clear >/dev/null

# Offline, with the listing and no more: what is known is told, the rest is named.
check ls "$hffs" ls org/lora -o "endpoint=$endpoint,cache=$work/listed"
look listed org/lora "endpoint=$endpoint,cache=$work/listed,offline"
equal listed-exit "$code" 3
is listed '(j["type"], j["files"]["number"], j["took"]["requests"]) == ("adapter", 3, 0) and any("README.md" in u for u in j["unread"])'

check listed-risks grep -q '^risks  *none seen, in what could be read$' \
	<<<"$("$hffs" inspect org/lora -o "endpoint=$endpoint,cache=$work/listed,offline" 2>/dev/null)"

equal listed-base-unknown "$(grep -c unknown_base <<<"$said")" 0

# Two at a time, and one that is not there.
said=$("$hffs" inspect --json org/four org/lora -o "$on")
is two '[x["repository"] for x in j] == ["org/four", "org/lora"]'
text=$("$hffs" inspect org/four "$endpoint/org/lora/tree/main" -o "$on")
equal two-columns "$(grep -cE '^kind +fine-tuned model .* adapter' <<<"$text")" 1
at_most two-width "$("$hffs" inspect org/four org/no-card -o "$on" | awk '{ if (length($0) > m) m = length($0) } END { print m }')" 80
at_most one-screen "$("$hffs" inspect org/four -o "$on" | wc -l)" 24
said=$("$hffs" inspect --json org/four org/nothing -o "$on" 2>/dev/null)
equal two-one-missing-exit "$?" 1
is two-one-missing 'j[0]["license"] == "mit" and j[1]["repository"] == "org/nothing" and len(j[1]["error"]) > 20'
refuses missing 1 'org/nothing' "$hffs" inspect org/nothing -o "$on"
refuses bad-name 2 'is not a repository' "$hffs" inspect a/b/c -o "$on"
refuses three 2 'at most two' "$hffs" inspect a b c
refuses no-repo 2 'REPO is missing' "$hffs" inspect
refuses offline-unknown 1 'offline|network' "$hffs" inspect org/other -o "$on,offline"
refuses no-network 1 'connect|reach|refused' "$hffs" inspect org/four -o "endpoint=http://127.0.0.1:1,cache=$work/none,deadline=2s"

# Through a mount: the same, and no more requests.
must_mount "$work/hf"
for repo in org/four org/tiny-gguf org/lora datasets/org/stories org/gated; do
	look "mount-${repo##*/}" "$repo" "endpoint=$endpoint"
	is "mount-${repo##*/}-through" 'j["took"]["through"] == "mount"'
	[ "$repo" != org/tiny-gguf ] || is mount-gguf-header '(j["context"], j["weights"]["parameters"]) == (4096, 64 * 30720)'
	[ "$repo" != org/four ] || is mount-four '(j["license"], j["type"], j["context"]) == ("mit", "finetune", 2048)'
done

# A mount of one repository tells of it before anybody has listed it.
mkdir "$work/one"
check mount-one "$hffs" mount org/four "$work/one" -o "endpoint=$endpoint,cache=$work/one.cache"
attribute() { getfattr --absolute-names --only-values -n "user.hffs.$1" "$work/one" 2>/dev/null; }
equal one-commit "$(attribute commit)" "$(basename "$(realpath "$work/hf/org/four/main")")"
equal one-license "$(attribute license)" mit
equal one-gated "$(attribute gated)" false
check one-umount "$hffs" umount "$work/one"
check umount-whole "$hffs" umount "$work/hf"
check mount-one-again "$hffs" mount org/four "$work/one" -o "endpoint=$endpoint,cache=$work/one2.cache"
look one org/four "endpoint=$endpoint"
equal one-exit "$code" 0
is one-through '(j["took"]["through"], j["license"], j["type"], j["weights"]["tensors"]) == ("mount", "mit", "finetune", 8)'
check one-umount-again "$hffs" umount "$work/one"
# Nor does it say that a gated one is free for all, where the Hub was silent when it was mounted.
control 'token?token=hf_good&repo=org/gated&mode=gated' >/dev/null
control 'fault?kind=status&arg=503' >/dev/null
check mount-one-silent "$hffs" mount org/gated "$work/one" -o "endpoint=$endpoint,cache=$work/one3.cache,deadline=2s"
control clear >/dev/null
equal one-silent-gated "$(attribute gated)" ""
control 'token?token=hf_good&repo=org/gated&mode=gated' >/dev/null
silent() { look one-silent org/gated "endpoint=$endpoint" && is_gated; }
is_gated() { python3 -c 'import json, sys; sys.exit(json.loads(sys.argv[1])["gate"] == "none")' "$said"; }
check one-silent-heals wait_for 60 silent
check one-umount-silent "$hffs" umount "$work/one"
control clear >/dev/null
must_mount "$work/hf"

# One that is safe looks into what is opened: nothing is, to ask whether it is cached.
must_mount "$work/safe" safe
look mount-safe org/small "endpoint=$endpoint,safe,cache=$work/safe.cache"
is mount-safe 'j["took"]["through"] == "mount" and j["files"]["number"] == 31'
check mount-safe-read cat "$work"/safe/org/small/main/{7,8,9}.txt
look mount-safe-cached org/small "endpoint=$endpoint,safe,cache=$work/safe.cache"
is mount-safe-cached 'j["files"]["bytes_cached"] == 3 * 40 + 21'

# What a mount hides is not said to be missing.
deny='deny=*.json,deny=README.md'
must_mount "$work/less" "$deny"
look mount-less org/four "endpoint=$endpoint,$deny,cache=$work/less.cache"
equal mount-less-exit "$code" 3
is mount-less '(j["tokenizer"], [l["fits"] for l in j["loaders"] if l["name"] == "hffs run"]) == (None, [None]) and not {"no_card", "no_license"} & '"$risks"
is mount-less-said 'any("lock, allow and deny" in u for u in j["unread"])'

# --- tensors ---
index=$work/hf/org/four/main/model.safetensors.index.json
said=$("$hffs" tensors --json "$index")
is tensors-index '(len(j["files"]), j["tensors"], j["parameters"], j["dtypes"]) == (4, 8, 256256, {"BF16": 256000, "F32": 256})'
is tensors-place 'all(t["offset"] >= f["header_bytes"] and t["offset"] + t["bytes"] <= f["size"] for f in j["files"] for t in f["tensors"])'
is tensors-first 'j["files"][0]["tensors"][0]["shape"] == [64, 1000] and j["files"][0]["tensors"][0]["bytes"] == 128000'
said=$("$hffs" tensors --json "$work/hub/org/tiny-gguf/tiny-Q4_K_M.gguf")
is tensors-gguf '(j["files"][0]["format"], j["files"][0]["tensors"][0]["shape"], j["dtypes"]) == ("gguf", [30720, 64], {"Q4_0": 64 * 30720})'
equal tensors-text "$("$hffs" tensors "$index" | tail -n 1)" "8 tensors, 256256 parameters (BF16 256000, F32 256), 513.0 kB"
refuses tensors-not-one 1 'neither a safetensors nor a GGUF' "$hffs" tensors "$root/README.md"
refuses tensors-spoiled 1 'model.safetensors: ' "$hffs" tensors "$work/hub/org/broken/model.safetensors"
refuses tensors-missing 1 'No such file' "$hffs" tensors "$work/nowhere"
refuses tensors-directory 1 'is not a file' "$hffs" tensors "$work"
refuses tensors-no-file 2 'FILE is missing' "$hffs" tensors
head -c 50 "$work/hub/org/four/model-00001-of-00004.safetensors" >"$work/cut.safetensors"
refuses tensors-cut 1 'cut.safetensors: the header ends behind' "$hffs" tensors "$work/cut.safetensors"
check umount "$hffs" umount "$work/hf"
finish
