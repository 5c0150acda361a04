from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from proxy.answering.safeguards.calls import ToolCall
from proxy.answering.safeguards.prompt import SCHEMA
from proxy.answering.safeguards.verdicts import read_verdicts
from proxy.demo import COMMAND, MODEL, DemoBackend, reply
from proxy.protocol.safeguards import evaluated
from proxy.settings.table import variables
from tests.conformance import check_message, check_stream

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 30.0
CANARY = "sk-canary-0123456789"

BASH = {
    "name": "Bash",
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "description": {"type": "string"}},
        "required": ["command"],
    },
}


def tool(name: str, properties: Mapping[str, Any] | None = None) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties or {}), "required": list(properties or ())}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
USER = {"role": "user", "content": "do it"}
CALLED = [
    USER,
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function"}]},
    {"role": "tool", "tool_call_id": "c1", "content": "tool output"},
]
REMINDER = {"role": "user", "content": [{"type": "text", "text": "<system-reminder>\nbe good\n</system-reminder>"}]}


@pytest.mark.parametrize(
    ("messages", "more", "words", "called", "arguments"),
    [
        pytest.param([USER], {}, 'You said: "do it"', None, None, id="no tools"),
        pytest.param([USER, REMINDER], {}, 'You said: "do it"', None, None, id="a reminder is not the user"),
        pytest.param([{"role": "user", "content": "word " * 99}], {}, '..."', None, None, id="long words"),
        pytest.param([USER], {"tools": [tool("A"), tool("Bash")]}, "use a tool", "Bash", COMMAND, id="Bash"),
        pytest.param(CALLED, {"tools": [tool("Bash")]}, '"tool output"', None, None, id="after the tool"),
        pytest.param([*CALLED, REMINDER], {"tools": [tool("Bash")]}, '"tool output"', None, None, id="reminded"),
        pytest.param([*CALLED, USER], {"tools": [tool("Bash")]}, "use a tool", "Bash", COMMAND, id="asked again"),
        pytest.param(
            [USER],
            {"tools": [tool("A", {"n": NUMBER}), tool("B", {"s": TEXT, "e": {"enum": ["x", "y"]}})]},
            "use a tool",
            "B",
            {"s": "demo", "e": "x"},
            id="another tool",
        ),
        pytest.param([USER], {"tools": [tool("A", {"n": NUMBER})]}, "You said", None, None, id="no usable tool"),
        pytest.param([USER], {"tools": [tool("Bash")], "tool_choice": "none"}, "You said", None, None, id="no calls"),
        pytest.param(
            [USER],
            {
                "tools": [tool("Bash"), tool("A", {"n": NUMBER, "l": {"type": ["array", "null"]}})],
                "tool_choice": {"type": "function", "function": {"name": "A"}},
            },
            "use a tool",
            "A",
            {"n": 0, "l": []},
            id="forced",
        ),
    ],
)
def test_reply(
    messages: list[Any], more: dict[str, Any], words: str, called: str | None, arguments: dict[str, Any] | None
) -> None:
    answer = reply({"messages": messages, **more})
    assert words in answer.text
    assert (answer.tool, answer.arguments) == (called, arguments)


