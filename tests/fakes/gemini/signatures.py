"""Thought signatures that only this fake can have issued, and what it says of the others.

They depend on nothing but the call and the model, so that they outlive the fake that issued them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.gemini.errors import SIGNATURE_CORRUPTED, SIGNATURE_OF_ANOTHER_MODEL

SIZE = 900
"""Bytes of an ordinary signature; up to 104,000 were recorded with functions."""
SENTINELS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""The documented stand-ins for a signature that nobody holds; taken as they are or as base64 of themselves."""
_KEY = b"the fake's own key"
_MAC = 32


def issue(model: str, name: str = "", args: Mapping[str, Any] | None = None, size: int = SIZE) -> str:
    """Standard base64. Without a name it signs text, which nobody verifies."""
    tag = model.encode() + b"\0" + _mac(model, name, args or {})
    filler = hashlib.shake_256(tag).digest(max(0, size - len(tag)))
    return base64.b64encode(tag + filler).decode()


def problem(signature: str, model: str, name: str, args: Mapping[str, Any]) -> str | None:
    """The service's words for a signature that does not belong to this call of this model; None for a good one."""
    if is_sentinel(signature):
        return None
    data = decode(signature)
    issuer, separator, rest = data.partition(b"\0")
    try:
        issued_for = issuer.decode("ascii")
    except UnicodeDecodeError:
        return SIGNATURE_CORRUPTED
    if not separator or not hmac.compare_digest(rest[:_MAC], _mac(issued_for, name, args)):
        return SIGNATURE_CORRUPTED
    return None if issued_for == model else SIGNATURE_OF_ANOTHER_MODEL


def is_sentinel(signature: str) -> bool:
    return signature in SENTINELS or decode(signature) in [sentinel.encode() for sentinel in SENTINELS]


def decode(text: str) -> bytes:
    """Base64 as protobuf's JSON takes it: either alphabet, padding optional. Raises ValueError."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _mac(model: str, name: str, args: Mapping[str, Any]) -> bytes:
    signed = json.dumps([model, name, _plain(args)], sort_keys=True)
    return hmac.digest(_KEY, signed.encode(), "sha256")


def _plain(value: Any) -> Any:
    # In a protobuf Struct every number is a double, so 1 and 1.0 are the same.
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
