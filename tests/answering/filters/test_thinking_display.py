from __future__ import annotations

from typing import Any

import pytest

from proxy.answering.filters.thinking_display import thinking_display
from proxy.protocol.deltas import Delta, Finish, RedactedThinking, TextDelta, ThinkingDelta, ThinkingEnd, Usage
from proxy.protocol.effort import requested_display
from tests.translation import Json, asking, parsed

END = Finish("end")
ALL: list[Delta] = [
    ThinkingDelta("a"),
    ThinkingDelta("b"),
    ThinkingEnd("s"),
    ThinkingDelta("c"),
    ThinkingEnd("t"),
    RedactedThinking("x"),
    Usage(output=5),
    TextDelta("hello"),
    END,
]


@pytest.mark.parametrize(
    ("thinking", "display"),
    [
        (None, "full"),
        ({"type": "adaptive"}, "full"),
        ({"type": "adaptive", "display": "summarized"}, "full"),
        ({"type": "adaptive", "display": "updates"}, "full"),
        ({"type": "adaptive", "display": "omitted"}, "omitted"),
        ({"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, "omitted"),
        ({"type": "disabled"}, "none"),
        ({"type": "disabled", "display": "omitted"}, "none"),
    ],
)
def test_requested_display(thinking: Json | None, display: str) -> None:
    assert requested_display(parsed(asking(thinking=thinking))) == display


@pytest.mark.parametrize(
    ("display", "wanted"),
    [
        ("full", ALL),
        (
            "omitted",
            [ThinkingDelta(""), ThinkingEnd("s"), ThinkingDelta(""), ThinkingEnd("t"), *ALL[5:]],
        ),
        ("none", ALL[6:]),
    ],
)
@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "each alone"])
def test_display(display: Any, wanted: list[Delta], apart: bool) -> None:
    batches = [[delta] for delta in ALL] if apart else [ALL]
    out = list(thinking_display(batches, display))
    assert [delta for batch in out for delta in batch] == wanted
    assert len(out) == len(batches)  # an empty batch is a sign of life
