"""Counting tokens without asking anybody: an estimate, and what upstreams' own counts teach of its error."""

from __future__ import annotations

import json
import statistics
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence

from proxy.image_size import image_size
from proxy.protocol.blocks import (
    Base64Source,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    RedactedThinkingBlock,
    ThinkingBlock,
    ToolAdditionBlock,
    ToolRemovalBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from proxy.protocol.deltas import Delta, Usage, merged
from proxy.protocol.flatten import flat_text
from proxy.protocol.history import offered_tools
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest
from proxy.text_tokens import text_tokens

_PER_MESSAGE = 4
_PER_IMAGE = 1600
"""At most, and where the size cannot be read: vendors scale larger pictures down."""
_PIXELS_PER_TOKEN = 750
_PDF_BYTES_PER_TOKEN = 40
"""A page of a PDF is some 60 kB and costs some 1500 tokens as text and picture."""


def estimate(request: MessagesRequest) -> int:
    """Input tokens of a request, at least 1: local, deterministic, and never less when something is added.

    Text counts by its words, an image by its pixels, a PDF by its bytes.
    """
    tokens = sum(map(_block, request.system))
    for message in request.messages:
        tokens += _PER_MESSAGE + sum(map(_block, message.content))
    for tool in offered_tools(request, Notes()):
        tokens += _PER_MESSAGE + text_tokens(tool.name) + text_tokens(tool.description) + _json(tool.input_schema)
    return max(1, round(tokens))


def _image(block: ImageBlock) -> float:
    size = image_size(block.source.data) if isinstance(block.source, Base64Source) else None
    return min(size[0] * size[1] / _PIXELS_PER_TOKEN, _PER_IMAGE) if size is not None else _PER_IMAGE


def _json(value: object) -> float:
    return text_tokens(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) if value else 0


def _block(block: ContentBlock) -> float:
    match block:
        case ImageBlock():
            return _image(block)
        case DocumentBlock(source=Base64Source(media_type="application/pdf", data=data)):
            return _PER_IMAGE + len(data) * 3 / 4 / _PDF_BYTES_PER_TOKEN
        case ToolUseBlock():
            return _PER_MESSAGE + text_tokens(block.name) + _json(block.input)
        case ToolResultBlock():
            return _PER_MESSAGE + sum(map(_block, block.content))
        case ThinkingBlock():
            return text_tokens(block.thinking)
        case RedactedThinkingBlock() | ToolAdditionBlock() | ToolRemovalBlock():
            return 0
        case _:
            return text_tokens(flat_text(block) or "")


_MODELS = 256
_REMEMBERED = 15
_LEAST_TAUGHT = 500
"""Tokens. Of less, what every request costs besides its content is too large a part."""
_BOUNDS = (0.25, 4.0)
_SURE_OF_UNKNOWN = 0.7
_SURE_OF_KNOWN = 0.9


class Calibration:
    """By how much estimates are off, learned for each model from the counts that its upstream reports.

    The median of the latest ratios counts, so that a request of an odd kind changes little. Kept in memory, of the
    latest models; safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ratios: OrderedDict[str, deque[float]] = OrderedDict()

    def learn(self, model: str, estimated: int, true: int) -> None:
        """A request was `estimated` at so many input tokens and had `true` of them, those from caches included."""
        if estimated < _LEAST_TAUGHT or true <= 0:
            return
        least, most = _BOUNDS
        with self._lock:
            ratios = self._ratios.setdefault(model, deque(maxlen=_REMEMBERED))
            ratios.append(min(max(true / estimated, least), most))
            self._ratios.move_to_end(model)
            if len(self._ratios) > _MODELS:
                self._ratios.popitem(last=False)

    def corrected(self, model: str, estimated: int) -> int:
        """The estimate as it should have been, at least 1."""
        return max(1, round(estimated * (self._ratio(model) or 1)))

    def at_least(self, model: str, estimated: int) -> int:
        """What the request surely has: no client should be refused for an error of ours.

        What was learned never makes that more than was estimated; it may come from requests of another kind.
        """
        if self._ratio(model) is None:
            return round(estimated * _SURE_OF_UNKNOWN)
        return min(round(self.corrected(model, estimated) * _SURE_OF_KNOWN), estimated)

    def _ratio(self, model: str) -> float | None:
        with self._lock:
            ratios = self._ratios.get(model)
            return statistics.median(ratios) if ratios else None


def told_input(batches: Iterator[Sequence[Delta]], learn: Callable[[int], None]) -> Iterator[Sequence[Delta]]:
    """Passes an answer on. When it is complete, `learn` gets the input tokens that it told, cached ones included.

    Nothing is to be learned from a search, whose results count as input.
    """
    told = Usage()
    for batch in batches:
        for delta in batch:
            if isinstance(delta, Usage):
                told = merged(told, delta)
        yield batch
    if not told.web_searches:
        learn((told.input or 0) + (told.cache_read or 0) + (told.cache_write or 0))
