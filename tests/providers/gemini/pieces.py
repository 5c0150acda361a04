"""Takes a request through the translation to Gemini without a socket. Every body is judged by the rules of the fake."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.answering.plan import Limits, plan
from proxy.models.catalog import Catalog
from proxy.models.habits import Habits
from proxy.models.routing import Route, Router
from proxy.providers.base import Exchange
from proxy.providers.gemini.request import GeminiRequest, Options, build, wire
from proxy.providers.gemini.signatures import SignatureMemory
from proxy.settings.config import load_config
from tests.fakes.gemini import models as gemini_models
from tests.fakes.gemini import rules as gemini_rules
from tests.translation import parsed

Json = dict[str, Any]

OLD, NEW = "gemini-2.5-flash", "gemini-3.8-flash"
MODELS = (OLD, NEW, "gemini-4-argon", "gemini-9")
"""One model of each kind; the last is one that nobody knows yet."""
_NOWHERE = Path(__file__).parent / "no-such-directory"


@functools.cache
def route(model: str) -> Route:
    """Of a gateway, where no name is retired."""
    environ = {"GEMINI_BASE_URL": "http://upstream.test", "GEMINI_API_KEY": "k"}
    return Router(load_config(environ, directory=_NOWHERE), Catalog.load()).resolve(model)


@dataclass(frozen=True, slots=True)
class Translation:
    body: Json
    notes: list[str]
    built: GeminiRequest

    @property
    def contents(self) -> list[Json]:
        found: list[Json] = self.body["contents"]
        return found

    @property
    def config(self) -> Json:
        found: Json = self.body["generationConfig"]
        return found

    @property
    def functions(self) -> list[Json]:
        found: list[Json] = self.body["tools"][0]["functionDeclarations"]
        return found


def translate(
    body: Json,
    to: str = NEW,
    *,
    memory: SignatureMemory | None = None,
    session: str = "",
    checked: bool = True,
    habits: Habits | None = None,
    limit: int = 200_000,
    **options: Any,
) -> Translation:
    """The body that would be sent. Unless `checked` is off, raises Refused where the strict fake refuses it."""
    exchange, chosen = Exchange(parsed(body), route(to), session=session), Options(**{"transport": "gemini", **options})
    planned = plan(exchange, wire(exchange.route, chosen), habits or Habits(), Limits(limit))
    built = build(planned, chosen, memory or SignatureMemory())
    sent = json.loads(json.dumps(built.body))
    rules = gemini_models.find(gemini_models.MODELS, to)
    if checked and rules is not None:
        gemini_rules.check(sent, rules, stream=True, deadline=None)
    return Translation(sent, [*planned.notes, *built.notes], built)


def calls_of(contents: list[Json]) -> list[Json]:
    """All parts with a function call."""
    return [part for content in contents for part in content["parts"] if "functionCall" in part]


def kinds_of(content: Json) -> list[str]:
    """The data field of each part."""
    return [next(key for key in part if key != "thoughtSignature") for part in content["parts"]]
