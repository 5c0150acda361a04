"""How Claude Code has to be set up for the models that answer it: the variables of its environment. Pure.

What each variable does was measured with Claude Code 2.1.332 (2026-11-28).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.answering.plan import Limits, output_ceiling
from proxy.models.assignments import LONG_CONTEXT
from proxy.models.names import CLAUDE_MODELS
from proxy.models.routing import Route, Router
from proxy.models.vendors import vendor
from proxy.settings.config import Config

MIN_COMPACT_WINDOW = 100_000
"""Tokens. CLAUDE_CODE_AUTO_COMPACT_WINDOW is raised to it where it is smaller."""
MAX_COMPACT_WINDOW = 1_000_000
_PATIENCE = 1_200_000
"""Milliseconds for servers of one's own, which may read a long prompt for minutes; the client's default is 600,000."""
_OPUS, _HAIKU = "claude-opus-5-5", "claude-haiku-5-5"
_LOCAL_TOKEN = "local"  # noqa: S105 - Claude Code does not start without any
_OTHER_ROADS = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""With one of them Claude Code heeds no ANTHROPIC_BASE_URL."""
_FIRM = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", *_OTHER_ROADS)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = "NO_PROXY"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """`variables`: by name, without the server's address and the token."""

    variables: Mapping[str, str]
    own_login: bool = False
    """Whether a request may go to Anthropic with the client's own login, so that no token may take its place."""


def client_setup(router: Router, config: Config, *, judges: bool) -> ClientSetup:
    """`judges`: whether the server checks tool uses for auto mode (the request's field `safeguards`)."""
    routes = {name: router.resolve(name) for name in CLAUDE_MODELS}
    others = {name: route for name, route in routes.items() if not vendor(route.provider).owns_claude}
    variables = {
        "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING": "1",
    }
    if others:
        # The attribution changes at the head of the prompt, where prompt caches compare.
        variables |= {"CLAUDE_CODE_ATTRIBUTION_HEADER": "0", "ANTHROPIC_DEFAULT_HAIKU_MODEL": _HAIKU}
        variables |= _window(router, others) | _output(config, others)
    if any(not route.official for route in others.values()):
        variables["API_TIMEOUT_MS"] = str(_PATIENCE)
    if not judges and _OPUS in others:
        # Else the client would ask the server for verdicts, get none, and refuse every tool use that needs one.
        variables |= {"CLAUDE_CODE_AUTO_MODE_SERVER": "0", "CLAUDE_CODE_AUTO_MODE_MODEL": _HAIKU}
    return ClientSetup(variables, own_login=_needs_login(router, config))


def environment(setup: ClientSetup, url: str, keys: Sequence[str]) -> dict[str, str]:
    """All variables for a client of the server at `url`, which takes `keys`; those with "" have to be absent."""
    credentials = {} if setup.own_login else {"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": [*keys, _LOCAL_TOKEN][0]}
    return {"ANTHROPIC_BASE_URL": url, **credentials, **dict.fromkeys(_OTHER_ROADS, ""), **setup.variables}


def merged(own: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a client whose user has `own`, with `variables` as of `environment`.

    What the user has set counts, but for where the server is and how to get in.
    """
    ours = {name: value for name, value in variables.items() if name in _FIRM or not own.get(name)}
    found = {**own, **ours}
    if any(name.lower() in _PROXIES and value for name, value in own.items()):
        # The server refuses what comes through another proxy.
        for name in {name for name in own if name.lower() == _NO_PROXY.lower()} or {_NO_PROXY}:
            found[name] = ",".join(filter(None, (own.get(name), *_LOOPBACK)))
    return {name: value for name, value in found.items() if value or name not in ours}


def _window(router: Router, routes: Mapping[str, Route]) -> dict[str, str]:
    """When the conversation is to be compacted: before it outgrows any model that may answer it."""
    main = routes.get(_OPUS)
    if main and 0 < (window := _room(router, main)) < MIN_COMPACT_WINDOW:
        # The client takes a smaller window for names only that it does not know.
        name = router.own_id(main)
        own_name = {"ANTHROPIC_MODEL": name} if name else {}
        return {**own_name, "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(window)}
    known = [window for route in routes.values() if (window := _room(router, route)) >= MIN_COMPACT_WINDOW]
    return {"CLAUDE_CODE_AUTO_COMPACT_WINDOW": str(min(*known, MAX_COMPACT_WINDOW))} if known else {}


def _room(router: Router, route: Route) -> int:
    """The tokens that fit whoever answers, the one for what is too long included; 0 where that is not known."""
    window = route.facts.context_window or 0
    larger = router.instead(route, LONG_CONTEXT)
    return max(window, larger.facts.context_window or 0) if window and larger else window


def _output(config: Config, routes: Mapping[str, Route]) -> dict[str, str]:
    """How much is asked of those who answer in conversations; a request for more would be cut to this."""
    limits = Limits(config.max_tokens_limit)
    ceilings = [output_ceiling(route.facts, limits) for name, route in routes.items() if name != _HAIKU]
    return {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(min(ceilings))} if ceilings else {}


def _needs_login(router: Router, config: Config) -> bool:
    """Whether Anthropic answers somebody for whom the server has no key; with a gate the client's is not passed on."""
    owners = [name for name in router.vendors() if vendor(name).owns_claude]
    return not config.proxy_api_keys and not all(config.endpoint(owner).api_keys for owner in owners)
