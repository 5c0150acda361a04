"""Numbers and times for people: how they stand on the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

NONE = "\u2013"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPACE = "\u00a0"
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_UNITS: dict[float, str] = {60: "minute", 3600: "hour", 86_400: "day"}
_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"))


def count(number: float | None) -> str:
    """`18,195`"""
    return NONE if number is None else f"{number:,.0f}"


def short(number: float) -> str:
    """`18.2k`; three digits at most are told."""
    for size, letter in _STEPS:
        if number >= size * 0.9995:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def seconds(length: float | None) -> str:
    """`0.84 s`, `12.3 s`, `2 min 5 s`"""
    if length is None:
        return NONE
    if length < 9.995:
        return f"{length:.2f}{_SPACE}s"
    if length < 59.95:
        return f"{length:.1f}{_SPACE}s"
    minutes, rest = divmod(round(length), 60)
    return f"{minutes}{_SPACE}min {rest}{_SPACE}s" if minutes < 60 else span(length)


def money(usd: float | None) -> str:
    """`$12.34`, `$0.0123`, `$0.000045`; nothing is rounded to zero but what is."""
    if usd is None:
        return NONE
    if usd == 0:
        return "$0"
    if usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if usd >= 0.001 else f"${usd:.6f}"


def even(numbers: Sequence[float]) -> list[str]:
    """`0.00`, `0.25`, `0.50`: as many digits behind the point as one of them needs."""
    digits = max(len(f"{each:.8f}".rstrip("0").partition(".")[2]) for each in numbers)
    return [f"{each:,.{digits}f}" for each in numbers]


def shorts(numbers: Sequence[float]) -> list[str]:
    return [short(each) for each in numbers]


def prices(numbers: Sequence[float]) -> list[str]:
    return [f"${each}" for each in even(numbers)]


def per(step: float) -> str:
    """`per minute`, `per 10 min`"""
    return f"per {_UNITS.get(step) or span(step)}"


def share(part: float, whole: float) -> str:
    """`87 %`"""
    return f"{100 * part / whole:.0f}{_SPACE}%" if whole else NONE


def span(length: float) -> str:
    """One unit: `43 s`, `5 min`, `2 h`, `3 d`. As in `static/page.js`."""
    for size, unit in _SPANS:
        if length >= size:
            return f"{int(length // size)}{_SPACE}{unit}"
    return f"{int(length)}{_SPACE}s"


def relative(time: float, now: float) -> str:
    """`12 s ago`, `in 43 s`"""
    return f"in {span(time - now)}" if time > now else f"{span(now - time)} ago"


def local(time: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(zone)


def iso(time: float, zone: tzinfo | None) -> str:
    """For `<time datetime>`."""
    return local(time, zone).isoformat(timespec="seconds")


def clock(time: float, zone: tzinfo | None) -> str:
    """`08:41:07`"""
    return local(time, zone).strftime("%H:%M:%S")


def day(time: float, zone: tzinfo | None) -> str:
    """`29 Nov`"""
    moment = local(time, zone)
    return f"{moment.day}{_SPACE}{_MONTHS[moment.month - 1]}"


def absolute(time: float, zone: tzinfo | None) -> str:
    """`29 Nov 2026 08:41:07 +00:00`"""
    moment = local(time, zone)
    offset = moment.strftime("%z")
    return f"{day(time, zone)} {moment.year} {clock(time, zone)} {offset[:3]}:{offset[3:5]}"
