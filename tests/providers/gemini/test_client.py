"""Calls to the service: credentials, connections, cancellation and what is tried once more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError

from proxy.answering.attempts import Attempts
from proxy.answering.plan import Limits
from proxy.answering.timing import Timing
from proxy.models.habits import HabitBook
from proxy.protocol.deltas import Delta, Finish, Note, TextDelta
from proxy.protocol.errors import ApiError
from proxy.providers.base import Exchange
from proxy.providers.call import Call
from proxy.providers.gemini.client import GeminiProvider
from proxy.server.banner import banner
from proxy.settings.config import Config
from proxy.web.services import Services
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.errors import FAILURES, gemini_error
from tests.fakes.gemini.replies import FunctionCall, Reply, Text, sse
from tests.fakes.gemini.signatures import SENTINELS
from tests.fakes.gemini.stream_base import STOP, bare, chunk, text
from tests.fakes.server import CUT, PATIENCE, FakeServer, Raw, Step, json_answer
from tests.fakes.server import Exchange as Seen
from tests.providers.gemini.pieces import NEW, calls_of, route
from tests.providers.gemini.serving import KEY, gemini_proxy, gemini_settings
from tests.translation import asking, assistant, call, parsed, result, tool, user
from tests.web.serving import ask

Json = dict[str, Any]
NEVER = threading.Event()


def _provider(upstream: str, **variables: str) -> Attempts:
    return _asking(gemini_settings(upstream, **variables))


def _asking(config: Config) -> Attempts:
    return Attempts(
        GeminiProvider(config, read_timeout=PATIENCE),
        HabitBook(),
        Limits(config.max_tokens_limit),
        Timing(first_pause=0.0),
    )


def _exchange(body: Json | None = None, model: str = NEW, retries: int = 0) -> Exchange:
    return Exchange(parsed(body or asking()), route(model), retries)


def _run(provider: Attempts, exchange: Exchange | None = None) -> list[Delta]:
    with Call() as running:
        try:
            return [delta for batch in provider.deltas(exchange or _exchange(), running) for delta in batch]
        finally:
            running.finish()


def _texts(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def _notes(deltas: list[Delta]) -> list[str]:
    return [delta.text for delta in deltas if isinstance(delta, Note)]


class _Reader(threading.Thread):
    """Reads an answer as the pump does, until another thread cancels it."""

    def __init__(self, attempts: Attempts) -> None:
        super().__init__(daemon=True)
        self.call = Call()
        self.began = threading.Event()
        self.error: ApiError | None = None
        self._attempts = attempts

    def run(self) -> None:
        with self.call:
            try:
                for batch in self._attempts.deltas(_exchange(retries=2), self.call):
                    if batch:
                        self.began.set()
            except ApiError as error:
                self.error = error
            finally:
                self.call.finish()

    def cancel(self) -> None:
        self.call.cancel()
        self.join(PATIENCE)
        assert not self.is_alive()
        assert self.error is not None


def test_cancel_before_the_head(upstream: FakeGemini) -> None:
    never = threading.Event()
    upstream.reply(Text("late"), hold=[never])
    reader = _Reader(_provider(upstream.base_url))
    reader.start()
    (seen,) = upstream.wait_for(1)
    reader.cancel()
    assert seen.client_gone.wait(PATIENCE)
    assert len(upstream.exchanges) == 1, "what was cancelled is not tried again"
    never.set()


def test_cancel_in_mid_stream(upstream: FakeGemini) -> None:
    never = threading.Event()
    upstream.reply(Text("early"), never, Text("late"))
    reader = _Reader(_provider(upstream.base_url))
    reader.start()
    assert reader.began.wait(PATIENCE)
    reader.cancel()
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)
    never.set()


def test_client_hangs_up(upstream: FakeGemini) -> None:
    never = threading.Event()
    upstream.reply(Text("early"), never, Text("late"))
    with gemini_proxy(upstream.base_url) as proxy:
        connection = proxy.start(ask(stream=True))
        response = connection.getresponse()
        assert response.readline() == b"event: message_start\n"
        response.close()
        assert upstream.exchanges[0].client_gone.wait(PATIENCE)
    never.set()


def test_connections_are_used_again(upstream: FakeGemini) -> None:
    provider = _provider(upstream.base_url)
    for _ in range(5):
        assert _texts(_run(provider)) == "ok"
    upstream.fail(400, gemini_error(400, "no").body)
    with pytest.raises(ApiError, match="no"):
        _run(provider)
    upstream.reply_raw([sse(STOP)])
    assert _texts(_run(provider)) == "ok", "asked once more after nothing was said"
    assert upstream.connections == 1


def test_many_threads_share_one_client(upstream: FakeGemini) -> None:
    provider = _provider(upstream.base_url)
    upstream.default(lambda body, headers: Reply(Text(body["contents"][0]["parts"][0]["text"])))
    said: dict[int, str] = {}

    def one(number: int) -> None:
        said[number] = _texts(_run(provider, _exchange(asking(user(f"number {number}")))))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert said == {number: f"number {number}" for number in range(16)}


def test_head_of_the_request(upstream: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes from the environment."""
    for name, value in {
        "GOOGLE_API_KEY": "leaked-key",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_GENAI_USE_ENTERPRISE": "true",
        "GOOGLE_CLOUD_PROJECT": "leaked-project",
        "GOOGLE_CLOUD_LOCATION": "leaked-location",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/leaked",
        "GOOGLE_GENAI_API_VERSION": "v9leaked",
    }.items():
        monkeypatch.setenv(name, value)
    _run(_provider(upstream.base_url))
    seen = upstream.exchanges[0]
    assert seen.path == f"/v1beta/models/{NEW}:streamGenerateContent?alt=sse"
    assert seen.headers["x-goog-api-key"] == KEY
    assert seen.headers["x-server-timeout"] == "1800"
    assert "leaked" not in str(seen)


