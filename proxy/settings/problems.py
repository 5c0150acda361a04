"""What is wrong with a setting, in words that help and that never hold the value of a secret."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_SECRET = re.compile(
    r"(?:sk-|pk-|gsk_|hf_|xai-|AIza|Bearer ).*|(?!.*\.ya?ml$)(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])[A-Za-z0-9_+=.-]{20,}",
    re.DOTALL,
)
_APPENDED_PATHS = (
    *("/chat/completions", "/completions", "/responses", "/messages", "/v1beta"),
    *("/v1/models", "/v1beta/models"),
)
"""Endings of a pasted address that the SDKs append themselves."""


def looks_like_key(value: str) -> bool:
    """Whether this may be a key that was put into the wrong place."""
    return _SECRET.fullmatch(value) is not None


def quoted(value: str) -> str:
    """The value for a message: in double quotes, ASCII, not endlessly long."""
    return json.dumps(value if len(value) <= 100 else value[:97] + "...")


def shown(value: str) -> str:
    """As `quoted`, for values of any origin: what looks like a key is not shown."""
    return "the value (not shown, it may be a key)" if looks_like_key(value) else quoted(value)


def hint(value: str, choices: Iterable[str]) -> str:
    """`; did you mean "..."?` with the nearest of the choices, or nothing."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(value.lower()[:100], by_lower, 1, 0.6)
    return f"; did you mean {quoted(by_lower[near[0]])}?" if near else ""


def key_problem(value: str) -> str | None:
    """What is wrong with an API key, or None."""
    if re.fullmatch(r"[\x21-\x7e]+", value) and '"' not in value and "'" not in value:
        return None
    return (
        "contains a character that cannot be part of a key (a space, a quote, a line break or one outside ASCII); "
        "copy the key again"
    )


def header_name_problem(name: object) -> str | None:
    """What is wrong with the name of an HTTP header, or None."""
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        return None
    return f"{shown(str(name))} is not the name of an HTTP header"


def url_problem(value: str) -> str | None:
    """What is wrong with the base address of an API, or None."""
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        return "is not an http(s) address; give one like https://host:port/v1"
    if "@" in value or "?" in value or "#" in value:
        return "must hold neither user name, password nor anything from ? or # on; give the part before"
    if url.scheme not in ("http", "https") or not host or not re.fullmatch(r"[\x21-\x7e]+", value):
        return f"{shown(value)} is not an http(s) address; give one like https://host:port/v1"
    for path in _APPENDED_PATHS:
        if url.path.rstrip("/").endswith(path):
            return f'must not end in "{path}", which is appended to it; leave that out'
    return None
