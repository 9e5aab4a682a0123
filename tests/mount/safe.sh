#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# safe, allow, deny: pickles by name and by content cannot be opened, and the reason names what to use; what is hidden is not there.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
python3 - "$work/hub" <<'END'
import io, os, pickle, random, struct, sys, zipfile
top, rng = sys.argv[1], random.Random(5)
def put(path, data):
    os.makedirs(os.path.dirname(f"{top}/{path}"), exist_ok=True)
    open(f"{top}/{path}", "wb").write(data)
def zipped(names, pad=0):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        for n in names:
            z.writestr(n, rng.randbytes(1000 + pad))
    return b.getvalue()
st = struct.pack("<Q", 2) + b"{}"
evil = {"x": list(range(100))}
put("org/pair/pytorch_model-00001-of-00002.bin", zipped(["archive/data.pkl"]))
put("org/pair/model-00001-of-00002.safetensors", st)
put("org/pair/weights.pt", pickle.dumps(evil, 2))
put("org/pair/weights.safetensors", st)
put("org/pair/README.md", b"# hello\n")
put("org/pair/config.json", b"{}\n")
put("org/lonely/model.ckpt", rng.randbytes(5000))
put("org/hidden/innocent.txt", pickle.dumps(evil, 4))
class Evil:
    def __reduce__(self):
        return os.system, ("true",)
