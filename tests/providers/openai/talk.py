"""Talks through the OpenAI provider to a strict fake, as the web does, without a web."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.answering.attempts import Attempts
from proxy.answering.filters.thinking_display import thinking_display
from proxy.answering.plan import Limits
from proxy.answering.timing import Timing
from proxy.models.catalog import Catalog
from proxy.models.habits import HabitBook
from proxy.models.routing import Router
from proxy.protocol.effort import requested_display
from proxy.protocol.request import parse_request
from proxy.providers.base import Exchange
from proxy.providers.call import Call
from proxy.providers.openai.client import OpenAIProvider
from proxy.settings.config import load_config
from tests.fakes.openai.chat import FakeOpenAI
from tests.translation import TODAY, Answer, answer

Json = dict[str, Any]


class Talk:
    """One proxy's provider, taking the fake for OpenAI itself. `restart` forgets all that was learned."""

    def __init__(self, upstream: FakeOpenAI, directory: Path, *, api: str = "auto") -> None:
        variables = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": upstream.base_url, "OPENAI_API": api}
        self._config = load_config(variables, directory=directory)
        self._router = Router(self._config, Catalog.load(), lambda: TODAY)
        self.restart()

    def restart(self) -> None:
        provider = OpenAIProvider(self._config, read_timeout=20.0)
        self._attempts = Attempts(provider, HabitBook(), Limits(self._config.max_tokens_limit), Timing())

    def ask(self, model: str, body: Json, *, official: bool = True, facts_of: str = "") -> Answer:
        """`facts_of`: another model, for which this one is taken."""
        request = parse_request(json.dumps(body).encode())
        route = self._router.resolve(model)
        facts = Catalog.load().facts("openai", facts_of or model)
        exchange = Exchange(request, replace(route, model=model, facts=facts, official=official), session="s1")
        with _finished(Call()) as call:
            batches = self._attempts.deltas(exchange, call)
            # Verdicts are the web's to add.
            unjudged = {name: value for name, value in body.items() if name != "safeguards"}
            return answer(thinking_display(batches, requested_display(request)), unjudged)


@contextmanager
def _finished(call: Call) -> Iterator[Call]:
    with call:
        try:
            yield call
        finally:
            call.finish()
