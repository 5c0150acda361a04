"""What `python -m proxy usage` prints: sums of the usage database as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta

from sqlalchemy.exc import SQLAlchemyError

from proxy.usage.record import dollars
from proxy.usage.recorder import words_of
from proxy.usage.store import Store, Sums, WrongVersion, missing_file

_TITLES = ("requests", "failed", "no price", "input", "cached", "cache write", "output", "cost")


class CannotReport(Exception):
    """The text says why, and what to do."""


def since_day(text: str, today: date) -> str:
    """The first day that `7d` (today and the six days before) or a date means. Raises ValueError."""
    if found := re.fullmatch(r"([1-9]\d{0,4})d", text):
        return (today - timedelta(days=int(found[1]) - 1)).isoformat()
    return date.fromisoformat(text).isoformat()


def report(url: str | None, by: str, since: str, form: str) -> str:
    """`url` as in the setting USAGE_DB; `by` a word of `store.GROUPS`; `form` one of `table`, `csv`, `json`."""
    return _FORMS[form](by, _sums(url, by, since))


def _sums(url: str | None, by: str, since: str) -> Sequence[Sums]:
    if url == "off":
        raise CannotReport("USAGE_DB: is off, so nothing is recorded; leave it out or give the URL of a database")
    try:
        if missing_file(url) is not None:
            return []
        store = Store.open(url)
        try:
            return store.sums(by, since)
        finally:
            store.close()
    except (SQLAlchemyError, ImportError, OSError, WrongVersion) as error:
        raise CannotReport(f"USAGE_DB: the database cannot be read ({words_of(error)})") from None


def _table(by: str, sums: Sequence[Sums]) -> str:
    if not sums:
        return "no requests are recorded"
    rows = [[by, *_TITLES], *map(_cells, sums)]
    if len(sums) > 1:
        rows.append(_cells(_total(sums)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _cells(sums: Sums) -> list[str]:
    name, *counts = (getattr(sums, each.name) for each in fields(sums))
    return [name or "-", *(dollars(count) if isinstance(count, float) else str(count) for count in counts)]


def _total(sums: Sequence[Sums]) -> Sums:
    columns = zip(*(list(asdict(each).values())[1:] for each in sums), strict=True)
    return Sums("total", *map(sum, columns))


def _csv(by: str, sums: Sequence[Sums]) -> str:
    text = io.StringIO()
    names = [each.name for each in fields(Sums)][1:]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([by, *names])
    writer.writerows(asdict(each).values() for each in sums)
    return text.getvalue().rstrip("\n")


def _json(by: str, sums: Sequence[Sums]) -> str:
    return json.dumps([{by: each.group, **{k: v for k, v in asdict(each).items() if k != "group"}} for each in sums])


_FORMS: Mapping[str, Callable[[str, Sequence[Sums]], str]] = {"table": _table, "csv": _csv, "json": _json}
