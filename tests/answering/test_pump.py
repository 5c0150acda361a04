"""The pump, against an upstream that does what each test tells it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.answering import pump as streaming
from proxy.answering.pump import ClientGone, Pump, where
from proxy.answering.timing import Timing
from proxy.protocol.deltas import Delta, Finish, TextDelta, ThinkingDelta, ToolCallStart, Usage
from proxy.protocol.errors import ApiError

_PATIENCE = 10.0
_QUICK = Timing(poll=0.01)
_HELLO = TextDelta("hello")
_END = object()
_CUT = ApiError(502, "cut off")


class Upstream:
    """Both sides of an upstream call. `say` gives the reader a batch, an exception to raise, or something to call."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.finished = threading.Event()
        self._script: SimpleQueue[Any] = SimpleQueue()

    def say(self, *items: Any) -> None:
        for item in items:
            self._script.put(item)

    def batches(self) -> Iterator[list[Delta]]:
        while (item := self._script.get()) is not _END:
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
            else:
                yield item

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cancel(self) -> None:
        self.cancelled.set()
        self.say(_CUT)

    def finish(self) -> None:
        self.finished.set()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.say(_END)


def started(upstream: Upstream, **more: Any) -> Pump[Delta]:
    pump = Pump(upstream.batches, upstream, **{"timing": _QUICK, "idle_limit": _PATIENCE, **more})
    pump.start()
    return pump


def wait(event: threading.Event) -> None:
    assert event.wait(_PATIENCE)


def test_deltas_come_in_order_and_the_call_ends_by_itself(upstream: Upstream) -> None:
    upstream.say([_HELLO], [], [TextDelta(" you"), Finish()], _END)
    pump = started(upstream)
    pump.wait_for_first(None)
    deltas = [delta for batch in pump for delta in batch or ()]
    assert deltas == [_HELLO, TextDelta(" you"), Finish()]
    pump.close()
    wait(upstream.finished)
    assert not upstream.cancelled.is_set()


def test_batches_that_wait_together_become_one(upstream: Upstream) -> None:
    upstream.say([_HELLO], [TextDelta("a")], [TextDelta("b")], _END)
    pump = started(upstream)
    wait(upstream.finished)
    assert list(pump) == [[_HELLO, TextDelta("a"), TextDelta("b")]]


@pytest.mark.parametrize("nothing", [Usage(input=3), ThinkingDelta(""), TextDelta("")])
def test_waits_for_something_to_show(nothing: Delta, upstream: Upstream) -> None:
    upstream.say([nothing], [], [], ApiError(429, "later"))
    pump = started(upstream)
    with pytest.raises(ApiError, match="later"):
        pump.wait_for_first(None)


@pytest.mark.parametrize("something", [_HELLO, ThinkingDelta("hm"), ToolCallStart(0, "Read"), Finish()])
def test_what_was_waited_for_is_not_lost(something: Delta, upstream: Upstream) -> None:
    upstream.say([Usage(input=3)], [something])
    pump = started(upstream)
    pump.wait_for_first(None)
    upstream.say(_END)
    assert [delta for batch in pump for delta in batch or ()] == [Usage(input=3), something]


def test_patience_ends(upstream: Upstream) -> None:
    pump = started(upstream)
    pump.wait_for_first(0.01)
    upstream.say([_HELLO], _END)
    assert [batch for batch in pump if batch] == [[_HELLO]]


def test_failure_after_content_follows_it(upstream: Upstream) -> None:
    upstream.say([_HELLO], ApiError(429, "later"))
    pump = started(upstream)
    wait(upstream.finished)
    pump.wait_for_first(None)
    batches = iter(pump)
    assert next(batches) == [_HELLO]
    with pytest.raises(ApiError, match="later"):
        next(batches)


