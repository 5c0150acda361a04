"""Sessions that are recorded: a proxy in front of a server that sends what it is told, canaries in every corner."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.replaying.recorded import start_recording
from proxy.settings.config import Config, load_config
from tests.fakes.server import CUT, Exchange, FakeServer, Raw
from tests.web.serving import Proxy, serve

KEYS = {
    "openai": "sk-proj-CANARYopenaikey0123456789",
    "gemini": "AIzaCANARYgeminikey012345678901234",
    "anthropic": "sk-ant-CANARYanthropickey0123456789",
    "client": "sk-ant-oat-CANARYclientkey0123456789",
    "custom": "gsk_CANARYcustomkey0123456789",
    "header": "CANARYheadervalue0123456789",
}
TEXTS = {
    name: f"{name}canaryword"
    for name in (
        *("system", "prompt", "result", "input", "thinking", "document", "title", "user", "stop", "description"),
        *("property", "tool", "answer", "reasoning", "arguments", "filename", "session", "enumvalue", "schema"),
    )
}
PICTURE = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01" + b"canarypicturedata" * 4
)
MODELS = {"chat": "gpt-4o", "responses": "gpt-5.5", "gemini": "gemini-3.8-flash", "anthropic": "", "custom": "local"}
APIS = tuple(MODELS)


class Upstream(FakeServer):
    """Answers each request with what `says` makes of it; any request, whatever the API."""

    def __init__(self, says: Callable[[Exchange], Raw]) -> None:
        super().__init__()
        self.says = says

    def answer(self, exchange: Exchange) -> Raw:
        return self.says(exchange)


def settings(api: str, url: str, place: Path, **more: str) -> Config:
    """Claude names lead to the API at this address; requests are recorded in `place`."""
    environ = {"RECORD_DIR": str(place / "recordings"), "MAX_RETRIES": "0", "USAGE_DB": "off"}
    match api:
        case "chat" | "responses":
            environ |= {"PREFERRED_PROVIDER": "openai", "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API": api}
            environ |= {"OPENAI_API_KEY": KEYS["openai"], "BIG_MODEL": MODELS[api]}
        case "gemini":
            environ |= {"PREFERRED_PROVIDER": "google", "GEMINI_BASE_URL": url, "BIG_MODEL": MODELS[api]}
            environ |= {"GEMINI_API_KEY": KEYS["gemini"]}
        case "anthropic":
            environ |= {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": url}
            environ |= {"ANTHROPIC_API_KEY": KEYS["anthropic"]}
        case _:
            entry = {"model_id": "local", "api_base": f"{url}/v1", "api_key_name": "LOCAL_KEY"}
            entry["headers"] = {"x-gateway": KEYS["header"]}  # type: ignore[assignment]
            (place / "custom_models.yaml").write_text(json.dumps([entry]), encoding="utf-8")
            environ |= {"PREFERRED_PROVIDER": "custom", "LOCAL_KEY": KEYS["custom"]}
    return load_config({**environ, **more}, directory=place)


@contextmanager
def recording_proxy(config: Config) -> Iterator[Proxy]:
    """When it is left, all that it was asked is recorded in `config.record_dir`."""
    with serve(replace(config, host="127.0.0.1")) as proxy:
        store = start_recording(proxy.app, config)
        proxy.hurry(first_pause=0.01)
        yield proxy
    assert store is not None
    store.close()


def recordings(config: Config) -> list[dict[str, Any]]:
    assert config.record_dir is not None
    return [json.loads(path.read_text("ascii")) for path in sorted(config.record_dir.iterdir())]


def question(**more: Any) -> dict[str, Any]:
    """A request with a canary in everything that somebody could say in one."""
    call = {"type": "tool_use", "id": "toolu_01CANARYcallid", "name": TEXTS["tool"], "input": {}}
    call["input"] = {TEXTS["property"]: f"/home/{TEXTS['input']}/{TEXTS['filename']}.py", "count": 73194658}
    result = {"type": "tool_result", "tool_use_id": "toolu_01CANARYcallid", "content": f"is {TEXTS['result']}"}
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 2000,
        "system": [{"type": "text", "text": f"You are {TEXTS['system']}.", "cache_control": {"type": "ephemeral"}}],
        "stop_sequences": [TEXTS["stop"]],
        "metadata": {"user_id": json.dumps({"device_id": TEXTS["user"], "session_id": TEXTS["session"]})},
        "tools": [
            {
                "name": TEXTS["tool"],
                "description": f"Reads {TEXTS['description']}",
                "input_schema": {
                    "type": "object",
                    "description": TEXTS["schema"],
                    "properties": {
                        TEXTS["property"]: {"type": "string", "enum": [TEXTS["enumvalue"], "other"]},
                        "count": {"type": "integer"},
                    },
                    "required": [TEXTS["property"]],
                },
            }
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": f"Please look at {TEXTS['prompt']}, \u4f60\u597d \U0001f600"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PICTURE.decode()},
                    },
                    {
                        "type": "document",
                        "title": TEXTS["title"],
                        "source": {"type": "text", "media_type": "text/plain", "data": f"It says {TEXTS['document']}"},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": f"I think {TEXTS['thinking']}", "signature": "c2lnbmF0dXJl"},
                    call,
                ],
            },
            {"role": "user", "content": [result]},
        ],
        **more,
    }


HEADERS = {
    "authorization": f"Bearer {KEYS['client']}",
    "x_claude_code_session_id": TEXTS["session"],
    "user_agent": "claude-cli/2.1.330 (external, cli)",
    "x_odd": "canaryheaderword",
    "cookie": "a=canarycookieword",
}


def sse(*events: Mapping[str, Any] | str, named: bool = False) -> bytes:
    frames = []
    for event in events:
        name = f"event: {event['type']}\n" if named and isinstance(event, Mapping) else ""
        frames.append(f"{name}data: {event if isinstance(event, str) else json.dumps(event)}\n\n")
    return "".join(frames).encode()


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def answer_bytes(api: str, size: int, *, is_stream: bool) -> bytes:
    """Reasoning, text and a call, in deltas of `size` characters."""
    thought, text = f"thinks {TEXTS['reasoning']}", f"says {TEXTS['answer']} \u4f60 \U0001f600."
    arguments = json.dumps({TEXTS["property"]: TEXTS["arguments"], "count": 73194658})
    make = {"chat": _chat, "custom": _chat, "responses": _responses, "gemini": _gemini, "anthropic": _anthropic}[api]
    return make(cut(thought, size), cut(text, size), cut(arguments, size), is_stream)


def _chat(thought: list[str], text: list[str], arguments: list[str], is_stream: bool) -> bytes:
    del is_stream  # always asked for as a stream
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in thought] + [{"content": piece} for piece in text]
    call = {"index": 0, "id": "call_CANARYcallid", "type": "function"}
    deltas.append({"tool_calls": [{**call, "function": {"name": TEXTS["tool"], "arguments": ""}}]})
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in arguments]
    head = {"id": "chatcmpl-CANARYid", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    last = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    usage = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}
    return sse(*chunks, last, {**head, "choices": [], "usage": usage}, "[DONE]")


def _responses(thought: list[str], text: list[str], arguments: list[str], is_stream: bool) -> bytes:
    del is_stream
    summary = {"type": "summary_text", "text": "".join(thought)}
    reasoning = {"id": "rs_CANARY1", "type": "reasoning", "summary": [summary], "encrypted_content": "gAAACANARYstate"}
    part = {"type": "output_text", "text": "".join(text), "annotations": []}
    message = {"id": "msg_CANARY2", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    call = {"id": "fc_CANARY3", "type": "function_call", "call_id": "call_CANARY4", "name": TEXTS["tool"]}
    call |= {"arguments": "".join(arguments), "status": "completed"}
    response = {"id": "resp_CANARY5", "object": "response", "status": "in_progress", "model": "m", "output": []}
    items: list[dict[str, Any]] = [reasoning, message, call]
    here = [{"output_index": at, "item_id": item["id"]} for at, item in enumerate(items)]
    events: list[dict[str, Any]] = [{"type": "response.created", "response": response}]
    events.append({"type": "response.output_item.added", "output_index": 0, "item": {**reasoning, "summary": []}})
    kind = "response.reasoning_summary_text.delta"
    events += [{"type": kind, **here[0], "summary_index": 0, "delta": piece} for piece in thought]
    events.append({"type": "response.output_item.done", "output_index": 0, "item": reasoning})
    events.append({"type": "response.output_item.added", "output_index": 1, "item": {**message, "content": []}})
    kind = "response.output_text.delta"
    events += [{"type": kind, **here[1], "content_index": 0, "delta": piece} for piece in text]
    events.append({"type": "response.output_item.done", "output_index": 1, "item": message})
    events.append({"type": "response.output_item.added", "output_index": 2, "item": {**call, "arguments": ""}})
    kind = "response.function_call_arguments.delta"
    events += [{"type": kind, **here[2], "delta": piece} for piece in arguments]
    events.append({"type": "response.output_item.done", "output_index": 2, "item": call})
    usage = {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29}
    done = {**response, "status": "completed", "output": [reasoning, message, call], "usage": usage}
    return sse(*events, {"type": "response.completed", "response": done}, named=True)


def _gemini(thought: list[str], text: list[str], arguments: list[str], is_stream: bool) -> bytes:
    del is_stream
    parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in thought]
    parts += [{"text": piece} for piece in text]
    call = {"name": TEXTS["tool"], "args": json.loads("".join(arguments)), "id": "call_CANARYcallid"}
    parts.append({"functionCall": call, "thoughtSignature": "Q0FOQVJZc2lnbmF0dXJl"})
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], "responseId": "CANARYid"}
        for part in parts
    ]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    chunks[-1]["usageMetadata"] = {"promptTokenCount": 20, "candidatesTokenCount": 9, "totalTokenCount": 29}
    return sse(*chunks)


def _anthropic(thought: list[str], text: list[str], arguments: list[str], is_stream: bool) -> bytes:
    usage = {"input_tokens": 20, "output_tokens": 9}
    message: dict[str, Any] = {
        "id": "msg_CANARY1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
    }
    message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    call = {"type": "tool_use", "id": "toolu_CANARYcallid", "name": TEXTS["tool"], "input": {}}
    if not is_stream:
        call["input"] = json.loads("".join(arguments))
        content = [{"type": "thinking", "thinking": "".join(thought), "signature": "Q0FOQVJZ"}]
        message |= {"content": [*content, {"type": "text", "text": "".join(text)}, call], "stop_reason": "tool_use"}
        return json.dumps(message).encode()
    blocks: list[tuple[dict[str, Any], str, str, list[str]]] = [
        ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking", thought),
        ({"type": "text", "text": ""}, "text_delta", "text", text),
        (call, "input_json_delta", "partial_json", arguments),
    ]
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for at, (block, kind, name, pieces) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": at, "content_block": block})
        deltas = [{"type": kind, name: piece} for piece in pieces]
        events += [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": at})
    events.append(
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": usage}
    )
    return sse(*events, {"type": "message_stop"}, named=True)


def key_of(api: str) -> str:
    """The one that goes to the API's server."""
    return KEYS["openai" if api in ("chat", "responses") else api]


