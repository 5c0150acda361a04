"""The repair of what clients send: every tool use answered once, in its place, and no text lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.blocks import ContentBlock, TextBlock, ToolUseBlock
from proxy.protocol.flatten import flat_text
from proxy.protocol.history import (
    NO_RESULT,
    AssistantTurn,
    ResultsTurn,
    SystemTurn,
    Turn,
    UserTurn,
    offered_tools,
    system_blocks,
    turns,
)
from proxy.protocol.notes import Notes
from tests.fuzz import examples
from tests.translation import Json, asking, assistant, call, image, parsed, result, system, text, thinking, tool, user

BILLING = "x-anthropic-billing-header: cc_version=2.1.330; cch=1a2b3;"


def repaired(*messages: Json) -> tuple[list[Turn], list[str]]:
    notes = Notes()
    return turns(parsed(asking(*messages)), notes), list(notes)


def short(found: list[Turn]) -> list[Any]:
    """Turns as small tuples: texts as they are, other blocks by their type, calls and results by their id."""
    return [_short(turn) for turn in found]


def _short(turn: Turn) -> Any:
    match turn:
        case SystemTurn(said):
            return ("system", said)
        case UserTurn(blocks):
            return ("user", *map(_brief, blocks))
        case AssistantTurn(blocks):
            return ("assistant", *map(_brief, blocks))
        case ResultsTurn(results):
            return ("results", *((each.tool_use_id, *map(_brief, each.content)) for each in results))


def _brief(block: ContentBlock) -> Any:
    return block.text if isinstance(block, TextBlock) else getattr(block, "id", block.type)


MISSING = "messages: a tool_use without its tool_result was given one"
ORPHAN = "messages: a tool_result without its tool_use became text"
EARLIER = "[Result of an earlier tool call, {}]"

CASES: list[Any] = [
    pytest.param([user("a")], [("user", "a")], [], id="one message"),
    pytest.param([user("a"), user("b", "c")], [("user", "a", "b", "c")], [], id="neighbours are one turn"),
    pytest.param(
        [user("a"), assistant("b"), assistant(call("t1"))],
        [("user", "a"), ("assistant", "b", "t1"), ("results", ("t1", NO_RESULT))],
        [MISSING],
        id="neighbouring assistant messages",
    ),
    pytest.param(
        [user("a"), system("s"), assistant("b")],
        [("user", "a"), ("system", "s"), ("assistant", "b")],
        [],
        id="CASES-1 a system message keeps its place",
    ),
    pytest.param(
        [system("s"), user("a")], [("system", "s"), ("user", "a")], [], id="CASES-1 a system message at the very start"
    ),
    pytest.param(
        [user("a"), system([text("s"), text("t"), {"type": "tool_removal", "tool": {"name": "X"}}])],
        [("user", "a"), ("system", "s\n\nt")],
        [],
        id="CASES-1 a system message of blocks",
    ),
    pytest.param([user("a"), system([])], [("user", "a")], [], id="CASES-1 a system message with nothing to say"),
    pytest.param(
        [user("a"), assistant(call("t1")), system("s"), user(result("t1"))],
        [("user", "a"), ("assistant", "t1"), ("results", ("t1", "done")), ("system", "s")],
        [],
        id="CASES-2 a system message between call and result",
    ),
    pytest.param(
        [user("a"), assistant("b"), user(result("t9", "late"), "c")],
        [("user", "a"), ("assistant", "b"), ("user", EARLIER.format("t9"), "late", "c")],
        [ORPHAN],
        id="CASES-5 orphan, its sibling kept",
    ),
    pytest.param(
        [user(result("t9", [text("late"), image()]))],
        [("user", EARLIER.format("t9"), "late", "image")],
        [ORPHAN],
        id="CASES-5 orphan at the very start, after a compaction",
    ),
    pytest.param(
        [user("a"), assistant(call("t1"), call("t2")), user(result("t2"))],
        [("user", "a"), ("assistant", "t1", "t2"), ("results", ("t1", NO_RESULT), ("t2", "done"))],
        [MISSING],
        id="CASES-6 one of two unanswered",
    ),
    pytest.param(
        [user("a"), assistant(call("t1")), assistant("b"), user("c")],
        [("user", "a"), ("assistant", "t1", "b"), ("results", ("t1", NO_RESULT)), ("user", "c")],
        [MISSING],
        id="CASES-6 unanswered for good",
    ),
    pytest.param(
        [
            user("a"),
            assistant(call("t1"), call("t2")),
            user("[Request interrupted by user]continue"),
            user(result("t2", "B"), result("t1", "A")),
        ],
        [
            ("user", "a"),
            ("assistant", "t1", "t2"),
            ("results", ("t1", "A"), ("t2", "B")),
            ("user", "[Request interrupted by user]continue"),
        ],
        [],
        id="CASES-7 a message between calls and results, results in another order",
    ),
    pytest.param(
        [user("a"), assistant(call("t1"), call("t2")), user(result("t1", "A"), "x"), user("y", result("t2", "B"))],
        [("user", "a"), ("assistant", "t1", "t2"), ("results", ("t1", "A"), ("t2", "B")), ("user", "x", "y")],
        [],
        id="CASES-8 results over several messages with text between",
    ),
    pytest.param(
        [user("a"), assistant(call("t1")), user(result("t1"), "<system-reminder>IMPORTANT")],
        [("user", "a"), ("assistant", "t1"), ("results", ("t1", "done")), ("user", "<system-reminder>IMPORTANT")],
        [],
        id="CASES-9 text beside tool_result",
    ),
    pytest.param(
        [user("a"), assistant(call("t1")), user("IMPORTANT", result("t1"), image())],
        [("user", "a"), ("assistant", "t1"), ("results", ("t1", "done")), ("user", "IMPORTANT", "image")],
        [],
        id="CASES-9 text before and image after tool_result",
    ),
    pytest.param(
        [user("a"), assistant(call("t1")), user(result("t1", "A"), result("t1", "again"))],
        [("user", "a"), ("assistant", "t1"), ("results", ("t1", "A")), ("user", EARLIER.format("t1"), "again")],
        [ORPHAN],
        id="a result given twice: the first counts",
    ),
    pytest.param(
        [
            user("a"),
            assistant(call("t1")),
            user(result("t1", "A")),
            assistant("b"),
            user(result("t1", "again"), "c"),
        ],
        [
            ("user", "a"),
            ("assistant", "t1"),
            ("results", ("t1", "A")),
            ("assistant", "b"),
            ("user", EARLIER.format("t1"), "again", "c"),
        ],
        [ORPHAN],
        id="a result repeated in a later turn",
    ),
    pytest.param(
        [user("a"), assistant(call("t1")), user(result("t1", "A")), assistant(call("t1")), user(result("t1", "B"))],
        [
            ("user", "a"),
            ("assistant", "t1"),
            ("results", ("t1", "A")),
            ("assistant", "t1"),
            ("results", ("t1", "B")),
        ],
        [],
        id="1.10 ids that come again in every turn",
    ),
    pytest.param(
        [user("a"), assistant(call("t1"), call("t1")), user(result("t1", "A"))],
        [("user", "a"), ("assistant", "t1", "t1_1"), ("results", ("t1", "A"), ("t1_1", NO_RESULT))],
        [MISSING],
        id="1.10 one id twice in one turn",
    ),
    pytest.param(
        [user("a"), assistant(call("t1_2"), call("t1"), call("t1"))],
        [
            ("user", "a"),
            ("assistant", "t1_2", "t1", "t1_2_2"),
            ("results", ("t1_2", NO_RESULT), ("t1", NO_RESULT), ("t1_2_2", NO_RESULT)),
        ],
        [f"{MISSING} (x3)"],
        id="1.10 one id twice, and the next one taken",
    ),
    pytest.param(
        [user("a", " \n"), assistant("", call("t1")), user("", result("t1", ""))],
        [("user", "a"), ("assistant", "t1"), ("results", ("t1", ""))],
        [],
        id="CASES-17 blank texts",
    ),
    pytest.param(
        [user("a"), assistant(""), user("b")],
        [("user", "a", "b")],
        [],
        id="CASES-17 an assistant turn of nothing",
    ),
    pytest.param(
        [user("a"), assistant("b"), user(" "), assistant("c", call("t1"))],
        [("user", "a"), ("assistant", "b", "c", "t1"), ("results", ("t1", NO_RESULT))],
        [MISSING],
        id="CASES-17 nothing said between two assistant turns",
    ),
    pytest.param(
        [user("a"), assistant(thinking("hm"), "b")],
        [("user", "a"), ("assistant", "thinking", "b")],
        [],
        id="thinking stays for the provider to judge",
    ),
]


@pytest.mark.parametrize(("messages", "wanted", "noted"), CASES)
def test_turns(messages: list[Json], wanted: list[Any], noted: list[str]) -> None:
    found, notes = repaired(*messages)
    assert short(found) == wanted
    assert notes == noted


def test_missing_results_are_errors_and_others_keep_theirs() -> None:
    found, _ = repaired(user("a"), assistant(call("t1"), call("t2")), user(result("t1", "A", is_error=True)))
    (results,) = [turn.results for turn in found if isinstance(turn, ResultsTurn)]
    assert [each.is_error for each in results] == [True, True]


IDS = st.sampled_from(["t1", "t2", "t1_1", "t1_0_1"])
WORDS = st.sampled_from(["", " ", "\n"]) | st.integers(0, 10**6).map(lambda number: f"word{number}")
CALLS = st.builds(call, IDS)
RESULTS = st.builds(result, IDS, st.none() | WORDS | st.lists(WORDS.map(text), max_size=2))
MESSAGES = st.lists(
    st.builds(lambda parts: assistant(*parts), st.lists(WORDS | CALLS | WORDS.map(thinking), max_size=4))
    | st.builds(lambda parts: user(*parts), st.lists(WORDS | RESULTS, max_size=4))
    | st.builds(system, WORDS | st.lists(WORDS.map(text), max_size=2)),
    min_size=1,
    max_size=8,
)


def words(value: Any) -> list[str]:
    """Every word that was said in a request, in any order."""
    return sorted(re.findall(r"word\d+", json.dumps(value)))


def said(turn: Turn) -> Iterator[str]:
    match turn:
        case SystemTurn(spoken):
            yield spoken
        case UserTurn(blocks) | AssistantTurn(blocks):
            yield from (flat_text(block) or getattr(block, "thinking", "") for block in blocks)
        case ResultsTurn(results):
            yield from (flat_text(block) or "" for each in results for block in each.content)


@given(MESSAGES)
@settings(max_examples=examples(40), deadline=None)
def test_any_history(messages: list[Json]) -> None:
    found, _ = repaired(*messages)
    assert words([list(said(turn)) for turn in found]) == words(messages)
    assert all(getattr(turn, "blocks", True) and getattr(turn, "results", True) for turn in found)
    assert not any(type(a) is type(b) is not SystemTurn for a, b in pairwise(found))
    waiting: list[str] = []
    for turn in found:
        if isinstance(turn, ResultsTurn):
            assert [each.tool_use_id for each in turn.results] == waiting
            assert len(set(waiting)) == len(waiting)
            waiting = []
            continue
        assert not waiting
        if isinstance(turn, AssistantTurn):
            waiting = [block.id for block in turn.blocks if isinstance(block, ToolUseBlock)]
    assert not waiting
    assert sum(len(turn.results) for turn in found if isinstance(turn, ResultsTurn)) == json.dumps(messages).count(
        '"tool_use"'
    )


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        pytest.param("Be brief.", "Be brief.", id="text"),
        pytest.param(None, "", id="none"),
        pytest.param([], "", id="empty"),
        pytest.param([text("a"), text(" "), text("b")], "a\n\nb", id="blocks"),
        pytest.param([text(BILLING), text("a")], "a", id="CASES-4 billing line in a block of its own"),
        pytest.param(
            [text(f"{BILLING}\nYou are Claude Code"), text("b")], "You are Claude Code\n\nb", id="CASES-4 glued"
        ),
        pytest.param(f"{BILLING}\n\n\nYou", "You", id="CASES-4 glued to a string"),
        pytest.param(BILLING, "", id="CASES-4 nothing else"),
        pytest.param([text(f"speak of {BILLING}")], f"speak of {BILLING}", id="CASES-4 spoken of"),
    ],
)
def test_system_text(prompt: Any, read: str) -> None:
    assert "\n\n".join(block.text for block in system_blocks(parsed(asking(system=prompt)))) == read


PLACEHOLDER = tool("DeferredToolPlaceholder", defer_loading=True)
FETCH, READ = tool("WebFetch", defer_loading=True), tool("Read")
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def reference(name: str) -> Json:
    return {"type": "tool_reference", "tool_name": name}


def changed(kind: str, **of: Any) -> Json:
    return system([{"type": kind, "tool": of}])


@pytest.mark.parametrize(
    ("tools", "messages", "more", "offered"),
    [
        pytest.param([READ, PLACEHOLDER, FETCH], [], {}, ["Read"], id="deferred ones are hidden"),
        pytest.param(
            [FETCH, PLACEHOLDER, READ],
            [assistant(call("t1", "ToolSearch")), user(result("t1", [reference("WebFetch")]))],
            {},
            ["WebFetch", "Read"],
            id="loaded by a search, in the request's order",
        ),
        pytest.param(
            [READ, FETCH], [user(result("t9", [reference("WebFetch")]))], {}, ["Read", "WebFetch"], id="in an orphan"
        ),
        pytest.param([READ, FETCH], [assistant(call("t1", "WebFetch"))], {}, ["Read", "WebFetch"], id="called before"),
        pytest.param(
            [READ, FETCH],
            [],
            {"tool_choice": {"type": "tool", "name": "WebFetch"}},
            ["Read", "WebFetch"],
            id="to be called now",
        ),
        pytest.param(
            [READ, FETCH],
            [changed("tool_addition", type="tool_reference", name="WebFetch")],
            {},
            ["Read", "WebFetch"],
            id="added by reference",
        ),
        pytest.param(
            [READ],
            [changed("tool_addition", name="New", input_schema={"type": "object"})],
            {},
            ["Read", "New"],
            id="added by definition",
        ),
        pytest.param([READ], [changed("tool_removal", type="tool_reference", name="Read")], {}, [], id="removed"),
        pytest.param(
            [READ],
            [
                changed("tool_removal", type="tool_reference", name="Read"),
                changed("tool_addition", type="tool_reference", tool_name="Read"),
            ],
            {},
            ["Read"],
            id="removed and added again",
        ),
        pytest.param(
            [READ],
            [
                changed("tool_addition", name="New", input_schema={}),
                changed("tool_removal", type="tool_reference", name="New"),
            ],
            {},
            ["Read"],
            id="added and removed again",
        ),
        pytest.param([READ, SEARCH], [], {}, ["Read"], id="CASES-28 what Anthropic runs itself"),
    ],
)
def test_offered_tools(tools: list[Json], messages: list[Json], more: Json, offered: list[str]) -> None:
    notes = Notes()
    request = parsed(asking(user("a"), *messages, tools=tools, **more))
    assert [each.name for each in offered_tools(request, notes)] == offered
    assert list(notes) == (["tools: web_search_20250305 is not available here"] if SEARCH in tools else [])


@pytest.mark.parametrize(
    ("citations", "noted"), [({"enabled": True}, True), ({"enabled": False}, False), (None, False), ([], False)]
)
def test_citations_that_nobody_makes_are_said(citations: Any, noted: bool) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "words"}
    document = {"type": "document", "source": source, "citations": citations}
    for messages in ([user(document)], [assistant(call("t")), user(result("t", [document]))]):
        assert bool(repaired(*messages)[1]) == noted


def test_a_model_without_a_web_search_is_told_so() -> None:
    request = parsed(asking(user("Search for x"), tools=[SEARCH], system="Be brief."))
    first, second = system_blocks(request)
    assert first.text == "Be brief."
    assert second.text.startswith("Web search is not available")
    assert system_blocks(request, searches=True) == [first]
