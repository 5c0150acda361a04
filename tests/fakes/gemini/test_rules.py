"""What the fake Gemini refuses of a request's form, parameters and parts, what it takes, and which models it knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.gemini.bodies import (
    answer,
    call,
    calling,
    config,
    contents,
    function,
    media,
    model,
    schema,
    text,
    thinking,
    tools,
    user,
)
from tests.fakes.gemini.models import MODELS, find
from tests.fakes.gemini.rules import count, estimate_tokens, refusal
from tests.fakes.refusal import Refused

FLASH25, FLASH3, FLASH38, ARGON = "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash", "gemini-4-argon"


def refused(name: str, more: dict[str, Any], **options: Any) -> str | None:
    rules = find(MODELS, name)
    assert rules is not None
    found = refusal({**contents(user()), **more}, rules, **options)
    return found.message if found else None


# what is in the body, the whole of the first line of the message
FORM: list[tuple[dict[str, Any], str]] = [
    ({"foo": 1}, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
    ({"stream": True}, 'Invalid JSON payload received. Unknown name "stream": Cannot find field.'),
    (
        contents(user(text(cache_control={"type": "ephemeral"}))),
        "Invalid JSON payload received. Unknown name \"cache_control\" at 'contents[0].parts[0]': Cannot find field.",
    ),
    (
        tools(function(strict=True)),
        "Invalid JSON payload received. Unknown name \"strict\" at 'tools[0].function_declarations[0]': "
        "Cannot find field.",
    ),
    (
        tools(function(input_schema={})),
        "Invalid JSON payload received. Unknown name \"input_schema\" at 'tools[0].function_declarations[0]': "
        "Cannot find field.",
    ),
    (
        config(max_tokens=5),
        "Invalid JSON payload received. Unknown name \"max_tokens\" at 'generation_config': Cannot find field.",
    ),
    (
        tools(toolConfig={"functionCallingConfig": {"mode": "AUTO", "streamFunctionCallArguments": True}}),
        'Invalid JSON payload received. Unknown name "streamFunctionCallArguments" at '
        "'tool_config.function_calling_config': Cannot find field.",
    ),
    (contents(user({"text": 5})), "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"),
    (config(maxOutputTokens=1.5), "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 1.5"),
    (config(temperature=True), "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), true"),
    (config(topP="hot"), "Invalid value at 'generation_config.top_p' (TYPE_FLOAT), \"hot\""),
    ({"store": "no"}, "Invalid value at 'store' (TYPE_BOOL), \"no\""),
    (
        config(temperature=[1]),
        "Invalid JSON payload received. Unknown name \"temperature\" at 'generation_config': Proto field is not "
        "repeating, cannot start list.",
    ),
    (
        tools(toolConfig=calling("REQUIRED")),
        "Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/"
        'google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode), "REQUIRED"',
    ),
    (
        contents(user(), model(call()), user(answer(response="done"))),
        "Invalid value at 'contents[2].parts[0].function_response.response' "
        '(type.googleapis.com/google.protobuf.Struct), "done"',
    ),
    (
        contents(user(), model({"functionCall": {"name": "Read", "args": []}})),
        "Invalid JSON payload received. Unknown name \"args\" at 'contents[1].parts[0].function_call': Proto field is "
        "not repeating, cannot start list.",
    ),
    (
        contents(user(media(data="%"))),
        "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"%\"",
    ),
    (
        contents(user({"inlineData": {"mimeType": "image/png", "data": 5}})),
        "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), 5",
    ),
    (
        contents(user({**text(), **media()})),
        "Invalid value at 'contents[0].parts[0]' (oneof), oneof field 'data' is already set. Cannot set 'inlineData'",
    ),
    (
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_SOME"}]},
        "Invalid value at 'safety_settings[0].threshold' (type.googleapis.com/"
        'google.ai.generativelanguage.v1beta.SafetySetting.HarmBlockThreshold), "BLOCK_SOME"',
    ),
]


@pytest.mark.parametrize(("more", "message"), FORM)
def test_form_is_refused_whatever_the_model(more: dict[str, Any], message: str) -> None:
    for name in (FLASH25, FLASH38, "gemini-9"):
        assert refused(name, more) == message


def test_all_mismatches_are_told_at_once_with_their_paths() -> None:
    found = refusal({"foo": 1, "bar": 2, **contents(user({"type": "text", "text": "x"}))}, MODELS[FLASH38])
    assert found is not None
    assert found.message.count("Cannot find field.") == 3
    violations = found.body["error"]["details"][0]["fieldViolations"]
    assert [violation.get("field") for violation in violations] == [None, None, "contents[0].parts[0]"]


TAKEN_FORMS: list[dict[str, Any]] = [
    {"store": False, "serviceTier": "flex", "labels": {"a": "b"}, "system_instruction": {"parts": text("be brief")}},
    {"contents": {"parts": {"text": "one object is as good as a list"}}},
    {"generation_config": {"max_output_tokens": 40.0, "stop_sequences": ["x"], "seed": "7"}},
    contents(user(media(data="__79"), media(data="//79"), media(data="_-8"))),
    {"toolConfig": None, "tools": None, "generationConfig": {"thinkingConfig": None}},
    contents(user(text("")), user(), user(text("x"))),
    contents(model(), user()),
    {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]},
    tools(toolConfig=calling("auto")),
    contents(user({"fileData": {"fileUri": "https://example.com/a.pdf", "mimeType": "application/pdf"}})),
    contents(user(media("audio/wav"), media("application/pdf"), media("image/heic"), media("text/plain"))),
    contents(user(), model(text("hm", thought=True), text("ok", thoughtSignature="AAAA")), user()),
]


@pytest.mark.parametrize("more", TAKEN_FORMS)
def test_forms_taken_by_every_model(more: dict[str, Any]) -> None:
    assert {refused(name, more) for name in (*MODELS, "gemini-9", "gemini-flash-latest")} == {None}


# model, what is in the body, a piece of the message
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (FLASH38, contents(), "* GenerateContentRequest.contents: contents is not specified"),
    (FLASH38, contents({"role": "user", "parts": []}), "contents[0].parts: contents.parts must not be empty."),
    (FLASH38, contents(user(), {"role": "user"}), "contents[1].parts: contents.parts must not be empty."),
    (
        FLASH38,
        contents(user(text(), {})),
        "* GenerateContentRequest.contents[0].parts[1].data: required oneof field 'data' must have one initialized",
    ),
    (FLASH38, contents(user(), model({"thought": True, "thoughtSignature": "AAAA"})), "contents[1].parts[0].data:"),
    (FLASH38, contents({"role": "system", "parts": [text()]}), "Please use a valid role: user, model."),
    (FLASH38, contents({"role": "assistant", "parts": [text()]}), "Please use a valid role: user, model."),
    (FLASH38, {"systemInstruction": {"parts": []}}, "system_instruction.parts: contents.parts must not be empty."),
    (FLASH38, {"systemInstruction": {"parts": [{}]}}, "system_instruction.parts[0].data: required oneof"),
    (FLASH38, {"systemInstruction": {"parts": [media()]}}, "system_instruction.parts: only text"),
    (FLASH38, contents(user(media("image/gif"))), "Unsupported MIME type: image/gif"),
    (FLASH25, contents(user(media("image/jpg"))), "Unsupported MIME type: image/jpg"),
    (FLASH38, contents(user({"inlineData": {"mimeType": "image/png"}})), "inline_data.data: must not be empty"),
    (FLASH38, contents(user({"fileData": {"fileUri": "file:///a.png"}})), "Cannot fetch content from the provided"),
    # parameters
    (FLASH25, config(maxOutputTokens=0), "a maxOutputTokens value of 0 but the supported range is from 1 (inclusive)"),
    (ARGON, config(maxOutputTokens=65_537), "from 1 (inclusive) to 65537 (exclusive)"),
    (FLASH38, config(stopSequences=list("abcdef")), "the number of stop_sequences must not exceed 5"),
    (FLASH38, config(stopSequences=["a", ""]), "generation_config.stop_sequences[1]: cannot be empty"),
    (FLASH25, config(temperature=2.5), "generation_config.temperature: must be in the range [0, 2]"),
    (FLASH3, config(topP=1.1), "generation_config.top_p: must be in the range [0, 1]"),
    (FLASH25, config(topK=0), "generation_config.top_k: must be in the range"),
    ("gemini-3.6-flash", config(temperature=1), "temperature is not supported for this model."),
    ("gemini-3.5-flash-lite", config(topK=5), "top_k is not supported for this model."),
    (ARGON, config(topP=0.9), "top_p is not supported for this model."),
    ("gemini-9", config(temperature=0), "temperature is not supported for this model."),
    (FLASH3, config(candidateCount=2), "Multiple candidates is not enabled for this model"),
    (FLASH25, config(candidateCount=0), "Multiple candidates is not enabled for this model"),
    (FLASH25, config(presencePenalty=0.5), "Penalty is not enabled for this model"),
    (ARGON, config(frequencyPenalty=0.5), "Penalty is not enabled for this model"),
    # thinking
    (FLASH3, thinking(thinkingLevel="LOW", thinkingBudget=5), "You can only set only one of thinking budget and"),
    (FLASH25, thinking(thinkingLevel="LOW"), "Thinking level is not supported for this model."),
    ("gemini-3.1-pro-preview", thinking(thinkingLevel="MINIMAL"), "Thinking level MINIMAL is not supported for this"),
    (FLASH38, thinking(thinkingLevel="MINIMAL"), "Thinking level MINIMAL is not supported"),
    (ARGON, thinking(thinkingLevel="XHIGH"), "Thinking level XHIGH is not supported"),
    ("gemini-9", thinking(thinkingLevel="MINIMAL"), "Thinking level MINIMAL is not supported"),
    ("gemini-4-neon", thinking(thinkingBudget=1024), "Thinking budget is not supported for this model."),
    ("gemini-9", thinking(thinkingBudget=0), "Thinking budget is not supported for this model."),
    ("gemini-2.5-pro", thinking(thinkingBudget=0), "Budget 0 is invalid. This model only works in thinking mode."),
    (FLASH38, thinking(thinkingBudget=0), "Budget 0 is invalid. This model only works in thinking mode."),
    (
        "gemini-2.5-pro",
        thinking(thinkingBudget=100),
        "The thinking budget 100 is invalid. Please choose a value between 128 and 32768.",
    ),
    (FLASH25, thinking(thinkingBudget=24_577), "The thinking budget 24577 is invalid."),
    ("gemini-2.5-flash-lite", thinking(thinkingBudget=511), "Please choose a value between 512 and 24576."),
    (FLASH25, thinking(thinkingBudget=-2), "The thinking budget -2 is invalid."),
    ("gemini-2.5-flash-image", thinking(includeThoughts=False), "Thinking is not enabled for models/gemini-2.5-flash"),
    # structured output
    (
        FLASH38,
        config(responseMimeType="application/json", responseSchema={"type": "STRING"}, responseJsonSchema={}),
        "only one of response_schema and response_json_schema",
    ),
    (FLASH38, config(responseJsonSchema={"type": "object"}), "response_json_schema: only allowed with a response_mime"),
    (
        FLASH25,
        {**tools(), **config(responseMimeType="application/json")},
        "Function calling with a response mime type: 'application/json' is unsupported",
    ),
    (
        FLASH38,
        config(responseMimeType="application/json", responseSchema=schema(a={"type": "OBJECT"})),
        "generation_config.response_schema.properties[a].properties: should be non-empty for OBJECT type",
    ),
    (
        FLASH38,
        config(responseMimeType="application/json", responseJsonSchema={"enum": ["x" * 2_001]}),
        "The specified schema produces a constraint that has too many states for serving.",
    ),
    # safety
    (
        FLASH38,
        {"safetySettings": [{"category": "HARM_CATEGORY_UNSPECIFIED", "threshold": "OFF"}]},
        "safety_settings[0]: element predicate failed: $.category in (HarmCategory.HARM_CATEGORY_HARASSMENT,",
    ),
    (
        FLASH38,
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}] * 2},
        "HARM_CATEGORY_HARASSMENT is set more than once",
    ),
]


@pytest.mark.parametrize(("name", "more", "message"), REFUSED)
def test_refused(name: str, more: dict[str, Any], message: str) -> None:
    assert message in (refused(name, more) or "taken")


TAKEN: list[tuple[str, dict[str, Any]]] = [
    (FLASH25, config(temperature=2, topP=0.5, topK=40.0, candidateCount=2, maxOutputTokens=65_536)),
    (FLASH3, config(temperature=0, topP=1, topK=1, candidateCount=1, presencePenalty=0)),
    (FLASH25, thinking(thinkingBudget=0)),
    (FLASH25, thinking(thinkingBudget=-1, includeThoughts=True)),
    ("gemini-2.5-flash-lite", thinking(thinkingBudget=0)),
    ("gemini-2.5-pro", thinking(thinkingBudget=128)),
    (FLASH3, thinking(thinkingLevel="MINIMAL")),
    ("gemini-3.6-flash", thinking(thinkingLevel="minimal", includeThoughts=True)),
    ("gemini-3.5-flash-lite", thinking(thinkingLevel="HIGH")),
    (FLASH38, thinking(thinkingBudget=2_000)),
    (ARGON, thinking(thinkingLevel="LOW", includeThoughts=True)),
    ("gemini-4-carbon", thinking(thinkingLevel="MEDIUM")),
    ("gemini-4-neon", thinking(thinkingLevel="XHIGH")),
    ("gemini-9", {**thinking(thinkingLevel="HIGH"), **tools()}),
    (FLASH38, {**tools(), **config(responseMimeType="application/json", responseJsonSchema={"type": "object"})}),
    (FLASH25, config(responseMimeType="application/json", responseSchema=schema(a={"type": "string"}))),
    (FLASH25, config(responseMimeType="application/json")),
]


@pytest.mark.parametrize(("name", "more"), TAKEN)
def test_taken(name: str, more: dict[str, Any]) -> None:
    assert refused(name, more) is None


def test_argon_gives_less_to_those_who_do_not_stream() -> None:
    assert refused(ARGON, config(maxOutputTokens=32_769)) is None
    assert "to 32769 (exclusive)" in (refused(ARGON, config(maxOutputTokens=32_769), stream=False) or "")
    assert refused(FLASH38, config(maxOutputTokens=65_536), stream=False) is None


@pytest.mark.parametrize(("deadline", "taken"), [("5", False), ("9.5", False), ("10", True), (None, True)])
def test_deadline_header(deadline: str | None, taken: bool) -> None:
    message = refused(FLASH38, {}, deadline=deadline)
    assert (message is None) == taken
    assert taken or (message or "").endswith("s is too short. Minimum allowed deadline is 10s.")


def test_context_overflow_in_its_own_words() -> None:
    small = replace(MODELS[FLASH38], max_input=100)
    found = refusal(contents(user(text("x" * 400))), small)
    assert found is not None
    assert found.message == "The input token count (101) exceeds the maximum number of tokens allowed (100)."
    assert refusal(contents(user(text("x" * 390))), small) is None


def test_tokens_grow_with_everything_that_is_read() -> None:
    bodies = [
        contents(user()),
        contents(user(text("x" * 100))),
        contents(user(text("x" * 100)), model(call(args={"a": "x" * 100}))),
        contents(user(text("x" * 100)), model(call(args={"a": "x" * 100})), user(answer(response={"a": "x" * 50}))),
        contents(user(text("x" * 100), media())),
        {**contents(user(text("x" * 100), media())), **tools()},
    ]
    counts = [estimate_tokens(body) for body in bodies]
    assert counts == sorted(set(counts))


COUNTS: list[tuple[dict[str, Any], str]] = [
    ({}, "contents is not specified"),
    ({"contents": [user()], "tools": []}, 'Unknown name "tools"'),
    ({"generateContentRequest": contents(user())}, "generate_content_request.model: model is not specified"),
    ({"generateContentRequest": {"model": "models/other", **contents(user())}}, "does not match the model"),
    ({**contents(user()), "generateContentRequest": {"model": "m", **contents(user())}}, "only one of contents and"),
]


@pytest.mark.parametrize(("body", "message"), COUNTS)
def test_counting_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        count(body, {"m"})


def test_counting() -> None:
    assert count({**contents(), "generateContentRequest": {"model": "models/m", **contents(user())}}, {"m"}) == 2
    assert count(contents(user(text("x" * 40))), {"m"}) == 11


@pytest.mark.parametrize(
    "name",
    [
        "gemini-1.5-pro",
        "gemini-2.0-flash",
        "gemini-2.5-flash-preview-05-20",
        "gemini-2.5-pro-preview-03-25",
        "gemini-3-pro-preview",
        "gemini-pro",
        "gpt-4o",
    ],
)
def test_names_of_the_past_are_not_served(name: str) -> None:
    assert find(MODELS, name) is None


def test_names_that_others_answer_for() -> None:
    assert find(MODELS, "gemini-3.7-flash") == MODELS[FLASH38]
    assert find(MODELS, "gemini-flash-latest") == MODELS[FLASH38]
    assert find(MODELS, "gemini-flash-latest", "v1") is None
    assert find(MODELS, FLASH38, "v1") == MODELS[FLASH38]
    future = find(MODELS, "gemini-9.2-pro-preview")
    assert future is not None
    assert (future.version, future.levels, future.prefill) == ((9, 2), ("LOW", "MEDIUM", "HIGH"), False)
