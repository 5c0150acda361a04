"""Calls to Gemini: Google's Developer API, a gateway to it, or Vertex AI; the answer from its bytes to deltas."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import httpx2

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.base import Plan, Wire, Written
from proxy.providers.call import Call
from proxy.providers.common.batches import Batches
from proxy.providers.common.failures import Backend, Failure
from proxy.providers.common.learning import learn, without
from proxy.providers.connections import ERROR_LIMIT, bounded, decoded_body, http_client, read_count
from proxy.providers.gemini import request
from proxy.providers.gemini.chunks import Chunks
from proxy.providers.gemini.errors import api_error, read_failure
from proxy.providers.gemini.request import STORE, THINKING, Options
from proxy.providers.gemini.signatures import SignatureMemory
from proxy.providers.gemini.stream import GeminiStream
from proxy.settings.config import Config

if TYPE_CHECKING:
    from proxy.providers.gemini.sdk import Sdk

OFFICIAL_URL = "https://generativelanguage.googleapis.com"
_PATH = "streamGenerateContent"
_AFTER_FINISH = 5.0
"""Seconds that a connection may stay open after the server has said why it stops. Nothing of use comes after
that; longer, and a gateway that never closes would keep the client waiting for an answer that it has read."""
_MULTI_REGIONS = ("us", "eu")
"""Locations with a host of another form than regions have
(docs.cloud.google.com/gemini-enterprise-agent-platform/resources/locations, 2026-11)."""
_NO_MODEL_NAME = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\.\.|[?&#%\\]")
"""It stands in the path of the request, which servers on the way decode."""
_ABOUT_THINKING = re.compile(
    r"thinking (is not|budget|level)|thinking_?(budget|level|config)|budget -?\d+ is invalid", re.IGNORECASE
)


class GeminiProvider:
    """Answers for the provider "gemini"."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds. The SDK is imported by `warm_up`, at the latest with the first request."""
        self._config = config
        self._http = http_client(read_timeout)
        self._lock = threading.Lock()
        self._sdks: dict[str | None, Sdk] = {}
        self._memory = SignatureMemory()
        self._options = Options(
            transport="gemini" if config.vertex is None else "vertex",
            unfiltered=config.gemini_safety == "off",
            forbids_storing=not config.gemini_store,
        )
        endpoint = config.endpoint("gemini")
        self._credentials = {"authorization": ""}  # never another size: other threads go through it
        self._backend = Backend(
            _address(config),
            None if config.vertex else endpoint.key_variable,
            () if config.vertex else endpoint.api_keys,
            self._credentials,
        )

    def server(self, route: Route) -> str:  # noqa: ARG002 - one for all routes
        return self._backend.url

    def keys(self, route: Route) -> tuple[str, ...]:  # noqa: ARG002 - one pool for all routes
        return self._backend.keys

    def wire(self, route: Route, habits: Habits) -> Wire:  # noqa: ARG002 - it has one API
        return request.wire(route, self._options)

    def write(self, plan: Plan) -> Written[GeminiStream]:
        built = request.build(plan, self._options, self._memory)
        shows = plan.display != "none"
        stream = GeminiStream(built.names, built.signatures, self._backend, shows, built.search)
        return Written(_PATH, built.body, stream, built.notes)

    def send(
        self, plan: Plan, written: Written[GeminiStream], call: Call, key: str | None
    ) -> httpx2.Response | Failure:
        model = plan.route.model
        return self._post(plan.route, lambda sdk: sdk.send(model, written.body), call, key)

    def read(self, response: httpx2.Response, written: Written[GeminiStream], call: Call) -> Iterator[Sequence[Delta]]:
        """A batch for each piece that comes off the network, empty ones included: they are signs of life."""
        stream, body = written.reader, bounded(decoded_body(response))
        chunks, batches, until = Chunks(stream.backend), Batches(), math.inf
        call.reads(response, body)
        try:
            for piece in body:
                yield from batches.of(chain(map(stream.feed, chunks.feed(piece)), [stream.counted()]))
                if stream.finished and until == math.inf:
                    call.read_limit = _patience(self._config)
                    until = time.monotonic() + call.read_limit
                elif time.monotonic() > until:
                    return
            yield from batches.of(chain(map(stream.feed, chunks.end()), [stream.counted()]))
        except ApiError:
            yield [*stream.counted()]
            if not stream.complete:
                raise
        except httpx2.ReadTimeout:
            if not stream.finished:
                raise ApiError(504, f"{stream.backend.url} fell silent in the middle of its answer") from None
        except httpx2.HTTPError:
            if not stream.finished:
                raise ApiError(502, CUT_OFF) from None

    def learn(self, failure: Failure, written: Written[GeminiStream], habits: Habits) -> Lesson | None:
        """What all servers can teach, and what only Google's bodies have.

        Google answers to some names with other models than they say, so how one thinks is not remembered.
        """
        if failure.status == 400 and _ABOUT_THINKING.search(failure.message) and THINKING not in habits.refused:
            return without(THINKING, lasting=False)
        if failure.status == 400 and f'Unknown name "{STORE}"' in failure.message and STORE not in habits.refused:
            return without(STORE)
        return learn(failure, written.body, habits)

    def error(self, failure: Failure, route: Route) -> ApiError:  # noqa: ARG002 - one server for all routes
        return api_error(failure, self._backend)

    def count(self, plan: Plan, written: Written[GeminiStream], call: Call, key: str | None) -> int | None:
        model = plan.route.model
        answer = self._post(plan.route, lambda sdk: sdk.count(model, written.body), call, key)
        if isinstance(answer, Failure):
            raise api_error(answer, self._backend)
        return read_count(answer, "totalTokens", call)

    def warm_up(self) -> None:
        """Imports the SDK, which takes most of a second."""
        import proxy.providers.gemini.sdk  # noqa: F401

    def close(self) -> None:
        self._http.close()

    def _post(
        self, route: Route, send: Callable[[Sdk], httpx2.Response], call: Call, key: str | None
    ) -> httpx2.Response | Failure:
        """The response, its body unread, or why there is none."""
        if self._config.vertex is None and key is None:
            raise ApiError(
                401,
                f"{self._backend.key_variable} is not set; it holds the key for {self._backend.url}, "
                f"which answers {route.requested}",
                should_retry=False,
            )
        if _NO_MODEL_NAME.search(route.model):
            raise ApiError(404, f"model: {route.requested} leads to {route.target}, which can be no model's name")
        try:
            response = send(self._connected(key))
            if response.status_code == 200:
                return response
            call.reads(response, iter(()))
            return read_failure(response.status_code, response.headers, response.read()[:ERROR_LIMIT])
        except httpx2.TimeoutException:
            return Failure(0, "it did not answer in time")
        except httpx2.HTTPError as error:
            return Failure(0, str(error) or "the connection failed")

    def _connected(self, key: str | None) -> Sdk:
        with self._lock:
            if key not in self._sdks:
                from proxy.providers.gemini.sdk import Sdk

                config = self._config
                version = config.gemini_api_version or ("v1beta" if config.vertex is None else "v1beta1")
                self._sdks[key] = Sdk(
                    self._http,
                    self._backend.url,
                    version,
                    key=key,
                    vertex=config.vertex,
                    credentials=self._credentials,
                )
            return self._sdks[key]


def _address(config: Config) -> str:
    base_url = config.endpoint("gemini").base_url
    if base_url is not None:
        return base_url
    if config.vertex is None:
        return OFFICIAL_URL
    location = config.vertex.location
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _patience(config: Config) -> float:
    """Seconds for what may follow an answer: less than counts as silence."""
    return min(_AFTER_FINISH, (config.request_timeout or math.inf) / 2)
