from __future__ import annotations

import pytest

from proxy.answering.filters.bare_text import bare_text
from proxy.protocol.deltas import Delta, Finish, TextDelta, Usage


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        pytest.param(["\n\n<block>no"], "<block>no", id="blank lines of a reasoning model"),
        pytest.param(["\n", " ", "<block>", "no", " \n"], "<block>no", id="in pieces"),
        pytest.param(["a ", " b"], "a  b", id="inside it stands"),
        pytest.param(["a", "\n\n", "b"], "a\n\nb", id="a blank piece inside"),
        pytest.param([" ", "\n"], "", id="nothing else"),
    ],
)
def test_text(pieces: list[str], text: str) -> None:
    batches: list[list[Delta]] = [[TextDelta(piece)] for piece in pieces]
    out = [delta for batch in bare_text([*batches, [Usage(output=1), Finish()]]) for delta in batch]
    assert "".join(delta.text for delta in out if isinstance(delta, TextDelta)) == text
    assert out[-2:] == [Usage(output=1), Finish()]