def test_version_and_path_of_a_gateway(upstream: FakeGemini) -> None:
    with pytest.raises(ApiError) as failed:
        _run(_provider(f"{upstream.base_url}/team/google", GEMINI_API_VERSION="v1"))
    assert failed.value.status == 404
    assert upstream.exchanges[0].path == f"/team/google/v1/models/{NEW}:streamGenerateContent?alt=sse"


def test_missing_key() -> None:
    with pytest.raises(ApiError) as failed:
        _run(_provider("http://127.0.0.1:9", GEMINI_API_KEY=""))
    assert (failed.value.status, failed.value.should_retry) == (401, False)
    assert "GEMINI_API_KEY is not set" in failed.value.message


def test_wrong_key(upstream: FakeGemini) -> None:
    with pytest.raises(ApiError) as failed:
        _run(_provider(upstream.base_url, GEMINI_API_KEY="AIza-of-somebody-else-012345"))
    assert failed.value.status == 401
    assert "somebody" not in failed.value.message


@pytest.mark.parametrize(
    "name",
    [
        "gemini/../files",
        "gemini/a?b",
        "gemini/a&b",
        "gemini/a#b",
        "gemini/a/%2e%2e/b",
        "gemini/a//b",
        r"gemini/a\b",
        "gemini/.",
    ],
)
def test_impossible_name(name: str, upstream: FakeGemini) -> None:
    with pytest.raises(ApiError) as failed:
        _run(_provider(upstream.base_url), _exchange(model=name))
    assert failed.value.status == 404
    assert upstream.exchanges == []


def test_unreachable() -> None:
    with pytest.raises(ApiError) as failed:
        _run(_provider("http://127.0.0.1:9"))
    assert failed.value.status == 502
    assert "cannot reach http://127.0.0.1:9" in failed.value.message


