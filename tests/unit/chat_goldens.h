/* SPDX-License-Identifier: Apache-2.0 */
/* Made by chat_goldens.py of chat_templates/. */
static const struct {
	struct chat_message messages[4];
	size_t nr;
} conversations[] = {
	{{{CHAT_USER, "Hello"}}, 1},
	{{{CHAT_SYSTEM, "Be brief."}, {CHAT_USER, "Hello"}}, 2},
	{{{CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "Hi there."}, {CHAT_USER, "How are you?"}}, 3},
	{{{CHAT_SYSTEM, "Be brief."}, {CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "Hi there."}, {CHAT_USER, "How are you?"}}, 4},
	{{{CHAT_SYSTEM, " \nBe brief. "}, {CHAT_USER, " \n Hello\t\n"}, {CHAT_ASSISTANT, "  Hi there.\n"}, {CHAT_USER, "  "}}, 4},
	{{{CHAT_USER, "Hello"}, {CHAT_ASSISTANT, "<think>\nA greeting.\n</think>\n\nHi."}, {CHAT_USER, "It's {{ 7 * 7 }} <|im_end|> \\n \303\274"}}, 3},
};

static const struct {
	const char *name, *source, *want[6]; /* NULL: refused */
} templates[] = {
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
		"<s><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end"
		"|>\n<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
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
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n"
		"<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
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
		"<s><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n<think>\nA greeting.\n</think>\n\nHi.<en"
		"d_of_turn>\n<start_of_turn>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<end_of_turn>\n<start_of_turn>mod"
		"el\n"}},
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
		"<s>[INST] Hello [/INST] <think>\nA greeting.\n</think>\n\nHi. </s><s>[INST] It's {{ 7 * 7 }} <|im_end|> \\"
		"n \303\274 [/INST]"}},
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
		{"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul"
		" 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul"
		" 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>"
		"assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul"
		" 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow are you?<|eot_id|>"
		"<|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul"
		" 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>"
		"assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow are you?<"
		"|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul"
		" 2024\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>"
		"assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n<|eot_id|><|s"
		"tart_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul"
		" 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\n<think>\nA greeting.\n</think>\n\nHi.<|eot_id|><|start_header_id|>user<|end_header_id"
		"|>\n\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"}},
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
		{"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 02 Aug"
		" 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 02 Aug"
		" 2026\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>"
		"assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 02 Aug"
		" 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow are you?<|eot_id|>"
		"<|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 02 Aug"
		" 2026\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>"
		"assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHow are you?<"
		"|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 02 Aug"
		" 2026\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>"
		"assistant<|end_header_id|>\n\nHi there.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n<|eot_id|><|s"
		"tart_header_id|>assistant<|end_header_id|>\n\n",
		"<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 02 Aug"
		" 2026\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
		"<|end_header_id|>\n\n<think>\nA greeting.\n</think>\n\nHi.<|eot_id|><|start_header_id|>user<|end_header_id"
		"|>\n\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"}},
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
		"<s>[INST] Hello[/INST] <think>\nA greeting.\n</think>\n\nHi.</s>[INST] It's {{ 7 * 7 }} <|im_end|> \\n \303"
		"\274[/INST]"}},
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
		"<s>[INST] Hello [/INST]<think>\nA greeting.\n</think>\n\nHi.</s> [INST] It's {{ 7 * 7 }} <|im_end|> \\n \303"
		"\274 [/INST]"}},
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
		"<|user|>Hello<|end|><|assistant|><think>\nA greeting.\n</think>\n\nHi.<|end|><|user|>It's {{ 7 * 7 }} <|im"
		"_end|> \\n \303\274<|end|><|assistant|>"}},
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
		"<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
		"<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }} <|im_end|> \\n \303\274"
		"<|im_end|>\n<|im_start|>assistant\n"}},
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
		"<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }"
		"} <|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
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
		"<|im_start|>system\nYou are a small assistant named 'Tiny'<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<"
		"|im_start|>assistant\n<think>\nA greeting.\n</think>\n\nHi.<|im_end|>\n<|im_start|>user\nIt's {{ 7 * 7 }} "
		"<|im_end|> \\n \303\274<|im_end|>\n<|im_start|>assistant\n"}},
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
		"<|user|>\nHello</s>\n<|assistant|>\n<think>\nA greeting.\n</think>\n\nHi.</s>\n<|user|>\nIt's {{ 7 * 7 }} "
		"<|im_end|> \\n \303\274</s>\n<|assistant|>\n"}},
};

static const struct {
	const char *name, *source;
} unknown[] = {
	{"chatml-begun-answer",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>"
		"' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' + mood }}{% endif %}\n"},
	{"chatml-other-tail",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>"
		"' + '\\n\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n"},
	{"chatml-separator",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '<|im_sep|>' + message['content'] + '<|i"
		"m_end|>'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}\n"},
	{"chatml-tools-always",
		"{{ bos_token }}{{ '<|im_start|>system\\nYou call functions: ' }}{{ tools | tojson }}{{ '<|im_end|>\\n' }}{"
		"% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'"
		" + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n"},
	{"chatml-upper",
		"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content']|upper + '<|im"
		"_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n"},
	{"empty",
		""},
	{"llama3-system-always",
		"{{ bos_token + '<|start_header_id|>system<|end_header_id|>\\n\\nYou call functions.<|eot_id|>' }}{% for me"
		"ssage in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['conte"
		"nt'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|e"
		"nd_header_id|>\\n\\n' }}{% endif %}\n"},
	{"no-end",
		"{% for message in messages %}{{ message"},
	{"plain",
		"{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}\n"},
	{"system-prompt",
		"{{ bos_token }}{{ '[SYSTEM_PROMPT]' + today + '[/SYSTEM_PROMPT]' }}{% for message in messages %}{% if mess"
		"age['role'] == 'user' %}{{ '[INST]' + message['content'] + '[/INST]' }}{% else %}{{ message['content'] + e"
		"os_token }}{% endif %}{% endfor %}\n"},
};
