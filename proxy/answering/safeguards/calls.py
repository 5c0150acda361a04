"""The calls of an answer, and which of them Claude Code checks at all. Pure.

Measured with 2.1.332: not checked are reading, writing inside the trusted folders but for files that others run or
obey, and tools that only speak to the client. A call that is left out of the results and is checked after all is
denied, so leaving out is safe. A flagged call is denied even where it would have run unchecked.
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

_CLIENT_ONLY = frozenset(
    (
        *("ToolSearch", "TodoWrite", "AskUserQuestion", "ExitPlanMode", "SubagentHandback"),
        *("ListAgents", "ReportFindings"),
    )
)
_READERS = {"Read": "file_path", "Glob": "path", "Grep": "path", "LS": "path", "NotebookRead": "notebook_path"}
_WRITERS = {"Write": "file_path", "Edit": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""Tools that touch one place -> the field of their input that names it."""
_GUARDED = frozenset(
    (
        *("bunfig.toml", "lefthook.yml", "lefthook.yaml", "pyrightconfig.json"),
        *("gradle-wrapper.properties", "maven-wrapper.properties"),
    )
)
"""Names that Claude Code guards besides hidden ones (`.git`, `.claude`, `.bashrc`, `.mcp.json` and more)."""


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
    if call.name in _WRITERS:
        inside = _inside(call.input.get(_WRITERS[call.name]), context)
        return inside is None or any(name.startswith(".") or name.lower() in _GUARDED for name in inside)
    if call.name in _READERS:
        place = call.input.get(_READERS[call.name])
        return _blocks_reads(context) and place is not None and _inside(place, context) is None
    return True


def _inside(place: Any, context: Json) -> list[str] | None:
    """The way to `place` from the trusted folder that holds it, name by name; None where none holds it."""
    paths = ntpath if context.get("platform") == "win32" else posixpath
    here = context.get("live_cwd")
    if not isinstance(place, str) or not isinstance(here, str) or place.startswith("~"):
        return None
    target = paths.normpath(paths.join(here, place))
    for folder in _trusted(context):
        root = paths.normpath(folder)
        if target == root:
            return []
        if target.startswith(root.rstrip(paths.sep) + paths.sep):
            names: list[str] = target[len(root) :].strip(paths.sep).split(paths.sep)
            return names
    return None


def _blocks_reads(context: Json) -> bool:
    directories = context.get("trusted_directories")
    return isinstance(directories, dict) and bool(directories.get("block_reads_outside_working_directories"))


def _trusted(context: Json) -> Iterable[str]:
    directories = context.get("trusted_directories")
    directories = directories if isinstance(directories, dict) else {}
    additional = directories.get("additional")
    for each in (directories.get("primary"), *(additional if isinstance(additional, list) else ())):
        if isinstance(each, dict) and isinstance(each.get("path"), str):
            yield each["path"]
