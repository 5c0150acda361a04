"""Values in Python's notation, which models write where JSON is wanted: single quotes, None, a last comma. Pure."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

LENGTH_MAX = 200_000
"""Characters; Python's parser is slow."""
_AMBIGUOUS = re.compile(r"(?<!\\)(?:\\\\)*\\(?![\\\"'nrtbf])")
"""Escapes that Python and JSON read otherwise, or not at all."""
_WORDS = {"true": True, "false": False, "null": None}


def python_value(text: str) -> Any:
    """The value of a text that means the same to all who can read it. Raises ValueError where there is none."""
    if len(text) > LENGTH_MAX or _AMBIGUOUS.search(text):
        raise ValueError("not to be read for sure")
    try:
        value = _value(ast.parse(text, mode="eval").body)
        json.dumps(value, allow_nan=False)
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError("no value of Python's") from None
    return value


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Dict(keys=keys, values=values) if all(isinstance(key, ast.Constant) for key in keys):
            names = [_value(key) for key in keys if key is not None]
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                raise ValueError("keys that are no names")
            return dict(zip(names, map(_value, values), strict=True))
        case ast.List(elts=members):
            return [_value(member) for member in members]
        case ast.Name(id=word) if word in _WORDS:
            return _WORDS[word]
        case ast.Constant(value=str() | int() | float() | None):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    raise ValueError("not a plain value")
