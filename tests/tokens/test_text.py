"""The estimate for a text by itself; how near it comes is shown in test_calibration.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tokens.text import text_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("the", 0.9),
        ("The function returned", 2.7),
        ("1234567", 3),
        ("a\n\nb", 2.3),
        ("xyzzyplughxyzzyplughxyzz", 10),
        ("\u732b" * 30, 20),
    ],
)
def test_examples(text: str, tokens: int) -> None:
    assert text_tokens(text) == pytest.approx(tokens)


def test_long_runs_are_read_in_one_go() -> None:
    assert text_tokens("a" * 500_000) == pytest.approx(500_000 / 2.4)
    assert text_tokens("=" * 500_000) < 2


@given(st.text(), st.text())
def test_more_is_never_less(text: str, more: str) -> None:
    assert text_tokens(text + more) >= text_tokens(text) - 1e-9


@given(st.text("information 12.,\n", max_size=60), st.text("sdinge 3.", max_size=9))
def test_nor_where_words_and_numbers_grow(text: str, more: str) -> None:
    assert text_tokens(text + more) >= text_tokens(text) - 1e-9
