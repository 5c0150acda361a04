from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.protocol.signature import seal
from proxy.providers.common.scrubber import Scrubber
from proxy.providers.common.splitter import Splitter
from proxy.recording.echoes import Echoes
from proxy.recording.filler import Filler
from proxy.recording.policy import Policy
from proxy.recording.redact import Redactor, texts_in

SECRET = "sk-proj-0123456789abcdefghij"
WORD = "canaryword"
PIECES = ("data: ", "\n\n", WORD, "\u4f60", "\\u0041", "1", "true")


def redactor(*texts: str, islands: tuple[str, ...] = ()) -> Redactor:
    made = Redactor(Scrubber([SECRET]), Filler(), islands)
    made.hears(Echoes(lambda: texts))
    return made


def redacted(value: Any, policy: Policy | None = None) -> Any:
    return json.loads(redactor().body(json.dumps(value).encode(), policy or Policy()))


def shape(value: Any) -> Any:
    """Types, lengths and order."""
    if isinstance(value, dict):
        return [(len(name), shape(each)) for name, each in value.items()]
    if isinstance(value, list):
        return [*map(shape, value)]
    return len(value) if isinstance(value, str) else type(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=80)
@given(JSON, st.booleans())
def test_json_stays_json_of_the_same_shape(value: Any, escapes: bool) -> None:
    body = json.dumps({"input": {"canaryzz": value}}, ensure_ascii=escapes).encode("utf-8", "surrogatepass")
    made = redactor().body(body, Policy())
    assert len(made) == len(body)
    try:
        parsed = json.loads(body)
    except ValueError:
        return  # a half surrogate that is not escaped
    assert shape(json.loads(made)) == shape(parsed)


@settings(deadline=None, max_examples=100)
@example(["\\", WORD, "\\u0041"])
@given(
    st.lists(st.sampled_from([*'{}[]":,\\\n ', "data: ", "\n\n", WORD, "\u4f60", "\\u0041", "1", "true"]), max_size=40)
)
def test_nothing_that_is_broken_lets_a_text_through(pieces: list[str]) -> None:
    body = "".join(pieces).encode()
    for framed in (True, False):
        for policy in (Policy(), Policy(is_answer=True), Policy(is_answer=True, is_refusal=True)):
            made = redactor(WORD).body(body, policy, framed=framed)
            assert len(made) == len(body)
            assert WORD.encode() not in made
            assert "\u4f60".encode() not in made or "\u4f60" not in "".join(pieces)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    made = redactor().body(body, Policy(is_answer=True), framed=True)
    assert len(made) == len(body)
    assert [at for at, char in enumerate(made) if char in b'\n{}[]",:'] == [
        at for at, char in enumerate(body) if char in b'\n{}[]",:'
    ]


