from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.recording.filler import Filler

TEXTS = [
    "Hello World 123",
    "na\u00efve caf\u00e9 \u00dcber",
    "\u4f60\u597d\uff0c\u4e16\u754c",
    "\u043f\u0440\u0438\u0432\u0435\u0442 \u041c\u0438\u0440",
    "\U0001f600 \U0001f916 \u2713 \u201cquoted\u201d \u2014",
    "\u0661\u0662\u0663 \u0e2a\u0e27 \u05e9\u05dc",
    "a\ud83d b\udc00",
    "\x00\x07\t\r\n",
    "\U000e0041\U000e0042",
    "\udcff\udc80",
]


@pytest.mark.parametrize("text", TEXTS)
def test_shape_stays(text: str) -> None:
    made = Filler().of(text)
    assert len(made) == len(text)
    assert len(made.encode("utf-8", "surrogatepass")) == len(text.encode("utf-8", "surrogatepass"))
    for old, new in zip(text, made, strict=True):
        assert unicodedata.category(old)[0] == unicodedata.category(new)[0], (old, new)
        if not old.isalnum() and ord(old) < 128:
            assert new == old


@given(st.text())
def test_any_text_keeps_its_lengths(text: str) -> None:
    made = Filler().of(text)
    assert [len(char.encode("utf-8", "surrogatepass")) for char in made] == [
        len(char.encode("utf-8", "surrogatepass")) for char in text
    ]
    assert [char for char in made if ord(char) < 128 and not char.isalnum()] == [
        char for char in text if ord(char) < 128 and not char.isalnum()
    ]


@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd", "So"], max_codepoint=0x1FAFF), min_size=12))
def test_nothing_is_left_of_words(text: str) -> None:
    made = Filler().of(text)
    kept = sum(old == new for old, new in zip(text, made, strict=True) if old.isalpha() or old.isdecimal())
    assert kept <= len(text) // 2


@given(st.from_regex(r"[0-9]{1,30}", fullmatch=True))
def test_every_digit_is_another_one(text: str) -> None:
    assert all(old != new for old, new in zip(text, Filler().of(text), strict=True))


def test_equal_texts_become_equal_in_one_recording_only() -> None:
    one, other = Filler(), Filler()
    text = "the same sentence, said twice"
    assert one.of(text) == one.of(text)
    assert one.of(text) != other.of(text)
    assert one.of(text[:10]) != one.of(text)[:10]


def test_names_stay_different() -> None:
    filler = Filler()
    names = [f"x{number}" for number in range(60)]
    assert len({filler.of(name) for name in names}) == len(names)


def test_a_picture_keeps_its_kind_and_size() -> None:
    data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" + "Qm9keQ" * 40
    for text in (data, f"data:image/png;base64,{data}"):
        made = Filler().of(text)
        assert made[: -len(data) + 32] == text[: -len(data) + 32]
        assert "Qm9keQ" not in made
