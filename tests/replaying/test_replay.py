"""Recordings of sessions that failed, redacted, end in the same failure where there is nothing but the recording."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.protocol.errors import TYPE_OF_STATUS
from proxy.recording.form import Form, pieces_of
from proxy.replaying.comparison import compared
from proxy.replaying.replay import replayed
from proxy.settings.config import Vertex
from tests.docs.pages import ROOT
from tests.fakes.server import CUT, Exchange, Raw, Step
from tests.replaying.sessions import (
    HEADERS,
    TEXTS,
    Upstream,
    answer_bytes,
    failures,
    key_of,
    question,
    recording_proxy,
    recordings,
    said_in,
    settings,
    sse,
)
from tests.web.serving import custom_settings, hang_up

SILENCE = 1.0
"""Seconds that are borne."""
KEPT = ("PYTHON", "LD_", "SYSTEMROOT", "PATH", "HOME", "TMP", "TEMP")


def says(*answers: Raw) -> Callable[[Exchange], Raw]:
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def one(api: str, place: Path, *answers: Raw, streams: bool = True, **variables: str) -> Form:
    """The recording of one request."""
    with Upstream(says(*answers)) as upstream:
        config = settings(api, upstream.url, place, **variables)
        with recording_proxy(config) as proxy:
            proxy.hurry(silence=SILENCE, silence_while_reasoning=SILENCE)
            proxy.post(question(stream=streams), **HEADERS)
    (form,) = recordings(config)
    return form


def outcome(form: Form) -> str:
    return f"{form['answer']['status']} {form['answer']['error'] or form['answer']['stop_reason']}"


def cut_call() -> Raw:
    body = answer_bytes("chat", 5, is_stream=True)
    calls = [at for at in range(len(body)) if body.startswith(b"arguments", at)]
    end = body.index(b"\n\n", calls[-3]) + 2
    finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    return Raw([body[:end], sse(finish, "[DONE]")])


def refusal() -> Raw:
    head = {"id": "c", "object": "chat.completion.chunk", "model": "m"}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"refusal": f"No {TEXTS['answer']}"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
    ]
    return Raw([sse(*chunks, "[DONE]")])


def silent() -> Raw:
    body = answer_bytes("chat", 5, is_stream=True)
    end = body.index(b"\n\n", len(body) // 2) + 2
    steps: Iterable[Step] = [body[:end], 10 * SILENCE, CUT]
    return Raw(steps)


FAILING: dict[str, tuple[Raw, str]] = {
    "a stream that breaks off": (failures("chat")["breaks off"], "200 api_error"),
    "an error in a 200": (failures("chat")["error in 200"], "401 authentication_error"),
    "a call that is cut": (cut_call(), "200 max_tokens"),
    "a refusal": (refusal(), "200 refusal"),
    "a prompt that is too long": (failures("chat")["overflow"], "400 invalid_request_error"),
    "silence": (silent(), "200 timeout_error"),
    "a page": (failures("chat")["page"], "502 api_error"),
}


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Form]:
    return {name: one("chat", tmp_path_factory.mktemp("place"), raw) for name, (raw, _) in FAILING.items()}


@pytest.mark.parametrize("name", FAILING)
def test_the_same_failure(forms: dict[str, Form], name: str) -> None:
    form = forms[name]
    assert outcome(form) == FAILING[name][1]
    assert form["check"] == {"reproduces": True, "differences": []}
    now = replayed(form)
    assert compared(form, now) == []
    assert now.status == form["answer"]["status"]
    error = form["answer"]["error"]
    assert not error or error in TYPE_OF_STATUS.values()
    assert not error or f'"type":"{error}"'.encode() in now.emitted


def test_on_another_machine(forms: dict[str, Form], tmp_path: Path) -> None:
    """Without a key, a setting or a network: a directory of them, in another process."""
    for number, form in enumerate(forms.values()):
        (tmp_path / f"{number}.json").write_text(json.dumps(form), encoding="ascii")
    environ = {name: value for name, value in os.environ.items() if name.upper().startswith(KEPT)}
    environ |= {"PYTHONPATH": str(ROOT), "HTTP_PROXY": "http://127.0.0.1:9", "OPENAI_API": "nonsense"}
    command = [sys.executable, "-m", "proxy", "replay", str(tmp_path), "--json"]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each["same"] for each in json.loads(done.stdout)] == [True] * len(forms)
    assert done.stderr == ""


def test_what_is_otherwise_is_shown(forms: dict[str, Form]) -> None:
    form = json.loads(json.dumps(forms["a refusal"]))
    form["attempts"][0]["body"]["json"]["max_tokens"] = 1
    form["attempts"][0]["body"]["json"]["messages"][0]["role"] = "developer"
    form["answer"]["status"] = 500
    paths = [each.path for each in compared(form, replayed(form))]
    assert paths == [
        "upstream request 1: body.messages[0].role",
        "upstream request 1: body.max_tokens",
        "answer: status",
    ]


def test_lessons_and_another_key_and_another_target(tmp_path: Path) -> None:
    """Several attempts, with habits that were learned on the way."""
    unknown = {"error": {"message": "Unrecognized request argument supplied: stream_options", "code": None}}
    refused = Raw([json.dumps(unknown).encode()], 400, "application/json")
    limited = Raw([json.dumps({"error": {"message": "Rate limit reached"}}).encode()], 429, "application/json")
    good = Raw([answer_bytes("chat", 5, is_stream=True)])
    keys = f"{key_of('chat')},sk-proj-CANARYsecondkey0123456789"
    form = one("chat", tmp_path, limited, refused, good, OPENAI_API_KEY=keys)
    assert [attempt["status"] for attempt in form["attempts"]] == [429, 400, 200]
    assert form["check"]["reproduces"], form["check"]
    assert form["settings"]["keys"] == {"OPENAI_API_KEY": 2}
    assert "CANARY" not in said_in(form)


def test_what_was_known_before_is_known_again(tmp_path: Path) -> None:
    unknown = {"error": {"message": "Unrecognized request argument supplied: stream_options", "code": None}}
    refused = Raw([json.dumps(unknown).encode()], 400, "application/json")
    good = Raw([answer_bytes("chat", 5, is_stream=True)])
    with Upstream(says(refused, good)) as upstream:
        config = settings("chat", upstream.url, tmp_path)
        with recording_proxy(config) as proxy:
            for _ in range(2):
                proxy.post(question(stream=True), **HEADERS)
    first, second = sorted(recordings(config), key=lambda form: len(form["habits"]))
    assert [len(first["attempts"]), len(second["attempts"])] == [2, 1]
    assert second["habits"][0]["habits"] == {"refused": ["stream_options"]}
    assert first["check"]["reproduces"]
    assert second["check"]["reproduces"]


def test_a_target_that_is_followed_by_another_one(tmp_path: Path) -> None:
    overloaded = Raw([json.dumps({"error": {"message": "overloaded"}}).encode()], 503, "application/json")
    good = Raw([answer_bytes("chat", 5, is_stream=True)])
    with Upstream(says(overloaded, good)) as upstream:
        config = settings("chat", upstream.url, tmp_path, BIG_MODEL="gpt-4o, gpt-4.1")
        with recording_proxy(config) as proxy:
            for _ in range(2):
                proxy.post(question(stream=True), **HEADERS)
    first, second = sorted(recordings(config), key=lambda form: -len(form["attempts"]))
    assert first["route"]["asked"] == ["openai/gpt-4o", "openai/gpt-4.1"]
    assert second["route"]["asked"] == ["openai/gpt-4.1"]
    assert first["check"]["reproduces"], first["check"]
    assert second["check"]["reproduces"], second["check"]


@pytest.mark.parametrize("api", ["chat", "gemini"])
def test_a_tool_whose_name_is_too_long(api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent under another one, by which it is called."""
    monkeypatch.setitem(TEXTS, "tool", "mcp__my_server__" + "canary.word_" * 9)

    def called(exchange: Exchange) -> Raw:
        tools = json.loads(exchange.raw)["tools"]
        offered = tools[0]["functionDeclarations"][0] if api == "gemini" else tools[0]["function"]
        monkeypatch.setitem(TEXTS, "tool", offered["name"])
        return Raw([answer_bytes(api, 5, is_stream=True)])

    body = question(stream=True)
    with Upstream(called) as upstream:
        config = settings(api, upstream.url, tmp_path)
        with recording_proxy(config) as proxy:
            assert b"mcp__my_server__canary.word" in proxy.post(body, **HEADERS).body
    (form,) = recordings(config)
    assert form["check"]["reproduces"], form["check"]
    assert "canary" not in said_in(form).lower()


