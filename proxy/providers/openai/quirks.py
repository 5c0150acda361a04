"""What a server turned out to want, learned from its refusals.

A 400 that names a parameter, a role rule or a limit is answered by one corrected request and remembered for this
server and model, so that the next request is right at once. Nothing here is needed for correctness: after a restart it
is learned again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from proxy.providers.openai.errors import Failure, overflow_numbers


@dataclass(frozen=True, slots=True)
class Quirks:
    """Each field is one quirk; the defaults are OpenAI's own ways."""

    refused: frozenset[str] = frozenset()
    """Body fields that must not be sent."""
    token_field: str | None = None
    most_tokens: int | None = None
    efforts: tuple[str, ...] | None = None
    plain_tool_choice: bool = False
    """`tool_choice` only as a word (LM Studio)."""
    reasoning_content: bool = False
    """Assistant turns come back with their `reasoning_content`, empty if need be (DeepSeek, Kimi)."""
    short_call_ids: bool = False
    """Call ids of exactly nine letters and digits (Mistral)."""
    answer_after_tools: bool = False
    """No user message directly after a tool message (Mistral)."""
    prefix: bool = False
    """An answer that the client has begun is marked as such (Mistral)."""
    short_descriptions: bool = False
    """Tool descriptions of at most 1024 characters (Azure and older gateways)."""
    typed_schemas: bool = False
    """Every property of a tool's schema has a `type` (Moonshot)."""
    no_images: bool = False
    no_streaming: bool = False
    no_summary: bool = False
    """No summary of the reasoning (OpenAI, before it has verified the organization)."""
    no_reasoning_replay: bool = False
    """Earlier reasoning is refused: it was made under another key, by another model or on another server."""
    no_web_search: bool = False
    """The model cannot search the web."""
    no_cache_breakpoints: bool = False
    """No explicit prompt cache breakpoints."""
    api: str | None = None
    """ "chat" or "responses", where the server said that the other one does not serve the model."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A correction. One that is not `lasting` holds for the repeated request only."""

    name: str
    quirks: Quirks
    lasting: bool = True


_OPTIONAL = (
    "stream_options",
    "parallel_tool_calls",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "temperature",
    "top_p",
    "tool_choice",
    "response_format",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "include",
    "max_tool_calls",
)
"""Fields without which a request still makes sense."""
_WITHOUT = "without_"
_GLM_INVALID = "1210"
_GLM_SUSPECTS = ("reasoning_effort", "thinking")
"""GLM names no parameter. These are the ones whose values differ from model to model."""
_LEAST_ROOM = 256
_REFUSAL = re.compile(
    r"unsupported|not support|unrecognized|unknown|extra (?:inputs|fields)|not permitted|not allowed"
    r"|unexpected|invalid|cannot specify",
    re.IGNORECASE,
)
_OUTPUT_LIMIT = re.compile(r"(?:supports at most|range of max_tokens should be \[1,) (\d+)", re.IGNORECASE)
_UNREADABLE = ("invalid_encrypted_content", "encrypted content", "invalid `signature`", "thought signature")
_RESPONSES_ONLY = re.compile(
    r"only supported in v1/responses|not a chat model|use /v1/responses"
    r"|unsupported_api_for_model|not accessible via the /chat/completions"
)
_CHAT_ONLY = re.compile(r"not supported (?:in|with|by) (?:the )?(?:v1/)?responses|unsupported_api_for_model")
_WEB_SEARCH = re.compile(r"web.?search(?!_call)", re.IGNORECASE)
_FLAGS: tuple[tuple[str, str], ...] = (
    ("reasoning_content", r"reasoning_content.*(?:must be passed back|is missing)|missing `?reasoning_content"),
    ("short_call_ids", r"must be a-z, A-Z, 0-9, with a length of 9"),
    ("answer_after_tools", r"unexpected role 'user' after role 'tool'"),
    ("prefix", r"expected last role user or tool \(or assistant with prefix true\)"),
    ("plain_tool_choice", r"invalid tool_choice type: 'object'"),
    ("short_descriptions", r"description': string too long\. Expected a string with maximum length 1024"),
    ("no_streaming", r"must be verified to stream this model|'stream' does not support true"),
    ("no_summary", r"must be verified to generate reasoning summaries"),
    ("no_cache_breakpoints", r"prompt_cache_breakpoint"),
    (
        "no_reasoning_replay",
        r"(?=.*reasoning_details).*(?:unsupported|unknown|unrecognized|unexpected|not permitted)",
    ),
    ("typed_schemas", r"moonshot flavored json schema"),
    (
        "no_images",
        r"image.*(?:not support|unsupported|only supported|at most 0)|support image|at most 0 image"
        r"|image_url`?, expected `?text|sequence, expected a string|not a multimodal model",
    ),
)
"""Yes-or-no quirks and the servers' own words that show them."""


