#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A file of hundreds of megabytes: its header and one tensor cost what they are, all of it costs itself, and a restart nothing.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
mkdir -p "$work/hub/org/big"
python3 - "$work/hub/org/big/model.safetensors" <<'END'
import json, os, struct, sys
# 300 tensors of 1 MiB; every page of the file is different, most of its bytes are not stored.
header, off = {}, 0
for i in range(300):
    header[f"layer.{i}.weight"] = {"dtype": "BF16", "shape": [512, 1024], "data_offsets": [off, off + 1048576]}
    off += 1048576
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text)
    base = f.tell()
    f.truncate(base + off)
    for page in range(0, off, 4096):
        f.seek(base + page)
        f.write(struct.pack("<Q", page * 2654435761 % 2**64))
END
serve "$work/hub"
hf=$work/hf
must_mount "$hf"
file=$hf/org/big/main/model.safetensors
source=$work/hub/org/big/model.safetensors
size=$(stat -c %s "$source")

cat >"$work/tensor.py" <<'END'
import hashlib, json, mmap, struct, sys
with open(sys.argv[1], "rb") as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    n = struct.unpack("<Q", m[:8])[0]
    first, last = json.loads(m[8:8 + n])["layer.150.weight"]["data_offsets"]
    print(hashlib.sha256(m[8 + n + first:8 + n + last]).hexdigest())
END
equal tensor "$(python3 "$work/tensor.py" "$file")" "$(python3 "$work/tensor.py" "$source")"
at_most tensor-bytes "$(counter "$hf" bytes_fetched)" $((4 * 1048576))
at_most blocks-are-what-is-cached "$(($(stat -Lc %b "$file") * 512))" $((4 * 1048576))

equal whole "$(sha256sum <"$file")" "$(sha256sum <"$source")"
at_most whole-bytes "$(counter "$hf" bytes_fetched)" $((size * 103 / 100))
check umount "$hffs" umount "$hf"
must_mount "$hf"
control=$(counter "$hf" bytes_fetched)
equal whole-after-restart "$(sha256sum <"$file")" "$(sha256sum <"$source")"
equal no-content-after-restart "$(counter "$hf" bytes_fetched)" "$control"

# Sixteen small reads all over a cold file do not bring the file.
check umount-2 "$hffs" umount "$hf"
hf2=$work/hf2
must_mount "$hf2"
python3 - "$hf2/org/big/main/model.safetensors" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
for i in range(16):
    os.pread(fd, 4096, (i * 7919 % 16) * (size // 16))
END
at_most scattered-bytes "$(counter "$hf2" bytes_fetched)" $((16 * 1048576))
check umount-3 "$hffs" umount "$hf2"
finish
