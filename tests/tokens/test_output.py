"""What an answer holds is counted where its upstream does not count it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pytest

from proxy.protocol.deltas import Delta, Finish, RedactedThinking, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from proxy.tokens.output import count_output
from proxy.tokens.text import text_tokens
from tests.protocol.writing import called

PROSE = "The quick brown fox jumps over the lazy dog. " * 20
INPUT = '{"file_path": "/home/dev/app/main.py", "limit": 200}'
END: list[Delta] = [Finish()]


def counted(*batches: Sequence[Delta]) -> list[Delta]:
    """What was added to the answer, which passes as it is."""
    given = list(chain.from_iterable(batches))
    passed = list(chain.from_iterable(count_output(batches)))
    assert passed[: len(given)] == given
    return passed[len(given) :]


@pytest.mark.parametrize(
    ("batches", "tokens"),
    [
        pytest.param([[TextDelta(PROSE)], END], text_tokens(PROSE), id="text"),
        pytest.param([[TextDelta(letter) for letter in PROSE], END], text_tokens(PROSE), id="text letter by letter"),
        pytest.param([[ThinkingDelta(PROSE), TextDelta("Hi")], END], text_tokens(PROSE) + 1, id="thinking is output"),
        pytest.param([called(0, "Read", INPUT), END], text_tokens("Read " + INPUT) + 4, id="a call with its name"),
        pytest.param([called(0, "Read", *INPUT), END], text_tokens("Read " + INPUT) + 4, id="input byte by byte"),
        pytest.param(
            [
                [*called(0, "Read")[:1], *called(1, "Read")[:1]],
                *([ToolCallDelta(0, letter), ToolCallDelta(1, letter)] for letter in INPUT),
                END,
            ],
            2 * (text_tokens("Read " + INPUT) + 4),
            id="interleaved calls",
        ),
        pytest.param([[TextDelta(PROSE), Usage(input=50)], END], text_tokens(PROSE), id="only the input reported"),
        pytest.param([[TextDelta(PROSE), Usage(0, 0)], END], text_tokens(PROSE), id="an output of 0 reported"),
        pytest.param([[TextDelta("x")], END], 1, id="at least one"),
    ],
)
def test_what_is_not_reported_is_counted(batches: list[list[Delta]], tokens: float) -> None:
    (usage,) = counted(*batches)
    assert isinstance(usage, Usage)
    assert usage.output == pytest.approx(tokens, abs=1)
    assert (usage.input, usage.cache_read, usage.thinking) == (None, None, None)


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([[TextDelta(PROSE), Usage(output=7)], END], id="reported"),
        pytest.param([[Usage(output=7)], [TextDelta(PROSE), Usage(input=9)], END], id="reported early"),
        pytest.param([END], id="an empty answer"),
        pytest.param([[Usage(output=0)], END], id="none was wanted"),
        pytest.param([[RedactedThinking("x" * 500)], END], id="nothing that can be counted"),
    ],
)
def test_what_is_reported_stands(batches: list[list[Delta]]) -> None:
    assert counted(*batches) == []
