"""Values in Python's notation, where they can be read in one way only."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.providers.common.python_notation import LENGTH_MAX, python_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'it\\'s', 'b': None}", {"a": "it's", "b": None}),
        ("{'a': True, 'b': [1, -2.5,],}", {"a": True, "b": [1, -2.5]}),
        ('{"a": true, "b": null, "c": false}', {"a": True, "b": None, "c": False}),
        ("{'a': 'x\\ny\\\\z'}", {"a": "x\ny\\z"}),
        ("{}", {}),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert python_value(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{'a': b}",
            "{'a': f(1)}",
            "{'a': 1, 'a': 2}",
            "{1: 2}",
            "{**a}",
            "{'a': 1 + 1}",
            "{'a': -b}",
            "{'a'",
            "{1}",
        ),
        *("{'a': '\\d'}", "{'a': '\\u00e9'}", "{'a': '\\x41'}", "{'a': b'x'}", "{'a': 1e999}", "{'a': ...}", "(1, 2)"),
        *("[" * 10_000, "-" * 10_000 + "1", "{'a':" * 5_000, "\x00", " " * LENGTH_MAX + "1"),
    ],
)
def test_no_values(text: str) -> None:
    with pytest.raises(ValueError):
        python_value(text)
