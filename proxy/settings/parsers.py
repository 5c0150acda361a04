"""From the text of a setting to its value. Each parser raises ValueError with what is wrong and what to do; the text
never holds the value of a secret."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from proxy.settings.problems import hint, key_problem, looks_like_key, shown, url_problem


def text(value: str) -> str:
    return value


def models(value: str) -> str:
    """One model, or several with commas between."""
    if not value.replace(",", "").strip():
        raise ValueError("holds no model; name one or several, separated by commas, or leave it out")
    return value


def directory(value: str) -> str:
    if looks_like_key(value):
        raise ValueError(f"{shown(value)}; give the path of a directory, with ./ before a name like that")
    _check_home(value)
    return value


def _check_home(path: str) -> None:
    if re.match(r"~[/\\]", path):
        raise ValueError("begins with ~, which stands for a home directory in shells only; write the whole path")


def host(value: str) -> str:
    """An address to listen on, without the brackets of IPv6."""
    if "/" in value or " " in value:
        raise ValueError(f"{shown(value)} is not an address; give one like 127.0.0.1, without http://")
    if value.count(":") == 1:
        raise ValueError(f"{shown(value)} holds a port; put that into PORT")
    if value == "*":
        raise ValueError('"*" is not an address; give 0.0.0.0 for all of IPv4, or :: for IPv6 as well')
    return value.strip("[]")


def integer(low: int, high: int, what: str) -> Callable[[str], int]:
    """`what` is named in problems: "a number of tokens"."""
    remedy = f"give {what} from {low} to {high}"

    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            raise ValueError(f"{shown(value)} is not a number; {remedy}")
        if not low <= int(value) <= high:
            raise ValueError(f"{int(value)} is out of range; {remedy}")
        return int(value)

    return parse


def dollars(value: str) -> float:
    """An amount of USD, with or without the sign."""
    try:
        parsed = float(value.removeprefix("$"))
    except ValueError:
        parsed = math.nan
    if not 0 < parsed < math.inf:
        raise ValueError(f"{shown(value)} is not an amount; give US dollars, more than 0")
    return parsed


def database(value: str) -> str:
    """A SQLAlchemy URL, or "off". It may hold a password, so nothing of it is shown."""
    if value.lower() == "off":
        return "off"
    url = re.match(r"(?P<kind>[a-z][a-z0-9_+]*)://(?:[^:/]*(?::[^@]*)?@)?(?P<host>[^/?]*)/?(?P<path>[^?]*)", value)
    if url is None:
        raise ValueError("is not the URL of a database; give one such as sqlite:///usage.db, or off")
    if url["kind"].startswith("sqlite") and url["host"]:
        raise ValueError("has two slashes; write three before a path that begins here, four before one from the root")
    if url["kind"] == "postgres":
        raise ValueError("begins with postgres://; write postgresql://")
    if not re.fullmatch(r"(\[[^\]@]*\]|[^:@]*)(:[0-9]*)?", url["host"]):
        raise ValueError(
            "has something else where host and port are expected; write : / ? # @ in a user name or a password as "
            "%3A %2F %3F %23 %40"
        )
    _check_home(url["path"])
    return value


_SECONDS_MAX = 86_400
"""A day; sockets refuse much longer waits."""


def seconds(value: str) -> float:
    try:
        parsed = float(value)
    except ValueError:
        parsed = math.nan
    if not 0 < parsed < math.inf:
        raise ValueError(f"{shown(value)} is not a time; give seconds, more than 0")
    if parsed > _SECONDS_MAX:
        raise ValueError(f"{shown(value)} is out of range; give seconds, {_SECONDS_MAX} at most")
    return parsed


def choice(*choices: str) -> Callable[[str], str]:
    """The value in the spelling of `choices`; case is ignored."""

    def parse(value: str) -> str:
        for each in choices:
            if value.lower() == each.lower():
                return each
        raise ValueError(f"{shown(value)} is not one of {', '.join(choices)}{hint(value, choices)}")

    return parse


def boolean(value: str) -> bool:
    return choice("true", "false")(value) == "true"


def matching(pattern: str, what: str) -> Callable[[str], str]:
    """`what` is named in problems: "a version like v1beta"."""

    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{shown(value)} cannot be used; give {what}")
        return value

    return parse


def url(appended: str) -> Callable[[str], str]:
    """The base address of an API, without a slash at its end. `appended` is the path that requests add to it."""
    version = re.match(r"/v\d[^/]*(?=/)", appended)

    def parse(value: str) -> str:
        if problem := url_problem(value):
            raise ValueError(problem)
        base = value.rstrip("/")
        if version and base.endswith(version[0]):
            raise ValueError(f'must not end in "{version[0]}", which is appended to it; leave that out')
        return base

    return parse


def key(value: str) -> str:
    if problem := key_problem(value):
        raise ValueError(problem)
    return value


def keys(value: str) -> tuple[str, ...]:
    """One or several keys, separated by commas."""
    found = tuple(each.strip() for each in value.split(",") if each.strip())
    if not found:
        raise ValueError("holds no key; give one or several, separated by commas, or leave it out")
    return tuple(key(each) for each in found)


def pairs(example: str) -> Callable[[str], tuple[tuple[str, str], ...]]:
    """`left=right` with commas or line breaks between; in their order. `right` may be a list, with commas as well: it
    ends where the next pair begins. `example` is shown in problems."""

    def parse(value: str) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for each in filter(None, map(str.strip, re.split(r"[,\n]", value))):
            left, equals, right = map(str.strip, each.partition("="))
            if found and not equals:
                found[-1] = (found[-1][0], f"{found[-1][1]}, {each}")
            elif left and right:
                found.append((left, right))
            else:
                raise ValueError(f"{shown(each)} is no pair; write {example}")
        if not found:
            raise ValueError(f"holds no pair; write {example}")
        return tuple(found)

    return parse
