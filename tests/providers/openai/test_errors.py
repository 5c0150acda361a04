"""Errors of OpenAI and compatible servers, in their own words, and what a client is told."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.providers.openai.errors import Backend, api_error, failure_of
from tests.providers.openai.failures import LONG, RATE_LIMIT, URL, flat, openai, told
from tests.translation import BACKEND

MODEL_MISSING = "The model `gpt-7` does not exist or you do not have access to it."
QUOTA = "You exceeded your current quota, please check your plan and billing details."

TOLD: list[Any] = [
    pytest.param(
        (401, openai("Incorrect API key provided: sk-bad***.", "invalid_api_key")),
        (401, "authentication_error", f"{URL} refused the API key in UPSTREAM_KEY", None, False),
        id="CASES-85 wrong key",
    ),
    pytest.param(
        (401, b"Unauthorized"), (401, "authentication_error", "UPSTREAM_KEY", None, False), id="CASES-85 401 as text"
    ),
    pytest.param(
        (402, openai("Insufficient Balance", "invalid_request_error")),
        (402, "billing_error", "Credit balance is too low", None, False),
        id="DeepSeek without money",
    ),
    pytest.param(
        (403, openai("Country, region, or territory not supported", "unsupported_country_region_territory")),
        (403, "permission_error", "Country, region", None, None),
        id="region",
    ),
    pytest.param(
        (404, openai(MODEL_MISSING, "model_not_found")),
        (404, "not_found_error", f"{URL}: {MODEL_MISSING}", None, None),
        id="unknown model",
    ),
    pytest.param(
        (400, openai("Invalid 'messages[3]'", None)),
        (400, "invalid_request_error", "Invalid 'messages[3]'", None, None),
        id="400",
    ),
    pytest.param(
        (422, {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}),
        (422, "invalid_request_error", "Extra inputs are not permitted", None, None),
        id="FastAPI's detail",
    ),
    pytest.param(
        (400, {"statusCode": 400, "error": "Bad Request", "message": "prompt is too long"}),
        (400, "invalid_request_error", "prompt is too long", None, None),
        id="a web framework's error",
    ),
    pytest.param(
        (400, {"error": "invalid_request", "error_description": "prompt is too long"}),
        (400, "invalid_request_error", "prompt is too long", None, None),
        id="OAuth's error",
    ),
    pytest.param(
        (403, {"code": "permission-denied", "error": "Your team doesn't have any credits yet."}),
        (402, "billing_error", "Credit balance is too low", None, False),
        id="xAI's error",
    ),
    pytest.param((413, b""), (413, "request_too_large", "status 413 without a message", None, None), id="CASES-86 413"),
    pytest.param(
        (413, b"<html><head><title>413 Request Entity Too Large</title></head></html>"),
        (413, "request_too_large", "web page", None, None),
        id="CASES-86 413 of nginx",
    ),
    pytest.param(
        (429, openai(RATE_LIMIT.format("41.724s"), "rate_limit_exceeded", "tokens")),
        (429, "rate_limit_error", "Rate limit reached for gpt-4", 42, None),
        id="CASES-81 wait told in the text",
    ),
    pytest.param(
        (429, openai(RATE_LIMIT.format("1m41.7s"), "rate_limit_exceeded", "tokens")),
        (429, "rate_limit_error", "Rate limit reached", None, False),
        id="CASES-81 longer than Claude Code waits",
    ),
    pytest.param(
        (429, openai(RATE_LIMIT.format("120ms"), "rate_limit_exceeded", "tokens")),
        (429, "rate_limit_error", "Rate limit reached", 1, None),
        id="CASES-81 milliseconds",
    ),
    pytest.param(
        (429, openai(RATE_LIMIT.format("7h3m"), "rate_limit_exceeded", "tokens")),
        (429, "rate_limit_error", "Rate limit reached", None, False),
        id="CASES-81 hours",
    ),
    pytest.param(
        (429, openai("Please try again in a while.", "slow_down")),
        (429, "rate_limit_error", "Please try again in a while.", None, None),
        id="CASES-81 no wait told",
    ),
    pytest.param(
        (429, openai("x", "rate_limit_exceeded"), {"retry-after": "7"}),
        (429, "rate_limit_error", "x", 7, None),
        id="CASES-81 retry-after",
    ),
    pytest.param(
        (429, openai("x", "rate_limit_exceeded"), {"retry-after": "7", "retry-after-ms": "1500"}),
        (429, "rate_limit_error", "x", 2, None),
        id="CASES-81 retry-after-ms",
    ),
    pytest.param(
        (429, openai("x"), {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        (429, "rate_limit_error", "x", None, None),
        id="CASES-81 a date",
    ),
    pytest.param(
        (
            429,
            openai("x"),
            {"retry-after": "Wed, 21 Oct 2026 07:28:09 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
        ),
        (429, "rate_limit_error", "x", 9, None),
        id="CASES-81 a date to come",
    ),
    pytest.param(
        (429, openai("x"), {"retry-after": "3600"}), (429, "rate_limit_error", "x", None, False), id="CASES-81 an hour"
    ),
    pytest.param(
        (429, b""), (429, "rate_limit_error", "status 429 without a message", None, None), id="CASES-81 empty"
    ),
    pytest.param(
        (429, openai(QUOTA, "insufficient_quota", "insufficient_quota")),
        (402, "billing_error", f"Credit balance is too low at {URL}: {QUOTA}", None, False),
        id="CASES-81 quota",
    ),
    pytest.param(
        (429, openai("Spent.", "credit_balance_exhausted")),
        (402, "billing_error", "Credit balance is too low", None, False),
        id="CASES-81 credit",
    ),
    pytest.param(
        (
            400,
            openai(
                "Invalid prompt: your prompt was flagged as potentially violating our usage policy.", "invalid_prompt"
            ),
        ),
        (400, "invalid_request_error", "violating our usage policy", None, None),
        id="policy",
    ),
    pytest.param(
        (500, openai("The server had an error while processing your request.", None, "server_error")),
        (500, "api_error", "The server had an error", None, None),
        id="CASES-82 500",
    ),
    pytest.param(
        (503, openai("The server is currently overloaded.", "server_is_overloaded"), {"retry-after": "3"}),
        (529, "overloaded_error", "currently overloaded", 3, None),
        id="CASES-82 503",
    ),
    pytest.param(
        (503, b"no healthy upstream"), (529, "overloaded_error", "no healthy", None, None), id="CASES-82 text"
    ),
    pytest.param(
        (500, openai("That model is currently overloaded with other requests.", None, "server_error")),
        (529, "overloaded_error", "overloaded", None, None),
        id="CASES-82 overloaded as 500",
    ),
    pytest.param((502, b"<html>Bad Gateway"), (502, "api_error", "web page", None, None), id="502 of a gateway"),
    pytest.param((504, b"upstream timed out"), (504, "timeout_error", "timed out", None, None), id="504"),
    pytest.param((408, openai("Request timed out")), (504, "timeout_error", "timed out", None, None), id="408"),
    pytest.param((307, b""), (502, "api_error", "answered with a redirect", None, None), id="CASES-90 redirect"),
    pytest.param((418, b"teapot"), (400, "invalid_request_error", "answered 418: teapot", None, None), id="418"),
    pytest.param((524, b"x"), (502, "api_error", "answered 524: x", None, None), id="524 of Cloudflare"),
    pytest.param(
        (400, [{"error": {"code": 400, "message": "Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}]),
        (401, "authentication_error", "Please pass a valid API key.", None, False),
        id="Google's list",
    ),
    pytest.param(
        (400, {"error": "Invalid tool_choice type: 'object'"}),
        (400, "invalid_request_error", "Invalid tool_choice", None, None),
        id="LM Studio's string",
    ),
    pytest.param((400, flat("bad")), (400, "invalid_request_error", "bad", None, None), id="flat"),
    pytest.param((400, {"what": "ever"}), (400, "invalid_request_error", '{"what": "ever"}', None, None), id="foreign"),
    pytest.param((400, []), (400, "invalid_request_error", "[]", None, None), id="an empty list"),
    pytest.param((400, None), (400, "invalid_request_error", "None", None, None), id="null"),
    pytest.param((400, {"error": {}}), (400, "invalid_request_error", "{}", None, None), id="an error of nothing"),
]


@pytest.mark.parametrize(("given", "wanted"), TOLD)
def test_told(given: tuple[Any, ...], wanted: tuple[Any, ...]) -> None:
    status, body, *headers = given
    error = told(status, body, **(headers[0] if headers else {}))
    assert error.message.find(wanted[2]) >= 0, error.message
    assert (error.status, error.type, error.retry_after, error.should_retry) == (*wanted[:2], *wanted[3:])


IN_STREAM: list[Any] = [
    pytest.param({"error": {"code": "1302", "message": "High concurrency usage of this API"}}, 429, id="CASES-65 GLM"),
    pytest.param({"error": {"code": "rate_limit_exceeded", "message": "x"}}, 429, id="CASES-66 rate limit"),
    pytest.param({"error": {"code": 502, "message": "Provider disconnected"}}, 502, id="CASES-66 OpenRouter"),
    pytest.param({"error": {"code": 429, "message": "x"}}, 429, id="CASES-66 a status as code"),
    pytest.param({"error": {"type": "service_unavailable_error", "message": "x"}}, 529, id="CASES-66 overloaded"),
    pytest.param({"error": {"code": "server_error", "message": "x"}}, 502, id="CASES-66 server error"),
    pytest.param({"error": {"type": "invalid_request_error", "message": "x"}}, 400, id="CASES-66 invalid"),
    pytest.param({"error": {"code": "content_policy_violation", "message": "x"}}, 400, id="CASES-66 policy"),
    pytest.param({"error": {"code": LONG, "message": "too much"}}, 400, id="CASES-78 overflow in a stream"),
    pytest.param({"error": {"code": "insufficient_quota", "message": "x"}}, 402, id="CASES-66 quota"),
    pytest.param({"error": "Model unloaded"}, 502, id="CASES-65 LM Studio's string"),
    pytest.param({"message": "EngineDeadError", "type": "InternalServerError", "code": 500}, 500, id="CASES-66 vLLM"),
    pytest.param({"detail": "gone"}, 502, id="CASES-66 detail"),
    pytest.param({"error": {"code": 400, "message": "Model Not Exist"}}, 404, id="no such model"),
    pytest.param({"error": {"code": "\u00b2", "message": "x"}}, 502, id="a digit that is no number"),
    pytest.param({"error": {"code": "9" * 5000, "message": "9" * 5000}}, 502, id="5000 digits"),
    pytest.param({"error": {"message": f"try again in {'9' * 5000}h1.2.3s"}}, 502, id="a wait without end"),
]


@pytest.mark.parametrize(("chunk", "status"), IN_STREAM)
def test_errors_inside_a_stream_have_the_status_they_would_have_had(chunk: Any, status: int) -> None:
    assert api_error(failure_of(chunk), BACKEND).status == status


@pytest.mark.parametrize("status", [400, 404, 422, 503])
@pytest.mark.parametrize("said", ["gpt-9 is not a valid model ID", "Model Not Exist", "model 'gpt-9' not found"])
def test_a_missing_model_is_a_404(said: str, status: int) -> None:
    """Claude Code offers another model then; a 400 would end the session."""
    for error in (
        told(status, {"error": {"message": said}}),
        api_error(failure_of({"error": {"message": said}}), BACKEND),
    ):
        assert (error.status, error.type) == (404, "not_found_error")
        assert error.message == (
            f"{URL}: {said} (there is no such model; name one that it has in BIG_MODEL, SMALL_MODEL or the entry's "
            "`model_name`)"
        )


KEYLESS = Backend(URL, None)


def test_a_server_that_turns_out_to_want_a_key() -> None:
    assert told(401, b"", KEYLESS).message == (
        f"{URL} asks for an API key; name its environment variable in the entry's `api_key_name`"
    )


(KEY,) = BACKEND.keys


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 418, 422, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "leak",
    [
        KEY,
        f"Incorrect API key provided: {KEY}",
        "sk-proj-abc*******xyz",
        "Bearer abcdefghij0123456789",
        "key sk-ant-api03-AAAAAAAAAA is not valid",
        "gsk_abcdef0123456789",
        "xai-abcdef0123456789",
        f'{{"headers": {{"Authorization": "Bearer {KEY}"}}}}',
    ],
)
def test_keys_never_appear(status: int, leak: str) -> None:
    """CASES-85"""
    for body in (openai(leak), openai(leak, "insufficient_quota"), leak.encode(), {"detail": leak}, [{"error": leak}]):
        message = told(status, body).message
        assert KEY not in message
        assert not any(word in message for word in ("0123456789", "abc*", "AAAAAA"))


def test_long_pages_are_not_repeated() -> None:
    assert len(told(500, b"x" * 10_000).message) < 700
    assert "<html" not in told(500, b"\n <!DOCTYPE html><html>secret</html>").message


def test_bytes_that_are_no_text() -> None:
    assert told(500, b"\xff\xfe\x00").status == 500
