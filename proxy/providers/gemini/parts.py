"""Parts of Gemini's answers that are neither text nor a call, as text; and the arguments of calls in pieces. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.common.fields import text_of
from proxy.providers.common.outputs import fenced, file_made

_ABOUT_A_PART = ("videoMetadata", "partMetadata", "mediaResolution", "functionCall", "text", "thought")
_GOOD_OUTCOME = "OUTCOME_OK"
_WORD = re.compile("[A-Za-z_]{1,60}")
"""What Google's names for kinds of parts and outcomes are made of."""
_INDEX_END = 10_000
"""Members of one list; a path such as `$.a[999999999]` would fill the memory with the members before it."""


def described(part: dict[str, Any]) -> str:
    """What the part holds, be it of a kind that is not known yet; "" where it holds nothing.

    The kinds: https://ai.google.dev/api/caching#Part (2026-11).
    """
    for name, value in part.items():
        if isinstance(value, dict) and name not in _ABOUT_A_PART:
            describe = _DESCRIPTIONS.get(name)
            return describe(value) if describe else f"[Gemini sent a {_word(name)}, which cannot be shown here]"
    return ""


def _inline(data: dict[str, Any]) -> str:
    return file_made(text_of(data.get("mimeType")))


def _file(data: dict[str, Any]) -> str:
    where = text_of(data.get("fileUri")) or "an unknown place"
    return f"[The model refers to a file at {where}]"


def _code(data: dict[str, Any]) -> str:
    language = text_of(data.get("language")).lower()
    return fenced(text_of(data.get("code")), "" if language.startswith("language_") else language)


def _result(data: dict[str, Any]) -> str:
    outcome, output = text_of(data.get("outcome")), text_of(data.get("output"))
    head = "" if outcome in ("", _GOOD_OUTCOME) else f"[The code ended with {_word(outcome)}]\n\n"
    return head + fenced(output) if output else head or "[The code ran without any output]"


def _word(text: str) -> str:
    return text if _WORD.fullmatch(text) else "something"


_DESCRIPTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "inlineData": _inline,
    "fileData": _file,
    "executableCode": _code,
    "codeExecutionResult": _result,
}

Path = tuple[str | int, ...]
_STEP = re.compile(r"""\.(?P<name>[^.\[\]]+)|\[(?P<index>\d{1,9})\]|\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]""")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")


@dataclass(slots=True)
class PartialArgs:
    """Arguments that come as `partialArgs`: `{"jsonPath": "$.a.b[0]", "stringValue": ..., "willContinue": true}`.

    Vertex AI sends them where `streamFunctionCallArguments` is on, which is for a gateway to say, not for us.
    """

    _values: dict[Path, Any] = field(default_factory=dict)
    _strings: dict[Path, list[str]] = field(default_factory=dict)
    _open: set[Path] = field(default_factory=set)

    def add(self, piece: dict[str, Any]) -> None:
        """Raises ApiError (502) where the path cannot be read."""
        path = _path(text_of(piece.get("jsonPath")))
        name = next((name for name in _VALUES if name in piece), None)
        if name is not None:
            value = None if name == "nullValue" else piece[name]
            if isinstance(value, str):
                self._strings.setdefault(path, []).append(value)
                self._values[path] = ""
            else:
                self._values[path] = value
        (self._open.add if piece.get("willContinue") is True else self._open.discard)(path)

    @property
    def is_empty(self) -> bool:
        return not self._values

    @property
    def may_be_whole(self) -> bool:
        """Whether no string of it is known to go on."""
        return bool(self._values) and not self._open

    def value(self) -> dict[str, Any]:
        """Raises ApiError (502) where two paths contradict each other."""
        root: dict[str, Any] = {}
        for path, value in self._values.items():
            _put(root, path, "".join(self._strings[path]) if path in self._strings else value)
        return root


def _path(text: str) -> Path:
    steps: list[str | int] = []
    at = 1
    while at < len(text) and (step := _STEP.match(text, at)):
        steps.append(int(step["index"]) if step["index"] else step["name"] or step["quoted"] or "")
        at = step.end()
    if not text.startswith("$") or at != len(text) or not steps or isinstance(steps[0], int):
        raise ApiError(502, "Gemini sent a piece of a function call that belongs nowhere")
    return tuple(steps)


def _put(root: dict[str, Any], path: Path, value: Any) -> None:
    node: Any = root
    for step, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(step, int) and isinstance(node, list) and step < _INDEX_END:
            node.extend([None] * (step + 1 - len(node)))
            known = node[step]
        elif isinstance(step, str) and isinstance(node, dict):
            known = node.get(step)
        else:
            raise ApiError(502, "Gemini sent pieces of a function call that contradict each other")
        if following is None:
            node[step] = value
        else:
            empty: Any = [] if isinstance(following, int) else {}
            node[step] = empty if known is None else known
            node = node[step]
