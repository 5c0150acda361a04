"""What only Anthropic's servers can do is left out with a note, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.answering.dropped import dropped_fields
from proxy.protocol.notes import header_value
from tests.answering.test_plan import FACTS, planned, wires
from tests.captures import MESSAGES, load, needs_captures
from tests.translation import Json, asking, assistant, call, parsed, result, system, text, tool, user

KEEP_ALL = {"type": "clear_thinking_20251015", "keep": "all"}
ONE_TURN = {"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": 1}}
CLEAR = {"type": "clear_tool_uses_20250919"}
COMPACT = {"type": "compact_20260112"}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def edits(*each: Any) -> Json:
    return {"context_management": {"edits": list(each)}}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"mcp_servers": [{"type": "url", "url": "https://s.test"}]}, "mcp_servers: not", id="MCP servers"),
        pytest.param({"container": "container_1"}, "container: not available", id="container"),
        pytest.param({"container": {"skills": [{"skill_id": "pdf"}]}}, "container: not available", id="skills"),
        pytest.param({"fallbacks": [{"model": "claude-sonnet-5-5"}]}, "fallbacks: ", id="fallbacks"),
        pytest.param({"compaction": {"type": "enabled"}}, "compaction: ", id="compaction"),
        pytest.param({"diagnostics": {"previous_message_id": None}}, "diagnostics: ", id="diagnostics"),
        pytest.param({"inference_geo": "eu"}, "inference_geo: ", id="inference_geo"),
        pytest.param({"tags": ["a"]}, "tags: ", id="tags"),
        pytest.param(
            {"output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 20_000}}},
            "output_config.task_budget: ",
            id="task budget",
        ),
        pytest.param(
            {"output_config": {"brand_new": 1}}, "not known here: output_config.brand_new", id="unknown inside"
        ),
        pytest.param({"brand_new": [1]}, "left out, not known here: brand_new", id="unknown"),
        pytest.param({"a": 1, "b": 2}, "left out, not known here: a, b", id="two unknown in one note"),
        pytest.param(
            {f"field{n}": n for n in range(1, 9)},
            "not known here: field1, field2, field3, field4, field5, ...",
            id="many unknown",
        ),
        pytest.param(
            {"x\r\ny: \u4f60" * 20: 1}, "not known here: x??y???x", id="a name that may not stand in a header"
        ),
        pytest.param(edits(CLEAR), "context_management: clear_tool_uses_20250919 left out", id="clear tool uses"),
        pytest.param(edits(KEEP_ALL, COMPACT), "context_management: compact_20260112 left out", id="compact"),
        pytest.param(edits(ONE_TURN), "context_management: clear_thinking_20251015 left out", id="clear thinking"),
        pytest.param(edits({**KEEP_ALL, "keep": None}), "clear_thinking_20251015 left out", id="clear by default"),
        pytest.param(
            edits(CLEAR, CLEAR), "context_management: clear_tool_uses_20250919 left", id="the same edit twice"
        ),
        pytest.param({"tools": [tool(input_examples=[{"path": "a"}])]}, "tools: input_examples", id="input examples"),
        pytest.param(
            {"tools": [tool(allowed_callers=["code_execution_20250825"])]}, "tools: allowed_callers", id="callers"
        ),
        pytest.param(
            {"messages": [user("a"), {**system("b"), "clear_at": "next_user_message"}]}, "clear_at", id="clear_at"
        ),
        pytest.param({"system": [{**text("a"), **HOUR}]}, "cache_control.ttl", id="an hour for the system prompt"),
        pytest.param({"messages": [user({**text("a"), **HOUR})]}, "cache_control.ttl", id="an hour for a block"),
        pytest.param(
            {"messages": [user("a"), assistant(call("t")), user(result("t", **HOUR))]}, "ttl", id="an hour for a result"
        ),
        pytest.param(HOUR, "cache_control.ttl", id="an hour for all"),
    ],
)
def test_noted_once(fields: Json, named: str) -> None:
    (note,) = dropped_fields(parsed(asking(**fields)))
    assert named in note
    assert header_value([note]) == note


ODD_MANAGEMENT: list[Any] = [[], {}, {"edits": None}, {"edits": "x"}, {"edits": []}, {"edits": ["x", 1, None]}, "x", 1]
ODD_CONTROL: list[Any] = ["ttl", ["ttl"], 1, True, {"ttl": None}]
EMPTY: list[Any] = [[], {}, "", False]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing"),
        pytest.param(edits(KEEP_ALL), id="what Claude Code sends every day"),
        *(pytest.param({"context_management": odd}, id=f"odd context_management {odd}") for odd in ODD_MANAGEMENT),
        *(
            pytest.param({name: empty}, id=f"{name} {empty}")
            for name in ("mcp_servers", "container", "brand_new")
            for empty in EMPTY
        ),
        pytest.param({"output_config": {"effort": "high", "task_budget": {}}}, id="no task budget"),
        pytest.param({"cache_control": {"type": "ephemeral"}}, id="caching"),
        pytest.param({"cache_control": {"type": "ephemeral", "ttl": "5m"}}, id="caching for as long as always"),
        pytest.param(
            {"system": [{**text("a"), "cache_control": {"type": "ephemeral", "scope": "global"}}]}, id="scope"
        ),
        *(
            pytest.param({"system": [{**text("a"), "cache_control": odd}]}, id=f"odd cache_control {odd}")
            for odd in ODD_CONTROL
        ),
        pytest.param({"safeguards": [{"type": "dangerous_tool_use"}]}, id="safeguards are seen to"),
        pytest.param({"user_profile_id": "u", "workspace_id": "w", "billing_policy": "x"}, id="whose request it is"),
        pytest.param(
            {"tools": [tool(allowed_callers=["direct"], input_examples=[], eager_input_streaming=True)]}, id="t"
        ),
        pytest.param({"messages": [user("a"), {**system("b"), "clear_at": "never"}]}, id="clear_at never"),
    ],
)
def test_no_note(fields: Json) -> None:
    assert dropped_fields(parsed(asking(**fields))) == []


LONG = "claude-code-20250219,context-1m-2025-08-07, interleaved-thinking-2025-05-14"


@pytest.mark.parametrize(
    ("headers", "window", "notes"),
    [
        pytest.param([("anthropic-beta", LONG)], 400_000, 1, id="less than a million"),
        pytest.param([("Anthropic-Beta", "x"), ("Anthropic-Beta", LONG)], 400_000, 1, id="a header for each beta"),
        pytest.param([("anthropic-beta", LONG)], 1_048_576, 0, id="a million"),
        pytest.param([("anthropic-beta", LONG)], None, 0, id="unknown"),
        pytest.param([("anthropic-beta", "effort-2025-11-24")], 400_000, 0, id="another beta"),
        pytest.param([("x-other", LONG)], 400_000, 0, id="another header"),
    ],
)
def test_the_long_window(headers: list[tuple[str, str]], window: int | None, notes: int) -> None:
    found = dropped_fields(parsed(asking()), headers, window)
    assert found == [f"anthropic-beta context-1m: the model's window has {window} tokens"] * notes


@pytest.mark.parametrize("kind", wires(FACTS))
def test_the_plan_has_the_notes(kind: str) -> None:
    made = planned(asking(container="c", output_config={"task_budget": {"total": 1}}), *wires(FACTS)[kind])
    assert [note.partition(":")[0] for note in made.notes] == ["container", "output_config.task_budget"]


@needs_captures
@pytest.mark.parametrize("name", MESSAGES)
def test_everyday_requests_have_few_notes(name: str) -> None:
    recorded = load(name)
    notes = dropped_fields(parsed(recorded["body"]), recorded["headers"].items(), 400_000)
    assert len(notes) <= 2
    assert len(header_value(notes)) < 200
