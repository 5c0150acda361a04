"""Asking the judge: what is asked of whom, and that whatever goes wrong is no verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.answering.attempts import Attempts
from proxy.answering.health import Health
from proxy.answering.safeguards.judge import Judge, judge_for, reason_of
from proxy.answering.safeguards.rules import own_rules
from proxy.answering.side_call import SideCalls
from proxy.protocol.deltas import (
    Delta,
    Finish,
    Note,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from proxy.protocol.errors import ApiError
from proxy.protocol.request import MessagesRequest
from proxy.protocol.safeguards import results, unsupported
from proxy.protocol.writer import Writer
from proxy.providers.base import ClientRequest, Exchange, Head, Item
from proxy.providers.call import Call
from tests.answering.safeguards.samples import Json, context, data_of, request, safeguards
from tests.translation import custom_route, router, user

ROUTE = router().judge()
ERROR = {"type": "unavailable", "reason": "error"}
FINE = {"type": "evaluated", "outcome": "not_flagged"}
VERDICT = '{"verdicts": [{"call": 1, "flagged": false, "explanation": "", "rule": ""}]}'


def _asking(upstream: _Upstream) -> SideCalls:
    return SideCalls(lambda _: cast(Attempts, upstream), Health())


class _Upstream:
    """Stands for `Attempts`: gives what it is told to and keeps what it was asked."""

    def __init__(self, *items: Item | ApiError, verbatim: bool = False) -> None:
        self.exchanges: list[Exchange] = []
        self._items = items
        self._verbatim = verbatim

    def prepare(self, exchange: Exchange) -> Any:
        return SimpleNamespace(plan=SimpleNamespace(wire=SimpleNamespace(verbatim=self._verbatim)))

    def items(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Item]]:
        self.exchanges.append(exchange)
        for item in self._items:
            if isinstance(item, ApiError):
                raise item
            yield [item]

    deltas = items


def _saw(judge: Judge, *commands: str) -> list[str]:
    """The ids under which the client sees calls of Bash with these commands, which the judge saw as well."""
    deltas: list[Delta] = []
    for key, command in enumerate(commands):
        deltas += [ToolCallStart(key, "Bash"), ToolCallDelta(key, json.dumps({"command": command})), ToolCallEnd(key)]
    writer = Writer("claude-opus-5-5", 7)
    events = [*writer.feed([*deltas, Usage(input=7, output=9), Finish()]), *writer.finish()]
    judge.saw(events)
    return [call.id for call in judge.checked]


def _judge(asked: MessagesRequest | None = None, *, received: ClientRequest | None = None) -> Judge:
    asked = asked or request(safeguards=safeguards())
    judge = judge_for(asked, ROUTE, own_rules(), *([received] if received else []))
    assert judge is not None
    return judge


def _asked(*items: Item | ApiError, commands: tuple[str, ...] = ("make",), verbatim: bool = False) -> Json:
    """The verdicts by the commands."""
    judge = _judge()
    ids = _saw(judge, *commands)
    (entry,) = judge.ask(_asking(_Upstream(*items, verbatim=verbatim)), Call())
    verdicts = entry["status"]["tool_uses"]
    assert list(verdicts) == ids
    return dict(zip(commands, verdicts.values(), strict=True))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"safeguards": None},
        {"safeguards": []},
        {"safeguards": "dangerous_tool_use"},
        {"safeguards": ["dangerous_tool_use"]},
        {"safeguards": [{"type": "surprise", "classifier_context": {}}]},
    ],
    ids=repr,
)
def test_nobody_asks(fields: Json) -> None:
    assert judge_for(request(**fields), ROUTE, own_rules()) is None


@pytest.mark.parametrize("given", [None, {}, [], "x"], ids=repr)
def test_a_context_that_is_none(given: Any) -> None:
    """Every call is checked then."""
    judge = judge_for(
        request(safeguards=[{"type": "dangerous_tool_use", "classifier_context": given}]), ROUTE, own_rules()
    )
    assert judge is not None
    assert len(_saw(judge, "make")) == 1


def test_what_is_asked() -> None:
    """A short request of its own: one user turn, no tools, no reasoning, the shape of the answer; to the judge."""
    judge, upstream = _judge(request(user("Build it"), safeguards=safeguards(), max_tokens=64_000)), _Upstream()
    _saw(judge, "make", "git push")
    with pytest.raises(ApiError):
        judge.ask(_asking(upstream), Call())
    (exchange,) = upstream.exchanges
    asked = exchange.request
    assert exchange.route is ROUTE
    assert asked.max_tokens == 4096
    assert asked.tools == []
    assert asked.thinking is not None
    assert asked.thinking.type == "disabled"
    assert asked.json_schema is not None
    (message,) = asked.messages
    (words,) = (block.text for block in message.content)  # type: ignore[union-attr]
    data = data_of(words)
    assert data["user_words"] == ["Build it"]
    assert [each["call"] for each in data["calls_to_judge"]] == [1, 2]
    assert (asked.model_extra or {}).get("safeguards") is None


def test_the_clients_credentials_are_lent_but_not_its_request() -> None:
    """Where the judge's vendor is passed the client's own login; hints about the client's request stay away."""
    headers = (("Authorization", "Bearer own"), ("x-claude-code-request-class", "main"), ("anthropic-beta", "a"))
    judge = _judge(received=ClientRequest("POST", "/v1/messages?beta=true", headers, b'{"secret": 1}'))
    upstream = _Upstream()
    _saw(judge, "make")
    with pytest.raises(ApiError):
        judge.ask(_asking(upstream), Call())
    received = upstream.exchanges[0].received
    assert dict(received.headers) == {"Authorization": "Bearer own", "content-type": "application/json"}
    assert json.loads(received.body)["system"].startswith("You are a security check.")


