"""Chat Completions chunks -> deltas. Pure: chunks in, deltas out.

Written for what servers really send; each rule stands with the server that showed it in the module that keeps it:
`choices`, `content`, `tool_calls`, `arguments`, `repeats`, `usage`, `failures`. How an answer ends:

    finish reason (common/finish.py)    nothing was said             something was said     an unfinished last call
    ----------------------------------  ---------------------------  ---------------------  -----------------------
    end, tool; none, but [DONE]         `spoilt`; a text says so     end                    as it came
    unknown                             ApiError 502                 end                    as it came
    max_tokens                          max_tokens                   max_tokens             left open
    context_window_exceeded             the same                     the same               left open
    refusal                             a text says why, refusal     refusal                left open
    broken                              ApiError 502                 ApiError 502           -
    none, no [DONE]                     ApiError 502                 ApiError 502           -

A reason that says more than "end" is not taken back by a later one. Reasoning alone says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import Any

from proxy.protocol.deltas import (
    Delta,
    Finish,
    FinishReason,
    Note,
    TextDelta,
    ThinkingDelta,
    ToolCallStart,
)
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.common.call_markup import WrittenCall, calls_at_end
from proxy.providers.common.finish import FinishKind, finish
from proxy.providers.common.placeholders import EMPTY_ANSWER
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.chat.choices import ChoiceDelta, OtherChoices
from proxy.providers.openai.chat.content import Piece, pieces, sources
from proxy.providers.openai.chat.failures import error_in
from proxy.providers.openai.chat.reasoning import Reasoning
from proxy.providers.openai.chat.repeats import Emitted, Repeat
from proxy.providers.openai.chat.tool_calls import Fragment, ToolCalls, fragments, index_of, thought_signature
from proxy.providers.openai.chat.usage import usage_of
from proxy.providers.openai.errors import Backend, api_error, failure_of

_FINISH: dict[FinishKind, FinishReason] = {
    "end": "end",
    "tool": "end",
    "unknown": "end",
    "max_tokens": "max_tokens",
    "context_window_exceeded": "context_window_exceeded",
    "refusal": "refusal",
}
_NORMAL = ("end", "tool", "unknown")
_SHOWN_WORD_MAX = 100
"""Characters of a finish reason in a message; it is a server's own word, some put a whole sentence there."""
_SOURCES_MAX = 100
"""Sources that are listed; for each the whole text is looked through."""
_PLAIN_CHUNK = {
    "id",
    "object",
    "created",
    "model",
    "choices",
    "system_fingerprint",
    "service_tier",
    "usage",
    "provider",
}
_PLAIN_CHOICE = {"index", "delta", "finish_reason", "logprobs", "native_finish_reason"}
_PLAIN_DELTA = {"role", "content", "tool_calls"}


class _Form(Enum):
    """In what the answer came so far; messages before deltas are pieces, after them they repeat."""

    NOTHING = auto()
    MESSAGES = auto()
    DELTAS = auto()


@dataclass(slots=True)
class _Ending:
    """Why the server stopped, as far as it has said so."""

    word: str = ""
    reported: FinishKind = "end"
    refused: bool = False
    """Whether the model itself refused, in words of its own."""
    goes_on: bool = False
    """Whether more came after a reason: then it was on every chunk, and says nothing about the end of the stream."""

    @property
    def kind(self) -> FinishKind:
        return "refusal" if self.refused else self.reported

    def take(self, word: str) -> None:
        if not self.word or self.reported in ("end", "tool", "unknown"):
            self.word, self.reported = word, finish(word)

    def see_more(self) -> None:
        self.goes_on = self.goes_on or bool(self.word)


