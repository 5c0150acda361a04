"""The status page as a browser shows it: live, by keyboard, on a narrow screen, without scripts, with a key."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import browser
from tests.e2e.browser import Browser
from tests.e2e.proxy_process import run_proxy
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, Usage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(browser.find() is None, reason=browser.HOW_TO_INSTALL),
]

KEY = "the-key-of-the-proxy-0123456789"
LONG = "an-endless-name-of-a-model-" * 8
ROWS = "document.querySelectorAll('#requests tbody tr').length"
IS_LIVE = "document.getElementById('live').textContent === 'Live'"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with Browser() as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Browser]:
    """What its console says is a failure, and so is a request to anybody but the proxy."""
    chromium.said.clear()
    chromium.asked.clear()
    chromium.password = ""
    chromium.look(1400)
    yield chromium
    chromium.open("about:blank")
    assert chromium.said == []
    assert {url for url in chromium.asked if not url.startswith(("http://127.0.0.1:", "about:"))} == set()


@pytest.fixture
def port(chromium: Browser, upstream: FakeOpenAI, tmp_path: Path) -> Iterator[int]:
    price = {"input": 1, "cached": 0.1, "output": 10}
    with run_proxy(tmp_path, {"model_id": "local", "api_base": upstream.base_url, "price": price}) as serving:
        yield serving
        chromium.open("about:blank")  # which may still be asking for an icon


def ask(port: int, model: str = "claude-opus-5-5", *, streams: bool = False, key: str = "") -> int:
    body = {"model": model, "max_tokens": 100, "stream": streams, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"content-type": "application/json", "x-api-key": key or "none"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/v1/messages", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status


def show(page: Browser, port: int) -> None:
    page.open(f"http://127.0.0.1:{port}/")
    page.until(IS_LIVE)


def test_it_follows_what_happens(page: Browser, port: int, upstream: FakeOpenAI) -> None:
    show(page, port)
    assert f"http://127.0.0.1:{port}" in page.js("document.querySelector('#recent .empty').innerText")
    go = threading.Event()
    upstream.reply(Text("first "), go.wait, Text("and last"), usage=Usage(1200, 30))
    asking = threading.Thread(target=ask, args=(port,), kwargs={"streams": True})
    asking.start()
    page.until("document.querySelector('#running tbody')?.innerText.includes('custom/local')")
    assert page.js(ROWS) == 0
    go.set()
    asking.join()
    page.until(f"{ROWS} === 1")
    row = page.js("document.querySelector('#requests tbody tr').innerText")
    for told in ("main", "custom/local", "claude-opus-5-5", "200", "end_turn", "1,200", "30", "$0.0015"):
        assert told in row
    page.until("!document.querySelector('#running tbody')")
    assert page.js("document.querySelectorAll('#recent svg[role=img] rect').length") >= 2


def test_what_its_reader_does_is_left_alone(page: Browser, port: int) -> None:
    """Focus, scrolling, selection and opened details outlive an update."""
    for _ in range(40):
        ask(port, LONG)  # a 404 each
    ask(port)
    page.look(400)
    show(page, port)
    page.js(
        "document.querySelector('#recent-tokens-values').open = true;"
        "document.querySelector('#requests .scroll').focus();"
        "document.querySelector('#requests .scroll').scrollLeft = 120;"
        "window.scrollTo({top: 500, behavior: 'instant'});"
        "getSelection().selectAllChildren(document.querySelector('#routes tbody th'));"
    )
    kept = (
        "[document.querySelector('#recent-tokens-values').open, document.activeElement.className, "
        "document.querySelector('#requests .scroll').scrollLeft, window.scrollY, String(getSelection())]"
    )
    before = page.js(kept)
    ask(port)
    page.until(f"{ROWS} === 42")
    assert page.js(kept) == before
    assert before[:2] == [True, "scroll"]


def test_what_others_write_is_no_code(page: Browser, port: int) -> None:
    """Neither as it is sent nor as it is put in later."""
    code = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    ask(port, code)
    show(page, port)
    ask(port, f"{code} again")
    page.until(f"{ROWS} === 2")
    assert page.js("document.querySelectorAll('img, main script').length") == 0
    assert page.js("document.querySelector('#requests tbody').textContent").count(code) == 2


def test_a_stop_does_not_wait_for_it(page: Browser, upstream: FakeOpenAI, tmp_path: Path) -> None:
    """And the page says that it is not live any more, with a link that loads it again."""
    with run_proxy(tmp_path, {"model_id": "local", "api_base": upstream.base_url}, SHUTDOWN_GRACE="600") as port:
        show(page, port)
    page.until("document.getElementById('live').textContent === 'Connecting again.'")
    assert page.js("document.querySelector('#taken a').getBoundingClientRect().width") > 0
    page.open("about:blank")
    page.said.clear()  # the browser says that it could not connect


def test_by_keyboard(page: Browser, port: int) -> None:
    ask(port, LONG)
    ask(port)
    page.look(400)
    show(page, port)
    page.press("Tab", 9)
    assert page.js("document.activeElement.className") == "skip"
    assert page.js("document.activeElement.getBoundingClientRect().top") >= 0
    page.press("Enter", 13, "\r")
    page.until("document.activeElement.id === 'main'")
    seen = []
    for _ in range(60):
        page.press("Tab", 9)
        seen.append(page.js("document.activeElement.getAttribute('aria-labelledby') || document.activeElement.tagName"))
        if seen[-1] == "requests-caption":
            break
    assert {"backends-caption", "SUMMARY", "requests-caption"} <= set(seen)
    style = page.js("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid", "where the keyboard is can be seen"
    page.press("ArrowRight", 39)
    page.until("document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_sticks_out(width: int, scheme: str, page: Browser, port: int) -> None:
    ask(port, LONG)
    ask(port)
    page.look(width, scheme=scheme)
    show(page, port)
    assert page.js("document.documentElement.scrollWidth") <= width
    outside = (
        "[...document.querySelectorAll('svg[role=img]')].flatMap(svg => { const box = svg.getBoundingClientRect();"
        "return [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect()).filter(each => "
        "each.left < box.left - 1 || each.right > box.right + 1 || each.bottom > box.bottom + 1); }).length"
    )
    assert page.js(outside) == 0
    ground = page.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground.strip("rgb()").split(", "))) < 200) == (scheme == "dark")


def test_without_scripts(page: Browser, port: int) -> None:
    ask(port)
    page.look(1400, scripts=False)
    page.open(f"http://127.0.0.1:{port}/")
    assert page.js(ROWS) == 1
    assert page.js("getComputedStyle(document.getElementById('taken').querySelector('a')).display") != "none"
    assert page.js("document.getElementById('live').textContent") == ""


def test_the_browser_asks_for_the_key(page: Browser, upstream: FakeOpenAI, tmp_path: Path) -> None:
    entry = {"model_id": "local", "api_base": upstream.base_url}
    with run_proxy(tmp_path, entry, PROXY_API_KEY=KEY) as port:
        page.open(f"http://127.0.0.1:{port}/")
        assert "PROXY_API_KEY" in page.js("document.body.innerText")
        page.said.clear()  # the browser says that it got a 401
        page.password = KEY
        show(page, port)
        assert ask(port, key=KEY) == 200
        page.until(f"{ROWS} === 1")
        assert KEY not in page.js("document.documentElement.outerHTML") + " ".join(page.asked)