ANSWERS: dict[str, list[Item]] = {
    "in pieces": [Note("x"), Usage(input=7), TextDelta(VERDICT[:20]), TextDelta(VERDICT[20:]), Finish()],
    "after thinking": [ThinkingDelta("hm"), TextDelta(VERDICT), Finish()],
}
FAILURES: dict[str, list[Item]] = {
    "garbage": [TextDelta("I think it is fine."), Finish()],
    "a call in place of text": [TextDelta("x"), ToolCallStart(1, "Bash"), ToolCallEnd(1), Finish()],
}
REFUSALS: dict[str, list[Item]] = {
    "nothing": [],
    "no text": [Usage(input=7, output=0), Finish()],
    "blank": [TextDelta(" \n"), Finish()],
    "refusal": [TextDelta(VERDICT), Finish("refusal")],
    "a full window": [TextDelta(VERDICT), Finish("context_window_exceeded")],
    "cut off": [TextDelta(VERDICT)],
    "at the limit": [TextDelta(VERDICT), Finish("max_tokens")],
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer(name: str) -> None:
    assert _asked(*ANSWERS[name]) == {"make": FINE}


@pytest.mark.parametrize("name", FAILURES)
def test_an_answer_that_cannot_be_read(name: str) -> None:
    assert _asked(*FAILURES[name]) == {"make": ERROR}


@pytest.mark.parametrize("name", REFUSALS)
def test_no_answer(name: str) -> None:
    """Whoever waits makes `unavailable` of it."""
    with pytest.raises(ApiError):
        _asked(*REFUSALS[name])


def test_reasoning_between_tags() -> None:
    """Servers without a reasoning parser leave it in the text; what stands in it is no verdict."""
    judge = judge_for(request(safeguards=safeguards()), custom_route(), own_rules())
    assert judge is not None
    _saw(judge, "make")
    flagged = VERDICT.replace("false", "true")
    upstream = _Upstream(TextDelta(f"<think>{VERDICT}</think>\n{flagged}"), Finish())
    (entry,) = judge.ask(_asking(upstream), Call())
    (verdict,) = entry["status"]["tool_uses"].values()
    assert verdict["outcome"] == "flagged"


@pytest.mark.parametrize("streams", [False, True])
def test_anthropic_judges(streams: bool) -> None:
    """Its answer is passed on as it is, so it comes in bytes; only a whole message counts."""
    body = json.dumps({"content": [{"type": "text", "text": VERDICT}], "stop_reason": "end_turn"}).encode()
    items: list[Item] = [Head(200, [], streams), body[:30], body[30:]]
    assert _asked(*items, verbatim=True) == {"make": FINE}
    with pytest.raises(ApiError):
        _asked(*items[:-1], verbatim=True)
    with pytest.raises(ApiError):
        _asked(Head(401, [], is_stream=False), b'{"error": {}}', verbatim=True)


def test_a_call_too_long_to_be_shown_is_not_judged() -> None:
    """What the judge has not seen whole must not run on its word; the others are judged."""
    long = "echo " + "x" * 50_000
    unseen = {"type": "unavailable", "reason": "not_judged_as_run"}
    judge = _judge()
    ids = _saw(judge, long, "make")
    (entry,) = judge.ask(_asking(_Upstream(TextDelta(VERDICT), Finish())), Call())
    assert entry["status"]["tool_uses"] == {ids[0]: unseen, ids[1]: FINE}
    judge = _judge()
    (id,) = _saw(judge, long)
    upstream = _Upstream()
    assert judge.ask(_asking(upstream), Call()) == results({id: unseen})
    assert upstream.exchanges == []


def test_an_answer_without_calls_has_nothing_to_judge() -> None:
    judge = _judge()
    assert _saw(judge) == []
    assert not judge.pending
    assert judge.unjudged() == results({})


def test_nobody_judges() -> None:
    judge = judge_for(request(safeguards=safeguards()), None, own_rules())
    assert judge is not None
    _saw(judge, "make")
    assert not judge.pending
    assert judge.unjudged() == unsupported()
    assert judge.ask(_asking(_Upstream()), Call()) == unsupported()


def test_a_judge_that_cannot_be_asked() -> None:
    judge = _judge()
    ids = _saw(judge, "make", "git push")
    assert judge.failed("timeout") == results({id: {"type": "unavailable", "reason": "timeout"} for id in ids})


@pytest.mark.parametrize(
    ("status", "reason"), [(504, "timeout"), (400, "error"), (429, "error"), (500, "error"), (502, "error")]
)
def test_the_reason(status: int, reason: str) -> None:
    assert reason_of(ApiError(status, "no")) == reason


def test_calls_in_a_trusted_folder_are_not_asked_about() -> None:
    judge = judge_for(request(safeguards=safeguards()), ROUTE, own_rules())
    assert judge is not None
    writer = Writer("claude-opus-5-5", 7)
    path = context()["live_cwd"] + "/a.py"
    deltas: list[Delta] = [ToolCallStart(1, "Read"), ToolCallDelta(1, json.dumps({"file_path": path})), ToolCallEnd(1)]
    judge.saw([*writer.feed([*deltas, Usage(input=7, output=9), Finish()]), *writer.finish()])
    assert not judge.pending
