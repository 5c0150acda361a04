"""The notation of Gemma's tool calls."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.providers.common.gemma_calls import gemma_object


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('{path:<|"|>a, {b}<|"|>,lines:3}', {"path": "a, {b}", "lines": 3}),
        ('{edits:[{new:<|"|>x<|"|>,old:<|"|>y<|"|>}]}', {"edits": [{"new": "x", "old": "y"}]}),
        ("{path:<escape>a<escape>, all:true, none:null}", {"path": "a", "all": True, "none": None}),
        ('{"path": "a\\n", count: -1.5}', {"path": "a\n", "count": -1.5}),
        ('{<|"|>path<|"|>:<|"|>a<|"|>}', {"path": "a"}),
        ("{city:New York}", {"city": "New York"}),
    ],
)
def test_objects(text: str, value: dict[str, Any]) -> None:
    assert gemma_object(f"x{text}y", 1) == (value, 1 + len(text))


@pytest.mark.parametrize(
    "text", ["", "{", "{a", "{a:", "{a:}", '{a:<|"|>b', "{a:[1", "[1]", "a", "{a:" * 200, "{:1}", "{a:<b>}"]
)
def test_no_objects(text: str) -> None:
    assert gemma_object(text, 0) == (None, 0)
