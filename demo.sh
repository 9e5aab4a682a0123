#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two minutes with hffs: builds it, serves a small hub from this folder, mounts that hub, reads a model as files, and runs it.
# Needs no account and no network but for missing packages. Leaves nothing behind; fails if anything it claims is not so.
set -euo pipefail
cd "$(dirname "$0")"

here=$PWD
hffs=$here/build/release/hffs
work=$(mktemp -d "${TMPDIR:-/tmp}/hffs-demo.XXXXXX")
server=

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
# A number of `hffs status --json`.
counter() { "$hffs" status --json "$work/hf" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }
cleanup() {
	[ -d "$work/hf" ] && mountpoint -q "$work/hf" && "$hffs" umount -l "$work/hf"
	[ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say "1. Build (packages first, where some are missing)"
./packaging/deps.sh
{ cmake --preset release && cmake --build build/release --target hffs; } >"$work/build.log" 2>&1 || { cat "$work/build.log"; die "it does not build"; }
"$hffs" --version

say "2. A hub of our own: hffs serve examples/hub"
"$hffs" serve examples/hub --listen 127.0.0.1:0 --state "$work/state" >"$work/endpoint" 2>"$work/serve.log" &
server=$!
for _ in $(seq 100); do [ -s "$work/endpoint" ] && break; sleep 0.1; done
endpoint=$(head -n 1 "$work/endpoint")
[ -n "$endpoint" ] || { cat "$work/serve.log"; die "the hub does not start"; }
echo "it answers at $endpoint, as huggingface.co would"

say "3. Mount it: hffs mount $work/hf -o endpoint=$endpoint"
mkdir "$work/hf"
"$hffs" mount "$work/hf" -o "endpoint=$endpoint,cache=$work/cache"
model=$work/hf/hffs/tiny-tales/main
original=examples/hub/hffs/tiny-tales

say "4. A model is there the moment somebody names it; main is a link to the commit it stands for"
ls -l "$work/hf/hffs/tiny-tales/"
ls -l "$model/"
[ "$(counter bytes_fetched)" = 0 ] || die "a listing brought content"
echo "bytes of content that came over the wire so far: 0"

say "5. Read a small file"
head -n 8 "$model/config.json"
cmp "$model/config.json" "$original/config.json" || die "config.json differs"

say "6. Look into the weights: the header of a safetensors file, without fetching the file"
shard=model-00001-of-00002.safetensors
before=$(counter bytes_fetched)
python3 - "$model/$shard" <<'END'
import json, struct, sys
with open(sys.argv[1], "rb", buffering=0) as f:
    header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
for name, tensor in list(header.items())[1:4]:
    print(f"  {name}  {tensor['dtype']}  {tensor['shape']}")
print(f"  ... {len(header) - 1} entries in all")
END
lazy=$(($(counter bytes_fetched) - before))
size=$(stat -Lc %s "$model/$shard")
echo "$lazy bytes came over the wire; the file has $size"
[ "$lazy" -lt $((size / 2)) ] || die "that was not lazy"

say "7. Read everything: sha256 of every file is that of the original"
(cd "$original" && sha256sum ./*) >"$work/sums"
(cd "$model" && sha256sum -c "$work/sums") || die "files differ"
fetched=$(counter bytes_fetched)
echo "$fetched bytes came over the wire for $(cat "$original"/* | wc -c) bytes of files"

say "8. Read it all again: from the cache"
before=$(counter requests)
(cd "$model" && sha256sum --quiet -c "$work/sums") || die "files differ"
after=$(($(counter requests) - before))
echo "requests for the second reading: $after"
[ "$after" = 0 ] || die "the second reading asked the hub"

say "9. And it is read-only"
if touch "$model/new" 2>"$work/refused"; then die "a file was made"; fi
cat "$work/refused"

say "10. Begin anew with an empty cache, and run the model: hffs run hffs/tiny-tales -p 'Once upon a time'"
"$hffs" umount "$work/hf"
"$hffs" mount "$work/hf" -o "endpoint=$endpoint,cache=$work/cache2"
tell() { "$hffs" run "$@" -o "endpoint=$endpoint" -p "Once upon a time" -n 40 --temperature 0; }
tell hffs/tiny-tales --json >"$work/told.json"
told=$(python3 - "$work/told.json" <<'END'
import json, sys
told = json.load(open(sys.argv[1]))
times = told["timings"]
print("Once upon a time" + told["text"] + " ...")
print(f"{times['bytes_at_first_token']} bytes had come over the wire when the first token was there, {times['first_token_ms']:.0f} ms after the start;")
print(f"the weights have {times['weight_bytes']}. Then {times['decode_tokens_per_s']:.0f} tokens a second.")
END
)
echo "$told"
came=$(sed -n 's/.*"bytes_at_first_token":\([0-9]*\).*/\1/p' "$work/told.json")
[ "$came" -gt 0 ] && [ "$came" -le "$(($(cat "$original"/* | wc -c) + 524288))" ] || die "$came bytes are not what the model has"
[ "$(tell "$original")" = "$(tell "$model")" ] || die "the mounted model tells another story than the original"

say "11. Unmount: hffs umount $work/hf"
"$hffs" umount "$work/hf"
mountpoint -q "$work/hf" && die "it is still mounted"
echo "done. With the real Hub it is: hffs mount DIR, then ls DIR/ORG/MODEL/main, and hffs run ORG/MODEL --chat"
