"""What is learned from a server's refusals: the corrected request must be one that this server takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from proxy.models.routing import Route
from proxy.providers.openai.chat.reasoning_details import sealed
from proxy.providers.openai.errors import Failure, read_failure
from proxy.providers.openai.quirks import QuirkBook, Quirks, learn, told
from proxy.settings import custom_models
from tests.fakes.openai_quirks import QUIRKS
from tests.fakes.openai_refusal import Refusal
from tests.providers.openai.chat_pieces import ASKED
from tests.translation import (
    Json,
    asking,
    assistant,
    call,
    custom_route,
    image,
    refusal_of,
    result,
    route,
    system,
    thinking,
    tool,
    translate,
    user,
)

MOST_LESSONS = 4
"""As the client has it."""
TOOLS = {"tools": [tool("Read"), tool("Grep")]}
LOOP = [*ASKED, user(result("t1", [image()]), "b"), assistant(call("t2")), user(result("t2"))]
FULL = asking(user("a"), system("s"), *LOOP[1:], **TOOLS, system="s", temperature=0.5)
FORCED = {"tool_choice": {"type": "tool", "name": "Grep", "disable_parallel_tool_use": True}}
DETAILS = [{"type": "reasoning.text", "text": "cut", "format": "anthropic-claude-v1", "index": 0}]
DETAILED = asking(*ASKED[:1], assistant(thinking("cut", sealed(DETAILS, "local")), "b"), user("c"))
DEEPSEEK = {"thinking_style": "thinking", "efforts": ["low", "high", "max"]}
EFFORT = asking(output_config={"effort": "medium"})
OFF = asking(thinking={"type": "disabled"})
Server = Callable[[Json], Refusal | None]


def server(*quirks: str, window: int = 131_072) -> Server:
    return lambda body: refusal_of(body, route("local"), *quirks, window=window)


def learned(
    request: Json, asked: Server, quirks: Quirks | None = None, to: str | Route = "local"
) -> tuple[list[str], Json, Quirks]:
    """The lessons until the server takes the request, the request that it takes, and what is remembered."""
    lessons: list[str] = []
    quirks = quirks or Quirks()
    remembered = quirks
    while refused := asked(body := translate(request, to, quirks).body):
        failure = read_failure(refused.status, {}, json.dumps(refused.body).encode())
        lesson = learn(failure, body, quirks)
        assert lesson is not None, refused
        quirks = lesson.quirks
        remembered = quirks if lesson.lasting else remembered
        lessons.append(lesson.name)
        assert len(lessons) <= MOST_LESSONS, lessons
    return lessons, body, remembered


LESSONS: dict[str, tuple[Json, list[str]]] = {
    "copilot": (FULL, []),
    "dashscope": ({**FULL, "max_tokens": 64_000}, ["most_tokens"]),
    "glm": (FULL, []),
    "groq": (FULL, []),
    "kimi": (FULL, ["without temperature", "reasoning_content"]),
    "llamacpp_overflow": (FULL, []),
    "max_completion_tokens_unknown": (FULL, []),
    "max_tokens_unknown": (FULL, ["token_field"]),
    "mistral": (FULL, ["without stream_options", "short_call_ids", "answer_after_tools"]),
    "moonshot_schema": ({**FULL, "tools": [tool("Read", {"properties": {"a": {}}})]}, ["typed_schemas"]),
    "no_parallel_tool_calls": ({**FULL, **FORCED}, ["without parallel_tool_calls"]),
    "no_stream_options": (FULL, ["without stream_options"]),
    "openrouter": (DETAILED, ["no_reasoning_replay"]),
    "reasoning_content_required": (FULL, ["reasoning_content"]),
    "short_descriptions": ({**FULL, "tools": [{**tool(), "description": "x" * 2000}]}, ["short_descriptions"]),
    "stream_unverified": (FULL, ["no_streaming"]),
    "string_content": (FULL, ["no_images"]),
    "system_first": (FULL, []),
    "text_only": (FULL, ["no_images"]),
    "tool_choice_string": ({**FULL, **FORCED}, ["plain_tool_choice"]),
    "user_query": (asking(system("s")), []),
    "vllm_overflow": ({**FULL, "max_tokens": 131_000}, ["most_tokens"]),
    "vllm_system_first": (FULL, []),
}
"""Quirk of the fake -> a request that meets it, and what has to be learned (nothing: the first request is right)."""


def test_every_quirk_of_the_fake_has_a_case() -> None:
    assert LESSONS.keys() == QUIRKS.keys()


@pytest.mark.parametrize("quirk", LESSONS)
def test_lessons(quirk: str) -> None:
    """CASES-36, 37, 48 and all others that one corrected request can answer."""
    request, lessons = LESSONS[quirk]
    found, _, remembered = learned(request, server(quirk))
    assert found == lessons
    if remembered != Quirks() or not lessons:
        assert learned(request, server(quirk), remembered)[0] == []  # and the next request is right at once


@pytest.mark.parametrize(
    ("quirk", "entry", "request_", "lessons", "left"),
    [
        ("mistral", {}, asking(user("a"), assistant("b")), ["without stream_options", "prefix"], {}),
        ("kimi", DEEPSEEK, EFFORT, ["without reasoning_effort"], {"thinking": {"type": "enabled"}}),
        ("kimi", {"thinking_style": "thinking"}, EFFORT, [], {"thinking": {"type": "enabled"}}),
        ("glm", DEEPSEEK, EFFORT, [], {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("glm", DEEPSEEK, OFF, ["without thinking"], {}),
        ("glm", {"efforts": ["medium"]}, EFFORT, ["without reasoning_effort"], {}),
        ("groq", {"efforts": ["low", "high"]}, EFFORT, [], {"reasoning_effort": "high"}),
        ("groq", {}, DETAILED, ["no_reasoning_replay"], {}),
    ],
)
def test_lessons_of_servers_with_an_entry(
    quirk: str, entry: Json, request_: Json, lessons: list[str], left: Json
) -> None:
    """CASES-19, 41: an answer that the client has begun, and how much to think."""
    found, body, _ = learned(request_, server(quirk), to=custom_route(**entry))
    assert found == lessons
    assert {name: body[name] for name in ("reasoning_effort", "thinking") if name in body} == left
    assert body["messages"][-1].get("prefix", False) is ("prefix" in lessons)


def test_limits_that_depend_on_the_prompt_are_not_remembered() -> None:
    """CASES-79"""
    _, body, remembered = learned({**FULL, "max_tokens": 131_000}, server("vllm_overflow"))
    assert 129_000 < body["max_tokens"] < 131_000
    assert remembered == Quirks()


def counts_no_further(window: int, prompt: int) -> Server:
    """vLLM of 2026: what does not fit beside the wanted output is not counted."""

    def refusal(body: Json) -> Refusal | None:
        wanted = body["max_tokens"]
        if prompt + wanted <= window:
            return None
        text = (
            f"This model's maximum context length is {window} tokens. However, you requested {wanted} output tokens "
            f"and your prompt contains at least {window - wanted + 1} input tokens, for a total of at least "
            f"{window + 1} tokens. (parameter=input_tokens, value={window - wanted + 1})"
        )
        return Refusal(
            400, {"error": {"message": text, "type": "BadRequestError", "param": "input_tokens", "code": 400}}
        )

    return refusal


@pytest.mark.parametrize(("prompt", "tries"), [(20_000, 0), (50_000, 1), (62_000, 2), (63_500, 3)])
def test_servers_that_count_no_further(prompt: int, tries: int) -> None:
    """CASES-79: their number of prompt tokens says nothing, so the output shrinks in large steps."""
    request = asking(max_tokens=32_000)
    lessons, body, remembered = learned(request, counts_no_further(64_000, prompt))
    assert lessons == ["most_tokens"] * tries
    assert body["max_tokens"] == 32_000 // 4**tries
    assert remembered == Quirks()


def test_a_prompt_that_fills_the_window_teaches_nothing() -> None:
    refusal = counts_no_further(64_000, 80_000)({"max_tokens": 800})
    assert refusal is not None
    assert learn(read_failure(400, {}, json.dumps(refusal.body).encode()), {"max_tokens": 800}, Quirks()) is None


BODY: Json = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "max_completion_tokens": 64_000,
    "reasoning_effort": "high",
    "temperature": 0.5,
    "top_p": 0.9,
    "stream": True,
    "stream_options": {"include_usage": True},
    "tools": [],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {},
    "prompt_cache_key": "k",
    "safety_identifier": "s",
}


def without(name: str) -> tuple[str, Quirks]:
    return f"without {name}", Quirks(refused=frozenset([name]))


UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."
TEXTS: list[Any] = [
    pytest.param(
        "Unsupported value: 'temperature' does not support 0.1 with this model. Only the default (1) value is "
        "supported.",
        without("temperature"),
        id="CASES-37 temperature (griptape#1915)",
    ),
    pytest.param(UNSUPPORTED.format("top_p"), without("top_p"), id="CASES-37 top_p (lobehub#7747)"),
    pytest.param(UNSUPPORTED.format("parallel_tool_calls"), without("parallel_tool_calls"), id="CASES-35 o-series"),
    pytest.param(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ("token_field", Quirks(token_field="max_completion_tokens")),
        id="CASES-36 max_tokens (YPrompt#26)",
    ),
    pytest.param(
        "Unrecognized request argument supplied: max_completion_tokens",
        ("token_field", Quirks(token_field="max_tokens")),
        id="CASES-36 max_completion_tokens",
    ),
    pytest.param(
        "max_tokens is too large: 64000. This model supports at most 16384 completion tokens, whereas you "
        "provided 64000.",
        ("most_tokens", Quirks(most_tokens=16_384)),
        id="CASES-38 above the limit",
    ),
    pytest.param(
        "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
        ("most_tokens", Quirks(most_tokens=8192)),
        id="CASES-38 DashScope",
    ),
    pytest.param(
        "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: "
        "'none', 'low', 'medium', and 'high'.",
        ("efforts", Quirks(efforts=("none", "low", "medium", "high"))),
        id="CASES-41 effort",
    ),
    pytest.param(
        "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions. To use "
        "function tools, use /v1/responses or set reasoning_effort to 'none'.",
        ("api", Quirks(api="responses")),
        id="CASES-34 gpt-5.6 (webmcp-tools#417)",
    ),
    pytest.param(
        "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use "
        "/v1/responses instead.",
        ("api", Quirks(api="responses")),
        id="CASES-34 gpt-5.4 (pipecat#4043)",
    ),
    pytest.param(
        "cannot specify both 'thinking' and 'reasoning_effort'", without("reasoning_effort"), id="CASES-41 Kimi"
    ),
    pytest.param(
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        ("reasoning_content", Quirks(reasoning_content=True)),
        id="CASES-48 DeepSeek",
    ),
    pytest.param(
        "Missing `reasoning_content` field in the assistant message at message index 2",
        ("reasoning_content", Quirks(reasoning_content=True)),
        id="CASES-48 DeepSeek, older",
    ),
    pytest.param(
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
        ("reasoning_content", Quirks(reasoning_content=True)),
        id="CASES-48 Kimi",
    ),
    pytest.param(
        "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
        ("short_call_ids", Quirks(short_call_ids=True)),
        id="Mistral ids",
    ),
    pytest.param(
        "Unexpected role 'user' after role 'tool'",
        ("answer_after_tools", Quirks(answer_after_tools=True)),
        id="Mistral order",
    ),
    pytest.param(
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
        ("prefix", Quirks(prefix=True)),
        id="Mistral prefill",
    ),
    pytest.param(
        "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
        ("plain_tool_choice", Quirks(plain_tool_choice=True)),
        id="LM Studio",
    ),
    pytest.param(
        "Invalid 'tools[13].function.description': string too long. Expected a string with maximum length 1024, but "
        "got a string with length 18780 instead.",
        ("short_descriptions", Quirks(short_descriptions=True)),
        id="Azure descriptions",
    ),
    pytest.param(
        "Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings",
        ("no_streaming", Quirks(no_streaming=True)),
        id="unverified organization",
    ),
    *(
        pytest.param(text, ("no_images", Quirks(no_images=True)), id=f"CASES-14 {who}")
        for who, text in {
            "OpenAI": "Invalid content type. image_url is only supported by certain models.",
            "DeepSeek": "messages[1]: unknown variant `image_url`, expected `text` at line 1 column 1024",
            "DeepSeek, older": "messages[1]: invalid type: sequence, expected a string at line 1 column 1024",
            "vLLM": "At most 0 image(s) may be provided in one request.",
            "vLLM, text model": "Qwen/Qwen3-8B is not a multimodal model",
            "llama.cpp": "image input is not supported - hint: you may need to provide the mmproj",
            "OpenRouter": "No endpoints found that support image input",
        }.items()
    ),
    *(
        pytest.param(f"Unrecognized request argument supplied: {name}", without(name), id=f"unknown {name}")
        for name in ("stream_options", "tool_choice", "response_format", "prompt_cache_key", "safety_identifier")
    ),
]


WRONG_API = {
    "codex": "This model is only supported in v1/responses and not in v1/chat/completions.",
    "pro": "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use "
    "v1/completions?",
    "Copilot": "model gpt-5.3-codex is not accessible via the /chat/completions endpoint",
}
TEXTS += [
    pytest.param(text, ("api", Quirks(api="responses")), id=f"wrong API: {who}") for who, text in WRONG_API.items()
]


def test_where_the_api_is_settled_reasoning_is_switched_off() -> None:
    """CASES-34"""
    text = "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions."
    found = learn(Failure(400, text), BODY, Quirks(api="chat"))
    assert found is not None
    assert found.quirks == Quirks(api="chat", efforts=("none",))


@pytest.mark.parametrize(("text", "lesson"), TEXTS)
def test_servers_own_words(text: str, lesson: tuple[str, Quirks]) -> None:
    found = learn(Failure(400, text), BODY, Quirks())
    assert found is not None
    assert (found.name, found.quirks) == lesson
    assert found.lasting
    again = learn(Failure(400, text), BODY, found.quirks)
    assert again is None or again.quirks != found.quirks


def test_the_parameter_may_be_named_beside_the_text() -> None:
    found = learn(Failure(400, "Unsupported value", param="temperature"), BODY, Quirks())
    assert found is not None
    assert found.quirks.refused == {"temperature"}


def test_lessons_add_up() -> None:
    known = Quirks(refused=frozenset(["stream_options"]), short_call_ids=True)
    found = learn(Failure(400, UNSUPPORTED.format("temperature")), BODY, known)
    assert found is not None
    assert found.quirks == Quirks(refused=frozenset(["stream_options", "temperature"]), short_call_ids=True)


@pytest.mark.parametrize(
    "failure",
    [
        Failure(400, "Invalid 'messages[3].content'"),
        Failure(400, ""),
        Failure(400, "prompt is too long"),
        Failure(400, UNSUPPORTED.format("model")),
        Failure(400, UNSUPPORTED.format("messages")),
        Failure(400, "Unsupported parameter: 'my_temperature_unit'"),
        Failure(401, UNSUPPORTED.format("temperature")),
        Failure(429, "Rate limit reached: temperature is not supported"),
        Failure(500, "stream_options is not supported"),
        Failure(404, "The model `temperature` does not exist, unknown"),
        Failure(
            400, "This model's maximum context length is 8192 tokens. However, you requested 9256 tokens (9064 in the "
            "messages, 192 in the completion)."
        ),
        Failure(400, "You uploaded an unsupported image. Please make sure your image has of one the following formats"),
    ],
    ids=lambda failure: f"{failure.status} {failure.message[:30]}",
)  # fmt: skip
def test_nothing_to_learn(failure: Failure) -> None:
    assert learn(failure, BODY, Quirks()) is None


def test_a_field_that_was_not_sent_is_not_to_blame() -> None:
    body = {"model": "m", "messages": [], "max_tokens": 5}
    for name in ("temperature", "reasoning_effort", "stream_options", "max_completion_tokens"):
        assert learn(Failure(400, UNSUPPORTED.format(name)), body, Quirks()) is None


def test_the_book_keeps_servers_and_models_apart() -> None:
    book = QuirkBook()
    known = Quirks(no_images=True)
    book.remember("http://a.test/v1", "m", known)
    assert book.get("http://a.test/v1", "m") == known
    assert book.get("http://a.test/v1", "n") is None
    assert book.get("http://b.test/v1", "m") is None


@pytest.mark.parametrize("name", custom_models.QUIRKS)
def test_every_quirk_can_be_told_in_advance(name: str) -> None:
    quirks = told([name])
    assert getattr(quirks, name, None) is True or quirks.refused == {name.removeprefix("without_")}
    assert quirks != Quirks()
