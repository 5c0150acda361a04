"""What compatible servers really send, through the whole proxy: either a conforming answer or a clean failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance import parse_sse, same_message
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.odd_base import OddStream
from tests.fakes.openai.odd_streams import ODD_STREAMS, TOOL_NAMES
from tests.fakes.outcomes import STOP_REASONS, blocks_of
from tests.web.serving import Answer, Proxy, ask, custom_settings, serve

pytestmark = pytest.mark.streaming

_TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in TOOL_NAMES]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, tuple[Proxy, FakeOpenAI]]]:
    """A proxy without and one with the parser for reasoning in tags."""
    directory = tmp_path_factory.mktemp("odd")
    with FakeOpenAI("compatible") as fake:
        entry = {"api_base": fake.base_url}
        with (
            serve(custom_settings(directory, entry)) as plain,
            serve(custom_settings(directory, {**entry, "think_tags": True})) as tags,
        ):
            yield {False: (plain, fake), True: (tags, fake)}


def _answer(odd: OddStream, proxy: Proxy, fake: FakeOpenAI, *, streams: bool) -> Answer:
    raw = odd.raw()
    for _ in range(2 if odd.asked_again else 1):
        fake.reply_raw(raw.steps, raw.content_type)
    return proxy.post(ask(tools=_TOOLS, stream=streams))


@pytest.mark.parametrize("name", [name for name, odd in ODD_STREAMS.items() if odd.finish != "error"])
def test_read(name: str, served: dict[bool, tuple[Proxy, FakeOpenAI]]) -> None:
    odd = ODD_STREAMS[name]
    streamed, folded = (_answer(odd, *served[odd.think_tags], streams=streams).message() for streams in (True, False))
    same_message(streamed, folded)
    whole = [block for block in odd.blocks if block[0] != "tool" or block[2] is not None]
    assert blocks_of(folded["content"]) == whole
    assert folded["stop_reason"] == STOP_REASONS[odd.finish]
    if odd.usage is not None:
        usage = folded["usage"]
        assert usage["output_tokens"] == odd.usage["output"]
        assert usage["input_tokens"] == odd.usage["input"]
        assert usage["cache_read_input_tokens"] == odd.usage["cache_read"]
        assert usage["cache_creation_input_tokens"] == odd.usage["cache_write"]


@pytest.mark.parametrize("name", [name for name, odd in ODD_STREAMS.items() if odd.finish == "error"])
def test_failure(name: str, served: dict[bool, tuple[Proxy, FakeOpenAI]]) -> None:
    odd = ODD_STREAMS[name]
    answer = _answer(odd, *served[odd.think_tags], streams=False)
    assert answer.status >= 400
    assert odd.error in answer.error(answer.status)["message"]

    answer = _answer(odd, *served[odd.think_tags], streams=True)
    shown = [block for block in odd.blocks if block[0] != "tool"]
    if not odd.blocks:
        assert answer.status >= 400, "nothing was sent yet, so the status could still tell"
        error = answer.error(answer.status)
    else:
        error = answer.stream_error()
        deltas = [frame.data["delta"] for frame in parse_sse(answer.body) if frame.event == "content_block_delta"]
        sent = "".join(delta.get("text", "") + delta.get("thinking", "") for delta in deltas)
        assert sent == "".join(block[1] for block in shown)
    assert odd.error in error["message"]
