from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.page import view
from proxy.page.snapshot import Backend
from proxy.usage.history import Past
from tests.page import samples
from tests.page.samples import NOW
from tests.usage.records import record


@pytest.mark.parametrize(
    ("backends", "words"),
    [
        ((), "All backends may be asked."),
        ((Backend("a", "s"), Backend("b", "s")), "All backends may be asked."),
        ((Backend("a", "s", NOW + 5, "429 x"), Backend("b", "s")), "a rests after a failure."),
        ((Backend("a", "s", NOW, "x"), Backend("b", "s", NOW, "x")), "a, b rest after a failure."),
        ((Backend("a", "s", keys=2, resting_keys=(NOW,)), Backend("b", "s", resting_keys=(NOW,))), "1 key rests."),
        (
            (Backend("a", "s", NOW, "x"), Backend("b", "t", resting_keys=(NOW, NOW))),
            "a rests after a failure. 2 keys rest.",
        ),
    ],
)
def test_state(backends: tuple[Backend, ...], words: str) -> None:
    """Two models of one server have their keys in common."""
    assert view.state(samples.empty(backends=backends)) == (words, words.startswith("All"))


def test_backends_have_their_last_request() -> None:
    requests = (
        record("req_1", target="a", status=500, error="api_error"),
        record("req_2", target="a"),
        record("req_3", target="b"),
        record("req_4", target="b", status=429, error="rate_limit_error"),
    )
    lines = view.backends(samples.empty(backends=tuple(Backend(name, "s") for name in "abc"), requests=requests))
    assert [(line.last.id if line.last else None, line.fails) for line in lines] == [
        ("req_2", False),
        ("req_4", True),
        (None, False),
    ]


def test_nothing_to_plot() -> None:
    snapshot = samples.empty()
    assert view.recent(snapshot) is None
    assert view.past(snapshot) is None
    assert view.past(replace(snapshot, past=None)) is None


def test_a_model_looks_the_same_everywhere() -> None:
    snapshot = samples.busy()
    periods = (view.recent(snapshot), view.past(snapshot))
    numbers = [dict(plot.legend) for period in periods if period for plot in period.plots]
    assert len(numbers) == 6
    for number in range(1, 6):
        assert len({names[number] for names in numbers if number in names}) == 1


def test_sums_by_model() -> None:
    requests = (
        record("req_1", target="a", tokens_in=10, tokens_out=5, cost=2.0, first_byte=1.0),
        record("req_2", target="a", tokens_in=10, tokens_out=5, cost=None, first_byte=3.0),
        record("req_3", target="b", tokens_in=10, tokens_out=0, cost=1.0, first_byte=None, status=500),
    )
    period = view.recent(samples.empty(requests=requests))
    assert period is not None
    first, second = period.models
    assert (first.tally.target, first.tally.requests, first.tally.unpriced) == ("a", 2, 1)
    assert (first.tokens, first.cost, first.first_byte) == (1, 1, 1)
    assert first.tally.first_byte == 2
    assert (second.tally.failed, second.tally.first_byte) == (1, None)
    assert (second.cost, second.first_byte) == (0.5, 0)
    assert second.tokens == pytest.approx(1 / 3)


def test_a_request_that_nobody_answered_draws_nothing() -> None:
    refused = record(target="", status=404, error="not_found_error", **samples.NOBODY)
    period = view.recent(samples.empty(requests=(refused,), past=Past(problem="OperationalError")))
    assert period is not None
    assert [plot.summary for plot in period.plots] == ["Nothing yet."] * 3
    assert [model.tally.target for model in period.models] == [""]
