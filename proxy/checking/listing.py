"""What servers tell of their models: the names, and how many tokens fit.

    whose            asked                         has the window in
    vLLM             GET  {base}/models            max_model_len
    OpenRouter       GET  {base}/models            context_length
    Groq             GET  {base}/models            context_window
    Mistral          GET  {base}/models            max_context_length
    Anthropic        GET  {base}/v1/models         max_input_tokens
    Gemini           GET  {base}/v1beta/models     inputTokenLimit
    llama.cpp        GET  {root}/props             default_generation_settings.n_ctx
    Ollama, loaded   GET  {root}/api/ps            models[].context_length
    Ollama           POST {root}/api/show          the parameter num_ctx, or at most model_info's *.context_length
    LM Studio        GET  {root}/api/v0/models     loaded_context_length, or at most max_context_length

`root` is the base URL without `/v1`: a key goes nowhere else on a host that several may share. All of it was looked up
in the servers' documentation, 2026-11.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx2

from proxy.models.routing import Route
from proxy.models.vendors import vendor
from proxy.providers.connections import http_client
from proxy.web.services import Services

_PATIENCE = 5.0
"""Seconds for one of these questions."""
_LISTS = {"gemini": "/{version}/models?pageSize=1000", "anthropic": "/v1/models?limit=1000"}
_OTHER_LISTS = "/models"
_TAGS = "/api/tags"
_WINDOW_FIELDS = (
    *("max_model_len", "loaded_context_length", "context_length", "context_window"),
    *("max_context_length", "max_input_tokens", "inputTokenLimit"),
)


class Window(NamedTuple):
    """Tokens. Where `is_limit_only`, the model could take so many; the server may have been started with less."""

    tokens: int
    is_limit_only: bool = False


class ListedModel(NamedTuple):
    id: str
    window: int | None = None


class NotListed(Exception):
    """The server gave no list; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """An upstream, and how it is asked for its list. `path` begins with a slash."""

    url: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    is_custom: bool

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v1")


def server_of(services: Services, route: Route) -> Server | None:
    """Who answers the route; None where it gives no list: Vertex AI, and a vendor whose key is not set."""
    config, provider = services.config, services.provider(route.provider)
    keys, custom = provider.keys(route), route.custom
    if not keys and custom is None:
        return None
    key = keys[0] if keys else None
    headers: dict[str, str | None]
    if custom is not None:
        bare = custom.api_key_header.lower() != "authorization"
        headers = {custom.api_key_header: key if bare or not key else f"Bearer {key}", **custom.headers}
    elif route.provider == "gemini":
        headers = {"x-goog-api-key": key}
    elif vendor(route.provider).owns_claude:
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    else:
        headers = {"Authorization": f"Bearer {key}"}
    path = _LISTS.get(route.provider, _OTHER_LISTS).format(version=config.gemini_api_version or "v1beta")
    given = {name: value for name, value in headers.items() if value}
    return Server(provider.server(route), path, given, custom is not None)


class Listing:
    """Asks servers for what they tell of their models; safe to share between threads."""

    def __init__(self) -> None:
        self._http = http_client(_PATIENCE)

    def models(self, server: Server) -> list[ListedModel]:
        """All models of a server, in its order. Raises NotListed."""
        body = self._asked("GET", server, server.url + server.path)
        found = list(_listed(body))
        if not found and server.is_custom:
            with contextlib.suppress(NotListed):
                found = list(_listed(self._asked("GET", server, server.root + _TAGS)))
        if not found and not isinstance(body, dict | list):
            raise NotListed(f"{server.url}{server.path} gave no list")
        return found

    def window(self, server: Server, model: str) -> Window | None:
        """How many tokens fit, where the server says so."""
        with contextlib.suppress(NotListed):
            for listed in self.models(server):
                if listed.id == model and listed.window is not None:
                    return Window(listed.window)
        return self._own_window(server, model) if server.is_custom else None

    def answers_at(self, server: Server, url: str) -> bool:
        """Whether the server gives a list under another base URL."""
        try:
            return bool(list(_listed(self._asked("GET", server, url + server.path))))
        except NotListed:
            return False

    def _own_window(self, server: Server, model: str) -> Window | None:
        """By the questions that only the servers for one's own machine know."""
        limit: Window | None = None
        for method, path, reads in _OWN_WAYS:
            try:
                body = self._asked(method, server, server.root + path, {"model": model} if method == "POST" else None)
                window = reads(body, model)
            except (NotListed, KeyError, TypeError, ValueError, AttributeError):
                continue
            if window is not None and not window.is_limit_only:
                return window
            limit = limit or window
        return limit

    def _asked(self, method: str, server: Server, url: str, body: Any = None) -> Any:
        try:
            answer = self._http.request(method, url, headers=dict(server.headers), json=body)
        except httpx2.HTTPError as error:
            raise NotListed(f"cannot reach {url} ({type(error).__name__})") from None
        if answer.status_code != 200:
            raise NotListed(f"{url} answered {answer.status_code}")
        try:
            return answer.json()
        except ValueError:
            raise NotListed(f"{url} did not answer with JSON") from None


def _listed(body: Any) -> Iterator[ListedModel]:
    entries = body.get("data") or body.get("models") if isinstance(body, dict) else body
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("id") or entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            windows = (entry.get(each) for each in _WINDOW_FIELDS)
            window = next((each for each in windows if type(each) is int and each > 0), None)
            yield ListedModel(name.removeprefix("models/"), window)


def _tokens(value: Any, *, is_limit_only: bool = False) -> Window | None:
    return Window(value, is_limit_only) if type(value) is int and value > 0 else None


def _of_props(body: Any, _: str) -> Window | None:
    return _tokens(body["default_generation_settings"]["n_ctx"])


def _of_loaded(body: Any, model: str) -> Window | None:
    named = (each for each in body["models"] if each.get("name") in (model, f"{model}:latest"))
    return next((_tokens(each.get("context_length")) for each in named), None)


def _of_show(body: Any, _: str) -> Window | None:
    found = re.search(r"^num_ctx\s+(\d+)", body.get("parameters") or "", re.MULTILINE)
    if found:
        return _tokens(int(found[1]))
    lengths = (each for name, each in body["model_info"].items() if name.endswith(".context_length"))
    return _tokens(next(lengths, None), is_limit_only=True)


def _of_lm_studio(body: Any, model: str) -> Window | None:
    for entry in body["data"]:
        if entry.get("id") == model:
            loaded = _tokens(entry.get("loaded_context_length"))
            return loaded or _tokens(entry.get("max_context_length"), is_limit_only=True)
    return None


_OWN_WAYS = (
    ("GET", "/props", _of_props),
    ("GET", "/api/ps", _of_loaded),
    ("POST", "/api/show", _of_show),
    ("GET", "/api/v0/models", _of_lm_studio),
)
