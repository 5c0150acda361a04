"""The tool calls of an answer, whose fragments are numbered, named and repeated in every way there is.

Which call a fragment goes on with, by the first rule that fits (`last`: the call of its index, else the latest one):

    the fragment                                            goes on with          showed it
    ------------------------------------------------------  --------------------  -----------------------------------
    of a whole message after deltas, same id or input       that call             saberjack/SHTUCodeProxy#1
    new id and new index, with a name                       a new call            OpenAI and nearly all others
    an id that another call has                             that call             gateways that number nothing
    new id, no name, the last call's object is open         the last call         gateways that make an id each time
    new id                                                  a new call            lmdeploy, Ollama (lmdeploy#3412)
    no last call                                            a new call            -
    another name, the last call's object is whole           a new call            local servers without ids
    another name, no index, not the last call's id          a new call            Gemini's compatible endpoint
    the last call's name and input once more                the last call         gateways; it must not run twice
    the last call's name and id, other input                the call that has it  a server behind OpenRouter, GLM
    the last call's name, no id of its own, other input     a new call            vLLM (vllm-project/vllm#18412)
    all else                                                the last call         OpenAI and nearly all others

One id for parallel calls: GLM, DeepSeek behind gateways (HKUDS/nanobot#3943).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.protocol.deltas import Delta, ToolCallDelta, ToolCallEnd, ToolCallStart
from proxy.protocol.errors import ApiError
from proxy.providers.common.fields import name_of
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.chat.arguments import Arguments, State, as_text, canonical

_INPUT_FIELDS = ("arguments", "input", "parameters", "args")
_INDEX_MAX = 100_000
"""The greatest index of a call or choice that counts as one; what is greater is a time stamp or an id."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One member of `tool_calls`. `place`: its index within one choice; None where the server gives none."""

    place: tuple[int, int] | None
    id: str
    name: str
    arguments: str
    repeats: bool = False
    """Whether it stands in a whole message that follows the deltas it is made of."""
    signature: str = ""
    """Gemini's thought signature, which has to come back with the call."""


@dataclass(slots=True, eq=False)
class _Call:
    key: int
    id: str
    name: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    started: bool = False
    ended: bool = False


