"""When a server wants to be asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from proxy.providers.common.waits import retry_after, wait_in_words

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "7", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7", "retry-after-ms": "soon"}, 7),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Wednesday, 21-Oct-26 07:28:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Wed Oct 21 07:28:30 2026", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 09:28:30 +0200", "date": DATE}, 30),
        ({"retry-after": DATE, "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "today"}, None),
        *(({"retry-after": odd}, None) for odd in ("", "x", "nan", "inf", "1e400", "9" * 5000, "Mon", ",", "\x00")),
        *(({"retry-after": odd}, None) for odd in ("99 Foo 99999 99:99:99", "Wed, 21 Oct 2035 07:28:00 +9999")),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_server_without_a_clock() -> None:
    wait = retry_after({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)})
    assert wait is not None
    assert 30 < wait <= 50


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 1m41.7s.", 101.7),
        ("Please try again in 120ms.", 0.12),
        ("Please try again in 7h3m. Visit", 25_380),
        ("Please try again in 2h0m1s", 7201),
        ("Please retry after 6 seconds.", 6),  # Azure
        ("please try again after 1 seconds", 1),  # Moonshot
        ("Rate limit exceeded, please try again in 20 seconds", 20),
        ("Try again in 2 minutes", 120),
        ("Please retry in 14.427771080s.", 14.427771080),  # Gemini
        ("Please wait 8 seconds before the next request", 8),
        ("Please wait for 1 minute 5 seconds", 65),
        ("Retry after 500 milliseconds", 0.5),
        ("Resets in 2h", 7200),
        ("请 10 秒后重试", 10),
        ("请在5分钟后再试", 300),
    ],
)
def test_waits_in_words(words: str, seconds: float) -> None:
    assert wait_in_words(words) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "words",
    [
        "Please try again in a while.",
        "Please try again later",
        "try again with 3 tools",
        "Your limit will reset at 2026-07-14 07:49:08",
        "Limit 10000, Used 8782, Requested 8172",
        "retry 3 times",
        "please wait 3 messages",
        "",
    ],
)
def test_no_waits_in_words(words: str) -> None:
    assert wait_in_words(words) is None
