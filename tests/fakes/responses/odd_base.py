"""Small pieces of Responses streams, to write odd ones down."""

from __future__ import annotations

from typing import Any

from tests.fakes.openai.replies import CREATED, sse
from tests.fakes.responses.replies import named

Item = dict[str, Any]
READ = '{"file_path": "a.py"}'


def event(kind: str, **fields: Any) -> bytes:
    return named({"type": f"response.{kind}", **fields})


def bare(kind: str, **fields: Any) -> bytes:
    """The same without a line that names the event."""
    return sse({"type": f"response.{kind}", **fields})


def response(status: str = "in_progress", output: list[Item] | None = None, **more: Any) -> dict[str, Any]:
    head = {"id": "resp_odd", "object": "response", "created_at": CREATED, "model": "odd", "status": status}
    return {**head, "output": output or [], **more}


def lifecycle(status: str, *output: Item, **more: Any) -> bytes:
    """`response.<status>`, with the whole response."""
    return event(status, response=response(status, list(output), **more))


def reasoning(text: str = "", *, open: bool = False, id: str = "rs_1") -> Item:
    """With a summary of one part, or with the text of an `open` model; empty without a text."""
    item: Item = {"id": id, "type": "reasoning", "summary": []}
    if text and open:
        item["content"] = [{"type": "reasoning_text", "text": text}]
    elif text:
        item["summary"] = [{"type": "summary_text", "text": text}]
    return item


def message(text: str | None = None, id: str = "msg_1") -> Item:
    content = [] if text is None else [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": id, "type": "message", "status": "completed", "role": "assistant", "content": content}


def call(arguments: str = "", name: str = "Read", id: str = "fc_1", call_id: str = "call_1") -> Item:
    item = {"id": id, "type": "function_call", "status": "completed", "arguments": arguments}
    return {**item, "call_id": call_id, "name": name}


def added(item: Item, index: int = 0) -> bytes:
    return event("output_item.added", output_index=index, item={**item, "status": "in_progress"})


def done(item: Item, index: int = 0) -> bytes:
    return event("output_item.done", output_index=index, item=item)


def text(delta: str, index: int = 0, id: str = "msg_1") -> bytes:
    return event("output_text.delta", item_id=id, output_index=index, content_index=0, delta=delta)


def arguments(delta: str, index: int = 0, id: str = "fc_1") -> bytes:
    return event("function_call_arguments.delta", item_id=id, output_index=index, delta=delta)


def summary(delta: str, part: int = 0, id: str = "rs_1") -> bytes:
    where = {"item_id": id, "output_index": 0, "summary_index": part}
    return event("reasoning_summary_text.delta", **where, delta=delta)


def thought(delta: str, id: str = "rs_1") -> bytes:
    return event("reasoning_text.delta", item_id=id, output_index=0, content_index=0, delta=delta)


def usage(input: int, output: int, **more: Any) -> dict[str, Any]:
    return {"input_tokens": input, "output_tokens": output, "total_tokens": input + output, **more}


def hello(index: int = 0) -> tuple[bytes, ...]:
    """A whole message."""
    whole = message("hello")
    return added(message(), index), text("hel", index), text("lo", index), done(whole, index)


START = (event("created", response=response()), event("in_progress", response=response()))
HELLO = hello()
COMPLETED = lifecycle("completed", message("hello"))
