"""The table of odd streams is sound, and the fake serves it byte by byte."""

from __future__ import annotations

from itertools import pairwise

import httpx2
import pytest

from tests.fakes.odd_streams import ODD_STREAMS, TOOL_NAMES
from tests.fakes.openai_chat import FakeOpenAI

BODY = {"model": "local", "messages": [{"role": "user", "content": "hi"}], "stream": True}


@pytest.mark.parametrize("name", ODD_STREAMS)
def test_expectations_are_sound(name: str) -> None:
    odd = ODD_STREAMS[name]
    assert odd.seen
    assert all(block[0] in ("text", "thinking", "tool") for block in odd.blocks)
    assert {block[1] for block in odd.blocks if block[0] == "tool"} <= set(TOOL_NAMES)
    assert not any(before[0] == after[0] != "tool" for before, after in pairwise(odd.blocks))
    whole_calls = [block for block in odd.blocks if block[0] == "tool" and block[2] is not None]
    assert (odd.finish == "tool_use") == bool(whole_calls)
    assert not odd.error or odd.finish == "error"
    assert odd.usage is None or odd.usage.keys() == {"input", "output", "cache_read", "cache_write"}


def test_chunks_arrive_as_written_and_cuts_break_off() -> None:
    with FakeOpenAI("compatible") as upstream, httpx2.Client(trust_env=False) as client:
        for odd in ODD_STREAMS.values():
            answer = odd.raw()
            upstream.reply_raw(answer.steps, answer.content_type)
            received = b""
            with client.stream("POST", f"{upstream.base_url}/chat/completions", json=BODY) as response:
                assert response.headers["content-type"] == odd.content_type
                try:
                    for piece in response.iter_bytes():
                        received += piece
                    assert not odd.cut, odd.name
                except httpx2.RemoteProtocolError:
                    assert odd.cut, odd.name
            assert received == b"".join(odd.chunks), odd.name