def test_a_failure_after_the_status_line(tmp_path: Path) -> None:
    """The client had waited long enough; then the error comes in the stream."""
    raw = Raw([b'{"error": {"message": "busy"}}'], 503, "application/json", hold=[1.0])
    with Upstream(says(raw)) as upstream:
        config = settings("chat", upstream.url, tmp_path)
        with recording_proxy(config) as proxy:
            proxy.hurry(head_patience=0.1)
            proxy.post(question(stream=True), **HEADERS)
    (form,) = recordings(config)
    assert form["answer"]["status"] == 200
    assert form["answer"]["error"]
    assert form["check"]["reproduces"], form["check"]


def test_vertex_needs_no_account(tmp_path: Path) -> None:
    place = {"USE_VERTEX_AUTH": "true", "VERTEX_PROJECT": "canary-project"}
    with Upstream(says(Raw([answer_bytes("gemini", 5, is_stream=True)]))) as upstream:
        config = settings("gemini", upstream.url, tmp_path, **place)
        config = replace(config, vertex=Vertex("canary-project", "global", "ya29.canarytoken0123456789"))
        with recording_proxy(config) as proxy:
            proxy.post(question(stream=True), **HEADERS)
    (form,) = recordings(config)
    assert "/locations/global/" in form["attempts"][0]["url"]
    assert form["check"]["reproduces"], form["check"]
    assert "canary" not in said_in(form).lower()


