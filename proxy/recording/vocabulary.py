"""Which words may stay: those that stand in the translators' own source, which anybody can read there.

What a translator does can hang on no other word. So a recording without all others behaves as the request did, and who
reads it learns of a text at most that it is such a word.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from urllib.parse import urlsplit

from proxy.models.presets import presets
from proxy.models.servers import known_servers
from proxy.models.vendors import VENDORS


def word_set(text: str) -> frozenset[str]:
    """The words that stand in a text."""
    return frozenset(text.split())


_OWN = ("localhost", "127.0.0.1", "::1", "aiplatform.googleapis.com", "openai.azure.com")
_ROOMS = ("protocol", "providers", "answering", "models")
_LITERAL = re.compile(r'"([^"\\\n]{1,64})"')
_MEMBER = re.compile(r"^    ([a-z]\w*): ", re.MULTILINE)
"""Of a model of what clients send: its fields are named as they are sent."""
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.\-/]*")
_CONTROL = re.compile(r"<\|[A-Za-z_/]{1,30}\|>")
_WORD = re.compile(r"[A-Za-z]+")
_SCHEMA_WORDS = word_set(
    "$anchor $comment $defs $id $ref $schema additionalItems additionalProperties allOf anyOf const contains default "
    "definitions dependentRequired dependentSchemas deprecated description else enum examples exclusiveMaximum "
    "exclusiveMinimum format if items maxItems maxLength maxProperties maximum minItems minLength minProperties "
    "minimum multipleOf not nullable oneOf pattern patternProperties prefixItems properties propertyNames "
    "propertyOrdering readOnly required then title type unevaluatedProperties uniqueItems writeOnly"
)
"""Of JSON Schema."""


@functools.cache
def names() -> frozenset[str]:
    """Fields, types and other words of the protocols, as they are written there."""
    members = (name for _, text in _under(_package("protocol"), ".py") for name in _MEMBER.findall(text))
    return frozenset((*members, *(word for word in _literals() if _NAME.fullmatch(word)))) | _SCHEMA_WORDS


@functools.cache
def control_tokens() -> frozenset[str]:
    """Marks of models' own templates."""
    return frozenset(token for _, text in _files(".py") for token in _CONTROL.findall(text))


@functools.cache
def words() -> frozenset[str]:
    """Words of what servers say of failures, and those of the protocols; in lower case."""
    texts = (text for _, text in _files(".yaml"))
    return frozenset(word.lower() for text in (*texts, *_literals()) for word in _WORD.findall(text))


@functools.cache
def hosts() -> frozenset[str]:
    """Names of servers that everybody knows, and of domains that hold such; and those of this machine."""
    urls = [row.url or "" for row in VENDORS] + [
        str(preset.fields.get("api_base", "")) for preset in presets().values()
    ]
    named = {urlsplit(url).hostname or "" for url in urls}
    return frozenset({*named, *_OWN, *(host for server in known_servers() for host in server.hosts)}) - {""}


@functools.cache
def _literals() -> frozenset[str]:
    return frozenset(literal for _, text in _files(".py") for literal in _LITERAL.findall(text))


def _files(ending: str) -> Iterator[tuple[str, str]]:
    for room in _ROOMS:
        yield from _under(_package(room), ending)


def _package(room: str) -> Traversable:
    return resources.files("proxy").joinpath(room)


def _under(place: Traversable, ending: str) -> Iterator[tuple[str, str]]:
    for each in place.iterdir():
        if each.is_dir():
            yield from _under(each, ending)
        elif each.name.endswith(ending):
            yield each.name, each.read_text(encoding="utf-8")
