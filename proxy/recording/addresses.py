"""URLs and headers as they may be written down: without keys, and without names of hosts that are not everybody's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

from proxy.recording.redact import Redactor
from proxy.recording.vocabulary import hosts, word_set

_QUERY_WORDS = word_set("alt api-version beta")
"""Members of a query that say what is asked for; what others hold may be a key."""
_HEADERS = word_set(
    "content-type content-encoding accept user-agent anthropic-version anthropic-beta x-app retry-after "
    "retry-after-ms x-should-retry x-server-timeout cache-control x-proxy-role x-proxy-target x-proxy-notes "
    "x-claude-code-request-class x-claude-1p-request-class"
)
_BEGINNINGS = ("x-stainless-",)
_NAMES = frozenset(("x-claude-code-session-id", "x-claude-code-agent-id", "request-id", "x-request-id"))
_PERHAPS_NAMES = frozenset(("x-claude-code-agent-type",))
"""Headers whose values are names of somebody's."""
_NOTES = "x-proxy-notes"

Headers = list[tuple[str, str]]


def safe_headers(headers: Iterable[tuple[str, str]], redactor: Redactor) -> Headers:
    """Those that say how a request or an answer is to be read; all others may hold what is nobody's business."""
    found: Headers = []
    for name, value in headers:
        small = name.lower()
        if small in _NAMES:
            found.append((small, redactor.text(value)))
        elif small in _PERHAPS_NAMES:
            found.append((small, redactor.name(value)))
        elif small == _NOTES or small in _HEADERS or small.startswith(_BEGINNINGS):
            found.append((small, redactor.error(value) if small == _NOTES else redactor.masked(value)))
    return found


def safe_url(url: str, redactor: Redactor, *, hides: bool) -> str:
    """Without user, password, fragment and what a query may hold of keys; `hides`: also without names that are not
    everybody's."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    host = f"[{host}]" if ":" in host else _host(host, redactor) if hides else host
    words = ((name, value) for name, value in parse_qsl(parts.query) if name in _QUERY_WORDS)
    query = f"?{urlencode(list(words))}" if parts.query else ""
    path = "/".join(_segment(each, redactor) if hides else each for each in parts.path.split("/"))
    return f"{parts.scheme}://{host}{port}{redactor.masked(path)}{query.rstrip('?')}"


def _segment(segment: str, redactor: Redactor) -> str:
    """Of a path; Google's have the name of a method behind that of a model."""
    name, colon, method = segment.partition(":")
    return f"{redactor.name(name)}{colon}{redactor.name(method)}"


def _host(host: str, redactor: Redactor) -> str:
    """A known name or domain stays, and numbers of private networks are as good as any."""
    known = max((each for each in hosts() if host == each or host.endswith(f".{each}")), key=len, default=None)
    if host == known:
        return host
    own = host.removesuffix(f".{known}") if known else host
    hidden = ".".join(redactor.text(part) if re.search(r"[a-z]", part) else "0" for part in own.split("."))
    return f"{hidden}.{known}" if known else hidden
