"""GET /claude-code: how a client is to be set up, for the launcher; and what clients probe before they start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.gemini import replies as google
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text
from tests.providers.gemini.serving import KEY as GEMINI_KEY
from tests.providers.gemini.serving import gemini_settings
from tests.web.serving import KEY, Proxy, ask, custom_settings, serve, settings

GATE = "gate-0123456789"


def test_it_is_for_those_who_may_call() -> None:
    with serve(settings("http://127.0.0.1:9/v1", BIG_MODEL="gpt-6-sol", PROXY_API_KEY=GATE)) as proxy:
        proxy.call("GET", "/claude-code").error(401)
        told = proxy.call("GET", "/claude-code", headers={"x-api-key": GATE}).json()
    assert told["variables"]["CLAUDE_CODE_GATEWAY_HINT_HEADERS"] == "1"
    assert told["own_login"] is False
    assert GATE not in str(told)


def test_a_login_of_the_clients_own(tmp_path: Path) -> None:
    with serve(custom_settings(tmp_path, {"api_base": "http://h:1/v1"}, PREFERRED_PROVIDER="anthropic")) as proxy:
        assert proxy.call("GET", "/claude-code").json()["own_login"] is True


TARGETS = ("gpt-6-sol", "gpt-5.1 on chat", "gpt-4o on chat", "gemini-2.5-flash", "gemini-3.8-flash", "custom")


@pytest.fixture(scope="module", params=TARGETS)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxy, FakeOpenAI | FakeGemini]]:
    """A strict upstream, and a proxy whose Claude names all lead there."""
    model, _, chat = str(request.param).partition(" on ")
    if model.startswith("gemini"):
        with FakeGemini(keys=[GEMINI_KEY]) as gemini, serve(gemini_settings(gemini.base_url, model)) as proxy:
            yield proxy, gemini
        return
    with FakeOpenAI("compatible" if model == "custom" else "openai") as openai:
        config = (
            custom_settings(tmp_path_factory.mktemp("custom"), {"api_base": openai.base_url})
            if model == "custom"
            else settings(openai.base_url, OPENAI_API_KEY=KEY, OPENAI_API=chat or "responses", BIG_MODEL=model)
        )
        with serve(config) as proxy:
            yield proxy, openai


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", ["claude-opus-5-5", "claude-haiku-4-5", "listed"])
def test_a_probe_of_one_token_succeeds(target: tuple[Proxy, FakeOpenAI | FakeGemini], name: str, streams: bool) -> None:
    """Claude Desktop asks each model for one token, and takes a 400 for a model that is not there."""
    proxy, upstream = target
    listed = [entry["id"] for entry in proxy.call("GET", "/v1/models?limit=1000").json()["data"]]
    model = next(each for each in listed if each.startswith("claude-proxy-")) if name == "listed" else name
    if isinstance(upstream, FakeGemini):
        upstream.reply(google.Text("H"))
    else:
        upstream.reply(Text("H"))
    message = proxy.post(ask("Hi", model=model, max_tokens=1, stream=streams)).message()
    assert upstream.refusals == []
    assert message["usage"]["output_tokens"] >= 1
    assert message["model"] == model
