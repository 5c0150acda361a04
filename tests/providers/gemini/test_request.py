"""Tools, choice, structured answers and the other parameters."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.notes import Notes
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.gemini.names import RULES
from tests.providers.gemini.pieces import MODELS, NEW, OLD, translate
from tests.translation import asking, assistant, call, result, tool, user

Json = dict[str, Any]


@pytest.mark.parametrize("model", MODELS)
def test_case_23_only_known_fields(model: str) -> None:
    more: Json = {
        "cache_control": {"type": "ephemeral"},
        "input_examples": [{"path": "a"}],
        "strict": True,
        "eager_input_streaming": True,
        "type": "custom",
        "allowed_callers": ["direct"],
    }
    translation = translate(asking(tools=[tool("Read", **more)]), model)
    assert any("strict was left out" in note for note in translation.notes)
    (function,) = translation.functions
    assert function == {
        "name": "Read",
        "description": "Read it.",
        "parametersJsonSchema": {"type": "object", "properties": {"path": {"type": "string"}}},
    }


NAMES = (
    "Read",
    "mcp__server__do-it",
    "_x",
    "21st_magic_component_builder",
    "-dash",
    "with space",
    "with_space",
    "gr\u00fcn",
    "gr\u00f6n",
    "x" * 64,
    "x" * 65,
    "x" * 66,
    "a.b:c",
    "A" * 128,
)


def test_case_25_names_there_and_back() -> None:
    names = ToolNames(NAMES, RULES)
    sent = [names.upstream(name) for name in NAMES]
    assert len(set(sent)) == len(NAMES)
    assert [names.client(name) for name in sent] == list(NAMES)
    assert names.upstream("Read") == "Read"
    assert names.client("read") == "Read"
    assert names.client("nobody's") == "nobody's"
    again = ToolNames(reversed(NAMES), RULES)
    assert [again.upstream(name) for name in NAMES] == sent, "a name does not depend on the other tools"


@pytest.mark.parametrize("model", MODELS)
def test_case_25_names_in_a_request(model: str) -> None:
    """The same in declarations, calls, results and the choice, for tools no longer offered, too."""
    offered = [name for name in NAMES if name.isascii() and " " not in name]
    gone = "0" * 70
    turns = [user("a")]
    for number, name in enumerate([*offered, gone]):
        turns += [assistant(call(f"t{number}", name)), user(result(f"t{number}"))]
    body = asking(*turns, tools=[tool(name) for name in offered], tool_choice={"type": "tool", "name": offered[3]})
    translation = translate(body, model)
    sent = [function["name"] for function in translation.functions]
    calls = [
        part["functionCall"]["name"]
        for each in translation.contents
        for part in each["parts"]
        if "functionCall" in part
    ]
    assert calls[:-1] == sent
    assert translation.body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [sent[3]]
    assert [translation.built.names.client(name) for name in sent] == offered


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        ({"type": "auto"}, None),
        ({"type": "auto", "disable_parallel_tool_use": True}, None),
        ({"type": "any"}, {"mode": "ANY"}),
        ({"type": "tool", "name": "Read"}, {"mode": "ANY", "allowedFunctionNames": ["Read"]}),
        ({"type": "none"}, {"mode": "NONE"}),
    ],
)
@pytest.mark.parametrize("model", MODELS)
def test_tool_choice(choice: Json | None, config: Json | None, model: str) -> None:
    translation = translate(asking(tools=[tool(), tool("Grep")], tool_choice=choice), model)
    sent = translation.body.get("toolConfig")
    assert sent == (None if config is None else {"functionCallingConfig": config})
    assert any("several tools at once" in note for note in translation.notes) == bool(
        choice and choice.get("disable_parallel_tool_use")
    )


def test_case_28_tools_of_servers() -> None:
    """Neither they nor the choice of them is sent."""
    fetch = {"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 8}
    translation = translate(asking(tools=[fetch], tool_choice={"type": "tool", "name": "web_fetch"}))
    assert "tools" not in translation.body
    assert "toolConfig" not in translation.body
    assert any("web_fetch" in note for note in translation.notes)


def test_deferred_tools() -> None:
    late = tool("Late", defer_loading=True)
    body = asking(user("a"), tools=[tool(), late])
    assert [function["name"] for function in translate(body).functions] == ["Read"]
    found = result("t1", [{"type": "tool_reference", "tool_name": "Late"}])
    body = asking(user("a"), assistant(call("t1")), user(found), tools=[tool(), late])
    assert [function["name"] for function in translate(body).functions] == ["Read", "Late"]


def test_more_tools_than_are_taken() -> None:
    translation = translate(asking(tools=[tool(f"tool_{number}") for number in range(600)]))
    assert len(translation.functions) == 512
    assert any("512 of 600" in note for note in translation.notes)


_FORMAT = {
    "type": "json_schema",
    "schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 60}, "kind": {"const": "a"}},
        "required": ["title"],
        "additionalProperties": False,
    },
}
_CLEAN = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "description": "(maxLength: 60)"},
        "kind": {"type": "string", "enum": ["a"]},
    },
    "required": ["title"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("model", MODELS)
def test_structured_answer(model: str) -> None:
    config = translate(asking(output_config={"format": _FORMAT}), model).config
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == _CLEAN


def test_structured_answer_together_with_tools() -> None:
    body = asking(output_config={"format": _FORMAT}, tools=[tool()])
    assert translate(body, NEW).config["responseJsonSchema"] == _CLEAN
    old = translate(body, OLD)
    assert "responseJsonSchema" not in old.config
    assert any("output_config.format" in note for note in old.notes)


@pytest.mark.parametrize("model", MODELS)
def test_sampling(model: str) -> None:
    translation = translate(asking(temperature=0.5, top_p=0.9, top_k=40), model)
    sent = {name: translation.config.get(name) for name in ("temperature", "topP", "topK")}
    if model == OLD:
        assert sent == {"temperature": 0.5, "topP": 0.9, "topK": 40}
    else:
        assert set(sent.values()) == {None}
        assert "temperature was left out: the model does not take it" in translation.notes


@pytest.mark.parametrize("model", MODELS)
def test_nothing_else_is_sent(model: str) -> None:
    body = asking(
        metadata={"user_id": "secret"}, service_tier="auto", stop_sequences=["END"], context_management={"edits": []}
    )
    sent = translate(body, model).body
    assert sent.keys() == {"contents", "generationConfig", "store"}
    assert sent["store"] is False
    assert "stopSequences" not in sent["generationConfig"], "the proxy itself looks for them, and can tell which it was"


def test_fast_is_left_out_with_a_note() -> None:
    assert any("speed: fast" in note for note in translate(asking(speed="fast"), NEW).notes)


@pytest.mark.parametrize("model", MODELS)
def test_translation_is_stable(model: str) -> None:
    body = asking(tools=[tool(), tool("Grep")], system="s")
    assert translate(body, model).body == translate(body, model).body
    assert list(Notes()) == []
