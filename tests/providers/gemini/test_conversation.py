"""Long tool conversations: every thought signature comes back on the call that it was issued for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import check_stream
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.replies import FunctionCall, Part, Reply, Text, Thought
from tests.fakes.gemini.signatures import SENTINELS, issue
from tests.providers.gemini.pieces import MODELS, OLD, calls_of
from tests.providers.gemini.serving import gemini_proxy
from tests.translation import call, result, text, tool, user
from tests.web.serving import Proxy, ask

Json = dict[str, Any]

TURNS = 30
_FEW = 10
_TOOLS = [tool("Read"), tool("Grep"), tool("mcp__a.b__" + "x" * 70)]
_SESSION = "8d5a2f36-0000-4000-8000-000000000001"
_THINKING: dict[str, Json | None] = {
    "adaptive": {"type": "adaptive"},
    "budget": {"type": "enabled", "budget_tokens": 4000},
    "off": {"type": "disabled"},
    "unsaid": None,
}


def _script(turn: int) -> list[Part]:
    """One call to three; with thoughts, text, both or neither before them."""
    before: list[Part] = [Thought(f"thought {turn}")] if turn % 2 else []
    before += [Text(f"step {turn}")] if turn % 3 else []
    calls = [FunctionCall("Read", {"path": f"{turn}.txt"}), FunctionCall("Grep", {"path": f"{turn}"})]
    return [*before, *calls[: 1 + turn % 2], *([FunctionCall("Read", {"path": "again"})] if turn % 5 == 0 else [])]


class _Client:
    """Keeps the conversation as Claude Code does: what was answered goes back as it is."""

    def __init__(self, upstream: FakeGemini, thinking: Json | None) -> None:
        self.upstream = upstream
        self.thinking = thinking
        self.messages: list[Json] = [user("do it")]

    def turn(self, proxy: Proxy, number: int) -> None:
        thinking: Json = {} if self.thinking is None else {"thinking": self.thinking}
        body = ask(messages=self.messages, tools=_TOOLS, stream=True, max_tokens=16_000, **thinking)
        self.upstream.default(lambda body, headers: Reply(*_script(number)))
        answer = proxy.post(body, x_claude_code_session_id=_SESSION)
        assert answer.status == 200, (answer.body, self.upstream.refusals)
        message = check_stream(answer.body, body, answer.headers)
        assert message["stop_reason"] == "tool_use"
        content = message["content"]
        self.messages.append({"role": "assistant", "content": content})
        answered = [result(block["id"], f"out {number}") for block in content if block["type"] == "tool_use"]
        # Another question now and then: then a new turn of Gemini's begins, whose calls alone are verified.
        self.messages.append({"role": "user", "content": [*answered, *([text("go on")] if number % 7 == 6 else [])]})


def _signatures(upstream: FakeGemini) -> list[str | None]:
    return [part.get("thoughtSignature") for part in calls_of(upstream.requests[-1]["contents"])]


def _issued(model: str, turns: int) -> list[str | None]:
    """What belongs on each call of the first turns: a signature on the first of each answer."""
    wanted: list[str | None] = []
    for number in range(turns):
        calls = [part for part in _script(number) if isinstance(part, FunctionCall)]
        wanted += [issue(model, calls[0].name, calls[0].args), *[None] * (len(calls) - 1)]
    return wanted


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("thinking", ["adaptive", "budget", "unsaid"])
def test_case_46_47_signatures_come_back(upstream: FakeGemini, model: str, thinking: str) -> None:
    """With a proxy that is started anew in the middle."""
    client = _Client(upstream, _THINKING[thinking])
    turns = TURNS if thinking == "adaptive" else _FEW
    for numbers in (range(turns // 2), range(turns // 2, turns)):
        with gemini_proxy(upstream.base_url, model) as proxy:
            for number in numbers:
                client.turn(proxy, number)
                assert _signatures(upstream) == _issued(model, number)
    assert upstream.refusals == []
    assert len(upstream.requests) == turns


@pytest.mark.parametrize("model", MODELS)
def test_without_thinking_the_process_remembers(upstream: FakeGemini, model: str) -> None:
    client = _Client(upstream, _THINKING["off"])
    with gemini_proxy(upstream.base_url, model) as proxy:
        for number in range(_FEW):
            client.turn(proxy, number)
        signed = [] if model == OLD else _issued(model, _FEW - 1)
    assert not any(block["type"] == "thinking" for message in client.messages for block in message["content"])
    if signed:
        assert _signatures(upstream) == signed
    else:
        assert not any(_signatures(upstream)), "this model does not think, so it signs nothing"

    with gemini_proxy(upstream.base_url, model) as proxy:
        client.turn(proxy, _FEW)
    firsts = [position for position, signature in enumerate(_issued(model, _FEW)) if signature]
    sent = _signatures(upstream)
    assert [position for position, signature in enumerate(sent) if signature] == ([] if model == OLD else firsts)
    assert {signature for signature in sent if signature} <= {SENTINELS[0]}
    assert upstream.refusals == []


@pytest.mark.parametrize("model", MODELS)
def test_another_models_history(upstream: FakeGemini, model: str) -> None:
    """The signatures of one model are nothing to another."""
    client = _Client(upstream, _THINKING["adaptive"])
    with gemini_proxy(upstream.base_url, "gemini-3.6-flash") as proxy:
        for number in range(3):
            client.turn(proxy, number)
    with gemini_proxy(upstream.base_url, model) as proxy:
        client.turn(proxy, 3)
    assert {signature for signature in _signatures(upstream) if signature} == (
        set() if model == OLD else {SENTINELS[0]}
    )
    assert upstream.refusals == []


@pytest.mark.parametrize("model", MODELS)
def test_foreign_history(upstream: FakeGemini, model: str) -> None:
    """Thinking that Anthropic signed is left out."""
    client = _Client(upstream, _THINKING["adaptive"])
    thought = {"type": "thinking", "thinking": "private", "signature": "EqQBCkYIBxgCKkD"}
    client.messages += [
        {"role": "assistant", "content": [thought, call("toolu_1", path="a"), call("toolu_2", path="b")]},
        user(result("toolu_1"), result("toolu_2")),
    ]
    with gemini_proxy(upstream.base_url, model) as proxy:
        client.turn(proxy, 0)
    assert _signatures(upstream) == [None if model == OLD else SENTINELS[0], None]
    assert "private" not in str(upstream.requests)
    assert upstream.refusals == []
