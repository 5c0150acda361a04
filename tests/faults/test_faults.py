"""Every row of the table on every way, streamed and not: what the client sees, and that nothing is left of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from proxy.models.habits import HabitBook
from tests.faults.fault import Fault
from tests.faults.forms import CLAUDE, FORMS, TOOL
from tests.faults.house import proxy_on, small_limits, wait_until_free
from tests.faults.places import place
from tests.faults.seen import check
from tests.faults.table import FAULTS, GROUPS, SOUND, mark_of, play
from tests.faults.upstream import PATIENCE, Upstream, mark
from tests.faults.ways import WAYS
from tests.tasks import assert_none_is_left
from tests.web.serving import Proxy, ask, hang_up

_LONG_ENOUGH = 1.5
"""Seconds, beyond all limits of those that are in a hurry."""
_MEANWHILE = 0.2
"""Seconds in which some of an answer comes."""
_READ = {"name": TOOL, "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}}}
Proxies = dict[tuple[str, bool], Proxy]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with small_limits(), Upstream(play) as running:
        yield running


@pytest.fixture(scope="module")
def proxies(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """By way, and by whether they are in a hurry."""
    with contextlib.ExitStack() as stack:

        def running(way: str, hurry: bool) -> Proxy:
            return stack.enter_context(proxy_on(way, upstream.url, tmp_path_factory.mktemp(way), hurry=hurry))

        yield {(way, hurry): running(way, hurry) for way in WAYS for hurry in (False, True)}
        assert_none_is_left()


def rows() -> list[Any]:
    return [
        pytest.param(fault, way, id=f"{fault.name}-{way}") for fault in FAULTS.values() for way in fault.only or WAYS
    ]


@pytest.mark.parametrize(("fault", "way"), rows())
def test_row(fault: Fault, way: str, upstream: Upstream, proxies: Proxies, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        proxy = proxies[way, fault.hurry]
        if fault.place != "there":
            url = stack.enter_context(place(fault.place, upstream.url, tmp_path))
            proxy = stack.enter_context(proxy_on(way, url, tmp_path, hurry=fault.hurry))
        # Where nothing is waited for, one after the other: what an upstream sends too much may meet the next request.
        with ThreadPoolExecutor(2 if fault.hurry else 1) as pool:
            list(pool.map(lambda streams: _play(fault, way, streams, proxy, upstream), (True, False)))
        wait_until_free(proxy)
        proxy.services.habits = HabitBook()  # what a refusal has taught
        if fault.place in ("there", "alone"):
            message = proxy.post(_body(SOUND, way, False)).message()
            assert message["content"] == [{"type": "text", "text": "hello world"}], "the next answer"
            assert upstream.open <= 3 * len(proxies), "connections are left"


def test_no_two_rows_are_the_same() -> None:
    assert len(FAULTS) == sum(len(group.faults) for group in GROUPS)


def _body(fault: str, way: str, streams: bool) -> dict[str, Any]:
    return ask(mark(mark_of(fault, way, streams)), model=CLAUDE, stream=streams, tools=[_READ])


def _play(fault: Fault, way: str, streams: bool, proxy: Proxy, upstream: Upstream) -> None:
    words, body = fault.expected(way, streams), _body(fault.name, way, streams)
    if words in ("left", "goes on"):
        connection = proxy.start(body)
        played = upstream.wait_for(mark_of(fault.name, way, streams))
        ended = played.over.wait(_LONG_ENOUGH) if words == "goes on" else played.said.wait(_MEANWHILE)
        assert not (ended and words == "goes on")
        hang_up(connection)
        assert played.gone.wait(PATIENCE), "the upstream is not told"
        return
    check(words, proxy.post(body), fault, FORMS[way](streams))
    if fault.place in ("there", "alone"):
        played = upstream.wait_for(mark_of(fault.name, way, streams))
        assert played.over.wait(PATIENCE), "the connection is left open"
        assert not fault.most or played.sent < fault.most
