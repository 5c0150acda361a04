"""What one server turned out to want of requests, beyond what its API's description says.

One vocabulary for all vendors. Habits are learned from refusals (`providers/common/learning.py` has the servers' own
words) or set by the user in the custom models file, and are kept for each server and model. Nothing here is needed for
correctness: after a restart they are learned again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

_REMEMBERED = 1024
"""Servers and models; names come from requests, so the book must have an end."""
_WITHOUT = "without_"

OPTIONAL_FIELDS = (
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
"""Fields of OpenAI's request bodies without which a request still makes sense."""


@dataclass(frozen=True, slots=True)
class Habits:
    """Each field is one habit; the defaults are the ways of the vendor whose API it is."""

    refused: frozenset[str] = frozenset()
    """Fields of the request that must not be sent."""
    token_field: str | None = None
    output_limit: int | None = None
    """Tokens that may be asked for."""
    efforts: tuple[str, ...] | None = None
    plain_tool_choice: bool = False
    """`tool_choice` only as a word (LM Studio)."""
    auto_tool_choice: bool = False
    """A tool choice other than "auto" or "none" is refused (Kimi, DeepSeek, Qwen while they think)."""
    no_strict: bool = False
    """`strict` of tools is refused, or their schemas under it (OpenAI wants every property to be required)."""
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
    openai_schemas: bool = False
    """Schemas of tools as OpenAI's validator takes them, which stands behind the server (Azure, gateways to OpenAI)."""
    no_system_role: bool = False
    """Instructions stand in the first user message (templates of Gemma, Gemma 3 on Gemini's API)."""
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
    no_fetching: bool = False
    """Addresses of files cannot be given: the server could not fetch one."""
    always_thinks: bool = False
    """Thinking cannot be switched off (OpenRouter, GLM)."""
    no_call_ids: bool = False
    """Calls and their results have no ids (Gemini's API before 2026)."""
    api: str | None = None
    """ "chat" or "responses", where the server said that the other one does not serve the model."""


NO_HABITS = Habits()
FLAGS = tuple(each.name for each in fields(Habits) if each.type == "bool")
"""The habits that a server has or has not."""
SETTABLE = (
    *("plain_tool_choice", "reasoning_content", "short_call_ids", "answer_after_tools", "prefix", "short_descriptions"),
    *("typed_schemas", "openai_schemas", "no_streaming", "no_summary", "auto_tool_choice", "no_strict", "no_images"),
    *("always_thinks", "no_system_role"),
    *(f"{_WITHOUT}{name}" for name in OPTIONAL_FIELDS[: OPTIONAL_FIELDS.index("prompt_cache_key")]),
)
"""What a custom model's entry may say in advance; `without_x`: the field x must not be sent."""


_WORDS = {
    "no_reasoning_replay": "thought signatures and other earlier reasoning were refused and left out",
    "no_web_search": "the model cannot search the web",
    "no_images": "images were refused and left out",
    "botched call": "the model wrote a call that the server could not read",
    "auto_tool_choice": "the model takes no forced tool choice while it thinks",
    "always_thinks": "the model always thinks",
    "no_fetching": "a file could not be fetched and was left out",
    "no_call_ids": "the server takes no ids of function calls",
    "no_streaming": "the answer comes as a whole",
    "openai_schemas": "the schemas of tools follow OpenAI's rules",
    "api": "the model is served by the other API",
    "output_limit": "the output limit was lowered",
}
"""What some habits mean for people; the others' names say it."""


def from_names(names: Iterable[str]) -> Habits:
    """The habits that a custom model's entry lists, words of `SETTABLE`."""
    flags: dict[str, Any] = {name: True for name in names if not name.startswith(_WITHOUT)}
    return Habits(refused=frozenset(name.removeprefix(_WITHOUT) for name in names if name not in flags), **flags)


def names_of(habits: Habits) -> tuple[str, ...]:
    """What an entry would list to have these habits, as far as it can: words of `SETTABLE`."""
    has = {*(name for name in FLAGS if getattr(habits, name)), *(f"{_WITHOUT}{name}" for name in habits.refused)}
    return tuple(name for name in SETTABLE if name in has)


def described(habits: Habits) -> tuple[str, ...]:
    """All of them for people, such as "no_streaming", "without_temperature" or "output_limit 8192"."""
    words = [f"{_WITHOUT}{name}" for name in sorted(habits.refused)]
    for each in fields(Habits):
        value = getattr(habits, each.name)
        if each.name == "refused" or value == getattr(NO_HABITS, each.name):
            continue
        shown = " ".join(value) or "none" if isinstance(value, tuple) else value
        words.append(each.name if value is True else f"{each.name} {shown}")
    return tuple(words)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One habit learned. `changes` are fields of Habits; one that is not `lasting` holds for the repeat only.

    A `repeat` changes nothing: the failure was a matter of chance, and the same request is worth sending once more.
    """

    name: str
    changes: Mapping[str, Any]
    lasting: bool = True
    repeat: bool = False

    @property
    def words(self) -> str:
        """For a note."""
        return _WORDS.get(self.name, self.name)

    def applied(self, habits: Habits) -> Habits:
        changes = dict(self.changes)
        if "refused" in changes:
            changes["refused"] = habits.refused | changes["refused"]
        return replace(habits, **changes)


@dataclass(slots=True)
class HabitBook:
    """What has been learned in this process, by server and model; safe to share between threads."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: OrderedDict[tuple[str, str], Habits] = field(default_factory=OrderedDict)

    def get(self, server: str, model: str) -> Habits | None:
        """`server` is its base URL; None where nothing was learned."""
        with self._lock:
            return self._known.get((server, model))

    def all(self) -> dict[tuple[str, str], Habits]:
        """By server and model, what was learned last at the end."""
        with self._lock:
            return dict(self._known)

    def learn(self, server: str, model: str, lesson: Lesson, preset: Habits) -> None:
        """Adds a lesson to what is known by now, which other threads may have changed; `preset` stands before all."""
        with self._lock:
            known = self._known.get((server, model), preset)
            self._known[server, model] = lesson.applied(known)
            self._known.move_to_end((server, model))
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def forget(self, server: str, model: str | None = None) -> None:
        """What was learned of a model, or of all that a server has: its key or what the user says of it has changed."""
        with self._lock:
            for known in [each for each in self._known if each[0] == server and model in (None, each[1])]:
                del self._known[known]
