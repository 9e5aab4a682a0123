/* SPDX-License-Identifier: Apache-2.0 */
/* Made by chat_goldens.py of chat_templates/. */
static const struct {
	struct chat_message messages[6];
	size_t nr;
} conversations[] = {
	{{{CHAT_USER, "Hello"}}, 1},
	{{{CHAT_SYSTEM, "Be brief."}, {CHAT_USER, "Hello"}}, 2},
	{{{CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "Hi there."}, {CHAT_USER, "How are you?"}}, 3},
	{{{CHAT_SYSTEM, "Be brief."}, {CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "Hi there."}, {CHAT_USER, "How are you?"}}, 4},
	{{{CHAT_SYSTEM, " \nBe brief. "}, {CHAT_USER, " \n Hello\t\n"}, {CHAT_ASSISTANT, "  Hi there.\n"}, {CHAT_USER, "  "}}, 4},
	{{{CHAT_USER, "one"}, {CHAT_ASSISTANT, "two"}, {CHAT_USER, "three"}, {CHAT_ASSISTANT, "four"}, {CHAT_USER, "five"}}, 5},
	{{{CHAT_SYSTEM, "six"}, {CHAT_USER, "one"}, {CHAT_ASSISTANT, "two"}, {CHAT_USER, "three"}, {CHAT_ASSISTANT, "four"}, {CHAT_USER, "five"}}, 6},
	{{{CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "\n\n no </think> way </think>\n \n x\n"}, {CHAT_USER, "And?"}, {CHAT_ASSISTANT, "\n\343\200\200b\302\240"}, {CHAT_USER, "c"}}, 5},
	{{{CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "<think>\nA greeting.\n</think>\n\nHi."}, {CHAT_USER, "It's {{ 7 * 7 }} <|im_end|> \\n \303\274"}}, 3},
};

