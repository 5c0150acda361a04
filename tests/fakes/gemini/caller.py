"""Asks the fake Gemini through the official SDK, with a body of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
from google import genai
from google.genai import types

from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.bodies import contents, function, tools, user

TOOLS = tools(function("Read"), function("Grep"))
FLASH = "gemini-3.8-flash"
OFF = types.AutomaticFunctionCallingConfig(disable=True)
PLACEHOLDER = [types.Content(role="user", parts=[types.Part(text="x")])]


class Caller:
    """The SDK with a ready body, as the public `extra_body` sends it."""

    def __init__(self, sdk: genai.Client, upstream: FakeGemini, version: str = "v1beta") -> None:
        self.models = sdk.models
        self.base_url = upstream.base_url
        self.version = version

    def __call__(self, body: dict[str, Any] | None = None, name: str = FLASH) -> types.GenerateContentResponse:
        return self.models.generate_content(model=name, contents=PLACEHOLDER, config=self.config(body))

    def stream(self, body: dict[str, Any] | None = None, name: str = FLASH) -> Iterator[types.GenerateContentResponse]:
        return self.models.generate_content_stream(model=name, contents=PLACEHOLDER, config=self.config(body))

    def config(self, body: dict[str, Any] | None, **more: Any) -> types.GenerateContentConfig:
        options = self.options(body or contents(user()))
        return types.GenerateContentConfig(
            automatic_function_calling=OFF, automatic_continuation=False, http_options=options, **more
        )

    def options(self, body: dict[str, Any] | None = None) -> types.HttpOptions:
        return types.HttpOptions(base_url=self.base_url, api_version=self.version, extra_body=body)


def parts(response: types.GenerateContentResponse) -> list[types.Part]:
    assert response.candidates
    content = response.candidates[0].content
    return list((content and content.parts) or ())


def post(
    upstream: FakeGemini, transport: httpx2.Client, method: str, body: Any = None, **headers: str
) -> httpx2.Response:
    return transport.post(
        f"{upstream.base_url}/v1beta/models/{FLASH}:{method}",
        json=contents(user()) if body is None else body,
        headers={"x-goog-api-key": "good", **headers},
    )
