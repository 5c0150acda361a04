"""Google's SDK, up to the point where a request leaves: it makes the address, the headers and the credentials.

The answer we take as bytes: the typed stream drops `finishMessage`, unknown fields and, in silence, a missing end;
comments, `[DONE]` or an error without a code come out of it as ValueError or TypeError; and it takes a dozen times as
long.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import httpx2
from google import genai
from google.auth.exceptions import GoogleAuthError
from google.genai import types

from proxy.protocol.errors import ApiError
from proxy.providers.call import elsewhere
from proxy.providers.common.failures import SHOWN_LIMIT
from proxy.providers.common.memo import Memo
from proxy.providers.common.scrubber import scrubber
from proxy.providers.door import Door, Nowhere, Template
from proxy.settings.config import Vertex

_DEADLINE = 1800
"""Seconds that Google may take for a whole answer, in `X-Server-Timeout`; without it Vertex AI stops after 300
(googleapis/js-genai#1489, 2026-11). 1800 is our choice: longer than answers take, so that our own limits fire first."""
_MODELS = 64
"""Names whose requests are remembered."""
_PLACEHOLDER = [types.Content(role="user", parts=[types.Part(text="replaced by the body")])]

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
        """`http` is what its requests will be sent by. What is not given here, the SDK takes from the environment.

        `credentials` takes the headers with which Google Cloud was last asked; they change by the hour.
        """
        self._credentials = {} if credentials is None else credentials
        options = types.HttpOptions(
            base_url=url,
            api_version=api_version,
            headers={"X-Server-Timeout": str(_DEADLINE)},
            httpx_client=Door(http.timeout),
            # Never used; the SDK would build one, with a TLS context of its own.
            httpx_async_client=httpx2.AsyncClient(transport=Nowhere(), trust_env=False),
        )
        self._timeout = http.timeout
        self._client = genai.Client(
            vertexai=vertex is not None,
            api_key=key,
            project=vertex.project if vertex else None,
            location=vertex.location if vertex else None,
            http_options=options,
        )
        self._templates: Memo[Template] = Memo(_MODELS)

    def answer(self, model: str, body: dict[str, Any]) -> httpx2.Request:
        """A request for `streamGenerateContent`. Raises ApiError (401) without credentials for Vertex AI."""
        return self._template(model, self._generate).request(body, self._timeout)

    def count(self, model: str, body: dict[str, Any]) -> httpx2.Request:
        """A request for `countTokens` of a body of `streamGenerateContent`; raises as `answer` does.

        The Developer API takes it whole, but for its option of storing; Vertex AI takes its parts.
        """
        counted = ("contents", "systemInstruction", "tools")
        parts: dict[str, Any] = {name: body[name] for name in counted if name in body}
        if not self._client.vertexai:
            parts = {"generateContentRequest": {"model": f"models/{model.removeprefix('models/')}", **parts}}
        return self._template(model, self._count).request(parts, self._timeout)

    def _template(self, model: str, use: Callable[[str], object]) -> Template:
        """The SDK takes a millisecond for it. A key stays as it is; a token of Vertex AI does not, and may have to be
        fetched, which blocks.
        """
        if self._client.vertexai:
            return elsewhere(lambda: self._with_credentials(lambda: use(model)), discard=lambda _: None)
        return self._templates.get((use.__name__, model), lambda: Template(lambda: use(model)))

    def _generate(self, model: str) -> object:
        config = types.GenerateContentConfig(
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            automatic_continuation=False,
        )
        return next(self._client.models.generate_content_stream(model=model, contents=_PLACEHOLDER, config=config))

    def _count(self, model: str) -> object:
        return self._client.models.count_tokens(model=model, contents=_PLACEHOLDER)

    def _with_credentials(self, use: Callable[[], object]) -> Template:
        try:
            template = Template(use)
        except GoogleAuthError as error:
            raise ApiError(
                401,
                "Google Cloud's application default credentials cannot be used (USE_VERTEX_AUTH=true); where the proxy "
                "runs, call: gcloud auth application-default login. "
                f"Google says: {scrubber(()).scrubbed(str(error))[:SHOWN_LIMIT]}",
                should_retry=False,
            ) from None
        self._credentials["authorization"] = template.header("authorization")
        return template
