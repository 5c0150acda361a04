"""The pump, against an upstream that does what each test tells it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.answering import pump as streaming
from proxy.answering.pump import ClientGone, Pump, where
from proxy.answering.timing import Timing
from proxy.protocol.deltas import Delta, Finish, Note, TextDelta, ThinkingDelta, ToolCallStart, Usage
from proxy.protocol.errors import ApiError
from proxy.providers import call
from proxy.providers.call import Cancelled

_PATIENCE = 10.0
_QUICK = Timing(poll=0.01)
_HELLO = TextDelta("hello")
_END = object()


class Upstream:
    """Both sides of an upstream call. `say` gives the task a batch, an exception to raise, or something to call."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.finished = threading.Event()
        self.drains = False
        self.pumps: list[Pump[Delta]] = []
        self._script: deque[Any] = deque()
        self._said = threading.Event()

    def say(self, *items: Any) -> None:
        self._script.extend(items)
        self._said.set()

    def batches(self) -> Iterator[list[Delta]]:
        while (item := self._next()) is not _END:
            if isinstance(item, Exception):
                raise item
            if callable(item):
                item()
            else:
                yield item

    def _next(self) -> Any:
        while not self._script:
            self._said.clear()
            call.wait(self._said, None)
        return self._script.popleft()

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cancel(self) -> None:
        self.cancelled.set()

    def finish(self) -> None:
        self.finished.set()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    for pump in made.pumps:
        pump.close()


def started(upstream: Upstream, **more: Any) -> Pump[Delta]:
    pump = Pump(upstream.batches, upstream, **{"timing": _QUICK, "idle_limit": _PATIENCE, **more})
    upstream.pumps.append(pump)
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


def test_the_first_that_shows_goes_at_once_and_what_waits_together_is_one_batch(upstream: Upstream) -> None:
    read = threading.Event()
    upstream.say([Usage(input=3)], [_HELLO], read.set, [TextDelta("a")], [TextDelta("b")], _END)
    batches = iter(started(upstream))
    assert next(batches) == [Usage(input=3), _HELLO]
    assert not read.is_set()
    assert list(batches) == [[TextDelta("a"), TextDelta("b")]]


def test_notes_are_not_taken_for_the_first_that_shows(upstream: Upstream) -> None:
    read = threading.Event()
    upstream.say([Note("a parameter was left out")])
    batches = iter(started(upstream))
    assert next(batches) == [Note("a parameter was left out")]
    upstream.say([_HELLO], read.set, [TextDelta("a")], _END)
    assert next(batches) == [_HELLO]
    assert not read.is_set()
    assert list(batches) == [[TextDelta("a")]]


def test_what_has_come_goes_before_more_is_waited_for(upstream: Upstream) -> None:
    upstream.say([_HELLO], [TextDelta("a")], [TextDelta("b")])
    batches = iter(started(upstream))
    assert [next(batches), next(batches)] == [[_HELLO], [TextDelta("a"), TextDelta("b")]]
    upstream.say([TextDelta("c")], _END)
    assert list(batches) == [[TextDelta("c")]]


def test_start_goes_as_far_as_it_need_not_wait(upstream: Upstream) -> None:
    """The request is sent, then there is time for something else."""
    sent = threading.Event()
    upstream.say([Note("a parameter was left out")], [], sent.set)
    started(upstream)
    assert sent.is_set()


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
    looked = threading.Event()

    def hears() -> bool:
        looked.set()
        return False

    def until_looked() -> None:
        looked.clear()
        call.wait(looked, None)

    pump = started(upstream, idle_limit=100, client_gone=hears)
    for _ in range(4):
        upstream.say(clock.pass_by(60), until_looked, [])
    upstream.say([_HELLO], _END)
    assert [batch for batch in pump if batch] == [[_HELLO]]


def test_what_comes_without_a_batch_is_no_sign_of_life(upstream: Upstream, clock: SimpleNamespace) -> None:
    """As of a judge, whose answer is asked for as a whole."""
    there = threading.Event()
    there.set()
    pump = started(upstream, idle_limit=100)
    for _ in range(4):
        upstream.say(clock.pass_by(60), lambda: call.wait(there, None))
    upstream.say([_HELLO], _END)
    with pytest.raises(ApiError, match="REQUEST_TIMEOUT"):
        list(pump)
    assert upstream.cancelled.is_set()


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
    """The upstream never makes anybody wait here."""
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
    """The reason is what is heard, though the cancelled task may report a failure of its own."""
    upstream.say([_HELLO])
    pump = started(upstream)
    pump.wait_for_first(None)
    batches = iter(pump)
    assert next(batches) == [_HELLO]
    threading.Thread(target=pump.stop, args=("shutting down",)).start()
    with pytest.raises(ApiError, match="shutting down") as caught:
        next(batches)
    assert caught.value.status == 503
    assert upstream.cancelled.is_set()
    wait(upstream.finished)


def test_the_reason_of_a_stop_wins(upstream: Upstream) -> None:
    pump = started(upstream)
    upstream.say(lambda: pump.stop("shutting down"), ApiError(502, "cut off"))
    with pytest.raises(ApiError, match="shutting down"):
        pump.wait_for_first(None)


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
    def batches() -> Iterator[list[Delta]]:
        try:
            yield from upstream.batches()
        except Cancelled:
            raise OSError("bad file descriptor") from None

    pump: Pump[Delta] = Pump(batches, upstream, timing=_QUICK, idle_limit=_PATIENCE)
    pump.start()
    pump.close()
    wait(upstream.finished)
    assert not caplog.records


def test_a_cancelled_task_ends_though_it_waits_again(upstream: Upstream) -> None:
    ended = threading.Event()

    def batches() -> Iterator[list[Delta]]:
        try:
            yield from upstream.batches()
        finally:
            try:
                call.wait(threading.Event(), None)
            finally:
                ended.set()

    pump: Pump[Delta] = Pump(batches, upstream, timing=_QUICK, idle_limit=_PATIENCE)
    pump.start()
    pump.close()
    assert ended.is_set()


def test_nobody_waits_for_the_rest_of_an_answer(upstream: Upstream) -> None:
    """What a server sends late behind its last word is read in another thread."""
    go_on, threads = threading.Event(), set()

    def finish() -> None:
        wait(go_on)
        threads.add(threading.get_ident())
        upstream.finished.set()

    upstream.finish, upstream.drains = finish, True  # type: ignore[method-assign]
    upstream.say([_HELLO], _END)
    pump = started(upstream)
    assert list(pump) == [[_HELLO]]
    pump.close()
    go_on.set()
    wait(upstream.finished)
    assert threads.isdisjoint({threading.get_ident()})


def test_closing_in_another_thread_lets_go_of_the_upstream(upstream: Upstream) -> None:
    """Servers close what they serve in the thread that serves it; where one does not, no upstream works in vain."""
    pump = started(upstream)
    thread = threading.Thread(target=pump.close)
    thread.start()
    thread.join(_PATIENCE)
    assert upstream.cancelled.is_set()
    assert upstream.finished.is_set()


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
