#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes kernels_golden.h: a few blocks of every quantised type, and what the gguf package (0.19.0) makes of them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install gguf==0.19.0 && /tmp/venv/bin/python kernels_golden.py > kernels_golden.h
"""
import numpy as np
from gguf import GGMLQuantizationType as Q
from gguf import quants

TYPES = {Q.Q8_0: (34, [0]), Q.Q4_0: (18, [0]), Q.Q4_1: (20, [0, 2]), Q.Q5_0: (22, [0]), Q.Q5_1: (24, [0, 2]),
         Q.Q4_K: (144, [0, 2]), Q.Q5_K: (176, [0, 2]), Q.Q6_K: (210, [208])}


def rows(values, form, width):
    text = [form % v for v in values]
    return "\n".join("\t\t\t" + " ".join(text[i:i + width]) for i in range(0, len(text), width))


def main():
    random = np.random.default_rng(20261128)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Blocks of the quantised types, and their elements as bits of F32. Made by kernels_golden.py. */")
    print("static const struct golden {")
    print("\tenum tensor_type type;\n\tsize_t bytes, n;\n\tuint8_t block[256];\n\tuint32_t floats[256];\n} goldens[] = {")
    for qtype, (size, halves) in TYPES.items():
        for _ in range(1 if size > 100 else 3):
            block = random.integers(0, 256, size, dtype=np.uint8)
            for at in halves:
                block[at:at + 2] = np.frombuffer(np.float16(random.normal() / 8).tobytes(), np.uint8)
            floats = quants.dequantize(block.reshape(1, size), qtype).astype(np.float32).ravel()
            print("\t{TENSOR_%s, %d, %d,\n\t\t{\n%s\n\t\t}, {\n%s\n\t\t}}," % (
                qtype.name, size, len(floats), rows(block, "%d,", 24), rows(floats.view(np.uint32), "0x%08x,", 10)))
    print("};")


main()
