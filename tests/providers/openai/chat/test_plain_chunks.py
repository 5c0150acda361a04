"""The chunks that nearly all are take a shorter way, which says the same as the longer one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.errors import ApiError
from proxy.providers.common import splitter
from proxy.providers.openai.chat import stream
from tests.fuzz import examples
from tests.translation import Json, answer, asking, chat_deltas, tool

TEXT = st.text(max_size=6) | st.sampled_from(["\n", " ", "\ud83d", "hello"])
NAME = st.sampled_from(["Read", "", None])
CALL = st.fixed_dictionaries(
    {"index": st.integers(0, 2)},
    optional={
        "id": st.sampled_from(["a", "b", ""]),
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {},
            optional={"name": st.sampled_from(["Read", "", None]), "arguments": st.sampled_from(["{", "}", "", None])},
        ),
    },
)
DELTA = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["assistant", None]),
        "content": TEXT | st.none() | st.integers() | st.lists(TEXT, max_size=2),
        "tool_calls": st.lists(CALL, max_size=2) | st.none(),
        "reasoning_content": TEXT | st.none(),
    },
)
CHOICE = st.fixed_dictionaries(
    {"delta": DELTA},
    optional={
        "index": st.sampled_from([0, 1, None]),
        "finish_reason": st.sampled_from([None, None, "", "stop", "tool_calls"]),
        "logprobs": st.none(),
    },
)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)},
    optional={
        "id": st.just("c-1"),
        "object": st.just("chat.completion.chunk"),
        "usage": st.none() | st.fixed_dictionaries({"prompt_tokens": st.integers(0, 9)}),
        "error": st.none(),
    },
)


def written(pieces: Iterable[bytes]) -> object:
    """The whole answer but for its random ids, or why there is none."""
    try:
        made = answer(chat_deltas(pieces, ["Read"]), asking(stream=True, tools=[tool("Read")]))
    except ApiError as failure:
        return failure.status, failure.message
    blocks = made.message["content"] if made.message else None
    for block in blocks or ():
        block.pop("id", None)
    error = (made.error.status, made.error.message) if made.error else None
    return blocks, made.message and made.message["stop_reason"], error, [type(event) for event in made.events]


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(CHUNK, max_size=6), st.booleans())
def test_both_ways_say_the_same(chunks: list[Json], escapes: bool) -> None:
    pieces = [b"data: " + _dumped(chunk, escapes) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]
    short = written(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_plain_delta", lambda _: None)
        patch.setattr(splitter, "_plain", lambda _: None)
        assert written(pieces) == short


def _dumped(value: Any, escapes: bool) -> bytes:
    return json.dumps(value, ensure_ascii=escapes).encode("utf-8", "surrogatepass")