def deltas(texts: list[str]) -> bytes:
    chunks = [{"id": "c-1", "choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_it_does_not_matter_how_a_server_cuts(data: st.DataObject) -> None:
    text = f"It says {WORD}, <think>h\u00e9 \U0001f600</think> and \u4f60\u597d."
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    filler, body = redactor(), deltas(pieces)
    at = data.draw(st.integers(0, len(body)))
    made = filler.pieces([body[:at], body[at:]], Policy(is_answer=True), framed=True)
    assert [*map(len, made)] == [at, len(body) - at]
    events = [event for event in Splitter().feed(b"".join(made)) if isinstance(event, dict)]
    said = [event["choices"][0]["delta"]["content"] for event in events]
    assert [*map(len, said)] == [*map(len, pieces)]
    assert "".join(said) == filler.text(text)
    assert WORD not in "".join(said)
    assert "<think>" in "".join(said)
    assert {event["id"] for event in events} == {filler.text("c-1")}


def test_what_is_protocol_stays() -> None:
    body = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 5,
        "tool_choice": {"type": "tool", "name": WORD},
        "messages": [{"role": "user", "content": [{"type": "text", "text": WORD}]}],
    }
    made = redacted(body)
    assert {**made, "messages": 0, "tool_choice": 0} == {**body, "messages": 0, "tool_choice": 0}
    assert made["messages"][0]["role"] == "user"
    assert made["messages"][0]["content"][0]["type"] == "text"
    assert made["messages"][0]["content"][0]["text"] != WORD


def test_names_agree_between_schema_call_and_choice() -> None:
    schema = {"type": "object", "properties": {WORD: {"type": "string", "enum": ["red", WORD]}}, "required": [WORD]}
    call = {"type": "tool_use", "id": "toolu_1", "name": "my_tool", "input": {WORD: WORD}}
    body = {
        "tools": [{"name": "my_tool", "input_schema": schema}],
        "messages": [{"role": "assistant", "content": [call]}],
    }
    made = redacted(body)
    own, use = made["tools"][0], made["messages"][0]["content"][0]
    (name,) = own["input_schema"]["properties"]
    assert own["input_schema"]["required"] == [name] == [*use["input"]]
    assert use["input"][name] in own["input_schema"]["properties"][name]["enum"]
    assert own["name"] == use["name"] != "my_tool"
    assert own["input_schema"]["type"] == "object"


@pytest.mark.parametrize(
    "arguments", ['{"a": "b', '{"a": "bc"}', '{"a": [1, 2', "{}", "[null, true]", '{"a": "x\\u00e9\\n"}']
)
def test_json_inside_a_string_parses_as_far_as_before(arguments: str) -> None:
    made = redacted({"function": {"arguments": arguments}}, Policy(is_answer=True))["function"]["arguments"]
    outcomes = []
    for text in (arguments, made):
        try:
            outcomes.append(shape(json.loads(text)))
        except json.JSONDecodeError as error:
            outcomes.append((error.pos, error.msg))
    assert outcomes[0] == outcomes[1]


def test_our_envelopes_stay_valid() -> None:
    for payload in ("Z2VtaW5pc2lnbmF0dXJl", '[{"type":"reasoning.text","text":"canaryword"}]'):
        made = redacted({"signature": seal("gemini", "gemini-3.8-flash", payload)})["signature"]
        head = seal("gemini", "gemini-3.8-flash", "")
        assert made.startswith(head)
        assert made != head + payload
        assert WORD not in made


def test_stop_sequences_are_found_in_the_answer() -> None:
    made = redactor(islands=("STOPHERE",))
    assert made.text("STOPHERE") in made.text("some text STOPHERE and more")


WORDS = "maximum context length is 128000 tokens, you have 130123"
REFUSED = "Incorrect API key provided: "
ERRORS = [
    ("Invalid value for 'temperature': 3", "Invalid value for 'temperature': 3"),
    (WORDS, WORDS),
    (f"{REFUSED}{SECRET}", f"{REFUSED}key-{'*' * (len(SECRET) - 4)}"),
]


@pytest.mark.parametrize(("said", "kept"), ERRORS)
def test_words_of_errors_stay(said: str, kept: str) -> None:
    assert redactor("nothing of this").error(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "cannot read 'delete the old file'",
        "at delete the old file now",
        "unknown: CANARYWORD",
        "unknown: canaryw",
        "mail me at someone@example.com",
        "in org-A1b2C3d4 of yours",
        "call 5551234567",
    ],
)
def test_what_errors_quote_does_not(said: str) -> None:
    made = redactor("please delete the old file now", f"it is {WORD}", "the number 5551234567").error(said)
    assert len(made) == len(said)
    for quoted in ("delete the old file", "CANARY", "canary", "someone", "A1b2C3d4", "5551234567"):
        assert quoted not in made


def test_without_a_filler_only_keys_go() -> None:
    made = Redactor(Scrubber([SECRET]), None)
    body = json.dumps({"text": f"{WORD} {SECRET} end", "n": 12345}).encode()
    said = json.loads(made.body(body, Policy()))
    assert said == {"text": f"{WORD} key-{'*' * (len(SECRET) - 4)} end", "n": 12345}
    split = deltas([SECRET[:9], SECRET[9:20], SECRET[20:]])
    assert SECRET[:9].encode() not in made.body(split, Policy(is_answer=True), framed=True)


def test_texts_are_put_together() -> None:
    assert "abc def" in texts_in(deltas(["ab", "c d", "ef"]), Policy(is_answer=True), framed=True)