static const struct {
	const char *name, *source, *want[9]; /* NULL: refused */
} templates[] = {
	{"blanks",
		"a\n\014 {% if true %}b{% endif %}\n\343\200\200 {%- for message in messages -%} \302\240<{{ message.role }"
		"}>{{ message.content }}\034{%- endfor %}\n\302\240{% set x = \"\343\200\200 c\302\240\" %}\n{{ x | trim }}"
		"{{ (\"\343\200\200\" + messages[0].role + \" \302\205\") | trim }}\n",
		{"a\nb<user>Hellocuser",
		"a\nb<system>Be brief.<user>Hellocsystem",
		"a\nb<user>Hello<assistant>Hi there.<user>How are you?cuser",
		"a\nb<system>Be brief.<user>Hello<assistant>Hi there.<user>How are you?csystem",
		"a\nb<system> \nBe brief. <user> \n Hello\t\n<assistant>  Hi there.\n<user>  csystem",
		"a\nb<user>one<assistant>two<user>three<assistant>four<user>fivecuser",
		"a\nb<system>six<user>one<assistant>two<user>three<assistant>four<user>fivecsystem",
		"a\nb<user>Hello<assistant>\n\n no </think> way </think>\n \n x\n<user>And?<assistant>\n\343\200\200b\302\240"
		"<user>ccuser",
		"a\nb<user>Hello<assistant><think>\nA greeting.\n</think>\n\nHi.<user>It's {{ 7 * 7 }} <|im_end|> \\n \303\274"
		"cuser"}},
	{"chatml-lines",
		"{# the same with text outside of tags #}\n{{ bos_token }}{% for message in messages %}\n    {% if message."
		"role == \"user\" %}\n    {% endif %}\n<|im_start|>{{ message.role }}\n{{ message.content | trim }}<|im_end"
		"|>\n{% endfor %}\n{% if add_generation_prompt %}\n<|im_start|>assistant\n{% endif %}\n",
		{"<s><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<s><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow ar"
		"e you?<|im_end|>\n<|im_start|>assistant\n",
		"<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi t"
		"here.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi t"
		"here.<|im_end|>\n<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n",
		"<s><|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|"
		">\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<s><|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|"
		">\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_en"
		"d|>\n<|im_start|>assistant\n",
		"<s><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nno </think> way </think>\n \n x<|im_end|>\n<|"
		"im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_st"
		"art|>assistant\n",
		"<s><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end"
		"|>\n<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
	{"chatml-other-tail",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>"
		"' + '\\n\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n",
		{"<|im_start|>user\nHello<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n\n<|im_start|>user\nHello<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n\n<|im_start|>assistant\nHi there.<|im_end|>\n\n<|im_start|>user\nHow a"
		"re you?<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n\n<|im_start|>user\nHello<|im_end|>\n\n<|im_start|>assistant\nHi "
		"there.<|im_end|>\n\n<|im_start|>user\nHow are you?<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n\n<|im_start|>as"
		"sistant\n  Hi there.\n<|im_end|>\n\n<|im_start|>user\n  <|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>user\none<|im_end|>\n\n<|im_start|>assistant\ntwo<|im_end|>\n\n<|im_start|>user\nthree<|im_end"
		"|>\n\n<|im_start|>assistant\nfour<|im_end|>\n\n<|im_start|>user\nfive<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>system\nsix<|im_end|>\n\n<|im_start|>user\none<|im_end|>\n\n<|im_start|>assistant\ntwo<|im_end"
		"|>\n\n<|im_start|>user\nthree<|im_end|>\n\n<|im_start|>assistant\nfour<|im_end|>\n\n<|im_start|>user\nfive"
		"<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n\n<|im_start|>assistant\n\n\n no </think> way </think>\n \n x\n<|im_end"
		"|>\n\n<|im_start|>user\nAnd?<|im_end|>\n\n<|im_start|>assistant\n\n\343\200\200b\302\240<|im_end|>\n\n<|im"
		"_start|>user\nc<|im_end|>\n\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n\n<|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end|"
		">\n\n<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|>\n\n<|im_start|>assistant\n"}},
	{"chatml-separator",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '<|im_sep|>' + message['content'] + '<|i"
		"m_end|>'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}\n",
		{"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assist"
		"ant<|im_sep|>",
		"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>Hi there.<|im_end|><|im_start|>use"
		"r<|im_sep|>How are you?<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assist"
		"ant<|im_sep|>Hi there.<|im_end|><|im_start|>user<|im_sep|>How are you?<|im_end|><|im_start|>assistant<|im_"
		"sep|>",
		"<|im_start|>system<|im_sep|> \nBe brief. <|im_end|><|im_start|>user<|im_sep|> \n Hello\t\n<|im_end|><|im_s"
		"tart|>assistant<|im_sep|>  Hi there.\n<|im_end|><|im_start|>user<|im_sep|>  <|im_end|><|im_start|>assistan"
		"t<|im_sep|>",
		"<|im_start|>user<|im_sep|>one<|im_end|><|im_start|>assistant<|im_sep|>two<|im_end|><|im_start|>user<|im_se"
		"p|>three<|im_end|><|im_start|>assistant<|im_sep|>four<|im_end|><|im_start|>user<|im_sep|>five<|im_end|><|i"
		"m_start|>assistant<|im_sep|>",
		"<|im_start|>system<|im_sep|>six<|im_end|><|im_start|>user<|im_sep|>one<|im_end|><|im_start|>assistant<|im_"
		"sep|>two<|im_end|><|im_start|>user<|im_sep|>three<|im_end|><|im_start|>assistant<|im_sep|>four<|im_end|><|"
		"im_start|>user<|im_sep|>five<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>\n\n no </think> way </think>\n \n"
		" x\n<|im_end|><|im_start|>user<|im_sep|>And?<|im_end|><|im_start|>assistant<|im_sep|>\n\343\200\200b\302\240"
		"<|im_end|><|im_start|>user<|im_sep|>c<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|><think>\nA greeting.\n</think>\n\n"
		"Hi.<|im_end|><|im_start|>user<|im_sep|>It's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|><|im_start|>assis"
		"tant<|im_sep|>"}},
	{"chatml",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>"
		"' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n",
		{"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are y"
		"ou?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi ther"
		"e.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n<|im_start|>assist"
		"ant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n"
		"<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
		"<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>"
		"\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n\n\n no </think> way </think>\n \n x\n<|im_end|>"
		"\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n\n\343\200\200b\302\240<|im_end|>\n<|im_start|>"
		"user\nc<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n"
		"<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
	{"command-r",
		"{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set instructions ="
		" messages[0]['content'] %}{% elif false == true %}{% set turns = messages %}{% set instructions = 'You hel"
		"p.' %}{% else %}{% set turns = messages %}{% set instructions = false %}{% endif %}{% if instructions != f"
		"alse %}{{ '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>' + instructions + '<|END_OF_TURN_TOKEN|>' }}{% endif %}"
		"{% for message in turns %}{% set content = message['content'] %}{% if message['role'] == 'user' %}{{ '<|ST"
		"ART_OF_TURN_TOKEN|><|USER_TOKEN|>' + content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% elif message['role'] ="
		"= 'assistant' %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>'  + content.strip() + '<|END_OF_TURN_TOKEN|>'"
		" }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{%"
		" endif %}\n",
		{"<s><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be brief.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKE"
		"N|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
		"Hi there.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>How are you?<|END_OF_TURN_TOKEN|><|STAR"
		"T_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be brief.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKE"
		"N|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hi there.<|END_OF_TURN_TOKEN|><|START"
		"_OF_TURN_TOKEN|><|USER_TOKEN|>How are you?<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|> \nBe brief. <|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_"
		"TOKEN|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Hi there.<|END_OF_TURN_TOKEN|><|S"
		"TART_OF_TURN_TOKEN|><|USER_TOKEN|><|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|USER_TOKEN|>one<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>tw"
		"o<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>three<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN"
		"|><|CHATBOT_TOKEN|>four<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>five<|END_OF_TURN_TOKEN|>"
		"<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>six<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>one"
		"<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>two<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN"
		"|><|USER_TOKEN|>three<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>four<|END_OF_TURN_TOKEN|"
		"><|START_OF_TURN_TOKEN|><|USER_TOKEN|>five<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
		"no </think> way </think>\n \n x<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>And?<|END_OF_TURN"
		"_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>b<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|"
		">c<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
		"<s><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hello<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
		"<think>\nA greeting.\n</think>\n\nHi.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>It's {{ 7 *"
		" 7 }} <|im_end|> \\n \303\274<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"}},
	{"crlf",
		"{{ bos_token }}{% for m in messages %}\015\n{{ '<' + m.role + '>\015\n' + m.content }}{% if m.role in ['as"
		"sistant', 'tool'] %}{{ eos_token }}{% endif %}{# a remark #}\015\n{% endfor %}\015\n<assistant>\015\n",
		{"<s><user>\nHello<assistant>",
		"<s><system>\nBe brief.<user>\nHello<assistant>",
		"<s><user>\nHello<assistant>\nHi there.</s><user>\nHow are you?<assistant>",
		"<s><system>\nBe brief.<user>\nHello<assistant>\nHi there.</s><user>\nHow are you?<assistant>",
		"<s><system>\n \nBe brief. <user>\n \n Hello\t\n<assistant>\n  Hi there.\n</s><user>\n  <assistant>",
		"<s><user>\none<assistant>\ntwo</s><user>\nthree<assistant>\nfour</s><user>\nfive<assistant>",
		"<s><system>\nsix<user>\none<assistant>\ntwo</s><user>\nthree<assistant>\nfour</s><user>\nfive<assistant>",
		"<s><user>\nHello<assistant>\n\n\n no </think> way </think>\n \n x\n</s><user>\nAnd?<assistant>\n\n\343\200"
		"\200b\302\240</s><user>\nc<assistant>",
		"<s><user>\nHello<assistant>\n<think>\nA greeting.\n</think>\n\nHi.</s><user>\nIt's {{ 7 * 7 }} <|im_end|> "
		"\\n \303\274<assistant>"}},
	{"deepseek-coder",
		"{%- set ns = namespace(found=false) -%}\n{%- for message in messages -%}\n    {%- if message['role'] == 's"
		"ystem' -%}\n        {%- set ns.found = true -%}\n    {%- endif -%}\n{%- endfor -%}\n{{bos_token}}{%- if no"
		"t ns.found -%}\n{{'You write programs, and nothing else\\n'}}\n{%- endif %}\n{%- for message in messages %"
		"}\n    {%- if message['role'] == 'system' %}\n{{ message['content'] }}\n    {%- else %}\n        {%- if me"
		"ssage['role'] == 'user' %}\n{{'### Instruction:\\n' + message['content'] + '\\n'}}\n        {%- else %}\n{"
		"{'### Response:\\n' + message['content'] + '\\n<|EOT|>\\n'}}\n        {%- endif %}\n    {%- endif %}\n{%- "
		"endfor %}\n{% if add_generation_prompt %}\n{{'### Response:'}}\n{% endif %}\n",
		{"<s>You write programs, and nothing else\n### Instruction:\nHello\n### Response:\n",
		"<s>Be brief.### Instruction:\nHello\n### Response:\n",
		"<s>You write programs, and nothing else\n### Instruction:\nHello\n### Response:\nHi there.\n<|EOT|>\n### I"
		"nstruction:\nHow are you?\n### Response:\n",
		"<s>Be brief.### Instruction:\nHello\n### Response:\nHi there.\n<|EOT|>\n### Instruction:\nHow are you?\n##"
		"# Response:\n",
		"<s> \nBe brief. ### Instruction:\n \n Hello\t\n\n### Response:\n  Hi there.\n\n<|EOT|>\n### Instruction:\n"
		"  \n### Response:\n",
		"<s>You write programs, and nothing else\n### Instruction:\none\n### Response:\ntwo\n<|EOT|>\n### Instructi"
		"on:\nthree\n### Response:\nfour\n<|EOT|>\n### Instruction:\nfive\n### Response:\n",
		"<s>six### Instruction:\none\n### Response:\ntwo\n<|EOT|>\n### Instruction:\nthree\n### Response:\nfour\n<|"
		"EOT|>\n### Instruction:\nfive\n### Response:\n",
		"<s>You write programs, and nothing else\n### Instruction:\nHello\n### Response:\n\n\n no </think> way </th"
		"ink>\n \n x\n\n<|EOT|>\n### Instruction:\nAnd?\n### Response:\n\n\343\200\200b\302\240\n<|EOT|>\n### Instr"
		"uction:\nc\n### Response:\n",
		"<s>You write programs, and nothing else\n### Instruction:\nHello\n### Response:\n<think>\nA greeting.\n</t"
		"hink>\n\nHi.\n<|EOT|>\n### Instruction:\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274\n### Response:\n"}},
	{"deepseek-r1",
		"{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns ="
		" namespace(called=false, in_tool=false, first_output=true, instructions='') %}{%- for message in messages "
		"%}{%- if message['role'] == 'system' %}{% set ns.instructions = message['content'] %}{%- endif %}{%- endfo"
		"r %}{{bos_token}}{{ns.instructions}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- s"
		"et ns.in_tool = false -%}{{'<\357\275\234User\357\275\234>' + message['content']}}{%- endif %}{%- if messa"
		"ge['role'] == 'assistant' and message['content'] is none %}{%- set ns.in_tool = false -%}{%- for tool in m"
		"essage['tool_calls'] %}{{'<\357\275\234Assistant\357\275\234><\357\275\234tool\342\226\201call\342\226\201"
		"begin\357\275\234>' + tool['type'] + '<\357\275\234tool\342\226\201call\342\226\201end\357\275\234>'}}{%- "
		"endfor %}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- if ns."
		"in_tool %}{{'<\357\275\234tool\342\226\201outputs\342\226\201end\357\275\234>' + message['content'] + '<\357"
		"\275\234end\342\226\201of\342\226\201sentence\357\275\234>'}}{%- set ns.in_tool = false -%}{%- else %}{% s"
		"et content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')"
		"[-1] %}{% endif %}{{'<\357\275\234Assistant\357\275\234>' + content + '<\357\275\234end\342\226\201of\342\226"
		"\201sentence\357\275\234>'}}{%- endif %}{%- endif %}{%- if message['role'] == 'tool' %}{%- set ns.in_tool "
		"= true -%}{{'<\357\275\234tool\342\226\201output\342\226\201begin\357\275\234>' + message['content'] + '<\357"
		"\275\234tool\342\226\201output\342\226\201end\357\275\234>'}}{%- endif %}{%- endfor -%}{% if ns.in_tool %}"
		"{{'<\357\275\234tool\342\226\201outputs\342\226\201end\357\275\234>'}}{% endif %}{% if add_generation_prom"
		"pt and not ns.in_tool %}{{'<\357\275\234Assistant\357\275\234><think>\\n'}}{% endif %}\n",
		{"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234><think>\n",
		"<s>Be brief.<\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234><think>\n",
		"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>Hi there.<\357\275\234end\342\226"
		"\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>How are you?<\357\275\234Assistant\357"
		"\275\234><think>\n",
		"<s>Be brief.<\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>Hi there.<\357\275\234en"
		"d\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>How are you?<\357\275\234Ass"
		"istant\357\275\234><think>\n",
		"<s> \nBe brief. <\357\275\234User\357\275\234> \n Hello\t\n<\357\275\234Assistant\357\275\234>  Hi there.\n"
		"<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>  <\357\275\234"
		"Assistant\357\275\234><think>\n",
		"<s><\357\275\234User\357\275\234>one<\357\275\234Assistant\357\275\234>two<\357\275\234end\342\226\201of\342"
		"\226\201sentence\357\275\234><\357\275\234User\357\275\234>three<\357\275\234Assistant\357\275\234>four<\357"
		"\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>five<\357\275\234A"
		"ssistant\357\275\234><think>\n",
		"<s>six<\357\275\234User\357\275\234>one<\357\275\234Assistant\357\275\234>two<\357\275\234end\342\226\201o"
		"f\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>three<\357\275\234Assistant\357\275\234>fo"
		"ur<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>five<\357\275"
		"\234Assistant\357\275\234><think>\n",
		"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>\n \n x\n<\357\275\234end\342\226"
		"\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>And?<\357\275\234Assistant\357\275\234"
		">\n\343\200\200b\302\240<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357"
		"\275\234>c<\357\275\234Assistant\357\275\234><think>\n",
		"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>\n\nHi.<\357\275\234end\342\226\201"
		"of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>It's {{ 7 * 7 }} <|im_end|> \\n \303\274<"
		"\357\275\234Assistant\357\275\234><think>\n"}},
	{"deepseek-v2",
		"{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ bos_toke"
		"n }}{% for message in messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\\n"
		"\\n' }}{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}{% eli"
		"f message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}{% endif %}{% endfor %}{% if add_genera"
		"tion_prompt %}{{ 'Assistant:' }}{% endif %}\n",
		{"<s>User: Hello\n\nAssistant:",
		"<s>Be brief.\n\nUser: Hello\n\nAssistant:",
		"<s>User: Hello\n\nAssistant: Hi there.</s>User: How are you?\n\nAssistant:",
		"<s>Be brief.\n\nUser: Hello\n\nAssistant: Hi there.</s>User: How are you?\n\nAssistant:",
		"<s> \nBe brief. \n\nUser:  \n Hello\t\n\n\nAssistant:   Hi there.\n</s>User:   \n\nAssistant:",
		"<s>User: one\n\nAssistant: two</s>User: three\n\nAssistant: four</s>User: five\n\nAssistant:",
		"<s>six\n\nUser: one\n\nAssistant: two</s>User: three\n\nAssistant: four</s>User: five\n\nAssistant:",
		"<s>User: Hello\n\nAssistant: \n\n no </think> way </think>\n \n x\n</s>User: And?\n\nAssistant: \n\343\200"
		"\200b\302\240</s>User: c\n\nAssistant:",
		"<s>User: Hello\n\nAssistant: <think>\nA greeting.\n</think>\n\nHi.</s>User: It's {{ 7 * 7 }} <|im_end|> \\"
		"n \303\274\n\nAssistant:"}},
	{"deepseek-v3",
		"{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns ="
		" namespace(instructions='', alone=true) %}{%- for message in messages %}{%- if message['role'] == 'system'"
		" %}{%- if ns.alone %}{% set ns.instructions = ns.instructions + message['content'] %}{% set ns.alone = fal"
		"se %}{%- else %}{% set ns.instructions = ns.instructions + '\\n\\n' + message['content'] %}{%- endif %}{%-"
		" endif %}{%- endfor %}{{ bos_token }}{{ ns.instructions }}{%- for message in messages %}{%- if message['ro"
		"le'] == 'user' %}{{ '<\357\275\234User\357\275\234>' + message['content'] }}{%- endif %}{%- if message['ro"
		"le'] == 'assistant' and 'tool_calls' not in message %}{{ '<\357\275\234Assistant\357\275\234>' + message['"
		"content'] + '<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234>' }}{%- endif %}{%- endfor %}{"
		"% if add_generation_prompt %}{{ '<\357\275\234Assistant\357\275\234>' }}{% endif %}\n",
		{"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>",
		"<s>Be brief.<\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>",
		"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>Hi there.<\357\275\234end\342\226"
		"\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>How are you?<\357\275\234Assistant\357"
		"\275\234>",
		"<s>Be brief.<\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>Hi there.<\357\275\234en"
		"d\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>How are you?<\357\275\234Ass"
		"istant\357\275\234>",
		"<s> \nBe brief. <\357\275\234User\357\275\234> \n Hello\t\n<\357\275\234Assistant\357\275\234>  Hi there.\n"
		"<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>  <\357\275\234"
		"Assistant\357\275\234>",
		"<s><\357\275\234User\357\275\234>one<\357\275\234Assistant\357\275\234>two<\357\275\234end\342\226\201of\342"
		"\226\201sentence\357\275\234><\357\275\234User\357\275\234>three<\357\275\234Assistant\357\275\234>four<\357"
		"\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>five<\357\275\234A"
		"ssistant\357\275\234>",
		"<s>six<\357\275\234User\357\275\234>one<\357\275\234Assistant\357\275\234>two<\357\275\234end\342\226\201o"
		"f\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>three<\357\275\234Assistant\357\275\234>fo"
		"ur<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>five<\357\275"
		"\234Assistant\357\275\234>",
		"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234>\n\n no </think> way </think>\n \n"
		" x\n<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>And?<\357"
		"\275\234Assistant\357\275\234>\n\343\200\200b\302\240<\357\275\234end\342\226\201of\342\226\201sentence\357"
		"\275\234><\357\275\234User\357\275\234>c<\357\275\234Assistant\357\275\234>",
		"<s><\357\275\234User\357\275\234>Hello<\357\275\234Assistant\357\275\234><think>\nA greeting.\n</think>\n\n"
		"Hi.<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234><\357\275\234User\357\275\234>It's {{ 7 "
		"* 7 }} <|im_end|> \\n \303\274<\357\275\234Assistant\357\275\234>"}},
	{"elements",
		"{% for message in messages[::-1][::-1] %}{% if message['role'] == messages[-1].role %}{{ '[' + messages[::"
		"-1][0]['role'] + ']' }}{% elif message['role'] == messages[::-1][-1]['role'] %}{{ '(' + messages[0].role +"
		" ')' }}{% endif %}{{ message['content'] + '\\n' }}{% endfor %}{{ '[answer]' }}\n",
		{"[user]Hello\n[answer]",
		"(system)Be brief.\n[user]Hello\n[answer]",
		"[user]Hello\nHi there.\n[user]How are you?\n[answer]",
		"(system)Be brief.\n[user]Hello\nHi there.\n[user]How are you?\n[answer]",
		"(system) \nBe brief. \n[user] \n Hello\t\n\n  Hi there.\n\n[user]  \n[answer]",
		"[user]one\ntwo\n[user]three\nfour\n[user]five\n[answer]",
		"(system)six\n[user]one\ntwo\n[user]three\nfour\n[user]five\n[answer]",
		"[user]Hello\n\n\n no </think> way </think>\n \n x\n\n[user]And?\n\n\343\200\200b\302\240\n[user]c\n[answer"
		"]",
		"[user]Hello\n<think>\nA greeting.\n</think>\n\nHi.\n[user]It's {{ 7 * 7 }} <|im_end|> \\n \303\274\n[answe"
		"r]"}},
	{"gemma2",
		"{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}{"
		"% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% "
		"set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '"
		"<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}\n",
		{"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n",
		NULL,
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nHi there.<end_of_turn>\n<start_of_turn>u"
		"ser\nHow are you?<end_of_turn>\n<start_of_turn>model\n",
		NULL,
		NULL,
		"<s><start_of_turn>user\none<end_of_turn>\n<start_of_turn>model\ntwo<end_of_turn>\n<start_of_turn>user\nthr"
		"ee<end_of_turn>\n<start_of_turn>model\nfour<end_of_turn>\n<start_of_turn>user\nfive<end_of_turn>\n<start_o"
		"f_turn>model\n",
		NULL,
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nno </think> way </think>\n \n x<end_of_t"
		"urn>\n<start_of_turn>user\nAnd?<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc"
		"<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n<think>\nA greeting.\n</think>\n\nHi.<en"
		"d_of_turn>\n<start_of_turn>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<end_of_turn>\n<start_of_turn>mod"
		"el\n"}},
	{"gemma3",
		"{{ bos_token }}\n{%- if messages[0]['role'] == 'system' -%}\n    {%- if messages[0]['content'] is string -"
		"%}\n        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}\n    {%- endif -%}\n    {%- se"
		"t loop_messages = messages[1:] -%}\n{%- else -%}\n    {%- set first_user_prefix = \"\" -%}\n    {%- set lo"
		"op_messages = messages -%}\n{%- endif -%}\n{%- for message in loop_messages -%}\n    {%- if (message['role"
		"'] == 'assistant') -%}\n        {%- set role = \"model\" -%}\n    {%- else -%}\n        {%- set role = mes"
		"sage['role'] -%}\n    {%- endif -%}\n    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.f"
		"irst else \"\") }}\n    {%- if message['content'] is string -%}\n        {{ message['content'] | trim }}\n"
		"    {%- else -%}\n        {{ raise_exception(\"no text\") }}\n    {%- endif -%}\n    {{ '<end_of_turn>\n' "
		"}}\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n    {{'<start_of_turn>model\n'}}\n{%- endif -%}\n",
		{"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nHi there.<end_of_turn>\n<start_of_turn>u"
		"ser\nHow are you?<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi there.<end_of_turn>\n<st"
		"art_of_turn>user\nHow are you?<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\n \nBe brief. \n\nHello<end_of_turn>\n<start_of_turn>model\nHi there.<end_of_turn>\n"
		"<start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\none<end_of_turn>\n<start_of_turn>model\ntwo<end_of_turn>\n<start_of_turn>user\nthr"
		"ee<end_of_turn>\n<start_of_turn>model\nfour<end_of_turn>\n<start_of_turn>user\nfive<end_of_turn>\n<start_o"
		"f_turn>model\n",
		"<s><start_of_turn>user\nsix\n\none<end_of_turn>\n<start_of_turn>model\ntwo<end_of_turn>\n<start_of_turn>us"
		"er\nthree<end_of_turn>\n<start_of_turn>model\nfour<end_of_turn>\n<start_of_turn>user\nfive<end_of_turn>\n<"
		"start_of_turn>model\n",
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nno </think> way </think>\n \n x<end_of_t"
		"urn>\n<start_of_turn>user\nAnd?<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc"
		"<end_of_turn>\n<start_of_turn>model\n",
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n<think>\nA greeting.\n</think>\n\nHi.<en"
		"d_of_turn>\n<start_of_turn>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<end_of_turn>\n<start_of_turn>mod"
		"el\n"}},
	{"granite",
		"{%- if messages[0]['role'] == 'system' %}\n    {%- set instructions = messages[0]['content'] %}\n    {%- s"
		"et turns = messages[1:] %}\n{%- else %}\n    {%- set instructions = \"Today's Date: \" + strftime_now('%B "
		"%d, %Y') + \". You are a rock.\" %}\n    {%- if tools and documents %}\n        {%- set instructions = ins"
		"tructions + \" With tools.\" %}\n    {%- endif %}\n    {%- set turns = messages %}\n{%- endif %}\n{{- '<|s"
		"tart_of_role|>system<|end_of_role|>' + instructions + '<|end_of_text|>\\n' }}\n{%- for message in turns %}"
		"\n    {{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + '<|end_of_text|"
		">\\n' }}\n    {%- if loop.last and add_generation_prompt %}\n        {{- '<|start_of_role|>assistant' }}\n"
		"            {%- if controls %}\n                {{- ' ' + controls | tojson()}}\n            {%- endif %}\n"
		"        {{- '<|end_of_role|>' }}\n    {%- endif %}\n{%- endfor %}\n",
		{"<|start_of_role|>system<|end_of_role|>Today's Date: August 02, 2026. You are a rock.<|end_of_text|>\n<|sta"
		"rt_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|>Be brief.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hello<"
		"|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|>Today's Date: August 02, 2026. You are a rock.<|end_of_text|>\n<|sta"
		"rt_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>Hi there.<|e"
		"nd_of_text|>\n<|start_of_role|>user<|end_of_role|>How are you?<|end_of_text|>\n<|start_of_role|>assistant<"
		"|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|>Be brief.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hello<"
		"|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>Hi there.<|end_of_text|>\n<|start_of_role|>user<|"
		"end_of_role|>How are you?<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|> \nBe brief. <|end_of_text|>\n<|start_of_role|>user<|end_of_role|> \n"
		" Hello\t\n<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>  Hi there.\n<|end_of_text|>\n<|start_"
		"of_role|>user<|end_of_role|>  <|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|>Today's Date: August 02, 2026. You are a rock.<|end_of_text|>\n<|sta"
		"rt_of_role|>user<|end_of_role|>one<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>two<|end_of_te"
		"xt|>\n<|start_of_role|>user<|end_of_role|>three<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>f"
		"our<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>five<|end_of_text|>\n<|start_of_role|>assistant<|e"
		"nd_of_role|>",
		"<|start_of_role|>system<|end_of_role|>six<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>one<|end_of_"
		"text|>\n<|start_of_role|>assistant<|end_of_role|>two<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>t"
		"hree<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>four<|end_of_text|>\n<|start_of_role|>user<|"
		"end_of_role|>five<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|>Today's Date: August 02, 2026. You are a rock.<|end_of_text|>\n<|sta"
		"rt_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>\n\n no </th"
		"ink> way </think>\n \n x\n<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>And?<|end_of_text|>\n<|star"
		"t_of_role|>assistant<|end_of_role|>\n\343\200\200b\302\240<|end_of_text|>\n<|start_of_role|>user<|end_of_r"
		"ole|>c<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
		"<|start_of_role|>system<|end_of_role|>Today's Date: August 02, 2026. You are a rock.<|end_of_text|>\n<|sta"
		"rt_of_role|>user<|end_of_role|>Hello<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|><think>\nA g"
		"reeting.\n</think>\n\nHi.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>It's {{ 7 * 7 }} <|im_end|> "
		"\\n \303\274<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"}},
	{"llama2",
		"{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = mess"
		"ages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif "
		"%}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise"
		"_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% se"
		"t content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set co"
		"ntent = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + conte"
		"nt.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_t"
		"oken }}{% endif %}{% endfor %}\n",
		{"<s>[INST] Hello [/INST]",
		"<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST]",
		"<s>[INST] Hello [/INST] Hi there. </s><s>[INST] How are you? [/INST]",
		"<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi there. </s><s>[INST] How are you? [/INST]",
		"<s>[INST] <<SYS>>\n \nBe brief. \n<</SYS>>\n\n \n Hello [/INST] Hi there. </s><s>[INST]  [/INST]",
		"<s>[INST] one [/INST] two </s><s>[INST] three [/INST] four </s><s>[INST] five [/INST]",
		"<s>[INST] <<SYS>>\nsix\n<</SYS>>\n\none [/INST] two </s><s>[INST] three [/INST] four </s><s>[INST] five [/"
		"INST]",
		"<s>[INST] Hello [/INST] no </think> way </think>\n \n x </s><s>[INST] And? [/INST] b </s><s>[INST] c [/INS"
		"T]",
		"<s>[INST] Hello [/INST] <think>\nA greeting.\n</think>\n\nHi. </s><s>[INST] It's {{ 7 * 7 }} <|im_end|> \\"
		"n \303\274 [/INST]"}},
	{"llama3-system-always",
		"{{ bos_token + '<|start_header_id|>system<|end_header_id|>\\n\\nYou call functions.<|eot_id|>' }}{% for me"
		"ssage in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['conte"
		"nt'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|e"
		"nd_header_id|>\\n\\n' }}{% endif %}\n",
		{"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>user<|end"
		"_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>system<|e"
		"nd_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_he"
		"ader_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>user<|end"
		"_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start"
		"_header_id|>user<|end_header_id|>\n\nHow are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
		"\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>system<|e"
		"nd_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_he"
		"ader_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow "
		"are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>system<|e"
		"nd_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_he"
		"ader_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n<|eo"
		"t_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>user<|end"
		"_header_id|>\n\none<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_"
		"id|>user<|end_header_id|>\n\nthree<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|"
		"><|start_header_id|>user<|end_header_id|>\n\nfive<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
		"\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>system<|e"
		"nd_header_id|>\n\nsix<|eot_id|><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|start_header_id|"
		">assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthree<|eot_id|><|s"
		"tart_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nfi"
		"ve<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>user<|end"
		"_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nno </think> way </think>\n"
		" \n x<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAnd?<|eot_id|><|start_header_id|>assistant<|end"
		"_header_id|>\n\nb<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assis"
		"tant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nYou call functions.<|eot_id|><|start_header_id|>user<|end"
		"_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n<think>\nA greeting.\n</th"
		"ink>\n\nHi.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<"
		"|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"}},
	{"llama3",
		"{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>'"
		" + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0"
		" == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_pr"
		"ompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}\n",
		{"<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|"
		">\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id"
		"|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|"
		">\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow are you?<|eot_id|><|start_header_i"
		"d|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id"
		"|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id"
		"|>user<|end_header_id|>\n\nHow are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id"
		"|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id"
		"|>user<|end_header_id|>\n\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
		"\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthree<|eot_id|><|start_header_id|>assistant<|en"
		"d_header_id|>\n\nfour<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nfive<|eot_id|><|start_header_id"
		"|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nsix<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
		"one<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_he"
		"ader_id|>\n\nthree<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|><|start_header_"
		"id|>user<|end_header_id|>\n\nfive<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|"
		">\n\nno </think> way </think>\n \n x<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAnd?<|eot_id|><|"
		"start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nc<|e"
		"ot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|"
		">\n\n<think>\nA greeting.\n</think>\n\nHi.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nIt's {{ 7 "
		"* 7 }} <|im_end|> \\n \303\274<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"}},
	{"llama31",
		"{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- set date_string = \"26 Jul 2024\" %}\n{%- "
		"endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|t"
		"rim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = \"\" %}\n{%- end"
		"if %}\n{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n{%- if tools is defined %}\n    {{- \""
		"Environment: ipython\\n\" }}\n{%- endif %}\n{{- \"Cutting Knowledge Date: December 2023\\n\" }}\n{{- \"Tod"
		"ay Date: \" + date_string + \"\\n\\n\" }}\n{{- system_message }}\n{{- \"<|eot_id|>\" }}\n{%- for message i"
		"n messages %}\n    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}\n        {{- '<|st"
		"art_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }"
		"}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant"
		"<|end_header_id|>\\n\\n' }}\n{%- endif %}\n",
		{"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_i"
		"d|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
		"How are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_i"
		"d|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header"
		"_id|>\n\nHow are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_i"
		"d|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header"
		"_id|>\n\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|start_"
		"header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthree<|e"
		"ot_id|><|start_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|><|start_header_id|>user<|end_header_"
		"id|>\n\nfive<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\nsix<|eot_id|><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|sta"
		"rt_header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthree"
		"<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|><|start_header_id|>user<|end_head"
		"er_id|>\n\nfive<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\nno </think> way </think>\n \n x<|eot_id|><|start_header_id|>use"
		"r<|end_header_id|>\n\nAnd?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_he"
		"ader_id|>user<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\n<think>\nA greeting.\n</think>\n\nHi.<|eot_id|><|start_header_i"
		"d|>user<|end_header_id|>\n\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\n"}},
	{"llama32",
		"{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n        {%-"
		" set date_string = strftime_now(\"%d %b %Y\") %}\n    {%- else %}\n        {%- set date_string = \"26 Jul "
		"2024\" %}\n    {%- endif %}\n{%- endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system_m"
		"essage = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set "
		"system_message = \"\" %}\n{%- endif %}\n{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n{%- i"
		"f tools is defined %}\n    {{- \"Environment: ipython\\n\" }}\n{%- endif %}\n{{- \"Cutting Knowledge Date:"
		" December 2023\\n\" }}\n{{- \"Today Date: \" + date_string + \"\\n\\n\" }}\n{{- system_message }}\n{{- \"<"
		"|eot_id|>\" }}\n{%- for message in messages %}\n    {%- if not (message.role == 'ipython' or 'tool_calls' "
		"in message) %}\n        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['"
		"content'] | trim + '<|eot_id|>' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    "
		"{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n",
		{"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_i"
		"d|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
		"How are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_i"
		"d|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header"
		"_id|>\n\nHow are you?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_i"
		"d|><|start_header_id|>assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header"
		"_id|>\n\n<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|start_"
		"header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthree<|e"
		"ot_id|><|start_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|><|start_header_id|>user<|end_header_"
		"id|>\n\nfive<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\nsix<|eot_id|><|start_header_id|>user<|end_header_id|>\n\none<|eot_id|><|sta"
		"rt_header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthree"
		"<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nfour<|eot_id|><|start_header_id|>user<|end_head"
		"er_id|>\n\nfive<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\nno </think> way </think>\n \n x<|eot_id|><|start_header_id|>use"
		"r<|end_header_id|>\n\nAnd?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_he"
		"ader_id|>user<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nCutting Knowledge Date: December 20"
		"23\nToday Date: 02 Aug 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|star"
		"t_header_id|>assistant<|end_header_id|>\n\n<think>\nA greeting.\n</think>\n\nHi.<|eot_id|><|start_header_i"
		"d|>user<|end_header_id|>\n\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\n"}},
	{"mistral-first",
		"{%- if messages[0][\"role\"] == \"system\" %}\n    {%- set system_message = messages[0][\"content\"] %}\n "
		"   {%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set loop_messages = messages %}\n{%- endi"
		"f %}\n{{- bos_token }}\n{%- for message in loop_messages %}\n    {%- if (message['role'] == 'user') != (lo"
		"op.index0 % 2 == 0) %}\n        {{- raise_exception('roles must alternate') }}\n    {%- endif %}\n    {%- "
		"if message[\"role\"] == \"user\" %}\n        {%- if loop.first and system_message is defined %}\n         "
		"   {{- \" [INST] \" + system_message + \"\\n\\n\" + message[\"content\"] + \" [/INST]\" }}\n        {%- el"
		"se %}\n            {{- \" [INST] \" + message[\"content\"] + \" [/INST]\" }}\n        {%- endif %}\n    {%"
		"- elif message[\"role\"] == \"assistant\" %}\n        {{- \" \" + message[\"content\"] + eos_token}}\n    "
		"{%- endif %}\n{%- endfor %}\n",
		{"<s> [INST] Hello [/INST]",
		"<s> [INST] Be brief.\n\nHello [/INST]",
		"<s> [INST] Hello [/INST] Hi there.</s> [INST] How are you? [/INST]",
		"<s> [INST] Be brief.\n\nHello [/INST] Hi there.</s> [INST] How are you? [/INST]",
		"<s> [INST]  \nBe brief. \n\n \n Hello\t\n [/INST]   Hi there.\n</s> [INST]    [/INST]",
		"<s> [INST] one [/INST] two</s> [INST] three [/INST] four</s> [INST] five [/INST]",
		"<s> [INST] six\n\none [/INST] two</s> [INST] three [/INST] four</s> [INST] five [/INST]",
		"<s> [INST] Hello [/INST] \n\n no </think> way </think>\n \n x\n</s> [INST] And? [/INST] \n\343\200\200b\302"
		"\240</s> [INST] c [/INST]",
		"<s> [INST] Hello [/INST] <think>\nA greeting.\n</think>\n\nHi.</s> [INST] It's {{ 7 * 7 }} <|im_end|> \\n "
		"\303\274 [/INST]"}},
	{"mistral-last",
		"{%- if messages[0][\"role\"] == \"system\" %}\n    {%- set system_message = messages[0][\"content\"] %}\n "
		"   {%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set loop_messages = messages %}\n{%- endi"
		"f %}\n{{- bos_token }}\n{%- for message in loop_messages %}\n    {%- if message[\"role\"] == \"user\" %}\n"
		"        {%- if loop.last and system_message is defined %}\n            {{- \"[INST] \" + system_message + "
		"\"\\n\\n\" + message[\"content\"] + \"[/INST]\" }}\n        {%- else %}\n            {{- \"[INST] \" + mes"
		"sage[\"content\"] + \"[/INST]\" }}\n        {%- endif %}\n    {%- elif message[\"role\"] == \"assistant\" "
		"%}\n        {{- \" \" + message[\"content\"]|trim + eos_token}}\n    {%- endif %}\n{%- endfor %}\n",
		{"<s>[INST] Hello[/INST]",
		"<s>[INST] Be brief.\n\nHello[/INST]",
		"<s>[INST] Hello[/INST] Hi there.</s>[INST] How are you?[/INST]",
		"<s>[INST] Hello[/INST] Hi there.</s>[INST] Be brief.\n\nHow are you?[/INST]",
		"<s>[INST]  \n Hello\t\n[/INST] Hi there.</s>[INST]  \nBe brief. \n\n  [/INST]",
		"<s>[INST] one[/INST] two</s>[INST] three[/INST] four</s>[INST] five[/INST]",
		"<s>[INST] one[/INST] two</s>[INST] three[/INST] four</s>[INST] six\n\nfive[/INST]",
		"<s>[INST] Hello[/INST] no </think> way </think>\n \n x</s>[INST] And?[/INST] b</s>[INST] c[/INST]",
		"<s>[INST] Hello[/INST] <think>\nA greeting.\n</think>\n\nHi.</s>[INST] It's {{ 7 * 7 }} <|im_end|> \\n \303"
		"\274[/INST]"}},
	{"mistral-tekken",
		"{%- if messages[0][\"role\"] == \"system\" %}\n    {%- set instructions = messages[0][\"content\"] %}\n   "
		" {%- set turns = messages[1:] %}\n{%- else %}\n    {%- set turns = messages %}\n{%- endif %}\n{%- if not t"
		"ools is defined %}\n    {%- set tools = none %}\n{%- endif %}\n{%- set asked = turns | selectattr(\"role\""
		", \"equalto\", \"user\") | list %}\n{%- set seen = namespace() %}\n{%- set seen.nr = 0 %}\n{%- for message"
		" in turns %}\n    {%- if not (message.role == \"tool\" or message.role == \"tool_results\" or (message.too"
		"l_calls is defined and message.tool_calls is not none)) %}\n        {%- if (message[\"role\"] == \"user\")"
		" != (seen.nr % 2 == 0) %}\n            {{- raise_exception(\"user and assistant must take turns\") }}\n   "
		"     {%- endif %}\n        {%- set seen.nr = seen.nr + 1 %}\n    {%- endif %}\n{%- endfor %}\n{{- bos_toke"
		"n }}\n{%- for message in turns %}\n    {%- if message[\"role\"] == \"user\" %}\n        {%- if tools is no"
		"t none and (message == asked[-1]) %}\n            {{- \"[AVAILABLE_TOOLS][\" }}\n            {%- for tool "
		"in tools %}\n                {{- tool.function | tojson }}\n            {%- endfor %}\n            {{- \"]"
		"[/AVAILABLE_TOOLS]\" }}\n        {%- endif %}\n        {%- if loop.last and instructions is defined %}\n  "
		"          {{- \"[INST]\" + instructions + \"\\n\\n\" + message[\"content\"] + \"[/INST]\" }}\n        {%- "
		"else %}\n            {{- \"[INST]\" + message[\"content\"] + \"[/INST]\" }}\n        {%- endif %}\n    {%-"
		" elif (message.tool_calls is defined and message.tool_calls is not none) %}\n        {{- \"[TOOL_CALLS][\""
		" + (message.tool_calls | tojson) + \"]\" + eos_token }}\n    {%- elif message[\"role\"] == \"assistant\" %"
		"}\n        {{- message[\"content\"] + eos_token}}\n    {%- elif message[\"role\"] == \"tool_results\" or m"
		"essage[\"role\"] == \"tool\" %}\n        {{- '[TOOL_RESULTS]' + message.content|string + '[/TOOL_RESULTS]'"
		" }}\n    {%- else %}\n        {{- raise_exception(\"only user and assistant\") }}\n    {%- endif %}\n{%- e"
		"ndfor %}\n",
		{"<s>[INST]Hello[/INST]",
		"<s>[INST]Be brief.\n\nHello[/INST]",
		"<s>[INST]Hello[/INST]Hi there.</s>[INST]How are you?[/INST]",
		"<s>[INST]Hello[/INST]Hi there.</s>[INST]Be brief.\n\nHow are you?[/INST]",
		"<s>[INST] \n Hello\t\n[/INST]  Hi there.\n</s>[INST] \nBe brief. \n\n  [/INST]",
		"<s>[INST]one[/INST]two</s>[INST]three[/INST]four</s>[INST]five[/INST]",
		"<s>[INST]one[/INST]two</s>[INST]three[/INST]four</s>[INST]six\n\nfive[/INST]",
		"<s>[INST]Hello[/INST]\n\n no </think> way </think>\n \n x\n</s>[INST]And?[/INST]\n\343\200\200b\302\240</s"
		">[INST]c[/INST]",
		"<s>[INST]Hello[/INST]<think>\nA greeting.\n</think>\n\nHi.</s>[INST]It's {{ 7 * 7 }} <|im_end|> \\n \303\274"
		"[/INST]"}},
	{"mistral-v1",
		"{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
		"{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + m"
		"essage['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_toke"
		"n + ' ' }}{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}\n",
		{"<s>[INST] Hello [/INST]",
		NULL,
		"<s>[INST] Hello [/INST]Hi there.</s> [INST] How are you? [/INST]",
		NULL,
		NULL,
		"<s>[INST] one [/INST]two</s> [INST] three [/INST]four</s> [INST] five [/INST]",
		NULL,
		"<s>[INST] Hello [/INST]\n\n no </think> way </think>\n \n x\n</s> [INST] And? [/INST]\n\343\200\200b\302\240"
		"</s> [INST] c [/INST]",
		"<s>[INST] Hello [/INST]<think>\nA greeting.\n</think>\n\nHi.</s> [INST] It's {{ 7 * 7 }} <|im_end|> \\n \303"
		"\274 [/INST]"}},
	{"mistral-v7-tekken",
		"{%- set today = strftime_now(\"%Y-%m-%d\") %}\n{%- set usual = \"You are a small model.\\nIt is \" + today"
		" + \".\\n\\nIf you don't know, say so.\" %}\n{{- bos_token }}\n{%- if messages[0]['role'] == 'system' %}\n"
		"    {%- if messages[0]['content'] is string %}\n        {%- set instructions = messages[0]['content'] %}\n"
		"    {%- else %}\n        {%- set instructions = messages[0]['content'][0]['text'] %}\n    {%- endif %}\n  "
		"  {%- set turns = messages[1:] %}\n{%- else %}\n    {%- set instructions = usual %}\n    {%- set turns = m"
		"essages %}\n{%- endif %}\n{{- '[SYSTEM_PROMPT]' + instructions + '[/SYSTEM_PROMPT]' }}\n{%- for message in"
		" turns %}\n    {%- if message['role'] == 'user' %}\n        {%- if message['content'] is string %}\n      "
		"      {{- '[INST]' + message['content'] + '[/INST]' }}\n        {%- else %}\n            {{- '[INST]' }}\n"
		"            {%- for block in message['content'] %}\n                {{- block['text'] if block['type'] == "
		"'text' else '[IMG]' }}\n            {%- endfor %}\n            {{- '[/INST]' }}\n        {%- endif %}\n   "
		" {%- elif message['role'] == 'assistant' %}\n        {%- if message['content'] is string %}\n            {"
		"{- message['content'] }}\n        {%- else %}\n            {{- message['content'][0]['text'] }}\n        {"
		"%- endif %}\n        {%- if message.get('tool_calls') %}\n            {{- '[TOOL_CALLS]' + message['tool_c"
		"alls'] | tojson }}\n        {%- endif %}\n        {{- eos_token }}\n    {%- else %}\n        {{- raise_exc"
		"eption('user and assistant only') }}\n    {%- endif %}\n{%- endfor %}\n",
		{"<s>[SYSTEM_PROMPT]You are a small model.\nIt is 2026-08-02.\n\nIf you don't know, say so.[/SYSTEM_PROMPT]["
		"INST]Hello[/INST]",
		"<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hello[/INST]",
		"<s>[SYSTEM_PROMPT]You are a small model.\nIt is 2026-08-02.\n\nIf you don't know, say so.[/SYSTEM_PROMPT]["
		"INST]Hello[/INST]Hi there.</s>[INST]How are you?[/INST]",
		"<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hello[/INST]Hi there.</s>[INST]How are you?[/INST]",
		"<s>[SYSTEM_PROMPT] \nBe brief. [/SYSTEM_PROMPT][INST] \n Hello\t\n[/INST]  Hi there.\n</s>[INST]  [/INST]",
		"<s>[SYSTEM_PROMPT]You are a small model.\nIt is 2026-08-02.\n\nIf you don't know, say so.[/SYSTEM_PROMPT]["
		"INST]one[/INST]two</s>[INST]three[/INST]four</s>[INST]five[/INST]",
		"<s>[SYSTEM_PROMPT]six[/SYSTEM_PROMPT][INST]one[/INST]two</s>[INST]three[/INST]four</s>[INST]five[/INST]",
		"<s>[SYSTEM_PROMPT]You are a small model.\nIt is 2026-08-02.\n\nIf you don't know, say so.[/SYSTEM_PROMPT]["
		"INST]Hello[/INST]\n\n no </think> way </think>\n \n x\n</s>[INST]And?[/INST]\n\343\200\200b\302\240</s>[IN"
		"ST]c[/INST]",
		"<s>[SYSTEM_PROMPT]You are a small model.\nIt is 2026-08-02.\n\nIf you don't know, say so.[/SYSTEM_PROMPT]["
		"INST]Hello[/INST]<think>\nA greeting.\n</think>\n\nHi.</s>[INST]It's {{ 7 * 7 }} <|im_end|> \\n \303\274[/"
		"INST]"}},
	{"mistral-v7",
		"{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['cont"
		"ent'] + '[/INST]' }}{% elif message['role'] == 'system' %}{{ '[SYSTEM_PROMPT] ' + message['content'] + '[/"
		"SYSTEM_PROMPT]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% el"
		"se %}{{ raise_exception('another role') }}{% endif %}{% endfor %}\n",
		{"<s>[INST] Hello[/INST]",
		"<s>[SYSTEM_PROMPT] Be brief.[/SYSTEM_PROMPT][INST] Hello[/INST]",
		"<s>[INST] Hello[/INST] Hi there.</s>[INST] How are you?[/INST]",
		"<s>[SYSTEM_PROMPT] Be brief.[/SYSTEM_PROMPT][INST] Hello[/INST] Hi there.</s>[INST] How are you?[/INST]",
		"<s>[SYSTEM_PROMPT]  \nBe brief. [/SYSTEM_PROMPT][INST]  \n Hello\t\n[/INST]   Hi there.\n</s>[INST]   [/IN"
		"ST]",
		"<s>[INST] one[/INST] two</s>[INST] three[/INST] four</s>[INST] five[/INST]",
		"<s>[SYSTEM_PROMPT] six[/SYSTEM_PROMPT][INST] one[/INST] two</s>[INST] three[/INST] four</s>[INST] five[/IN"
		"ST]",
		"<s>[INST] Hello[/INST] \n\n no </think> way </think>\n \n x\n</s>[INST] And?[/INST] \n\343\200\200b\302\240"
		"</s>[INST] c[/INST]",
		"<s>[INST] Hello[/INST] <think>\nA greeting.\n</think>\n\nHi.</s>[INST] It's {{ 7 * 7 }} <|im_end|> \\n \303"
		"\274[/INST]"}},
	{"olmo2",
		"{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ '<|system|>\\n' + messa"
		"ge['content'] + '\\n' }}{% elif message['role'] == 'user' %}{{ '<|user|>\\n' + message['content'] + '\\n' "
		"}}{% elif message['role'] == 'assistant' %}{% if not loop.last %}{{ '<|assistant|>\\n'  + message['content"
		"'] + eos_token + '\\n' }}{% else %}{{ '<|assistant|>\\n'  + message['content'] + eos_token }}{% endif %}{%"
		" endif %}{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}{% endfor %}\n",
		{"<s><|user|>\nHello\n<|assistant|>\n",
		"<s><|system|>\nBe brief.\n<|user|>\nHello\n<|assistant|>\n",
		"<s><|user|>\nHello\n<|assistant|>\nHi there.</s>\n<|user|>\nHow are you?\n<|assistant|>\n",
		"<s><|system|>\nBe brief.\n<|user|>\nHello\n<|assistant|>\nHi there.</s>\n<|user|>\nHow are you?\n<|assista"
		"nt|>\n",
		"<s><|system|>\n \nBe brief. \n<|user|>\n \n Hello\t\n\n<|assistant|>\n  Hi there.\n</s>\n<|user|>\n  \n<|a"
		"ssistant|>\n",
		"<s><|user|>\none\n<|assistant|>\ntwo</s>\n<|user|>\nthree\n<|assistant|>\nfour</s>\n<|user|>\nfive\n<|assi"
		"stant|>\n",
		"<s><|system|>\nsix\n<|user|>\none\n<|assistant|>\ntwo</s>\n<|user|>\nthree\n<|assistant|>\nfour</s>\n<|use"
		"r|>\nfive\n<|assistant|>\n",
		"<s><|user|>\nHello\n<|assistant|>\n\n\n no </think> way </think>\n \n x\n</s>\n<|user|>\nAnd?\n<|assistant"
		"|>\n\n\343\200\200b\302\240</s>\n<|user|>\nc\n<|assistant|>\n",
		"<s><|user|>\nHello\n<|assistant|>\n<think>\nA greeting.\n</think>\n\nHi.</s>\n<|user|>\nIt's {{ 7 * 7 }} <"
		"|im_end|> \\n \303\274\n<|assistant|>\n"}},
	{"openchat",
		"{{ bos_token }}{% for message in messages %}{{ 'GPT4 Correct ' + message['role'].title() + ': ' + message["
		"'content'] + '<|end_of_turn|>'}}{% endfor %}{% if add_generation_prompt %}{{ 'GPT4 Correct Assistant:' }}{"
		"% endif %}\n",
		{"<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant:",
		"<s>GPT4 Correct System: Be brief.<|end_of_turn|>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assist"
		"ant:",
		"<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant: Hi there.<|end_of_turn|>GPT4 Correct Use"
		"r: How are you?<|end_of_turn|>GPT4 Correct Assistant:",
		"<s>GPT4 Correct System: Be brief.<|end_of_turn|>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assist"
		"ant: Hi there.<|end_of_turn|>GPT4 Correct User: How are you?<|end_of_turn|>GPT4 Correct Assistant:",
		"<s>GPT4 Correct System:  \nBe brief. <|end_of_turn|>GPT4 Correct User:  \n Hello\t\n<|end_of_turn|>GPT4 Co"
		"rrect Assistant:   Hi there.\n<|end_of_turn|>GPT4 Correct User:   <|end_of_turn|>GPT4 Correct Assistant:",
		"<s>GPT4 Correct User: one<|end_of_turn|>GPT4 Correct Assistant: two<|end_of_turn|>GPT4 Correct User: three"
		"<|end_of_turn|>GPT4 Correct Assistant: four<|end_of_turn|>GPT4 Correct User: five<|end_of_turn|>GPT4 Corre"
		"ct Assistant:",
		"<s>GPT4 Correct System: six<|end_of_turn|>GPT4 Correct User: one<|end_of_turn|>GPT4 Correct Assistant: two"
		"<|end_of_turn|>GPT4 Correct User: three<|end_of_turn|>GPT4 Correct Assistant: four<|end_of_turn|>GPT4 Corr"
		"ect User: five<|end_of_turn|>GPT4 Correct Assistant:",
		"<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant: \n\n no </think> way </think>\n \n x\n<|"
		"end_of_turn|>GPT4 Correct User: And?<|end_of_turn|>GPT4 Correct Assistant: \n\343\200\200b\302\240<|end_of"
		"_turn|>GPT4 Correct User: c<|end_of_turn|>GPT4 Correct Assistant:",
		"<s>GPT4 Correct User: Hello<|end_of_turn|>GPT4 Correct Assistant: <think>\nA greeting.\n</think>\n\nHi.<|e"
		"nd_of_turn|>GPT4 Correct User: It's {{ 7 * 7 }} <|im_end|> \\n \303\274<|end_of_turn|>GPT4 Correct Assista"
		"nt:"}},
	{"phi3-first",
		"{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|system|>' + '\\n' +"
		" message['content'] + '<|end|>' + '\\n'}}{% elif (message['role'] == 'user') %}{{'<|user|>' + '\\n' + mess"
		"age['content'] + '<|end|>' + '\\n' + '<|assistant|>' + '\\n'}}{% elif (message['role'] == 'assistant') %}{"
		"{message['content'] + '<|end|>' + '\\n'}}{% endif %}{% endfor %}\n",
		{"<s><|user|>\nHello<|end|>\n<|assistant|>\n",
		"<s><|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\n",
		"<s><|user|>\nHello<|end|>\n<|assistant|>\nHi there.<|end|>\n<|user|>\nHow are you?<|end|>\n<|assistant|>\n",
		"<s><|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there.<|end|>\n<|user|>\nHow ar"
		"e you?<|end|>\n<|assistant|>\n",
		"<s><|system|>\n \nBe brief. <|end|>\n<|user|>\n \n Hello\t\n<|end|>\n<|assistant|>\n  Hi there.\n<|end|>\n"
		"<|user|>\n  <|end|>\n<|assistant|>\n",
		"<s><|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assistant|>\nfour<|end|>\n<|"
		"user|>\nfive<|end|>\n<|assistant|>\n",
		"<s><|system|>\nsix<|end|>\n<|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assi"
		"stant|>\nfour<|end|>\n<|user|>\nfive<|end|>\n<|assistant|>\n",
		"<s><|user|>\nHello<|end|>\n<|assistant|>\n\n\n no </think> way </think>\n \n x\n<|end|>\n<|user|>\nAnd?<|e"
		"nd|>\n<|assistant|>\n\n\343\200\200b\302\240<|end|>\n<|user|>\nc<|end|>\n<|assistant|>\n",
		"<s><|user|>\nHello<|end|>\n<|assistant|>\n<think>\nA greeting.\n</think>\n\nHi.<|end|>\n<|user|>\nIt's {{ "
		"7 * 7 }} <|im_end|> \\n \303\274<|end|>\n<|assistant|>\n"}},
	{"phi3",
		"{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '"
		"<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif"
		" message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% en"
		"dfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}\n",
		{"<|user|>\nHello<|end|>\n<|assistant|>\n",
		"<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\n",
		"<|user|>\nHello<|end|>\n<|assistant|>\nHi there.<|end|>\n<|user|>\nHow are you?<|end|>\n<|assistant|>\n",
		"<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there.<|end|>\n<|user|>\nHow are y"
		"ou?<|end|>\n<|assistant|>\n",
		"<|system|>\n \nBe brief. <|end|>\n<|user|>\n \n Hello\t\n<|end|>\n<|assistant|>\n  Hi there.\n<|end|>\n<|u"
		"ser|>\n  <|end|>\n<|assistant|>\n",
		"<|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assistant|>\nfour<|end|>\n<|use"
		"r|>\nfive<|end|>\n<|assistant|>\n",
		"<|system|>\nsix<|end|>\n<|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assista"
		"nt|>\nfour<|end|>\n<|user|>\nfive<|end|>\n<|assistant|>\n",
		"<|user|>\nHello<|end|>\n<|assistant|>\n\n\n no </think> way </think>\n \n x\n<|end|>\n<|user|>\nAnd?<|end|"
		">\n<|assistant|>\n\n\343\200\200b\302\240<|end|>\n<|user|>\nc<|end|>\n<|assistant|>\n",
		"<|user|>\nHello<|end|>\n<|assistant|>\n<think>\nA greeting.\n</think>\n\nHi.<|end|>\n<|user|>\nIt's {{ 7 *"
		" 7 }} <|im_end|> \\n \303\274<|end|>\n<|assistant|>\n"}},
	{"phi35",
		"{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\n' +"
		" message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content']"
		" + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end"
		"|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token "
		"}}{% endif %}\n",
		{"<|user|>\nHello<|end|>\n<|assistant|>\n",
		"<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\n",
		"<|user|>\nHello<|end|>\n<|assistant|>\nHi there.<|end|>\n<|user|>\nHow are you?<|end|>\n<|assistant|>\n",
		"<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there.<|end|>\n<|user|>\nHow are y"
		"ou?<|end|>\n<|assistant|>\n",
		"<|system|>\n \nBe brief. <|end|>\n<|user|>\n \n Hello\t\n<|end|>\n<|assistant|>\n  Hi there.\n<|end|>\n<|u"
		"ser|>\n  <|end|>\n<|assistant|>\n",
		"<|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assistant|>\nfour<|end|>\n<|use"
		"r|>\nfive<|end|>\n<|assistant|>\n",
		"<|system|>\nsix<|end|>\n<|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assista"
		"nt|>\nfour<|end|>\n<|user|>\nfive<|end|>\n<|assistant|>\n",
		"<|user|>\nHello<|end|>\n<|assistant|>\n\n\n no </think> way </think>\n \n x\n<|end|>\n<|user|>\nAnd?<|end|"
		">\n<|assistant|>\n\n\343\200\200b\302\240<|end|>\n<|user|>\nc<|end|>\n<|assistant|>\n",
		"<|user|>\nHello<|end|>\n<|assistant|>\n<think>\nA greeting.\n</think>\n\nHi.<|end|>\n<|user|>\nIt's {{ 7 *"
		" 7 }} <|im_end|> \\n \303\274<|end|>\n<|assistant|>\n"}},
	{"phi4-mini",
		"{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor"
		" %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}\n",
		{"<|user|>Hello<|end|><|assistant|>",
		"<|system|>Be brief.<|end|><|user|>Hello<|end|><|assistant|>",
		"<|user|>Hello<|end|><|assistant|>Hi there.<|end|><|user|>How are you?<|end|><|assistant|>",
		"<|system|>Be brief.<|end|><|user|>Hello<|end|><|assistant|>Hi there.<|end|><|user|>How are you?<|end|><|as"
		"sistant|>",
		"<|system|> \nBe brief. <|end|><|user|> \n Hello\t\n<|end|><|assistant|>  Hi there.\n<|end|><|user|>  <|end"
		"|><|assistant|>",
		"<|user|>one<|end|><|assistant|>two<|end|><|user|>three<|end|><|assistant|>four<|end|><|user|>five<|end|><|"
		"assistant|>",
		"<|system|>six<|end|><|user|>one<|end|><|assistant|>two<|end|><|user|>three<|end|><|assistant|>four<|end|><"
		"|user|>five<|end|><|assistant|>",
		"<|user|>Hello<|end|><|assistant|>\n\n no </think> way </think>\n \n x\n<|end|><|user|>And?<|end|><|assista"
		"nt|>\n\343\200\200b\302\240<|end|><|user|>c<|end|><|assistant|>",
		"<|user|>Hello<|end|><|assistant|><think>\nA greeting.\n</think>\n\nHi.<|end|><|user|>It's {{ 7 * 7 }} <|im"
		"_end|> \\n \303\274<|end|><|assistant|>"}},
	{"phi4",
		"{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|im_start|>system<|im_sep|>' + mess"
		"age['content'] + '<|im_end|>'}}{% elif (message['role'] == 'user') %}{{'<|im_start|>user<|im_sep|>' + mess"
		"age['content'] + '<|im_end|>'}}{% elif (message['role'] == 'assistant') %}{{'<|im_start|>assistant<|im_sep"
		"|>' + message['content'] + '<|im_end|>'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_sta"
		"rt|>assistant<|im_sep|>' }}{% endif %}\n",
		{"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assist"
		"ant<|im_sep|>",
		"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>Hi there.<|im_end|><|im_start|>use"
		"r<|im_sep|>How are you?<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assist"
		"ant<|im_sep|>Hi there.<|im_end|><|im_start|>user<|im_sep|>How are you?<|im_end|><|im_start|>assistant<|im_"
		"sep|>",
		"<|im_start|>system<|im_sep|> \nBe brief. <|im_end|><|im_start|>user<|im_sep|> \n Hello\t\n<|im_end|><|im_s"
		"tart|>assistant<|im_sep|>  Hi there.\n<|im_end|><|im_start|>user<|im_sep|>  <|im_end|><|im_start|>assistan"
		"t<|im_sep|>",
		"<|im_start|>user<|im_sep|>one<|im_end|><|im_start|>assistant<|im_sep|>two<|im_end|><|im_start|>user<|im_se"
		"p|>three<|im_end|><|im_start|>assistant<|im_sep|>four<|im_end|><|im_start|>user<|im_sep|>five<|im_end|><|i"
		"m_start|>assistant<|im_sep|>",
		"<|im_start|>system<|im_sep|>six<|im_end|><|im_start|>user<|im_sep|>one<|im_end|><|im_start|>assistant<|im_"
		"sep|>two<|im_end|><|im_start|>user<|im_sep|>three<|im_end|><|im_start|>assistant<|im_sep|>four<|im_end|><|"
		"im_start|>user<|im_sep|>five<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>\n\n no </think> way </think>\n \n"
		" x\n<|im_end|><|im_start|>user<|im_sep|>And?<|im_end|><|im_start|>assistant<|im_sep|>\n\343\200\200b\302\240"
		"<|im_end|><|im_start|>user<|im_sep|>c<|im_end|><|im_start|>assistant<|im_sep|>",
		"<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|><think>\nA greeting.\n</think>\n\n"
		"Hi.<|im_end|><|im_start|>user<|im_sep|>It's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|><|im_start|>assis"
		"tant<|im_sep|>"}},
	{"plain",
		"{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}\n",
		{"user: Hello\n",
		"system: Be brief.\nuser: Hello\n",
		"user: Hello\nassistant: Hi there.\nuser: How are you?\n",
		"system: Be brief.\nuser: Hello\nassistant: Hi there.\nuser: How are you?\n",
		"system:  \nBe brief. \nuser:  \n Hello\t\n\nassistant:   Hi there.\n\nuser:   \n",
		"user: one\nassistant: two\nuser: three\nassistant: four\nuser: five\n",
		"system: six\nuser: one\nassistant: two\nuser: three\nassistant: four\nuser: five\n",
		"user: Hello\nassistant: \n\n no </think> way </think>\n \n x\n\nuser: And?\nassistant: \n\343\200\200b\302"
		"\240\nuser: c\n",
		"user: Hello\nassistant: <think>\nA greeting.\n</think>\n\nHi.\nuser: It's {{ 7 * 7 }} <|im_end|> \\n \303\274"
		"\n"}},
	{"qwen2",
		"{%- if tools %}\n    {{- '<|im_start|>system\\n' }}\n    {%- if messages[0]['role'] == 'system' %}\n      "
		"  {{- messages[0]['content'] }}\n    {%- else %}\n        {{- 'You are helpful.' }}\n    {%- endif %}\n   "
		" {{- \"\\n\\n# Tools\\n<tools>\" }}\n    {%- for tool in tools %}\n        {{- \"\\n\" }}\n        {{- too"
		"l | tojson }}\n    {%- endfor %}\n    {{- \"\\n</tools> {\\\"name\\\": \\\"x\\\"}<|im_end|>\\n\" }}\n{%- e"
		"lse %}\n    {%- if messages[0]['role'] == 'system' %}\n        {{- '<|im_start|>system\\n' + messages[0]['"
		"content'] + '<|im_end|>\\n' }}\n    {%- else %}\n        {{- '<|im_start|>system\\nYou are helpful.<|im_en"
		"d|>\\n' }}\n    {%- endif %}\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \""
		"user\") or (message.role == \"system\" and not loop.first) or (message.role == \"assistant\" and not messa"
		"ge.tool_calls) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\"
		"n' }}\n    {%- elif message.role == \"assistant\" %}\n        {{- '<|im_start|>' + message.role }}\n      "
		"  {%- for tool_call in message.tool_calls %}\n            {{- '\\n<tool_call>\\n{\"name\": \"' + tool_call"
		".name + '\"}\\n</tool_call>' }}\n        {%- endfor %}\n        {{- '<|im_end|>\\n' }}\n    {%- endif %}\n"
		"{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
		{"<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
		"Hi there.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi ther"
		"e.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n<|im_start|>assist"
		"ant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntw"
		"o<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nf"
		"ive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
		"<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>"
		"\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
		"\n\n no </think> way </think>\n \n x\n<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n"
		"\n\343\200\200b\302\240<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
		"<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274"
		"<|im_end|>\n<|im_start|>assistant\n"}},
	{"qwen3-steps",
		"{%- if messages[0].role == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|"
		">\\n' }}\n{%- endif %}\n{%- set ns = namespace(searching=true, last_query=messages|length - 1) %}\n{%- for"
		" message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n    {%- if ns.s"
		"earching and message.role == \"user\" and message.content is string and not(message.content.startswith('<t"
		"ool_response>') and message.content.endswith('</tool_response>')) %}\n        {%- set ns.searching = false"
		" %}\n        {%- set ns.last_query = index %}\n    {%- endif %}\n{%- endfor %}\n{%- for message in message"
		"s %}\n    {%- set content = message.content if message.content is string else '' %}\n    {%- if (message.r"
		"ole == \"user\") or (message.role == \"system\" and not loop.first) %}\n        {{- '<|im_start|>' + messa"
		"ge.role + '\\n' + content + '<|im_end|>' + '\\n' }}\n    {%- elif message.role == \"assistant\" %}\n      "
		"  {%- set thoughts = '' %}\n        {%- if message.reasoning_content is string %}\n            {%- set tho"
		"ughts = message.reasoning_content %}\n        {%- else %}\n            {%- if '</think>' in content %}\n  "
		"              {%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\"
		"n') %}\n                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}\n            {%- "
		"endif %}\n        {%- endif %}\n        {%- if loop.index0 > ns.last_query %}\n            {{- '<|im_start"
		"|>' + message.role + '\\n<think>\\n' + thoughts.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n')"
		" }}\n        {%- else %}\n            {{- '<|im_start|>' + message.role + '\\n' + content }}\n        {%- "
		"endif %}\n        {{- '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}"
		"\n    {{- '<|im_start|>assistant\\n' }}\n    {%- if enable_thinking is defined and enable_thinking is fals"
		"e %}\n        {{- '<think>\\n\\n</think>\\n\\n' }}\n    {%- endif %}\n{%- endif %}\n",
		{"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are y"
		"ou?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi ther"
		"e.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n<|im_start|>assist"
		"ant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n"
		"<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
		"<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>"
		"\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n \n x\n<|im_end|>\n<|im_start|>user\nAnd?<|im_en"
		"d|>\n<|im_start|>assistant\n\n\343\200\200b\302\240<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>"
		"assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }"
		"} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
	{"qwen3",
		"{%- if messages[0].role == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|"
		">\\n' }}\n{%- endif %}\n{%- set ns = namespace(last=messages|length - 1) %}\n{%- for message in messages %"
		"}\n    {%- if message.content is string %}\n        {%- set content = message.content %}\n    {%- else %}\n"
		"        {%- set content = '' %}\n    {%- endif %}\n    {%- if (message.role == \"user\") or (message.role "
		"== \"system\" and not loop.first) %}\n        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_"
		"end|>' + '\\n' }}\n    {%- elif message.role == \"assistant\" %}\n        {%- if '</think>' in content %}\n"
		"            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}\n        {%- endif %}\n      "
		"  {{- '<|im_start|>' + message.role + '\\n' + content }}\n        {{- '<|im_end|>\\n' }}\n    {%- endif %}"
		"\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n    {%- if enable"
		"_thinking is defined and enable_thinking is false %}\n        {{- '<think>\\n\\n</think>\\n\\n' }}\n    {%"
		"- endif %}\n{%- endif %}\n",
		{"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are y"
		"ou?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi ther"
		"e.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n<|im_start|>assist"
		"ant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n"
		"<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
		"<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>"
		"\n<|im_start|>assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n \n x\n<|im_end|>\n<|im_start|>user\nAnd?<|im_en"
		"d|>\n<|im_start|>assistant\n\n\343\200\200b\302\240<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>"
		"assistant\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }"
		"} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
	{"qwq",
		"{%- if tools %}\n    {{- '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' }}\n{%- elif message"
		"s[0]['role'] == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
		"\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == "
		"\"system\" and not loop.first) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '"
		"<|im_end|>' + '\\n' }}\n    {%- elif message.role == \"assistant\" and not message.tool_calls %}\n        "
		"{%- set content = message.content %}\n        {%- if not loop.last %}\n            {%- set content = messa"
		"ge.content.split('</think>')[-1].lstrip('\\n') %}\n        {%- endif %}\n        {{- '<|im_start|>' + mess"
		"age.role + '\\n' + content + '<|im_end|>' + '\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generati"
		"on_prompt %}\n    {{- '<|im_start|>assistant\\n<think>\\n' }}\n{%- endif %}\n",
		{"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>"
		"\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are y"
		"ou?<|im_end|>\n<|im_start|>assistant\n<think>\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi ther"
		"e.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n<think>\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n<|im_start|>assist"
		"ant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>assistant\n<think>\n",
		"<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n"
		"<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n<think>\n",
		"<|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
		"<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>"
		"\n<|im_start|>assistant\n<think>\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n \n x\n<|im_end|>\n<|im_start|>user\nAnd?<|im_en"
		"d|>\n<|im_start|>assistant\n\343\200\200b\302\240<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>as"
		"sistant\n<think>\n",
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }"
		"} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n<think>\n"}},
	{"smollm2",
		"{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system"
		"\\nYou are a small assistant named \\'Tiny\\'<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'"
		"] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_"
		"start|>assistant\\n' }}{% endif %}\n",
		{"<|im_start|>system\nYou are a small assistant named 'Tiny'<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<"
		"|im_start|>assistant\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are a small assistant named 'Tiny'<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<"
		"|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant"
		"\n",
		"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi ther"
		"e.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\n \nBe brief. <|im_end|>\n<|im_start|>user\n \n Hello\t\n<|im_end|>\n<|im_start|>assist"
		"ant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are a small assistant named 'Tiny'<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|i"
		"m_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|"
		">\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nsix<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n"
		"<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>"
		"\n<|im_start|>assistant\n",
		"<|im_start|>system\nYou are a small assistant named 'Tiny'<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<"
		"|im_start|>assistant\n\n\n no </think> way </think>\n \n x\n<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n"
		"<|im_start|>assistant\n\n\343\200\200b\302\240<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assis"
		"tant\n",
		"<|im_start|>system\nYou are a small assistant named 'Tiny'<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<"
		"|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }} "
		"<|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
	{"smollm3",
		"{%- set enable_thinking = enable_thinking | default(true) %}\n{%- if enable_thinking %}{%- set mode = \"/t"
		"hink\" %}{%- else %}{%- set mode = \"/no_think\" %}{%- endif %}\n{{- \"<|im_start|>system\\n\" -}}\n{%- if"
		" messages[0].role == \"system\" %}\n    {%- if \"/no_think\" in messages[0].content %}{%- set mode = \"/no"
		"_think\" %}{%- endif %}\n    {%- set own = messages[0].content.rstrip() %}\n{%- endif %}\n{{- \"Reasoning "
		"Mode: \" + mode + \"\\n\\n\" -}}\n{%- if own %}\n    {{- own + \"\\n\\n\" -}}\n{%- elif mode == \"/think\""
		" %}\n    {{- \"Think, then answer.\\n\\n\" -}}\n{%- endif %}\n{{- \"<|im_end|>\\n\" -}}\n{%- for message i"
		"n messages -%}\n    {%- set content = message.content if message.content is string else \"\" -%}\n    {%- "
		"if message.role == \"user\" -%}\n        {{ \"<|im_start|>\" + message.role + \"\\n\" + content + \"<|im_e"
		"nd|>\\n\" }}\n    {%- elif message.role == \"assistant\" -%}\n        {% generation %}\n        {%- if mod"
		"e == \"/think\" -%}\n            {{ \"<|im_start|>assistant\\n\" + content.lstrip(\"\\n\") + \"<|im_end|>\\"
		"n\" }}\n        {%- else -%}\n            {{ \"<|im_start|>assistant\\n<think>\\n\\n</think>\\n\" + conten"
		"t.lstrip(\"\\n\") + \"<|im_end|>\\n\" }}\n        {%- endif -%}\n        {% endgeneration %}\n    {%- endi"
		"f -%}\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n    {{ \"<|im_start|>assistant\\n\" }}\n{%- endif"
		" -%}\n",
		{"<|im_start|>system\nReasoning Mode: /think\n\nThink, then answer.\n\n<|im_end|>\n<|im_start|>user\nHello<|"
		"im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nBe brief.\n\n<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
		"<|im_start|>assistant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nThink, then answer.\n\n<|im_end|>\n<|im_start|>user\nHello<|"
		"im_end|>\n<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start"
		"|>assistant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nBe brief.\n\n<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
		"<|im_start|>assistant\nHi there.<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n<|im_start|>assistan"
		"t\n",
		"<|im_start|>system\nReasoning Mode: /think\n\n \nBe brief.\n\n<|im_end|>\n<|im_start|>user\n \n Hello\t\n<"
		"|im_end|>\n<|im_start|>assistant\n  Hi there.\n<|im_end|>\n<|im_start|>user\n  <|im_end|>\n<|im_start|>ass"
		"istant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nThink, then answer.\n\n<|im_end|>\n<|im_start|>user\none<|im"
		"_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfo"
		"ur<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nsix\n\n<|im_end|>\n<|im_start|>user\none<|im_end|>\n<|im_sta"
		"rt|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\nfour<|im_end|>\n<|"
		"im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nThink, then answer.\n\n<|im_end|>\n<|im_start|>user\nHello<|"
		"im_end|>\n<|im_start|>assistant\n no </think> way </think>\n \n x\n<|im_end|>\n<|im_start|>user\nAnd?<|im_"
		"end|>\n<|im_start|>assistant\n\343\200\200b\302\240<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>"
		"assistant\n",
		"<|im_start|>system\nReasoning Mode: /think\n\nThink, then answer.\n\n<|im_end|>\n<|im_start|>user\nHello<|"
		"im_end|>\n<|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n<|im_start|>user\nIt's {"
		"{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
	{"solar",
		"{% for message in messages %}\n{% if message['role'] == 'system' %}\n{% if message['content'] %}\n{{'### S"
		"ystem:\n' + message['content'] + '\n\n'}}\n{% endif %}\n{% elif message['role'] == 'user' %}\n{{'### User:"
		"\n' + message['content'] + '\n\n'}}\n{% elif message['role'] == 'assistant' %}\n{{'### Assistant:\n' + mes"
		"sage['content'] + '\n\n'}}\n{% endif %}\n{% endfor %}\n{% if add_generation_prompt %}\n{{ '### Assistant:\n"
		"' }}\n{% endif %}\n",
		{"### User:\nHello\n\n\n### Assistant:\n\n",
		"### System:\nBe brief.\n\n\n### User:\nHello\n\n\n### Assistant:\n\n",
		"### User:\nHello\n\n\n### Assistant:\nHi there.\n\n\n### User:\nHow are you?\n\n\n### Assistant:\n\n",
		"### System:\nBe brief.\n\n\n### User:\nHello\n\n\n### Assistant:\nHi there.\n\n\n### User:\nHow are you?\n"
		"\n\n### Assistant:\n\n",
		"### System:\n \nBe brief. \n\n\n### User:\n \n Hello\t\n\n\n\n### Assistant:\n  Hi there.\n\n\n\n### User:"
		"\n  \n\n\n### Assistant:\n\n",
		"### User:\none\n\n\n### Assistant:\ntwo\n\n\n### User:\nthree\n\n\n### Assistant:\nfour\n\n\n### User:\nfi"
		"ve\n\n\n### Assistant:\n\n",
		"### System:\nsix\n\n\n### User:\none\n\n\n### Assistant:\ntwo\n\n\n### User:\nthree\n\n\n### Assistant:\nf"
		"our\n\n\n### User:\nfive\n\n\n### Assistant:\n\n",
		"### User:\nHello\n\n\n### Assistant:\n\n\n no </think> way </think>\n \n x\n\n\n\n### User:\nAnd?\n\n\n###"
		" Assistant:\n\n\343\200\200b\302\240\n\n\n### User:\nc\n\n\n### Assistant:\n\n",
		"### User:\nHello\n\n\n### Assistant:\n<think>\nA greeting.\n</think>\n\nHi.\n\n\n### User:\nIt's {{ 7 * 7 "
		"}} <|im_end|> \\n \303\274\n\n\n### Assistant:\n\n"}},
	{"spelling",
		"{% if TRUE %}x{% endif %}{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] "
		"}}{% endfor %}",
		{"<user>Hello",
		"<system>Be brief.<user>Hello",
		"<user>Hello<assistant>Hi there.<user>How are you?",
		"<system>Be brief.<user>Hello<assistant>Hi there.<user>How are you?",
		"<system> \nBe brief. <user> \n Hello\t\n<assistant>  Hi there.\n<user>  ",
		"<user>one<assistant>two<user>three<assistant>four<user>five",
		"<system>six<user>one<assistant>two<user>three<assistant>four<user>five",
		"<user>Hello<assistant>\n\n no </think> way </think>\n \n x\n<user>And?<assistant>\n\343\200\200b\302\240<u"
		"ser>c",
		"<user>Hello<assistant><think>\nA greeting.\n</think>\n\nHi.<user>It's {{ 7 * 7 }} <|im_end|> \\n \303\274"}},
	{"vicuna",
		"{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + ' ' }}{% set turns = messages[1:] %}{%"
		" else %}{{ 'Questions of a person, and answers. ' }}{% set turns = messages %}{% endif %}{% for message in"
		" turns %}{% if message['role'] == 'user' %}{{ 'USER: ' + message['content'] + ' ' }}{% elif message['role'"
		"] == 'assistant' %}{{ 'ASSISTANT: ' + message['content'] + eos_token }}{% endif %}{% endfor %}{% if add_ge"
		"neration_prompt %}{{ 'ASSISTANT:' }}{% endif %}\n",
		{"Questions of a person, and answers. USER: Hello ASSISTANT:",
		"Be brief. USER: Hello ASSISTANT:",
		"Questions of a person, and answers. USER: Hello ASSISTANT: Hi there.</s>USER: How are you? ASSISTANT:",
		"Be brief. USER: Hello ASSISTANT: Hi there.</s>USER: How are you? ASSISTANT:",
		" \nBe brief.  USER:  \n Hello\t\n ASSISTANT:   Hi there.\n</s>USER:    ASSISTANT:",
		"Questions of a person, and answers. USER: one ASSISTANT: two</s>USER: three ASSISTANT: four</s>USER: five "
		"ASSISTANT:",
		"six USER: one ASSISTANT: two</s>USER: three ASSISTANT: four</s>USER: five ASSISTANT:",
		"Questions of a person, and answers. USER: Hello ASSISTANT: \n\n no </think> way </think>\n \n x\n</s>USER:"
		" And? ASSISTANT: \n\343\200\200b\302\240</s>USER: c ASSISTANT:",
		"Questions of a person, and answers. USER: Hello ASSISTANT: <think>\nA greeting.\n</think>\n\nHi.</s>USER: "
		"It's {{ 7 * 7 }} <|im_end|> \\n \303\274 ASSISTANT:"}},
	{"zephyr",
		"{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + "
		"eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }"
		"}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{"
		"% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
		"\n",
		{"<|user|>\nHello</s>\n<|assistant|>\n",
		"<|system|>\nBe brief.</s>\n<|user|>\nHello</s>\n<|assistant|>\n",
		"<|user|>\nHello</s>\n<|assistant|>\nHi there.</s>\n<|user|>\nHow are you?</s>\n<|assistant|>\n",
		"<|system|>\nBe brief.</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi there.</s>\n<|user|>\nHow are you?</s>\n"
		"<|assistant|>\n",
		"<|system|>\n \nBe brief. </s>\n<|user|>\n \n Hello\t\n</s>\n<|assistant|>\n  Hi there.\n</s>\n<|user|>\n  "
		"</s>\n<|assistant|>\n",
		"<|user|>\none</s>\n<|assistant|>\ntwo</s>\n<|user|>\nthree</s>\n<|assistant|>\nfour</s>\n<|user|>\nfive</s"
		">\n<|assistant|>\n",
		"<|system|>\nsix</s>\n<|user|>\none</s>\n<|assistant|>\ntwo</s>\n<|user|>\nthree</s>\n<|assistant|>\nfour</"
		"s>\n<|user|>\nfive</s>\n<|assistant|>\n",
		"<|user|>\nHello</s>\n<|assistant|>\n\n\n no </think> way </think>\n \n x\n</s>\n<|user|>\nAnd?</s>\n<|assi"
		"stant|>\n\n\343\200\200b\302\240</s>\n<|user|>\nc</s>\n<|assistant|>\n",
		"<|user|>\nHello</s>\n<|assistant|>\n<think>\nA greeting.\n</think>\n\nHi.</s>\n<|user|>\nIt's {{ 7 * 7 }} "
		"<|im_end|> \\n \303\274</s>\n<|assistant|>\n"}},
};

static const struct {
	const char *name, *source;
} unknown[] = {
	{"added-up",
		"{% for message in messages %}{% if loop.index0 == 3 + 3 + 3 %}x{% endif %}{{ '<' + message['role'] + '>' +"
		" message['content'] }}{% endfor %}"},
	{"backwards",
		"{% for message in messages[::-1] %}{{ '<' + message['role'] + '>' + message['content'] }}{% endfor %}"},
	{"break",
		"{% for message in messages %}{{ message['content'] }}{% break %}{% endfor %}"},
	{"by-length",
		"{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] }}{% if message['content'"
		"]|length > 100 %}{{ '...' }}{% endif %}{% endfor %}"},
	{"chatml-begun-answer",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>"
		"' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' + mood }}{% endif %}\n"},
	{"chatml-tools-always",
		"{{ bos_token }}{{ '<|im_start|>system\\nYou call functions: ' }}{{ tools | tojson }}{{ '<|im_end|>\\n' }}{"
		"% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'"
		" + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n"},
	{"chatml-upper",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content']|upper + '<|im"
		"_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n"},
	{"compared-twice",
		"{% if 'u' in messages[0].role == false %}x{% endif %}{% for message in messages %}{{ '<' + message['role']"
		" + '>' + message['content'] }}{% endfor %}"},
	{"compared",
		"{% set x = 'aaaaaaaaaaaaaaaa' %}{% set x = x + x %}{% set x = x + x %}{% set x = x + x %}{% set x = x + x "
		"%}{% set x = x + x %}{% set x = x + x %}{% set x = x + x %}{% set x = x + x %}{% set x = x + x %}{% set x "
		"= x + x %}{% set x = x + x %}{% set x = x + x %}{% for a in messages %}{% for b in messages %}{% for c in "
		"messages %}{% if x == x %}{% endif %}{% endfor %}{% endfor %}{% endfor %}{% for message in messages %}{{ '"
		"<' + message['role'] + '>' + message['content'] }}{% endfor %}"},
	{"crossed",
		"{% for message in messages %}{% if true %}{{ message['content'] }}{% endfor %}{% endif %}"},
	{"cut-twice",
		"{% if messages[3:][3:][3:] %}x{% endif %}{% for message in messages %}{{ '<' + message['role'] + '>' + mes"
		"sage['content'] }}{% endfor %}"},
	{"deep",
		"{% for message in messages %}{{ (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
		"(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
		"((((((((((((((((((((message['content']))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"
		"))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))"
		")))))))))))))))))))))))))) }}{% endfor %}"},
	{"each-other",
		"{% for message in messages %}{% if loop.index0 % 4 == 0 %}{{ '>' }}{% endif %}{{ message['content'] + '\\n"
		"' }}{% endfor %}"},
	{"each-third",
		"{% for message in messages %}{% if loop.index % 3 == 0 %}{{ '>' }}{% endif %}{{ message['content'] + '\\n'"
		" }}{% endfor %}\n"},
	{"either",
		"{% if (eos_token or 'x') == eos_token %}x{% endif %}{% for message in messages %}{{ '<' + message['role'] "
		"+ '>' + message['content'] }}{% endfor %}"},
	{"empty",
		""},
	{"endless",
		"{% set a = 'aaaaaaaaaaaaaaaa' %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a "
		"%}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a "
		"= a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{"
		"% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a"
		" + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% s"
		"et a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + "
		"a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set a = a + a %}{% set "
		"a = a + a %}{% set a = a + a %}{% set a = a + a %}{% for message in messages %}{{ a + message['content'] }"
		"}{% endfor %}"},
	{"escape",
		"{% for message in messages %}{{ '\\x41' + message['content'] }}{% endfor %}"},
	{"last-only",
		"{{ messages[-1]['content'] }}"},
	{"long",
		"{% for message in messages %}{% if loop.index0 > 8 %}{{ '...' }}{% endif %}{{ '<' + message['role'] + '>' "
		"+ message['content'] }}{% endfor %}\n"},
	{"longer",
		"{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] }}{% endfor %}{% if messa"
		"ges[9] is defined %}{{ '...' }}{% endif %}\n"},
	{"loop-of-another",
		"{% for a in messages %}{% set outer = loop %}{% for b in messages %}{% if outer.first and loop.last %}x{% "
		"endif %}{% endfor %}{% endfor %}{% for message in messages %}{{ '<' + message['role'] + '>' + message['con"
		"tent'] }}{% endfor %}"},
	{"loops",
		"{% for a in messages %}{% for a in messages %}{% for a in messages %}{% for a in messages %}{% for a in me"
		"ssages %}{% for a in messages %}{% for a in messages %}{% for a in messages %}{{ 'x' }}{% endfor %}{% endf"
		"or %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% for message in messages %}"
		"{{ '<' + message['role'] + '>' + message['content'] }}{% endfor %}"},
	{"macro-name",
		"{% macro f() %}x{% endmacro %}{% if f is defined %}x{% endif %}{% for message in messages %}{{ '<' + messa"
		"ge['role'] + '>' + message['content'] }}{% endfor %}"},
	{"macro",
		"{% macro turn(m) %}{{ '<' + m['role'] + '>' + m['content'] }}{% endmacro %}{% for message in messages %}{{"
		" turn(message) }}{% endfor %}"},
	{"member",
		"{% for message in messages %}{{ message.__class__ }}{{ message['content'] }}{% endfor %}"},
	{"namespace-again",
		"{% set ns = namespace(a='') %}{% set ns.a = 'x' %}{% set ns = namespace() %}{{ ns.a }}{% for message in me"
		"ssages %}{{ '<' + message['role'] + '>' + message['content'] }}{% endfor %}\n"},
	{"no-end",
		"{% for message in messages %}{{ message"},
	{"other-token",
		"{% if pad_token %}x{% endif %}{% for message in messages %}{{ '<' + message['role'] + '>' + message['conte"
		"nt'] }}{% endfor %}"},
	{"range",
		"{% for i in range(messages|length) %}{{ messages[i]['content'] }}{% endfor %}"},
	{"raw",
		"{% for message in messages %}{% raw %}{{ message }}{% endraw %}{{ message['content'] }}{% endfor %}"},
	{"replaced",
		"{% for message in messages %}{{ message['content'].replace('a', 'b') }}{% endfor %}"},
	{"some",
		"{% for message in messages if message['role'] == 'user' %}{{ message['content'] }}{% endfor %}"},
	{"system-prompt",
		"{{ bos_token }}{{ '[SYSTEM_PROMPT]' + today + '[/SYSTEM_PROMPT]' }}{% for message in messages %}{% if mess"
		"age['role'] == 'user' %}{{ '[INST]' + message['content'] + '[/INST]' }}{% else %}{{ message['content'] + e"
		"os_token }}{% endif %}{% endfor %}\n"},
	{"thoughts-counted",
		"{% for message in messages %}{% set thinks = false %}{% if '</think>' in message['content'] %}{% set think"
		"s = true %}{% endif %}{% if thinks %}{{ 'T' }}{% endif %}{{ message['content'] }}{% endfor %}"},
	{"thoughts-marked",
		"{% for message in messages %}{{ '<' + message['role'] + '>' }}{% if '</think>' in message['content'] %}{{ "
		"'T' }}{% endif %}{{ message['content'] }}{% endfor %}"},
	{"thoughts-of-another",
		"{% set first = messages[0]['content'] %}{% for message in messages %}{% set content = message['content'] %"
		"}{% if '</think>' in first %}{% set content = content.split('</think>')[-1] %}{% endif %}{{ '<' + message["
		"'role'] + '>' + content }}{% endfor %}"},
	{"title",
		"{{ \"it's\" | title }}{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] }}{"
		"% endfor %}"},
	{"today-cut",
		"{{ strftime_now('%') }}{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] }}"
		"{% endfor %}\n"},
	{"today",
		"{{ strftime_now('%H:%M') }}{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'"
		"] }}{% endfor %}"},
	{"twice",
		"{% for message in messages %}{{ message['content'] + message['content'] }}{% endfor %}"},
};
