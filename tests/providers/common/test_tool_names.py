"""Names of tools there and back, whatever a server leaves around them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.common.tool_names import NameRules, ToolNames
from proxy.providers.gemini.names import RULES as GEMINI_RULES
from proxy.providers.openai.tools import NAME_RULES as OPENAI_RULES

RULES = NameRules(characters="a-z_", first="a-z", limit=20, kept=10)
OFFERED = ["Read", "mcp__x__y", "get_time", "slack.search", "Read_2"]


@pytest.mark.parametrize(
    ("called", "name"),
    [
        pytest.param("Read<|channel|>commentary", "Read", id="a channel mark behind it"),
        pytest.param("Read<|channel|>", "Read", id="a channel mark alone"),
        pytest.param("Read<|chan", "Read", id="a mark that was cut"),
        pytest.param("<|channel|>commentary to=functions.Read<|message|>", "Read", id="a whole harmony header"),
        pytest.param("commentary to=functions.Read", "Read", id="a recipient"),
        pytest.param("Read<\uff5ctool\u2581sep\uff5c>", "Read", id="a token of DeepSeek's"),
        pytest.param("functions.Read", "Read", id="harmony's namespace"),
        pytest.param("functions.Read:0", "Read", id="Kimi's id as the name"),
        pytest.param("functions.Read:17<|tool_call_argument_begin|>", "Read", id="Kimi's id and a token"),
        pytest.param("Read:0", "Read", id="the number of the call"),
        pytest.param("functions.mcp__x__y:3", "mcp__x__y", id="an MCP tool with both"),
        pytest.param("function.Read", "Read", id="one function"),
        pytest.param("functions/Read", "Read", id="a slash"),
        pytest.param("functions::Read", "Read", id="two colons"),
        pytest.param("tool.Read", "Read", id="tool"),
        pytest.param("tools.get_time", "get_time", id="tools"),
        pytest.param("default_api.Read", "Read", id="Gemini's namespace"),
        pytest.param("default_api:Read", "Read", id="Gemini's namespace with a colon"),
        pytest.param("default_api.slack.search", "slack.search", id="a dot in the tool's own name"),
        pytest.param(" Read\n", "Read", id="white space"),
        pytest.param('"Read"', "Read", id="quotes"),
        pytest.param("`Read`", "Read", id="backticks"),
        pytest.param("READ", "Read", id="great letters"),
        pytest.param("Functions.read:0", "Read", id="all at once, in small letters"),
        pytest.param("mcp__x__y", "mcp__x__y", id="an exact name"),
        pytest.param("Read_2", "Read_2", id="a number that belongs to the name"),
        pytest.param("x__y", "x__y", id="a part of a name is another name"),
        pytest.param("other.Read", "other.Read", id="a namespace that nobody knows"),
        pytest.param("functions.Write:0", "functions.Write:0", id="a tool that is not offered"),
        pytest.param("", "", id="nothing"),
        pytest.param("<|channel|>", "<|channel|>", id="nothing but a mark"),
    ],
)
@pytest.mark.parametrize("rules", [OPENAI_RULES, GEMINI_RULES], ids=["OpenAI", "Gemini"])
def test_what_stands_around_a_name(rules: NameRules, called: str, name: str) -> None:
    assert ToolNames(OFFERED, rules).client(called) == name


def test_an_exact_name_wins() -> None:
    offered = ["functions.Read", "Read", "Read:0", "default_api:x"]
    names = ToolNames(offered, GEMINI_RULES)
    assert [names.client(name) for name in offered] == offered
    assert names.client("functions.Read:1") == "functions.Read"


def test_a_name_that_was_shortened_is_known_in_any_case_of_letters() -> None:
    long = "mcp__" + "Server" * 20
    names = ToolNames([long], OPENAI_RULES)
    assert names.client(names.upstream(long).upper()) == long
    assert names.client(f"functions.{names.upstream(long)}:0") == long
    assert names.client(long) == long


@pytest.mark.parametrize(
    ("name", "upstream"),
    [
        pytest.param("abc", "abc", id="as it is"),
        pytest.param("a" * 20, "a" * 20, id="just short enough"),
        pytest.param("a" * 21, "a" * 10 + "_", id="too long"),
        pytest.param("a.b", "a_b_", id="a character that is not taken"),
        pytest.param("_a", "__a_", id="a first character that is not taken"),
        pytest.param("abc\n", "abc__", id="a line end"),
        pytest.param("\ud800", "___", id="half a character"),
    ],
)
def test_names_that_do_not_fit_get_a_hash(name: str, upstream: str) -> None:
    fitting = RULES.fitting(name)
    assert re.fullmatch(re.escape(upstream) + ("" if name == upstream else "[0-9a-f]{8}"), fitting)


@given(st.text(), st.lists(st.text(min_size=1), max_size=4))
def test_any_call_of_any_tools(called: str, offered: list[str]) -> None:
    names = ToolNames(offered, RULES)
    assert names.client(called) in (called, *offered)
    assert all(names.client(names.upstream(name)) == name for name in offered)
