from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from google import genai
from google.genai import types

from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.caller import Caller


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def upstream() -> Iterator[FakeGemini]:
    with FakeGemini(keys={"good"}) as fake:
        yield fake


@pytest.fixture(scope="module")
def sdk(transport: httpx2.Client) -> genai.Client:
    # One for all: each loads the certificates of the world anew.
    return genai.Client(api_key="good", vertexai=False, http_options=types.HttpOptions(httpx_client=transport))


@pytest.fixture
def caller(sdk: genai.Client, upstream: FakeGemini) -> Caller:
    return Caller(sdk, upstream)
