"""Why an upstream refused or failed: one value for all vendors, and what may be repeated of it to a client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.providers.common.scrubber import scrubber, words

READ_LIMIT = 64 * 1024
"""Characters of what a server says of a failure; one inside a stream may be as long as an event."""
_WORD_LIMIT = 200
"""Characters of a code or of the name of a field."""
SHOWN_LIMIT = 600
"""Characters of an upstream's own words in a message; more helps nobody."""
_PAGE = re.compile(r"<(?:!doctype|html|\?xml|head)\b.*", re.IGNORECASE | re.DOTALL)
_PAGE_BEGINS = ("<!doctype", "<html", "<?xml", "<head")


@dataclass(frozen=True, slots=True)
class Backend:
    """How to speak of a server in a message: where it is, and what holds its key (None: it takes no key)."""

    url: str
    key_variable: str | None
    """Several, with commas between, where each holds a key."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What else is sent to it, keys in headers of their own included."""

    def without_keys(self, text: str) -> str:
        """Servers quote the key, or parts of it, in what they say."""
        return scrubber(words(*self.keys, *self.headers.values())).scrubbed(text)

    def shown(self, text: str, limit: int = SHOWN_LIMIT) -> str:
        """What may be repeated of the server's words, in characters. Gateways quote whole web pages."""
        return _PAGE.sub("[a web page]", self.without_keys(text)).strip()[:limit]


@dataclass(frozen=True, slots=True)
class Failure:
    """What a server said when it refused. `status` 0 stands for a connection that failed."""

    status: int
    message: str
    code: str = ""
    """The server's word for the kind of error, such as "context_length_exceeded" or "RESOURCE_EXHAUSTED"."""
    param: str = ""
    """The field of the request that it is about."""
    retry_after: float | None = None
    """Seconds."""
    reason: str = ""
    """Google's `ErrorInfo.reason`, such as "API_KEY_INVALID"."""
    quota: str = ""
    """The ids of Google's quotas that are used up."""

    @classmethod
    def said(cls, status: int, message: str, code: str = "", param: str = "", **more: Any) -> Failure:
        """One in a server's own words, which have no limit."""
        return cls(status, message[:READ_LIMIT], code[:_WORD_LIMIT], param[:_WORD_LIMIT], **more)

    @property
    def text(self) -> str:
        """Message and code in lower case, to look for known words in."""
        return f"{self.message} {self.code}".lower()


_OTHERS_MAY = (0, 401, 402, 403, 404, 408, 429)


def others_may_answer(status: int) -> bool:
    """Whether another server, or the same with another key, may well answer what failed with this status.

    It may not where the request itself is at fault.
    """
    return status in _OTHERS_MAY or status >= 500


def plain_words(body: bytes) -> str:
    """What a body that is no JSON says, for a message."""
    text = body[:READ_LIMIT].decode("utf-8", "replace").strip()
    if text[:200].lower().lstrip().startswith(_PAGE_BEGINS):
        return "the server answered with a web page, not with an API error"
    return text
