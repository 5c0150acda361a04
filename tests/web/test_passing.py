"""What Anthropic's API offers beside messages: passed on where Anthropic is the preferred vendor, and only there."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anthropic
import pytest

from proxy.protocol.signature import seal
from proxy.settings.config import Config, load_config
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.server import CUT, Exchange, Raw, Step, json_answer
from tests.web.serving import PATIENCE, Answer, Proxy, hang_up, read, serve

KEY = "sk-ant-server-0123456789"
LOGIN = "sk-ant-oat01-the-clients-own-login"
GATE = "gate-0123456789"
OLD = {"anthropic-version": "2023-06-01"}
MIB = 1 << 20
PARAMS: Any = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


class Upstream(FakeAnthropic):
    """Answers what is scripted for a path, whatever it is."""

    def __init__(self) -> None:
        super().__init__([KEY, LOGIN])
        self.scripted: dict[str, Raw] = {}

    def answer(self, exchange: Exchange) -> Raw:
        return self.scripted.get(urlsplit(exchange.path).path) or super().answer(exchange)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as fake:
        yield fake


def config(upstream: FakeAnthropic, directory: Path = Path("no-such-directory"), **variables: str) -> Config:
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": upstream.url, **variables}
    return load_config(environ, directory=directory)


@pytest.fixture
def proxy(upstream: FakeAnthropic) -> Iterator[Proxy]:
    """With a key of its own, and one that callers need."""
    with serve(config(upstream, ANTHROPIC_API_KEY=KEY, PROXY_API_KEY=GATE)) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{proxy.port}", api_key=GATE, max_retries=0) as made:
        yield made


def call(proxy: Proxy, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return proxy.call(method, path, body, {**OLD, "x-api-key": GATE, **named})


def url_of(proxy: Proxy) -> str:
    return f"http://127.0.0.1:{proxy.port}"


def test_batches(client: anthropic.Anthropic, upstream: Upstream) -> None:
    """The results are asked for here, with the key that is good here: the address of them is one of ours."""
    requests: Any = [{"custom_id": name, "params": PARAMS} for name in ("one", "two")]
    made = client.messages.batches.create(requests=requests)
    assert json.loads(upstream.exchanges[-1].raw) == {"requests": requests}
    assert made.results_url is None
    ended = client.messages.batches.retrieve(made.id)
    assert ended.results_url == f"/v1/messages/batches/{made.id}/results"
    assert [each.custom_id for each in client.messages.batches.results(made.id)] == ["one", "two"]
    (listed,) = client.messages.batches.list(limit=5)
    assert listed == ended
    assert "limit=5" in upstream.exchanges[-1].path
    assert client.messages.batches.delete(made.id).id == made.id
    other = client.messages.batches.create(requests=requests[:1])
    assert client.messages.batches.cancel(other.id).processing_status == "canceling"
    assert {each.headers["x-api-key"] for each in upstream.exchanges} == {KEY}
    assert GATE not in str([each.headers for each in upstream.exchanges])
    assert upstream.refusals == []


def test_refusals_are_theirs(client: anthropic.Anthropic, upstream: Upstream) -> None:
    with pytest.raises(anthropic.BadRequestError, match="custom_id: String should match pattern"):
        client.messages.batches.create(requests=[{"custom_id": "a b", "params": PARAMS}])
    with pytest.raises(anthropic.NotFoundError, match="Message Batch not found"):
        client.messages.batches.retrieve("msgbatch_x")
    with pytest.raises(anthropic.NotFoundError, match="File not found: file_x") as missing:
        client.beta.files.download("file_x")
    assert missing.value.type == "not_found_error"
    with pytest.raises(anthropic.BadRequestError):
        client.beta.files.download(client.beta.files.upload(file=b"mine").id)


@pytest.mark.parametrize("betas", [[], ["files-api-2025-04-14"]])
def test_files(betas: list[str], client: anthropic.Anthropic, upstream: Upstream) -> None:
    content = bytes(range(256)) * 40
    file = client.beta.files.upload(file=("a.bin", io.BytesIO(content), "application/x-thing"), betas=betas)
    assert (file.filename, file.mime_type, file.size_bytes) == ("a.bin", "application/x-thing", len(content))
    assert content in upstream.exchanges[-1].raw
    assert upstream.exchanges[-1].headers.get("anthropic-beta", "") == ",".join(betas)
    assert [each.id for each in client.beta.files.list(betas=betas)] == [file.id]
    assert client.beta.files.retrieve_metadata(file.id, betas=betas) == file
    made = upstream.files.make("b.bin", [content[:9], content[9:]], len(content))
    assert client.beta.files.download(made, betas=betas).read() == content
    assert client.beta.files.delete(made, betas=betas).id == made
    assert upstream.refusals == []


def test_a_beta_header_that_is_required_gets_there() -> None:
    with FakeAnthropic([KEY], files_in_beta=True) as upstream, serve(config(upstream, ANTHROPIC_API_KEY=KEY)) as proxy:
        refused = proxy.call("GET", "/v1/files", headers=OLD).error(400)
        assert "files-api-2025-04-14" in refused["message"]
        proxy.call("GET", "/v1/files", headers={**OLD, "anthropic-beta": "files-api-2025-04-14"}).json()


def parts(path: str) -> tuple[str, list[tuple[str, str]]]:
    """The path, and the query, which may be written in several ways."""
    url = urlsplit(path)
    return url.path, parse_qsl(url.query, keep_blank_values=True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/skills?limit=2&ids[]=a&ids[]=b%2Fc&empty=&x=a+b", None),
        ("POST", "/v1/complete", b'{ "prompt":"\xff" }'),
        ("PUT", "/v1/memory_stores/m-1/memories/a.b_c~d:e@f", b"\x00\x01"),
        ("PATCH", "/v1/agents/agent_1", b"{}"),
        ("DELETE", "/v1/sessions/s_1", None),
        ("POST", "/v1/sessions/s_1/archive", None),
        ("GET", "/v1/messages", None),
        ("DELETE", "/v1/models/claude-opus-5-5", None),
    ],
)
def test_whatever_else_there_is(method: str, path: str, body: bytes | None, proxy: Proxy, upstream: Upstream) -> None:
    upstream.scripted[urlsplit(path).path] = json_answer(
        {"id": "x"}, 201, {"request-id": "req_theirs_1", "x-theirs": "1"}
    )
    answer = call(proxy, method, path, body, content_type="application/x-thing")
    assert (answer.status, json.loads(answer.body)) == (201, {"id": "x"})
    assert (answer.headers["request-id"], answer.headers["x-theirs"]) == ("req_theirs_1", "1")
    (exchange,) = upstream.exchanges
    assert (exchange.method, exchange.raw, parts(exchange.path)) == (method, body or b"", parts(path))
    assert exchange.headers["content-type"] == "application/x-thing"
    assert exchange.headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/../organizations/users",
        "/v1/files/%2e%2e/organizations/users",
        "/v1/./files",
        "/v1/files//x",
        "/v1//files",
        "/v1/files/",
        "/v1/",
        "/v1/files%2Ffile_1",
        "/v1/files%2ffile_1",
        "/v1/files%5Cfile_1",
        "/v1/files\\file_1",
        "/v1/files/%252e%252e/x",
        "/v1/files/a%00b",
        "/v1/files/a%0d%0ab",
        "/v1/files/%C3%BC",
        "/v1/files/a;b",
        "/v1/files/a%3Fb",
        "/v1/files/a%23b",
        "http://127.0.0.1/v1/files",
        "/v2/files",
        "/V1/files",
        "/v1",
        "/v1/v1/files",
        "/files",
        "/api/oauth/profile",
        "/v1/models/anthropic/..",
        "/v1/models/anthropic/../organizations",
        "/v1/models/anthropic%2F..%2Forganizations",
        "/v1/models/anthropic/claude%00",
    ],
)
def test_paths_that_do_not_pass(path: str, proxy: Proxy, upstream: Upstream) -> None:
    call(proxy, "GET", path).error(404)
    assert upstream.exchanges == []


@pytest.mark.parametrize("path", ["organizations/users", "Organizations", "%6Frganizations/api_keys", "compliance/x"])
def test_administration_does_not_pass_with_the_servers_key(path: str, proxy: Proxy, upstream: Upstream) -> None:
    for method in ("GET", "POST", "DELETE"):
        said = call(proxy, method, f"/v1/{path}").error(403)
        assert said["type"] == "permission_error"
        assert "administration API" in said["message"]
    assert upstream.exchanges == []


def test_with_the_clients_own_credentials(upstream: Upstream) -> None:
    upstream.scripted["/v1/organizations/users"] = json_answer({})
    with serve(config(upstream)) as proxy:
        for path in ("/v1/files", "/v1/organizations/users"):
            proxy.call("GET", path, headers={**OLD, "authorization": f"Bearer {LOGIN}"}).json()
            assert upstream.exchanges[-1].headers["authorization"] == f"Bearer {LOGIN}"
        proxy.call("GET", "/v1/files", headers={**OLD, "origin": "https://evil.example"}).error(403)
    assert len(upstream.exchanges) == 2


def test_the_proxys_key_goes_nowhere(upstream: Upstream) -> None:
    with serve(config(upstream, PROXY_API_KEY=GATE)) as proxy:
        assert call(proxy, "GET", "/v1/files").error(401)["message"].startswith("ANTHROPIC_API_KEY is not set")
        proxy.call("GET", "/v1/files", headers=OLD).error(401)
    assert upstream.exchanges == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods(method: str, proxy: Proxy, upstream: Upstream) -> None:
    answer = call(proxy, method, "/v1/files")
    assert answer.status == 405
    if method != "HEAD":
        assert "use GET, POST, PUT, PATCH, DELETE" in answer.error(405)["message"]
    assert upstream.exchanges == []


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/files"])
def test_an_address_that_leads_back(path: str, upstream: Upstream) -> None:
    """Each request would ask for another one until no thread is left. Here the way back has one station more."""
    is_read = path in ("/v1/models", "/v1/files")
    body = None if is_read else json.dumps(PARAMS).encode()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(serve(config(upstream)))
        second = stack.enter_context(serve(config(upstream, ANTHROPIC_UPSTREAM_URL=url_of(first))))
        first.app.extensions["proxy"] = first.services.renewed(config(upstream, ANTHROPIC_UPSTREAM_URL=url_of(second)))
        for proxy in (first, second):
            answer = call(proxy, "GET" if is_read else "POST", path, body)
            assert "ANTHROPIC_UPSTREAM_URL" in answer.error(502)["message"]
            assert answer.headers["x-should-retry"] == "false"
    assert upstream.exchanges == []


@pytest.mark.parametrize("preferred", ["openai", "custom", "google"])
def test_elsewhere_they_are_not_offered(preferred: str, upstream: Upstream, tmp_path: Path) -> None:
    """Also where some models are Anthropic's."""
    (tmp_path / "custom_models.yaml").write_text("- {model_id: m, api_base: 'http://127.0.0.1:9/v1'}", encoding="utf-8")
    variables = {"PREFERRED_PROVIDER": preferred, "OPUS_MODEL": "anthropic", "ANTHROPIC_API_KEY": KEY}
    with serve(config(upstream, tmp_path, **variables)) as proxy:
        for method, path in (("POST", "/v1/messages/batches"), ("GET", "/v1/files"), ("DELETE", "/v1/skills/x")):
            assert "not offered by this proxy" in proxy.call(method, path, headers=OLD).error(404)["message"]
        assert "use OPTIONS, POST" in proxy.call("GET", "/v1/messages", headers=OLD).error(405)["message"]
        assert "Anthropic API" in proxy.call("POST", "/v1/chat/completions", headers=OLD).error(404)["message"]
    assert upstream.exchanges == []


