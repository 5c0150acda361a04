"""The arguments of a call, piece by piece: what is sent on as it comes, and what is left for the end."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.errors import ApiError
from proxy.providers.openai.chat.arguments import Arguments, as_text

A = '{"a": 1}'
NESTED = '{"a": {"b": "}"}}'


def read(*pieces: str) -> tuple[list[str], str]:
    """What could be sent on after each piece, and the rest."""
    arguments = Arguments()
    live: list[str] = []
    for piece in pieces:
        arguments.append(piece)
        live.append(arguments.take())
    return live, arguments.rest()


@pytest.mark.parametrize(
    ("pieces", "value"),
    [
        pytest.param(["{}", '{"a"', ": 1}"], {"a": 1}, id="{} before the object"),
        pytest.param(["{", "}", A], {"a": 1}, id="{} in two pieces before it"),
        pytest.param([f"{{}}{A}"], {"a": 1}, id="{} before it in one piece"),
        pytest.param(["{ }\n{}", A], {"a": 1}, id="{} twice before it"),
        pytest.param(["[]", A], {"a": 1}, id="[] before it"),
        pytest.param(['""', A], {"a": 1}, id="an empty string before it"),
        pytest.param(["null", A], {"a": 1}, id="null before it"),
        pytest.param(["{}"], {}, id="{} alone"),
        pytest.param(["[]"], {}, id="PHP's empty object"),
        pytest.param(['""'], {}, id="an empty string, encoded"),
        pytest.param(["null"], {}, id="null"),
        pytest.param([" ", "\n"], {}, id="white space"),
        pytest.param([], {}, id="nothing"),
        pytest.param([A + A], {"a": 1}, id="twice in one piece"),
        pytest.param([A, A], {"a": 1}, id="twice in two pieces"),
        pytest.param([A, '{"a":1}', " ", A], {"a": 1}, id="again and again, spaced otherwise"),
        pytest.param([A, '{"a"', ": 1}"], {"a": 1}, id="again in pieces"),
        pytest.param([A + "<|endoftext|>"], {"a": 1}, id="an end mark"),
        pytest.param([A, "<|im_", "end|>\n"], {"a": 1}, id="an end mark in pieces"),
        pytest.param([A + "</tool_call>"], {"a": 1}, id="a closing tag"),
        pytest.param([A + "}"], {"a": 1}, id="one bracket too many"),
        pytest.param([f"```json\n{A}\n```"], {"a": 1}, id="a fence"),
        pytest.param(['{"a": "x\ty', '\n\x00z"}'], {"a": "x\ty\n\x00z"}, id="raw control characters"),
        pytest.param(['{\n\t"a":\r\n1}'], {"a": 1}, id="white space outside strings"),
        pytest.param([json.dumps(A)], {"a": 1}, id="encoded twice"),
        pytest.param(['"{\\"a', '\\": 1}"'], {"a": 1}, id="encoded twice, in pieces"),
        pytest.param(['{"a"', '{"a": {', NESTED], {"a": {"b": "}"}}, id="all so far in each piece"),
        pytest.param(['{"a"', '{"a": {', '{"a": {', NESTED], {"a": {"b": "}"}}, id="all so far, once without more"),
        pytest.param(['{"a":', '{"a":1}}'], {"a": {"a": 1}}, id="an inner object that begins as the outer one"),
        pytest.param(['{"a":', '{"a":', "1}}"], {"a": {"a": 1}}, id="the same, in three pieces"),
        pytest.param(['{"a\\', 'u00e9\\"', '": "\\ud83d', '\\ude00"}'], {'a\u00e9"': "\U0001f600"}, id="torn escapes"),
        pytest.param(list(NESTED), {"a": {"b": "}"}}, id="one character each"),
    ],
)
def test_what_is_meant(pieces: list[str], value: dict[str, Any]) -> None:
    live, rest = read(*pieces)
    assert json.loads("".join(live) + rest or "{}") == value


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(['{"a": 1'], id="half an object"),
        pytest.param(["{"], id="a bracket"),
        pytest.param([A, '{"b": 2}'], id="two objects"),
        pytest.param([A, '{"a": 1, "b": 2}'], id="two objects, one in the other"),
        pytest.param([A + "and more"], id="words behind it"),
        pytest.param(["call " + A], id="words before it"),
        pytest.param(["12"], id="a number"),
        pytest.param(['"words"'], id="a string"),
        pytest.param(["[1]"], id="a list"),
        pytest.param(["{}, 5"], id="{} with more"),
    ],
)
def test_what_cannot_be_known_stays_as_it_came(pieces: list[str]) -> None:
    live, rest = read(*pieces)
    assert "".join(live) + rest == "".join(pieces)


def test_an_object_is_sent_on_as_it_comes() -> None:
    assert read('{"a"', ": ", "1}") == (['{"a"', ": ", "1}"], "")


@pytest.mark.parametrize(
    ("pieces", "left"),
    [
        (['{"a": 1'], ['{"a": 1']),
        (["{"], ["{"]),
        (["{}"], [""]),
        (["[]"], [""]),
        (["null"], [""]),
        ([], [""]),
        (['{"a"', '{"a": '], ['{"a"', ": "]),
    ],
)
def test_cut(pieces: list[str], left: list[str]) -> None:
    """What the answer was cut in goes out as it came; an object that says nothing may have been a placeholder."""
    arguments = Arguments()
    live: list[str] = []
    for piece in pieces:
        arguments.append(piece)
        live.append(arguments.take())
    assert "".join(live) + arguments.partial_rest() == "".join(left)


objects = st.dictionaries(
    st.text(max_size=4),
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner, max_size=3)),
    max_size=4,
)


@given(objects, st.lists(st.integers(0, 80), max_size=6), st.booleans())
def test_any_object_in_any_pieces(value: dict[str, Any], cuts: list[int], ascii_only: bool) -> None:
    """It comes out byte for byte, but for where a piece begins as all before it did."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    live, rest = read(*(text[start:stop] for start, stop in pairwise(edges)))
    assert json.loads("".join(live) + rest) == value


def test_arguments_that_are_no_text() -> None:
    assert as_text({"a": "\u00e9"}) == '{"a": "\u00e9"}'
    assert as_text(None) == ""
    with pytest.raises(ApiError):
        as_text({"a": 10**5000})
