"""What may be handed to a client as the input of a tool."""

from __future__ import annotations

import pytest

from proxy.protocol.tool_json import is_cut_input, parsed_input


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' {"a": [1, 2.5, -1e300, null]}\n', {"a": [1, 2.5, -1e300, None]}),
        ("", None),
        ("null", None),
        ("[1]", None),
        ('"x"', None),
        ('{"a"', None),
        ("{}{}", None),
        ('{"a": NaN}', None),
        ('{"a": -Infinity}', None),
        ('{"a": 1e400}', None),
        ('{"a": ' + "1" * 5000 + "}", None),
        ('{"a":' * 50_000, None),
        ("[" * 100_000 + "]" * 100_000, None),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_parsed_input(text: str, value: object) -> None:
    assert parsed_input(text) == value


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("{", True),
        (' {"a": "b', True),
        ('{"a": "b\\', True),
        ('{"a": "\\ud83d', True),
        ('{"a": "\ud83d', True),
        ('{"a": [1, tr', True),
        ('{"a": -', True),
        ('{"a"', True),
        ('{"a"{}', False),
        ("{,", False),
        ("[1", False),
        ('"a', False),
        ("", False),
        ("{}", False),
        ('{"a": 1}{', False),
        ('{"a": ' + "1" * 5000 + "}", False),
        ('{"a":' * 50_000, False),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, str) else "",
)
def test_is_cut_input(text: str, is_cut: bool) -> None:
    assert is_cut_input(text) is is_cut
