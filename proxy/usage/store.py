"""The usage database: its tables, and all that is asked of it. Knows nothing of threads.

It works on every database that SQLAlchemy knows: the tables hold text, numbers and whole numbers, and no more is asked
of SQL than sums by group. The local day of a request is written down with it, so that nobody has to find it in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs
from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    case,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import DataError, IntegrityError

from proxy.usage.record import Record
from proxy.usage.tally import Tally, midnight

VERSION = 1
"""Of the tables. A database of a later version is left alone."""
_LOCK_PATIENCE = 5
"""Seconds for which SQLite waits for another process that writes."""
_OF_A_ROW = (IntegrityError, DataError, OverflowError)
"""Errors that come again with the same row, however well the database works."""
METADATA = MetaData()
_SCHEMA = Table("usage_schema", METADATA, Column("version", Integer, primary_key=True))
_REQUESTS = Table(
    "usage_requests",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("time", Double, nullable=False),
    Column("day", String(10), nullable=False),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("session", String(12), nullable=False),
    Column("status", Integer, nullable=False),
    Column("streamed", Boolean, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("first_byte", Double),
    Column("tokens_in", BigInteger),
    Column("tokens_cached", BigInteger),
    Column("tokens_cache_write", BigInteger),
    Column("tokens_out", BigInteger),
    Column("tools", Integer, nullable=False),
    Column("cost", Double),
    Column("stop_reason", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("usage_requests_day", "day"),
)
_FAILED = case(((_REQUESTS.c.status >= 400) | (_REQUESTS.c.error != ""), 1), else_=0)
_UNPRICED = case((_REQUESTS.c.cost.is_(None) & (_REQUESTS.c.tokens_in > 0), 1), else_=0)
GROUPS = {"day": "day", "model": "target", "role": "role", "session": "session"}
"""By what sums can be had -> the column."""


class WrongVersion(Exception):
    """The database was made by a later version of the proxy."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the requests of one group."""

    group: str
    requests: int
    failed: int
    """Those that ended with an error, or were cut off by one."""
    unpriced: int
    """Those that used tokens of which no price is known."""
    tokens_in: int
    tokens_cached: int
    tokens_cache_write: int
    tokens_out: int
    cost: float
    """USD."""


class Store:
    """One database, with its tables. Every method may raise SQLAlchemy's errors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str | None) -> Store:
        """`url` None: the file in the user's data directory. Makes what is not there; raises WrongVersion."""
        place = _place(url)
        if (path := sqlite_path(place)) is not None and url is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_sqlite = place.get_backend_name() == "sqlite"
        engine = create_engine(
            place, pool_pre_ping=not is_sqlite, connect_args={"timeout": _LOCK_PATIENCE} if is_sqlite else {}
        )
        if is_sqlite:
            event.listen(engine, "connect", _set_up_sqlite)
        try:
            _make_tables(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    def add(self, records: Iterable[Record]) -> None:
        """Writes all of them, or none where the database does not work. What is there already is left as it is."""
        rows = [_row(record) for record in records]
        try:
            self._insert(rows)
        except _OF_A_ROW:
            # Some of them are there, from a transaction that seemed to have failed, or one is odd: the others count.
            for row in rows:
                with suppress(*_OF_A_ROW):
                    self._insert([row])

    def _insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._engine.begin() as connection:
            connection.execute(_REQUESTS.insert(), rows)

    def costs(self, since: str) -> dict[str, float]:
        """USD by day, from the day `since` on."""
        column = _REQUESTS.c
        asked = select(column.day, func.sum(column.cost)).where(column.day >= since).group_by(column.day)
        return {day: cost or 0.0 for day, cost in self._rows(asked)}

    def sums(self, by: str, since: str = "") -> list[Sums]:
        """By a word of GROUPS, from the day `since` on; days in their order, all else by cost, dearest first."""
        column = _REQUESTS.c
        group = column[GROUPS[by]]
        tokens = [column[name] for name in ("tokens_in", "tokens_cached", "tokens_cache_write", "tokens_out")]
        totals = [func.count(), func.sum(_FAILED), func.sum(_UNPRICED), *map(func.sum, tokens), func.sum(column.cost)]
        asked = select(group, *totals).where(column.day >= since).group_by(group)
        found = [_sums_of(row) for row in self._rows(asked)]
        return sorted(found, key=(lambda each: each.group) if by == "day" else (lambda each: (-each.cost, each.group)))

    def days(self, since: str) -> list[Tally]:
        """By day and target, from the day `since` on."""
        column = _REQUESTS.c
        totals = [func.count(), func.sum(_FAILED), func.sum(_UNPRICED)]
        totals += [func.sum(column[name]) for name in ("tokens_in", "tokens_cached", "tokens_out")]
        totals += [func.sum(column.cost), func.count(column.first_byte), func.sum(column.first_byte)]
        groups = (column.day, column.target)
        asked = select(*groups, *totals).where(column.day >= since).group_by(*groups).order_by(*groups)
        return [_tally_of(row) for row in self._rows(asked)]

    def _rows(self, asked: Select[Any]) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(asked))


def _make_tables(engine: Engine) -> None:
    """Raises WrongVersion."""
    METADATA.create_all(engine)
    with engine.begin() as connection:
        version = connection.scalar(select(func.max(_SCHEMA.c.version)))
        if version is None:
            connection.execute(_SCHEMA.insert().values(version=VERSION))
        elif version > VERSION:
            raise WrongVersion(f"it is of version {version}, and this proxy knows {VERSION}")


def _sums_of(row: Sequence[Any]) -> Sums:
    """A sum of nothing is NULL, and PostgreSQL's sums of whole numbers are decimals."""
    name, *counts, cost = row
    values: list[Any] = [*(int(each or 0) for each in counts), float(cost or 0)]
    return Sums(name, *values)


def _tally_of(row: Sequence[Any]) -> Tally:
    day, target, requests, failed, unpriced, tokens_in, cached, tokens_out, cost, begun, waited = row
    return Tally(
        start=midnight(day),
        target=target,
        requests=int(requests),
        failed=int(failed or 0),
        unpriced=int(unpriced or 0),
        tokens_in=int(tokens_in or 0),
        tokens_cached=int(cached or 0),
        tokens_out=int(tokens_out or 0),
        cost=float(cost or 0),
        begun=int(begun),
        waited=float(waited or 0),
    )


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite database; None for other databases and those in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database or "")


def _place(url: str | None) -> URL:
    if url is not None:
        return make_url(url)
    path = platformdirs.user_data_path("claude-proxy", appauthor=False) / "usage.db"
    return URL.create("sqlite", database=str(path))


def missing_file(url: str | None) -> Path | None:
    """The file that a database would have and has not yet; None where there is one, or where it has no file."""
    path = sqlite_path(_place(url))
    return path if path is not None and not path.exists() else None


def _set_up_sqlite(connection: Any, _: object) -> None:
    """With a log of its own, readers and the writer do not wait for each other; what is committed outlives the
    process, if not a power failure."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


_NAMES = frozenset(column.name for column in _REQUESTS.columns)


def _row(record: Record) -> Mapping[str, Any]:
    values = {each.name: getattr(record, each.name) for each in fields(record) if each.name in _NAMES}
    return {**values, "day": record.day}
