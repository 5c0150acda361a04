"""Every way in which servers were seen to stray from OpenAI's stream of Responses, with what has to come of it.

Iterate over `RESPONSES_STREAMS.values()`; `odd.raw()` serves one, `odd.chunks` feeds a parser without a socket. The
request has to offer the tools of `odd_streams.TOOL_NAMES`. An empty thinking block, should one be shown as a sign of
life, is not among the `blocks`.
"""

from tests.fakes.openai.odd_base import OddStream
from tests.fakes.responses.odd_endings import ENDINGS
from tests.fakes.responses.odd_items import ITEMS
from tests.fakes.responses.odd_wire import WIRE

__all__ = ["RESPONSES_STREAMS", "OddStream"]

RESPONSES_STREAMS: dict[str, OddStream] = {}
for _odd in (*WIRE, *ITEMS, *ENDINGS):
    if _odd.name in RESPONSES_STREAMS:
        raise ValueError(f"two odd streams called {_odd.name}")
    RESPONSES_STREAMS[_odd.name] = _odd
