"""Every wire of the bench's upstream, through the proxy: what is measured are whole and sound answers."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator

import pytest

from bench.bodies import body, claude_code, conversation
from bench.load import many
from bench.servers import PROXIES, settings_of, upstream
from proxy.settings.config import load_config
from tests.web.serving import PATIENCE, Proxy, serve

_COUNT = 20


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with upstream(str(tmp_path_factory.mktemp("upstream"))) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    directory = tmp_path_factory.mktemp("proxy")
    variables = settings_of(request.param, url, directory)
    with serve(load_config(variables, directory=directory)) as running:
        yield running


@pytest.mark.streaming
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_every_delta_arrives_in_a_sound_answer(proxy: Proxy, stream: bool) -> None:
    answer = proxy.post(json.loads(body(f"bench {_COUNT} 0.001", stream=stream)))
    assert answer.status == 200
    assert len(re.findall(rb"hello \d+\.\d{6} ", answer.body)) == _COUNT
    if b"msg_bench" not in answer.body:  # that is passed on as it came, and so are ids that repeat
        answer.message()


@pytest.mark.streaming
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
def test_the_client_counts_and_times_them(proxy: Proxy, stream: bool) -> None:
    began = time.monotonic()
    came = many(proxy.port, 2, 2, body(f"bench {_COUNT} 0.001", stream=stream), _COUNT)
    took = time.monotonic() - began
    assert len(came) == 4
    for each in came:
        assert len(each.late) == _COUNT
        assert 0 < each.sent < each.first <= each.end < took
        assert all(0 < late < took for late in each.late)


@pytest.mark.streaming
def test_large_requests_are_answered(proxy: Proxy) -> None:
    for request in (claude_code("bench 2 0"), claude_code("bench 2 0", 430), conversation("bench 2 0", 43)):
        (came,) = many(proxy.port, 1, 1, request, 2)
        assert len(came.late) == 2


@pytest.mark.parametrize("path", ["chat/completions", "responses", "models/m:generateContent", "messages"])
def test_the_upstream_has_plain_answers_on_every_wire(url: str, path: str) -> None:
    request = urllib.request.Request(f"{url}/v1/{path}", body(f"bench {_COUNT} 0", stream=False))
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        text = json.dumps(json.load(answer))
    assert len(re.findall(r"hello \d+\.\d{6} ", text)) == _COUNT


@pytest.mark.parametrize("kilobytes", [76, 430])
def test_bodies_have_the_size_and_shape_of_real_ones(kilobytes: int) -> None:
    request = claude_code("bench 1 0", kilobytes)
    assert len(request) == pytest.approx(kilobytes * 1000, rel=0.02)
    assert request == claude_code("bench 1 0", kilobytes)
    assert len(json.loads(request)["tools"]) == 24
    assert request.count(b"bench 1 0") == 1
