"""Keys out of what servers say: whole, in pieces, in any writing."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.common.failures import Backend
from proxy.providers.common.scrubber import PIECE_MIN, REMOVED, Scrubber, words

KEY = 'Zq7/Lw3+Xv9=Tb2"Mn5<Kd8'
SHORT = "Ab3dE6gH"
SCRUBBER = Scrubber((KEY, SHORT))
TWICE = json.dumps(json.dumps({"key": KEY}))


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(json.dumps(KEY), id="JSON"),
        pytest.param(TWICE, id="JSON in JSON"),
        pytest.param(json.dumps(TWICE), id="JSON in JSON in JSON"),
        pytest.param(KEY.replace("/", "\\/"), id="as PHP writes JSON"),
        pytest.param("".join(f"\\u{ord(each):04x}" for each in KEY), id="JSON in escapes"),
        pytest.param("".join(f"\\x{ord(each):02x}" for each in KEY), id="bytes in escapes"),
        pytest.param(quote(KEY, safe=""), id="a URL"),
        pytest.param(quote(quote(KEY, safe=""), safe=""), id="a URL in a URL"),
        pytest.param("".join(f"%{ord(each):02x}" for each in KEY), id="a URL in escapes"),
        pytest.param(html.escape(KEY), id="HTML"),
        pytest.param(html.escape(html.escape(KEY)), id="HTML in HTML"),
        pytest.param("".join(f"&#{ord(each)};" for each in KEY), id="HTML in entities"),
    ],
)
def test_every_writing(written: str) -> None:
    scrubbed = SCRUBBER.scrubbed(f"bad key {written} of yours")
    assert scrubbed.startswith("bad key ")
    assert scrubbed.endswith(" of yours")
    assert "[key]" in scrubbed
    assert not [each for each in ("Zq7", "Lw3", "Xv9", "Tb2", "Mn5", "Kd8") if each in scrubbed]


@given(st.integers(0, len(KEY)), st.integers(0, len(KEY)), st.text(max_size=20), st.text(max_size=20))
def test_no_piece_that_is_long_enough_is_left(start: int, end: int, before: str, behind: str) -> None:
    scrubbed = SCRUBBER.scrubbed(before + KEY[start:end] + behind)
    assert not [at for at in range(len(KEY) - PIECE_MIN + 1) if KEY[at : at + PIECE_MIN] in scrubbed]


@given(st.text())
def test_other_texts_stay(text: str) -> None:
    assert SCRUBBER.scrubbed(text) == text or "key" in text or "sk" in text


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (f"{SHORT} is short, {SHORT[:-1]} is less", "[key] is short, Ab3dE6g is less"),
        ("gsk_abcdefgh and Bearer abcdefgh, AIzaSyA0123456789, ya29.a0-b", "[key] and [key], [key], [key]"),
        ("a monkey_wrench, keys", "a monkey_wrench, keys"),
        (f"{KEY}{KEY}", "[key]"),
        (f"{KEY} {KEY}", "[key] [key]"),
        ("100 % of \\n and &amp; \\", "100 % of \\n and &amp; \\"),
    ],
)
def test_what_is_left(text: str, scrubbed: str) -> None:
    assert SCRUBBER.scrubbed(text) == scrubbed


@pytest.mark.parametrize("secret", ["none", "ollama", ""])
def test_words_that_stand_in_for_a_key_are_words(secret: str) -> None:
    assert Scrubber((secret,)).scrubbed("none of ollama") == "none of ollama"


def test_a_text_is_scrubbed_first_and_cut_then() -> None:
    """What a limit leaves of a key could not be told any more."""
    backend = Backend("http://a.test", "KEY", (KEY,), {"X-Extra": f"Token {KEY[::-1]}"})
    for room in range(len(KEY)):
        said = backend.shown("x" * 50 + KEY + KEY[::-1], 50 + room)
        assert said in f"{'x' * 50}[key]"
    assert words("Bearer a", None, "") == ("Bearer", "a")


@given(st.text(max_size=20), st.text(max_size=20))
def test_what_is_masked_is_as_long_as_before_and_is_scrubbed_in_turn(before: str, after: str) -> None:
    secret = "s3cret-0123456789abcdef"
    text = f"{before} {secret} {after}"
    masked = Scrubber([secret]).masked(text)
    assert len(masked) == len(text)
    assert secret[:12] not in masked
    assert REMOVED in Scrubber([]).scrubbed(masked)
