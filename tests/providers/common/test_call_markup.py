"""Each model family's form of a written call is read, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.providers.common.call_markup import MARK, WrittenCall, read_bare, read_calls
from tests.providers.common.call_forms import BOTH, CITY, FORMS, JSON, NAMES, ONE

KNOWN = NAMES.known


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    text, wanted = FORMS[form]
    call = WrittenCall("get_weather", wanted)
    assert MARK.match(text)
    assert read_calls(text, KNOWN) == [call]
    assert read_calls(f"Sure.\n{text}", KNOWN) == ["Sure.\n", call]
    if not form.endswith("never closed"):
        assert read_calls(f"{text}\n{text}", KNOWN) == [call, call]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_tool_stays_text(form: str) -> None:
    text = FORMS[form][0].replace("get_weather", "get_whether")
    assert read_calls(text, KNOWN) == [text]


@pytest.mark.parametrize("form", FORMS)
def test_every_beginning_is_text_or_a_call(form: str) -> None:
    """Of a call that was cut nothing is made before it is whole; nothing raises."""
    text, wanted = FORMS[form]
    for end in range(len(text)):
        read_calls(text[:end], KNOWN)
        for part in read_calls(text[:end], KNOWN, cut=True):
            assert isinstance(part, str) or part.input == wanted


@pytest.mark.parametrize(
    "text",
    [
        "The mark <tool_call> stands before a call.",
        '<tool_call>{"name": "get_weather", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "get_weather", "arguments": "no JSON"}</tool_call>',
        "<tool_call>get_weather is a tool</tool_call>",
        "<|tool_call_start|>[get_weather(__import__('os').system('x'))]<|tool_call_end|>",
        "<|tool_call_start|>[get_weather(city=open('x'))]<|tool_call_end|>",
        "<function=get_weather> is how Qwen writes it",
        "[TOOL_CALLS] get_weather",
        "<|python_tag|>" + "[" * 5000,
        "<|tool_call>call:get_weather{" + "a:{" * 500,
    ],
)
def test_no_calls(text: str) -> None:
    assert read_calls(text, KNOWN) == [text]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(JSON, BOTH, id="an object"),
        pytest.param(f"\n[{JSON}]\n", BOTH, id="a list"),
        pytest.param(f"```json\n{JSON}\n```", BOTH, id="fenced"),
        pytest.param(f'{{"type": "function", "name": "get_weather", "parameters": {CITY}}}', ONE, id="Llama 3"),
        pytest.param(
            f'{{"type": "function", "function": {{"name": "get_weather", "arguments": {CITY}}}}}', ONE, id="whole"
        ),
        pytest.param('[get_weather(city="Paris", days=3)]', BOTH, id="Llama 4"),
    ],
)
def test_bare_calls(text: str, wanted: dict[str, Any]) -> None:
    assert read_bare(text, KNOWN) == [WrittenCall("get_weather", wanted)]


@pytest.mark.parametrize(
    "text",
    [
        f"{JSON} is a call",
        '{"name": "get_weather"}',
        '{"name": "Paris", "arguments": {}}',
        '{"name": "get_weather", "arguments": {}, "because": "it rains"}',
        '{"get_weather": {}}',
        "[1, 2]",
        "",
    ],
)
def test_no_bare_calls(text: str) -> None:
    assert read_bare(text, KNOWN) == []


def test_many_marks_take_little_time() -> None:
    text = "<function=get_weather>\n<parameter=city>\n" * 20_000
    assert read_calls(text, KNOWN) == [text]
