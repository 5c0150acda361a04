"""The conversation as Chat Completions messages, in an order that no server refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.models.habits import Habits
from tests.fakes.openai.messages import mismatches
from tests.fuzz import examples
from tests.providers.openai.chat.pieces import ASKED, HEAD, HEAD_TWO, TWO, calling, said, told
from tests.translation import (
    EVERYWHERE,
    Json,
    asking,
    assistant,
    call,
    image,
    pdf,
    refusal_of,
    result,
    route,
    system,
    text,
    thinking,
    tool,
    translate,
    user,
)

REMINDER = "<system-reminder>\n{}\n</system-reminder>"
NO_RESULT = "[No result: the tool call was interrupted]"
EVERY: list[Any] = [
    pytest.param(
        [user("a"), assistant("b"), user("c")],
        [said("user", "a"), said("assistant", "b"), said("user", "c")],
        id="turns",
    ),
    pytest.param([user("a", "b"), user("c")], [said("user", "a\n\nb\n\nc")], id="text alone is one string"),
    pytest.param([*ASKED, user(result("t9"), "b")], None, id="CASES-5+6 orphan instead of the result"),
    pytest.param(
        [*TWO, user(result("t2"))], [*HEAD_TWO, told("t1", f"Error: {NO_RESULT}"), told("t2")], id="CASES-6 one of two"
    ),
    pytest.param(
        [*TWO, user("[Request interrupted by user]continue"), user(result("t2", "B"), result("t1", "A"))],
        [*HEAD_TWO, told("t1", "A"), told("t2", "B"), said("user", "[Request interrupted by user]continue")],
        id="CASES-7 a user message between",
    ),
    pytest.param(
        [*TWO, user(result("t1", "A"), "x"), user(result("t2", "B"))],
        [*HEAD_TWO, told("t1", "A"), told("t2", "B"), said("user", "x")],
        id="CASES-8 results over two messages",
    ),
    pytest.param(
        [*ASKED, user(result("t1"), "<system-reminder>IMPORTANT")],
        [*HEAD, told("t1"), said("user", "<system-reminder>IMPORTANT")],
        id="CASES-9 text beside tool_result",
    ),
    pytest.param(
        [*ASKED, user("IMPORTANT", result("t1"))],
        [*HEAD, told("t1"), said("user", "IMPORTANT")],
        id="CASES-9 text before tool_result",
    ),
    pytest.param([*ASKED, user(result("t1", ""))], [*HEAD, told("t1", "(no output)")], id="CASES-16 empty string"),
    pytest.param([*ASKED, user(result("t1", []))], [*HEAD, told("t1", "(no output)")], id="CASES-16 empty list"),
    pytest.param([*ASKED, user(result("t1", None))], [*HEAD, told("t1", "(no output)")], id="CASES-16 null"),
    pytest.param([*ASKED, user(result("t1", " \n"))], [*HEAD, told("t1", "(no output)")], id="CASES-16 blank"),
    pytest.param([*ASKED, user(result("t1", [text("")]))], [*HEAD, told("t1", "(no output)")], id="CASES-16 block"),
    pytest.param(
        [*ASKED, user(result("t1", "Exit code 3", is_error=True))],
        [*HEAD, told("t1", "Error: Exit code 3")],
        id="CASES-15 is_error",
    ),
    pytest.param(
        [*ASKED, user(result("t1", "", is_error=True))], [*HEAD, told("t1", "Error: (no output)")], id="CASES-15+16"
    ),
    pytest.param([*ASKED, user(result("t1", "fine", is_error=False))], [*HEAD, told("t1", "fine")], id="CASES-15 none"),
    pytest.param(
        [*ASKED, user(result("t1", [text("a"), text("b")]))], [*HEAD, told("t1", "a\nb")], id="a result of blocks"
    ),
    pytest.param(
        [user("a"), assistant("", call("t1")), user(result("t1"))], [*HEAD, told("t1")], id="CASES-17 content null"
    ),
    pytest.param([user("a", ""), assistant(" "), user("b")], [said("user", "a\n\nb")], id="CASES-17 blank turns"),
    pytest.param(
        [user("a"), assistant("b", "c", call("t1")), user(result("t1"))],
        [said("user", "a"), calling("t1", content="bc"), told("t1")],
        id="text before a call",
    ),
    pytest.param(
        [user("a"), assistant("b", {"type": "server_tool_use", "name": "s"}, "c"), user("d")],
        [said("user", "a"), said("assistant", 'b\n\n[server_tool_use] {"name": "s"}\n\nc'), said("user", "d")],
        id="CASES-18 unknown block in an assistant turn",
    ),
    pytest.param(
        [*ASKED, user(result("t1", [{"type": "tool_reference", "tool_name": "WebFetch"}]))],
        [*HEAD, told("t1", "Tool loaded: WebFetch")],
        id="CASES-18 tool_reference",
    ),
    pytest.param([assistant("a")], [said("assistant", "a"), said("user", "Continue.")], id="CASES-20 no user"),
    pytest.param([user("")], [said("user", "Continue.")], id="CASES-20 a user with nothing to say"),
    pytest.param(
        [user("a"), assistant("b")], [said("user", "a"), said("assistant", "b")], id="CASES-19 prefill stays the last"
    ),
]  # fmt: skip


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize(("messages", "sent"), EVERY)
def test_messages_everywhere(messages: list[Json], sent: list[Json] | None, to: str) -> None:
    """`translate` fails where the strict fake refuses the body."""
    translation = translate(asking(*messages, tools=[tool()]), to)
    if sent is not None:
        assert translation.messages == sent


@pytest.mark.parametrize(
    ("messages", "official", "custom"),
    [
        pytest.param(
            [user("a"), system("s"), assistant("b"), user("c")],
            [said("user", "a"), said("system", "s"), said("assistant", "b"), said("user", "c")],
            [said("user", "a\n\n" + REMINDER.format("s")), said("assistant", "b"), said("user", "c")],
            id="CASES-1 after the first user turn",
        ),
        pytest.param(
            [user("a"), system([text("s"), text("t")])],
            [said("user", "a"), said("system", "s\n\nt")],
            [said("user", "a\n\n" + REMINDER.format("s\n\nt"))],
            id="CASES-1 as blocks, at the end",
        ),
        pytest.param(
            [system("s"), user("a")],
            [said("system", "s"), said("user", "a")],
            [said("user", REMINDER.format("s") + "\n\na")],
            id="CASES-1 at the very start",
        ),
        pytest.param(
            [system("s")],
            [said("system", "s"), said("user", "Continue.")],
            [said("user", REMINDER.format("s"))],
            id="CASES-20 nothing but a system message",
        ),
        pytest.param(
            [*ASKED, system("s"), user(result("t1"))],
            [*HEAD, told("t1"), said("system", "s")],
            [*HEAD, told("t1"), said("user", REMINDER.format("s"))],
            id="CASES-2 between call and result",
        ),
        pytest.param(
            [user("a"), {**system([]), "output_config": {"effort": "low"}}],
            [said("user", "a")],
            [said("user", "a")],
            id="CASES-1 with nothing to say",
        ),
    ],
)
def test_system_messages(messages: list[Json], official: list[Json], custom: list[Json]) -> None:
    """In place where the server takes them there, else inside the user's turn: many templates refuse them."""
    for to in ("gpt-4o", "gpt-5", "o3-mini"):
        assert translate(asking(*messages), to).messages == official
    sent = translate(asking(*messages)).body
    assert sent["messages"] == custom
    assert refusal_of(sent, route("local"), "system_first", "vllm_system_first", "user_query") is None


