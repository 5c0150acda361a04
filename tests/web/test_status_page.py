"""The status page over HTTP: who gets it, what goes with it, how it stays up to date, and what is never on it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from proxy import __version__
from proxy.page import html
from proxy.web import create_app, status_page
from proxy.web.status_page import changes
from tests.conformance import assert_absent
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text
from tests.page import samples
from tests.page.markup import read as read_html
from tests.web.reloading import Place
from tests.web.serving import KEY, PATIENCE, Connection, Proxy, ask, hang_up, read, serve, settings

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
OWN = "the-proxys-own-key-0123456789"
OTHER_SITES = ("cross-site", "same-site")
LOCAL: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "wsgi.multithread": True}
PATHS = ("/", "/status/events", *(f"/status/{name}" for name in html.STATIC))


def basic(password: str, user: str = "me") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def client(**variables: str) -> FlaskClient:
    return create_app(settings("http://127.0.0.1:9/v1", **variables)).test_client()


def get(app: FlaskClient, path: str = "/", headers: dict[str, str] | None = None, **environ: str) -> Any:
    sent = {"Host": "127.0.0.1:8082", **BROWSER, **(headers or {})}
    return app.get(path, headers=sent, environ_overrides={**LOCAL, **environ})


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_page, "_EVERY", 0.05)
    monkeypatch.setattr(status_page, "_POLL", 0.02)


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("text/html;charset=utf-8", True),
        ("application/json;q=0.5, text/html", True),
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/plain, */*", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/*", False),
    ],
)
def test_who_gets_the_page(accept: str | None, is_page: bool, proxy: Proxy) -> None:
    answer = proxy.call("GET", "/", headers={"Accept": accept} if accept else {})
    assert "Accept" in answer.headers["vary"]
    if is_page:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "openai/gpt-4o" in read_html(answer.body.decode()).text
    else:
        assert answer.json() == {"name": "claude-proxy", "version": __version__, "messages": "/v1/messages"}


@pytest.mark.parametrize("path", PATHS)
def test_what_goes_with_it(path: str, proxy: Proxy) -> None:
    connection = proxy.open("GET", path, headers=BROWSER)
    with contextlib.closing(connection):
        headers = {name.lower(): value for name, value in connection.getresponse().getheaders()}
        policy = dict(each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        hang_up(connection)


def test_its_files(proxy: Proxy) -> None:
    for name, media_type in html.STATIC.items():
        answer = proxy.call("GET", f"/status/{name}")
        assert (answer.status, answer.body) == (200, html.static(name))
        assert answer.headers["content-type"].partition(";")[0] == media_type
    for name in ("page.html", "..%2fhtml.py", "", "page.css/x"):
        proxy.call("GET", f"/status/{name}").error(404)
    proxy.call("POST", "/status/page.css").error(405)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/status/events"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic(OWN), 200),
        (basic(OWN, user=""), 200),
        ({"x-api-key": OWN}, 200),
        ({"Authorization": f"Bearer {OWN}"}, 200),
        (basic("wrong"), 401),
        (basic(""), 401),
        (basic("wrong", user=OWN), 401),
        ({"Authorization": "Basic"}, 401),
        ({"Authorization": "Basic %%%"}, 401),
        ({"Authorization": f"Basic {OWN}"}, 401),
        ({}, 401),
    ],
)
def test_with_a_key(headers: dict[str, str], status: int, path: str) -> None:
    """Also from elsewhere. Only for the page itself a browser asks its user."""
    answer = get(client(PROXY_API_KEY=OWN), path, headers, REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == status
    asks = answer.headers.get("WWW-Authenticate", "")
    assert asks == ('Basic realm="claude-proxy", charset="UTF-8"' if status == 401 and path == "/" else "")
    if status == 401 and path == "/":
        assert "PROXY_API_KEY" in read_html(answer.text).text
        assert_absent(answer.data, [OWN, "wrong"])


def test_a_key_in_the_address_is_none() -> None:
    app = client(PROXY_API_KEY=OWN)
    assert {get(app, f"{path}?key={OWN}&x-api-key={OWN}").status_code for path in PATHS} == {401}


def test_what_a_browser_adds_by_itself_opens_nothing_else() -> None:
    """Any web page can have a browser send a request, with the password that it knows."""
    app = client(PROXY_API_KEY=OWN)
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/messages"), ("GET", "/claude-code"), ("GET", "/statusx")):
        answer = app.open(path, method=method, headers=basic(OWN), json=ask() if method == "POST" else None)
        assert answer.status_code == 401


def test_programs_need_no_key_to_see_that_somebody_is_here() -> None:
    assert b"claude-proxy" in client(PROXY_API_KEY=OWN).get("/").data


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "environ"),
    [
        ({}, {"REMOTE_ADDR": "203.0.113.9"}),
        ({"Host": "attacker.example"}, {}),
        ({"Origin": "https://attacker.example"}, {}),
        ({"X-Forwarded-For": "203.0.113.9"}, {}),
        ({}, {"SERVER_PROTOCOL": "HTTP/1.0"}),
    ],
)
def test_without_a_key_it_is_for_this_machine(headers: dict[str, str], environ: dict[str, str], path: str) -> None:
    """As everything else; HTTP/1.0, too, on which probes alone are answered: nginx speaks it."""
    answer = get(client(), path, headers, **environ)
    assert answer.status_code == 403
    assert b"<h2" not in answer.data


@pytest.mark.parametrize("site", OTHER_SITES)
@pytest.mark.parametrize("path", PATHS[1:])
def test_other_sites_get_no_part_of_it(path: str, site: str) -> None:
    """A request for a picture or a script has no Origin."""
    assert get(client(), path, {"Sec-Fetch-Site": site}).status_code == 403


def test_a_link_may_lead_to_it() -> None:
    assert get(client(), "/", {"Sec-Fetch-Site": "cross-site"}).status_code == 200


class Events:
    """Those of a page that is kept up to date."""

    def __init__(self, proxy: Proxy) -> None:
        self.connection: Connection = proxy.open("GET", "/status/events")
        self.response: http.client.HTTPResponse = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.headers["Content-Type"].startswith("text/event-stream")

    def next(self) -> dict[str, str]:
        """The parts that the next event brings."""
        lines = [self.response.readline().decode() for _ in range(3)]
        assert lines[0] == "event: parts\n"
        assert lines[2] == "\n"
        found: dict[str, str] = json.loads(lines[1].removeprefix("data: "))["parts"]
        return found

    def until(self, name: str, words: str) -> None:
        """Waits until a part has these words."""
        while words not in self.next().get(name, ""):
            pass


@pytest.fixture
def events(proxy: Proxy) -> Iterator[Events]:
    opened = Events(proxy)
    yield opened
    hang_up(opened.connection)


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.streaming
def test_it_follows_an_answer(proxy: Proxy, upstream: FakeOpenAI, events: Events) -> None:
    first = events.next()
    assert set(first) == {*html.parts(samples.empty()), "taken"}
    go = threading.Event()
    upstream.reply(Text("first "), go.wait, Text("and last"))
    connection = proxy.start(ask(stream=True))
    events.until("running", "openai/gpt-4o")
    go.set()
    answer = read(connection.getresponse())
    connection.close()
    events.until("requests", answer.headers["request-id"])
    shown = read_html(proxy.call("GET", "/", headers=BROWSER).body.decode())
    assert answer.headers["request-id"] in [row.attributes.get("id") for row in shown.all("tr")]
    assert "No answer is being given." in shown.text


def test_a_stop_does_not_wait_for_it(upstream: FakeOpenAI) -> None:
    with serve(settings(upstream.base_url, SHUTDOWN_GRACE="600")) as proxy:
        opened = Events(proxy)
        opened.next()
        proxy.services.running.stopping = True
        assert opened.response.read() == b""
        proxy.services.running.stopping = False
        opened = Events(proxy)  # which is there when the server is told to stop
    assert b"shutting down" not in opened.response.read()


def test_who_leaves_makes_room(upstream: FakeOpenAI) -> None:
    with serve(settings(upstream.base_url), threads=8) as proxy:
        viewers = proxy.app.extensions["proxy_viewers"]
        opened = [Events(proxy), Events(proxy)]
        error = proxy.call("GET", "/status/events").error(503)
        assert error["message"] == "2 pages are kept up to date at a time; reload this one"
        assert len(viewers) == 2
        assert proxy.call("GET", "/", headers=BROWSER).status == 200
        for each in opened:
            hang_up(each.connection)
        wait(lambda: len(viewers) == 0)
        hang_up(Events(proxy).connection)


@pytest.mark.parametrize(("threads", "most"), [(1, 0), (4, 1), (32, 8), (256, 8)])
def test_how_many_may_look(threads: int, most: int) -> None:
    app = create_app(settings("http://127.0.0.1:9/v1", THREADS=str(threads)))
    opened = [get(app.test_client(), "/status/events") for _ in range(10)]
    assert [each.status_code for each in opened] == [200] * most + [503] * (10 - most)
    for each in opened:
        each.close()
    assert len(app.extensions["proxy_viewers"]) == 0


def test_a_server_with_one_thread_keeps_it() -> None:
    app = client()
    answer = app.get("/status/events", environ_overrides={**LOCAL, "wsgi.multithread": False})
    assert answer.status_code == 503


def test_new_settings_are_seen(place: Place) -> None:
    """The browser connects again, and nothing holds the old ones."""
    opened = Events(place.proxy)
    opened.next()
    old = place.proxy.services
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    assert place.proxy.services is not old
    opened.response.read()
    assert old.close(0)
    opened = Events(place.proxy)
    assert "openai/gpt-4o-mini" in opened.next()["routes"]
    hang_up(opened.connection)


def test_nothing_is_said_where_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """But a comment now and then; and of a change what has changed."""
    monkeypatch.setattr(status_page, "_EVERY", 0.0)
    monkeypatch.setattr(status_page, "_PING_EVERY", 0.0)
    snapshots = [samples.busy(), samples.busy(), samples.busy(running=())]
    first, second, third = (each.decode() for each in changes(lambda: snapshots.pop(0), lambda: not snapshots))
    assert first.startswith("event: parts\ndata: {")
    assert second == ": nothing has changed\n\n"
    assert set(json.loads(third.split("data: ")[1])["parts"]) == {"running", "summary", "taken"}


CANARIES = ("canary-prompt-0123456789", "canary-input-0123456789", "canary-result-0123456789", KEY, OWN)


@pytest.mark.parametrize("streams", [False, pytest.param(True, marks=pytest.mark.streaming)])
@pytest.mark.parametrize("trouble", [False, True])
def test_what_is_said_is_nowhere(trouble: bool, streams: bool, upstream: FakeOpenAI) -> None:
    prompt, given, result, *_ = CANARIES
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": given}}
    back = {"type": "tool_result", "tool_use_id": "toolu_1", "content": result}
    body = ask(
        prompt,
        system=prompt,
        stream=streams,
        metadata={"user_id": prompt},
        tools=[{"name": "Read", "description": prompt, "input_schema": {"type": "object"}}],
        messages=[
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [back, {"type": "mystery", "x": prompt}]},
        ],
    )
    key = {"x-api-key": OWN}
    config = settings(upstream.base_url, PROXY_API_KEY=OWN, BIG_MODEL="gpt-4o, gpt-4o-mini")
    with serve(config) as proxy:
        for _ in range(2):
            if trouble:
                upstream.fail(429, {"error": {"message": f"{prompt} {KEY} {OWN}", "code": prompt, "type": given}})
            else:
                upstream.reply(Text(result))
        proxy.post(body, x_api_key=OWN, x_claude_code_session_id=prompt)
        connection = proxy.open("GET", "/status/events", headers=key)
        response = connection.getresponse()
        said = b"".join(response.readline() for _ in range(3))
        hang_up(connection)
        page = proxy.call("GET", "/", headers={**BROWSER, **key}).body
        plain = proxy.call("GET", "/", headers=key).body
    assert b"rate_limit_error" in page if trouble else b"end_turn" in page
    assert_absent(said + page + plain, list(CANARIES))
    assert not re.search(rb"canary", said + page + plain)
