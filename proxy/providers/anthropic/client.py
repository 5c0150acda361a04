"""Calls to Anthropic itself: what comes back is passed on as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx2

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.anthropic.rewrite import request_body, request_headers, response_headers
from proxy.providers.base import Head, Item, Plan, Wire, Written
from proxy.providers.call import Call
from proxy.providers.common.failures import Failure
from proxy.providers.common.tool_names import NameRules
from proxy.providers.connections import EVENT_LIMIT, decoded_body, http_client, raw_body
from proxy.settings.config import Config

OFFICIAL_URL = "https://api.anthropic.com"
_FRAME_ENDS = (b"\n\n", b"\r\n\r\n")
_DECODED = ("gzip", "deflate")
"""Encodings that an upstream may use although it is asked for none."""
_NAMES = NameRules(characters="a-zA-Z0-9_-", first="", limit=128, kept=119)
"""`^[a-zA-Z0-9_-]{1,128}$` (Anthropic's API reference, `tools.name`, 2026-11). 119 characters, `_` and 8 digits of a
hash are just 128. Only the plan sees these names: the body goes on with the client's own."""
_LAST_EVENTS = (b"event: message_stop", b"event: error", b"event:message_stop", b"event:error")


class AnthropicProvider:
    """Passes requests on, and answers as they come: a head, then bytes. One pool of connections for all."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds is a backstop: the pump's idle limit fires first."""
        self._endpoint = config.endpoint("anthropic")
        self._has_gate = bool(config.proxy_api_keys)
        self._url = self._endpoint.base_url or OFFICIAL_URL
        self._http = http_client(read_timeout)

    def server(self, route: Route) -> str:  # noqa: ARG002 - one for all routes
        return self._url

    def wire(self, route: Route, habits: Habits) -> Wire:  # noqa: ARG002 - it has one API
        return Wire("anthropic", "Anthropic", _NAMES, 0, verbatim=True, searches="beside tools")

    def write(self, plan: Plan) -> Written[None]:
        received, route = plan.exchange.received, plan.route
        raw = request_body(received.body, route.requested, route.model, route.effort) if received.body else b""
        return Written(received.path, {}, None, raw=raw)

    def send(self, plan: Plan, written: Written[None], call: Call) -> httpx2.Response | Failure:  # noqa: ARG002
        received = plan.exchange.received
        headers = request_headers(received.headers, self._key())
        try:
            request = self._http.build_request(
                received.method,
                self._url + written.path,
                headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
                content=written.raw,
            )
            return self._http.send(request, stream=True, auth=_untouched)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Failure(0, type(error).__name__)

    def read(self, response: httpx2.Response, written: Written[None], call: Call) -> Iterator[Sequence[Item]]:  # noqa: ARG002
        """The head, then the body: of an event stream in whole frames, of anything else in pieces."""
        if response.status_code < 200 or 300 <= response.status_code < 400:
            raise ApiError(
                502, f"{self._url} answered {response.status_code}; set ANTHROPIC_UPSTREAM_URL to where it leads"
            )
        decodes = response.headers.get("content-encoding", "").strip().lower() in _DECODED
        pieces = decoded_body(response) if decodes else raw_body(response)
        call.reads(response, pieces)
        is_stream = "event-stream" in response.headers.get("content-type", "")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        yield [Head(response.status_code, response_headers(headers, decoded=decodes), is_stream)]
        try:
            yield from _frames(pieces) if is_stream else ([piece] for piece in pieces)
        except httpx2.HTTPError:
            raise ApiError(502, CUT_OFF) from None
        call.complete = True

    def learn(self, failure: Failure, written: Written[None], habits: Habits) -> Lesson | None:  # noqa: ARG002
        """Its refusals are for the client."""
        return None

    def error(self, failure: Failure, route: Route) -> ApiError:  # noqa: ARG002 - one server for all routes
        reason = f"({failure.message}); check the network and ANTHROPIC_UPSTREAM_URL"
        return ApiError(502, f"cannot reach {self._url} {reason}")

    def count(self, plan: Plan, written: Written[None], call: Call) -> int | None:  # noqa: ARG002
        """A request to count is passed on like any other."""
        return None

    def warm_up(self) -> None:
        """Its HTTP client is imported with this module."""

    def _key(self) -> str | None:
        """The server's key; without one the client's own credentials go on, unless they are for this proxy."""
        if self._endpoint.api_key is None and self._has_gate:
            raise ApiError(
                401,
                f"{self._endpoint.key_variable} is not set; it holds the key for {self._url}, where the key that the "
                "client sends is not good: it is the proxy's",
                should_retry=False,
            )
        return self._endpoint.api_key


def _frames(pieces: Iterator[bytes]) -> Iterator[list[Item]]:
    """Whole frames only, so that a ping may stand between any two batches. An incomplete end is an error.

    Nothing is read after the last event: some upstreams leave the connection open.
    """
    parts: list[bytes] = []
    size = 0
    last = b""
    for piece in pieces:
        # A mark may be cut: what is kept of earlier pieces ends with less than one.
        joint = (parts[-1][-3:] if parts else b"") + piece
        end = max(joint.rfind(mark) + len(mark) if mark in joint else 0 for mark in _FRAME_ENDS)
        if not end:
            parts.append(piece)
            size += len(piece)
            if size > EVENT_LIMIT:
                raise ApiError(502, "the upstream sent an event without end")
            yield []
            continue
        cut = end - (len(joint) - len(piece))
        whole, rest = b"".join([*parts, piece[: max(cut, 0)]]), piece[max(cut, 0) :]
        parts, size, last = [rest] if rest else [], len(rest), whole
        yield [whole]
        if any(event in whole for event in _LAST_EVENTS):
            return
    if b"".join(parts).strip() or not any(event in last for event in _LAST_EVENTS):
        raise ApiError(502, CUT_OFF)


def _untouched(request: httpx2.Request) -> httpx2.Request:
    """Credentials are the headers': without this those of a base URL would take their place."""
    return request
