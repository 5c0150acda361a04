"""The checker of verdicts on tool uses: good ones pass in both modes, and everything else is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import check_message, check_stream, same_message
from tests.conformance.broken import BROKEN_VERDICTS, GOOD_TEXT
from tests.conformance.samples import (
    REQUEST,
    RUN,
    SAFEGUARDS,
    asking,
    cited,
    end,
    evaluated,
    expect_violation,
    ids,
    sse,
    start,
    tool,
    verdicts,
)
from tests.conformance.violation import Json

_ASKING = asking(safeguards=SAFEGUARDS)
_SOFT_DENY = cited("auto_mode.soft_deny.1")
GOOD: dict[str, Any] = {
    "none": verdicts(),
    "not flagged": verdicts(toolu_1=evaluated()),
    "not flagged by the user's rule": verdicts(toolu_1=evaluated(cited_rule=cited("auto_mode.allow.0"))),
    "flagged": verdicts(toolu_1=evaluated("flagged", explanation="It pushes.", cited_rule=_SOFT_DENY)),
    "nulls": verdicts(toolu_1=evaluated("flagged", explanation=None, cited_rule=None)),
    "skipped": verdicts(toolu_1={"type": "skipped"}),
    "unavailable": verdicts(toolu_1={"type": "unavailable", "reason": "timeout"}),
    "unsupported": verdicts({"type": "unsupported"}),
    "all unavailable": verdicts({"type": "unavailable", "reason": "rate_limited"}),
}


def _stream(results: Any, call: str = "toolu_1") -> bytes:
    return sse(start(), *tool(0, *RUN, call=call), *end("tool_use", safeguard_results=results))


def _message(results: Any) -> Json:
    return {**check_stream(_stream(verdicts())), "safeguard_results": results}


@pytest.mark.parametrize("name", GOOD)
def test_good_verdicts(name: str) -> None:
    streamed = check_stream(_stream(GOOD[name]), _ASKING)
    assert streamed == check_message(_message(GOOD[name]), _ASKING)
    assert streamed["safeguard_results"] == GOOD[name]
    assert check_stream(_stream(GOOD[name])) == streamed


@pytest.mark.parametrize(("rule", "results"), BROKEN_VERDICTS, ids=ids(BROKEN_VERDICTS))
def test_broken_verdicts(rule: str, results: Any) -> None:
    expect_violation(rule, check_stream, _stream(results), _ASKING)
    expect_violation(rule, check_message, _message(results), _ASKING)


@pytest.mark.parametrize("name", GOOD)
def test_verdicts_stand_where_they_were_asked_for(name: str) -> None:
    for request in (REQUEST, asking(safeguards=None), asking(safeguards=[{"type": "surprise"}])):
        expect_violation("M12", check_stream, _stream(GOOD[name]), request)
        expect_violation("M12", check_message, _message(GOOD[name]), request)


def test_verdicts_are_missed() -> None:
    expect_violation("M12", check_stream, GOOD_TEXT, _ASKING)
    expect_violation("M12", check_message, check_stream(GOOD_TEXT), _ASKING)


def test_no_verdict_on_a_call_that_was_cut() -> None:
    """It is no call of the answer."""
    cut = [*tool(0, *RUN, call="toolu_0"), *tool(1, RUN[0])]
    good, bad = (
        sse(start(), *cut, *end("max_tokens", safeguard_results=verdicts(**{call: evaluated()})))
        for call in ("toolu_0", "toolu_1")
    )
    check_stream(good, _ASKING)
    expect_violation("M12", check_stream, bad, _ASKING)


def test_the_same_verdicts_on_other_ids() -> None:
    """S14: by the calls' positions."""
    streamed = check_stream(_stream(verdicts(toolu_1=evaluated())))
    same_message(streamed, check_stream(_stream(verdicts(toolu_2=evaluated()), call="toolu_2")))
    for different in (verdicts(), verdicts(toolu_2=evaluated("flagged")), verdicts({"type": "unsupported"})):
        expect_violation("S14", same_message, streamed, check_stream(_stream(different, call="toolu_2")))
    without = {key: value for key, value in streamed.items() if key != "safeguard_results"}
    expect_violation("S14", same_message, streamed, without)
