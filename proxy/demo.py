"""A small OpenAI-compatible server with no model behind it, to try the whole path without any key.

It says hello, calls a tool if it is offered one, and then quotes what the tool gave back.
"""

from __future__ import annotations

import http.server
import json
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MODEL = "demo"
COMMAND = {"command": "echo Hello from the demo backend", "description": "Print a greeting"}
"""The input with which Bash is called."""
_VERDICT = {"verdicts": [{"call": 1, "flagged": False, "explanation": "", "rule": ""}]}
"""Of the judge of dangerous tool uses, on the one call that is made here."""
_PAUSE = 0.02
"""Seconds between two words."""
_QUOTE_LIMIT = 200
_PLACEHOLDER = "demo"
_PLACEHOLDERS = {"string": _PLACEHOLDER, "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
"""Claude Code puts these into the user's turns, also after tool results; they are not the user's words."""


class DemoBackend:
    """Listens on a free port of 127.0.0.1 from the moment it is made, in daemon threads."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, name="demo-backend", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True, slots=True)
class Reply:
    """`text`, then a call of `tool` with `arguments` if there is one."""

    text: str
    tool: str | None = None
    arguments: dict[str, Any] | None = None


def reply(body: dict[str, Any]) -> Reply:
    """The answer to the body of a chat completions request."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"].get("schema") or {}
        return Reply(json.dumps(_VERDICT if "verdicts" in schema.get("properties", {}) else _filled(schema)))
    question, results = _turn(body["messages"])
    if results:
        return Reply(f'The tool gave back: "{_clipped(results[-1])}". That is all the demo backend can do.')
    if (call := _call(body)) is not None:
        return Reply("Let me use a tool to show that tools work.", *call)
    return Reply(f'Hello from the demo backend, which has no model behind it. You said: "{_clipped(question)}"')


def _turn(messages: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """The last words of the user, and the tool results since."""
    results: list[str] = []
    for message in reversed(messages):
        text = _text(message.get("content"))
        if message["role"] == "tool":
            results.insert(0, text)
        elif message["role"] == "user" and (words := _REMINDER.sub("", text).strip()):
            return words, results
    return "", results


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _QUOTE_LIMIT else text[:_QUOTE_LIMIT] + "..."


def _call(body: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The tool to call and its arguments: Bash, or the first that can do with strings."""
    choice = body.get("tool_choice")
    if choice == "none":
        return None
    tools = [tool["function"] for tool in body.get("tools") or ()]
    if isinstance(choice, dict):
        tools = [tool for tool in tools if tool["name"] == choice["function"]["name"]]
    for tool in tools:
        if tool["name"] == "Bash":
            return "Bash", COMMAND
    for tool in tools:
        arguments = _filled(tool.get("parameters") or {}, required_only=True)
        if choice not in (None, "auto") or all(isinstance(value, str) for value in arguments.values()):
            return tool["name"], arguments
    return None


def _filled(schema: dict[str, Any], *, required_only: bool = False) -> dict[str, Any]:
    """The least that a flat object schema takes."""
    properties = schema.get("properties") or {}
    names = schema.get("required") or () if required_only else properties
    return {name: _placeholder(properties.get(name) or {}) for name in names}


def _placeholder(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    return _PLACEHOLDERS.get(kind[0] if isinstance(kind, list) else kind)


class _Server(socketserver.ThreadingTCPServer):
    """Not http.server's own: that asks the name service for the machine's name, which can take seconds."""

    daemon_threads = True
    request_queue_size = 128


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "proxy"}
            self._send(200, {"object": "list", "data": [model]})
        else:
            self._refuse(404, f"no such path: {self.path}")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._refuse(404, f"no such path: {self.path}")
            return
        try:
            body = json.loads(raw)
            answer = reply(body)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._refuse(400, f"not a chat completions request ({type(error).__name__})")
            return
        words = re.findall(r"\S+\s*", answer.text)
        completion = len(words) + len(json.dumps(answer.arguments)) // 4
        prompt = len(raw) // 4
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        if body.get("stream"):
            self._stream(_chunks(answer, words, usage))
        else:
            self._send(200, _completion(answer, usage))

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}})

    def _stream(self, chunks: Iterator[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for chunk in chunks:
                self._write(f"data: {json.dumps(chunk)}\n\n".encode())
                time.sleep(_PAUSE)
            self._write(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def _write(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


def _envelope(kind: str, choices: list[dict[str, Any]], usage: dict[str, int] | None) -> dict[str, Any]:
    return {"id": "demo", "object": kind, "created": 0, "model": MODEL, "choices": choices, "usage": usage}


def _tool_call(answer: Reply) -> dict[str, Any]:
    function = {"name": answer.tool, "arguments": json.dumps(answer.arguments)}
    return {"id": f"call_{time.time_ns()}", "type": "function", "function": function}


def _finish_reason(answer: Reply) -> str:
    return "tool_calls" if answer.tool else "stop"


def _completion(answer: Reply, usage: dict[str, int]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.tool:
        message["tool_calls"] = [_tool_call(answer)]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answer)}
    return _envelope("chat.completion", [choice], usage)


def _chunks(answer: Reply, words: list[str], usage: dict[str, int]) -> Iterator[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": word} for word in words)]
    if answer.tool:
        deltas.append({"tool_calls": [{"index": 0, **_tool_call(answer)}]})
    kind = "chat.completion.chunk"
    for delta in deltas:
        yield _envelope(kind, [{"index": 0, "delta": delta, "finish_reason": None}], None)
    yield _envelope(kind, [{"index": 0, "delta": {}, "finish_reason": _finish_reason(answer)}], None)
    yield _envelope(kind, [], usage)