def test_other_vendors_beside_the_preferred_one(upstream: Upstream, tmp_path: Path) -> None:
    """Requests that name no model are Anthropic's, wherever those go that name one."""
    with FakeOpenAI("compatible") as other:
        entry = {"model_id": "local", "api_base": other.base_url}
        (tmp_path / "custom_models.yaml").write_text(json.dumps([entry]), encoding="utf-8")
        with serve(config(upstream, tmp_path, ANTHROPIC_API_KEY=KEY, MODEL_MAP="*=local")) as proxy:
            proxy.call("GET", "/v1/files", headers=OLD).json()
            proxy.post(PARAMS, anthropic_version="2023-06-01").message()
    assert [exchange.path for exchange in upstream.exchanges] == ["/v1/files"]
    assert len(other.requests) == 1


def test_the_list_of_models_is_anthropics_whatever_names_are_mapped(upstream: Upstream) -> None:
    with serve(config(upstream, ANTHROPIC_API_KEY=KEY, MODEL_MAP="*=openai/gpt-4o")) as proxy:
        assert proxy.call("GET", "/v1/models?limit=3", headers=OLD).json()["data"][0]["id"].startswith("claude-")
    assert [exchange.path for exchange in upstream.exchanges] == ["/v1/models?limit=3"]


def test_bodies_over_32_mb(proxy: Proxy, upstream: Upstream) -> None:
    said = call(proxy, "POST", "/v1/files", bytes(33 * MIB)).error(413)["message"]
    assert "32 MB" in said
    assert "on any path" in said
    assert upstream.exchanges == []


