"""The tables of odd streams are sound, and the fake serves them byte by byte."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx2
import pytest

from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.odd_streams import ODD_STREAMS, TOOL_NAMES, OddStream
from tests.fakes.responses.odd_streams import RESPONSES_STREAMS

TABLES = {"chat/completions": ODD_STREAMS, "responses": RESPONSES_STREAMS}
ASKED: dict[str, dict[str, Any]] = {
    "chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "responses": {"input": "hi"},
}


@pytest.mark.parametrize(
    "odd", [pytest.param(odd, id=f"{path}-{name}") for path, table in TABLES.items() for name, odd in table.items()]
)
def test_expectations_are_sound(odd: OddStream) -> None:
    assert odd.seen
    assert all(block[0] in ("text", "thinking", "tool") for block in odd.blocks)
    assert {block[1] for block in odd.blocks if block[0] == "tool"} <= set(TOOL_NAMES)
    assert not any(before[0] == after[0] != "tool" for before, after in pairwise(odd.blocks))
    whole_calls = [block for block in odd.blocks if block[0] == "tool" and block[2] is not None]
    assert (odd.finish == "tool_use") == bool(whole_calls)
    assert not odd.error or odd.finish == "error"
    assert odd.usage is None or odd.usage.keys() == {"input", "output", "cache_read", "cache_write"}


@pytest.mark.parametrize("path", TABLES)
def test_chunks_arrive_as_written_and_cuts_break_off(path: str) -> None:
    body = {"model": "local", "stream": True, **ASKED[path]}
    with FakeOpenAI("compatible") as upstream, httpx2.Client(trust_env=False) as client:
        for odd in TABLES[path].values():
            answer = odd.raw()
            upstream.reply_raw(answer.steps, answer.content_type)
            received = b""
            with client.stream("POST", f"{upstream.base_url}/{path}", json=body) as response:
                assert response.headers["content-type"] == odd.content_type
                try:
                    for piece in response.iter_bytes():
                        received += piece
                    assert not odd.cut, odd.name
                except httpx2.RemoteProtocolError:
                    assert odd.cut, odd.name
            assert received == b"".join(odd.chunks), odd.name
