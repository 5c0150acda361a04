"""Who may call.

With PROXY_API_KEY set: whoever sends it. Without: programs on this machine, and only they. A web page in the user's
browser is on this machine, too, so its marks are refused: an `Origin`, or a `Host` that is not a local name (a page can
point its own name at 127.0.0.1). A reverse proxy makes everybody a local peer, so its marks are refused as well, and
HTTP/1.0, which nginx speaks to its upstreams by default and no client of ours does. A proxy that leaves no mark at all
cannot be seen: whoever puts one in front has to set a key.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Request

from proxy.protocol.errors import ApiError

OPEN_PATHS = ("/", "/health", "/api/hello")
"""Answer without a key: they say only that somebody is here, and clients probe them before they log in."""
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_FORWARDING = (
    *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "fastly-client-ip"),
    *("x-original-host", "x-original-url", "x-proxyuser-ip", "x-appengine-user-ip", "x-azure-clientip"),
)
_FORWARDING_PREFIXES = ("x-forwarded", "cf-", "x-envoy-", "x-arr-", "x-amzn-", "x-amz-cf-", "x-vercel-", "fly-")
"""Headers that proxies, load balancers and tunnels leave (their documentation, 2026-11)."""
_REMEDY = "; set PROXY_API_KEY where the proxy runs and have the client send it as its API key"


def check_access(request: Request, keys: tuple[str, ...]) -> None:
    """Raises ApiError: 401 for a missing or wrong key, 403 for a caller that needs one to be set."""
    if not keys:
        _check_local(request)
    elif request.path not in OPEN_PATHS:
        _check_key(request, keys)


def foreign(peer: str) -> ApiError | None:
    """Why a peer may not call where no key is set; None for the addresses of this machine."""
    if _is_loopback(peer):
        return None
    return ApiError(403, "only programs on the proxy's own machine may call it" + _REMEDY)


def _check_key(request: Request, keys: tuple[str, ...]) -> None:
    given = list(_given_keys(request))
    if not given:
        raise ApiError(401, "x-api-key header is required", should_retry=False)
    matches = [hmac.compare_digest(_digest(theirs), _digest(ours)) for theirs in given for ours in keys]
    if not any(matches):
        raise ApiError(401, "invalid x-api-key: it is not the proxy's PROXY_API_KEY", should_retry=False)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _given_keys(request: Request) -> Iterable[str]:
    if key := request.headers.get("x-api-key", "").strip():
        yield key
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        yield token.strip()


def _check_local(request: Request) -> None:
    if (refusal := foreign(request.environ.get("REMOTE_ADDR", ""))) is not None:
        raise refusal
    if not _is_local_name(request.headers.get("Host", "")):
        raise ApiError(403, "the Host header is not a local name such as 127.0.0.1 or localhost" + _REMEDY)
    if "Origin" in request.headers:
        raise ApiError(403, "web pages may not call the proxy" + _REMEDY)
    if any(_is_forwarding(name.lower()) for name, _ in request.headers) or _is_old_http(request):
        raise ApiError(403, "the request came through another proxy" + _REMEDY)


def _is_forwarding(name: str) -> bool:
    return name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES)


def _is_old_http(request: Request) -> bool:
    return request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0" and request.path not in OPEN_PATHS


def _is_loopback(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_local_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in _LOCAL_NAMES
