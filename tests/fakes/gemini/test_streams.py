"""The table of Gemini streams is sound, the fake serves it byte by byte, and the official SDK reads it alike."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx2
import pydantic
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.bodies import contents, user
from tests.fakes.gemini.stream_base import MODEL, GeminiStream
from tests.fakes.gemini.stream_endings import BLOCKED, BROKEN, FILTERED, VAGUE
from tests.fakes.gemini.streams import GEMINI_GATEWAY_STREAMS, GEMINI_STREAMS, TOOL_NAMES

ALL = {**GEMINI_STREAMS, **GEMINI_GATEWAY_STREAMS}
URL = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
SDK_FAILURES = (
    errors.APIError,
    errors.UnknownApiResponseError,
    httpx2.HTTPError,
    pydantic.ValidationError,
    TypeError,
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeGemini]:
    with FakeGemini() as fake:
        yield fake


@pytest.mark.parametrize("name", ALL)
def test_expectations_are_sound(name: str) -> None:
    stream = ALL[name]
    assert stream.seen
    assert all(block[0] in ("text", "thinking", "tool") for block in stream.blocks)
    assert {block[1] for block in stream.blocks if block[0] == "tool"} <= set(TOOL_NAMES)
    assert not any(before[0] == after[0] != "tool" for before, after in pairwise(stream.blocks))
    whole_calls = [block for block in stream.blocks if block[0] == "tool" and block[2] is not None]
    assert (stream.finish == "tool_use") == (bool(whole_calls) and stream.finish != "max_tokens")
    assert not stream.error or stream.finish in ("error", "refusal")
    assert (stream.finish == "refusal" and not stream.blocks) <= bool(stream.error)
    assert bool(stream.error_type) <= (stream.finish == "error")
    assert stream.retry <= (stream.finish == "error" and all(block[0] == "thinking" for block in stream.blocks))
    assert len(stream.signatures) in (0, len(stream.blocks))
    assert (stream.usage is None) == (b'"usageMetadata"' not in b"".join(stream.chunks))


def test_every_reason_has_its_streams() -> None:
    documented = {reason.value for reason in types.FinishReason}
    told = {*FILTERED, *VAGUE, *BROKEN, "STOP", "MAX_TOKENS", "CONTINUATION"}
    assert documented <= told
    assert {reason.value for reason in types.BlockedReason} - {"BLOCKED_REASON_UNSPECIFIED"} <= set(BLOCKED)


def test_chunks_arrive_as_written_and_cuts_break_off(upstream: FakeGemini) -> None:
    headers = {"x-goog-api-key": "any"}
    with httpx2.Client(trust_env=False, base_url=upstream.base_url, headers=headers) as client:
        for stream in ALL.values():
            answer = stream.raw()
            upstream.reply_raw(answer.steps, answer.content_type)
            received = b""
            with client.stream("POST", URL, json=contents(user())) as response:
                assert response.headers["content-type"] == stream.content_type
                try:
                    for piece in response.iter_bytes():
                        received += piece
                    assert not stream.cut, stream.name
                except httpx2.RemoteProtocolError:
                    assert stream.cut, stream.name
            assert received == b"".join(stream.chunks), stream.name


@pytest.fixture(scope="module")
def client(upstream: FakeGemini) -> Iterator[genai.Client]:
    with httpx2.Client(trust_env=False) as transport:
        options = types.HttpOptions(base_url=upstream.base_url, api_version="v1beta", httpx_client=transport)
        yield genai.Client(api_key="any", vertexai=False, http_options=options)


def read(client: genai.Client) -> tuple[list[tuple[Any, ...]], str | None]:
    """The blocks and the last finish reason, as the SDK's own reader sees them."""
    blocks: list[tuple[Any, ...]] = []
    reason = None
    off = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(automatic_function_calling=off, automatic_continuation=False)
    for chunk in client.models.generate_content_stream(model=MODEL, contents="hi", config=config):
        for candidate in chunk.candidates or ():
            for part in (candidate.content and candidate.content.parts) or ():
                if part.function_call:
                    blocks.append(("tool", part.function_call.name, part.function_call.args or {}))
                elif part.text:
                    kind = "thinking" if part.thought else "text"
                    before = blocks.pop()[1] if blocks and blocks[-1][0] == kind else ""
                    blocks.append((kind, before + part.text))
            reason = candidate.finish_reason.value if candidate.finish_reason else reason
    return blocks, reason


def _told_by_exceptions(stream: GeminiStream) -> bool:
    # To the SDK it is no failure when the finish reason is missing or says why, nor when an error is oddly wrapped.
    overlooked = stream.name in ("error_key_not_first", "error_in_a_list")
    return stream.cut or stream.name == "half_an_event" or (stream.name.startswith("error") and not overlooked)


@pytest.mark.parametrize("name", GEMINI_STREAMS)
def test_the_sdk_reads_the_same_blocks(upstream: FakeGemini, client: genai.Client, name: str) -> None:
    stream = GEMINI_STREAMS[name]
    answer = stream.raw()
    upstream.reply_raw(answer.steps, answer.content_type)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if _told_by_exceptions(stream):
            with pytest.raises(SDK_FAILURES):
                read(client)
            return
        blocks, reason = read(client)
    assert [block[:2] for block in blocks] == [block[:2] for block in stream.blocks]
    if stream.finish != "error":
        assert blocks == list(stream.blocks)
        assert reason or "promptFeedback" in json.dumps([chunk.decode("utf-8", "replace") for chunk in stream.chunks])


@pytest.mark.parametrize("name", GEMINI_GATEWAY_STREAMS)
def test_what_the_sdk_makes_of_gateways(upstream: FakeGemini, client: genai.Client, name: str) -> None:
    answer = GEMINI_GATEWAY_STREAMS[name].raw()
    upstream.reply_raw(answer.steps, answer.content_type)
    if name in ("gateway_line_feeds", "gateway_whole_json"):
        assert read(client)[0] == list(GEMINI_GATEWAY_STREAMS[name].blocks)
    else:
        with pytest.raises(SDK_FAILURES):
            read(client)
