"""The output tokens of an answer whose upstream does not report them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.protocol.deltas import Delta, Finish, TextDelta, ThinkingDelta, ToolCallDelta, ToolCallStart, Usage
from proxy.tokens.text import text_tokens

_PER_CALL = 4
"""Tokens around a tool call, as for one in a request."""
_PROSE = -1
"""Stands for the key of a tool call: text and thinking come one after the other, calls may be interleaved."""


def count_output(batches: Iterable[Sequence[Delta]]) -> Iterator[Sequence[Delta]]:
    """Passes an answer on. Where it reports no output, or 0, its last batch has our own count of what it holds."""
    prose: list[str] = []
    pieces = {_PROSE: prose}
    reported: int | None = None
    refused = False
    for batch in batches:
        for delta in batch:
            if isinstance(delta, TextDelta | ThinkingDelta):
                prose.append(delta.text)
                continue
            match delta:
                case Usage(output=output) if output is not None:
                    reported = output
                case Finish(reason):
                    refused = reason == "refusal"
                case ToolCallStart(key, name):
                    pieces[key] = [f"{name} "]
                case ToolCallDelta(key, json):
                    pieces.setdefault(key, []).append(json)
                case _:
                    pass
        yield batch
    is_true_zero = refused and reported == 0  # what is said of a blocked prompt is not the model's
    if not reported and not is_true_zero and (count := _counted(pieces)):
        yield [Usage(output=count)]


def _counted(pieces: dict[int, list[str]]) -> int:
    texts = {key: "".join(parts) for key, parts in pieces.items()}
    tokens = sum(text_tokens(text) + (_PER_CALL if key != _PROSE else 0) for key, text in texts.items() if text)
    return max(1, round(tokens)) if tokens else 0
