"""The failures of the fake Gemini: scripted ones, keys, models, and bodies that it refuses."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.bodies import contents, media, text, thinking, user
from tests.fakes.gemini.caller import FLASH, TOOLS, Caller, post
from tests.fakes.gemini.errors import FAILURES, daily_quota, rate_limited
from tests.fakes.gemini.models import MODELS
from tests.fakes.gemini.replies import FunctionCall, Text


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FAILURES)
def test_failures(upstream: FakeGemini, caller: Caller, name: str, streamed: bool) -> None:
    upstream.fail(FAILURES[name])
    with pytest.raises(errors.APIError) as raised:
        _ = list(caller.stream()) if streamed else caller()
    assert (raised.value.code, raised.value.message) == (FAILURES[name].status, FAILURES[name].message)
    assert caller().text == "ok"


def test_quotas_tell_their_delay_and_their_period(upstream: FakeGemini, caller: Caller) -> None:
    upstream.fail(rate_limited("0.5s"))
    upstream.fail(daily_quota())
    for delay, period in (("0.5s", "PerMinute"), ("48s", "PerDay")):
        with pytest.raises(errors.ClientError) as raised:
            caller()
        details = {detail["@type"].rpartition(".")[2]: detail for detail in raised.value.details["error"]["details"]}
        assert details["RetryInfo"]["retryDelay"] == delay
        assert period in details["QuotaFailure"]["violations"][0]["quotaId"]


def test_failures_by_status(upstream: FakeGemini, caller: Caller) -> None:
    upstream.fail(503)
    with pytest.raises(errors.ServerError, match="The model is overloaded"):
        caller()
    upstream.fail(418, {"error": {"code": 418, "message": "teapot", "status": "TEA"}}, {"x-pot": "yes"})
    with pytest.raises(errors.ClientError, match="teapot"):
        caller()
    with pytest.raises(KeyError):
        upstream.fail(418)


@pytest.mark.parametrize(
    ("key", "status", "message"),
    [
        ("", 403, "Method doesn't allow unregistered callers"),
        ("bad", 400, "API key not valid. Please pass a valid API key."),
    ],
)
def test_keys(upstream: FakeGemini, transport: httpx2.Client, key: str, status: int, message: str) -> None:
    refused = post(upstream, transport, "generateContent", **{"x-goog-api-key": key})
    assert (refused.status_code, refused.json()["error"]["message"].startswith(message)) == (status, True)
    assert status == 403 or refused.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_key_in_the_address(upstream: FakeGemini, transport: httpx2.Client) -> None:
    found = transport.get(f"{upstream.base_url}/v1beta/models/{FLASH}?key=good")
    assert found.json()["name"] == f"models/{FLASH}"


@pytest.mark.parametrize(
    ("name", "version"),
    [("gemini-2.0-flash", "v1beta"), ("gemini-1.5-pro", "v1"), ("gemini-pro-latest", "v1"), ("gpt-4o", "v1alpha")],
)
def test_unknown_models(upstream: FakeGemini, sdk: genai.Client, name: str, version: str) -> None:
    caller = Caller(sdk, upstream, version)
    with pytest.raises(errors.ClientError) as raised:
        list(caller.stream(name=name))
    assert raised.value.code == 404
    text = f"models/{name} is not found for API version {version}, or is not supported for streamGenerateContent. Call"
    assert (raised.value.message or "").startswith(text)


def test_aliases_answer_as_the_model_behind_them(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(FunctionCall("Read", {}))
    response = caller({**contents(user()), **TOOLS}, "gemini-flash-latest")
    assert response.model_version == FLASH


def test_models_of_a_test_of_its_own(sdk: genai.Client) -> None:
    # From 1 December 2026 on, 3.8 answers for 2.5.
    with FakeGemini(models={"gemini-2.5-pro": MODELS[FLASH]}) as upstream:
        caller = Caller(sdk, upstream)
        with pytest.raises(errors.ClientError, match="Budget 0 is invalid"):
            caller({**contents(user()), **thinking(thinkingBudget=0)}, "gemini-2.5-pro")
        with pytest.raises(errors.ClientError, match="is not found for API version"):
            caller()


def test_list_of_models(upstream: FakeGemini, caller: Caller) -> None:
    listed = {
        listed.name: listed
        for listed in caller.models.list(config=types.ListModelsConfig(http_options=caller.options()))
    }
    assert {f"models/{name}" for name in MODELS} <= listed.keys()
    assert "models/gemini-flash-latest" in listed
    assert (listed[f"models/{FLASH}"].input_token_limit, listed[f"models/{FLASH}"].thinking) == (1_048_576, True)


def test_count_tokens(upstream: FakeGemini, caller: Caller) -> None:
    def count(words: str, body: dict[str, Any] | None = None) -> int:
        config = types.CountTokensConfig(http_options=caller.options(body))
        return caller.models.count_tokens(model=FLASH, contents=words, config=config).total_tokens or 0

    assert count("x" * 40) == 11
    whole = {"model": f"models/{FLASH}", **contents(user(text("x" * 40))), **TOOLS}
    assert count("x", {"contents": [], "generateContentRequest": whole}) > 11
    with pytest.raises(errors.ClientError, match="only one of contents and generate_content_request"):
        count("x", {"generateContentRequest": whole})
    assert upstream.requests == []


def test_refusals_leave_the_queue_alone(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(Text("kept"))
    with pytest.raises(errors.ClientError, match="Unknown name"):
        caller({**contents(user()), "foo": 1})
    assert caller().text == "kept"
    assert ["foo" in body for body in upstream.requests] == [True, False]
    assert len(upstream.refusals) == 1


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"contents": NaN}', b'{"a": 1, "a": 2}', b'"\xff"'])
def test_bodies_that_are_no_objects(upstream: FakeGemini, transport: httpx2.Client, raw: bytes) -> None:
    url = f"{upstream.base_url}/v1beta/models/{FLASH}:generateContent"
    headers = {"x-goog-api-key": "good", "content-type": "application/json"}
    refused = transport.post(url, content=raw, headers=headers)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_large_bodies_and_short_deadlines(transport: httpx2.Client) -> None:
    with FakeGemini(most_bytes=1000) as upstream:
        refused = post(upstream, transport, "generateContent", contents(user(media(data="A" * 1000))))
        assert refused.json()["error"]["message"] == "Request payload size exceeds the limit: 1000 bytes."
        refused = post(upstream, transport, "generateContent", **{"x-server-timeout": "5"})
        assert "Manually set deadline 5s is too short." in refused.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1beta/models/x:embedContent", "/v2/models", "/v1beta/chat/completions"])
def test_other_addresses(upstream: FakeGemini, transport: httpx2.Client, path: str) -> None:
    headers = {"x-goog-api-key": "good"}
    assert transport.post(f"{upstream.base_url}{path}", json={}, headers=headers).status_code == 404
