"""Calls that a server leaves in the text reach the client as calls, through the whole proxy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proxy.providers.common.placeholders import EMPTY_ANSWER
from tests.conformance import same_message
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.odd_base import final, text
from tests.fakes.openai.replies import DONE, sse
from tests.web.serving import Proxy, ask, custom_settings, serve

Json = dict[str, Any]

pytestmark = pytest.mark.streaming

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}}
TOOLS = [{"name": "Read", "input_schema": SCHEMA}]
QWEN = (
    "<tool_call>\n<function=Read>\n<parameter=path>\n/a\n</parameter>\n<parameter=lines>\n3\n</parameter>\n"
    "</function>\n</tool_call>"
)
CALL: Json = {"path": "/a", "lines": 3}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, FakeOpenAI]]:
    with (
        FakeOpenAI("compatible") as fake,
        serve(custom_settings(tmp_path_factory.mktemp("written"), {"api_base": fake.base_url})) as proxy,
    ):
        yield proxy, fake


def answered(served: tuple[Proxy, FakeOpenAI], words: str, **more: Any) -> Json:
    """The message, which is the same streamed and whole."""
    proxy, fake = served
    pieces = [words[at : at + 7] for at in range(0, len(words), 7)]
    messages = []
    for streams in (True, False):
        fake.reply_raw([*(sse(text(piece)) for piece in pieces), sse(final("stop")), DONE], "text/event-stream")
        messages.append(proxy.post(ask(stream=streams, **more)).message())
    same_message(*messages)
    return messages[1]


def test_a_call_in_the_text_is_a_call(served: tuple[Proxy, FakeOpenAI]) -> None:
    message = answered(served, f"<think>Read it.</think>I read it.\n{QWEN}", tools=TOOLS)
    kinds = [
        (block["type"], block.get("thinking") or block.get("text") or block["input"]) for block in message["content"]
    ]
    assert kinds == [("thinking", "Read it."), ("text", "I read it.\n"), ("tool_use", CALL)]
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize("more", [{}, {"tools": TOOLS, "tool_choice": {"type": "none"}}], ids=["no tools", "no choice"])
def test_where_no_tool_may_be_called_it_is_text(served: tuple[Proxy, FakeOpenAI], more: Json) -> None:
    message = answered(served, QWEN, **more)
    assert [block.get("text") for block in message["content"]] == [QWEN]
    assert message["stop_reason"] == "end_turn"


def test_of_a_tool_that_is_not_offered_it_is_text(served: tuple[Proxy, FakeOpenAI]) -> None:
    """As long as a deferred tool is not loaded the model has not been told of it."""
    other = {"name": "Other", "input_schema": SCHEMA}
    message = answered(served, QWEN, tools=[{**TOOLS[0], "defer_loading": True}, other])
    assert [block.get("text") for block in message["content"]] == [QWEN]
    assert message["stop_reason"] == "end_turn"


def test_an_answer_of_nothing_but_a_control_token_is_told(served: tuple[Proxy, FakeOpenAI]) -> None:
    message = answered(served, "<|im_end|>")
    assert [block.get("text") for block in message["content"]] == [EMPTY_ANSWER]
