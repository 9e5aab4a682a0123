#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renders conversations by the templates of a folder, as transformers does it, into the header of test_chat.c.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install jinja2==3.1.6
    /tmp/venv/bin/python tests/unit/chat_goldens.py tests/unit/chat_templates >tests/unit/chat_goldens.h

The templates are written for this test, in the forms that the families have. Those in unknown/ must be refused.
"""
import datetime, glob, os, sys
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

U, A, S = "user", "assistant", "system"
CONVERSATIONS = [
    [(U, "Hello")],
    [(S, "Be brief."), (U, "Hello")],
    [(U, "Hello"), (A, "Hi there."), (U, "How are you?")],
    [(S, "Be brief."), (U, "Hello"), (A, "Hi there."), (U, "How are you?")],
    [(S, " \nBe brief. "), (U, " \n Hello\t\n"), (A, "  Hi there.\n"), (U, "  ")],
    [(U, "one"), (A, "two"), (U, "three"), (A, "four"), (U, "five")],
    [(S, "six"), (U, "one"), (A, "two"), (U, "three"), (A, "four"), (U, "five")],
    [(U, "Hello"), (A, "\n\n no </think> way </think>\n \n x\n"), (U, "And?"), (A, "\n\u3000b\u00a0"), (U, "c")],
    [(U, "Hello"), (A, "<think>\nA greeting.\n</think>\n\nHi."), (U, "It's {{ 7 * 7 }} <|im_end|> \\n \u00fc")],
]


class Generation(Extension):
    """What is between {% generation %} and its end is put out as it is."""
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def fail(text):
    raise ValueError(text)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation])
    env.globals["raise_exception"] = fail
    env.globals["strftime_now"] = lambda form: datetime.date(2026, 8, 2).strftime(form)
    return env


def c_string(text):
    escapes = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
    lines = [""]
    for byte in text.encode():
        if len(lines[-1]) > 105:
            lines.append("")
        char = chr(byte)
        lines[-1] += escapes.get(char) or (char if 32 <= byte < 127 else "\\%03o" % byte)
    return "\n\t\t".join('"%s"' % line for line in lines)


def render(source, conversation):
    messages = [{"role": role, "content": text} for role, text in conversation]
    try:
        return environment().from_string(source).render(messages=messages, tools=None, documents=None, add_generation_prompt=True,
                                                bos_token="<s>", eos_token="</s>")
    except ValueError:
        return None


def main(folder):
    print("/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by chat_goldens.py of chat_templates/. */")
    roles = {U: "CHAT_USER", A: "CHAT_ASSISTANT", S: "CHAT_SYSTEM"}
    print("static const struct {\n\tstruct chat_message messages[6];\n\tsize_t nr;\n} conversations[] = {")
    for conversation in CONVERSATIONS:
        print("\t{{%s}, %d}," % (", ".join("{%s, %s}" % (roles[r], c_string(t)) for r, t in conversation), len(conversation)))
    print("};\n\nstatic const struct {\n\tconst char *name, *source, *want[%d]; /* NULL: refused */\n} templates[] = {" % len(CONVERSATIONS))
    for path in sorted(glob.glob(os.path.join(folder, "*.jinja"))):
        source = open(path, newline="").read()
        wants = [render(source, conversation) for conversation in CONVERSATIONS]
        print('\t{"%s",\n\t\t%s,\n\t\t{%s}},' % (os.path.basename(path)[:-6], c_string(source),
                                               ",\n\t\t".join("NULL" if want is None else c_string(want) for want in wants)))
    print("};\n\nstatic const struct {\n\tconst char *name, *source;\n} unknown[] = {")
    for path in sorted(glob.glob(os.path.join(folder, "unknown", "*.jinja"))):
        print('\t{"%s",\n\t\t%s},' % (os.path.basename(path)[:-6], c_string(open(path).read())))
    print("};")


main(sys.argv[1])
