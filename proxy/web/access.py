"""Who may call.

With PROXY_API_KEY set: whoever sends it. Without: programs on this machine, and only they. A web page in the user's
browser is on this machine, too, so its marks are refused: an `Origin`, or a `Host` that is not a local name (a page can
point its own name at 127.0.0.1). A reverse proxy makes everybody a local peer, so its marks are refused as well, and
HTTP/1.0, which nginx speaks to its upstreams by default and no client of ours does. A proxy that leaves no mark at all
cannot be seen: whoever puts one in front has to set a key.

Browsers ask their user for the key where the status page wants it, and send it as the password of HTTP Basic. They then
add it to whatever any web page has them send, so it opens nothing but that page, which changes nothing.
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
PAGE, PAGE_PARTS = "/", "/status/"
"""The status page, and what all paths begin with from which it is made. It is for callers that may do all else."""
CHALLENGE = 'Basic realm="claude-proxy", charset="UTF-8"'
"""Makes a browser ask for the key."""
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


def check_page(request: Request, keys: tuple[str, ...]) -> None:
    """As `check_access`, for the status page: it is on an open path and is not open."""
    if not keys and _speaks_old_http(request):
        raise _through_another()
    if not keys or _has_key(_given_keys(request), keys):
        return
    raise ApiError(
        401,
        "The status page is for whoever has the key of the proxy (PROXY_API_KEY). Reload it, and give the key as the "
        "password; the name may be anything.",
        should_retry=False,
    )


def foreign(peer: str) -> ApiError | None:
    """Why a peer may not call where no key is set; None for the addresses of this machine."""
    if _is_loopback(peer):
        return None
    return ApiError(403, "only programs on the proxy's own machine may call it" + _REMEDY)


def _check_key(request: Request, keys: tuple[str, ...]) -> None:
    given = list(_given_keys(request))
    if not given:
        raise ApiError(401, "x-api-key header is required", should_retry=False)
    if not _has_key(given, keys):
        raise ApiError(401, "invalid x-api-key: it is not the proxy's PROXY_API_KEY", should_retry=False)


def _has_key(given: Iterable[str], keys: tuple[str, ...]) -> bool:
    matches = [hmac.compare_digest(_digest(theirs), _digest(ours)) for theirs in given for ours in keys]
    return any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _given_keys(request: Request) -> Iterable[str]:
    if key := request.headers.get("x-api-key", "").strip():
        yield key
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        yield token.strip()
    is_page = request.path == PAGE or request.path.startswith(PAGE_PARTS)
    if is_page and request.authorization is not None and request.authorization.type == "basic":
        yield request.authorization.password or ""


def _check_local(request: Request) -> None:
    if (refusal := foreign(request.environ.get("REMOTE_ADDR", ""))) is not None:
        raise refusal
    if not _is_local_name(request.headers.get("Host", "")):
        raise ApiError(403, "the Host header is not a local name such as 127.0.0.1 or localhost" + _REMEDY)
    if "Origin" in request.headers:
        raise ApiError(403, "web pages may not call the proxy" + _REMEDY)
    is_forwarded = any(_is_forwarding(name.lower()) for name, _ in request.headers)
    if is_forwarded or (_speaks_old_http(request) and request.path not in OPEN_PATHS):
        raise _through_another()


def _through_another() -> ApiError:
    return ApiError(403, "the request came through another proxy" + _REMEDY)


def _is_forwarding(name: str) -> bool:
    return name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES)


def _speaks_old_http(request: Request) -> bool:
    return request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"


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
