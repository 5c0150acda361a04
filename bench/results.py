"""What became of a run: medians, ratios to the relay, their comparison with those of an earlier run. Pure."""

from __future__ import annotations

import statistics
from typing import NamedTuple

BASE = "relay"
"""The column to which ratios are made."""
WORSE = 1.5
"""So many times the ratio of before is no noise."""


class Row(NamedTuple):
    """`steady`: other load moves its ratios little, so that they are compared. `alone`: it is a ratio by itself."""

    name: str
    steady: bool = False
    alone: bool = False


Rounds = list[dict[Row, float]]
Found = dict[str, Rounds]
"""By column; a round has no value of a row that failed, or that is measured once a run."""
Ratios = dict[str, dict[str, float]]
"""By row and column. Of steady rows less is better."""


def rows(found: Found) -> list[Row]:
    """As they were measured."""
    return list(dict.fromkeys(row for rounds in zip(*found.values(), strict=True) for each in rounds for row in each))


def values(rounds: Rounds, row: Row) -> list[float]:
    return [each[row] for each in rounds if row in each]


def ratios_of(found: Found, column: str, row: Row) -> list[float]:
    """One for each round."""
    if row.alone:
        return values(found[column], row)
    pairs = zip(found[column], found[BASE], strict=True)
    return [own[row] / base[row] for own, base in pairs if base.get(row) and row in own]


def medians(found: Found) -> str:
    """A table, a column for each server."""
    lines = ([row.name, *(_number(values(found[column], row)) for column in found)] for row in rows(found))
    return _table(["", *found], *lines)


def spreads(found: Found, *, steady: bool = False) -> str:
    """A table of ratios to the relay, with the least and the greatest of all rounds."""
    columns = [column for column in found if column != BASE]
    shown = [row for row in rows(found) if row.steady or not steady]
    lines = [[row.name, *(_spread(ratios_of(found, column, row)) for column in columns)] for row in shown]
    return _table(["times the relay's", *columns], *lines)


def ratios(found: Found, *, steady: bool = False) -> Ratios:
    """Medians, of the steady rows only or of all."""
    result: Ratios = {}
    for row in rows(found):
        for column in found:
            each = ratios_of(found, column, row)
            if each and column != BASE and (row.steady or not steady):
                result.setdefault(row.name, {})[column] = round(statistics.median(each), 3)
    return result


def worse(now: Ratios, before: Ratios) -> dict[str, str]:
    """What costs more than `WORSE` times what it did, with both ratios. What was not measured before is not worse."""
    return {
        f"{row}, {column}": f"{ratio:.3g}, before {old:.3g}"
        for row, columns in now.items()
        for column, ratio in columns.items()
        if (old := before.get(row, {}).get(column)) is not None and ratio > WORSE * old
    }


def _number(each: list[float]) -> str:
    return _short(statistics.median(each)) if each else ""


def _spread(each: list[float]) -> str:
    if not each:
        return ""
    middle = _short(statistics.median(each))
    return f"{middle} ({_short(min(each))}..{_short(max(each))})" if len(each) > 1 else middle


def _short(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _table(*lines: list[str]) -> str:
    """In Markdown, and aligned; the first line is its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (lines[0], rule, *lines[1:]))


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join([cells[0].ljust(widths[0]), *padded])} |"
