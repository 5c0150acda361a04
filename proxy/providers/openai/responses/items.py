"""Which item of a response an event is about. Pure.

OpenAI names each item (`item_id`), numbers it (`output_index`), and names each call (`call_id`). Servers leave out any
of the three, number all items alike or name an item anew in each event. So an item is found by the first of these that
fits, among the items of its type:

    event                    id   call_id   place                           else
    a piece of an item       x    -         open, same index                the last open one that was announced, or any
                                                                            if the piece names none
    announced                x    x         open, not announced yet         -
    done                     x    x         open, same index, fits          the open one that it fits, or the last
    listed in the response   x    x         what it fits; its position      -

and is a new one otherwise. "Fits" means that it goes on with what has come of the item. A piece under another name than
the one that has come twice for the item in its place is about another item.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import Any

from proxy.providers.common.fields import count_of, json_text, name_of, object_of, objects_of, text_of
from proxy.providers.common.json_text import loads
from proxy.providers.openai.responses.outputs import part_text, parts_of

MESSAGE, CALL, REASONING = "message", "function_call", "reasoning"
_LOOK_BACK = 64
"""Items that may be meant where nothing names them; so an answer of thousands of items takes no longer for each."""
_WRITINGS = 8
"""How many times as long the same JSON may be in another writing: `\\u00e9` has six characters for one."""
_ANY = -1
"""Stands for every index."""
PartKey = tuple[str, int]
"""Which list of an item a part is in ("content" or "summary"), and where."""


class ItemState(Enum):
    OPEN = auto()
    STARTED = auto()
    """A call of which the client has been shown the beginning."""
    DONE = auto()


@dataclass(slots=True, eq=False)
class Item:
    """One output item as far as it is known: what has come of its text or arguments, and what of it was not shown yet.

    `steady`: its id has come more than once, so that another id means another item.
    """

    key: int
    type: str
    index: int | None
    id: str = ""
    call_id: str = ""
    name: str = ""
    announced: dict[str, Any] | None = None
    steady: bool = False
    state: ItemState = ItemState.OPEN
    parts: dict[PartKey, list[str]] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add_text(self, part: PartKey, piece: str) -> None:
        self.parts.setdefault(part, []).append(piece)
        self.waiting.append(piece)

    def add_arguments(self, piece: str) -> None:
        self.arguments.append(piece)
        self.waiting.append(piece)

    def complete_arguments(self, whole: str) -> None:
        """Takes the whole arguments, where they go on with what has come of them."""
        if rest := rest_of(whole, self.arguments):
            self.add_arguments(rest)

    def take_waiting(self) -> str:
        text = "".join(self.waiting)
        self.waiting.clear()
        return text

    @property
    def text(self) -> str:
        return "".join(self._pieces())

    def is_other(self, name: str, index: int | None) -> bool:
        """Whether an event with this id and index is about another item, though it may stand in the same place."""
        return bool(name and self.id) and name != self.id and (self.steady or index is None)

    def fits(self, what: dict[str, Any]) -> bool:
        """Whether the whole item `what` goes on with what has come of this one, or is it once more."""
        if self.type == CALL:
            if self.name and name_of(what.get("name")) not in ("", self.name):
                return False
            whole = arguments_of(what.get("arguments"))
            rest = rest_of(whole, self.arguments)
            if not whole or not self.arguments or rest == "":
                return True
            return _is_same_json(whole, self.arguments) if self.state is ItemState.DONE else rest is not None
        if self.type == MESSAGE:
            rest = rest_of("".join(map(part_text, parts_of(what.get("content")))), self._pieces())
            return rest == "" if self.state is ItemState.DONE else rest is not None
        return True

    def _pieces(self) -> Iterator[str]:
        return (piece for pieces in self.parts.values() for piece in pieces)


def arguments_of(value: Any) -> str:
    """Arguments as JSON text; some servers send the object itself (google/adk-go#1254)."""
    return "" if value is None else value if isinstance(value, str) else json_text(value)


def type_of(what: dict[str, Any]) -> str:
    """The type of an item, by its fields where it has none."""
    if kind := text_of(what.get("type")):
        return kind
    return CALL if "arguments" in what else MESSAGE if "content" in what else ""


def rest_of(whole: str, pieces: Iterable[str]) -> str | None:
    """What a whole text says beyond its pieces, None where it does not begin with them.

    Takes no longer than `whole` is, however much has come in pieces.
    """
    at = 0
    for piece in pieces:
        if not whole.startswith(piece, at):
            return None
        at += len(piece)
    return whole[at:]


def _is_same_json(whole: str, pieces: list[str]) -> bool:
    """Whether the pieces say the same in another writing, which is never of quite another length."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > len(whole) * _WRITINGS:
            return False
    try:
        return len(whole) <= size * _WRITINGS and bool(loads(whole) == loads("".join(pieces)))
    except ValueError:
        return False


class Items:
    """The items of one response, in the order in which they began."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._by_id: dict[str, Item] = {}
        self._by_call_id: dict[str, Item] = {}
        self._begun: dict[tuple[str, int | None], list[Item]] = {}
        """By type and index, and all of a type under `_ANY`; those that are done are taken out when they are met."""

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def of_piece(self, event: dict[str, Any], kind: str) -> Item:
        """The item that a piece of text or arguments belongs to."""
        name, index = text_of(event.get("item_id")), count_of(event.get("output_index"))
        known = self._by_id.get(name)
        if known is not None and known.type == kind:
            known.steady = True
            return known
        placed = self._open(kind, index)
        found = next((item for item in placed if index is not None or item.announced is not None or not name), None)
        if found is not None and not found.is_other(name, 0):
            return found
        return self._new(kind, index, name)

    def announced(self, event: dict[str, Any], what: dict[str, Any]) -> Item:
        kind, name, index = type_of(what), _id(event, what), count_of(event.get("output_index"))
        found = self._named(kind, what, name)
        if found is None:
            placed = (item for item in self._last(kind, index) if not item.is_other(name, index))
            found = next((item for item in placed if item.announced is None or not name), None)
        if found is None:
            found = self._new(kind, index, name)
        found.announced = found.announced or what
        self._learn(found, what, name)
        return found

    def done(self, event: dict[str, Any], what: dict[str, Any]) -> Item:
        kind, name, index = type_of(what), _id(event, what), count_of(event.get("output_index"))
        found = self._named(kind, what, name)
        if found is None:
            placed = self._open(kind, index)
            if index is None and name:
                placed = [item for item in placed if item.announced is not None or not item.id]
            same = (item for item in placed if not item.is_other(name, 0))
            found = next((item for item in placed if item.fits(what)), None) or next(same, None)
        if found is None:
            found = self._new(kind, index, name)
        self._learn(found, what, name)
        return found

    def listed(self, output: Any) -> Iterator[tuple[Item, dict[str, Any]]]:
        """The items that a whole response lists, each with what is listed of it."""
        left: dict[str, OrderedDict[int, Item]] = {}
        for item in self._items:
            left.setdefault(item.type, OrderedDict())[item.key] = item
        listed = objects_of(output)
        found: dict[int, Item] = {}

        def take(position: int, item: Item | None) -> None:
            if item is not None and position not in found and left[item.type].pop(item.key, None) is not None:
                found[position] = item

        for position, what in enumerate(listed):
            take(position, self._named(type_of(what), what, _id({}, what)))
        for position, what in enumerate(listed):
            if position not in found:
                nearest = islice(left.get(type_of(what), {}).values(), _LOOK_BACK)
                take(position, next((item for item in nearest if item.fits(what)), None))
        placed = {(item.type, item.index): item for items in left.values() for item in reversed(items.values())}
        for position, what in enumerate(listed):
            take(position, placed.get((type_of(what), position)))
        for position, what in enumerate(listed):
            yield found.get(position) or self._new(type_of(what), position, _id({}, what)), what

    def _open(self, kind: str, index: int | None) -> list[Item]:
        """The items of a type that are not done and may stand at this index, if one is given; the last one first."""
        if index is None:
            return self._last(kind, _ANY)
        found = [*self._last(kind, index), *self._last(kind, None)]
        return sorted(found, key=lambda item: item.key, reverse=True)

    def _last(self, kind: str, index: int | None) -> list[Item]:
        """Those at just this index, the last one first; no further back than an answer's items can be apart."""
        begun = self._begun.get((kind, index), [])
        found: list[Item] = []
        at = len(begun)
        while at and len(found) < _LOOK_BACK:
            at -= 1
            if begun[at].state is ItemState.DONE:
                del begun[at]
            else:
                found.append(begun[at])
        return found

    def _named(self, kind: str, what: dict[str, Any], name: str) -> Item | None:
        call_id = text_of(what.get("call_id"))
        for found in (self._by_call_id.get(call_id), self._by_id.get(name)):
            if found is not None and found.type == kind and found.call_id in ("", call_id or found.call_id):
                return found
        return None

    def _new(self, kind: str, index: int | None, name: str) -> Item:
        item = Item(len(self._items), kind, index, name)
        self._items.append(item)
        for place in (index, _ANY):
            self._begun.setdefault((kind, place), []).append(item)
        if name:
            self._by_id[name] = item
        return item

    def _learn(self, item: Item, what: dict[str, Any], name: str) -> None:
        item.name = item.name or name_of(what.get("name"))
        if call_id := text_of(what.get("call_id")):
            item.call_id = item.call_id or call_id
            self._by_call_id[call_id] = item
        if name:
            self._by_id.setdefault(name, item)


def _id(event: dict[str, Any], what: dict[str, Any]) -> str:
    return text_of(event.get("item_id")) or text_of(object_of(what).get("id"))