def test_silence_is_reported(upstream: Upstream) -> None:
    pump = started(upstream, timing=Timing(poll=0.01, ping_every=0.01))
    batches = iter(pump)
    assert [next(batches), next(batches)] == [None, None]
    upstream.say([_HELLO], _END)
    assert [batch for batch in batches if batch] == [[_HELLO]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still: `pass_by(seconds)` is something for the upstream to call."""
    made = SimpleNamespace(now=1000.0)
    made.monotonic = lambda: made.now
    made.pass_by = lambda seconds: lambda: setattr(made, "now", made.now + seconds)
    monkeypatch.setattr(streaming, "time", made)
    return made


def test_idle_limit_cancels(upstream: Upstream, clock: SimpleNamespace) -> None:
    pump = started(upstream, idle_limit=100)
    upstream.say([_HELLO])
    batches = iter(pump)
    assert next(batches) == [_HELLO]
    upstream.say(clock.pass_by(101))
    with pytest.raises(ApiError, match="REQUEST_TIMEOUT") as caught:
        next(batches)
    assert caught.value.status == 504
    assert upstream.cancelled.is_set()


def test_empty_batches_are_signs_of_life(upstream: Upstream, clock: SimpleNamespace) -> None:
    heard = threading.Event()

    def hears() -> bool:
        heard.set()
        return False

    pump = started(upstream, idle_limit=100, client_gone=hears)
    for _ in range(4):
        # The reader waits until the consumer has looked at its queue again.
        upstream.say(clock.pass_by(60), [], heard.clear, lambda: wait(heard))
    upstream.say([_HELLO], _END)
    assert [batch for batch in pump if batch] == [[_HELLO]]


def test_client_gone_while_the_upstream_is_silent(upstream: Upstream) -> None:
    gone = threading.Event()
    pump = started(upstream, client_gone=gone.is_set)
    upstream.say([_HELLO])
    batches = iter(pump)
    assert next(batches) == [_HELLO]
    gone.set()
    with pytest.raises(ClientGone):
        next(batches)
    assert upstream.cancelled.is_set()


def test_client_gone_before_anything_came(upstream: Upstream) -> None:
    pump = started(upstream, client_gone=lambda: True)
    with pytest.raises(ClientGone):
        pump.wait_for_first(None)
    assert upstream.cancelled.is_set()


def test_client_gone_while_data_flows(upstream: Upstream) -> None:
    """The queue is never empty here."""
    upstream.say(*[[_HELLO]] * 100)
    looks = iter([False, False, True])
    pump = started(upstream, client_gone=lambda: next(looks, True))

    def follow() -> None:
        for _ in pump:
            upstream.say([_HELLO])

    with pytest.raises(ClientGone):
        follow()
    assert upstream.cancelled.is_set()


def test_stop_from_another_thread(upstream: Upstream) -> None:
    """The reason is what is heard, though the cancelled reader reports its own failure right behind it."""
    upstream.say([_HELLO])
    pump = started(upstream)
    pump.wait_for_first(None)
    read = threading.Event()
    upstream.say([TextDelta(" you")], read.set)
    wait(read)
    threading.Thread(target=pump.stop, args=("shutting down",)).start()
    wait(upstream.finished)
    batches = iter(pump)
    assert [next(batches), next(batches)] == [[_HELLO], [TextDelta(" you")]]
    with pytest.raises(ApiError, match="shutting down") as caught:
        next(batches)
    assert caught.value.status == 503
    assert upstream.cancelled.is_set()


def test_close_cancels_once_and_says_so(upstream: Upstream) -> None:
    closed: list[Pump[Delta]] = []
    pump = started(upstream, on_close=closed.append)
    pump.close()
    wait(upstream.finished)
    assert upstream.cancelled.is_set()
    assert list(pump) == []
    pump.close()
    assert set(closed) == {pump}


def test_unexpected_errors_keep_their_words_to_themselves(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.say(ValueError("the user's secret"))
    pump = started(upstream)
    with pytest.raises(ApiError, match="ValueError") as caught:
        pump.wait_for_first(None)
    assert caught.value.status == 500
    assert "secret" not in caught.value.message
    assert "ValueError at" in caplog.text
    assert "in batches" in caplog.text
    assert "secret" not in caplog.text


def test_errors_of_a_cancelled_call_are_nobodys_business(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    pump = started(upstream)
    upstream.cancel = upstream.cancelled.set  # type: ignore[method-assign]
    pump.close()
    upstream.say(OSError("bad file descriptor"))
    wait(upstream.finished)
    assert not caplog.records


def test_where_names_the_place_and_not_the_words() -> None:
    def fail() -> None:
        raise KeyError("the user's secret")

    try:
        fail()
    except KeyError as error:
        text = where(error)
    assert text.startswith("KeyError at ")
    assert "test_pump.py" in text
    assert "in fail" in text
    assert "secret" not in text
