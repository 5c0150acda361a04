"""What is printed at the start: where, for whom, who answers, and how to start Claude Code. ASCII only."""

from __future__ import annotations

import ipaddress
import os

from proxy import __version__
from proxy.logs import ascii_only
from proxy.models.routing import Route
from proxy.models.vendors import vendor
from proxy.protocol.errors import ApiError
from proxy.settings.config import Config
from proxy.web.services import Services

_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104


def banner(services: Services, port: int) -> str:
    config = services.config
    url = local_url(config.host, port)
    customs = ", ".join(custom.model_id for custom in config.custom_models)
    lines = [
        f"claude-proxy {__version__} serves {url} (listening on {config.host}, port {port})",
        f"  who may call  {_callers(config)}",
        f"  big models    opus, sonnet and others -> {_answerer(services, 'claude-opus-5-5')}",
        f"  small models  haiku -> {_answerer(services, 'claude-haiku-5-5')}",
        f"  custom models {customs or 'none'}",
        f"  status page   {url}/",
        *_recording(config),
        *(f"  warning       {warning}" for warning in (*config.warnings, *_unreachable(config))),
        "Start Claude Code, set up for these models, with (in this directory also: python -m proxy claude):",
        "  claude-proxy claude",
        "or by hand with:",
        f"  {start_line(url, '<your PROXY_API_KEY>' if config.proxy_api_keys else 'local')}",
    ]
    return ascii_only("\n".join(lines))


def _recording(config: Config) -> list[str]:
    if config.record_dir is None:
        return []
    return [
        f"  recording     into {config.record_dir}, {'with all texts' if config.record_texts else 'texts as filler'}"
    ]


def local_url(host: str, port: int) -> str:
    """The address under which a client on this machine finds the server."""
    if host in _ANY_ADDRESS:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def start_line(url: str, token: str, system: str = os.name) -> str:
    """What to paste into a shell. `system` is an `os.name`."""
    if system == "nt":
        return f'$env:ANTHROPIC_BASE_URL = "{url}"; $env:ANTHROPIC_AUTH_TOKEN = "{token}"; claude'
    return f"ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={token} claude"


def _callers(config: Config) -> str:
    if config.proxy_api_keys:
        return "whoever sends a key of PROXY_API_KEY"
    return "programs on this machine only; set PROXY_API_KEY to let others in"


def _answerer(services: Services, name: str) -> str:
    try:
        route = services.router.resolve(name)
    except ApiError as error:
        return f"nobody: {error.message}"
    return ", then ".join(_with_missing_key(services.config, each) for each in route.candidates)


def _with_missing_key(config: Config, route: Route) -> str:
    missing = _missing_key(config, route)
    return f"{route.target} ({missing} is not set)" if missing else route.target


def _missing_key(config: Config, route: Route) -> str | None:
    """The variable without which the route's server will not be asked."""
    if route.custom is not None:
        return ", ".join(route.custom.api_key_names) if not route.custom.api_keys else None
    if route.provider == "gemini" and config.vertex is not None:
        return None
    if vendor(route.provider).owns_claude and not config.proxy_api_keys:
        return None  # the client's own key is passed on
    endpoint = config.endpoint(route.provider)
    return None if endpoint.api_keys else endpoint.key_variable


def _unreachable(config: Config) -> list[str]:
    """On an address of the network, programs on this machine are no local callers either."""
    if config.proxy_api_keys or config.host in (*_ANY_ADDRESS, "localhost"):
        return []
    try:
        if ipaddress.ip_address(config.host.partition("%")[0]).is_loopback:
            return []
    except ValueError:
        return []
    return [f"HOST {config.host} with no PROXY_API_KEY: every call will be refused; set the key, or HOST=127.0.0.1"]
