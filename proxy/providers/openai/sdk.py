"""OpenAI's SDK, up to the point where a request leaves: it makes the address and the headers."""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from proxy import __version__
from proxy.providers.common.failures import Backend
from proxy.providers.door import Door, Template
from proxy.settings.custom_models import CustomModel

_KEY_HEADER = "Authorization"


class Sdk:
    """One client of the SDK, for all requests to a server with one key; safe to share between threads."""

    def __init__(self, http: httpx2.Client, backend: Backend, key: str | None, custom: CustomModel | None) -> None:
        """`http` is what its requests will be sent by."""
        self._timeout = http.timeout
        self._client = _Client(backend, key, custom, Door(http.timeout))
        self._templates: dict[str, Template] = {}

    def request(self, path: str, body: dict[str, Any]) -> httpx2.Request:
        """The SDK takes longer for a request than all that comes after it, so it makes one for each path."""
        template = self._templates.get(path)
        if template is None:
            template = Template(lambda: self._client.post(path, cast_to=object, body={}))
            self._templates[path] = template
        return template.request(body, self._timeout)


class _Client(openai.OpenAI):
    """The SDK's client with nothing from the environment.

    OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_ADMIN_KEY and OPENAI_CUSTOM_HEADERS are meant for OpenAI; the SDK would
    send them to every server.
    """

    def __init__(self, backend: Backend, key: str | None, custom: CustomModel | None, http: httpx2.Client) -> None:
        key_header = custom.api_key_header if custom is not None else _KEY_HEADER
        value = f"Bearer {key}" if key_header.lower() == _KEY_HEADER.lower() else key
        self._own_headers = {
            "Accept": "text/event-stream, application/json",
            "Content-Type": "application/json",
            "User-Agent": f"claude-proxy/{__version__}",
            **({key_header: value} if key and value else {}),
            **backend.headers,
        }
        super().__init__(api_key="unused", base_url=backend.url, max_retries=0, http_client=http)

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        return dict(self._own_headers)

    def _auth_headers(self, _: object) -> dict[str, str]:
        return {}

    def _validate_headers(self, *_: object) -> None:
        """Servers without a key are served without an Authorization header."""