@pytest.mark.parametrize("failure", ["internal", "deadline", "cut"])
def test_passing_trouble(failure: str, upstream: FakeGemini) -> None:
    for _ in range(2):
        if failure == "cut":
            upstream.reply_raw([], hold=[CUT])
        else:
            upstream.fail(FAILURES[failure])
    assert _texts(_run(_provider(upstream.base_url), _exchange(retries=2))) == "ok"
    assert len(upstream.exchanges) == 3


@pytest.mark.parametrize("failure", ["overloaded", "rate_limited", "daily_quota", "context_overflow", "cancelled"])
def test_left_to_the_client(failure: str, upstream: FakeGemini) -> None:
    """What the client repeats by itself, or nobody should."""
    upstream.fail(FAILURES[failure])
    with pytest.raises(ApiError):
        _run(_provider(upstream.base_url), _exchange(retries=2))
    assert len(upstream.exchanges) == 1


_HISTORY = asking(user("go"), assistant(call("toolu_1", path="a")), user(result("toolu_1")), tools=[tool()])


@pytest.mark.parametrize("failure", ["signature_missing", "signature_corrupted", "signature_of_another_model"])
def test_case_46_sentinels_after_a_refusal(failure: str, upstream: FakeGemini) -> None:
    provider = _provider(upstream.base_url)
    upstream.reply(FunctionCall("Read", {"path": "a"}))
    _run(provider, _exchange(asking(user("go"), tools=[tool()])))
    upstream.fail(FAILURES[failure])
    deltas = _run(provider, _exchange(_HISTORY))
    assert _texts(deltas) == "ok"
    _, refused, accepted = (
        [part.get("thoughtSignature") for part in calls_of(body["contents"])] for body in upstream.requests
    )
    assert refused[0] not in (None, *SENTINELS)
    assert accepted == [SENTINELS[0]]
    assert any("thought signatures" in note for note in _notes(deltas))

    upstream.fail(FAILURES[failure])
    upstream.fail(FAILURES[failure])
    with pytest.raises(ApiError, match="signature"):
        _run(provider, _exchange(_HISTORY))


def test_case_46_sentinels_after_a_finish_reason(upstream: FakeGemini) -> None:
    upstream.reply_raw([sse(bare("MISSING_THOUGHT_SIGNATURE"))])
    assert _texts(_run(_provider(upstream.base_url), _exchange(_HISTORY))) == "ok"
    assert calls_of(upstream.requests[-1]["contents"])[0]["thoughtSignature"] == SENTINELS[0]


def test_case_76_ids_refused(upstream: FakeGemini) -> None:
    """Once learned, they are no longer sent."""
    provider = _provider(upstream.base_url)
    where = "'contents[1].parts[0].function_call'"
    upstream.fail(gemini_error(400, f'Invalid JSON payload received. Unknown name "id" at {where}: Cannot find field.'))
    for _ in range(2):
        assert _texts(_run(provider, _exchange(_HISTORY))) == "ok"
    assert ['"id"' in str(body).replace("'", '"') for body in upstream.requests] == [True, False, False]


@pytest.mark.parametrize(
    "message",
    [
        "Thinking is not enabled for models/x",
        "Budget 0 is invalid. This model only works in thinking mode.",
        "The thinking budget 5 is invalid. Please choose a value between 128 and 32768.",
        "Thinking level MINIMAL is not supported for this model.",
        "Invalid value at 'generation_config.thinking_config.thinking_level' (TYPE_ENUM), \"XHIGH\"",
    ],
)
def test_thinking_that_another_model_refuses(message: str, upstream: FakeGemini) -> None:
    upstream.fail(gemini_error(400, message))
    assert _texts(_run(_provider(upstream.base_url))) == "ok"
    assert ["thinkingConfig" in body["generationConfig"] for body in upstream.requests] == [True, False]


