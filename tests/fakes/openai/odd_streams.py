"""Every way in which servers were seen to stray from OpenAI's stream, with what has to come of it.

Iterate over `ODD_STREAMS.values()`; `odd.raw()` serves one, `odd.chunks` feeds a parser without a socket.
"""

from tests.fakes.openai.odd_base import OddStream
from tests.fakes.openai.odd_endings import ENDINGS
from tests.fakes.openai.odd_tool_calls import TOOL_CALLS
from tests.fakes.openai.odd_wire import WIRE

__all__ = ["ODD_STREAMS", "TOOL_NAMES", "OddStream"]

TOOL_NAMES = ("Grep", "List", "Read", "Set", "Write")
"""The tools that the request has to offer; names in pieces can be told from whole ones by them."""

ODD_STREAMS: dict[str, OddStream] = {}
for _odd in (*WIRE, *TOOL_CALLS, *ENDINGS):
    if _odd.name in ODD_STREAMS:
        raise ValueError(f"two odd streams called {_odd.name}")
    ODD_STREAMS[_odd.name] = _odd
