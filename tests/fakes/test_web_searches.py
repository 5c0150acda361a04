"""Web search as the fakes of OpenAI and Google play it, seen through the vendors' own SDKs."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx2
import openai
import pytest
from google import genai
from google.genai import types
from openai.types.responses import ResponseFunctionWebSearch, ResponseOutputMessage, ResponseOutputText
from openai.types.responses.response_function_web_search import ActionSearch
from openai.types.responses.response_output_text import AnnotationURLCitation

from tests.fakes.gemini import models as gemini_models
from tests.fakes.gemini import rules as gemini_rules
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.replies import Grounding
from tests.fakes.gemini.replies import Text as GeminiText
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, WebSearch
from tests.fakes.refusal import Refused

URL = "https://a.test/moon"
SAID = f"It is full ([a.test]({URL}))."


@pytest.mark.parametrize("include", [["web_search_call.action.sources"], None])
def test_openai(include: Any) -> None:
    with FakeOpenAI() as upstream, httpx2.Client(trust_env=False) as http:
        client = openai.OpenAI(base_url=upstream.base_url, api_key="sk-test", max_retries=0, http_client=http)
        upstream.reply(WebSearch("moon", (URL,)), Text(SAID, {URL: "The Moon"}))
        with client.responses.stream(
            model="gpt-5", input="hi", tools=[{"type": "web_search"}], include=include or openai.omit
        ) as stream:
            kinds = [event.type for event in stream]
            answer = stream.get_final_response()
    call, message = answer.output
    assert isinstance(call, ResponseFunctionWebSearch)
    assert isinstance(call.action, ActionSearch)
    assert call.action.query == "moon"
    assert [source.url for source in call.action.sources or ()] == ([URL] if include else [])
    assert isinstance(message, ResponseOutputMessage)
    (part,) = message.content
    assert isinstance(part, ResponseOutputText)
    (cited,) = part.annotations
    assert isinstance(cited, AnnotationURLCitation)
    assert SAID[cited.start_index : cited.end_index] == f"[a.test]({URL})"
    assert "response.output_text.annotation.added" in kinds
    assert kinds.index("response.web_search_call.searching") < kinds.index("response.web_search_call.completed")


@pytest.mark.parametrize("streamed", [True, False])
def test_gemini(streamed: bool) -> None:
    with FakeGemini() as upstream, httpx2.Client(trust_env=False) as http:
        options = types.HttpOptions(base_url=upstream.base_url, httpx_client=http)
        client = genai.Client(api_key="k", http_options=options)
        config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
        upstream.reply(
            GeminiText("Voilà, c'est plein."), Grounding(("lune",), (("A", URL),), (("c'est plein.", (0,)),))
        )
        asked: Any = {"model": "gemini-3.8-flash", "contents": "hi", "config": config}
        answers = (
            list(client.models.generate_content_stream(**asked))
            if streamed
            else [client.models.generate_content(**asked)]
        )
    candidates = [candidate for each in answers for candidate in each.candidates or ()]
    (told,) = [each.grounding_metadata for each in candidates if each.grounding_metadata]
    assert told.web_search_queries == ["lune"]
    assert [chunk.web.title for chunk in told.grounding_chunks or () if chunk.web] == ["A"]
    (support,) = told.grounding_supports or []
    assert support.segment is not None
    said = "Voilà, c'est plein.".encode()
    assert said[support.segment.start_index : support.segment.end_index].decode() == support.segment.text


@pytest.mark.parametrize(
    ("model", "config", "refused"),
    [
        ("gemini-2.5-flash", {"responseMimeType": "application/json"}, True),
        ("gemini-3.8-flash", {"responseMimeType": "application/json"}, False),
    ],
)
def test_gemini_with_json(model: str, config: dict[str, Any], refused: bool) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "a"}]}], "tools": [{"googleSearch": {}}]}
    rules = gemini_models.find(gemini_models.MODELS, model)
    assert rules is not None
    with pytest.raises(Refused) if refused else contextlib.nullcontext():
        gemini_rules.check({**body, "generationConfig": config}, rules, stream=True, deadline=None)
