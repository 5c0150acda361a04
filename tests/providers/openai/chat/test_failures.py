"""Failures inside an answer of status 200."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.providers.openai.chat.failures import error_in
from tests.fakes.openai.odd_base import chunk, final, text
from tests.fakes.openai.replies import DONE
from tests.providers.openai.chat.reading import read

ERROR = {"code": 429, "message": "Too many requests to this provider"}


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": None, **fields}]}


PLACES: dict[str, dict[str, Any]] = {
    "OpenAI, vLLM": {"error": ERROR},
    "beside choices": {**final("error"), "error": ERROR},
    "in the choice (OpenRouter)": choice(finish_reason="error", error=ERROR),
    "in the delta": choice(delta={"content": "", "error": ERROR}),
    "in the message": {"choices": [{"index": 0, "message": {"role": "assistant", "error": ERROR}}]},
    "in another choice": {"choices": [{"index": 0, "delta": {}}, {"index": 1, "error": ERROR}]},
    "Cloudflare": {"success": False, "errors": [ERROR], "result": None},
    "old vLLM": {"object": "error", **ERROR},
    "Anthropic": {"type": "error", "error": ERROR},
    "flat": ERROR,
    "code and msg": {"code": 429, "msg": ERROR["message"], "success": False, "data": None},
    "FastAPI": {"detail": f"{ERROR['message']} (rate_limit)"},
    "MiniMax": {"choices": None, "base_resp": {"status_code": 1002, "status_msg": ERROR["message"]}},
    "a list": {"error": [ERROR]},
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("before", [[], [text("hello")]], ids=["at first", "after text"])
def test_true_status_and_words(name: str, before: list[Any]) -> None:
    answered = read(*before, PLACES[name], DONE)
    assert answered.error is not None
    assert answered.error.status == 429
    assert "Too many requests" in answered.error.message


@pytest.mark.parametrize(
    ("code", "status"),
    [(1002, 429), (1004, 401), (1008, 402), (1013, 502), (1033, 529), (1039, 400), (2013, 400), (2056, 429)],
)
def test_codes_of_minimax(code: int, status: int) -> None:
    answered = read({"choices": None, "base_resp": {"status_code": code, "status_msg": "it failed"}}, DONE)
    assert answered.error is not None
    assert answered.error.status == status


@pytest.mark.parametrize(
    "fine",
    [
        *({}, chunk(), final("stop"), {**chunk(), "error": None}, {**chunk(), "error": {}}, {**chunk(), "error": ""}),
        *({**chunk(), "error": {"code": 0, "message": ""}}, {**chunk(), "error": False}, choice(error=None)),
        *(
            {"choices": [], "base_resp": {"status_code": 0, "status_msg": "success"}},
            {"choices": [], "code": 0, "msg": "ok"},
        ),
        *({"type": "ping"}, {"choices": [], "prompt_filter_results": []}, {"choices": "none"}),
        choice(content_filter_result={"error": {"code": "content_filter_error", "message": "not filtered"}}),
    ],
    ids=repr,
)
def test_no_failure(fine: dict[str, Any]) -> None:
    assert error_in(fine) is None
