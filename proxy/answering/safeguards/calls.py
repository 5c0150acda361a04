"""The calls of an answer, and which of them Claude Code checks at all. Pure.

Measured with 2.1.332: not checked are Read and its like, writing inside the trusted folders, and tools that only speak
to the client. A call that is left out of the results and is checked after all is denied, so leaving out is safe.
"""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from proxy.protocol.events import BlockDelta, BlockStart, Event
from proxy.protocol.tool_json import parsed_input

Json = dict[str, Any]

_CLIENT_ONLY = frozenset(("ToolSearch", "TodoWrite", "AskUserQuestion", "ExitPlanMode", "SubagentHandback"))
_READERS = {"Read": "file_path", "Glob": "path", "Grep": "path", "LS": "path", "NotebookRead": "notebook_path"}
_WRITERS = {"Write": "file_path", "Edit": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""Tools that touch one place -> the field of their input that names it."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    input: Json


class CallCollector:
    """Takes the calls out of an answer's events."""

    def __init__(self) -> None:
        self._begun: dict[int, tuple[str, str, list[str]]] = {}

    def saw(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case BlockStart(index, {"type": "tool_use", "id": id, "name": name}):
                    self._begun[index] = (id, name, [])
                case BlockDelta(index, "input_json_delta", str(piece)) if index in self._begun:
                    self._begun[index][2].append(piece)

    @property
    def calls(self) -> list[ToolCall]:
        """Those that are whole: one that the answer's end cut is not run."""
        inputs = ((id, name, parsed_input("".join(pieces))) for id, name, pieces in self._begun.values())
        return [ToolCall(id, name, input) for id, name, input in inputs if input is not None]


def is_checked(call: ToolCall, context: Json) -> bool:
    """Whether the client waits for a verdict on it; whatever is not known is."""
    if call.name in _CLIENT_ONLY:
        return False
    field = _READERS.get(call.name) or _WRITERS.get(call.name)
    if field is None:
        return True
    place = call.input.get(field)
    if place is None:
        return call.name not in _READERS
    return not isinstance(place, str) or not _is_inside(place, context)


def _is_inside(place: str, context: Json) -> bool:
    paths = ntpath if context.get("platform") == "win32" else posixpath
    here = context.get("live_cwd")
    if not isinstance(here, str) or place.startswith("~"):
        return False
    target = paths.normpath(paths.join(here, place))
    return any(_holds(folder, target, paths) for folder in _trusted(context))


def _holds(folder: str, target: str, paths: Any) -> bool:
    root = paths.normpath(folder)
    return bool(target == root or target.startswith(root.rstrip(paths.sep) + paths.sep))


def _trusted(context: Json) -> Iterable[str]:
    directories = context.get("trusted_directories")
    directories = directories if isinstance(directories, dict) else {}
    additional = directories.get("additional")
    for each in (directories.get("primary"), *(additional if isinstance(additional, list) else ())):
        if isinstance(each, dict) and isinstance(each.get("path"), str):
            yield each["path"]
