"""What a refusal teaches of a server: the habits, by the servers' own words (`words/refused_parameters.yaml`).

A 400 that names a parameter, a role rule or a limit is answered by one corrected request and remembered for this server
and model, so that the next request is right at once. What was chance (one picture, a call that the model wrote badly)
is not remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.models.habits import OPTIONAL_FIELDS, Habits, Lesson
from proxy.providers.common.failures import Failure
from proxy.providers.common.output_limits import output_limit
from proxy.providers.common.overflow import overflow_numbers
from proxy.providers.common.words import WordRule, full_text, kind_of, rules

_INVALID = (400, 422)
_GLM_INVALID = "1210"
_GLM_SUSPECTS = ("reasoning_effort", "thinking")
"""GLM names no parameter. These are the ones whose values differ from model to model."""
_OUTPUT_MIN = 256
"""Tokens; with less room than this another attempt would be cut short at once."""
_TOKEN_FIELDS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens")
_ALIKE = {
    "response_format": ("response_format", "text"),
    "reasoning": ("reasoning", "reasoning_effort", "thinking"),
    "reasoning_effort": ("reasoning_effort", "reasoning"),
}
"""What a field is called in the bodies of other APIs."""
_PLAIN_WORDS = ("reasoning", "thinking", "include")
"""Fields whose names are words of English: they count as names only in quotes or beside "parameter"."""
_EFFORTS = r"none|minimal|low|medium|high|xhigh|max"
_OFFERED = re.compile(
    r"(?:supported (?:string )?values|must be(?: one of)?|should be(?: one of)?|expected one of|valid values"
    r"|allowed values|please use|请使用|取值|可选)"
    rf"((?:(?:\W|\b(?:are|is|and|or|范围|为|或)\b|或)*\b(?:{_EFFORTS})\b)+)",
    re.IGNORECASE | re.ASCII,
)
_AFFORDABLE = re.compile(r"can only afford (\d{1,9})\b|\b(\d{1,9}) available")
_RESPONSES_ONLY = re.compile(
    r"only supported in v1/responses|not a chat model|use /v1/responses"
    r"|unsupported_api_for_model|not accessible via the /chat/completions"
)
_CHAT_ONLY = re.compile(r"not supported (?:in|with|by) (?:the )?(?:v1/)?responses|unsupported_api_for_model")
_WEB_SEARCH = re.compile(r"web.?search(?!_call)", re.IGNORECASE)
_PICTURES = ("image_url", "input_image", "inlineData", "fileData")

Body = Mapping[str, Any]
Teacher = Callable[[Failure, Body, Habits], Lesson | None]


def learn(failure: Failure, body: Body, habits: Habits) -> Lesson | None:
    """What to do otherwise after this refusal of `body`; None when nothing is known that would help.

    Every lesson changes the habits, but for a `repeat`, which the caller grants once.
    """
    for teach in _TEACHERS:
        lesson = teach(failure, body, habits)
        if lesson is not None and (lesson.repeat or lesson.applied(habits) != habits):
            return lesson
    return None


def without(name: str, *, lasting: bool = True) -> Lesson:
    """The lesson that a field of the request must not be sent."""
    return Lesson(f"without {name}", {"refused": frozenset((name,))}, lasting)


def _taught(failure: Failure) -> Iterator[WordRule]:
    return (rule for rule in rules("refused_parameters") if rule.matches(failure))


def _flag(failure: Failure, body: Body, habits: Habits) -> Lesson | None:
    for rule in _taught(failure):
        if rule.habit and not getattr(habits, rule.habit) and _is_possible(rule.habit, body):
            return Lesson(rule.habit, {rule.habit: True}, rule.lasting)
    return None


def _is_possible(habit: str, body: Body) -> bool:
    """Whether the habit would change this request, where words alone do not show it."""
    if habit == "auto_tool_choice":
        return body.get("tool_choice", "auto") not in ("auto", "none")
    if habit == "no_system_role":
        messages = body.get("messages") or ()
        return "systemInstruction" in body or any(each.get("role") in ("system", "developer") for each in messages)
    if habit == "no_web_search":
        return "contents" in body  # words of Gemini's; OpenAI's are told apart in `_web_search`
    if habit == "always_thinks":
        return "thinkingConfig" not in (body.get("generationConfig") or {})  # its own client leaves that out
    if habit == "no_strict":
        return any("strict" in {**tool, **(tool.get("function") or {})} for tool in body.get("tools") or ())
    return True


def _web_search(failure: Failure, body: Body, _: Habits) -> Lesson | None:
    """Where the web search is among the tools, it is the first. What a client has filled in may be wrong only once."""
    tools = body.get("tools") or [{}]
    if tools[0].get("type") != "web_search" or failure.status not in _INVALID:
        return None
    if not _WEB_SEARCH.search(failure.message) and not failure.param.startswith("tools[0]"):
        return None
    lasting = failure.param in ("", "tools", "tools[0]", "tools[0].type")
    return Lesson("no_web_search", {"no_web_search": True}, lasting)


def _api(failure: Failure, body: Body, habits: Habits) -> Lesson | None:
    """The other of OpenAI's two APIs, tried once; a server that has neither for the model has refused both then."""
    if "input" in body:
        wrong = failure.status in (404, 405, 501) and kind_of(failure) != "no_model"
        return Lesson("api", {"api": "chat"}) if wrong or _CHAT_ONLY.search(failure.text) else None
    if "messages" in body and habits.api is None and _RESPONSES_ONLY.search(failure.text):
        return Lesson("api", {"api": "responses"})
    return None


