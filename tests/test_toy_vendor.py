"""A vendor is its room and one row: with those, everything else knows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.models import vendors
from proxy.server.banner import banner
from proxy.settings.config import ConfigError, load_config
from tests.toy_vendor import TOY
from tests.translation import tool
from tests.web.serving import Proxy, ask, serve

KEY = "toy-0123456789abcdef"


@pytest.fixture(autouse=True)
def _row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendors, "VENDORS", (*vendors.VENDORS, TOY))


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    variables = {"PREFERRED_PROVIDER": "toy", "TOY_API_KEY": KEY, "COUNT_TOKENS": "exact"}
    with serve(load_config(variables, directory=tmp_path)) as running:
        yield running


def test_routing(proxy: Proxy) -> None:
    targets = {name: proxy.services.router.resolve(name).target for name in ("claude-opus-5-5", "haiku", "toy-next")}
    assert targets == {"claude-opus-5-5": "toy/toy-big", "haiku": "toy/toy-small", "toy-next": "toy/toy-next"}
    assert proxy.services.router.resolve("toy/anything").model == "anything"


def test_banner_and_key_check(proxy: Proxy, tmp_path: Path) -> None:
    assert "-> toy/toy-big" in banner(proxy.services, proxy.port)
    with serve(load_config({"PREFERRED_PROVIDER": "toy"}, directory=tmp_path)) as keyless:
        assert "TOY_API_KEY is not set" in banner(keyless.services, keyless.port)
        assert "TOY_API_KEY is not set" in keyless.post(ask()).error(401)["message"]
    with pytest.raises(ConfigError, match="TOY_API_KEY"):
        load_config({"PREFERRED_PROVIDER": "toy", "TOY_API_KEY": "two words"}, directory=tmp_path)


def test_models(proxy: Proxy) -> None:
    listed = proxy.call("GET", "/v1/models").json()["data"]
    assert "toy/toy-big" in next(each["display_name"] for each in listed if each["id"] == "claude-opus-5-5")
    assert any("Toy Works" in each["display_name"] for each in listed)


def test_explain(proxy: Proxy) -> None:
    route, body, notes, _ = proxy.services.explain(json.dumps(ask("a b", tools=[tool("Read")])).encode())
    assert (route.target, body["toy"], body["words"]) == ("toy/toy-big", "toy-big", ["a", "b"])
    assert "toys see no colours" in notes


@pytest.mark.parametrize("streams", [True, False])
def test_answers(streams: bool, proxy: Proxy) -> None:
    answer = proxy.post(ask("please call", stream=streams, tools=[tool("Read")]))
    text, use = answer.message()["content"]
    assert text == {"type": "text", "text": "please call "}
    assert (use["name"], use["input"]) == ("Read", {"path": "toy.txt"})
    assert answer.message()["usage"]["input_tokens"] == 7
    assert "toys see no colours" in answer.headers["x-proxy-notes"]


def test_a_lessons_note_reaches_the_header_and_is_remembered(proxy: Proxy) -> None:
    first = proxy.post(ask("warm", temperature=0.5, stream=True)).headers["x-proxy-notes"]
    assert "the request was sent once more: without temperature" in first
    assert "toys see no colours" in first, "what the first attempt cost is not forgotten by the second"
    assert "once more" not in proxy.post(ask("warm", temperature=0.5)).headers["x-proxy-notes"]


def test_counts(proxy: Proxy) -> None:
    assert proxy.post(ask("one two three"), path="/v1/messages/count_tokens").json() == {"input_tokens": 3}