@pytest.mark.parametrize("to", EVERYWHERE)
def test_the_system_prompt_is_one_message_and_the_first(to: str) -> None:
    prompt = [
        text("x-anthropic-billing-header: cch=12345;"),
        text("a"),
        {**text("b"), "cache_control": {"type": "ephemeral"}},
    ]
    assert translate(asking(system=prompt), to).messages == [said("system", "a\n\nb"), said("user", "hi")]


def test_the_system_prompt_where_there_is_no_such_role() -> None:
    blunt = route("local")
    blunt = replace(blunt, facts=replace(blunt.facts, system_role=False))
    assert translate(asking(user("b"), system="a"), blunt).messages == [said("user", "a\n\nb")]
    learned = Habits(no_system_role=True)
    assert translate(asking(user("b"), system="a"), "local", learned).messages == [said("user", "a\n\nb")]


def test_changing_billing_lines_change_nothing() -> None:
    """CASES-4"""
    billing = [text(f"x-anthropic-billing-header: cc_version=2; cch={cch};") for cch in ("12345", "abcde")]
    one, other = (translate(asking(system=[line, text("a")])).body for line in billing)
    assert json.dumps(one) == json.dumps(other)


THOUGHTS = [thinking("let me "), thinking("", "sig"), thinking("see", "")]


