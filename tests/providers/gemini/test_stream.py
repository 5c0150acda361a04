"""What the service and gateways send, through the whole proxy: a conforming answer or a clean failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proxy.protocol.signature import unseal
from tests.conformance import parse_sse, same_message
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.stream_base import MODEL
from tests.fakes.gemini.streams import GEMINI_GATEWAY_STREAMS, GEMINI_STREAMS, TOOL_NAMES, GeminiStream
from tests.fakes.outcomes import STOP_REASONS, blocks_of
from tests.providers.gemini.serving import KEY, gemini_proxy
from tests.web.serving import Answer, Proxy, ask

ALL = {**GEMINI_STREAMS, **GEMINI_GATEWAY_STREAMS}
_TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in TOOL_NAMES]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Proxy, FakeGemini]]:
    with FakeGemini(keys=[KEY]) as fake, gemini_proxy(fake.base_url) as proxy:
        yield proxy, fake


def _answer(
    stream: GeminiStream, served: tuple[Proxy, FakeGemini], *, streams: bool, thinking: str = "adaptive", times: int = 1
) -> Answer:
    proxy, fake = served
    for _ in range(times):
        raw = stream.raw()
        fake.reply_raw(raw.steps, raw.content_type)
    return proxy.post(ask(tools=_TOOLS, stream=streams, max_tokens=8000, thinking={"type": thinking}))


def _shown(content: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Without the thinking blocks that only carry a signature."""
    return [block for block in blocks_of(content) if block != ("thinking", "")]


def _signatures(content: list[dict[str, Any]]) -> list[str | None]:
    """Of each tool use, that of the thinking block before it."""
    signatures: list[str | None] = []
    for before, block in zip([{}, *content], content, strict=False):
        if block["type"] == "tool_use":
            signatures.append(unseal(before.get("signature", ""), "gemini", MODEL) or None)
    return signatures


@pytest.mark.parametrize("name", [name for name, stream in ALL.items() if stream.finish != "error"])
def test_case_73_77_read(name: str, served: tuple[Proxy, FakeGemini]) -> None:
    """Also cases 73 (cached tokens) and 77 (what a filter stopped is a refusal that says why)."""
    stream = ALL[name]
    streamed, folded = (_answer(stream, served, streams=streams).message() for streams in (True, False))
    same_message(streamed, folded)
    assert folded["stop_reason"] == STOP_REASONS[stream.finish]
    if stream.finish == "refusal" and not stream.blocks:
        (block,) = folded["content"]
        assert stream.error in block["text"]
        assert stream.error in folded["stop_details"]["explanation"]
    else:
        assert _shown(folded["content"]) == list(stream.blocks)
    if stream.signatures:
        kinds = [block[0] for block in stream.blocks]
        expected = [signature for signature, kind in zip(stream.signatures, kinds, strict=True) if kind == "tool"]
        assert _signatures(folded["content"]) == expected
    if stream.usage is not None:
        usage = folded["usage"]
        assert usage["output_tokens"] == max(stream.usage["output"], 1)
        assert usage["input_tokens"] == stream.usage["input"]
        assert usage["cache_read_input_tokens"] == stream.usage["cache_read"]


@pytest.mark.parametrize("name", [name for name, stream in ALL.items() if stream.finish != "error" and stream.blocks])
def test_read_with_thinking_off(name: str, served: tuple[Proxy, FakeGemini]) -> None:
    """Neither thoughts nor signatures are shown; texts around a thought are one block."""
    stream = ALL[name]
    message = _answer(stream, served, streams=True, thinking="disabled").message()
    wanted = [block for block in stream.blocks if block[0] != "thinking"]
    if name == "thoughts_between_texts":
        wanted = [("text", "hellohello")]
    assert blocks_of(message["content"]) == wanted


@pytest.mark.parametrize("name", [name for name, stream in ALL.items() if stream.finish == "error"])
def test_case_74_failure(name: str, served: tuple[Proxy, FakeGemini]) -> None:
    """An empty or broken answer is never an empty turn: it is told in an error, or in a text after what was shown."""
    stream = ALL[name]
    times = 1 + stream.retry
    for streams in (False, True):
        answer = _answer(stream, served, streams=streams, times=times)
        if answer.status >= 400:
            assert not stream.blocks or not streams, "something was shown, so the stream had begun"
            told = answer.error(answer.status)
        elif streams and b"event: error" in answer.body:
            told = answer.stream_error()
            deltas = [frame.data["delta"] for frame in parse_sse(answer.body) if frame.event == "content_block_delta"]
            sent = "".join(delta.get("text", "") + delta.get("thinking", "") for delta in deltas)
            assert sent == times * "".join(block[1] for block in stream.blocks if block[0] != "tool")
        else:
            content = answer.message()["content"]
            assert content[-1]["type"] == "text"
            told = {"message": content[-1]["text"], "type": stream.error_type}
        assert stream.error in told["message"]
        assert told["message"]
        assert stream.error_type in ("", told["type"])


@pytest.mark.parametrize("name", [name for name, stream in ALL.items() if stream.retry])
def test_case_74_asked_once_more(name: str, served: tuple[Proxy, FakeGemini]) -> None:
    """Before anything but thoughts was shown."""
    before = len(served[1].requests)
    answer = _answer(ALL[name], served, streams=True)
    message = answer.message()
    assert message["content"][-1] == {"type": "text", "text": "ok"}
    assert [block["type"] for block in message["content"][:-1]] == ["thinking"] * len(ALL[name].blocks)
    assert len(served[1].requests) == before + 2


@pytest.mark.parametrize("name", [name for name, each in ALL.items() if each.finish == "error" and not each.retry])
def test_not_asked_again(name: str, served: tuple[Proxy, FakeGemini]) -> None:
    before = len(served[1].requests)
    _answer(ALL[name], served, streams=True)
    assert len(served[1].requests) == before + 1
