"""Events of the Responses API, read without a socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.errors import Backend
from proxy.providers.openai.responses.stream import ResponsesStream
from proxy.providers.openai.tools import NAME_RULES
from tests.mutation import judged

Json = dict[str, Any]
BACKEND = Backend("http://upstream.test/v1", "KEY", ("k",))
READ = '{"file_path": "a.py"}'


def reader() -> ResponsesStream:
    return ResponsesStream(ToolNames(["Read", "Grep"], NAME_RULES), BACKEND, "gpt-x")


def read(events: Iterable[Json], stream: ResponsesStream | None = None) -> Iterator[Sequence[Delta]]:
    stream = stream or reader()
    for event in events:
        yield list(stream.feed(event))
    yield list(stream.end())


def event(kind: str, **fields: Any) -> Json:
    return {"type": f"response.{kind}", **fields}


def message(*texts: str, **more: Any) -> Json:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "role": "assistant", "content": parts, **more}


def call(arguments: Any = READ, name: str = "Read", **more: Any) -> Json:
    return {"type": "function_call", "name": name, "arguments": arguments, **more}


def reasoning(*texts: str, **more: Any) -> Json:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in texts], **more}


def added(item: Json, index: Any = None, **more: Any) -> Json:
    return _placed(event("output_item.added", item=item, **more), index)


def done(item: Json, index: Any = None, **more: Any) -> Json:
    return _placed(event("output_item.done", item=item, **more), index)


def text(piece: str, index: Any = None, **more: Any) -> Json:
    return _placed(event("output_text.delta", delta=piece, **more), index)


def thought(piece: str, index: Any = None, **more: Any) -> Json:
    return _placed(event("reasoning_summary_text.delta", delta=piece, **more), index)


def arguments(piece: Any, index: Any = None, **more: Any) -> Json:
    return _placed(event("function_call_arguments.delta", delta=piece, **more), index)


def ended(status: str = "completed", *output: Json, **more: Any) -> Json:
    return event(status, response={"object": "response", "status": status, "output": list(output), **more})


def cut(reason: str | None, *output: Json) -> Json:
    return ended("incomplete", *output, incomplete_details={"reason": reason})


def _placed(event: Json, index: Any) -> Json:
    return event if index is None else {**event, "output_index": index}


def answer(*events: Json) -> Json:
    written = judged(read(events))
    assert not isinstance(written, ApiError), written.message
    return written


def failure(*events: Json) -> ApiError:
    written = judged(read(events))
    assert isinstance(written, ApiError), written
    return written


EVERYTHING = [
    event("created", response={"status": "in_progress", "output": []}),
    added(reasoning(id="rs_1"), 0),
    thought("let me see", 0, item_id="rs_1", summary_index=0),
    event("reasoning_summary_text.done", text="let me see", output_index=0, item_id="rs_1", summary_index=0),
    done(reasoning("let me see", id="rs_1", encrypted_content="gAAA"), 0),
    added(message(id="msg_1"), 1),
    text("hel", 1, item_id="msg_1", content_index=0),
    text("lo", 1, item_id="msg_1", content_index=0),
    event("output_text.done", text="hello", output_index=1, item_id="msg_1", content_index=0),
    event(
        "output_text.annotation.added",
        output_index=1,
        item_id="msg_1",
        annotation={"type": "url_citation", "url": "https://a.test", "start_index": 0, "end_index": 2},
    ),
    done(message("hello", id="msg_1"), 1),
    added(call("", id="fc_1", call_id="call_1"), 2),
    arguments(READ[:5], 2, item_id="fc_1"),
    arguments(READ[5:], 2, item_id="fc_1"),
    event("function_call_arguments.done", arguments=READ, output_index=2, item_id="fc_1"),
    done(call(id="fc_1", call_id="call_1"), 2),
    done({"type": "code_interpreter_call", "id": "ci_1", "code": "1+1", "outputs": [{"logs": "2"}]}, 3),
    done({"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "queries": ["x"]}}, 4),
    ended(
        "completed",
        reasoning("let me see", id="rs_1"),
        message("hello", id="msg_1"),
        call(id="fc_1", call_id="call_1"),
        usage={"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 3}},
    ),
]
"""An answer with every kind of item."""
CUT = [*EVERYTHING[:13], cut("max_output_tokens", call(READ[:5], id="fc_1", call_id="call_1", status="incomplete"))]
