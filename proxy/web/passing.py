"""What Anthropic's API offers beside messages and models: batches, files, skills and the rest, passed on as they are.

Only where Anthropic is the preferred vendor: such a request names no model by which somebody else could answer it.
"""

from __future__ import annotations

import re

from flask import Response, request

from proxy.protocol.errors import ApiError
from proxy.providers.base import Exchange
from proxy.web.received import client_request
from proxy.web.relay import pass_on
from proxy.web.services import services

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PATH = re.compile(r"/v1(/[A-Za-z0-9_~:@.-]+)+")
"""Of these alone no server between here and there makes another path."""
_ADMINISTRATION = ("organizations", "compliance")
"""First words of paths to which keys with more rights than those of a caller lead (platform.claude.com, 2026-11)."""


def pass_unknown() -> Response | None:
    """For `before_request`: Anthropic's answer to what no view is for; None where Anthropic is not asked.

    Raises ApiError for a path that is not passed on.
    """
    path = request.path
    is_theirs = path.startswith("/v1/") and not path.startswith("/v1/v1/")
    if request.routing_exception is None or not is_theirs:
        return None
    owner = services().router.owner()
    if owner is None:
        return None
    if request.method not in _METHODS:
        raise ApiError(405, f"{request.method} {path}: method not allowed, use {', '.join(_METHODS)}")
    as_sent = request.environ.get("REQUEST_URI", path).partition("?")[0]
    if as_sent.count("/") != path.count("/"):
        # An encoded slash is none to who looks at the path next.
        raise _not_passed(path)
    received = client_request(path=checked(path), body=request.get_data(cache=False))
    return pass_on(Exchange.passing(owner, received))


def checked(path: str) -> str:
    """The path, decoded, for Anthropic. Raises ApiError for one that must not get there with the server's key."""
    words = path.split("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(words):
        raise _not_passed(path)
    endpoint = services().config.endpoint("anthropic")
    if words[2].lower() in _ADMINISTRATION and endpoint.api_keys:
        raise ApiError(
            403,
            f"{path}: Anthropic's administration API is not passed on with the key of the proxy "
            f"({endpoint.key_variable}); call it at Anthropic, with a key of your own",
        )
    return path


def _not_passed(path: str) -> ApiError:
    return ApiError(404, f"{path}: Not found; a path for Anthropic has words of letters, digits and - . _ ~ : @")
