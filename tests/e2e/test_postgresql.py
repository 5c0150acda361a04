"""The usage database in a real PostgreSQL: what holds for SQLite holds there."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from proxy.usage.store import Store
from tests.usage import test_store as stores
from tests.usage.test_process import stopped_while_answering

pytestmark = pytest.mark.e2e

_ACCOUNT = "postgres"
"""Whose server it is where the tests run as root, under which PostgreSQL does not start; Debian's package brings it."""
_PLACES = "/usr/lib/postgresql"


def _program(name: str) -> str | None:
    return shutil.which(name) or next((str(path) for path in sorted(Path(_PLACES).glob(f"*/bin/{name}"))), None)


def _run(*command: str) -> None:
    account = _ACCOUNT if os.getuid() == 0 else None
    done = subprocess.run(command, user=account, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that is there for these tests."""
    initdb, control = _program("initdb"), _program("pg_ctl")
    if sys.platform == "win32" or initdb is None or control is None:
        pytest.skip("needs PostgreSQL: .ci/programs installs it where there is apt")
    # Not in pytest's own directory, which every other run of pytest shuts off from the other account again.
    with tempfile.TemporaryDirectory() as base:
        if os.getuid() == 0:
            shutil.chown(base, _ACCOUNT)
        yield from _serving(initdb, control, Path(base))


def _serving(initdb: str, control: str, base: Path) -> Iterator[str]:
    data = str(base / "data")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _run(initdb, "-D", data, "-U", "proxy", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    _run(control, "-D", data, "-o", options, "-l", str(base / "log"), "-w", "start")
    yield f"postgresql+psycopg://proxy@127.0.0.1:{port}/postgres"
    _run(control, "-D", data, "-m", "fast", "-w", "stop")


@pytest.fixture
def url(server: str) -> str:
    """The same, without tables."""
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    engine.dispose()
    return server


@pytest.mark.parametrize(
    "holds",
    [
        stores.test_what_is_there_already_is_left_alone,
        stores.test_a_row_that_cannot_be_written_takes_no_other_with_it,
        stores.test_sums,
        stores.test_days,
    ],
    ids=lambda holds: holds.__name__,
)
def test_store(holds: Callable[[Store], None], url: str) -> None:
    with contextlib.closing(Store.open(url)) as store:
        holds(store)


def test_no_row_is_lost_at_a_stop(url: str, tmp_path: Path) -> None:
    stopped_while_answering(tmp_path, url, answers=200)
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            text("select count(*), count(case when streamed then 1 end), count(cost) from usage_requests")
        ).one()
    engine.dispose()
    assert tuple(found) == (201, 1, 201)
