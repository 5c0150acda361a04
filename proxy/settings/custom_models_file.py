"""Changes to the custom models file, which is the user's: what they wrote stays, comments included.

A change is checked before it is written, and the file is replaced as a whole or not at all.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from proxy.settings.custom_models import parse_custom_models

_SAME = {"habits": ("habits", "quirks")}
"""A list that has two names."""
_ANY_WIDTH = 4096


class NotWritten(Exception):
    """The file was left as it is; the text says why."""


def add_entry(path: Path, entry: Mapping[str, Any]) -> None:
    """Appends an entry, to a new file if there is none. Raises NotWritten."""
    text, newline = _read(path) if os.path.exists(path) else ("", "\n")
    document, plain = _parsed(text, path)
    if document is None:
        begun = text if not text or text.endswith("\n") else f"{text}\n"
        changed = begun + _dumped([dict(entry)], "")
    else:
        document.append(dict(entry))
        changed = _dumped(document, text)
    _check(path, text, changed, [*(plain or []), dict(entry)])
    _write(path, changed, newline)


def complete_entry(path: Path, model_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Adds fields to the entry of this id, those that it has not; a list of habits gets what is missing in it.

    Gives what was added. Raises NotWritten.
    """
    text, newline = _read(path)
    document, wanted = _parsed(text, path)
    number = _position(document, model_id, path)
    entry, added = document[number], {}
    for name, value in fields.items():
        held = next((each for each in _SAME.get(name, ()) if isinstance(entry.get(each), list)), None)
        if held is not None:
            added[name] = [each for each in value if each not in entry[held]]
            entry[held].extend(added[name])
            wanted[number][held] = [*wanted[number][held], *added[name]]
        elif entry.get(name) is None:
            added[name] = value
            _put(entry, name, value)
            wanted[number][name] = value
    added = {name: value for name, value in added.items() if value != []}
    if added:
        changed = _dumped(document, text)
        _check(path, text, changed, wanted)
        _write(path, changed, newline)
    return added


def _put(entry: CommentedMap, name: str, value: Any) -> None:
    if isinstance(value, list):
        value = CommentedSeq(value)
        value.fa.set_flow_style()
    if name in entry:
        entry[name] = value
    else:
        entry.insert(_place(entry), name, value)


def _place(entry: Any) -> int:
    """As low as possible, but not between a comment or blank line and what follows: those belong to that."""
    rows: list[tuple[str, Any]] = list(entry.items())
    for place in range(len(rows), 0, -1):
        name, value = rows[place - 1]
        tokens = [token for token in entry.ca.items.get(name, ()) if token is not None and not isinstance(token, list)]
        is_block = isinstance(value, CommentedMap | CommentedSeq) and not value.fa.flow_style()
        if not is_block and not "".join(token.value for token in tokens).partition("\n")[2]:
            return place
    return len(rows)


def _position(document: Any, model_id: str, path: Path) -> int:
    for number, entry in enumerate(document or ()):
        if isinstance(entry, CommentedMap) and entry.get("model_id") == model_id:
            return number
    raise NotWritten(f"{path.name}: has no entry {model_id} any more")


def _read(path: Path) -> tuple[str, str]:
    """The text with plain line ends, and the file's own line end."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NotWritten(f"{path.name}: cannot be read ({type(error).__name__})") from None
    return text.replace("\r\n", "\n"), "\r\n" if "\r\n" in text else "\n"


def _round_trip(text: str) -> YAML:
    rows = re.search(r"^( *)- ", text, re.MULTILINE)
    offset = len(rows[1]) if rows else 0
    tool = YAML()
    tool.preserve_quotes = True
    tool.width = _ANY_WIDTH
    tool.indent(mapping=2, sequence=2 + offset, offset=offset)
    return tool


def _parsed(text: str, path: Path) -> tuple[Any, Any]:
    """The document with all that stands around it, and what it means to who reads it with PyYAML, as the proxy does."""
    try:
        document, plain = _round_trip(text).load(text), yaml.safe_load(text)
    except (YAMLError, yaml.YAMLError, ValueError):
        raise NotWritten(f"{path.name}: is not valid YAML") from None
    if document is not None and not isinstance(document, list):
        raise NotWritten(f"{path.name}: is not a list")
    return document, plain


def _dumped(document: Any, text: str) -> str:
    stream = io.StringIO()
    _round_trip(text).dump(document, stream)
    return stream.getvalue()


def _check(path: Path, before: str, after: str, wanted: Any) -> None:
    """Raises NotWritten where the new text would not mean what is wanted, or has a problem that the old one has not."""
    problems: list[list[str]] = [[], []]
    for text, found in zip((before, after), problems, strict=True):
        parse_custom_models(text, path.name, lambda _: (), found)
    if fresh := [each for each in problems[1] if each not in problems[0]]:
        raise NotWritten(fresh[0])
    if yaml.safe_load(after) != wanted:
        raise NotWritten(f"{path.name}: could not be changed safely; write it by hand")


def _write(path: Path, text: str, newline: str) -> None:
    """Replaces the file, or what it is a link to."""
    real = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline=newline) as file:
                file.write(text)
            if os.path.exists(real):
                shutil.copymode(real, name)
            else:
                os.chmod(name, 0o644)
            os.replace(name, real)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise NotWritten(f"{path.name}: cannot be written ({error.strerror})") from None