def failures(api: str) -> dict[str, Raw]:
    """What goes wrong, by name; whoever can echoes the key and what was said."""
    key, said = key_of(api), TEXTS["prompt"]
    words = f"Incorrect API key provided: {key}. You said 'Please look at {said}' and {TEXTS['input'].upper()}."
    too_long = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130123 tokens."
    error = {"type": "overloaded_error", "message": words, "code": 503}
    body = answer_bytes(api, 5, is_stream=True)
    half, _, rest = body[: len(body) // 2].rpartition(b"\n\n")
    return {
        "refused": _refusal(401, words, "invalid_api_key"),
        "overflow": _refusal(400, f"{too_long} {said}", "context_length_exceeded"),
        "page": Raw([f"<!doctype html><body>{said} {key} nginx".encode()], 502, "text/html"),
        "no API": Raw([f"<!doctype html><body>{said} {key} nginx".encode()], 200, "text/html"),
        "plain": Raw([f"Internal error at {said} with {key}".encode()], 500, "text/plain"),
        "breaks off": Raw([half, b"\n\n", rest, CUT]),
        "ends early": Raw([half, b"\n\n"]),
        "error at once": Raw([sse({"type": "error", "error": error}, named=True)]),
        "error later": Raw([half, b"\n\n", sse({"type": "error", "error": error}, named=True)]),
        "error in 200": Raw([json.dumps({"error": error}).encode()], 200, "application/json"),
        "no text": Raw([b"\xff\xfe", said.encode("utf-16-le"), b"\x80", said.encode()]),
        "broken frame": Raw([f'data: {{"choices": [{{"delta": {{"content": "{said}\n\n'.encode(), body]),
        "broken quotes": Raw([f'data: {{"a": "b"{said}", "c": "{said}", "d": 73194658}}\n\n'.encode()]),
    }


def _refusal(status: int, words: str, code: str) -> Raw:
    error = {"message": words, "type": "invalid_request_error", "code": code, "status": "INVALID_ARGUMENT"}
    return Raw([json.dumps({"type": "error", "error": error}).encode()], status, "application/json")


def said_in(form: Mapping[str, Any]) -> str:
    """All that a recording says: its JSON, and what its events say once their deltas are put together by name."""
    joined: dict[str, list[str]] = {}
    for part in (*form["attempts"], form["answer"]):
        text = "".join(piece if isinstance(piece, str) else str(piece) for _, piece in part["pieces"])
        for found in re.finditer(r"^(?:data: )?([{\[].*)$", text, re.MULTILINE):
            try:
                event = json.loads(found[1])
            except ValueError:
                continue
            for name, value in _strings(event):
                joined.setdefault(name, []).append(value)
    return "\n".join([json.dumps(form), json.dumps(form, ensure_ascii=False), *map("".join, joined.values())])


def _strings(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _strings(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each, name)
    elif isinstance(value, str):
        yield name, value
