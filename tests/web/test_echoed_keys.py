"""A key that a server sends back, wherever and however: no piece of it reaches a client or the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.logs import configure_logging
from proxy.settings.config import Config
from tests.fakes.raw import Step, raw_server
from tests.log_settings import log_settings  # noqa: F401
from tests.web.serving import ask, custom_settings, serve, settings

KEY = "canary-Zq7Lw3Xv9Tb2Mn5Kd8Rf"
PIECE = 12
"""Characters; what is shorter tells nobody a key."""
PROVIDERS = ["custom", "header", "openai", "google", "anthropic"]
EVENTS = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def answers(key: str) -> dict[str, str]:
    escaped = "".join(f"\\u{ord(each):04x}" for each in key)
    error = json.dumps({"type": "error", "error": {"type": "api_error", "message": f"bad key {key}", "code": key}})
    return {
        "status line": f"HTTP/1.1 {key}\r\n\r\n",
        "no HTTP": f"{key}\r\n\r\n",
        "reason": f"HTTP/1.1 500 {key}\r\ncontent-length: 0\r\n\r\n",
        "broken header": f"HTTP/1.1 200 OK\r\nx {key}\r\n\r\n",
        "length": f"HTTP/1.1 200 OK\r\ncontent-length: {key}\r\n\r\n",
        "coding": f"HTTP/1.1 200 OK\r\ncontent-encoding: {key}\r\n\r\nx",
        "chunk": f"{EVENTS[:-2]}transfer-encoding: chunked\r\n\r\n{key}\r\n",
        "redirect": f"HTTP/1.1 307 Moved\r\nlocation: http://a.test/?key={key}\r\ncontent-length: 0\r\n\r\n",
        "header": f"HTTP/1.1 429 Slow\r\nrequest-id: {key}\r\nretry-after: {key}\r\nx-echo: {key}\r\n\r\nno",
        "plain text": f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nbad key {key}",
        "refusal": f"HTTP/1.1 400 Bad\r\n\r\n{error}",
        "cut by our limit": f"HTTP/1.1 400 Bad\r\n\r\n{'x' * 585}{key}",
        "escapes": f'HTTP/1.1 401 No\r\n\r\n{{"error": {{"message": "{escaped}"}}}}',
        "JSON in JSON": f"HTTP/1.1 403 No\r\n\r\n{json.dumps({'error': error})}",
        "beginning": f"HTTP/1.1 401 No\r\n\r\n{error.replace(key, key[:-4])}",
        "end": f"HTTP/1.1 401 No\r\n\r\n{error.replace(key, key[4:])}",
        "event": f"{EVENTS}data: {error}\n\n",
        "event that is no JSON": f"{EVENTS}data: {{{key}\n\n",
    }


def config_of(provider: str, url: str, directory: Path) -> Config:
    """One that sends `KEY`, as the key or in a header of its own."""
    match provider:
        case "custom":
            return custom_settings(directory, {"api_base": url, "api_key_name": "K"}, K=KEY, LOG_LEVEL="DEBUG")
        case "header":
            return custom_settings(
                directory, {"api_base": url, "headers": {"X-Key": f"Token {KEY}"}}, LOG_LEVEL="DEBUG"
            )
        case "openai":
            return settings(url, OPENAI_API_KEY=KEY, LOG_LEVEL="DEBUG")
        case "google":
            its = {"GEMINI_BASE_URL": url, "GEMINI_API_KEY": KEY}
        case _:
            its = {"ANTHROPIC_UPSTREAM_URL": url, "ANTHROPIC_API_KEY": KEY}
    return settings("", PREFERRED_PROVIDER=provider, OPENAI_API_KEY="", LOG_LEVEL="DEBUG", **its)


@pytest.mark.usefixtures("log_settings")
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("answer", answers(KEY).values(), ids=answers(KEY))
def test_no_piece_is_repeated(answer: str, provider: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps: list[Step] = [answer[:-20].encode(), 0.01, answer[-20:].encode()]
    with raw_server(steps) as url:
        config = config_of(provider, url, tmp_path)
        configure_logging(config)
        with serve(config) as proxy:
            said = [proxy.post(ask(stream=streams)) for streams in (True, False)]
    seen = capsys.readouterr().err + "".join(f"{each.headers}{each.body!r}" for each in said)
    assert not [at for at in range(len(KEY) - PIECE + 1) if KEY[at : at + PIECE] in seen]
