"""Odd Responses streams: framing, and which of the events that announce and close items are there."""

from __future__ import annotations

import json

from tests.fakes.openai.odd_base import OddStream, odd, tokens, torn
from tests.fakes.openai.replies import DONE, sse
from tests.fakes.responses.odd_base import (
    COMPLETED,
    HELLO,
    READ,
    START,
    added,
    arguments,
    bare,
    call,
    done,
    event,
    hello,
    lifecycle,
    message,
    reasoning,
    response,
    text,
    usage,
)

_HELLO = ("text", "hello")
_READ = ("tool", "Read", {"file_path": "a.py"})
_THOUGHT = ("thinking", "let me see")
_WORDS = "grün \U0001f600 日本\u2028x"
_PLAIN = b"".join([*START, added(message()), text(_WORDS), done(message(_WORDS)), lifecycle("completed")])

FRAMING: tuple[OddStream, ...] = (
    odd("one_write", "servers that buffer", [_PLAIN], ("text", _WORDS)),
    odd("byte_by_byte", "any network", torn(_PLAIN, 1), ("text", _WORDS)),
    odd("crlf_torn", "servers on Windows", torn(_PLAIN.replace(b"\n", b"\r\n"), 1), ("text", _WORDS)),
    odd("no_blank_line_at_end", "many", [_PLAIN.removesuffix(b"\n\n")], ("text", _WORDS)),
    odd(
        "no_event_names",
        "gateways that send data alone",
        [
            bare("created", response=response()),
            bare("output_item.added", output_index=0, item=message()),
            bare("output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta="hello"),
            bare("output_item.done", output_index=0, item=message("hello")),
            bare("completed", response=response("completed", [message("hello")])),
        ],
        _HELLO,
    ),
    odd(
        "type_only_in_event_name",
        "azerozero/grob#386 before its fix",
        [
            b"event: response.created\n" + sse({"response": response()}),
            b"event: response.output_text.delta\n" + sse({"delta": "hello"}),
            b"event: response.completed\n" + sse({"response": response("completed", [message("hello")])}),
        ],
        _HELLO,
    ),
    odd("done_at_end", "LiteLLM (BerriAI/litellm#40243)", [*START, *HELLO, COMPLETED, DONE], _HELLO),
    odd(
        "keepalives",
        "OpenAI and the proxies before it",
        [
            b": keepalive\n\n",
            START[0],
            b'event: keepalive\ndata: {"type":"keepalive","sequence_number":2}\n\n',
            b'data: {"type": "ping"}\n\n',
            b"event: ping\n\n",
            b"data:\n\n",
            *HELLO,
            COMPLETED,
        ],
        _HELLO,
    ),
    odd(
        "unknown_events_and_items",
        "OpenAI: they are added at any time",
        [
            event("queued", response=response("queued")),
            *START,
            event("rate_limits.updated", rate_limits=[]),
            added({"id": "cmp_1", "type": "compaction", "encrypted_content": "x"}),
            done({"id": "cmp_1", "type": "compaction", "encrypted_content": "x"}),
            *hello(1),
            event("output_text.annotation.added", item_id="msg_1", output_index=1, annotation={"type": "new"}),
            lifecycle("completed", {"id": "cmp_1", "type": "compaction"}, message("hello")),
        ],
        _HELLO,
    ),
    odd(
        "json_instead_of_stream",
        "servers that ignore stream",
        [
            json.dumps(
                response(
                    "completed",
                    [reasoning("let me see"), message("hello"), call(READ)],
                    usage=usage(10, 3),
                )
            ).encode()
        ],
        _THOUGHT,
        _HELLO,
        _READ,
        usage=tokens(10, 3),
        content_type="application/json",
    ),
)

ANNOUNCED: tuple[OddStream, ...] = (
    odd("no_created", "LibreChat-AI/agents#164 before its fix", [*HELLO, COMPLETED], _HELLO),
    odd("no_item_added", "LM Studio", [*START, text("hel"), text("lo"), done(message("hello")), COMPLETED], _HELLO),
    odd(
        "no_item_added_for_call",
        "LM Studio: the name comes with the whole item",
        [*START, arguments(READ[:5]), arguments(READ[5:]), done(call(READ)), lifecycle("completed", call(READ))],
        _READ,
    ),
    odd(
        "no_item_done",
        "router-for-me/CLIProxyAPI#4860",
        [*START, added(message()), text("hello"), added(call(), 1), arguments(READ, 1), lifecycle("completed")],
        _HELLO,
        _READ,
    ),
    odd("item_done_only", "servers that do not stream", [*START, done(message("hello")), COMPLETED], _HELLO),
    odd(
        "call_done_only",
        "vLLM: items that came in one piece (vllm-project/vllm#48274)",
        [*START, done(call(READ)), lifecycle("completed", call(READ))],
        _READ,
    ),
    odd(
        "text_done_only",
        "Sophomoresty/gemini-web2api#57 before its fix",
        [
            START[0],
            event("output_text.done", item_id="msg_1", output_index=0, content_index=0, text="hello"),
            COMPLETED,
        ],
        _HELLO,
    ),
    odd(
        "output_in_completed_only",
        "NVIDIA-NeMo/Switchyard#777",
        [*START, lifecycle("completed", reasoning("let me see"), message("hello"), call(READ))],
        _THOUGHT,
        _HELLO,
        _READ,
    ),
    odd(
        "completed_with_empty_output",
        "ChatGPT's own backend (BerriAI/litellm#32724)",
        [*START, *HELLO, lifecycle("completed")],
        _HELLO,
    ),
    odd(
        "parts_without_text",
        "makecindy/cindy#4509: the part of the announced and of the finished item has no text",
        [
            *START,
            added({**message(), "content": [{"type": "output_text"}]}),
            text("hello"),
            done({**message(), "content": [{"type": "output_text"}]}),
            COMPLETED,
        ],
        _HELLO,
    ),
    odd(
        "done_without_what_was_streamed",
        "agentgateway/agentgateway#2281",
        [*START, added(message()), text("hello"), done(message()), lifecycle("completed")],
        _HELLO,
    ),
    odd(
        "empty_message",
        "vLLM (vllm-project/vllm#38227)",
        [
            *START,
            added(message()),
            done(message()),
            added(call(), 1),
            done(call(READ), 1),
            lifecycle("completed", message(), call(READ)),
        ],
        _READ,
    ),
)

WIRE = (*FRAMING, *ANNOUNCED)
