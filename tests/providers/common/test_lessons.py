"""Servers' own words, one by one, and the one thing that each teaches."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.models.habits import SETTABLE, HabitBook, Habits, Lesson, from_names
from proxy.providers.common.failures import Failure
from proxy.providers.common.learning import learn

Json = dict[str, Any]
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


def without(name: str) -> tuple[str, Habits]:
    return f"without {name}", Habits(refused=frozenset([name]))


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
        ("token_field", Habits(token_field="max_completion_tokens")),
        id="CASES-36 max_tokens (YPrompt#26)",
    ),
    pytest.param(
        "Unrecognized request argument supplied: max_completion_tokens",
        ("token_field", Habits(token_field="max_tokens")),
        id="CASES-36 max_completion_tokens",
    ),
    pytest.param(
        "max_tokens is too large: 64000. This model supports at most 16384 completion tokens, whereas you "
        "provided 64000.",
        ("output_limit", Habits(output_limit=16_384)),
        id="CASES-38 above the limit",
    ),
    pytest.param(
        "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
        ("output_limit", Habits(output_limit=8192)),
        id="CASES-38 DashScope",
    ),
    pytest.param(
        "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: "
        "'none', 'low', 'medium', and 'high'.",
        ("efforts", Habits(efforts=("none", "low", "medium", "high"))),
        id="CASES-41 effort",
    ),
    pytest.param(
        "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions. To use "
        "function tools, use /v1/responses or set reasoning_effort to 'none'.",
        ("api", Habits(api="responses")),
        id="CASES-34 gpt-5.6 (webmcp-tools#417)",
    ),
    pytest.param(
        "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use "
        "/v1/responses instead.",
        ("api", Habits(api="responses")),
        id="CASES-34 gpt-5.4 (pipecat#4043)",
    ),
    pytest.param(
        "cannot specify both 'thinking' and 'reasoning_effort'", without("reasoning_effort"), id="CASES-41 Kimi"
    ),
    pytest.param(
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        ("reasoning_content", Habits(reasoning_content=True)),
        id="CASES-48 DeepSeek",
    ),
    pytest.param(
        "Missing `reasoning_content` field in the assistant message at message index 2",
        ("reasoning_content", Habits(reasoning_content=True)),
        id="CASES-48 DeepSeek, older",
    ),
    pytest.param(
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
        ("reasoning_content", Habits(reasoning_content=True)),
        id="CASES-48 Kimi",
    ),
    pytest.param(
        "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
        ("short_call_ids", Habits(short_call_ids=True)),
        id="Mistral ids",
    ),
    pytest.param(
        "Unexpected role 'user' after role 'tool'",
        ("answer_after_tools", Habits(answer_after_tools=True)),
        id="Mistral order",
    ),
    pytest.param(
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
        ("prefix", Habits(prefix=True)),
        id="Mistral prefill",
    ),
    pytest.param(
        "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
        ("plain_tool_choice", Habits(plain_tool_choice=True)),
        id="LM Studio",
    ),
    pytest.param(
        "Invalid 'tools[13].function.description': string too long. Expected a string with maximum length 1024, but "
        "got a string with length 18780 instead.",
        ("short_descriptions", Habits(short_descriptions=True)),
        id="Azure descriptions",
    ),
    pytest.param(
        "Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings",
        ("no_streaming", Habits(no_streaming=True)),
        id="unverified organization",
    ),
    *(
        pytest.param(text, ("no_images", Habits(no_images=True)), id=f"CASES-14 {who}")
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
    pytest.param(text, ("api", Habits(api="responses")), id=f"wrong API: {who}") for who, text in WRONG_API.items()
]


@pytest.mark.parametrize(
    ("said", "other_api"), [("Not Found", True), ("The model `m` does not exist", False), ("Invalid model: m", False)]
)
def test_a_missing_model_is_no_missing_api(said: str, other_api: bool) -> None:
    """The other API would have to be asked in vain, for as long as the proxy runs."""
    found = learn(Failure(404, said), {"model": "m", "input": []}, Habits())
    assert (found is not None) is other_api


def test_where_the_api_is_settled_reasoning_is_switched_off() -> None:
    """CASES-34"""
    text = "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions."
    found = learn(Failure(400, text), BODY, Habits(api="chat"))
    assert found is not None
    assert found.applied(Habits(api="chat")) == Habits(api="chat", efforts=("none",))


@pytest.mark.parametrize(("text", "lesson"), TEXTS)
def test_servers_own_words(text: str, lesson: tuple[str, Habits]) -> None:
    found = learn(Failure(400, text), BODY, Habits())
    assert found is not None
    assert (found.name, found.applied(Habits())) == lesson
    assert found.lasting
    known = found.applied(Habits())
    again = learn(Failure(400, text), BODY, known)
    assert again is None or again.applied(known) != known


def test_the_parameter_may_be_named_beside_the_text() -> None:
    found = learn(Failure(400, "Unsupported value", param="temperature"), BODY, Habits())
    assert found is not None
    assert found.applied(Habits()).refused == {"temperature"}


def test_lessons_add_up() -> None:
    known = Habits(refused=frozenset(["stream_options"]), short_call_ids=True)
    found = learn(Failure(400, UNSUPPORTED.format("temperature")), BODY, known)
    assert found is not None
    assert found.applied(known) == Habits(refused=frozenset(["stream_options", "temperature"]), short_call_ids=True)


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
    assert learn(failure, BODY, Habits()) is None


def test_a_field_that_was_not_sent_is_not_to_blame() -> None:
    body = {"model": "m", "messages": [], "max_tokens": 5}
    for name in ("temperature", "reasoning_effort", "stream_options", "max_completion_tokens"):
        assert learn(Failure(400, UNSUPPORTED.format(name)), body, Habits()) is None


def test_the_book_keeps_servers_and_models_apart() -> None:
    book = HabitBook()
    book.learn("http://a.test/v1", "m", Lesson("no_images", {"no_images": True}), Habits(prefix=True))
    assert book.get("http://a.test/v1", "m") == Habits(no_images=True, prefix=True)
    assert book.get("http://a.test/v1", "n") is None
    assert book.get("http://b.test/v1", "m") is None


@pytest.mark.parametrize("name", SETTABLE)
def test_every_habit_can_be_set_in_advance(name: str) -> None:
    habits = from_names([name])
    assert getattr(habits, name, None) is True or habits.refused == {name.removeprefix("without_")}
    assert habits != Habits()


WINDOW = "This model's maximum context length is 65536 tokens. You requested 65536 output tokens and your prompt "
ROOMS = [
    pytest.param(
        "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of "
        "147000.0 tokens: 130616 tokens from the input messages and 16384.0 tokens for the completion.",
        456,
        id="sglang's form, as floats",
    ),
    pytest.param(
        "AiError: Ai: The estimated number of input and maximum output tokens (65000) exceeded this model context "
        "window limit (24000).",
        23_000,
        id="only the sum is reported: what was requested is known",
    ),
    pytest.param(WINDOW + "contains 77409 characters.", 16_384, id="vLLM counts characters only: a quarter"),
    pytest.param(WINDOW + "contains at least 1 input tokens.", 16_384, id="vLLM stops counting: a quarter"),
    pytest.param(
        "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only "
        "afford 3312.",
        3312,
        id="what the money still buys",
    ),
    pytest.param(WINDOW + "contains 65500 input tokens.", None, id="too little room for an answer"),
    pytest.param("The prompt is too long: 40177, model maximum context length: 32767", None, id="no output named"),
    pytest.param(
        "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only "
        "afford 0.",
        None,
        id="no money at all",
    ),
]


@pytest.mark.parametrize(("text", "room"), ROOMS)
def test_room_beside_a_prompt_is_for_this_request_only(text: str, room: int | None) -> None:
    found = learn(Failure(402 if "afford" in text else 400, text), BODY, Habits())
    assert (found and (found.changes, found.lasting)) == (room and ({"output_limit": room}, False))


PICTURES: Json = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}


def test_one_bad_picture_does_not_blind_the_model_for_good() -> None:
    bad = Failure(400, "The request failed because the image format is not supported by the API.", param="image_url")
    found = learn(bad, PICTURES, Habits())
    assert found == Lesson("no_images", {"no_images": True}, lasting=False)
    assert learn(bad, BODY, Habits()) is None  # there is none to leave out


def test_a_botched_call_is_asked_for_again_and_changes_nothing() -> None:
    found = learn(Failure(400, "Failed to call a function.", "tool_use_failed"), BODY, Habits())
    assert found == Lesson("botched call", {}, lasting=False, repeat=True)
    assert found.applied(Habits()) == Habits()


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_free_tool_choice_is_not_to_blame(choice: str | None) -> None:
    body = {**BODY, "tool_choice": choice} if choice else {name: BODY[name] for name in BODY if name != "tool_choice"}
    refused = Failure(400, "tool_choice 'specified' is incompatible with thinking enabled")
    found = learn(refused, body, Habits())
    assert found is None or found.name != "auto_tool_choice"


def test_the_answers_schema_is_called_text_on_the_responses_api() -> None:
    body = {"input": [], "text": {"format": {"type": "json_schema"}}}
    found = learn(Failure(400, "This response_format type is unavailable now"), body, Habits())
    assert found == Lesson("without text", {"refused": frozenset({"text"})})
    assert learn(Failure(400, "response_format is unavailable"), {"input": [], "text": {}}, Habits()) is None
