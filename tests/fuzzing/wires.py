"""The four wires without a socket: how requests are written for them, and how answers of theirs are read."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from proxy.answering.answer import answer
from proxy.answering.attempts import Attempts
from proxy.answering.calibration import Calibration
from proxy.answering.counting import Estimate
from proxy.answering.plan import Limits
from proxy.answering.timing import Timing
from proxy.models.catalog import Catalog
from proxy.models.habits import HabitBook
from proxy.models.roles import role_of
from proxy.models.routing import Router
from proxy.protocol.deltas import Delta, Note
from proxy.protocol.request import checked, read_request
from proxy.providers.anthropic.client import AnthropicProvider
from proxy.providers.base import ClientRequest, Exchange, Plan, Written
from proxy.providers.call import Call
from proxy.providers.gemini.client import GeminiProvider
from proxy.providers.openai.client import OpenAIProvider
from proxy.settings.config import Config, load_config
from tests.fakes.anthropic import bodies as anthropic
from tests.fakes.gemini.streams import GEMINI_GATEWAY_STREAMS, GEMINI_STREAMS
from tests.fakes.openai.odd_streams import ODD_STREAMS, TOOL_NAMES
from tests.fakes.openai.replies import sse
from tests.fakes.responses.odd_streams import RESPONSES_STREAMS
from tests.faults.forms import FORMS
from tests.providers.gemini.chunks import EVERYTHING as gemini_chunks
from tests.providers.openai.chat.reading import EVERYTHING as chat_chunks
from tests.providers.openai.responses.events import CUT
from tests.providers.openai.responses.events import EVERYTHING as responses_events
from tests.translation import asking, custom_route, tool

Json = dict[str, Any]

_NOWHERE = Path(__file__).parent / "no-such-directory"
_KEYS = {f"{vendor}_API_KEY": "sk-upstream-0123456789abcdef" for vendor in ("OPENAI", "GEMINI", "ANTHROPIC")}
_SETTINGS = {
    "chat": {"PREFERRED_PROVIDER": "openai", "OPENAI_API": "chat", "BIG_MODEL": "gpt-5"},
    "responses": {"PREFERRED_PROVIDER": "openai", "OPENAI_API": "responses", "BIG_MODEL": "gpt-5.6-terra"},
    "gemini": {"PREFERRED_PROVIDER": "google", "BIG_MODEL": "gemini-3.8-flash"},
    "anthropic": {"PREFERRED_PROVIDER": "anthropic"},
}
NAMES = tuple(_SETTINGS)
_EVERYTHING: dict[str, list[list[Json]]] = {
    "chat": [chat_chunks[:-1]],
    "responses": [responses_events, CUT],
    "gemini": [gemini_chunks],
    "anthropic": [],
}
_TOOLS = [tool(name) for name in TOOL_NAMES]
_WEB = {"type": "web_search_20250305", "name": "web_search", "blocked_domains": ["b.test"]}
_ASKED: list[Json] = [
    asking(tools=_TOOLS, thinking={"type": "adaptive"}),
    asking(tools=_TOOLS, stop_sequences=["END", "lo"]),
    asking(tools=[_WEB], thinking={"type": "enabled", "budget_tokens": 2000, "display": "omitted"}),
    asking(thinking={"type": "disabled"}),
]


@dataclass(slots=True)
class Played:
    """An answer as it comes off the network; `broken` where the connection fails at its end."""

    pieces: list[bytes]
    content_type: str = "text/event-stream"
    broken: bool = False

    def response(self) -> httpx2.Response:
        request = httpx2.Request("POST", "http://a.test")
        return httpx2.Response(200, headers={"content-type": self.content_type}, content=self._read(), request=request)

    def _read(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.broken:
            raise httpx2.RemoteProtocolError("broken")


class _OpenAI(OpenAIProvider):
    played: Played

    def send(self, plan: Plan, written: Written[Any], call: Call, key: str | None) -> Any:
        return self.played.response()


class _Gemini(GeminiProvider):
    played: Played

    def send(self, plan: Plan, written: Written[Any], call: Call, key: str | None) -> Any:
        return self.played.response()


class _Anthropic(AnthropicProvider):
    played: Played

    def send(self, plan: Plan, written: Written[Any], call: Call, key: str | None) -> Any:
        return self.played.response()


_PROVIDERS: dict[str, Callable[[Config, float], _OpenAI | _Gemini | _Anthropic]] = {
    "chat": _OpenAI,
    "responses": _OpenAI,
    "gemini": _Gemini,
    "anthropic": _Anthropic,
}


class Wire:
    def __init__(self, name: str) -> None:
        config = load_config({**_KEYS, **_SETTINGS[name]}, directory=_NOWHERE)
        self.name = name
        self.router = Router(config, Catalog.load())
        self.provider = _PROVIDERS[name](config, 60.0)
        self.seeds = [events for events in _seeds(name) if events]
        self._limits = Limits(config.max_tokens_limit)
        self._exchanges = [self._exchange(json.dumps(body).encode()) for body in _ASKED]
        if name == "chat":  # answers of compatible servers are repaired where OpenAI's are not
            self._exchanges += [replace(each, route=custom_route()) for each in self._exchanges]

    def written(self, body: bytes) -> bytes:
        """What a request becomes for the upstream. Raises ApiError for one that is refused."""
        exchange = self._exchange(body)
        if self.name != "anthropic":
            checked(exchange.request)
            Estimate(exchange.request, exchange.route, Calibration()).check_window(len(body))
        written = self._attempts().prepare(exchange).written
        return written.raw or json.dumps(written.body, ensure_ascii=False, allow_nan=False).encode()

    def read(self, played: Played, rng: random.Random) -> Iterator[Sequence[Delta]]:
        """The deltas of a translated answer. Raises ApiError for every failure."""
        self.provider.played = played
        exchange = rng.choice(self._exchanges)
        for batch in answer(exchange, self._attempts(), Call(), lambda _: None):
            yield [delta for delta in batch if not isinstance(delta, Note)]

    def passed(self, played: Played) -> Iterator[bytes]:
        """The bytes that are passed on. Raises ApiError for every failure."""
        self.provider.played = played
        for batch in self._attempts().items(self._exchanges[0], Call()):
            yield from (item for item in batch if isinstance(item, bytes))

    def _attempts(self) -> Attempts:
        return Attempts(self.provider, HabitBook(), self._limits, Timing())

    def _exchange(self, body: bytes) -> Exchange:
        parsed = read_request(body)
        route = self.router.resolve(parsed.model, role_of(parsed, {}))
        return Exchange(parsed, route, received=ClientRequest("POST", "/v1/messages", (), body))


def _seeds(name: str) -> Iterator[list[bytes]]:
    """Answers in events: sound ones, and all that servers were seen to send."""
    sound = FORMS[name](True)
    for chunks in _EVERYTHING[name]:
        yield [sse(chunk) for chunk in chunks]
    yield _events(b"".join(sound.call))
    yield _events(sound.sound)
    yield [sound.whole]
    tables: dict[str, Iterable[Any]] = {
        "chat": ODD_STREAMS.values(),
        "responses": RESPONSES_STREAMS.values(),
        "gemini": [*GEMINI_STREAMS.values(), *GEMINI_GATEWAY_STREAMS.values()],
        "anthropic": (),
    }
    for odd in tables[name]:
        if not odd.think_tags:  # what is left of a damaged tag is text
            yield _events(b"".join(odd.chunks))
    if name == "anthropic":
        blocks = [anthropic.thinking(), anthropic.redacted(), {"type": "text", "text": "caf\u00e9 \U0001f600"}]
        yield [anthropic.sse(event) for event in anthropic.events(anthropic.message("claude-opus-5-5", *blocks))]


def _events(raw: bytes) -> list[bytes]:
    return re.findall(rb"(?s).+?(?:\n\n|\Z)", raw)
