"""When a server wants to be asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from proxy.providers.common.waits import retry_after

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
