"""Whatever comes of Gemini's chunks on the way: deltas or an ApiError, and what is written of them conforms."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.protocol.errors import ApiError
from proxy.providers.gemini.chunks import Chunks
from tests.fuzz import examples
from tests.mutation import TOO_DEEP, judged, mutated, nested, shown
from tests.providers.gemini.chunks import EVERYTHING, Json, call, chunk, read


@given(mutated(EVERYTHING[3:]), st.integers(0, 3))
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_came_before_the_damage_is_not_lost(damaged: list[Json], kept: int) -> None:
    """All that a sound beginning says is in the answer, whatever follows."""
    begun = [block for block in _sound(EVERYTHING[:kept]) if block[0] != "thinking"]
    written = judged(read([*EVERYTHING[:kept], *damaged]))
    if isinstance(written, ApiError):
        return
    whole = [block for block in shown(written) if block[0] != "thinking"]
    if begun:
        assert whole[0][1].startswith(begun[0][1])


def _sound(chunks: list[Json]) -> list[tuple[Any, ...]]:
    written = judged(read([*chunks, chunk(finish="BRAND_NEW")]))
    return [] if isinstance(written, ApiError) else shown(written)


def test_any_depth() -> None:
    for odd in (nested(TOO_DEEP), {"a": nested(TOO_DEEP)}):
        assert isinstance(judged(read([chunk(call("Read", odd), finish="STOP")])), ApiError)
        assert isinstance(judged(read([{"error": {"message": odd}}])), ApiError)


@given(st.binary(max_size=80) | st.sampled_from(["[" * 100_000, '{"a":' * 100_000]).map(str.encode), st.integers(1, 9))
@settings(max_examples=examples(40), deadline=None)
def test_any_bytes(data: bytes, size: int) -> None:
    """Dicts or an ApiError."""
    chunks = Chunks()
    found: list[Any] = []
    size = max(size, len(data) // 10)
    with contextlib.suppress(ApiError):
        for at in range(0, len(data), size):
            found += list(chunks.feed(data[at : at + size]))
        found += list(chunks.end())
    assert all(isinstance(each, dict) for each in found)


SOUND: list[Json] = [{"a": 1}, {"b": "gr\u00fcn"}]
LINES = [json.dumps(each, ensure_ascii=False).encode() for each in SOUND]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"".join(b"data: " + line + b"\r\n\r\n" for line in LINES), id="as Google sends it"),
        pytest.param(b"\xef\xbb\xbf" + b"".join(b"data: " + line + b"\n\n" for line in LINES), id="byte order mark"),
        pytest.param(b"".join(b"data:" + line + b"\n" for line in LINES), id="no blank lines"),
        pytest.param(b"".join(b"data: " + line + b"\r\r" for line in LINES), id="carriage returns"),
        pytest.param(json.dumps(SOUND, indent=2).encode(), id="a list over several lines"),
        pytest.param(b"  " + json.dumps(SOUND, indent=2).replace("\n", "\n  ").encode(), id="all of it indented"),
        pytest.param(b"event: x\nid: 1\n: ping\n\n" + b"\n".join(LINES), id="bare JSON among fields"),
        pytest.param(b'data: {\ndata: "a": 1}\n\ndata: ' + LINES[1] + b"\n\ndata: [DONE]\n\n", id="several data lines"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_framings(raw: bytes, size: int) -> None:
    chunks = Chunks()
    found = [each for at in range(0, len(raw), size) for each in chunks.feed(raw[at : at + size])]
    assert [*found, *chunks.end()] == SOUND


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'data: {"a": "A\xf0\x9fB"}\n\n', "A\ufffdB"),
        (b'data: {"a": "A\tB"}\n\n', "A\tB"),
        (b'data: {"a": "A\x00B"}\n', "A\x00B"),
    ],
    ids=["no UTF-8", "a raw tab", "a raw null"],
)
def test_broken_characters_cost_only_themselves(raw: bytes, value: str) -> None:
    assert list(Chunks().feed(raw)) == [{"a": value}]
