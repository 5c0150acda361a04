"""What is learned from a server's refusals: the corrected request must be one that this server takes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from proxy.models.habits import Habits
from proxy.models.routing import Route
from proxy.providers.common.learning import learn
from proxy.providers.openai.chat.reasoning_details import sealed
from proxy.providers.openai.errors import read_failure
from tests.fakes.openai.quirks import QUIRKS
from tests.fakes.refusal import Refusal
from tests.providers.openai.chat.pieces import ASKED
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

LESSON_LIMIT = 4
"""As the client has it."""
TOOLS = {"tools": [tool("Read"), tool("Grep")]}
LOOP = [*ASKED, user(result("t1", [image()]), "b"), assistant(call("t2")), user(result("t2"))]
FULL = asking(user("a"), system("s"), *LOOP[1:], **TOOLS, system="s", temperature=0.5)
FORCED = {"tool_choice": {"type": "tool", "name": "Grep", "disable_parallel_tool_use": True}}
DETAILS = [{"type": "reasoning.text", "text": "cut", "format": "anthropic-claude-v1", "index": 0}]
DETAILED = asking(*ASKED[:1], assistant(thinking("cut", sealed(DETAILS, "local") or ""), "b"), user("c"))
DEEPSEEK = {"thinking_style": "thinking", "efforts": ["low", "high", "max"]}
EFFORT = asking(output_config={"effort": "medium"}, max_tokens=4096)
OFF = asking(thinking={"type": "disabled"})
Server = Callable[[Json], Refusal | None]


def server(*quirks: str, window: int = 131_072) -> Server:
    return lambda body: refusal_of(body, route("local"), *quirks, window=window)


def learned(
    request: Json, refuses: Server, habits: Habits | None = None, to: str | Route = "local"
) -> tuple[list[str], Json, Habits]:
    """The lessons until the server takes the request, the request that it takes, and what is remembered."""
    lessons: list[str] = []
    remembered = habits = habits or Habits()
    while refused := refuses(body := translate(request, to, habits).body):
        failure = read_failure(refused.status, {}, json.dumps(refused.body).encode())
        lesson = learn(failure, body, habits)
        assert lesson is not None, refused
        habits = lesson.applied(habits)
        remembered = lesson.applied(remembered) if lesson.lasting else remembered
        lessons.append(lesson.name)
        assert len(lessons) <= LESSON_LIMIT, lessons
    return lessons, body, remembered


LESSONS: dict[str, tuple[Json, list[str]]] = {
    "copilot": (FULL, []),
    "dashscope": ({**FULL, "max_tokens": 64_000}, ["output_limit"]),
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
    "no_system_role": (FULL, ["no_system_role"]),
    "openai_schemas": (
        {**FULL, "tools": [tool("Read", {"properties": {"a": {"type": "array"}, "b": {"pattern": "["}}})]},
        ["openai_schemas"],
    ),
    "openrouter": (DETAILED, ["no_reasoning_replay"]),
    "reasoning_content_required": (FULL, ["reasoning_content"]),
    "short_descriptions": ({**FULL, "tools": [{**tool(), "description": "x" * 2000}]}, ["short_descriptions"]),
    "stream_unverified": (FULL, ["no_streaming"]),
    "string_content": (FULL, ["no_images"]),
    "system_first": (FULL, []),
    "text_only": (FULL, ["no_images"]),
    "tool_choice_string": ({**FULL, **FORCED}, ["plain_tool_choice"]),
    "user_query": (asking(system("s")), []),
    "vllm_overflow": ({**FULL, "max_tokens": 131_000}, ["output_limit"]),
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
    if remembered != Habits() or not lessons:
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
    assert remembered == Habits()


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
    assert lessons == ["output_limit"] * tries
    assert body["max_tokens"] == 32_000 // 4**tries
    assert remembered == Habits()


def test_a_prompt_that_fills_the_window_teaches_nothing() -> None:
    refusal = counts_no_further(64_000, 80_000)({"max_tokens": 800})
    assert refusal is not None
    assert learn(read_failure(400, {}, json.dumps(refusal.body).encode()), {"max_tokens": 800}, Habits()) is None
