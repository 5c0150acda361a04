"""A vendor that nobody else knows: its whole room, and its row. For the proof that one row is all that it takes.

Its upstream is a function call: it says every word of the last question back, and calls the first tool when asked to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.models.vendors import Vendor
from proxy.protocol.deltas import Delta, Finish, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart, Usage
from proxy.protocol.errors import ApiError
from proxy.protocol.flatten import flat_text
from proxy.protocol.history import UserTurn
from proxy.providers.base import Plan, Wire, Written
from proxy.providers.call import Call
from proxy.providers.common.failures import Failure
from proxy.providers.common.tool_names import NameRules
from proxy.settings.config import Config

TOY = Vendor(
    name="toy",
    title="Toy Works",
    word="toy",
    prefixes=("toy",),
    provider="tests.toy_vendor:ToyProvider",
    shapes=("toy-",),
    examples=("toy-...",),
    host="toy.test",
    url="https://api.toy.test/v1",
    key_variable="TOY_API_KEY",
    key_help="Key of Toy Works.",
    url_variable="TOY_BASE_URL",
    default_models=("toy-big", "toy-small"),
)
REFUSED = "toys take no temperature"


@dataclass(slots=True)
class ToyReader:
    """Reads words; a word in angle brackets is a call of that tool."""

    plan: Plan
    calls: int = 0
    spoilt: str | None = None
    _words: list[str] = field(default_factory=list)

    def feed(self, word: str) -> Iterator[Delta]:
        if word.startswith("<"):
            self.calls += 1
            yield ToolCallStart(self.calls, self.plan.names.client(word.strip("<>")))
            yield ToolCallDelta(self.calls, json.dumps({"path": "toy.txt"}))
            yield ToolCallEnd(self.calls)
        else:
            yield TextDelta(word + " ")

    def end_thinking(self) -> Iterator[Delta]:
        return iter(())

    def end(self) -> Iterator[Delta]:
        yield Usage(input=7, output=3)
        yield Finish()


class ToyProvider:
    """Refuses a temperature until it has learned better, so that habits can be seen."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        self._endpoint = config.endpoint("toy")

    def server(self, route: Route) -> str:
        return self._endpoint.base_url or str(TOY.url)

    def keys(self, route: Route) -> tuple[str, ...]:
        return self._endpoint.api_keys

    def wire(self, route: Route, habits: Habits) -> Wire:
        return Wire("toy", "Toy", NameRules(characters="a-z", first="", limit=20, kept=11), tool_limit=3, top_k=True)

    def write(self, plan: Plan) -> Written[ToyReader]:
        last = next(turn for turn in reversed(plan.turns) if isinstance(turn, UserTurn))
        body: dict[str, Any] = {
            "toy": plan.route.model,
            "words": " ".join(filter(None, map(flat_text, last.blocks))).split(),
            "tools": [plan.names.upstream(tool.name) for tool in plan.tools],
            "limit": plan.max_tokens,
        }
        if plan.temperature is not None and "temperature" not in plan.habits.refused:
            body["temperature"] = plan.temperature
        return Written("/say", body, ToyReader(plan), ("toys see no colours",))

    def send(self, plan: Plan, written: Written[ToyReader], call: Call, key: str | None) -> list[str] | Failure:
        if key is None:
            raise ApiError(401, "TOY_API_KEY is not set", should_retry=False)
        if "temperature" in written.body:
            return Failure(400, REFUSED)
        calls = [f"<{name}>" for name in written.body["tools"][:1] if "call" in written.body["words"]]
        return [*written.body["words"], *calls]

    def read(self, response: list[str], written: Written[ToyReader], call: Call) -> Iterator[Sequence[Delta]]:
        for word in response:
            yield list(written.reader.feed(word))

    def learn(self, failure: Failure, written: Written[ToyReader], habits: Habits) -> Lesson | None:
        if failure.message != REFUSED:
            return None
        return Lesson("without temperature", {"refused": frozenset(("temperature",))})

    def error(self, failure: Failure, route: Route) -> ApiError:
        return ApiError(failure.status, failure.message)

    def count(self, plan: Plan, written: Written[ToyReader], call: Call, key: str | None) -> int | None:
        return len(written.body["words"])

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass
