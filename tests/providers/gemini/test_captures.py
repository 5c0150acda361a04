"""Requests recorded from real clients: the strict fake takes each, and each is answered in both modes alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.captures import MESSAGES, load, needs_captures, structured_answer
from tests.conformance import same_message
from tests.conformance.message import offered_tools
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.replies import FunctionCall, Part, Reply, Text, Thought
from tests.providers.gemini.pieces import MODELS
from tests.providers.gemini.serving import KEY, gemini_proxy
from tests.web.recorded import answered
from tests.web.serving import Proxy

pytestmark = needs_captures


@pytest.fixture(scope="module", params=MODELS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Proxy, FakeGemini]]:
    """All names lead to one model; those of the recordings that are Gemini's own do so, too."""
    with FakeGemini(keys=[KEY]) as fake, gemini_proxy(fake.base_url, request.param) as proxy:
        yield proxy, fake


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str, served: tuple[Proxy, FakeGemini]) -> None:
    proxy, fake = served
    capture = load(name)
    capture["body"]["model"] = "claude-sonnet-5-5"
    tools = list(offered_tools(dict(capture["body"])))
    calls = [FunctionCall(tool, {"n": number, "text": 'a\\b"c\n'}) for number, tool in enumerate((tools * 2)[:3])]
    script: list[Part] = [Thought("Let me see."), Text("Ich sehe nach \U0001f50d."), *calls]
    if structured := structured_answer(capture["body"]):
        script = [Text(structured)]
    fake.default(lambda body, headers: Reply(*script))
    before = len(fake.refusals)
    streamed, folded = answered(proxy, capture)
    same_message(streamed, folded)
    assert fake.refusals[before:] == []
    expected = [part.name for part in script if isinstance(part, FunctionCall)]
    assert [block["name"] for block in folded["content"] if block["type"] == "tool_use"] == expected
    assert folded["stop_reason"] == ("tool_use" if expected else "end_turn")
