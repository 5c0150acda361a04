from __future__ import annotations

import pytest

from proxy.answering.filters.overlap import tail_overlap


@pytest.mark.parametrize(
    ("text", "words", "overlap"),
    [
        ("", ["END"], 0),
        ("abc", [], 0),
        ("abc", [""], 0),
        ("abc", ["END"], 0),
        ("abcE", ["END"], 1),
        ("abcEN", ["END"], 2),
        ("EN", ["END"], 2),
        ("abcEND", ["END"], 0),
        ("EEN", ["END"], 2),
        ("aa", ["aaa"], 2),
        ("aaaa", ["aaa"], 2),
        ("x</thi", ["</think>", "</thinking>"], 5),
        ("xab", ["b", "bc", "abc"], 2),
        ("xab", ["abc", "bc"], 2),
    ],
)
def test_tail_overlap(text: str, words: list[str], overlap: int) -> None:
    assert tail_overlap(text, words) == overlap