def learn(failure: Failure, body: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    """What to do otherwise after this refusal of `body`; None when nothing is known that would help."""
    for rule in (_learn_flag, _learn_search, _learn_api, _learn_state, _learn_tokens, _learn_effort, _learn_refused):
        lesson = rule(failure, body, quirks)
        if lesson is not None and lesson.quirks != quirks:
            return lesson
    return None


def _learn_flag(failure: Failure, _: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    for name, words in _FLAGS:
        if not getattr(quirks, name) and re.search(words, failure.message, re.IGNORECASE):
            change: dict[str, Any] = {name: True}
            return Lesson(name, replace(quirks, **change))
    return None


def _learn_search(failure: Failure, body: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    """Where the web search is among the tools, it is the first. What a client has filled in may be wrong only once."""
    tools = body.get("tools") or [{}]
    if tools[0].get("type") != "web_search" or failure.status not in (400, 422):
        return None
    if not _WEB_SEARCH.search(failure.message) and not failure.param.startswith("tools[0]"):
        return None
    lasting = failure.param in ("", "tools", "tools[0]", "tools[0].type")
    return Lesson("no_web_search", replace(quirks, no_web_search=True), lasting)


def _learn_tokens(failure: Failure, body: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    if re.search(r"max_tokens.*use '?max_completion_tokens", failure.message, re.IGNORECASE):
        return Lesson("token_field", replace(quirks, token_field="max_completion_tokens"))  # noqa: S106
    refused = failure.status in (400, 422) and _REFUSAL.search(failure.message) and "too large" not in failure.message
    if refused and "max_completion_tokens" in body and _names(failure, "max_completion_tokens"):
        return Lesson("token_field", replace(quirks, token_field="max_tokens"))  # noqa: S106
    if found := _OUTPUT_LIMIT.search(failure.message):
        return Lesson("most_tokens", replace(quirks, most_tokens=int(found[1])))
    numbers = overflow_numbers(failure.message)
    if numbers.prompt is not None and numbers.output is not None and numbers.window is not None:
        room = numbers.output // 4 if numbers.is_bound else numbers.window - numbers.prompt
        if _LEAST_ROOM <= room < numbers.output:
            return Lesson("most_tokens", replace(quirks, most_tokens=room), lasting=False)
    return None


def _learn_api(failure: Failure, body: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    """The other of the two APIs, tried once; a server that has neither for the model has refused both then."""
    if "input" in body:
        wrong = failure.status in (404, 405, 501) and "model_not_found" not in failure.text
        return Lesson("api", replace(quirks, api="chat")) if wrong or _CHAT_ONLY.search(failure.text) else None
    if quirks.api is None and _RESPONSES_ONLY.search(failure.text):
        return Lesson("api", replace(quirks, api="responses"))
    return None


def _learn_state(failure: Failure, _: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    """Reasoning that the server cannot read is left out of this one request: what it makes from now on it can."""
    if any(words in failure.text for words in _UNREADABLE):
        return Lesson("no_reasoning_replay", replace(quirks, no_reasoning_replay=True), lasting=False)
    return None


def _learn_effort(failure: Failure, body: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    if "function tools with reasoning_effort are not supported" in failure.text:
        return Lesson("efforts", replace(quirks, efforts=("none",)))
    if not (
        failure.param == "reasoning.effort" or ("reasoning_effort" in body and _names(failure, "reasoning_effort"))
    ):
        return None
    _, found, offered = failure.message.partition("Supported values are:")
    efforts = tuple(re.findall(r"'(\w+)'", offered))
    return Lesson("efforts", replace(quirks, efforts=efforts)) if found and efforts else None


def _learn_refused(failure: Failure, body: Mapping[str, Any], quirks: Quirks) -> Lesson | None:
    if failure.status not in (400, 422) or not _REFUSAL.search(failure.message):
        return None
    for name in _OPTIONAL:
        if name in body and (_names(failure, name) or (failure.code == _GLM_INVALID and name in _GLM_SUSPECTS)):
            return Lesson(f"without {name}", replace(quirks, refused=quirks.refused | {name}))
    return None


def _names(failure: Failure, field: str) -> bool:
    return failure.param == field or re.search(rf"(?<![\w]){re.escape(field)}(?![\w])", failure.message) is not None


def told(names: Collection[str]) -> Quirks:
    """The quirks that the user has told in advance; `without_x` means that the field x must not be sent."""
    flags: dict[str, Any] = {name: True for name in names if not name.startswith(_WITHOUT)}
    return Quirks(refused=frozenset(name.removeprefix(_WITHOUT) for name in names if name not in flags), **flags)


class QuirkBook:
    """What has been learned in this process, by server and model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Quirks] = {}

    def get(self, url: str, model: str) -> Quirks | None:
        return self._known.get((url, model))

    def remember(self, url: str, model: str, quirks: Quirks) -> None:
        with self._lock:
            self._known[url, model] = quirks
