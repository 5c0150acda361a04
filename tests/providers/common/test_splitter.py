"""Bytes -> the data of events. The odd streams of real servers go through it in test_chat_stream.py."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.common import splitter


def split(*pieces: bytes) -> list[bytes]:
    """Those that come parsed are written again."""
    reader = splitter.Splitter()
    events = [*(data for piece in pieces for data in reader.feed(piece)), *reader.end()]
    return [json.dumps(event).encode() if isinstance(event, dict) else event for event in events]


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
        (b'data: data: {"a": 1}\n\ndata: data: [DONE]\n\n', [b'{"a": 1}', b"[DONE]"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b'\xef\xbb\xbfdata: {"a": 1}\n\n\xef\xbb\xbfdata: b\n\n', [b'{"a": 1}', b"b"]),
        (b'data: {\ndata:  "a": [\ndata:   1\ndata:  ]\ndata: }\n\n', [b'{"a": [1]}']),
        (b'data: {"a": 1}\ndata: {"b": 2}\n\n', [b'{"a": 1}', b'{"b": 2}']),
        (b'data: {"a": 1}data: {"b": "}data:"}{"c": 3}\n\n', [b'{"a": 1}', b'{"b": "}data:"}', b'{"c": 3}']),
        (b'{"error": "busy"}\n', [b'{"error": "busy"}']),
        (b'{\n  "error": {\n    "code": 429\n  }\n}', [b'{"error": {"code": 429}}']),
        (b'[{"error": "busy"}]', [b'[{"error": "busy"}]']),
        (b'data: {"a": 1}\n\n{"error": "busy"}\n\ndata: b\n\n', [b'{"a": 1}', b'{"error": "busy"}', b"b"]),
        (b'error: {"code": 500}\n\ndata: [DONE]\n\n', [b'{"error": {"code": 500}}', b"[DONE]"]),
        (b'error: {"error": {"code": 500}}\n\n', [b'{"error": {"code": 500}}']),
        (b"error: slot was killed\n\n", [b'{"error": "slot was killed"}']),
        (b"event: error\ndata: slot was killed\n\ndata: a\n\n", [b'{"error": "slot was killed"}', b"a"]),
        (b'event: error\ndata: {"message": "m"}\n\n', [b'{"message": "m"}']),
        (b'data: {"a": "x\ty"}\n\n', [b'{"a": "x\\ty"}']),
        (b'data: {"a": "x\xf0\x9fy"}\n\n', [b'{"a": "x\\ufffdy"}']),
        (b'data: {"a": "if x:\n\n  {\n"}\n\ndata: b\n\n', [b'{"a": "if x:\\n\\n  {\\n"}', b"b"]),
        (b'data: {"a": "if x:\ndata: y"}\n\n', [b'{"a": "if x:\\ny"}']),
        (b'data: {"a": "id: 1\nid: 2\nevent: 3"}\n\n', [b'{"a": "id: 1\\nid: 2\\nevent: 3"}']),
        (b'data: {"a": "cut\n\ndata: {"b": 1}\n\n', [b'{"a": "cut', b'{"b": 1}']),
        (b'data: {"a": [1,\n\ndata: {"b": 1}\n\n', [b'{"a": [1,', b'{"b": 1}']),
        (b'data: {"a": {\n: comment\nid: 1\ndata: }}\n\n', [b'{"a": {}}']),
        (b'data: {"a": 1', [b'{"a": 1']),
        (b"Bad gateway\n\n", []),
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
    reader = splitter.Splitter()
    assert list(reader.feed(b"data: a")) == []
    assert list(reader.feed(b"\n")) == [b"a"]
    assert list(reader.end()) == []


LINES = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b":",
        b"event: x",
        b"\xc3\xa9",
        b"{}",
        b" ",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r",
        b'{"a": "',
        b'"}',
        b"error: x",
        b"\xef\xbb\xbf",
    ]
)


@given(st.lists(LINES, max_size=20), st.lists(st.integers(0, 60), max_size=6))
def test_any_cutting(lines: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(lines)
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    assert split(*(raw[a:b] for a, b in pairwise(edges))) == split(raw)


def test_a_long_line_is_read_in_one_go() -> None:
    """A line of megabytes in small pieces: nothing that came before is looked at again."""
    line = b'data: {"a": "' + b"x" * 4_000_000 + b'"}\n\n'
    assert split(*(line[at : at + 500] for at in range(0, len(line), 500))) == [line[6:].strip()]


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        pytest.param(b"data: " + b'{"a": 1}data: ' * 50_000 + b'{"a": 1}\n\n', 50_001, id="values without line ends"),
        pytest.param(b'data: {"a": [\n' + b"data: 1,\n" * 100_000 + b"data: 1]}\n\n", 1, id="a value in many lines"),
        pytest.param(b'{"a": [\n' + b"  1,\n" * 100_000 + b"  1]\n}\n", 1, id="bare, in many lines"),
        pytest.param(b'data: {"a": "\n' + b"data: }\n" * 100_000, 1, id="a string without end"),
        pytest.param(b"\r" * 500_000 + b"data: a\r\r", 1, id="blank lines"),
    ],
)
def test_no_shape_is_looked_at_again_and_again(raw: bytes, count: int) -> None:
    assert len(split(*(raw[at : at + 5000] for at in range(0, len(raw), 5000)))) == count


def test_a_value_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitter, "_VALUE_MAX", 1000)
    reader = splitter.Splitter()
    given = [value for _ in range(100) for value in reader.feed(b"data: {\ndata: 1\n")]
    assert given
    assert all(isinstance(value, bytes) and value.startswith(b"{\n") for value in given)
