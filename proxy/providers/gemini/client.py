"""Calls to Gemini: corrections of what was refused, retries, and the answer from its bytes to deltas."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2

from proxy.config import Config
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.base import Exchange
from proxy.providers.connections import Call, http_client
from proxy.providers.gemini.chunks import Chunks
from proxy.providers.gemini.errors import Backend, Failure, api_error, read_failure
from proxy.providers.gemini.request import GeminiRequest, Manner, build
from proxy.providers.gemini.signatures import SignatureMemory
from proxy.providers.gemini.stream import MISSING_SIGNATURE, GeminiStream
from proxy.providers.gemini.thinking import shows_thinking
from proxy.routing import Route

if TYPE_CHECKING:
    from proxy.providers.gemini.sdk import Sdk

_FIRST_PAUSE = 0.5
_AFTER_FINISH = 5.0
_TRANSIENT = (0, 500, 502, 504)
_NO_MODEL_NAME = re.compile(r"\.\.|[?&#]")

log = logging.getLogger(__name__)


class GeminiProvider:
    """Answers for the provider "gemini": Google's Developer API, a gateway to it, or Vertex AI."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds. The SDK is imported with the first request, which takes most of a second."""
        self._config = config
        self._http = http_client(read_timeout)
        self._lock = threading.Lock()
        self._client: Sdk | None = None
        self._memory = SignatureMemory()
        self._manner = Manner(
            transport="gemini" if config.vertex is None else "vertex",
            most_tokens=config.max_tokens_limit,
            unfiltered=config.gemini_safety == "off",
            forbids_storing=not config.gemini_store,
        )
        self._backend = Backend(
            _address(config),
            "Google Cloud's application default credentials" if config.vertex else f"the API key in {_key_name(config)}",
            None if config.vertex else config.gemini.api_key,
        )

    def translate(self, exchange: Exchange) -> dict[str, Any]:
        return build(exchange, self._manner, self._memory).body

    def stream(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Delta]]:
        manner = self._manner
        corrections: list[str] = []
        attempts = 0
        asked_again = False
        while True:
            exchange.notes.clear()
            request = build(exchange, manner, self._memory)
            for correction in corrections:
                exchange.notes.add(correction)
            answer = self._post(exchange.route, request.body, call)
            if isinstance(answer, Failure):
                corrected = manner.corrected(answer)
                if corrected is not None:
                    manner = self._learned(corrected)
                    corrections.append(f"the request was sent again: {answer.message[:100]}")
                elif attempts < exchange.retries and answer.status in _TRANSIENT and not call.cancelled:
                    call.sleep(_FIRST_PAUSE * 2**attempts)
                    attempts += 1
                else:
                    raise api_error(answer, self._backend)
                continue
            stream = GeminiStream(request.names, request.signatures, self._backend, shows_thinking(exchange.request))
            yield from _read(answer, stream, call)
            if stream.spoilt and not asked_again and not call.cancelled:
                log.info("%s: asked again after %s", exchange.route.model, stream.spoilt)
                corrections.append(f"the model was asked again after {stream.spoilt}")
                manner = replace(manner, sentinels=manner.sentinels or stream.spoilt == MISSING_SIGNATURE)
                asked_again = True
                continue
            yield list(stream.end())
            call.complete = True
            return