put("org/hidden/notes.txt", pickle.dumps(Evil(), 0))
put("org/hidden/notes.dat", pickle.dumps(Evil(), 1))
put("org/hidden/far.dat", pickle.dumps(["x" * 3000000, Evil()], 1))
put("org/hidden/data-only.txt", pickle.dumps(evil, 0))
put("org/hidden/labels.txt", b"cat\ndog\nbird\n" * 9000)
put("org/hidden/one-line.txt", b"V" * 3000000 + b"\n")
put("org/hidden/archive.data", zipped(["version", "a/data.pkl"], 600000))
put("org/hidden/docs.zip", zipped(["readme.txt", "x/y.json"]))
put("org/hidden/objects.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(59) + b"\n" + pickle.dumps([1], 3))
put("org/hidden/floats.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(59) + b"\n\0\0\0\0")
put("org/hidden/broken.zip", b"PK\x03\x04" + rng.randbytes(3000))
put("org/hidden/plain.bin.txt", rng.randbytes(3000))
put("org/hidden/empty.dat", b"")
put("org/hidden/model.gguf", b"GGUF" + rng.randbytes(900000))
put("org/hidden/sub/deep/old.tar", b"storages".ljust(257, b"\0") + b"ustar".ljust(255, b"\0") + rng.randbytes(512))
END
serve "$work/hub"
on="endpoint=$endpoint,cache=$work/cache"
hf=$work/hf
mkdir "$hf"
check mount-safe "$hffs" mount "$hf" -o "$on,safe"
equal status-says-safe "$("$hffs" status --json "$hf" | grep -c '"safe":true')" 1
pair=$hf/org/pair/main hidden=$hf/org/hidden/main
reason() { getfattr --only-values -n user.hffs.last_error "$1" 2>/dev/null; }

# By name, with the twin that can be used instead.
refuses name-bin 1 'Permission denied' cat "$pair/pytorch_model-00001-of-00002.bin"
check name-bin-reason grep -q 'pytorch_model-00001-of-00002.bin is called as pickles are, .* use model-00001-of-00002.safetensors beside it$' <<<"$(reason "$pair/pytorch_model-00001-of-00002.bin")"
refuses name-pt 1 'Permission denied' cat "$pair/weights.pt"
check name-pt-reason grep -q 'use weights.safetensors beside it$' <<<"$(reason "$pair/weights.pt")"
refuses name-ckpt 1 'Permission denied' head -c 1 "$hf/org/lonely/main/model.ckpt"
check name-ckpt-reason grep -q 'there is no safetensors file beside it' <<<"$(reason "$hf/org/lonely/main/model.ckpt")"
equal refused-is-listed "$(ls "$hf/org/lonely/main/")" model.ckpt
equal refused-has-size "$(stat -c %s "$hf/org/lonely/main/model.ckpt")" 5000
equal name-is-not-fetched "$(counter "$hf" bytes_fetched)" 0

# By content, under names that say nothing.
for name in innocent.txt notes.txt notes.dat far.dat one-line.txt archive.data objects.npy broken.zip sub/deep/old.tar; do
	refuses "content-$(basename "$name")" 1 'Permission denied' cat "$hidden/$name"
	check "content-$(basename "$name")-reason" grep -q "$name holds a pickle" <<<"$(reason "$hidden/$name")"
done
refuses content-again 1 'Permission denied' cat "$hidden/archive.data"
for name in data-only.txt labels.txt docs.zip floats.npy plain.bin.txt empty.dat model.gguf; do
	check "harmless-$name" cmp "$hidden/$name" "$work/hub/org/hidden/$name"
done
check harmless-pair cmp "$pair/weights.safetensors" "$work/hub/org/pair/weights.safetensors"
refuses hub-layout-too 1 'Permission denied' cat "$hf/.hub/models--org--pair/snapshots/$(cat "$hf/.hub/models--org--pair/refs/main")/weights.pt"
refuses map-is-refused 1 'Permission denied' python3 -c 'import mmap,sys; f = open(sys.argv[1], "rb"); mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)' "$pair/weights.pt"
refuses pull-names-it 1 'weights.pt|pytorch_model' "$hffs" pull -q org/pair -o "$on,safe"
check pull-took-the-rest cmp "$pair/model-00001-of-00002.safetensors" "$work/hub/org/pair/model-00001-of-00002.safetensors"
check pull-without-rules-uses-it "$hffs" pull -q org/pair '*.safetensors' -o "endpoint=$endpoint"
check umount-safe "$hffs" umount "$hf"
check mount-open "$hffs" mount "$hf" -o "$on"
check open-without-safe cmp "$hf/org/pair/main/weights.pt" "$work/hub/org/pair/weights.pt"
check umount-open "$hffs" umount "$hf"
check mount-safe-offline "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/cache2,safe"
ls "$hidden" >/dev/null
check umount-to-go-offline "$hffs" umount "$hf"
check mount-safe-without-hub "$hffs" mount "$hf" -o "endpoint=$endpoint,cache=$work/cache2,safe,offline"
refuses what-cannot-be-looked-at 1 'timed out' cat "$hidden/model.gguf"
check umount-offline "$hffs" umount "$hf"

# allow and deny: not there at all.
check mount-filtered "$hffs" mount "$hf" -o "$on,allow=*.json,allow=*.safetensors,allow=sub/,deny=config*"
equal allowed-only "$(ls "$hf/org/pair/main/" | tr '\n' ' ')" "model-00001-of-00002.safetensors weights.safetensors "
refuses denied-is-absent 1 'No such file' cat "$hf/org/pair/main/config.json"
refuses not-allowed-is-absent 1 'No such file' cat "$hf/org/pair/main/README.md"
equal allowed-directory "$(find "$hf/org/hidden/main/" -type f | sed 's#.*/main/##')" "sub/deep/old.tar"
equal filtered-hub-layout "$(ls "$hf/.hub/models--org--pair/snapshots/$(cat "$hf/.hub/models--org--pair/refs/main")" | tr '\n' ' ')" "model-00001-of-00002.safetensors weights.safetensors "
check filtered-is-read cmp "$hf/org/pair/main/weights.safetensors" "$work/hub/org/pair/weights.safetensors"
equal pull-filtered "$("$hffs" pull org/pair -o "$on,allow=*.json,allow=*.safetensors,allow=sub/,deny=config*" 2>/dev/null)" "2 files, 20 B: complete"
check umount-filtered "$hffs" umount "$hf"
check mount-whole-again "$hffs" mount "$hf" -o "$on,offline"
equal listings-are-stored-whole "$(ls "$hf/org/pair/main/" | wc -l)" 6
check umount-whole "$hffs" umount "$hf"

# With a lock: what is hidden is not compared, what is locked is still filtered.
check lock "$hffs" pin -q --lock "$work/l.lock" org/pair -o "$on"
sed '/config.json/s/"size": 3/"size": 4/' "$work/l.lock" >"$work/lie.lock"
check hidden-lie-does-not-matter "$hffs" mount "$hf" -o "$on,lock=$work/lie.lock,deny=config.json"
equal locked-and-filtered "$(ls "$hf/org/pair/main/" | wc -l)" 5
check umount-locked "$hffs" umount "$hf"
refuses seen-lie-does 1 'config.json' "$hffs" mount "$hf" -o "$on,lock=$work/lie.lock"
refuses empty-pattern 2 "'' is no value for allow" "$hffs" mount "$hf" -o "$on,allow="
refuses pattern-missing 2 "'deny' needs a value" "$hffs" mount "$hf" -o "$on,deny"
finish