@pytest.mark.parametrize("to", EVERYWHERE)
def test_thinking_is_left_out_and_noted(to: str) -> None:
    """Nobody takes another vendor's reasoning back; a turn of nothing else is no message."""
    messages = [user("a"), assistant(*THOUGHTS, "b"), user("c"), assistant(*THOUGHTS), user("d")]
    sent = translate(asking(*messages), to)
    assert sent.messages == [said("user", "a"), said("assistant", "b"), said("user", "c\n\nd")]
    assert sent.notes == ["messages: earlier thinking was left out (x2)"]
    redacted = {"type": "redacted_thinking", "data": "x"}
    assert translate(asking(user("a"), assistant(redacted, "b")), to).notes == [
        "messages: earlier thinking was left out"
    ]


@pytest.mark.parametrize("quirk", ["reasoning_content_required", "kimi"])
def test_thinking_goes_back_where_the_server_wants_it(quirk: str) -> None:
    """CASES-48: with every call, empty if need be."""
    messages = [
        user("a"),
        assistant(*THOUGHTS, call("t1")),
        user(result("t1")),
        assistant(call("t2")),
        user(result("t2")),
        assistant(thinking("hm"), "b"),
        user("c"),
        assistant("d"),
    ]
    sent = translate(asking(*messages, tools=[tool()]), "local", Habits(reasoning_content=True))
    thoughts = [message.get("reasoning_content") for message in sent.messages if message["role"] == "assistant"]
    assert thoughts == ["let me \n\nsee", "", "hm", None]
    assert refusal_of(sent.body, route("local"), quirk) is None
    assert sent.notes == []


def test_mistral_ids_and_order() -> None:
    messages = [*TWO, user(result("t1"), result("t2"), "b"), assistant(call("t3")), user(result("t3", [image()]))]
    sent = translate(
        asking(*messages, tools=[tool()]),
        "local",
        Habits(short_call_ids=True, answer_after_tools=True, refused=frozenset(["stream_options"])),
    )
    assert sent.roles == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert refusal_of(sent.body, route("local"), "mistral") is None


