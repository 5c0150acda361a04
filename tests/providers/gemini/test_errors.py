"""Refusals of the service, as the client reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proxy.providers.gemini.errors import Backend, api_error, failure_of, read_failure
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.errors import FAILURES, gemini_error, list_wrapped, rate_limited
from tests.fakes.refusal import Refusal
from tests.providers.gemini.serving import KEY, gemini_proxy
from tests.web.serving import Proxy, ask

# Name of the failure, status, error type, a piece of the text, retry-after, x-should-retry.
EXPECTED: dict[str, tuple[int, str, str, str | None, str | None]] = {
    "api_key_invalid": (401, "authentication_error", "the key in GEMINI_API_KEY", None, "false"),
    "billing": (402, "billing_error", "enable billing", None, "false"),
    "cancelled": (500, "api_error", "cancelled", None, None),
    "context_overflow": (
        400,
        "invalid_request_error",
        "prompt is too long: 1091639 tokens > 1048576 maximum",
        None,
        None,
    ),
    "context_overflow_without_count": (400, "invalid_request_error", "prompt is too long", None, None),
    "daily_quota": (429, "rate_limit_error", "midnight Pacific", None, "false"),
    "deadline": (504, "timeout_error", "in time", None, None),
    "internal": (500, "api_error", "internal error", None, None),
    "location": (403, "permission_error", "location is not supported", None, "false"),
    "model_not_found": (404, "not_found_error", "models/gemini-2.0-flash is not found", None, None),
    "overloaded": (529, "overloaded_error", "overloaded", None, None),
    "payload_too_large": (413, "request_too_large", "payload size", None, None),
    "permission_denied": (403, "permission_error", "permission", None, None),
    "rate_limited": (429, "rate_limit_error", "exceeded your current quota", "14", None),
    "signature_corrupted": (400, "invalid_request_error", "thought signature", None, None),
    "signature_missing": (400, "invalid_request_error", "thought_signature", None, None),
    "signature_of_another_model": (400, "invalid_request_error", "thought signature", None, None),
    "too_many_states": (400, "invalid_request_error", "too many states", None, None),
    "unauthenticated": (401, "authentication_error", "the key in GEMINI_API_KEY", None, "false"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Proxy, FakeGemini]]:
    with FakeGemini(keys=[KEY]) as fake, gemini_proxy(fake.base_url) as proxy:
        yield proxy, fake


def test_every_failure_is_here() -> None:
    assert EXPECTED.keys() == FAILURES.keys()


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("name", EXPECTED)
def test_failure(name: str, streams: bool, served: tuple[Proxy, FakeGemini]) -> None:
    proxy, fake = served
    status, kind, words, retry_after, should_retry = EXPECTED[name]
    for _ in range(1 + name.startswith("signature")):
        fake.fail(FAILURES[name])
    answer = proxy.post(ask(stream=streams))
    error = answer.error(status)
    assert error["type"] == kind
    assert words in error["message"]
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers.get("x-should-retry") == should_retry


def test_case_78_overflow_of_the_fake(served: tuple[Proxy, FakeGemini]) -> None:
    error = served[0].post(ask("word " * 900_000)).error(400)
    assert error["message"].startswith("prompt is too long: ")
    assert error["message"].endswith(" tokens > 1048576 maximum")


BACKEND = Backend("http://upstream.test", "the key in GEMINI_API_KEY", (KEY,))


@pytest.mark.parametrize(
    ("delay", "seconds", "should_retry"),
    [("14s", 14, None), ("0.5s", 1, None), ("2.2s", 3, None), ("61s", None, False), ("soon", None, None)],
)
def test_retry_info(delay: str, seconds: int | None, should_retry: bool | None) -> None:
    body: Any = rate_limited("1s").body
    body["error"]["details"][-1]["retryDelay"] = delay
    error = api_error(failure_of(body, 429), BACKEND)
    assert (error.retry_after, error.should_retry) == (seconds, should_retry)


def test_retry_after_of_a_gateway() -> None:
    error = api_error(read_failure(429, {"retry-after": "7"}, b"slow down"), BACKEND)
    assert (error.status, error.retry_after) == (429, 7)


@pytest.mark.parametrize(
    ("status", "body", "expected", "words"),
    [
        (502, b"<html><body>Bad gateway</body></html>", 502, "a web page"),
        (502, b"", 502, "status 502 without a message"),
        (302, b"", 502, "GEMINI_BASE_URL"),
        (418, b'{"error": "teapot"}', 400, "teapot"),
        (403, b'{"error": {"message": 5}}', 403, "5"),
        (404, b'"nothing"', 404, "nothing"),
        (400, b"[]", 400, "[]"),
    ],
)
def test_odd_bodies(status: int, body: bytes, expected: int, words: str) -> None:
    error = api_error(read_failure(status, {}, body), BACKEND)
    assert error.status == expected
    assert words in error.message


def test_a_body_without_end_of_depth() -> None:
    """Faults: it was a failure of the proxy's own."""
    error = api_error(read_failure(400, {}, b"[" * 100_000), BACKEND)
    assert error.status == 400


@pytest.mark.parametrize("name", EXPECTED)
def test_in_a_list(name: str) -> None:
    failure: Refusal = FAILURES[name]
    plain, wrapped = (
        api_error(failure_of(each.body, each.status), BACKEND) for each in (failure, list_wrapped(failure))
    )
    assert (plain.status, plain.message) == (wrapped.status, wrapped.message)


def test_keys_are_not_shown() -> None:
    failure = gemini_error(400, f"bad key {KEY} or AIzaSyA0123456789abcdefg or ya29.a0AfH6SM-x")
    error = api_error(failure_of(failure.body, 400), BACKEND)
    assert error.message == "bad key [key] or [key] or [key]"
    assert KEY not in repr(BACKEND)
