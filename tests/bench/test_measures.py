"""What is measured where something is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.bodies import body
from bench.load import Lost, many
from bench.measures import Load, one_by_one
from bench.servers import free_port, upstream


@dataclass(frozen=True)
class Stub:
    port: int
    may_fail: bool = False

    def cpu(self) -> float:
        return time.process_time()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The bench's upstream, which speaks Messages too."""
    with upstream(str(tmp_path_factory.mktemp("upstream"))) as found:
        yield found


def test_whoever_may_fail_is_left_out(port: int) -> None:
    servers: list[Any] = [Stub(free_port(), may_fail=True), Stub(port)]
    (asked,) = one_by_one(servers, Load(body("bench 2 0"), 2, 3))
    assert asked.server == servers[1]
    assert len(asked.came) == 3
    assert asked.cpu > 0


def test_a_failure_of_others_ends_the_run(port: int) -> None:
    servers: list[Any] = [Stub(port), Stub(free_port())]
    with pytest.raises(Lost, match="broke off"):
        one_by_one(servers, Load(body("bench 2 0"), 2, 3))


def test_a_lost_delta_is_told(port: int) -> None:
    with pytest.raises(Lost, match="1 of 3 deltas"):
        many(port, 1, 1, body("bench 2 0", stream=False), 3)
