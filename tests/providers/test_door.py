"""Requests that an SDK makes and somebody else sends."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from proxy.providers.common.failures import Backend
from proxy.providers.door import Door, Template
from proxy.providers.openai.sdk import Sdk

TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"a": [value]}
    return value


def template() -> Template:
    door = Door(TIMEOUT)
    headers = {"x-key": "secret", "Content-Type": "application/json"}
    return Template(
        lambda: door.post("https://model.example/v1/say?alt=sse", json={"placeholder": True}, headers=headers)
    )


@pytest.mark.parametrize(
    "body",
    [
        {"text": 'caf\u00e9 \U0001f600 \u2028 "quoted" \\ \x00\x7f\n'},
        {"numbers": [0, -1, 1.0, 1.5e-7, 1e300, 2**70, True, None]},
        {"tuple": ("a", "b"), "": {}},
        # What a request may hold, and what a vendor's form puts around it.
        {"tools": [{"function": {"parameters": nested(100)}}]},
    ],
    ids=["text", "numbers", "empty", "nested"],
)
def test_bodies_are_json(body: dict[str, Any]) -> None:
    request = template().request(body, TIMEOUT)
    assert json.loads(request.content) == json.loads(json.dumps(body))
    assert request.headers["content-length"] == str(len(request.content))


def test_all_but_the_body_is_the_sdks() -> None:
    made = template()
    for _ in range(2):
        request = made.request({}, TIMEOUT)
        assert (request.method, str(request.url)) == ("POST", "https://model.example/v1/say?alt=sse")
        assert request.headers["x-key"] == "secret"
        assert request.headers.get_list("content-length") == ["2"]
        assert request.headers.get_list("host") == ["model.example"]
        assert request.extensions["timeout"] == TIMEOUT.as_dict()


def test_an_sdk_that_goes_another_way() -> None:
    with pytest.raises(RuntimeError, match="another way"):
        Template(lambda: None)


def test_openais_sdk_is_asked_once_for_each_path() -> None:
    http = httpx2.Client(timeout=TIMEOUT)
    sdk = Sdk(http, Backend("https://model.example/v1/", "A_KEY"), "some-key-0123456789", None)
    first, second, other = (sdk.request(path, {"n": n}) for n, path in enumerate(("/responses", "/responses", "/chat")))
    assert [json.loads(each.content)["n"] for each in (first, second, other)] == [0, 1, 2]
    assert str(first.url) == str(second.url) == "https://model.example/v1/responses"
    assert str(other.url) == "https://model.example/v1/chat"
    for each in (first, second, other):
        assert each.headers["authorization"] == "Bearer some-key-0123456789"
        assert each.headers["content-type"] == "application/json"
