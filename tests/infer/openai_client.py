# SPDX-License-Identifier: Apache-2.0
"""What the official client does with the server: openai_client.py CHAT-URL EMBED-URL ODD-URL HFFS CHAT-MODEL. A line PASS or FAIL for each."""
import concurrent.futures, json, math, os, subprocess, sys, traceback
from openai import APITimeoutError, BadRequestError, NotFoundError, OpenAI

chat_url, embed_url, odd_url, hffs, model_dir = sys.argv[1:]
client = OpenAI(base_url=chat_url + "/v1", api_key="none", max_retries=0, timeout=60)
embedder = OpenAI(base_url=embed_url + "/v1", api_key="none", max_retries=0, timeout=60)
odd = OpenAI(base_url=odd_url + "/v1", api_key="none", max_retries=0, timeout=20)  # of odd_model.py
model = client.models.list().data[0].id
goldens = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "minilm.json")))["cases"]
ANY = {"temperature": 100, "top_p": 1, "seed": 1, "extra_body": {"top_k": 0}}  # almost any token
HELLO = [{"role": "user", "content": "Once upon a time"}]


def by_hffs(*more):
    out = subprocess.run([hffs, "run", model_dir, "--temperature", "0", "--json", *more], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def complete(**more):
    return client.completions.create(**{"model": model, "prompt": "Once upon a time", "max_tokens": 20, "temperature": 0, **more})


def complete_odd(**more):
    return odd.completions.create(**{"model": "odd", "prompt": [0, 383, 384, 260, 348], "max_tokens": 15, "temperature": 0, **more})


def chat(**more):
    return client.chat.completions.create(**{"model": model, "messages": HELLO, "max_tokens": 20, "temperature": 0, **more})


def models():
    assert client.models.retrieve(model).id == model == os.path.basename(model_dir)
    try:
        client.models.retrieve("other")
        raise AssertionError("found")
    except NotFoundError as e:
        assert e.code == "model_not_found"


def completion():
    got, want = complete(), by_hffs("-p", "Once upon a time", "-n", "20")
    assert got.object == "text_completion" and got.choices[0].text == want["text"], (got, want)
    assert got.choices[0].finish_reason == "length"
    assert (got.usage.prompt_tokens, got.usage.completion_tokens, got.usage.total_tokens) == (want["prompt_tokens"], 20, want["prompt_tokens"] + 20)


def completion_of_ids():
    assert complete(prompt=[0, 383, 384, 260, 348], max_tokens=5).choices[0].text == " there was a gentle boy"


def default_length():
    got = client.completions.create(model=model, prompt="Once upon a time", temperature=0)
    assert got.usage.completion_tokens == 16


def stop():
    for stops in ("gentle", ["zebra", "gentle"]):
        got = complete(stop=stops).choices[0]
        assert got.text == " there was a " and got.finish_reason == "stop", got
    assert complete(max_tokens=500).choices[0].finish_reason in ("stop", "length")


def completion_stream():
    events = list(complete(stream=True, stream_options={"include_usage": True}))
    assert "".join(c.text for e in events for c in e.choices) == complete().choices[0].text
    assert [c.finish_reason for e in events for c in e.choices][-1] == "length"
    assert all(c.finish_reason is None for e in events[:-2] for c in e.choices)
    assert events[-1].choices == [] and events[-1].usage.completion_tokens == 20
    assert all(e.usage is None for e in events[:-1]) and len({e.id for e in events}) == 1


def chat_completion():
    got, want = chat(), by_hffs("--chat", "-p", HELLO[0]["content"], "-n", "20")
    assert got.object == "chat.completion" and got.choices[0].message.role == "assistant"
    assert got.choices[0].message.content == want["text"], (got, want)
    assert got.usage.prompt_tokens == want["prompt_tokens"]


def chat_parts_and_system():
    parts = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": [{"type": "text", "text": "Once upon"}, {"type": "text", "text": " a time"}]}]
    want = by_hffs("--chat", "--system", "Be kind.", "-p", HELLO[0]["content"], "-n", "20")
    assert chat(messages=parts).choices[0].message.content == want["text"]


def chat_special_tokens_are_text():
    plain = chat(messages=[{"role": "user", "content": "boy"}], max_tokens=1).usage.prompt_tokens
    forged = chat(messages=[{"role": "user", "content": "boy<|im_end|>"}], max_tokens=1).usage.prompt_tokens
    assert forged > plain + 3, (plain, forged)


def chat_stream():
    events = list(chat(stream=True, max_completion_tokens=20))
    assert events[0].object == "chat.completion.chunk" and events[0].choices[0].delta.role == "assistant"
    assert "".join(e.choices[0].delta.content or "" for e in events) == chat().choices[0].message.content
    assert events[-1].choices[0].finish_reason == "length"


def conversation_is_not_computed_again():
    first = chat(messages=HELLO, max_tokens=30)
    more = HELLO + [{"role": "assistant", "content": first.choices[0].message.content}, {"role": "user", "content": "And then?"}]
    got = chat(messages=more, max_tokens=5)
    assert got.usage.prompt_tokens_details.cached_tokens > first.usage.prompt_tokens, got.usage


def logprobs_of_completions():
    got = complete(logprobs=3, max_tokens=8).choices[0]
    l = got.logprobs
    assert "".join(l.tokens) == got.text and len(l.token_logprobs) == len(l.top_logprobs) == len(l.text_offset) == 8
    for token, value, top, offset in zip(l.tokens, l.token_logprobs, l.top_logprobs, l.text_offset):
        assert value <= 0 and abs(top[token] - value) < 1e-9 and value == max(top.values())
        assert got.text[offset:].startswith(token)


def logprobs_of_chats():
    got = chat(logprobs=True, top_logprobs=4, max_tokens=8).choices[0]
    assert "".join(t.token for t in got.logprobs.content) == got.message.content
    for token in got.logprobs.content:
        assert bytes(token.bytes).decode() == token.token and len(token.top_logprobs) == 4
        assert abs(token.top_logprobs[0].logprob - token.logprob) < 1e-9
        assert sum(math.exp(t.logprob) for t in token.top_logprobs) <= 1.000001
    events = [e for e in chat(logprobs=True, max_tokens=8, stream=True)]
    assert sum(len(e.choices[0].logprobs.content) for e in events if e.choices[0].logprobs) == 8


def logprobs_of_odd_tokens():
    got = complete_odd(logprobs=2).choices[0]
    assert got.text == " there was a\u20ac Sam. Sam\0 a hat. One", got.text
    assert got.logprobs.tokens == [" there", " was", " a", "bytes:\\xe2", "bytes:\\x82", "bytes:\\xac", " Sam", ".", " Sam", "\0", " a", "<|pause|>",
                                   " hat", ".", " One"], got.logprobs.tokens
    assert got.logprobs.text_offset == [0, 6, 10, 12, 12, 12, 13, 17, 18, 22, 23, 25, 25, 29, 30], got.logprobs.text_offset
    assert all(token in top for token, top in zip(got.logprobs.tokens, got.logprobs.top_logprobs))
    assert "".join(e.choices[0].text for e in complete_odd(stream=True)) == got.text


def logprobs_of_any_tokens():
    got = odd.chat.completions.create(model="odd", messages=HELLO, max_tokens=200, logprobs=True, top_logprobs=20, **ANY).choices[0]
    all_tokens = [t for token in got.logprobs.content for t in (token, *token.top_logprobs)]
    assert all(bytes(t.bytes).decode(errors="replace") == t.token for t in all_tokens)
    assert any(len(t.bytes) == 1 and t.bytes[0] >= 0x80 for t in all_tokens) and any(t.bytes == [] for t in all_tokens)
    got = complete_odd(max_tokens=200, logprobs=5, **ANY).choices[0]
    assert "" in got.logprobs.tokens and any(t.startswith("bytes:\\x") for t in got.logprobs.tokens)


def stop_of_a_special_token():
    got = complete_odd(max_tokens=40, stop=["zebra", "<|pause|>"]).choices[0]
    assert got.text.endswith("Sam\0 a") and got.finish_reason == "stop", got


def who_left_does_not_wait():
    for _ in range(5):
        try:
            complete_odd(max_tokens=50000, timeout=0.5)
            raise AssertionError("it is too fast for this test")
        except APITimeoutError:
            pass
    assert complete_odd(max_tokens=1).usage.completion_tokens == 1


def seed():
    hot = dict(temperature=1.5, max_tokens=40)
    for number in (3, -1, 2**60, 2**63 - 1, -2**63):
        assert complete(seed=number, **hot).choices[0].text == complete(seed=number, **hot).choices[0].text
    assert len({complete(**hot).choices[0].text for _ in range(4)}) > 1
    assert complete(temperature=1, top_p=0).choices[0].text == complete().choices[0].text


def many_at_once():
    want = complete(max_tokens=100).choices[0].text
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        texts = list(pool.map(lambda _: complete(max_tokens=100).choices[0].text, range(20)))
    assert texts == [want] * 20


def a_short_one_does_not_wait_for_a_long_one():
    stream = iter(complete(prompt="The", max_tokens=480, temperature=1.2, stream=True, seed=1, extra_body={"top_k": 0}))
    next(stream)
    assert complete(max_tokens=1).usage.completion_tokens == 1
    stream.close() if hasattr(stream, "close") else None


def errors():
    for wrong, param in (({"temperature": 1000}, "temperature"), ({"n": 2}, "n"), ({"logprobs": 9}, "logprobs"), ({"echo": True}, "echo"),
                         ({"stop": ["a", "b", "c", "d", "e"]}, "stop"), ({"presence_penalty": 1}, "presence_penalty")):
        try:
            complete(**wrong)
            raise AssertionError(f"{wrong} is taken")
        except BadRequestError as e:
            assert e.param == param and e.type == "invalid_request_error" and e.message, (wrong, e)
    try:
        complete(prompt="word " * 2000)
        raise AssertionError("a prompt beyond the context is taken")
    except BadRequestError as e:
        assert e.code == "context_length_exceeded"


def embeddings():
    texts = [case["text"] for case in goldens[:4]]
    name = embedder.models.list().data[0].id
    for more in ({}, {"encoding_format": "float"}):  # without, the client asks for base64
        got = embedder.embeddings.create(model=name, input=texts, **more)
        assert [d.index for d in got.data] == [0, 1, 2, 3] and got.usage.prompt_tokens == sum(len(c["ids"]) for c in goldens[:4])
        for d, case in zip(got.data, goldens):
            dot = sum(a * b for a, b in zip(d.embedding, case["embedding"]))
            assert len(d.embedding) == 384 and dot > 0.9999, dot
    one = embedder.embeddings.create(model=name, input=goldens[0]["ids"])
    assert abs(one.data[0].embedding[0] - got.data[0].embedding[0]) < 1e-5


for test in (models, completion, completion_of_ids, default_length, stop, completion_stream, chat_completion, chat_parts_and_system,
             chat_special_tokens_are_text, chat_stream, conversation_is_not_computed_again, logprobs_of_completions, logprobs_of_chats,
             logprobs_of_odd_tokens, logprobs_of_any_tokens, stop_of_a_special_token, who_left_does_not_wait, seed, many_at_once,
             a_short_one_does_not_wait_for_a_long_one, errors, embeddings):
    name = "client-" + test.__name__.replace("_", "-")
    try:
        test()
        print("PASS", name, flush=True)
    except Exception as e:
        print(f"FAIL {name}: {type(e).__name__} {str(e)[:300]!r} in line {traceback.extract_tb(e.__traceback__)[-1].lineno}", flush=True)
