"""Tools that Anthropic has defined and the client runs: a request names their type only, its models know the rest.

Other models do not, so here is what Anthropic documents of their input, as a description and a JSON schema.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Definition(NamedTuple):
    description: str
    input_schema: dict[str, Any]


def definition(tool_type: str) -> Definition | None:
    """What a model must be told of a tool of this type, such as bash_20250124; None where that is not known."""
    return next((known for pattern, known in _DEFINITIONS if pattern.fullmatch(tool_type)), None)


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


def _line(description: str) -> dict[str, str]:
    return {"type": "integer", "description": description}


def _object(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _commands(*names: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(names), "description": "What to do."}


_VIEW_RANGE = {
    "type": "array",
    "items": {"type": "integer"},
    "description": "view: the first and the last line to show, from 1; -1 as the last is the end of the file.",
}
_EDITING: dict[str, dict[str, Any]] = {
    "path": _text("The file or directory, as an absolute path."),
    "view_range": _VIEW_RANGE,
    "file_text": _text("create: the content of the file."),
    "old_str": _text("str_replace: the text to replace, exactly as it stands and only once in the file."),
    "insert_line": _line("insert: the line after which to insert; 0 is the beginning of the file."),
}
_BASH = Definition(
    "Runs a command in a bash session that lasts from call to call, and returns what it prints.",
    _object([], command=_text("The command to run."), restart={"type": "boolean", "description": "Begin anew."}),
)
_EDITOR_WITH_UNDO = Definition(
    "Views, creates and edits files. undo_edit takes back the last edit of a file.",
    _object(
        ["command", "path"],
        command=_commands("view", "create", "str_replace", "insert", "undo_edit"),
        **_EDITING,
        new_str=_text("str_replace: the new text; insert: the text to insert."),
    ),
)
_EDITOR = Definition(
    "Views, creates and edits files.",
    _object(
        ["command", "path"],
        command=_commands("view", "create", "str_replace", "insert"),
        **_EDITING,
        new_str=_text("str_replace: the new text."),
        insert_text=_text("insert: the text to insert."),
    ),
)
_MEMORY = Definition(
    "Keeps files under /memories from one conversation to the next. View /memories before a task for what is known of "
    "it, and write down what will be of use later.",
    _object(
        ["command"],
        command=_commands("view", "create", "str_replace", "insert", "delete", "rename"),
        **_EDITING,
        new_str=_text("str_replace: the new text."),
        insert_text=_text("insert: the text to insert."),
        old_path=_text("rename: the current path."),
        new_path=_text("rename: the new path."),
    ),
)
_DEFINITIONS = (
    (re.compile(r"bash_\d+"), _BASH),
    (re.compile(r"text_editor_(20241022|20250124)"), _EDITOR_WITH_UNDO),
    (re.compile(r"text_editor_\d+"), _EDITOR),
    (re.compile(r"memory_\d+"), _MEMORY),
)
