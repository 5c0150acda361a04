"""Whatever JSON a server sends gives an answer that conforms or an ApiError; nothing that was well said is lost."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.deltas import Delta, TextDelta, ToolCallDelta, ToolCallStart
from proxy.protocol.errors import ApiError
from tests.fakes.openai.odd_base import call, calls, chunk, final
from tests.fakes.openai.replies import DONE
from tests.fuzz import examples
from tests.providers.openai.chat.reading import EVERYTHING, batches, new_stream
from tests.translation import BACKEND, answer, asking, tool

DEEP: Any = None
for _ in range(100_000):
    DEEP = [DEEP]
DEEP_OBJECT: Any = None
for _ in range(100_000):
    DEEP_OBJECT = {"text": DEEP_OBJECT}
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 7, 10**30, 1.5, 1.0, float("inf"), float("nan"), 2**63),
    *(
        "",
        " ",
        "a",
        "0",
        "Read",
        "{}",
        "[]",
        '{"a":',
        '"',
        "null",
        "stop",
        "error",
        "\ud800",
        "data:image/png;base64,AA",
    ),
    *([], [None], [[]], {}, {"a": 1}, {"text": 5}, {"type": []}, {"url": {"url": 3}}),
    *([{"type": "image_url", "image_url": 5}], {"function": {"name": ["x"], "arguments": 7}}, {"error": None}),
]
CUT = {"error": "cut"}
json_values = st.recursive(
    st.sampled_from(ODD_VALUES) | st.text(max_size=5) | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all that stands in a JSON value."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with something else at a place; a path of nothing stands for all of it."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(changed[path[0]], path[1:], new)
    return changed


@st.composite
def mutated(draw: st.DrawFn) -> list[Any]:
    """Chunks in any order, one to three places of which hold another value."""
    first = draw(st.lists(st.sampled_from(EVERYTHING[:-1]), min_size=1, max_size=8))
    chunks: list[Any] = [*first, draw(st.sampled_from(EVERYTHING[-4:]))]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(chunks)[1:]))
        chunks = put(chunks, place, draw(json_values))
    return chunks


def test_broken_arguments_are_no_cut_ones() -> None:
    """Found by fuzzing: a second object goes on with a call that a refusal then cuts."""
    chunks = [
        calls(call(index=0, id="call_1", name="Read", arguments='{"file_path"')),
        chunk({"function_call": {"name": "Read", "arguments": "{}"}, "refusal": " "}),
        final("tool_calls"),
        DONE,
    ]
    error = answer(batches(new_stream(), chunks), asking(tools=[tool("Read")])).error
    assert error is not None
    assert error.message == "the model called the tool Read with input that is not a JSON object"


@pytest.mark.parametrize(
    "value", [DEEP, DEEP_OBJECT, 10**5000, float("nan")], ids=["deep list", "deep object", "int", "nan"]
)
@pytest.mark.parametrize("place", places(EVERYTHING)[1:], ids=lambda place: "/".join(map(str, place)))
def test_out_of_all_measure(value: Any, place: tuple[Any, ...]) -> None:
    number, *rest = place
    error = failure([put(EVERYTHING[number], tuple(rest), value), DONE])
    assert error is None or error.body("req_1")


def said(deltas: list[Delta]) -> tuple[str, list[str], str]:
    """All text, the names of the calls, and all input of calls."""
    words = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    names = [delta.name for delta in deltas if isinstance(delta, ToolCallStart)]
    return words, names, "".join(delta.json for delta in deltas if isinstance(delta, ToolCallDelta))


def read_all(chunks: list[Any]) -> list[Delta]:
    """All deltas up to a failure."""
    deltas: list[Delta] = []
    with suppress(ApiError):
        for batch in batches(new_stream(), chunks):
            deltas += batch
    return deltas


def failure(chunks: list[Any]) -> ApiError | None:
    try:
        list(batches(new_stream(), chunks))
    except ApiError as error:
        return error
    return None


@given(st.lists(st.sampled_from(EVERYTHING[:7]), min_size=1, max_size=6), mutated())
@settings(max_examples=examples(40), deadline=None)
def test_nothing_of_a_sound_beginning_is_lost(sound: list[Any], odd: list[Any]) -> None:
    before, after = said(read_all([*sound, CUT])), said(read_all([*sound, *odd]))
    assert after[0].startswith(before[0])
    assert after[1][: len(before[1])] == before[1]
    assert after[2].startswith(before[2])


@given(json_values)
@settings(max_examples=examples(30), deadline=None)
def test_any_json_as_a_chunk(value: Any) -> None:
    error = failure([value])
    if error is not None:
        assert BACKEND.keys[0] not in error.message
        assert json.dumps(error.body("req_1"))
