"""What a refusal is about, by the servers' own words.

The words are data: `words/*.yaml`, one table for each class of refusal, every pattern with the texts that it was made
for and where they were seen. A table is read when the first failure asks for it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import yaml

from proxy.providers.common.failures import Failure

Kind = Literal[
    "overflow",
    "output_limit",
    "money",
    "key",
    "no_images",
    "bad_picture",
    "botched",
    "no_model",
    "rate_limit",
    "overloaded",
    "",
]
"""What is wrong: prompt (and output) too long for the window, output alone above the model's limit, money or allowance
used up, key, a model without eyes, one picture, a call that the model wrote badly, no such model, too much at once,
nobody there."""

_NOT_OVERFLOW = (401, 402, 403, 404)
_NOT_REQUEST = (*_NOT_OVERFLOW, 429)
_TABLES: tuple[tuple[Kind, str, tuple[int, ...]], ...] = (
    ("money", "money", (404,)),
    ("key", "keys", (404, 429)),
    ("overflow", "sums", _NOT_OVERFLOW),
    ("overflow", "overflow", _NOT_OVERFLOW),
    ("output_limit", "output_limits", _NOT_REQUEST),
    ("no_images", "no_images", (401, 402, 403, 429)),
    ("bad_picture", "bad_pictures", (401, 402, 403, 429)),
    ("botched", "botched", _NOT_REQUEST),
    ("no_model", "models", (401, 402, 429)),
    ("rate_limit", "rate_limits", ()),
    ("overloaded", "overloaded", ()),
)
"""Kind, its table, and the statuses with which its words mean something else; the first that matches is it."""
_BY_STATUS: dict[int, Kind] = {401: "key", 402: "money", 429: "rate_limit", 503: "overloaded", 529: "overloaded"}
_QUOTED = re.compile(
    r"^invalid (?:schema for|'(?:tools|messages|input)\b(?!.*image_url))|does not match pattern"
    r"|\bflagged\b|moderation|(?:usage|content) polic",
    re.IGNORECASE,
)
"""Refusals that quote the client's own words, or judge them: names and texts in them say nothing about the server."""

READ_LIMIT = 4000
"""Characters of a message that are looked at."""
_ECHO = re.compile(r"""['"]input['"]: ?.*?(?=['"](?:type|loc|msg|ctx)['"]:|$)""", re.DOTALL)
"""Pydantic repeats what the client sent; the words in it are not the server's."""


@dataclass(frozen=True, slots=True)
class WordRule:
    """One row of a table: the words, and for refused parameters what they teach.

    `habit` is a yes-or-no habit, `field` a field of the request ("any": the one that is named), `token_field` the name
    that the server wants for the limit on output. One that is not `lasting` is a matter of this request.
    """

    words: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    statuses: tuple[int, ...] = ()
    """The statuses with which the words count; empty: any."""
    habit: str = ""
    field: str = ""
    token_field: str = ""
    lasting: bool = True

    def matches(self, failure: Failure) -> bool:
        if self.statuses and failure.status not in self.statuses:
            return False
        text = full_text(failure)
        return bool(self.words.search(text)) and not (self.unless and self.unless.search(text))


def full_text(failure: Failure) -> str:
    """Message, code and field: some gateways put the words into the last of them."""
    message = _ECHO.sub("", failure.message[:READ_LIMIT])
    return f"{message} {failure.code} {failure.param}".strip()


@functools.cache
def rules(table: str) -> tuple[WordRule, ...]:
    """The rows of `words/{table}.yaml`."""
    text = resources.files("proxy.providers.common").joinpath(f"words/{table}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    return tuple(_rule(row, data.get("unless", "")) for row in data["rules"])


def _rule(row: dict[str, Any], unless: str) -> WordRule:
    """A row's own `unless` stands in place of its table's."""
    unless = row.get("unless", unless)
    known = {name: row[name] for name in ("habit", "field", "token_field", "lasting") if name in row}
    return WordRule(
        re.compile(row["words"], re.IGNORECASE),
        re.compile(unless, re.IGNORECASE) if unless else None,
        tuple(row.get("statuses", ())),
        **known,
    )


@functools.lru_cache(maxsize=64)
def kind_of(failure: Failure) -> Kind:
    """What the failure is about; its words decide before its status. A `status` of 0 is one that nobody reported."""
    if not _QUOTED.search(failure.message):
        for kind, table, excluded in _TABLES:
            if failure.status not in excluded and any(rule.matches(failure) for rule in rules(table)):
                return kind
    return _BY_STATUS.get(failure.status, "")