def test_store(upstream: FakeGemini) -> None:
    provider = _provider(upstream.base_url)
    upstream.fail(gemini_error(400, 'Invalid JSON payload received. Unknown name "store": Cannot find field.'))
    for _ in range(2):
        _run(provider)
    _run(_provider(upstream.base_url, GEMINI_STORE="true"))
    assert [body.get("store") for body in upstream.requests] == [False, None, None, None]


def test_what_one_request_needed_is_not_remembered_with_what_the_server_wants(upstream: FakeGemini) -> None:
    provider = _provider(upstream.base_url)
    upstream.fail(gemini_error(400, "Thinking is not enabled for models/x"))
    upstream.fail(gemini_error(400, 'Invalid JSON payload received. Unknown name "store": Cannot find field.'))
    for _ in range(2):
        _run(provider)
    assert ["thinkingConfig" in body["generationConfig"] for body in upstream.requests] == [True, False, False, True]
    assert [body.get("store") for body in upstream.requests] == [False, False, None, None]


def test_files_that_cannot_be_fetched(upstream: FakeGemini) -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    upstream.fail(gemini_error(400, "Cannot fetch content from the provided URL. Please ensure the URL is valid."))
    deltas = _run(_provider(upstream.base_url), _exchange(asking(user("look", picture))))
    assert _texts(deltas) == "ok"
    assert "fileData" in str(upstream.requests[0])
    assert "fileData" not in str(upstream.requests[1])
    assert any("left out" in note for note in _notes(deltas))


def test_safety(upstream: FakeGemini) -> None:
    _run(_provider(upstream.base_url))
    _run(_provider(upstream.base_url, GEMINI_SAFETY="off"))
    assert "safetySettings" not in upstream.requests[0]
    assert {each["threshold"] for each in upstream.requests[1]["safetySettings"]} == {"OFF"}


@pytest.mark.parametrize("end", [[NEVER], [b": a comment\n\n", 0.02] * 100 + [b"data: {nonsense\n\n"]])
def test_a_stream_left_open_has_ended(end: list[Step], upstream: FakeGemini) -> None:
    """However short the limit on silence is."""
    upstream.reply_raw([sse(chunk(text("hello"), finish="STOP")), *end])
    with gemini_proxy(upstream.base_url, REQUEST_TIMEOUT="0.5") as proxy:
        assert proxy.post(ask(stream=True)).message()["content"] == [{"type": "text", "text": "hello"}]


def test_case_94_proxy_of_the_environment(upstream: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", upstream.url)
    assert _texts(_run(_provider("http://gemini.invalid"))) == "ok"
    assert upstream.exchanges[0].path.startswith("http://gemini.invalid/v1beta/models/")


WARMED_UP = """
import sys, wsgi
assert "google.genai" not in sys.modules, "slow start"
wsgi.app.extensions["proxy"].warm_up()
print("google.genai" in sys.modules)
"""


@pytest.mark.parametrize(("preferred", "imported"), [("google", "True"), ("openai", "False")])
def test_the_sdk_is_imported_after_the_start_and_only_where_it_is_needed(preferred: str, imported: str) -> None:
    command = [sys.executable, "-c", WARMED_UP]
    env = {**os.environ, "PREFERRED_PROVIDER": preferred, "BIG_MODEL": "", "SMALL_MODEL": ""}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE, env=env)
    assert (done.returncode, done.stdout.strip()) == (0, imported), done.stderr


class _Vertex(FakeServer):
    def answer(self, exchange: Seen) -> Raw:
        if exchange.path.endswith(":countTokens"):
            return json_answer({"totalTokens": 31})
        return Raw([sse(chunk(text("hi"), finish="STOP"))])


@pytest.fixture
def vertex() -> Iterator[_Vertex]:
    with _Vertex() as fake:
        yield fake


def _on_vertex(url: str, **variables: str) -> Config:
    settings = {"USE_VERTEX_AUTH": "true", "VERTEX_PROJECT": "my-project", "GEMINI_API_KEY": "", **variables}
    return gemini_settings(url, **settings)


