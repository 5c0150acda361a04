"""Google's SDK, up to the point where a request leaves.

The SDK makes the address, the headers and the credentials, and puts in the body that we have built. The answer we take
as bytes: the typed stream drops `finishMessage`, unknown fields and, in silence, a missing end; comments, `[DONE]` or
an error without a code come out of it as ValueError or TypeError; and it takes a dozen times as long. None of that
hangs on SDK internals here: the HTTP client that it is given, which is a public option, leaves with the request.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import httpx2
from google import genai
from google.auth.exceptions import GoogleAuthError
from google.genai import types
from google.oauth2.credentials import Credentials

from proxy.protocol.errors import ApiError
from proxy.providers.call import elsewhere
from proxy.providers.common.failures import SHOWN_LIMIT
from proxy.providers.common.scrubber import scrubber
from proxy.settings.config import Vertex

_DEADLINE = 1800
"""Seconds that Google may take for a whole answer, in `X-Server-Timeout`; without it Vertex AI stops after 300
(googleapis/js-genai#1489, 2026-11). 1800 is our choice: longer than answers take, so that our own limits fire first."""

# They warn of variables of the environment that are not used here, and of users' own credentials.
logging.getLogger("google_genai._api_client").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module=r"google\.(auth|genai)")


class Sdk:
    """One client of the SDK, for all requests; safe to share between threads."""

    def __init__(
        self,
        http: httpx2.Client,
        url: str,
        api_version: str,
        *,
        key: str | None = None,
        vertex: Vertex | None = None,
        credentials: dict[str, str] | None = None,
    ) -> None:
        """Everything is given explicitly: what is left out, the SDK takes from the environment.

        `credentials` takes the headers with which Google Cloud was last asked; they change by the hour.
        """
        options = types.HttpOptions(
            base_url=url,
            api_version=api_version,
            headers={"X-Server-Timeout": str(_DEADLINE)},
            httpx_client=_Door(http.timeout, {} if credentials is None else credentials),
            # Never used; the SDK would build one, with a TLS context of its own.
            httpx_async_client=httpx2.AsyncClient(transport=_Nowhere(), trust_env=False),
        )
        self._http = http
        self._client = genai.Client(
            vertexai=vertex is not None,
            api_key=key,
            project=vertex.project if vertex else None,
            location=vertex.location if vertex else None,
            credentials=_credentials(vertex) if vertex else None,
            http_options=options,
        )
        self._placeholder = [types.Content(role="user", parts=[types.Part(text="replaced by the body")])]

    def send(self, model: str, body: dict[str, Any]) -> httpx2.Response:
        """The response of `streamGenerateContent`, whatever its status, its body unread.

        Raises httpx2.HTTPError, and ApiError (401) where the credentials of Vertex AI are not to be had.
        """
        config = types.GenerateContentConfig(
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,
            http_options=types.HttpOptions(extra_body=body),
        )
        models = self._client.models
        return self._answer(
            lambda: next(models.generate_content_stream(model=model, contents=self._placeholder, config=config), None)
        )

    def count(self, model: str, body: dict[str, Any]) -> httpx2.Response:
        """The response of `countTokens` for a body of `streamGenerateContent`; raises as `send` does.

        The Developer API takes it whole, but for its option of storing; Vertex AI takes its parts.
        """
        counted = ("contents", "systemInstruction", "tools")
        parts: dict[str, Any] = {name: body[name] for name in counted if name in body}
        if not self._client.vertexai:
            whole = {"model": f"models/{model.removeprefix('models/')}", **parts}
            parts = {"generateContentRequest": whole, "contents": []}
        config = types.CountTokensConfig(http_options=types.HttpOptions(extra_body=parts))
        models = self._client.models
        return self._answer(lambda: models.count_tokens(model=model, contents=self._placeholder, config=config))

    def _answer(self, use: Callable[[], object]) -> httpx2.Response:
        """The response to a request of the SDK. A token of Vertex AI may have to be fetched for it, which blocks."""
        request = elsewhere(lambda: _made(use), discard=lambda _: None) if self._client.vertexai else _made(use)
        return self._http.send(request, stream=True)


def _credentials(vertex: Vertex) -> Credentials | None:
    """None leaves it to Google's libraries to find some."""
    return Credentials(token=vertex.token) if vertex.token else None  # type: ignore[no-untyped-call]


def _made(use: Callable[[], object]) -> httpx2.Request:
    """A request of the SDK, taken from it at the door."""
    try:
        use()
    except _Made as made:
        return made.request
    except GoogleAuthError as error:
        raise ApiError(
            401,
            "Google Cloud's application default credentials cannot be used (USE_VERTEX_AUTH=true); where the proxy "
            "runs, call: gcloud auth application-default login. "
            f"Google says: {scrubber(()).scrubbed(str(error))[:SHOWN_LIMIT]}",
            should_retry=False,
        ) from None
    raise RuntimeError("the SDK sent its request another way")


class _Made(Exception):
    def __init__(self, request: httpx2.Request) -> None:
        self.request = request


class _Nowhere(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Keeps a client that never sends anything itself from building connections."""


class _Door(httpx2.Client):
    """Gives what the SDK sends to whoever uses the SDK, with our own timeouts."""

    def __init__(self, timeout: httpx2.Timeout, credentials: dict[str, str]) -> None:
        super().__init__(transport=_Nowhere(), trust_env=False)
        self._timeouts = timeout.as_dict()
        self._credentials = credentials

    def send(self, request: httpx2.Request, **_: Any) -> NoReturn:
        self._credentials["authorization"] = request.headers.get("authorization", "")
        request.extensions["timeout"] = self._timeouts
        raise _Made(request)
