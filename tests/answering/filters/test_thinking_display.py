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


OLDER = [
    *("claude-instant-1.2", "claude-v2:1", "claude-2.1", "claude-3-5-sonnet-20241022", "claude-3-7-sonnet-latest"),
    *("claude-3-opus@20240229", "claude-3.5-haiku", "claude-sonnet-4-20250514", "claude-opus-4-1", "Claude-Haiku-4-5"),
    *("claude-opus-4-6[1m]", "anthropic/claude-sonnet-4.5", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
]
NEWER = [
    *("claude-sonnet-5", "claude-opus-5-5", "claude-haiku-5-5-20260901", "claude-fable-5-2", "claude-mythos-5"),
    *("claude-sonnet-latest", "claude-opus-10", "claude-opus-41", "sonnet", "gpt-4.1", "claude-gpt-4"),
    *("claude-custom-3", "claude-proxy-big", "claude-proxy-4f2d26"),
]


@pytest.mark.parametrize(
    ("model", "display"), [*((name, "none") for name in OLDER), *((name, "full") for name in NEWER)]
)
def test_where_thinking_is_not_mentioned(model: str, display: str) -> None:
    """Before Claude 5 it is off then."""
    assert requested_display(parsed(asking(model=model))) == display
    assert requested_display(parsed(asking(model=model, thinking={"type": "adaptive"}))) == "full"


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