@pytest.mark.parametrize("to", EVERYWHERE)
def test_foreign_ids_are_made_to_fit_on_both_sides(to: str) -> None:
    long = "functions.Read:0/" + "x" * 60
    sent = translate(asking(user("a"), assistant(call(long)), user(result(long)), tools=[tool()]), to)
    (made,) = sent.messages[1]["tool_calls"]
    assert sent.messages[2]["tool_call_id"] == made["id"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", made["id"])


def test_arguments_are_compact_and_readable() -> None:
    sent = translate(asking(user("a"), assistant(call("t1", path="gr\u00fcn", deep={"b": [1, None]}))))
    arguments = sent.messages[1]["tool_calls"][0]["function"]["arguments"]
    assert arguments == '{"path":"gr\u00fcn","deep":{"b":[1,null]}}'


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("assistant", image()),
        ("assistant", result("t9")),
        ("user", call("t9")),
        ("user", thinking("x")),
        ("user", {"type": "redacted_thinking", "data": "x"}),
    ],
    ids=lambda value: value if isinstance(value, str) else value["type"],
)
def test_blocks_that_have_no_place_are_dropped_and_noted(role: str, block: Json) -> None:
    message = assistant("b", block) if role == "assistant" else user("b", block)
    sent = translate(asking(user("a"), message, user("c")))
    assert sent.notes == [
        f"messages: a {block['type']} block in {'an' if role == 'assistant' else 'a'} {role} turn was dropped"
    ]
    assert any("b" in str(each["content"]) for each in sent.messages)


@pytest.mark.parametrize("to", EVERYWHERE)
def test_earlier_messages_never_change(to: str) -> None:
    """The prefix of a conversation is what upstream caches hold: turn by turn it has to stay, byte for byte."""
    messages = [
        user("a", image()),
        system("s"),
        assistant(thinking("hm"), "b", call("t1"), call("t1")),
        user(result("t1", [image(), text("x")]), "c"),
        assistant(call("t2"), call("t3")),
        user("interrupted"),
        user(result("t3"), result("t9")),
        system("later"),
        assistant("d"),
        user("e"),
        system("f"),
        assistant(call("t2")),
        user(result("t2", "again")),
    ]
    ends = [at + 1 for at, message in enumerate(messages[:-1]) if messages[at + 1]["role"] == "assistant"]
    longer: list[str] = []
    for end in [*ends, len(messages)]:
        sent = translate(asking(*messages[:end], system="p", tools=[tool()]), to, session="session").body
        shorter, longer = longer, [json.dumps(message) for message in sent["messages"]]
        assert longer[: len(shorter)] == shorter
        assert len(longer) > len(shorter)


IDS = st.sampled_from(["t1", "t2", "t1_1"])
WORDS = st.sampled_from(["", " "]) | st.integers(0, 10**6).map(lambda number: f"word{number}")
PARTS = WORDS | st.just(image()) | st.just(pdf())
MESSAGES = st.lists(
    st.builds(lambda parts: assistant(*parts), st.lists(WORDS | st.builds(call, IDS) | WORDS.map(thinking), max_size=4))
    | st.builds(
        lambda parts: user(*parts),
        st.lists(
            PARTS | st.builds(result, IDS, st.lists(WORDS.map(text) | st.just(image()), max_size=2)),
            max_size=4,
        ),
    )
    | st.builds(system, WORDS),
    min_size=1,
    max_size=7,
)
QUIRKS = st.builds(
    Habits, reasoning_content=st.booleans(), short_call_ids=st.booleans(), answer_after_tools=st.booleans()
)


@given(MESSAGES, st.sampled_from(EVERYWHERE), QUIRKS)
@settings(max_examples=examples(40), deadline=None)
def test_any_history_is_taken_and_said(messages: list[Json], to: str, habits: Habits) -> None:
    sent = translate(asking(*messages, tools=[tool()]), to, habits if to == "local" else Habits())
    assert list(mismatches(sent.messages)) == []
    spoken = [
        {**message, "content": [part for part in message["content"] if part["type"] != "thinking"]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]
    kept = [{**message, "reasoning_content": ""} for message in sent.messages]
    assert words(kept) == words(spoken)
    if to == "local":
        assert all(later["role"] != "system" for later in sent.messages[1:])
        assert all(a != b or a == "tool" for a, b in pairwise(sent.roles))


def words(value: Any) -> list[str]:
    return sorted(re.findall(r"word\d+", json.dumps(value)))
