"""Bytes -> the data of events. The odd streams of real servers go through it in test_chat_stream.py."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.common.splitter import Splitter


def split(*pieces: bytes) -> list[bytes]:
    splitter = Splitter()
    return [data for piece in pieces for data in splitter.feed(piece)] + list(splitter.end())


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a \n\n", [b"a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\n\ndata: b", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\n", [b"a"]),
        (b"data:\n\ndata: \n\n", []),
        (b": comment\n\n:\n\ndata: a\n\n: data: b\n\n", [b"a"]),
        (b"event: ping\n\nevent: message\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
        (b"data\n\ndatabase: x\n\n data: y\n\n", []),
        (b"data: data: a\n\n", [b"data: a"]),
        ("data: gr\u00fcn \u2028 \x85 \x0b\n\n".encode(), "gr\u00fcn \u2028 \x85".encode()),
        (b"data: [DONE]\n\n", [b"[DONE]"]),
        (b"hello", []),
    ],
)
def test_events(raw: bytes, events: list[bytes]) -> None:
    wanted = [events] if isinstance(events, bytes) else events
    assert split(raw) == wanted
    for at in range(len(raw)):
        assert split(raw[:at], raw[at:]) == wanted


def test_an_event_comes_with_its_line_end() -> None:
    splitter = Splitter()
    assert list(splitter.feed(b"data: a")) == []
    assert list(splitter.feed(b"\n")) == [b"a"]
    assert list(splitter.end()) == []


LINES = st.sampled_from([b"data: ", b"data:", b":", b"event: x", b"\xc3\xa9", b"{}", b" ", b"\n", b"\r\n", b"\n\n"])


@given(st.lists(LINES, max_size=20), st.lists(st.integers(0, 60), max_size=6))
def test_any_cutting(lines: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(lines)
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    assert split(*(raw[a:b] for a, b in pairwise(edges))) == split(raw)
