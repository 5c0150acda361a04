from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.answering.filters.stop_sequences import stop_sequences
from proxy.protocol.deltas import Delta, Finish, TextDelta, ThinkingDelta, ToolCallStart, Usage
from tests.answering.filters.pieces import cuttings, through
from tests.fuzz import examples

END = Finish("end")
TOOL = ToolCallStart(0, "Read")


def stopped(sequence: str) -> Finish:
    return Finish("stop_sequence", sequence)


def run(batches: Any, *sequences: str) -> list[Any]:
    return through(lambda taken: stop_sequences(taken, sequences), batches)


@pytest.mark.parametrize(
    ("deltas", "sequences", "wanted"),
    [
        pytest.param([TextDelta("abc"), END], ["END"], [("text", "abc"), END], id="none met"),
        pytest.param([TextDelta("aENDb"), END], ["END"], [("text", "a"), stopped("END")], id="met"),
        pytest.param([TextDelta("END")], ["END"], [stopped("END")], id="met at once"),
        pytest.param(
            [TextDelta("aE"), TextDelta("N"), TextDelta("Db")], ["END"], [("text", "a"), stopped("END")], id="torn"
        ),
        pytest.param([TextDelta("aEN"), END], ["END"], [("text", "aEN"), END], id="only begun"),
        pytest.param([TextDelta("aEN")], ["END"], [("text", "aEN")], id="only begun, no finish"),
        pytest.param([TextDelta("aEN"), TOOL], ["END"], [("text", "aEN"), TOOL], id="broken off by a call"),
        pytest.param(
            [TextDelta("EN"), Usage(output=3), TextDelta("D")],
            ["END"],
            [Usage(output=3), stopped("END")],
            id="usage between",
        ),
        pytest.param([TextDelta("x"), TextDelta("b"), END], ["ab", "b"], [("text", "x"), stopped("b")], id="several"),
        pytest.param([TextDelta("abcd")], ["abcd", "bc"], [("text", "a"), stopped("bc")], id="the one complete first"),
        pytest.param([TextDelta("xab")], ["ab", "xab"], [stopped("xab")], id="complete together: the longest"),
        pytest.param([TextDelta("xabc")], ["abc", "ab"], [("text", "x"), stopped("ab")], id="one begins the other"),
        pytest.param([TextDelta("abc"), END], [""], [("text", "abc"), END], id="an empty one is none"),
        pytest.param([ThinkingDelta("END"), END], ["END"], [("thinking", "END"), END], id="thinking does not count"),
        pytest.param([TextDelta("a\n\nHuman: b")], ["\n\nHuman:"], [("text", "a"), stopped("\n\nHuman:")], id="lines"),
    ],
)
@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "each alone"])
def test_stops(deltas: list[Delta], sequences: list[str], wanted: list[Any], apart: bool) -> None:
    assert run([[delta] for delta in deltas] if apart else [deltas], *sequences) == wanted


def test_the_upstream_is_left_unread() -> None:
    def upstream() -> Iterator[list[Delta]]:
        yield [TextDelta("aEND")]
        pytest.fail("read on after the end")

    assert run(upstream(), "END") == [("text", "a"), stopped("END")]


def test_empty_batches_pass() -> None:
    assert list(stop_sequences([[], [TextDelta("a")], []], ["END"])) == [[], [TextDelta("a")], []]


@given(st.data(), st.text("abE ND", max_size=12), st.lists(st.text("abEND", max_size=4), max_size=4))
@settings(max_examples=examples(40), deadline=None)
def test_any_cutting(data: st.DataObject, text: str, sequences: list[str]) -> None:
    whole = run([[TextDelta(text)], [END]], *sequences)
    assert run([*data.draw(cuttings(text)), [END]], *sequences) == whole
    shown = "".join(part[1] for part in whole if isinstance(part, tuple))
    finish = whole[-1]
    assert not any(sequence in shown for sequence in sequences if sequence)
    if finish == END:
        assert shown == text
    else:
        assert text.startswith(shown + finish.stop_sequence)
