"""Whatever a request holds, it is answered or refused over HTTP: never a failure of the proxy's own."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from proxy.settings.config import Config, load_config
from proxy.web import create_app
from tests.conformance import check_error, check_json
from tests.fakes.anthropic.bodies import message as anthropic_message
from tests.fakes.server import Exchange, FakeServer, Raw, json_answer
from tests.providers.gemini.serving import gemini_settings
from tests.web.request_mutation import HEADERS, mutated
from tests.web.serving import KEY, custom_settings, settings

_REQUESTS = 40
"""For each way to an upstream, in an everyday run; `--fuzz N` makes it N times as many. What is written for the
upstream is tried with far more, and without HTTP, in tests/fuzzing."""
_USAGE = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
_CHUNK = {"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}], "usage": _USAGE}
_ITEM = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}
_DONE = {"type": "response.completed", "response": {"status": "completed", "output": [_ITEM], "usage": {}}}
_CANDIDATE = {"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP", "index": 0}


class _Obliging(FakeServer):
    """Answers whatever it is asked, for no wrong of the request may be left to it."""

    def answer(self, exchange: Exchange) -> Raw:
        path = exchange.path.partition("?")[0]
        if path.endswith("/v1/messages"):
            return json_answer(anthropic_message("claude-opus-5-5"))
        if path.endswith(("countTokens", "/input_tokens", "/count_tokens")):
            return json_answer({"totalTokens": 9, "input_tokens": 9})
        event = _CHUNK if "/chat/" in path else _DONE if "/responses" in path else {"candidates": [_CANDIDATE]}
        return Raw([f"data: {json.dumps(event)}\n\n".encode()])


def _config(kind: str, url: str, directory: Path) -> Config:
    match kind:
        case "custom":
            return custom_settings(directory, {"api_base": f"{url}/v1", "context_window": 200_000})
        case "chat" | "responses":
            return settings(f"{url}/v1", OPENAI_API=kind, BIG_MODEL="gpt-5.6-terra" if kind == "responses" else "gpt-5")
        case "anthropic":
            environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": url, "ANTHROPIC_API_KEY": KEY}
            return load_config({**environ, "MAX_RETRIES": "0"}, directory=directory)
        case model:
            return gemini_settings(url, model)


@pytest.fixture(params=["custom", "chat", "responses", "gemini-2.5-flash", "gemini-3.8-flash", "anthropic"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    with _Obliging() as upstream:
        yield create_app(_config(request.param, upstream.url, tmp_path))


def test_no_request_is_answered_500(app: Flask, request: pytest.FixtureRequest) -> None:
    rng = random.Random(f"{request.node.name} {request.config.getoption('--fuzz')}")
    for _ in range(_REQUESTS * request.config.getoption("--fuzz")):
        path = rng.choice(["/v1/messages"] * 4 + ["/v1/messages/count_tokens"])
        headers = {"anthropic-beta": rng.choice(HEADERS), "x-claude-code-session-id": rng.choice(HEADERS)}
        _check(app, path, mutated(rng), headers if rng.random() < 0.2 else {})


def _check(app: Flask, path: str, body: bytes, headers: dict[str, Any]) -> None:
    response = app.test_client().post(path, data=body, content_type="application/json", headers=headers)
    shown = f"{path} {headers} {body[:2000]!r}"
    named = {name.lower(): value for name, value in response.headers.items()}
    data = response.get_data()
    assert response.status_code < 500, f"{data!r} {shown}"
    if response.status_code >= 400:
        check_error(response.status_code, named, data)
    elif named["content-type"].startswith("application/json"):
        check_json(response.status_code, named, data)
    assert b"event: error" not in data, shown
