"""Who may call: with keys set, whoever sends one; without, only programs on this machine."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from proxy.web import create_app
from tests.conformance import check_error
from tests.web.serving import Proxy, ask, settings

KEYS = "first-key-0123456789,second-key-0123456789"
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


def client(**variables: str) -> FlaskClient:
    return create_app(settings("http://127.0.0.1:9/v1", **variables)).test_client()


def count(app: FlaskClient, headers: dict[str, str], environ: dict[str, str] | None = None) -> Any:
    """A request that needs no upstream."""
    sent = {"Host": "127.0.0.1:8082", **headers}
    return app.post("/v1/messages/count_tokens", json=ask(), headers=sent, environ_overrides=environ or LOCAL)


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"x-api-key": "first-key-0123456789"}, True),
        ({"x-api-key": "second-key-0123456789"}, True),
        ({"Authorization": "Bearer second-key-0123456789"}, True),
        ({"Authorization": "bearer first-key-0123456789"}, True),
        ({"x-api-key": "local", "Authorization": "Bearer first-key-0123456789"}, True),
        ({"x-api-key": "first-key-012345678"}, False),
        ({"x-api-key": KEYS}, False),
        ({"Authorization": "Basic first-key-0123456789"}, False),
        ({"Authorization": "Bearer"}, False),
        ({"x-api-key": "caf\u00e9"}, False),
        ({}, False),
    ],
)
def test_with_keys(headers: dict[str, str], allowed: bool) -> None:
    for environ in (LOCAL, {"REMOTE_ADDR": "203.0.113.9"}):
        response = count(client(PROXY_API_KEY=KEYS), headers, environ)
        if allowed:
            assert response.status_code == 200
        else:
            check_error(401, {name.lower(): value for name, value in response.headers}, response.data)
            assert response.headers["x-should-retry"] == "false"


def test_a_key_opens_the_door_for_reverse_proxies_and_web_pages() -> None:
    headers = {
        "x-api-key": "first-key-0123456789",
        "X-Forwarded-For": "1.2.3.4",
        "Host": "proxy.example",
        "Origin": "x",
    }
    assert count(client(PROXY_API_KEY=KEYS), headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        pytest.param({}, "203.0.113.9", id="a stranger on the network"),
        pytest.param({}, "10.0.0.7", id="a private network"),
        pytest.param({}, "", id="no address"),
        pytest.param({"Host": "attacker.example"}, "127.0.0.1", id="a rebound host name"),
        pytest.param({"Host": "127.0.0.1.attacker.example:8082"}, "127.0.0.1", id="a name that begins so"),
        pytest.param({"Host": "localhost@attacker.example"}, "127.0.0.1", id="user information"),
        pytest.param({"Host": "[::1"}, "127.0.0.1", id="no host at all"),
        pytest.param({"Origin": "https://attacker.example"}, "127.0.0.1", id="a web page"),
        pytest.param({"Origin": "null"}, "127.0.0.1", id="a sandboxed web page"),
        pytest.param({"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1", id="X-Forwarded-For"),
        pytest.param({"Forwarded": "for=203.0.113.9"}, "127.0.0.1", id="Forwarded"),
        pytest.param({"X-Forwarded-Host": "proxy.example"}, "127.0.0.1", id="X-Forwarded-Host"),
        pytest.param({"X-Forwarded-Proto": "https"}, "127.0.0.1", id="X-Forwarded-Proto"),
        pytest.param({"X-Real-IP": "203.0.113.9"}, "127.0.0.1", id="X-Real-IP"),
        pytest.param({"Via": "1.1 proxy"}, "127.0.0.1", id="Via"),
    ],
)
def test_without_keys_others_are_refused(headers: dict[str, str], peer: str) -> None:
    for key in ({}, {"x-api-key": "anything"}):
        response = count(client(), {**headers, **key}, {"REMOTE_ADDR": peer})
        error = check_error(403, {name.lower(): value for name, value in response.headers}, response.data)
        assert "PROXY_API_KEY" in error["message"]


def test_the_server_lets_the_marks_of_others_through_to_be_refused(proxy: Proxy) -> None:
    marks = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "Host": "x.example", "Origin": "null"}
    for name, value in marks.items():
        proxy.call("GET", "/v1/models", headers={name: value}).error(403)
    assert proxy.call("GET", "/v1/models").status == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8082", "localhost", "LOCALHOST:1", "[::1]:8082"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_keys_this_machine_is_served(host: str, peer: str) -> None:
    assert count(client(), {"Host": host}, {"REMOTE_ADDR": peer}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/api/hello"])
def test_probes_need_no_key(path: str) -> None:
    assert client(PROXY_API_KEY=KEYS).get(path).status_code == 200
    assert client().get(path, headers={"Host": "attacker.example"}).status_code == 403


@pytest.mark.parametrize("path", ["/v1/models", "/v1/messages", "/nowhere"])
def test_all_else_needs_one(path: str) -> None:
    assert client(PROXY_API_KEY=KEYS).get(path).status_code == 401
