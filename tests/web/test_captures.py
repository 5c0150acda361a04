"""Requests recorded from real clients: each is answered, in both modes alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.captures import MESSAGES, OTHERS, load, needs_captures, structured_answer
from tests.conformance import check_count, check_models, same_message
from tests.conformance.message import offered_tools
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Part, Reply, Text, Thinking, ToolCall, Usage
from tests.web.recorded import answered
from tests.web.serving import KEY, Proxy, custom_settings, serve, settings

pytestmark = needs_captures

_USAGE = Usage(prompt=20_000, completion=50, cached=15_000, cache_write=1_000, reasoning=10)
_TEXT = "Ich sehe nach \U0001f50d."


@pytest.fixture(scope="module")
def official() -> Iterator[tuple[Proxy, FakeOpenAI]]:
    """Strict as OpenAI itself; Claude names lead to gpt-4o."""
    with FakeOpenAI("openai", keys=[KEY]) as fake, serve(settings(fake.base_url)) as proxy:
        yield proxy, fake


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, FakeOpenAI]]:
    """A compatible server that shows its reasoning; it also answers to the model names of the recordings."""
    with FakeOpenAI("compatible") as fake:
        entry = {"model_id": "m", "api_base": fake.base_url}
        more = {"OPENAI_BASE_URL": fake.base_url, "OPENAI_API_KEY": KEY}
        with serve(custom_settings(tmp_path_factory.mktemp("local"), entry, **more)) as proxy:
            yield proxy, fake


def _script(body: Mapping[str, Any], *, thinking: bool) -> list[Part]:
    """What the model answers: all kinds of blocks that the request allows, parallel tool calls among them."""
    if structured := structured_answer(dict(body)):
        return [Text(structured)]
    tools = list(offered_tools(dict(body)))
    calls = [ToolCall(name, {"n": number, "text": 'a\\b"c\n'}) for number, name in enumerate((tools * 2)[:3])]
    return [*([Thinking("Let me see.")] if thinking else []), Text(_TEXT), *calls]


@pytest.mark.streaming
@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("server", ["official", "local"])
def test_messages(name: str, server: str, request: pytest.FixtureRequest) -> None:
    proxy, fake = request.getfixturevalue(server)
    capture = load(name)
    script = _script(capture["body"], thinking=server == "local")
    fake.default(lambda body, headers: Reply(*script, usage=_USAGE))
    streamed, folded = answered(proxy, capture)
    same_message(streamed, folded)

    expected = [part.name for part in script if isinstance(part, ToolCall)]
    assert [block["name"] for block in folded["content"] if block["type"] == "tool_use"] == expected
    assert folded["stop_reason"] == ("tool_use" if expected else "end_turn")
    kinds = [block["type"] for block in folded["content"]]
    thinking, model = capture["body"].get("thinking"), capture["body"]["model"]
    wants_thinking = thinking["type"] != "disabled" if thinking else "haiku-4" not in model  # which does not by itself
    assert ("thinking" in kinds) == (wants_thinking and any(isinstance(part, Thinking) for part in script))
    assert folded["usage"]["input_tokens"] == 4_000
    assert folded["usage"]["cache_read_input_tokens"] == 15_000


@pytest.mark.parametrize("name", OTHERS)
def test_everything_else(name: str, local: tuple[Proxy, FakeOpenAI]) -> None:
    capture = load(name)
    body = json.dumps(capture["body"]).encode() if capture.get("body") is not None else None
    answer = local[0].call(capture["method"], capture["path"], body, capture["headers"])
    assert answer.status == 200
    if "count_tokens" in capture["path"]:
        check_count(answer.status, answer.headers, answer.body, capture["body"])
    elif "models" in capture["path"]:
        assert check_models(answer.status, answer.headers, answer.body)