class ToolCalls:
    """`feed` each fragment, then `end`. `holds`: no call is shown before the end, as something has to come first."""

    def __init__(self, names: ToolNames) -> None:
        self.holds = False
        self._names = names
        self._calls: list[_Call] = []
        self._at: dict[tuple[int, int], _Call] = {}
        self._with_id: dict[str, _Call] = {}
        self._with_input: dict[tuple[str, str, str], _Call] = {}
        """By id ("" for any), name and input; calls whose input is closed, as far as they were looked for."""
        self._unlisted: list[_Call] = []
        self._complete: dict[int, _Call] = {}
        """Started, whole and not ended, by key."""

    @property
    def any_named(self) -> bool:
        """A call without a name can be run by nobody."""
        return any(call.name for call in self._calls)

    @property
    def any_waiting(self) -> bool:
        return any(call.name and not call.started for call in self._calls)

    @property
    def nameless(self) -> int:
        return sum(not call.name for call in self._calls)

    @property
    def count(self) -> int:
        return len(self._calls)

    def feed(self, fragment: Fragment) -> tuple[int, list[Delta]]:
        """The key of the call that it goes on with, and what may be shown."""
        deltas: list[Delta] = []
        call = self._find(fragment)
        if call is None:
            deltas += self.end_complete()
            call = self._open(fragment)
        if fragment.name and not call.started:
            call.name = self._longer_name(call.name, fragment.name)
        was_closed = call.arguments.closed
        if not (fragment.repeats and call.arguments.state is State.WHOLE):
            call.arguments.append(fragment.arguments)
        if call.arguments.closed and not was_closed:
            self._unlisted.append(call)
        if not self.holds and self._may_start(call):
            deltas += self._start(call)
            if call.arguments.state is State.WHOLE and not call.ended:
                self._complete[call.key] = call
        return call.key, deltas

    def end_complete(self) -> Iterator[Delta]:
        """Ends the calls whose input is whole, so that what follows them can be shown."""
        for call in self._complete.values():
            yield from self._end(call)
        self._complete.clear()

    def end(self, *, cut: bool) -> Iterator[Delta]:
        """The answer is over. Where it was `cut`, the last call is left open unless its input is whole.

        Raises:
            ApiError: 502, when more came behind the input of a call that had ended.
        """
        for call in self._calls:
            is_cut = cut and call is self._calls[-1] and call.arguments.state is not State.WHOLE
            if not call.name or (is_cut and not call.arguments.begun and not self._is_known(call.name)):
                continue
            yield from self._start(call)
            if not is_cut:
                yield from self._end(call)
            elif piece := call.arguments.partial_rest():
                yield ToolCallDelta(call.key, piece)

    def _find(self, fragment: Fragment) -> _Call | None:
        """The call that a fragment goes on with, or None for a new one: the table at the top."""
        last = self._at.get(fragment.place) if fragment.place else (self._calls[-1] if self._calls else None)
        if fragment.repeats:
            return self._repeated(fragment) or (last if last and not last.arguments.closed else None)
        if fragment.id and (last is None or last.id not in ("", fragment.id)):
            if fragment.name and fragment.place and last is None:
                return None
            last = self._with_id.get(fragment.id) or self._unnumbered(last, fragment)
        if last is None:
            return None
        if fragment.name and last.name and last.arguments.begun and not self._goes_on(last, fragment):
            if last.id == fragment.id and last.name == fragment.name:
                return self._listed(fragment)
            return None
        if fragment.id and not last.id:
            last.id = fragment.id
            self._with_id.setdefault(fragment.id, last)
        return last

    def _unnumbered(self, last: _Call | None, fragment: Fragment) -> _Call | None:
        """The open call at an index, for a piece of its input that comes with an id of its own and no name."""
        goes_on = last is not None and fragment.arguments and not fragment.name and last.arguments.begun
        return last if goes_on and last and not last.arguments.closed else None

    def _goes_on(self, last: _Call, fragment: Fragment) -> bool:
        """Whether a fragment that has a name, as `last` has, is more of it or the same once more."""
        same_id = bool(fragment.id) and last.id == fragment.id
        same_name = fragment.name == last.name
        if not last.arguments.closed:
            return same_name or same_id or fragment.place is not None
        if not same_name:
            return False
        if last.arguments.state is State.PLACEHOLDER and same_id:
            return True
        if same_id:
            return last.arguments.is_extended_by(fragment.arguments)
        return not fragment.arguments or last.arguments.is_same(fragment.arguments)

    def _repeated(self, fragment: Fragment) -> _Call | None:
        known = self._with_id.get(fragment.id) if fragment.id else None
        return known or self._listed(replace(fragment, id=""))

    def _listed(self, fragment: Fragment) -> _Call | None:
        """The call that had this input before."""
        for call in self._unlisted:
            for call_id in ("", call.id):
                self._with_input.setdefault((call_id, call.name, canonical(call.arguments.text)), call)
        self._unlisted.clear()
        return self._with_input.get((fragment.id, fragment.name, canonical(fragment.arguments)))

    def _open(self, fragment: Fragment) -> _Call:
        call = _Call(key=len(self._calls), id=fragment.id)
        self._calls.append(call)
        if fragment.id:
            self._with_id.setdefault(fragment.id, call)
        if fragment.place is not None:
            self._at[fragment.place] = call
        return call

    def _longer_name(self, known: str, piece: str) -> str:
        """Names are sent once, again and again, or in pieces."""
        return known + piece if known and piece != known and self._names.begins_one(known + piece) else known or piece

    def _is_known(self, name: str) -> bool:
        return self._names.client(name) != name or self._names.offers(name)

    def _may_start(self, call: _Call) -> bool:
        """A name may still grow while no input has come, unless it is a tool's."""
        return call.started or (bool(call.name) and (call.arguments.begun or self._is_known(call.name)))

    def _start(self, call: _Call) -> Iterator[Delta]:
        if not call.started:
            call.started = True
            yield ToolCallStart(call.key, self._names.client(call.name))
        if not call.ended and (piece := call.arguments.take()):
            yield ToolCallDelta(call.key, piece)

    def _end(self, call: _Call) -> Iterator[Delta]:
        if call.ended:
            if not call.arguments.ends_well():
                raise ApiError(502, f"the model called the tool {call.name} with input that is not a JSON object")
            return
        call.ended = True
        if piece := call.arguments.rest():
            yield ToolCallDelta(call.key, piece)
        yield ToolCallEnd(call.key)


def fragments(value: Any, choice: int, *, whole: bool, repeats: bool = False) -> Iterator[Fragment]:
    """The members of `tool_calls`, which some servers send as one object or flat, without `function`.

    `whole`: they stand in a message, where each member is another call.
    """
    if isinstance(value, dict):
        value = [value] if value.keys() & {"function", "name", *_INPUT_FIELDS} else list(value.values())
    for position, member in enumerate(value if isinstance(value, list) else ()):
        if isinstance(member, dict):
            index = index_of(member.get("index"))
            if index is None and whole and not repeats:
                index = position
            yield _fragment(member, None if index is None else (choice, index), repeats)


def _fragment(member: dict[str, Any], place: tuple[int, int] | None, repeats: bool) -> Fragment:
    function = member.get("function")
    if isinstance(function, str):
        function = {**member, "name": function}
    elif not isinstance(function, dict):
        function = member
    name, call_id = function.get("name"), member.get("id")
    given = next((function[key] for key in _INPUT_FIELDS if function.get(key) is not None), None)
    return Fragment(
        place,
        id=call_id if isinstance(call_id, str) else "",
        name=name_of(name),
        arguments=as_text(given),
        repeats=repeats,
        signature=thought_signature(member) or thought_signature(function),
    )


def thought_signature(value: dict[str, Any]) -> str:
    """Of a call or a message of Gemini 3's compatible endpoint (0xsline/OpenChatCut#6, labring/aiproxy#450)."""
    extra = value.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else ""


def index_of(value: Any) -> int | None:
    """An index as a whole number; some gateways write it as text or with a fraction of 0."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_index = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INDEX_MAX
    return value if is_index else None