def test_vertex(vertex: _Vertex, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = AnonymousCredentials()
    credentials.token = "adc-token"
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (credentials, "other-project"))
    monkeypatch.setenv("GOOGLE_API_KEY", "leaked-key")
    provider = _asking(_on_vertex(vertex.url, VERTEX_LOCATION="us-central1"))
    assert _run(provider)[-1] == Finish()
    seen = vertex.exchanges[0]
    models = "/v1beta1/projects/my-project/locations/us-central1/publishers/google/models"
    assert seen.path == f"{models}/{NEW}:streamGenerateContent?alt=sse"
    assert seen.headers["authorization"] == "Bearer adc-token"
    assert "x-goog-api-key" not in seen.headers
    assert b'"store"' not in seen.raw


class _Echo(FakeServer):
    def answer(self, exchange: Seen) -> Raw:
        said = f"may not: {exchange.headers['authorization'].removeprefix('Bearer ')}"
        return json_answer({"error": {"code": 403, "message": said, "status": "PERMISSION_DENIED"}}, 403)


def test_vertex_tokens_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = AnonymousCredentials()
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (credentials, "other-project"))
    with _Echo() as fake:
        provider = _asking(_on_vertex(fake.url))
        for token in ("Zq7Lw3Xv9Tb2Mn5", "a-later-one-Kd8Rf"):
            credentials.token = token
            with pytest.raises(ApiError) as failed:
                _run(provider)
            assert failed.value.status == 403
            assert "may not: [key]" in failed.value.message


def test_vertex_tokens_are_fresh(vertex: _Vertex, monkeypatch: pytest.MonkeyPatch) -> None:
    """All else of a request is made once."""
    credentials = AnonymousCredentials()
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (credentials, "other-project"))
    provider = _asking(_on_vertex(vertex.url))
    for token in ("first", "second"):
        credentials.token = token
        _run(provider)
    assert [seen.headers["authorization"] for seen in vertex.exchanges] == ["Bearer first", "Bearer second"]


def test_each_model_has_its_own_address(upstream: FakeGemini) -> None:
    provider = _provider(upstream.base_url)
    for model in (NEW, "gemini-2.5-flash", NEW):
        _run(provider, _exchange(model=model))
    paths = [exchange.path.partition("/models/")[2].partition(":")[0] for exchange in upstream.exchanges]
    assert paths == [NEW, "gemini-2.5-flash", NEW]
    assert {exchange.headers["x-goog-api-key"] for exchange in upstream.exchanges} == {KEY}


def test_vertex_counts(vertex: _Vertex, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = AnonymousCredentials()
    credentials.token = "adc-token"
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (credentials, "other-project"))
    provider = _asking(_on_vertex(vertex.url))
    with Call() as call:
        assert provider.count(_exchange(asking(system="Be brief.", tools=[tool()])), call) == 31
    seen = vertex.exchanges[0]
    assert seen.path.endswith(f"/locations/global/publishers/google/models/{NEW}:countTokens")
    sent = json.loads(seen.raw)
    assert sent.keys() == {"contents", "systemInstruction", "tools"}
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]


def test_vertex_without_credentials(vertex: _Vertex, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(google.auth, "default", missing)
    with pytest.raises(ApiError) as failed:
        _run(_asking(_on_vertex(vertex.url)))
    assert failed.value.status == 401
    assert "gcloud auth application-default login" in failed.value.message


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("", "https://aiplatform.googleapis.com"),
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_addresses(location: str, url: str) -> None:
    provider = GeminiProvider(_on_vertex("", VERTEX_LOCATION=location), PATIENCE)
    assert provider.server(route(NEW)) == url


def test_vertex_needs_no_key_in_the_banner() -> None:
    assert "is not set" not in banner(Services(_on_vertex("")), 1)
    assert "GEMINI_API_KEY is not set" in banner(Services(gemini_settings("", GEMINI_API_KEY="")), 1)