def _token_field(failure: Failure, body: Body, _: Habits) -> Lesson | None:
    if failure.status not in _INVALID:
        return None
    name = next((rule.token_field for rule in _taught(failure) if rule.token_field), None)
    if name is None or (name == "max_tokens" and "max_completion_tokens" not in body):
        return None
    return Lesson("token_field", {"token_field": name})


def _limit(failure: Failure, body: Body, _: Habits) -> Lesson | None:
    """Less output: the model's limit is remembered; what is left beside a prompt, or of the money, is not."""
    kind, requested = kind_of(failure), _requested(body)
    if kind == "output_limit" and (limit := output_limit(full_text(failure), requested)):
        return Lesson("output_limit", {"output_limit": limit})
    if kind == "money" and (found := _AFFORDABLE.search(failure.message)):
        room: int | None = int(found[1] or found[2])
    else:
        room = _room(failure.message, requested) if kind == "overflow" else None
    if room is None or room < _OUTPUT_MIN or (requested is not None and room >= requested):
        return None
    return Lesson("output_limit", {"output_limit": room}, lasting=False)


def _room(message: str, requested: int | None) -> int | None:
    """Tokens of output beside the prompt; a guess where the server has not counted the whole prompt."""
    numbers = overflow_numbers(message)
    output = numbers.output or requested
    if numbers.window is None or output is None:
        return None
    if numbers.is_bound or (numbers.prompt is None and numbers.output is not None and output >= numbers.window):
        return output // 4
    prompt = numbers.prompt if numbers.output is not None else None
    if numbers.total is not None and numbers.output is None:
        prompt = numbers.total - output
    room = None if prompt is None else numbers.window - prompt
    return room if room is not None and room < output else None


def _requested(body: Body) -> int | None:
    """The output that the body asks for, in tokens."""
    fields = {**(body.get("generationConfig") or {}), **body}
    return next((fields[name] for name in _TOKEN_FIELDS if isinstance(fields.get(name), int)), None)


def _effort(failure: Failure, body: Body, _: Habits) -> Lesson | None:
    if "function tools with reasoning_effort are not supported" in failure.text:
        return Lesson("efforts", {"efforts": ("none",)})
    is_named = names_field(failure, "reasoning_effort") or failure.code == _GLM_INVALID
    is_named = is_named or "invalid reasoning value" in failure.text  # Ollama
    if failure.param != "reasoning.effort" and not ("reasoning_effort" in body and is_named):
        return None
    offered = _OFFERED.search(failure.message)
    efforts = tuple(re.findall(rf"\b(?:{_EFFORTS})\b", offered[1], re.ASCII)) if offered else ()
    return Lesson("efforts", {"efforts": efforts}) if efforts else None


def _picture(failure: Failure, body: Body, _: Habits) -> Lesson | None:
    """A model without eyes is remembered; one bad picture is left out of this request, with all others in it."""
    kind = kind_of(failure)
    if kind == "no_images" or (kind == "bad_picture" and _has_picture(body)):
        return Lesson("no_images", {"no_images": True}, lasting=kind == "no_images")
    return None


def _has_picture(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_picture, value))
    if not isinstance(value, dict):
        return False
    return value.get("type") in _PICTURES or any(
        name in _PICTURES or _has_picture(each) for name, each in value.items()
    )


def _botched(failure: Failure, _: Body, __: Habits) -> Lesson | None:
    return Lesson("botched call", {}, lasting=False, repeat=True) if kind_of(failure) == "botched" else None


def _refused(failure: Failure, body: Body, _: Habits) -> Lesson | None:
    if failure.status not in _INVALID or kind_of(failure):
        return None
    for rule in _taught(failure):
        for name in _fields(rule, failure):
            if name in body and (name != "text" or "format" in body["text"]):
                return without(name, lasting=rule.lasting)
    return None


def _fields(rule: WordRule, failure: Failure) -> Iterator[str]:
    """The fields that may be to blame."""
    if rule.field != "any":
        yield from _ALIKE.get(rule.field, (rule.field,) if rule.field else ())
        return
    yield from (name for name in OPTIONAL_FIELDS if names_field(failure, name))
    if failure.code == _GLM_INVALID:
        yield from _GLM_SUSPECTS


def names_field(failure: Failure, field: str) -> bool:
    """Whether the refusal is about this field, in `param` or in its words ("reasoningEffort" is how xAI writes)."""
    if re.split(r"[.\[]", failure.param)[0] == field:
        return True
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), field)
    name = rf"(?<![A-Za-z0-9_])(?:{field}|{camel})(?![A-Za-z0-9_])"
    if field in _PLAIN_WORDS:
        name = (
            rf"['\"`]{field}['\"`]|(?:parameter|argument|field|property):? {name}|{name} ?(?:parameter|参数|与|field)"
        )
    return re.search(name, failure.message, re.IGNORECASE) is not None


_TEACHERS: tuple[Teacher, ...] = (_flag, _web_search, _api, _token_field, _limit, _effort, _picture, _botched, _refused)
