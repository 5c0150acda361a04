"""Whatever a request holds, it is written down for the upstream or refused: never a failure of the proxy's own."""

from __future__ import annotations

import functools
import json
import random

import pytest

from proxy.protocol.errors import ApiError
from tests.fuzz import examples
from tests.fuzzing.wires import NAMES, Wire
from tests.web.request_mutation import mutated

_NUMBER = 2000


@functools.cache
def wire(name: str) -> Wire:
    return Wire(name)


@pytest.mark.parametrize("name", NAMES)
def test_written_or_refused(name: str) -> None:
    for number in range(examples(_NUMBER)):
        body = mutated(random.Random(f"{name} {number}"))
        try:
            json.loads(wire(name).written(body))
        except Exception as error:
            if not isinstance(error, ApiError) or error.status >= 500:
                error.add_note(f"request {number}: {body[:2000]!r}")
                raise
