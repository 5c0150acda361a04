from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from proxy.protocol import ids


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (ids.message_id, r"msg_[A-Za-z0-9]{8,}"),
        (ids.request_id, r"req_[A-Za-z0-9]{6,}"),
        (ids.tool_use_id, r"toolu_[A-Za-z0-9]{8,}"),
    ],
)
def test_ids(make: Callable[[], str], pattern: str) -> None:
    made = {make() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(pattern, each) and len(each) <= 40 for each in made)
