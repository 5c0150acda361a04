"""Requests recorded from real clients: each is answered, in both modes alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import check_count, check_models, same_message
from tests.conformance.message import offered_tools
from tests.fakes.openai_chat import FakeOpenAI
from tests.fakes.openai_replies import Part, Reply, Text, Thinking, ToolCall, Usage
from tests.web.serving import KEY, Answer, Proxy, custom_settings, serve, settings

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "captures"
CAPTURES = {path.stem: path for path in sorted(_FOLDER.glob("*.json"))}

pytestmark = pytest.mark.skipif(not CAPTURES, reason="the recorded requests are not at hand")

_USAGE = Usage(prompt=20_000, completion=50, cached=15_000, cache_write=1_000, reasoning=10)
_TEXT = "Ich sehe nach \U0001f50d."


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(CAPTURES[name].read_text(encoding="utf-8"))
    ours = ("content-length", "connection")  # the body is sent anew
    loaded["headers"] = {key: value for key, value in loaded["headers"].items() if key.lower() not in ours}
    return loaded


def _is_message(name: str) -> bool:
    return str(_load(name)["path"]).partition("?")[0] == "/v1/messages"


MESSAGES = [name for name in CAPTURES if _is_message(name)]
OTHERS = [name for name in CAPTURES if not _is_message(name)]


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
    if (body.get("output_config") or {}).get("format"):
        return [Text('{"title": "A title"}')]
    tools = list(offered_tools(dict(body)))
    calls = [ToolCall(name, {"n": number, "text": 'a\\b"c\n'}) for number, name in enumerate((tools * 2)[:3])]
    return [*([Thinking("Let me see.")] if thinking else []), Text(_TEXT), *calls]


def _both(proxy: Proxy, capture: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    answers = []
    for streams in (True, False):
        body = {**capture["body"], "stream": streams}
        raw = json.dumps(body).encode()
        answer = proxy.call("POST", capture["path"], raw, capture["headers"])
        answers.append(Answer(answer.status, answer.headers, answer.body, body).message())
    return answers[0], answers[1]


@pytest.mark.streaming
@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("server", ["official", "local"])
def test_messages(name: str, server: str, request: pytest.FixtureRequest) -> None:
    proxy, fake = request.getfixturevalue(server)
    capture = _load(name)
    script = _script(capture["body"], thinking=server == "local")
    fake.default(lambda body, headers: Reply(*script, usage=_USAGE))
    streamed, folded = _both(proxy, capture)
    same_message(streamed, folded)

    expected = [part.name for part in script if isinstance(part, ToolCall)]
    assert [block["name"] for block in folded["content"] if block["type"] == "tool_use"] == expected
    assert folded["stop_reason"] == ("tool_use" if expected else "end_turn")
    kinds = [block["type"] for block in folded["content"]]
    wants_thinking = (capture["body"].get("thinking") or {}).get("type") != "disabled"
    assert ("thinking" in kinds) == (wants_thinking and any(isinstance(part, Thinking) for part in script))
    assert folded["usage"]["input_tokens"] == 4_000
    assert folded["usage"]["cache_read_input_tokens"] == 15_000


@pytest.mark.parametrize("name", OTHERS)
def test_everything_else(name: str, local: tuple[Proxy, FakeOpenAI]) -> None:
    capture = _load(name)
    body = json.dumps(capture["body"]).encode() if capture.get("body") is not None else None
    answer = local[0].call(capture["method"], capture["path"], body, capture["headers"])
    assert answer.status == 200
    if "count_tokens" in capture["path"]:
        check_count(answer.status, answer.headers, answer.body, capture["body"])
    elif "models" in capture["path"]:
        assert check_models(answer.status, answer.headers, answer.body)