def test_reply_to_a_schema() -> None:
    schema = {"type": "object", "properties": {"title": TEXT, "n": NUMBER, "b": {"type": "boolean"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = reply({"messages": [USER], "tools": [tool("Bash")], "response_format": wanted})
    assert json.loads(answer.text) == {"title": "demo", "n": 0, "b": False}
    assert answer.tool is None


def test_its_own_call_is_judged_harmless() -> None:
    """Claude Code's auto mode would refuse the call if the judge had nothing to say of it."""
    body = {"messages": [], "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}
    verdicts = read_verdicts(reply(body).text, [ToolCall("toolu_1", "Bash", COMMAND)], {})
    assert verdicts == {"toolu_1": evaluated(flagged=False)}


@pytest.fixture(scope="module")
def backend() -> Iterator[DemoBackend]:
    with closing(DemoBackend()) as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/v1/models", None, 200, f'"id": "{MODEL}"'),
        ("GET", "/", None, 404, "no such path"),
        ("POST", "/v1/responses", b"{}", 404, "no such path"),
        ("POST", "/v1/chat/completions", b"hello", 400, "not a chat completions request"),
        ("POST", "/v1/chat/completions", b"{}", 400, "not a chat completions request"),
        ("POST", "/v1/chat/completions", b"[]", 400, "not a chat completions request"),
        ("POST", "/v1/chat/completions", json.dumps({"messages": [USER]}).encode(), 200, '"finish_reason": "stop"'),
    ],
)
def test_backend(method: str, path: str, body: bytes | None, status: int, words: str, backend: DemoBackend) -> None:
    port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/v1", backend.url)[1])  # type: ignore[index]
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        assert response.status == status
        assert words in response.read().decode()


class Proxy:
    """`python -m proxy --demo` as a process of its own. `banner` is what it has printed at the start."""

    def __init__(self, place: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (place / ".env").write_text("PORT=nonsense\nOPENAI_API_KEY=not a key\n", encoding="utf-8")
        environ = {name: value for name, value in os.environ.items() if name not in variables()}
        keys = {name: CANARY for name in variables() if name.endswith("_API_KEY")}
        windows = sys.platform == "win32"
        self._interrupt = signal.Signals["CTRL_BREAK_EVENT" if windows else "SIGINT"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "--demo", "--port", str(self.port)],
            cwd=place,
            env={**environ, **keys, "PREFERRED_PROVIDER": "nobody", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stderr = self.process.stderr
        self.banner = ""
        while not self.banner.endswith("claude\n"):
            line = self.process.stdout.readline()
            assert line, self.stderr.read()
            self.banner += line

    def ask(self, messages: list[Any], **more: Any) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        body = {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": messages, **more}
        connection.request("POST", "/v1/messages", json.dumps(body), {"Content-Type": "application/json"})
        return connection.getresponse()

    def interrupt(self) -> None:
        self.process.send_signal(self._interrupt)

    def exit_code(self) -> int:
        return self.process.wait(PATIENCE)


@contextmanager
def running_proxy(place: Path) -> Iterator[Proxy]:
    proxy = Proxy(place)
    try:
        yield proxy
    finally:
        proxy.process.kill()
        proxy.process.communicate()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("demo")) as running:
        yield running


def test_the_banner_leads_to_the_demo(proxy: Proxy) -> None:
    assert f"serves http://127.0.0.1:{proxy.port}" in proxy.banner
    assert "-> custom/demo" in proxy.banner
    assert "this machine only" in proxy.banner
    assert CANARY not in proxy.banner


@pytest.mark.parametrize("stream", [False, pytest.param(True, marks=pytest.mark.streaming)])
def test_a_tool_is_called_and_its_output_quoted(proxy: Proxy, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "say hello"}]
    first = answer(proxy, messages, stream)
    assert first["stop_reason"] == "tool_use"
    assert first["content"][-1]["input"] == COMMAND
    result = {"type": "tool_result", "tool_use_id": first["content"][-1]["id"], "content": "Hello there"}
    messages += [{"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
    second = answer(proxy, messages, stream)
    assert second["stop_reason"] == "end_turn"
    assert '"Hello there"' in second["content"][0]["text"]
    assert second["usage"]["output_tokens"] > 0


def answer(proxy: Proxy, messages: list[Any], stream: bool) -> dict[str, Any]:
    response = proxy.ask(messages, tools=[BASH], stream=stream)
    body = response.read()
    assert response.status == 200, body
    if stream:
        return dict(check_stream(body))
    message = json.loads(body)
    check_message(message)
    return dict(message)


def test_a_title_is_json(proxy: Proxy) -> None:
    schema = {"type": "object", "properties": {"title": TEXT}, "required": ["title"], "additionalProperties": False}
    response = proxy.ask([USER], output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(json.loads(response.read())["content"][0]["text"]) == {"title": "demo"}


LONG = [{"role": "user", "content": "a " * 50}]


@pytest.mark.streaming
def test_an_interrupt_lets_the_running_answer_finish(tmp_path: Path) -> None:
    with running_proxy(tmp_path) as proxy, closing(proxy.ask(LONG, stream=True)) as response:
        begin = response.readline()
        proxy.interrupt()
        check_stream(begin + response.read())
        assert proxy.exit_code() == 0
        said = proxy.stderr.read()
    assert said.startswith("Stopping")
    assert len(said.splitlines()) == 1


@pytest.mark.streaming
def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with running_proxy(tmp_path) as proxy, closing(proxy.ask(LONG, stream=True)) as response:
        response.readline()
        proxy.interrupt()
        assert proxy.stderr.readline().startswith("Stopping")
        proxy.interrupt()
        assert proxy.exit_code() > 128, "0 would say that the answer came to its end"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
def test_sigterm(proxy: Proxy) -> None:
    proxy.process.send_signal(signal.SIGTERM)
    assert proxy.exit_code() == 0
    assert proxy.stderr.read() == ""
