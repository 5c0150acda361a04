"""Counting through the server: corrected estimates, exact counts, and what cannot fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.tokens.text import text_tokens
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, Usage
from tests.fakes.server import Raw
from tests.providers.gemini.serving import gemini_settings
from tests.translation import image, pdf
from tests.web.serving import KEY, Proxy, ask, custom_settings, serve, settings

LONG = "the quick brown fox " * 500
RESPONSES = {"OPENAI_API": "responses", "BIG_MODEL": "gpt-6-sol", "SMALL_MODEL": "gpt-6-luna"}
TOOL = {"name": "Read", "description": "Reads a file.", "input_schema": {"type": "object", "properties": {}}}


def count(proxy: Proxy, text: str = LONG, **fields: Any) -> int:
    body = ask(text, **fields)
    del body["max_tokens"]
    return int(proxy.post(body, path="/v1/messages/count_tokens").json()["input_tokens"])


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("openai", keys=[KEY]) as fake:
        yield fake


@pytest.mark.parametrize("stream", [False, True])
def test_answers_correct_the_estimate(upstream: FakeOpenAI, stream: bool) -> None:
    with serve(settings(upstream.base_url)) as proxy:
        first = count(proxy)
        assert count(proxy) == first
        for _ in range(3):
            upstream.reply(Text("ok"), usage=Usage(2 * first, 5, cached=first, cache_write=10))
            proxy.post(ask(LONG, stream=stream)).message()
        assert count(proxy) == pytest.approx(2 * first, abs=1)
        assert count(proxy, model="openai/gpt-4o-mini") == first, "another model"
        upstream.reply(Text("ok"))
        body = proxy.post(ask(LONG, stream=True)).body.decode()
        assert f'"input_tokens":{count(proxy)}' in body.replace(" ", "").partition("message_delta")[0]


def test_exact_counts_of_openai(upstream: FakeOpenAI) -> None:
    with serve(settings(upstream.base_url, COUNT_TOKENS="exact", **RESPONSES)) as proxy:
        exact = count(proxy, tools=[TOOL], system="Be brief.")
        assert upstream.refusals == []
        (asked,) = upstream.requests
        assert {"model", "input", "tools"} <= asked.keys()
        assert "max_output_tokens" not in asked
        upstream.reply(Text("ok"))
        proxy.post(ask(LONG, tools=[TOOL], system="Be brief.")).message()
        usage = upstream.exchanges[-1]
        assert usage.path.endswith("/responses")
        assert exact > 1000


def test_exact_counts_of_gemini() -> None:
    with FakeGemini() as gemini, serve(gemini_settings(gemini.url, COUNT_TOKENS="exact")) as proxy:
        assert count(proxy, tools=[TOOL], system="Be brief.") > 1000
        assert gemini.refusals == []
        assert [exchange.path.rpartition(":")[2] for exchange in gemini.exchanges] == ["countTokens"]


@pytest.mark.parametrize("trouble", ["refusal", "silence", "nobody", "chat"])
def test_without_an_exact_count_the_estimate_stands(upstream: FakeOpenAI, trouble: str) -> None:
    with serve(settings(upstream.base_url)) as proxy:
        estimated = count(proxy)
    variables = {"COUNT_TOKENS": "exact", **RESPONSES}
    if trouble == "chat":
        variables["OPENAI_API"] = "chat"
    elif trouble == "refusal":
        variables["OPENAI_API_KEY"] = "sk-another-0123456789"
    url = "http://127.0.0.1:9/v1" if trouble == "nobody" else upstream.base_url
    if trouble == "silence":
        upstream.count_answer = Raw([b"{}"], content_type="application/json", hold=[60.0])
    with serve(settings(url, **variables)) as proxy:
        proxy.hurry(count_patience=0.3 if trouble == "silence" else 20.0)
        assert count(proxy) == estimated


def test_case_80_what_cannot_fit_is_refused_without_asking(tmp_path: Path, upstream: FakeOpenAI) -> None:
    entry = {"api_base": upstream.base_url, "context_window": 4000}
    with serve(custom_settings(tmp_path, entry)) as proxy:
        error = proxy.post(ask("the quick brown fox " * 3000)).error(400)
        assert error["type"] == "invalid_request_error"
        words = error["message"].split()
        assert words[:4] == ["prompt", "is", "too", "long:"]
        assert int(words[4]) > 11_000
        assert words[5:] == ["tokens", ">", "4000", "maximum"]
        assert upstream.exchanges == []


@pytest.mark.parametrize(
    "content",
    [
        "the quick brown fox " * 1050,
        [{"type": "text", "text": "hi"}, {"type": "document", "source": {**pdf()["source"], "data": "A" * 2_000_000}}],
        [{"type": "text", "text": "hi"}, *[image("A" * 40_000)] * 20],
    ],
    ids=["nearly full", "a PDF that is left out", "images that are left out"],
)
def test_what_may_fit_is_asked(tmp_path: Path, content: Any) -> None:
    with FakeOpenAI("compatible") as local:
        entry = {"api_base": local.base_url, "context_window": 4000, "vision": False}
        with serve(custom_settings(tmp_path, entry)) as proxy:
            proxy.post(ask(messages=[{"role": "user", "content": content}])).message()
            assert len(local.requests) == 1


def test_counting_keeps_its_connection(upstream: FakeOpenAI) -> None:
    with serve(settings(upstream.base_url, COUNT_TOKENS="exact", **RESPONSES)) as proxy:
        for _ in range(3):
            count(proxy)
        assert len(upstream.exchanges) == 3
        assert upstream.connections == 1


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"input_tokens": null}'])
def test_a_count_that_cannot_be_read(upstream: FakeOpenAI, answer: bytes) -> None:
    with serve(settings(upstream.base_url, COUNT_TOKENS="exact", **RESPONSES)) as proxy:
        upstream.count_answer = Raw([answer], content_type="application/json")
        estimated = count(proxy)
        assert estimated > 1000
        assert count(proxy) == estimated


UNCOUNTED = [b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % (b"the lazy dog " * 100)]
ENDING = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]%s}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    "reported",
    [b"", b', "usage": null', b', "usage": {}', b', "usage": {"prompt_tokens": 0, "completion_tokens": 0}'],
    ids=["absent", "null", "empty", "zeros"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_case_72_what_a_server_does_not_count_is_counted_here(tmp_path: Path, stream: bool, reported: bytes) -> None:
    """On both sides, and the end of a stream says both."""
    with FakeOpenAI("compatible") as local, serve(custom_settings(tmp_path, {"api_base": local.base_url})) as proxy:
        local.reply_raw([*UNCOUNTED, ENDING % reported])
        answer = proxy.post(ask(LONG, stream=stream))
        usage = answer.message()["usage"]
        assert usage["input_tokens"] == count(proxy)
        assert usage["output_tokens"] == round(text_tokens("the lazy dog " * 100))
        if stream:
            end = answer.body.decode().partition("event: message_delta")[2].replace(" ", "")
            assert f'"input_tokens":{usage["input_tokens"]}' in end


@pytest.mark.parametrize("side", ["prompt_tokens", "completion_tokens"])
def test_case_72_one_side_is_counted_here_where_a_server_reports_the_other(tmp_path: Path, side: str) -> None:
    with FakeOpenAI("compatible") as local, serve(custom_settings(tmp_path, {"api_base": local.base_url})) as proxy:
        estimated = count(proxy)
        local.reply_raw([*UNCOUNTED, ENDING % f', "usage": {{"{side}": 777}}'.encode()])
        usage = proxy.post(ask(LONG, stream=True)).message()["usage"]
        told = {
            "prompt_tokens": (777, round(text_tokens("the lazy dog " * 100))),
            "completion_tokens": (estimated, 777),
        }
        assert (usage["input_tokens"], usage["output_tokens"]) == told[side]