def test_a_large_body_passes(client: anthropic.Anthropic, upstream: Upstream) -> None:
    content = b"x" * (20 * MIB)
    assert client.beta.files.upload(file=("big", content, "text/plain")).size_bytes == len(content)


def pieces(count: int, *after: Step) -> Iterator[Step]:
    """So many MiB, which go out in chunks, and what follows."""
    for _ in range(count):
        yield bytes(MIB)
    yield from after


def test_a_large_answer_is_passed_on_as_it_comes(proxy: Proxy, upstream: Upstream) -> None:
    """Neither kept in memory nor cut: the first bytes are there before the last have been sent."""
    go = threading.Event()
    upstream.batches.lines = pieces(40, go, b"end\n")
    made = json.loads(call(proxy, "POST", "/v1/messages/batches", _batch()).body)["id"]
    call(proxy, "GET", f"/v1/messages/batches/{made}")
    connection = proxy.open("GET", f"/v1/messages/batches/{made}/results", headers={**OLD, "x-api-key": GATE})
    response = connection.getresponse()
    assert response.status == 200
    assert len(response.read(39 * MIB)) == 39 * MIB
    assert not go.is_set()
    go.set()
    assert response.read().endswith(b"end\n")
    connection.close()


def test_a_known_length_is_told(proxy: Proxy, upstream: Upstream) -> None:
    made = upstream.files.make("big", [bytes(3 * MIB), bytes(3 * MIB)], 6 * MIB)
    answer = call(proxy, "GET", f"/v1/files/{made}/content")
    assert (int(answer.headers["content-length"]), len(answer.body)) == (6 * MIB, 6 * MIB)