def test_a_client_that_leaves(tmp_path: Path) -> None:
    body = answer_bytes("chat", 5, is_stream=True)
    end = body.index(b"\n\n", len(body) // 2) + 2
    with Upstream(lambda _: Raw([body[:end], 5.0, body[end:]])) as upstream:
        config = settings("chat", upstream.url, tmp_path)
        with recording_proxy(config) as proxy:
            connection = proxy.start(question(stream=True))
            response = connection.getresponse()
            assert response.read(600)
            hang_up(connection)
            upstream.exchanges[0].client_gone.wait(20)
    (form,) = recordings(config)
    assert form["answer"]["outcome"] in ("the client went away", "cut off")
    assert form["attempts"][0]["ended"] == "cancelled"
    assert form["check"]["reproduces"], form["check"]


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    for api in ("chat", "anthropic"):
        place = tmp_path / api
        place.mkdir()
        config = settings(api, "http://127.0.0.1:9", place)
        with recording_proxy(config) as proxy:
            proxy.post(question(stream=True), **HEADERS)
        (form,) = recordings(config)
        assert outcome(form) == "502 api_error"
        assert form["attempts"][0]["status"] == 0
        assert form["attempts"][0]["ended"] == "failed"
        assert form["check"]["reproduces"], form["check"]


def test_a_request_that_nobody_is_asked_for(tmp_path: Path) -> None:
    """What is no JSON, and a prompt that cannot fit."""
    entry = {"api_base": "http://127.0.0.1:9/v1", "context_window": 5000}
    config = custom_settings(tmp_path, entry, RECORD_DIR=str(tmp_path / "recordings"))
    with recording_proxy(config) as proxy:
        proxy.call("POST", "/v1/messages", b'{"model": "claude-sonnet-5-5", "canaryword', {"content-type": "a/b"})
        proxy.post({**question(), "messages": [{"role": "user", "content": "many words " * 9_000}]})
    forms = recordings(config)
    assert [form["answer"]["status"] for form in forms] == [400, 400]
    for form in forms:
        assert form["attempts"] == []
        assert form["check"]["reproduces"], form["check"]
        assert "canaryword" not in said_in(form)


def test_what_a_recording_holds(forms: dict[str, Form]) -> None:
    form = forms["a stream that breaks off"]
    assert form["version"] == 1
    assert form["texts"] == "filler"
    assert form["made_by"].keys() == {"proxy", "python", "platform", "packages"}
    assert form["settings"]["variables"]["BIG_MODEL"] == "gpt-4o"
    assert "RECORD_DIR" not in form["settings"]["variables"]
    assert {name for name, _ in form["request"]["headers"]} == {
        *("user-agent", "x-claude-code-session-id", "content-type")
    }
    (attempt,) = form["attempts"]
    assert attempt["url"].endswith("/v1/chat/completions")
    assert attempt["status"] == 200
    assert attempt["ended"] == "failed"
    assert attempt["error"][0] == "RemoteProtocolError"
    assert [at for at, _ in attempt["pieces"]] == sorted(at for at, _ in attempt["pieces"])
    assert {name for name, _ in form["plan"]} >= {"API", "streaming", "output limit"}
    assert form["route"]["target"] == "openai/gpt-4o"
    assert form["answer"]["outcome"].startswith("failed in mid-stream")
    assert b"message_start" in b"".join(pieces_of(form["answer"]["pieces"]))