@dataclass(slots=True)
class ChatStream:
    """Reads one answer of `model`. `feed` each chunk; once the stream has closed look at `spoilt`, then call `end`.

    Set `done` when the server sends `[DONE]`.
    """

    names: ToolNames
    backend: Backend
    model: str
    done: bool = False
    _form: _Form = _Form.NOTHING
    _text: Emitted = field(default_factory=Emitted)
    _thoughts: Emitted = field(default_factory=Emitted)
    _notices: set[int] = field(default_factory=set)
    _sources: dict[str, str] = field(default_factory=dict)
    _others: OtherChoices = field(default_factory=OtherChoices)
    _ending: _Ending = field(default_factory=_Ending)
    _calls: ToolCalls = field(init=False)
    _reasoning: Reasoning = field(init=False)

    def __post_init__(self) -> None:
        self._calls = ToolCalls(self.names)
        self._reasoning = Reasoning(self.model)

    def feed(self, chunk: Any) -> Iterator[Delta]:
        """Any JSON value. Raises ApiError when it is the server's report of a failure, or out of all measure."""
        try:
            for each in chunk if isinstance(chunk, list) else [chunk]:
                if isinstance(each, dict):
                    yield from self._chunk(each)
        except (RecursionError, ValueError):  # nested without end, numbers of thousands of digits
            raise ApiError(502, f"{self.backend.url} sent a chunk that cannot be read") from None

    @property
    def finished(self) -> bool:
        """Whether the server has said why it stopped; only usage may still follow."""
        return bool(self._ending.word) and not self._ending.goes_on and self._others.all_ended

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, whatever follows."""
        return self.finished and self._has_content and self._ending.kind != "broken"

    @property
    def spoilt(self) -> str | None:
        """Why the answer, which has ended well and said nothing but thoughts, is worth asking for again."""
        ended_well = self._closed and self._ending.kind in ("end", "tool")
        if not ended_well or self._has_content or self._others.have_content or self._thought_calls():
            return None
        return self._ending.word or "[DONE]"

    def end_thinking(self) -> Iterator[Delta]:
        """Closes the thoughts of a spoilt answer, before another one is asked for."""
        yield from self._reasoning.end()

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError (502) when it closed too early, or broke off."""
        try:
            yield from self._other_choices()
        except (RecursionError, ValueError):
            raise ApiError(502, f"{self.backend.url} sent a chunk that cannot be read") from None
        if not self._closed:
            raise ApiError(502, CUT_OFF)
        kind, word = self._ending.kind, self.backend.shown(self._ending.word, _SHOWN_WORD_MAX)
        if kind == "broken" or (kind == "unknown" and not self._has_content):
            raise ApiError(502, f"{self.backend.url} broke off its answer (finish reason: {word})")
        if self._reasoning.open or self._calls.any_waiting:
            yield from self._reasoning.sign()
        yield from self._before_calls(self._calls.end(cut=kind not in _NORMAL))
        yield from self._called_in_thoughts() if kind in _NORMAL else ()
        yield from self._closing_text(word)
        by_filter = kind == "refusal" and not self._ending.refused
        yield Finish(_FINISH[kind], explanation=f"{self.backend.url} stopped the answer: {word}" if by_filter else None)

    def _thought_calls(self) -> list[WrittenCall]:
        return [] if self._has_content else calls_at_end(self._thoughts.text, self.names.known)

    def _called_in_thoughts(self) -> Iterator[Delta]:
        """Calls that the server's reasoning parser took for thoughts (vllm-project/vllm#39056)."""
        for call in self._thought_calls():
            place = (0, self._calls.count)
            yield from self._fragment(Fragment(place, "", call.name, json.dumps(call.input, ensure_ascii=False)))
        yield from self._before_calls(self._calls.end(cut=False))

    @property
    def _closed(self) -> bool:
        return bool(self._ending.word) or (self.done and self._form is not _Form.NOTHING)

    @property
    def _has_content(self) -> bool:
        return not self._text.only_space or self._calls.any_named

    def _chunk(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        if plain := _plain_delta(chunk):
            self._form = _Form.DELTAS
            if content := plain.get("content"):
                yield from self._show(content, Repeat.NEVER)
            if calls := plain.get("tool_calls"):
                for fragment in fragments(calls, 0, whole=False):
                    yield from self._fragment(fragment)
            return
        if (error := error_in(chunk)) is not None:
            raise api_error(failure_of(error), self.backend)
        if usage := usage_of(chunk):
            yield usage
        self._sources.update(sources(chunk))
        choices = chunk.get("choices")
        positions: set[int] = set()
        for position, choice in enumerate(choices if isinstance(choices, list) else [choices]):
            if not isinstance(choice, dict):
                continue
            number = index_of(choice.get("index"))
            if number is None or (number in positions and "message" in choice):
                number = position
            positions.add(number)
            yield from self._choice(choice, number)

    def _choice(self, choice: dict[str, Any], number: int) -> Iterator[Delta]:
        delta, message, text = choice.get("delta"), choice.get("message"), choice.get("text")
        word = _word(choice)
        if isinstance(text, str) and not isinstance(delta, dict) and not isinstance(message, dict):
            delta = {"content": text}
        if isinstance(delta, dict):
            repeat = Repeat.PERHAPS if word else Repeat.NEVER
            yield from self._choice_delta(ChoiceDelta(number, delta, repeat, whole=False))
            if delta:
                self._form = _Form.DELTAS
        if isinstance(message, dict):
            repeat = Repeat.LIKELY if self._form is _Form.DELTAS else Repeat.PERHAPS
            yield from self._choice_delta(ChoiceDelta(number, message, repeat, whole=True))
        if number:
            self._others.words[number] = word or self._others.words.get(number, "")
        elif word:
            self._ending.take(word)

    def _choice_delta(self, part: ChoiceDelta) -> Iterator[Delta]:
        if part.delta and self._form is _Form.NOTHING:
            self._form = _Form.MESSAGES
        if part.choice:
            self._others.hold(part)
        else:
            yield from self._delta(part)

    def _delta(self, part: ChoiceDelta) -> Iterator[Delta]:
        delta, is_repeat = part.delta, part.repeat is Repeat.LIKELY
        details = delta.get("reasoning_details")
        if isinstance(details, list) and not is_repeat:
            self._reasoning.details.merge(details)
            self._calls.holds = True
        self._sources.update(sources(delta))
        for piece in pieces(delta):
            yield from self._piece(piece, part)
        signature = thought_signature(delta)
        for fragment in self._fragments(part, is_repeat):
            yield from self._fragment(fragment, signature)
            signature = ""

    def _fragments(self, part: ChoiceDelta, repeats: bool) -> Iterator[Fragment]:
        """Of tool calls, or of the older API's one call where it does not stand beside them."""
        calls, function = part.delta.get("tool_calls"), part.delta.get("function_call")
        if not calls and isinstance(function, dict):
            yield from fragments({"index": 0, "function": function}, part.choice, whole=False, repeats=repeats)
        else:
            yield from fragments(calls, part.choice, whole=part.whole, repeats=repeats)

    def _piece(self, piece: Piece, part: ChoiceDelta) -> Iterator[Delta]:
        match piece.kind:
            case "thinking":
                thought = self._thoughts.new_part(piece.text, part.repeat)
                if thought and (self._text.begun or self._calls.count):
                    self._reasoning.late.append(thought)
                elif thought:
                    self._reasoning.open = True
                    yield ThinkingDelta(thought)
            case "call":
                for fragment in fragments([piece.call], part.choice, whole=False):
                    yield from self._fragment(fragment)
            case "notice":
                if piece.identity not in self._notices:
                    self._notices.add(piece.identity)
                    text = self.backend.without_keys(piece.text)
                    yield Note(f"the answer held what cannot be shown: {text.strip('[]').partition(': ')[0]}")
                    yield from self._show(text, Repeat.NEVER)
            case _:
                self._ending.refused = self._ending.refused or piece.kind == "refusal"
                yield from self._show(piece.text, part.repeat)

    def _show(self, text: str, repeat: Repeat) -> Iterator[Delta]:
        begins = not self._text.begun
        text = self._text.new_part(text, repeat)
        if not text:
            return
        self._ending.see_more()
        if not text.isspace():  # or nothing might follow the thoughts
            yield from self._reasoning.show_late()
        if self._reasoning.open or begins:
            yield from self._reasoning.sign()
        yield from self._calls.end_complete()
        yield TextDelta(text)

    def _fragment(self, fragment: Fragment, signature: str = "") -> Iterator[Delta]:
        if not fragment.repeats:
            self._ending.see_more()
        key, deltas = self._calls.feed(fragment)
        if signed := fragment.signature or signature:
            self._reasoning.signatures[key] = signed
        yield from self._before_calls(deltas)

    def _before_calls(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """State that belongs to a call is shown right before it."""
        for delta in deltas:
            if isinstance(delta, ToolCallStart):
                yield from self._reasoning.before_call(delta.key)
            yield delta

    def _other_choices(self) -> Iterator[Delta]:
        parts = self._others.parts(
            has_text=not self._text.only_space, calls=self._calls.count, wants_calls=self._ending.kind == "tool"
        )
        shown: set[int] = set()
        for part in parts:
            shown.add(part.choice)
            yield from self._delta(part)
        for number, word in self._others.words.items():
            if word and (number in shown or not self._ending.word):
                self._ending.take(word)
        if self._others.left_out:
            yield Note(f"the server sent {self._others.left_out + 1} answers, all but one were left out")

    def _closing_text(self, word: str) -> Iterator[Delta]:
        """What has to be said at the end, so that no answer is silently less than what came."""
        kind = self._ending.kind
        if self._reasoning.late or (self._reasoning.details and self._calls.count):
            yield Note("reasoning that came after the answer was left out")
        if nameless := self._calls.nameless:
            yield Note(f"{nameless} tool calls without a name were left out")
        if kind in _NORMAL and not self._text.only_space and (missing := self._missing_sources()):
            yield TextDelta("\n\nSources:\n" + "\n".join(missing))
        if self._has_content:
            return
        if kind == "refusal":
            yield TextDelta(f"[{self.backend.url} stopped the answer: {word}]")
        elif kind in _NORMAL:
            yield TextDelta(EMPTY_ANSWER)

    def _missing_sources(self) -> list[str]:
        """Where the answer has sources that its text does not name. Text that is data is left alone."""
        text = self._text.text
        if self._calls.any_named or text.lstrip().startswith(("{", "[")):
            return []
        known = islice(self._sources.items(), _SOURCES_MAX)
        return [f"- {title}: {url}" if title else f"- {url}" for url, title in known if url not in text]


def _plain_delta(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """The delta of a chunk that holds nothing but text and pieces of calls, as nearly all do: speed, no other rule."""
    choices = chunk.get("choices")
    if type(choices) is not list or len(choices) != 1 or not chunk.keys() <= _PLAIN_CHUNK or chunk.get("usage"):
        return None
    choice = choices[0]
    if type(choice) is not dict or not choice.keys() <= _PLAIN_CHOICE or choice.get("finish_reason"):
        return None
    delta, index = choice.get("delta"), choice.get("index")
    if type(delta) is not dict or not delta.keys() <= _PLAIN_DELTA or (index != 0 and index is not None):
        return None
    content = delta.get("content")
    return delta if content is None or type(content) is str else None


def _word(choice: dict[str, Any]) -> str:
    """Why the choice ended, "" if it has not. OpenRouter keeps the word of the server behind it beside its own.

    That one is believed where it says more: "stop" stands for all that OpenRouter has no word for. Gateways made with
    SDKs write `finishReason`, or put the word into the delta.
    """
    delta = choice.get("delta")
    given = choice.get("finish_reason") or choice.get("finishReason")
    if not given and isinstance(delta, dict):
        given = delta.get("finish_reason")
    words = (given, choice.get("native_finish_reason"))
    reason, native = (word.strip() if isinstance(word, str) else "" for word in words)
    says_more = reason and native and finish(reason) in ("end", "unknown") and finish(native) not in _NORMAL
    return native if says_more else reason
