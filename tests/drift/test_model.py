from __future__ import annotations

from typing import Any

import pytest

from tests.drift.model import Step, call, fill, respond, text, verdicts

_SCRIPTS = {
    "WALK": (Step((call("Go", far=1),)), Step((call("Go", far=2),))),
    "BREAK": (Step((text("It breaks"),), "breaks off"),),
    "LONG": (Step((), "too long"),),
}
_DONE = Step((text("Done."),))
_RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "BREAK"}]}
_SYSTEM = {"role": "system", "content": "WALK"}
_SUMMARIZE = "Write an <analysis> block and a <summary> block."


def _user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": [text(words)]}


def _called(name: str = "Go") -> dict[str, Any]:
    return {"role": "assistant", "content": [{**call(name), "id": "t"}]}


def _ask(*messages: dict[str, Any], **body: Any) -> Step:
    return respond({"max_tokens": 100, "stream": True, "messages": list(messages), **body}, _SCRIPTS)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([_user("WALK")], _SCRIPTS["WALK"][0], id="first step"),
        pytest.param([{"role": "user", "content": "WALK"}], _SCRIPTS["WALK"][0], id="a string as content"),
        pytest.param(
            [_user("WALK"), _called(), _RESULT], _SCRIPTS["WALK"][1], id="a word in a result counts for nothing"
        ),
        pytest.param([_user("WALK"), _called(), _RESULT, _called(), _RESULT], _DONE, id="the script is over"),
        pytest.param([_user("WALK"), _called(), _RESULT, _SYSTEM], _SCRIPTS["WALK"][1], id="system turns do not count"),
        pytest.param([_user("WALK"), _called(), _user("hello")], _DONE, id="the user says something else"),
        pytest.param([_user("BREAK"), _called(), _user("WALK")], _SCRIPTS["WALK"][0], id="the last word counts"),
        pytest.param([_user("hello")], _DONE, id="no script"),
        pytest.param([_user("LONG")], _SCRIPTS["LONG"][0], id="too long"),
        pytest.param([_user("Things were done."), _user("LONG")], _DONE, id="not too long after a summary"),
    ],
)
def test_conversation(messages: list[dict[str, Any]], expected: Step) -> None:
    assert _ask(*messages, tools=[{"name": "Go"}]) == expected


def test_title() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    step = _ask(_user("WALK"), output_config={"format": {"type": "json_schema", "schema": schema}})
    assert step == Step((text('{"title": "done"}'),))


def test_search() -> None:
    step = _ask(_user("search"), tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert [block["type"] for block in step.blocks] == ["server_tool_use", "web_search_tool_result", "text"]


@pytest.mark.parametrize("after", [[], [_SYSTEM]], ids=["last", "a system turn follows"])
def test_compaction(after: list[dict[str, Any]]) -> None:
    (block,) = _ask(_user("WALK"), _called(), _user(_SUMMARIZE), *after, tools=[{"name": "Go"}]).blocks
    assert "<summary>" in block["text"]


@pytest.mark.parametrize(
    ("limit", "form", "expected"),
    [
        (64, "<block>", "<block>yes</block>"),
        (8192, "<block>", "<thinking>Fine.</thinking><block>no</block>"),
        (64, "<severity>", "<severity>60</severity>"),
        (8192, "<severity>", "<thinking>Fine.</thinking><severity>5</severity>"),
    ],
)
def test_classifier(limit: int, form: str, expected: str) -> None:
    step = _ask(_user("<transcript>WALK</transcript>"), _user(f"Answer {form}"), stream=None, max_tokens=limit)
    assert step == Step((text(expected),))


def test_agent_that_hands_back() -> None:
    schema = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
    tools = [{"name": "Go"}, {"name": "SubagentHandback", "input_schema": schema}]
    assert _ask(_user("hello"), tools=tools) == Step((call("SubagentHandback", message="done"),))
    assert _ask(_user("hello"), _called("SubagentHandback"), _RESULT, tools=tools) == _DONE


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object"}, {}),
        ({"type": "object", "required": ["a"]}, {"a": "done"}),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "array"}, []),
        ({"enum": ["x", "y"], "type": "string"}, "x"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number"}, 1),
        ({}, "done"),
    ],
)
def test_fill(schema: dict[str, Any], expected: Any) -> None:
    assert fill(schema) == expected


def test_verdicts() -> None:
    body = {"messages": [_user("WALK")], "safeguards": [{"type": "dangerous_tool_use", "classifier_context": {}}]}
    used = [{**call("Go"), "id": "toolu_1"}, text("Going.")]
    evaluated = {"type": "evaluated", "outcome": "not_flagged"}
    (judged,) = verdicts(body, used, "UNJUDGED")
    assert judged["status"] == {"type": "available", "tool_uses": {"toolu_1": evaluated}}
    (spoken,) = verdicts(body, used[1:], "UNJUDGED")
    assert spoken["status"] == {"type": "available", "tool_uses": {}}
    (unjudged,) = verdicts(body, used, "WALK")
    assert unjudged["status"] == {"type": "unsupported"}
    assert verdicts({**body, "safeguards": []}, used, "UNJUDGED") == []
