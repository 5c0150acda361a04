"""What a Responses server remembers of its answers: the reasoning that it sealed, and the items that it numbered."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tests.fakes.refusal import refuse

_KEY = b"the key of the fake"
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """Reasoning that was sealed: `encrypted` is the whole `encrypted_content` of `response.output_item.done`."""

    encrypted: str
    model: str
    text: str
    """What the summary shows, or would show."""
    answer: int
    """Which answer of the fake it belongs to, from 1."""

    @property
    def partial(self) -> str:
        """What `response.output_item.added` shows of it."""
        return self.encrypted[: len(self.encrypted) // 2]


@dataclass(frozen=True, slots=True)
class Replay:
    """A state that came back in an accepted request."""

    state: State
    request: int
    """`Exchange.number`."""
    position: int
    """Index in `input`."""
    in_place: bool
    """Before the item that it was sealed before: the same call, text or reasoning. True where it was sealed last."""


@dataclass
class Ledger:
    """Everything that one server issued. Only whole answers are entered, also where the client hung up halfway."""

    issued: list[State] = field(default_factory=list)
    replayed: list[Replay] = field(default_factory=list)
    _states: dict[str, State] = field(default_factory=dict)
    _after: dict[str, Any] = field(default_factory=dict)
    _items: dict[str, _Minted] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def seal(self, model: str, text: str, answer: int) -> State:
        content = f"{model}\0{next(self._numbers)}\0{text}".encode()
        digest = hmac.digest(_KEY, content, "sha256") + hashlib.sha512(content).digest()
        state = State(f"gAAAAAB{urlsafe_b64encode(digest).decode()}", model, text, answer)
        self.issued.append(state)
        self._states[state.encrypted] = state
        return state

    def enter(self, output: Sequence[Item], *, stored: bool) -> None:
        """The output items of an answer, as `response.completed` lists them."""
        for number, item in enumerate(output):
            after = output[number + 1] if number + 1 < len(output) else None
            before = output[number - 1]["id"] if number and output[number - 1]["type"] == "reasoning" else None
            self._items[item["id"]] = _Minted(before, after["id"] if after else None, stored)
            if item.get("encrypted_content"):
                self._after[item["encrypted_content"]] = _mark(after)

    def check(self, items: Sequence[Item], model: str) -> None:
        """Raises Refused on reasoning that this server cannot read or find. `items` are well-formed."""
        for number, item in enumerate(items):
            after = items[number + 1] if number + 1 < len(items) else None
            if item["type"] == "reasoning":
                self._check_reasoning(item, after, model)
            elif item["type"] == "item_reference" and not self._is_stored(item["id"]):
                _not_found(item["id"])
            minted = self._items.get(item.get("id", ""))
            if minted and minted.before and (not number or items[number - 1].get("id") != minted.before):
                refuse(
                    f"Item '{item['id']}' of type '{item['type']}' was provided without its required 'reasoning' "
                    f"item: '{minted.before}'.",
                    "input",
                )

    def record(self, request: int, items: Sequence[Item]) -> None:
        """An accepted request."""
        for position, item in enumerate(items):
            state = self._states.get(item.get("encrypted_content") or "")
            if item.get("type") == "reasoning" and state:
                after = items[position + 1] if position + 1 < len(items) else None
                expected = self._after.get(state.encrypted)
                in_place = expected is None or _mark(after) == expected
                self.replayed.append(Replay(state, request, position, in_place))

    def _check_reasoning(self, item: Item, after: Item | None, model: str) -> None:
        sealed = item.get("encrypted_content")
        if "id" in item:
            minted = self._items.get(item["id"])
            if minted is None or not (sealed or minted.stored):
                _not_found(item["id"])
            if minted.after and (after is None or after.get("id") != minted.after):
                text = "of type 'reasoning' was provided without its required following item."
                refuse(f"Item '{item['id']}' {text}", "input")
        if sealed is None:
            return
        state = self._states.get(sealed)
        if state is None or state.model != model:
            text = f"The encrypted content {sealed[:4]}...{sealed[-4:]} could not be verified."
            reason = "Reason: Encrypted content could not be decrypted or parsed."
            refuse(f"{text} {reason}", None, "invalid_encrypted_content")

    def _is_stored(self, id: str) -> bool:
        minted = self._items.get(id)
        return minted is not None and minted.stored


@dataclass(frozen=True, slots=True)
class _Minted:
    before: str | None
    """The id of the reasoning right before the item."""
    after: str | None
    stored: bool


def _mark(item: Item | None) -> tuple[str, str] | None:
    """By what an item is known again, ids apart: those of calls are the client's to choose."""
    if item is None:
        return None
    kind = item.get("type", "message")
    if kind == "function_call":
        return kind, f"{item.get('name')} {json.dumps(json.loads(item.get('arguments') or '{}'), sort_keys=True)}"
    if kind == "reasoning":
        return kind, str(item.get("encrypted_content"))
    content = item.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", part.get("refusal", "")) for part in content)
    return kind, str(content)


def _not_found(id: str) -> NoReturn:
    text = "Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this"
    refuse(f"Item with id '{id}' not found. {text} item from your input.", "input", status=404)
