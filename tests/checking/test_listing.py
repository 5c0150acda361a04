"""What servers tell of their windows and names, each in the form of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from proxy.checking.listing import ListedModel, Listing, NotListed, Server, Window
from tests.fakes.server import Exchange, FakeServer, Raw, json_answer

Json = dict[str, Any]
MODEL = "qwen3:8b"


class Tells(FakeServer):
    """Answers each path with its JSON, and all others with 404."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__()
        self._answers = answers

    def answer(self, exchange: Exchange) -> Raw:
        if exchange.path not in self._answers or (exchange.path == "/api/show") != (exchange.method == "POST"):
            return json_answer({"error": "not found"}, 404)
        answer = self._answers[exchange.path]
        return answer if isinstance(answer, Raw) else json_answer(answer)


@contextmanager
def server(answers: dict[str, Any]) -> Iterator[Server]:
    with Tells(answers) as fake:
        yield Server(f"{fake.url}/v1", "/models", {}, is_custom=True)


def listed(**fields: Any) -> Json:
    return {"/v1/models": {"object": "list", "data": [{"id": "other"}, {"id": MODEL, **fields}]}}


@pytest.mark.parametrize(
    ("answers", "window"),
    [
        pytest.param(listed(max_model_len=32_768), Window(32_768), id="vLLM"),
        pytest.param(listed(context_length=131_072), Window(131_072), id="OpenRouter"),
        pytest.param(listed(context_window=131_072), Window(131_072), id="Groq"),
        pytest.param(
            {**listed(), "/props": {"default_generation_settings": {"n_ctx": 8192}}}, Window(8192), id="llama.cpp"
        ),
        pytest.param(
            {
                **listed(),
                "/api/ps": {"models": [{"name": MODEL, "context_length": 4096}]},
                "/api/show": {"model_info": {"qwen3.context_length": 40_960}},
            },
            Window(4096),
            id="Ollama, loaded",
        ),
        pytest.param(
            {
                **listed(),
                "/api/ps": {"models": []},
                "/api/show": {
                    "parameters": "temperature 0.6\nnum_ctx                        16384",
                    "model_info": {"qwen3.context_length": 40_960},
                },
            },
            Window(16_384),
            id="Ollama, by its Modelfile",
        ),
        pytest.param(
            {**listed(), "/api/show": {"model_info": {"general.name": "x", "qwen3.context_length": 40_960}}},
            Window(40_960, is_limit_only=True),
            id="Ollama, the model's own",
        ),
        pytest.param(
            {
                **listed(),
                "/api/v0/models": {
                    "data": [{"id": MODEL, "max_context_length": 131_072, "loaded_context_length": 8192}]
                },
            },
            Window(8192),
            id="LM Studio, loaded",
        ),
        pytest.param(
            {**listed(), "/api/v0/models": {"data": [{"id": MODEL, "max_context_length": 131_072}]}},
            Window(131_072, is_limit_only=True),
            id="LM Studio",
        ),
        pytest.param(listed(), None, id="silent"),
        pytest.param(
            {**listed(), "/props": [], "/api/ps": {"models": None}, "/api/show": "?", "/api/v0/models": {"data": [1]}},
            None,
            id="nonsense",
        ),
        pytest.param(listed(max_model_len="many"), None, id="no number"),
    ],
)
def test_window(answers: dict[str, Any], window: Window | None) -> None:
    with server(answers) as asked:
        assert Listing().window(asked, MODEL) == window


@pytest.mark.parametrize(
    ("answers", "models"),
    [
        (listed(max_model_len=10), [ListedModel("other"), ListedModel(MODEL, 10)]),
        ({"/v1/models": {}, "/api/tags": {"models": [{"name": MODEL}]}}, [ListedModel(MODEL)]),
        ({"/v1/models": [{"id": MODEL, "context_length": 5}]}, [ListedModel(MODEL, 5)]),
        ({"/v1/models": {"models": [{"name": "models/x", "inputTokenLimit": 7}]}}, [ListedModel("x", 7)]),
    ],
)
def test_names(answers: dict[str, Any], models: list[ListedModel]) -> None:
    with server(answers) as asked:
        assert Listing().models(asked) == models


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Raw([b"<html>"], 200, "text/html"), "did not answer with JSON"),
        (json_answer({}, 401), "answered 401"),
        (json_answer("x"), "gave no list"),
    ],
)
def test_no_list(answer: Raw, words: str) -> None:
    with server({"/v1/models": answer}) as asked, pytest.raises(NotListed, match=words):
        Listing().models(asked)


def test_nobody_there() -> None:
    with server({}) as asked:
        pass
    with pytest.raises(NotListed, match="cannot reach"):
        Listing().models(asked)


def test_no_key_is_shown() -> None:
    assert "canary" not in repr(Server("http://x", "/models", {"Authorization": "canary"}, True))