@pytest.mark.parametrize("after", [2, 0], ids=["in a large answer", "in a small one"])
def test_an_answer_that_breaks_off(
    after: int, proxy: Proxy, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody must take a part for the whole."""
    made = upstream.files.make("cut", pieces(after, b"some", CUT), 99)
    connection = proxy.open("GET", f"/v1/files/{made}/content", headers={**OLD, "x-api-key": GATE})
    with caplog.at_level(logging.INFO):
        if after:
            with pytest.raises(http.client.IncompleteRead):
                connection.getresponse().read()
            assert "failed in mid-stream: 502 api_error" in caplog.text
        else:
            assert "ended before it was complete" in read(connection.getresponse()).error(502)["message"]
    assert "Traceback" not in caplog.text
    connection.close()


def test_a_client_that_leaves_ends_the_upstream(proxy: Proxy, upstream: Upstream) -> None:
    for count in (2, 0):
        made = upstream.files.make("endless", pieces(count, threading.Event()), 99)
        before = len(upstream.exchanges)
        connection = proxy.open("GET", f"/v1/files/{made}/content", headers={**OLD, "x-api-key": GATE})
        exchange = upstream.wait_for(before + 1)[-1]
        if count:
            connection.getresponse().read(MIB)
        hang_up(connection)
        assert exchange.client_gone.wait(PATIENCE)


@pytest.mark.streaming
def test_event_streams_of_other_kinds(proxy: Proxy, upstream: Upstream) -> None:
    """They end as they like, and nothing is put between their events."""
    proxy.hurry(ping_every=0.02)
    go = threading.Event()
    first, rest = b'event: completion\ndata: {"completion":"a"}\n\n', [b'event: completion\ndata: {"stop', b'":1}\n\n']
    upstream.scripted["/v1/complete"] = Raw(pieces(0, first, go, *rest))
    connection = proxy.open("POST", "/v1/complete", b"{}", {**OLD, "x-api-key": GATE})
    response = connection.getresponse()
    assert response.read1() == first
    threading.Event().wait(0.1)
    go.set()
    assert response.read() == b"".join(rest)
    connection.close()


def test_what_the_results_say_stays(proxy: Proxy, upstream: Upstream) -> None:
    """Only where Anthropic tells of a batch are its words the address of results."""
    line = (
        b'{"custom_id":"a","text":"\\"results_url\\"","results_url":"https://x.test/v1/messages/batches/b/results"}\n'
    )
    upstream.batches.lines = pieces(0, line)
    made = json.loads(call(proxy, "POST", "/v1/messages/batches", _batch()).body)["id"]
    call(proxy, "GET", f"/v1/messages/batches/{made}")
    assert call(proxy, "GET", f"/v1/messages/batches/{made}/results").body == line


def test_bodies_of_batches_stay_as_they_are(proxy: Proxy, upstream: Upstream) -> None:
    """Thinking of other vendors and names of our own are taken out of messages only."""
    foreign = {"type": "thinking", "thinking": "x", "signature": seal("openai-responses", "gpt-6-sol", "gAAAA")}
    body = _batch(model="anthropic/claude-opus-5-5", messages=[{"role": "assistant", "content": [foreign]}])
    call(proxy, "POST", "/v1/messages/batches", body).json()
    assert upstream.exchanges[-1].raw == body


def _batch(**params: Any) -> bytes:
    return json.dumps({"requests": [{"custom_id": "a", "params": {**PARAMS, **params}}]}).encode()
