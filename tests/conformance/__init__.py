"""Checks that what the server emits is what clients of the Anthropic Messages API can read.

Every check returns what it has read and raises `Violation` on the first broken rule. The rules, by name:

HTTP      H1 `request-id` on every response, the same in error bodies · H2 JSON bodies are JSON · H3 an error status
          has an error body of its type that says something and leaks nothing, and no other status has one · H4 retry
          headers that clients obey · H5 no invented plan limits · H7 count_tokens · H8 models
Message   M1 envelope, unique id · M2 stop reason · M3 stop sequence · M4 stop reason tells whether a tool is called ·
          M5 refusal details · M6 tool calls · M7 text · M8 thinking · M9 usage · M10 model · M11 structured output ·
          M12 verdicts
Stream    S1 headers · S2 frames · S3 message_start · S4 starts without content · S5 block order · S6 delta belongs to
          its block · S7 start shapes · S8 tool JSON · S9 signature · S10 message_delta · S11 message_stop · S12 error ·
          S13 ping data · S14 streamed equals non-streamed · S16 whole characters, no empty text · S19 place of verdicts

Rules about time or the network (H6, S15, S17, S18, and the gaps of S13) need a running server and live elsewhere. Each
is explained in tests/README.md.
"""

from tests.conformance.http import assert_absent, check_count, check_error, check_json, check_model, check_models
from tests.conformance.message import check_message, same_message
from tests.conformance.stream import Frame, check_error_stream, check_stream, parse_sse
from tests.conformance.violation import Violation

__all__ = [
    "Frame",
    "Violation",
    "assert_absent",
    "check_count",
    "check_error",
    "check_error_stream",
    "check_json",
    "check_message",
    "check_model",
    "check_models",
    "check_stream",
    "parse_sse",
    "same_message",
]
