"""What a request is for: recordings of real clients with and without hint headers, and the shapes one by one."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from proxy.models.roles import MAIN, Kind, Role, role_of
from proxy.protocol.request import parse_count_request, read_request
from tests.captures import CAPTURES, load

ROLES = {
    **dict.fromkeys(("009", "038"), Role("subagent", ("Explore", "Plan"))),
    "066": Role("subagent", ("Explore",)),
    "075": Role("subagent", ("general-purpose",)),
    **dict.fromkeys(("011", "040"), Role("search")),
    **dict.fromkeys(("022", "081"), Role("compaction")),
    **dict.fromkeys(("026", "056", "085"), Role("title")),
    **dict.fromkeys(("068", "070", "072"), Role("classifier")),
    "076": Role("summary"),
    "077": Role("hook"),
    **dict.fromkeys(("083", "098"), Role("suggestion")),
    **dict.fromkeys(("086", "087"), Role("probe")),
}
"""Number of a recording -> its role; all others are of the conversation."""
HINTS = ("x-claude-code-request-class", "x-claude-1p-request-class", "x-claude-code-agent-type", "x-claude-code-comp")
RECORDED = [name for name in CAPTURES if isinstance((load(name).get("body") or {}).get("messages"), list)]
CLIENT = {"User-Agent": "claude-cli/2.1.332 (external, cli)", "X-Claude-Code-Session-Id": "s"}
AGENT = {"x-claude-code-agent-id": "a1"}
CONVERSATION = [{"name": name} for name in ("Agent", "Bash", "Edit", "Read", "Write")]
READERS = [{"name": name} for name in ("Bash", "Read", "Skill")]
PAGE = "Page\n====\nIt works."
THINKING = {"thinking": {"type": "adaptive"}}
BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332.1c0; cc_entrypoint=cli;"}
CACHED = {"cache_control": {"type": "ephemeral"}}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def asked(content: Any = "hi", **fields: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": content}], **fields}


def follow_up(content: Any, answer: Any = None, **fields: Any) -> dict[str, Any]:
    """A last user turn after a cached answer, with the tools of the conversation."""
    answer = [text("Done.", **CACHED)] if answer is None else answer
    turns = [{"role": "user", "content": "go"}, {"role": "assistant", "content": answer}]
    messages = [*turns, {"role": "user", "content": content}]
    return asked(**{"messages": messages, "tools": CONVERSATION, "stream": True, **THINKING, **fields})


def schema(*fields: str) -> dict[str, Any]:
    form = {"type": "object", "properties": {field: {"type": "string"} for field in fields}}
    return {"output_config": {"format": {"type": "json_schema", "schema": form}}, "stream": True}


def role(body: dict[str, Any], **headers: str) -> Role:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return role_of(read_request(json.dumps(body).encode()), named)


@pytest.mark.parametrize("headers", ["as recorded", "without hints", "none"])
@pytest.mark.parametrize("name", RECORDED)
def test_recorded(name: str, headers: str) -> None:
    capture = load(name)
    body = json.dumps(capture["body"]).encode()
    request = parse_count_request(body) if "count_tokens" in capture["path"] else read_request(body)
    sent = {
        "as recorded": capture["headers"],
        "without hints": {key: value for key, value in capture["headers"].items() if not key.lower().startswith(HINTS)},
        "none": {},
    }[headers]
    found, expected = role_of(request, sent), ROLES.get(name[:3], MAIN)
    assert found.kind == expected.kind
    if headers == "as recorded":
        assert found.agent_types == expected.agent_types
    else:
        assert set(expected.agent_types) <= set(found.agent_types)
    assert found.kind == "main" or found.sign


_ASKS_TO_COMPACT = "Put your thoughts in <analysis> tags, then write a <summary>."
_TRANSCRIPT = [text("<transcript>\n"), text('{"user":"push"}\n'), text("</transcript>\n"), text("Judge.")]
SHAPES = {
    "hook of type agent": (asked(tools=[*READERS, {"name": "StructuredOutput"}], stream=True), {}, "hook"),
    "structured output of the conversation": (
        asked(tools=[*CONVERSATION, {"name": "StructuredOutput"}], stream=True, **THINKING),
        {},
        "main",
    ),
    "structured output of an agent": (asked(tools=[*READERS, {"name": "StructuredOutput"}]), AGENT, "subagent"),
    "recap": (follow_up("Sum up where we are."), {}, "recap"),
    "recap with a system turn behind it": (
        follow_up("x", messages=[*follow_up("Sum up.")["messages"], {"role": "system", "content": "now"}]),
        {},
        "recap",
    ),
    "recap of a client without prompt caching": (follow_up("Sum up.", [text("Done.")]), {}, "main"),
    "the user's next turn": (follow_up([text("and now?", **CACHED)]), {}, "main"),
    "tool results": (follow_up([{"type": "tool_result", "tool_use_id": "t", "content": "x"}]), {}, "main"),
    "side question": (
        follow_up([text("<system-reminder>A side question.</system-reminder>"), text("why?")]),
        {},
        "main",
    ),
    "side question in one text": (
        follow_up("<system-reminder>A side question.</system-reminder>\n\nwhy?"),
        {},
        "main",
    ),
    "suggestion": (follow_up("[SUGGESTION MODE: what next?]"), {}, "suggestion"),
    "compaction": (follow_up(_ASKS_TO_COMPACT), {}, "compaction"),
    "compaction by an agent": (follow_up(_ASKS_TO_COMPACT), AGENT, "compaction"),
    "a user who writes of compaction": (follow_up([text(_ASKS_TO_COMPACT, **CACHED)]), {}, "main"),
    "title": (asked("<session>\nfix it\n</session>", **schema("title")), {}, "title"),
    "rename": (asked("<conversation>\nfix it\n</conversation>", **schema("name")), {}, "title"),
    "hook of type prompt": (asked("Is it done?", **schema("ok", "reason", "impossible")), {}, "hook"),
    "older hook": (asked("Is it done?", **schema("ok", "reason")), {}, "hook"),
    "another schema": (asked("x", **schema("color", "title")), {}, "main"),
    "page": (asked([text(PAGE)], system=[BILLING, text("You are Claude Code.")], stream=True), {}, "summary"),
    "page, no billing line": (asked(PAGE, system="You are Claude Code.", stream=True), {}, "summary"),
    "page, thinking off": (asked(PAGE, stream=True, thinking={"type": "disabled"}), {}, "summary"),
    "page in a sub-agent": (asked(PAGE, stream=True), AGENT, "summary"),
    "conversation without tools": (asked(PAGE, stream=True, **THINKING), {}, "main"),
    "conversation without tools and thinking": (
        asked("hi", system=[BILLING, text("You are an agent."), text("Write poems.")], stream=True),
        {},
        "main",
    ),
    "classifier": (asked(_TRANSCRIPT), {}, "classifier"),
    "classifier, second stage": (asked(_TRANSCRIPT, max_tokens=8192), {}, "classifier"),
    "a transcript with tools": (asked([*_TRANSCRIPT], tools=CONVERSATION, stream=True, **THINKING), {}, "main"),
    "search": (asked(tools=[{"type": "web_search_20260209", "name": "web_search"}]), {}, "search"),
    "search beside tools": (asked(tools=[{"type": "web_search_20260209", "name": "web_search"}, *READERS]), {}, "main"),
    "model validation": (asked("Hi", max_tokens=1), {}, "probe"),
    "Explore or Plan": (asked(tools=READERS, stream=True, **THINKING), AGENT, "subagent"),
    "agent by its billing line": (
        asked(system=[text(BILLING["text"] + " cc_is_subagent=true;")], tools=READERS, **THINKING),
        {},
        "subagent",
    ),
}


@pytest.mark.parametrize(("body", "headers", "kind"), SHAPES.values(), ids=SHAPES.keys())
def test_shape(body: dict[str, Any], headers: dict[str, str], kind: str) -> None:
    assert role_of(read_request(json.dumps(body).encode()), {**CLIENT, **headers}).kind == kind


OTHERS = [name for name, (_, _, kind) in SHAPES.items() if kind not in ("main", "probe", "search", "subagent")]


@pytest.mark.parametrize("name", [name for name in OTHERS if "billing" not in name and name != "page"])
def test_other_clients_ask_for_what_they_want(name: str) -> None:
    """The same shape from a client that is not Claude Code: whoever asks for titles by an SDK gets the model named."""
    body, _, _ = SHAPES[name]
    assert role_of(read_request(json.dumps(body).encode()), {"User-Agent": "Anthropic/Python 2.12"}) == MAIN


CLASS, FIRST_PARTY = "x_claude_code_request_class", "x_claude_1p_request_class"
HINTED: dict[str, tuple[dict[str, Any], dict[str, str], Role]] = {
    "main": (follow_up("Sum up."), {CLASS: "main"}, Role("main")),
    "subagent": (asked(), {CLASS: "subagent", "x_claude_code_agent_type": "Plan"}, Role("subagent", ("Plan",))),
    "custom agent": (
        asked(tools=READERS),
        {CLASS: "subagent", "X_Claude_Code_Agent_Type": "ours"},
        Role("subagent", ("ours",)),
    ),
    "a long type": (
        asked(),
        {CLASS: "subagent", "x_claude_code_agent_type": "x" * 999},
        Role("subagent", ("x" * 64,)),
    ),
    "no type": (asked(), {CLASS: "subagent"}, Role("subagent")),
    "background agent": (asked(), {CLASS: "subagent", FIRST_PARTY: "background-task"}, Role("subagent")),
    "workflow": (asked(tools=CONVERSATION), {CLASS: "workflow"}, Role("subagent", ("general-purpose",))),
    "hook of type agent": (asked(tools=[{"name": "StructuredOutput"}]), {CLASS: "subagent"}, Role("hook")),
    "compaction": (asked(), {CLASS: "compaction"}, Role("compaction")),
    "compaction by its own header": (asked(), {"x_claude_code_compaction": "auto"}, Role("compaction")),
    "side question": (follow_up("why?"), {CLASS: "side_reply"}, Role("main")),
    "side question of class auxiliary": (
        follow_up([text("<system-reminder>"), text("why?")]),
        {CLASS: "auxiliary"},
        Role("main"),
    ),
    "recap": (follow_up("Sum up.", "Done."), {CLASS: "auxiliary"}, Role("recap")),
    "suggestion": (follow_up("?"), {CLASS: "auxiliary", FIRST_PARTY: "followup-generation"}, Role("suggestion")),
    "page": (asked(PAGE), {CLASS: "auxiliary", FIRST_PARTY: "main"}, Role("summary")),
    "memory": (
        follow_up([text("a"), text("b")]),
        {CLASS: "auxiliary", FIRST_PARTY: "background-task"},
        Role("summary"),
    ),
    "title": (asked(**schema("title")), {CLASS: "auxiliary", FIRST_PARTY: "summary-extraction"}, Role("title")),
    "classifier": (asked(_TRANSCRIPT), {CLASS: "Auxiliary "}, Role("classifier")),
    "probe": (asked(max_tokens=1), {CLASS: "auxiliary"}, Role("probe")),
    "a class of next year": (follow_up("x", "Done."), {CLASS: "dream"}, Role("recap")),
}


@pytest.mark.parametrize(("body", "headers", "expected"), HINTED.values(), ids=HINTED.keys())
def test_hint_headers(body: dict[str, Any], headers: dict[str, str], expected: Role) -> None:
    found = role(body, **headers)
    assert (found.kind, found.agent_types) == (expected.kind, expected.agent_types)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({}, "main"), ({"x-claude-code-request-class": "auxiliary"}, "main"), (AGENT, "subagent")],
    ids=["nothing", "as recorded", "an agent's"],
)
def test_a_count_is_for_who_will_answer(headers: dict[str, str], kind: str) -> None:
    body = json.dumps({"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "x"}]}).encode()
    assert role_of(parse_count_request(body), {**CLIENT, **headers}).kind == kind


@pytest.mark.parametrize(
    ("found", "shown"),
    [(MAIN, "main"), (Role("subagent", ("Plan",)), "subagent/Plan"), (Role("subagent", ("a", "b")), "subagent/a|b")],
    ids=str,
)
def test_for_people(found: Role, shown: str) -> None:
    assert str(found) == shown


def test_what_is_background() -> None:
    background = {kind for kind in get_args(Kind) if Role(kind).is_background}
    assert background == {"title", "summary", "suggestion", "recap", "hook"}
