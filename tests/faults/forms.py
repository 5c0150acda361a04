"""How each wire says the same answer, in the pieces between which it can break."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.anthropic.bodies import events, message
from tests.fakes.anthropic.bodies import sse as named
from tests.fakes.gemini import stream_base as gemini
from tests.fakes.openai import odd_base as chat
from tests.fakes.openai.replies import CREATED, DONE, sse
from tests.fakes.responses import odd_base as responses

Json = dict[str, Any]

HELLO = ("hello", " world")
"""What every sound answer says, in two pieces."""
TOOL = "Read"
INPUT = ('{"file_path"', ': "a.py"}')
CLAUDE = "claude-opus-5-5"
SECRET = "sk-upstream-0123456789abcdef"
"""The key with which every upstream is called."""
ODD_FIELDS = (
    "a number in place of a list",
    "lists in place of ids",
    "fractions in place of indices",
    "words in place of counts",
    "null everywhere",
)


@dataclass(frozen=True, slots=True)
class Form:
    """One wire, as its server answers a request that is or is not streamed."""

    wire: str
    streams: bool
    """Whether the client asked for a stream."""
    begin: bytes
    """What comes before anything can be shown."""
    first: bytes
    """Says the first of `HELLO`."""
    more: bytes
    """Says the second."""
    finish: bytes
    """Says why the answer ends; `last` is nothing where that is the last word."""
    last: bytes
    whole: bytes
    """The same answer as one JSON object."""
    error: Callable[[int, str], bytes]
    """The body of an error response with this status and text."""
    error_event: Callable[[int, str], bytes]
    """The same inside of an answer."""
    call: tuple[bytes, bytes, bytes, bytes]
    """A call of `TOOL` in place of text: its beginning, the two halves of its input, its end with all that follows."""
    empty: bytes
    """A whole answer that says nothing."""
    odd: Mapping[str, bytes] = field(default_factory=dict)
    """Events with something wrong at a known field, by what is wrong."""
    alive: Mapping[str, bytes] = field(default_factory=dict)
    """Events that only say that the server lives."""
    content_type: str = "text/event-stream"

    @property
    def half(self) -> bytes:
        """A part of an event."""
        return self.more[: len(self.more) // 2]

    @property
    def said(self) -> bytes:
        return self.begin + self.first + self.more

    @property
    def sound(self) -> bytes:
        return self.said + self.finish + self.last


def text_of(form: Form, words: str) -> bytes:
    """An event that says other words than `HELLO`."""
    return form.first.replace(HELLO[0].encode(), json.dumps(words)[1:-1].encode())


def _openai_error(status: int, text: str) -> bytes:
    return json.dumps({"error": {"message": text, "type": "server_error", "param": None, "code": str(status)}}).encode()


def chat_form(streams: bool) -> Form:
    def odd(**fields: Any) -> bytes:
        return sse({**chat.text("odd"), **fields})

    choice = {"index": 0, "delta": {"content": "odd"}, "finish_reason": None}
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": "{}"}}
    said = {"role": "assistant", "content": "".join(HELLO)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": "m"}
    whole = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "usage": chat.usage_body(9, 2)}
    begin = sse(chat.chunk({"role": "assistant", "content": ""}))
    end = sse(chat.final("stop")) + sse(chat.usage_chunk(9, 2))
    calls = sse(chat.final("tool_calls")) + DONE
    return Form(
        "chat",
        streams,
        begin=begin,
        first=sse(chat.text(HELLO[0])),
        more=sse(chat.text(HELLO[1])),
        finish=end,
        last=DONE,
        whole=json.dumps(head | whole).encode(),
        error=_openai_error,
        error_event=lambda status, text: sse(json.loads(_openai_error(status, text))),
        call=(
            begin + sse(chat.calls(chat.call(index=0, id="call_1", name=TOOL, arguments=""))),
            sse(chat.calls(chat.call(index=0, arguments=INPUT[0]))),
            sse(chat.calls(chat.call(index=0, arguments=INPUT[1]))),
            calls,
        ),
        empty=begin + end + DONE,
        odd={
            "a number in place of a list": odd(choices=7),
            "lists in place of ids": odd(id=[1], choices=[{**choice, "delta": {"tool_calls": [call | {"id": [1]}]}}]),
            "fractions in place of indices": odd(choices=[choice | {"index": 0.5}]),
            "words in place of counts": odd(usage={"prompt_tokens": "many", "completion_tokens": [2]}),
            "null everywhere": odd(choices=[dict.fromkeys(choice)], usage=None),
        },
        alive={
            "a comment": b": PROCESSING\n\n",
            "an empty event": begin,
            "a count": sse(chat.usage_chunk(9, 0)),
        },
    )


def responses_form(streams: bool) -> Form:
    def odd(**fields: Any) -> bytes:
        where = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "odd"}
        return responses.event("output_text.delta", **(where | fields))

    def failed(status: int, text: str) -> bytes:
        error = {"code": str(status), "message": text}
        return responses.event("failed", response=responses.response("failed", error=error))

    item, usage = responses.message("".join(HELLO)), responses.usage(9, 2)
    call = responses.call("".join(INPUT), TOOL)
    begin = b"".join(responses.START)
    completed = responses.response("completed", [item], usage=usage)
    return Form(
        "responses",
        streams,
        begin=begin + responses.added(responses.message()),
        first=responses.text(HELLO[0]),
        more=responses.text(HELLO[1]),
        finish=responses.done(item) + responses.lifecycle("completed", item, usage=usage),
        last=b"",
        whole=json.dumps(completed).encode(),
        error=_openai_error,
        error_event=failed,
        call=(
            begin + responses.added(responses.call("", TOOL)),
            responses.arguments(INPUT[0]),
            responses.arguments(INPUT[1]),
            responses.done(call) + responses.lifecycle("completed", call, usage=usage),
        ),
        empty=begin + responses.lifecycle("completed", usage=usage),
        odd={
            "a number in place of a list": responses.event("in_progress", response={"output": 7, "status": [1]}),
            "lists in place of ids": odd(item_id=[1]),
            "fractions in place of indices": odd(output_index=0.5, content_index=1.5),
            "words in place of counts": responses.event("in_progress", response={"usage": {"input_tokens": "many"}}),
            "null everywhere": odd(item_id=None, output_index=None, content_index=None, delta=None),
        },
        alive={
            "a comment": b": PROCESSING\n\n",
            "an empty event": responses.event("in_progress", response=responses.response()),
            "a count": responses.event("keepalive", sequence_number=3),
        },
    )


def gemini_form(streams: bool) -> Form:
    def error(status: int, text: str) -> bytes:
        name = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}.get(status, "INTERNAL")
        return json.dumps(gemini.error(status, text, name)).encode()

    def part(piece: Any, **more: Any) -> bytes:
        return sse(gemini.chunk({"functionCall": piece}, **more))

    def cut(value: str, goes_on: bool) -> bytes:
        arg = {"jsonPath": "$.file_path", "stringValue": value, **({"willContinue": True} if goes_on else {})}
        return part({"partialArgs": [arg], "willContinue": True})

    usage = gemini.usage(9, 2)
    begin = sse(gemini.chunk(gemini.text(""), **gemini.usage(9)))
    ending = sse(gemini.chunk(gemini.text(""), finish="STOP", **usage))
    odd = {"content": {"role": "model", "parts": [{"text": "odd"}]}, "index": 0}
    call = {"name": TOOL, "id": [1], "args": {}}
    return Form(
        "gemini",
        streams,
        begin=begin,
        first=sse(gemini.chunk(gemini.text(HELLO[0]))),
        more=sse(gemini.chunk(gemini.text(HELLO[1]))),
        finish=ending,
        last=b"",
        whole=json.dumps(gemini.chunk(gemini.text("".join(HELLO)), finish="STOP", **usage)).encode(),
        error=error,
        error_event=lambda status, text: sse(json.loads(error(status, text))),
        call=(part({"name": TOOL, "willContinue": True}), cut("a", True), cut(".py", False), part({}) + ending),
        empty=begin + ending,
        odd={
            "a number in place of a list": sse({"candidates": 7}),
            "lists in place of ids": part(call),
            "fractions in place of indices": sse(gemini.framed(odd | {"index": 0.5})),
            "words in place of counts": sse(gemini.framed(odd, usageMetadata={"promptTokenCount": "many"})),
            "null everywhere": sse({"candidates": [dict.fromkeys(odd)], "usageMetadata": None}),
        },
        alive={
            "a comment": b": PROCESSING\n\n",
            "an empty event": sse(gemini.chunk(gemini.text(""))),
            "a count": sse(gemini.tail(**gemini.usage(9))),
        },
    )


def anthropic_form(streams: bool) -> Form:
    """Without a stream the pieces are those of the JSON, in which nothing can be shown before all of it is there."""
    whole = message(CLAUDE, {"type": "text", "text": "".join(HELLO)})
    call = message(CLAUDE, {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": json.loads("".join(INPUT))})
    empty = message(CLAUDE)

    def error(status: int, text: str) -> bytes:
        kind = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}.get(status, "api_error")
        return json.dumps({"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_u1"}).encode()

    shared: dict[str, Any] = {"whole": json.dumps(whole).encode(), "error": error}
    if not streams:
        raw, called = shared["whole"], json.dumps(call).encode()
        at = [raw.index(b'"text": "hello') + 9, raw.index(b" world"), raw.index(b" world") + 6, len(raw) - 2]
        cuts = [called.index(b'"content"'), called.index(b'{"file_path"'), called.index(b': "a.py"')]
        return Form(
            "anthropic",
            streams,
            begin=raw[: at[0]],
            first=raw[at[0] : at[1]],
            more=raw[at[1] : at[2]],
            finish=raw[at[2] : at[3]],
            last=raw[at[3] :],
            error_event=error,
            call=(called[: cuts[0]], called[cuts[0] : cuts[1]], called[cuts[1] : cuts[2]], called[cuts[2] :]),
            empty=json.dumps(empty).encode(),
            content_type="application/json",
            **shared,
        )
    frames = [named(event) for event in events(whole)]
    calls = [named(event) for event in events(call)]
    deltas = [named(_delta(text)) for text in HELLO]
    start, end = frames[:3], frames[-3:]
    return Form(
        "anthropic",
        streams,
        begin=b"".join(start),
        first=deltas[0],
        more=deltas[1],
        finish=b"".join(end[:2]),
        last=end[2],
        error_event=lambda status, text: named(json.loads(error(status, text))),
        call=(b"".join(calls[:4]), calls[4], calls[5], b"".join(calls[6:])),
        empty=b"".join(named(event) for event in events(empty)),
        alive={
            "a comment": b": PROCESSING\n\n",
            "an empty event": named({"type": "ping"}),
            "a count": named({"type": "ping"}),
        },
        **shared,
    )


def _delta(text: str) -> Json:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


FORMS: dict[str, Callable[[bool], Form]] = {
    "chat": chat_form,
    "custom": chat_form,
    "responses": responses_form,
    "gemini": gemini_form,
    "anthropic": anthropic_form,
}
"""By the names of the ways to an upstream."""
