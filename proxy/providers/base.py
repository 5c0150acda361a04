"""What answering hands to a provider, and what a provider gives back: values and one protocol, no vendor's code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.protocol.blocks import TextBlock
from proxy.protocol.deltas import Delta
from proxy.protocol.effort import Display
from proxy.protocol.errors import ApiError
from proxy.protocol.history import Turn
from proxy.protocol.request import MessagesRequest, Tool
from proxy.providers.call import Call
from proxy.providers.common.failures import Failure
from proxy.providers.common.tool_names import NameRules, ToolNames


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """The HTTP request as the client sent it, for a provider that passes it on. `path` has the query in it."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """Begins an answer that is passed on as it is: status and headers; the body follows as bytes."""

    status: int
    headers: list[tuple[str, str]]
    is_stream: bool
    """Whether the body is worth passing on before it is whole, however short."""
    pings: bool = False
    """Whether pings may stand between the pieces, which are whole frames then."""
    length: int | None = None
    """Bytes of the body, where that is known."""


Item = Delta | Head | bytes
"""Of an answer: deltas, or a head and then bytes."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way: who wants what, and where it goes.

    `retries` is how often a connection error or a 5xx before the first byte may be tried again. `session` names the
    client's conversation, the same for all its requests, empty when unknown.
    """

    request: MessagesRequest
    route: Route
    retries: int = 0
    session: str = ""
    has_stand_ins: bool = False
    """Whether others wait to answer where this one fails: then a failure is told here and not passed on."""
    received: ClientRequest = ClientRequest("POST", "/v1/messages")

    @classmethod
    def passing(cls, route: Route, received: ClientRequest) -> Exchange:
        """Of a request that is no messages request, such as for the list of models or with a file."""
        request = MessagesRequest.model_construct(model=route.requested, messages=[], max_tokens=0)
        return cls(request, route, received=received)


def any_schema(_: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Wire:
    """What one vendor's API can be told, whatever the model: the facts on which decisions hang.

    The defaults are those of an API that can do all. `name` is the transport in the envelopes of reasoning state.
    """

    name: str
    title: str
    """The API's name for people."""
    names: NameRules
    tool_limit: int
    verbatim: bool = False
    """The request goes on as it came; nothing is decided about it."""
    searches: Literal["beside tools", "alone", "never"] = "never"
    """Whether it answers Anthropic's web search with its own: with function tools beside it, only alone, or not."""
    top_k: bool = False
    parallel_switch: bool = True
    """Whether a model can be kept from calling several tools at once."""
    refused_efforts: tuple[str, ...] = ()
    """Efforts that this API takes of no model."""
    tools_end_reasoning: bool = False
    """Whether the model takes function tools only without reasoning here."""
    schema_with_tools: bool = True
    """Whether a schema for the answer may stand beside tools."""
    takes_schema: Callable[[Mapping[str, Any]], bool] = any_schema
    """Whether it can be sent this schema for the answer."""
    output_min: int = 1
    """The lowest output limit, in tokens, that the API takes."""
    effort_unknown: bool = False
    """Nothing is known of how the server is told to think; what the request says of it has to be left out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is decided about a request before a vendor's room writes it down. Made by `answering/plan.py`."""

    exchange: Exchange
    wire: Wire
    habits: Habits
    system: tuple[TextBlock, ...]
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    """The function tools to offer, in the client's order."""
    names: ToolNames
    tool_choice: Literal["auto", "any", "none"]
    forced_tool: str | None
    """The client's name of the one tool to call; `tool_choice` is "any" then."""
    parallel: bool
    search: Tool | None
    """The client's web search tool, where the upstream is to answer it."""
    requested_effort: str | None
    """A word of `effort.SCALE`; None leaves it to the model."""
    effort: str | None
    """The nearest that the model takes; None where nothing is to be sent."""
    budget: int | None
    """Tokens to think, for models that take a budget in place of an effort: -1 leaves it to the model, 0 is off."""
    thinks: bool
    """Whether the model will reason, as far as is known."""
    display: Display
    max_tokens: int
    """The limit on output, thinking included."""
    temperature: float | None
    top_p: float | None
    top_k: int | None
    schema: dict[str, Any] | None
    """What the answer must follow, as JSON Schema."""
    user: str
    """Who asks, as the client names them; empty when unknown."""
    tier: Literal["auto", "priority", "standard"]
    stream: bool
    """Whether the upstream is to stream its answer."""
    notes: tuple[str, ...]
    """What these decisions cost."""

    @property
    def route(self) -> Route:
        return self.exchange.route

    @property
    def vision(self) -> bool:
        return self.route.facts.vision and not self.habits.no_images


class Reader(Protocol):
    """Reads one answer; the pure half of a provider. `spoilt` is looked at once the upstream is through."""

    @property
    def spoilt(self) -> str | None:
        """Why the answer, which has shown nothing but thoughts, is worth asking for again."""
        ...

    def end_thinking(self) -> Iterator[Delta]:
        """Closes the thoughts of a spoilt answer, before another one is asked for."""
        ...

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError where the answer is worthless or not complete."""
        ...


Read = TypeVar("Read", bound="Reader | None", covariant=True)


@dataclass(frozen=True, slots=True)
class Written(Generic[Read]):
    """A Plan in a vendor's terms. `reader` is None where the answer is passed on as it is."""

    path: str
    body: dict[str, Any]
    reader: Read
    notes: tuple[str, ...] = ()
    """What only this vendor's wire could not carry."""
    raw: bytes = b""
    """What is sent in place of `body` where a request goes on as it came."""


class Provider(Protocol):
    """One vendor. `write` is pure; `send`, `read` and `count` run in the task, and block only as call.py does."""

    def server(self, route: Route) -> str:
        """The base URL that answers the route; habits are known by it."""
        ...

    def keys(self, route: Route) -> tuple[str, ...]:
        """Those that the server may be asked with; none where it needs none, or where none is set."""
        ...

    def wire(self, route: Route, habits: Habits) -> Wire:
        """Which API of the vendor will be spoken, and what it can be told."""
        ...

    def write(self, plan: Plan) -> Written[Any]:
        """Raises ApiError where the request cannot be put in the vendor's terms."""
        ...

    def send(self, plan: Plan, written: Written[Any], call: Call, key: str | None) -> Any:
        """The response, its body unread, or a Failure. Raises ApiError where there is nothing to try again."""
        ...

    def read(self, response: Any, written: Written[Any], call: Call) -> Iterator[Sequence[Item]]:
        """What the upstream answers, up to but without `reader.end()`; an empty batch is a sign of life.

        Raises ApiError for every failure of the upstream.
        """
        ...

    def learn(self, failure: Failure, written: Written[Any], habits: Habits) -> Lesson | None:
        """What to do otherwise after this refusal; None when nothing is known that would help."""
        ...

    def error(self, failure: Failure, route: Route) -> ApiError:
        """The refusal in the words that clients recover from."""
        ...

    def count(self, plan: Plan, written: Written[Any], call: Call, key: str | None) -> int | None:
        """The input tokens as the upstream counts them, None where it does not count.

        Raises ApiError for every failure of the upstream.
        """
        ...

    def warm_up(self) -> None:
        """Does in advance what the first request would have to wait for."""
        ...

    def close(self) -> None:
        """Lets go of all connections. Nothing is asked of it after that."""
        ...
