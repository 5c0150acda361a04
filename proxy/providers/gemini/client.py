"""Calls to Gemini: corrections of what was refused, retries, and the answer from its bytes to deltas."""

from __future__ import annotations

import logging
import operator
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2

from proxy.models.routing import Route
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.base import Exchange
from proxy.providers.connections import Call, http_client, read_count
from proxy.providers.gemini.chunks import Chunk, Chunks
from proxy.providers.gemini.errors import Backend, Failure, api_error, read_failure
from proxy.providers.gemini.request import Manner, build
from proxy.providers.gemini.signatures import SignatureMemory
from proxy.providers.gemini.stream import MISSING_SIGNATURE, GeminiStream
from proxy.providers.gemini.thinking import shows_thinking
from proxy.settings.config import Config

if TYPE_CHECKING:
    from proxy.providers.gemini.sdk import Sdk

OFFICIAL_URL = "https://generativelanguage.googleapis.com"
_FIRST_PAUSE = 0.5
_AFTER_FINISH = 5.0
_TRANSIENT = (0, 500, 502, 504)
_MULTI_REGIONS = ("us", "eu")
_NO_MODEL_NAME = re.compile(r"\.\.|[?&#]")

log = logging.getLogger(__name__)


class GeminiProvider:
    """Answers for the provider "gemini": Google's Developer API, a gateway to it, or Vertex AI."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds. The SDK is imported by `warm_up`, at the latest with the first request."""
        self._config = config
        self._http = http_client(read_timeout)
        self._lock = threading.Lock()
        self._sdk: Sdk | None = None
        self._memory = SignatureMemory()
        self._manner = Manner(
            transport="gemini" if config.vertex is None else "vertex",
            most_tokens=config.max_tokens_limit,
            unfiltered=config.gemini_safety == "off",
            forbids_storing=not config.gemini_store,
        )
        self._backend = Backend(
            _address(config),
            "the application default credentials" if config.vertex else f"the key in {config.gemini.key_variable}",
            None if config.vertex else config.gemini.api_key,
        )

    def warm_up(self) -> None:
        """Imports the SDK, which takes most of a second."""
        import proxy.providers.gemini.sdk  # noqa: F401

    def translate(self, exchange: Exchange) -> dict[str, Any]:
        return build(exchange, self._manner, self._memory).body

    def count(self, exchange: Exchange, call: Call) -> int | None:
        body = build(exchange, self._manner, self._memory).body
        answer = self._post(exchange.route, lambda sdk: sdk.count(exchange.route.model, body), call)
        if isinstance(answer, Failure):
            raise api_error(answer, self._backend)
        return read_count(answer, "totalTokens", call)

    def searches(self, route: Route) -> bool:  # noqa: ARG002 - all of its models do
        return True

    def stream(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Delta]]:
        manner = self._manner
        again: list[str] = []
        attempts = 0
        asked_again = False
        while True:
            exchange.notes.clear()
            request = build(exchange, manner, self._memory)
            for reason in again:
                exchange.notes.add(reason)
            answer = self._post(exchange.route, operator.methodcaller("send", exchange.route.model, request.body), call)
            if isinstance(answer, Failure):
                correction = manner.corrected(answer)
                if correction is not None:
                    manner = correction.manner
                    again.append(f"the request was sent once more: {correction.reason}")
                    log.info("%s, %s: %s", self._backend.url, exchange.route.model, correction.reason)
                    if correction.lasting:
                        self._manner = replace(self._manner, ids=manner.ids, forbids_storing=manner.forbids_storing)
                elif attempts < exchange.retries and answer.status in _TRANSIENT and not call.cancelled:
                    call.sleep(_FIRST_PAUSE * 2**attempts)
                    attempts += 1
                else:
                    raise api_error(answer, self._backend)
                continue
            shows = shows_thinking(exchange.request)
            stream = GeminiStream(request.names, request.signatures, self._backend, shows, request.search)
            yield from _read(answer, stream, call)
            if stream.spoilt is None or asked_again or call.cancelled:
                break
            asked_again = True
            again.append(f"the model was asked once more after {stream.spoilt}")
            log.info("%s: asked once more after %s", exchange.route.model, stream.spoilt)
            manner = replace(manner, sentinels=manner.sentinels or stream.spoilt == MISSING_SIGNATURE)
            yield list(stream.end_thinking())
            answer.close()
            call.read_limit = None
        yield list(stream.end())
        call.complete = True

    def _post(self, route: Route, send: Callable[[Sdk], httpx2.Response], call: Call) -> httpx2.Response | Failure:
        """The response, its body unread, or why there is none; status 0 stands for a connection that failed."""
        if self._config.vertex is None and self._config.gemini.api_key is None:
            raise ApiError(
                401,
                f"{self._config.gemini.key_variable} is not set; it holds the key for {self._backend.url}, "
                f"which answers {route.requested}",
                should_retry=False,
            )
        if _NO_MODEL_NAME.search(route.model):
            raise ApiError(404, f"model: {route.requested} leads to {route.target}, which can be no model's name")
        try:
            response = send(self._connected())
            if response.status_code == 200:
                return response
            call.reads(response, iter(()))
            return read_failure(response.status_code, response.headers, response.read())
        except httpx2.TimeoutException:
            return Failure(0, "it did not answer in time")
        except httpx2.HTTPError as error:
            return Failure(0, str(error) or "the connection failed")

    def _connected(self) -> Sdk:
        with self._lock:
            if self._sdk is None:
                from proxy.providers.gemini.sdk import Sdk

                config = self._config
                version = config.gemini_api_version or ("v1beta" if config.vertex is None else "v1beta1")
                self._sdk = Sdk(self._http, self._backend.url, version, key=self._backend.key, vertex=config.vertex)
            return self._sdk


def _address(config: Config) -> str:
    if config.gemini.base_url is not None:
        return config.gemini.base_url
    if config.vertex is None:
        return OFFICIAL_URL
    location = config.vertex.location
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _read(response: httpx2.Response, stream: GeminiStream, call: Call) -> Iterator[Sequence[Delta]]:
    """A batch for each piece that comes off the network, empty ones included: they are signs of life."""
    body = response.iter_bytes()
    call.reads(response, body)
    chunks = Chunks()
    try:
        for piece in body:
            yield from _fed(chunks.feed(piece), stream)
            if stream.finished:
                call.read_limit = _AFTER_FINISH
        yield from _fed(chunks.end(), stream)
    except httpx2.ReadTimeout:
        if not stream.finished:
            raise ApiError(504, f"{stream.backend.url} fell silent in the middle of its answer") from None
    except httpx2.HTTPError:
        if not stream.finished:
            raise ApiError(502, CUT_OFF) from None


def _fed(chunks: Iterable[Chunk], stream: GeminiStream) -> Iterator[Sequence[Delta]]:
    """One batch; where a chunk tells of a failure, what came before it is not lost."""
    deltas: list[Delta] = []
    try:
        for chunk in chunks:
            deltas.extend(stream.feed(chunk))
    except ApiError:
        yield deltas
        raise
    yield deltas
