"""Our envelope for a vendor's opaque reasoning state, inside the signatures that Anthropic clients send back.

    proxy1|TRANSPORT|MODEL|PAYLOAD        MODEL is percent-encoded; PAYLOAD is the vendor's own text

The state is worth something only to the transport and model that made it; elsewhere it is dropped, never an error. The
prefix tells our signatures from Anthropic's own, which must pass untouched.
"""

from __future__ import annotations

from urllib.parse import quote

_PREFIX = "proxy1"
_SEPARATOR = "|"


def seal(transport: str, model: str, payload: str) -> str:
    """`transport` names the vendor's API, such as "openai-responses" or "gemini"."""
    return _SEPARATOR.join((_PREFIX, transport, quote(model, safe=""), payload))


NO_STATE = seal("none", "", "")
"""For thinking without state: what has no signature some clients drop, and others send back as the assistant's text."""


def unseal(signature: str, transport: str, model: str) -> str | None:
    """The payload, or None where the signature is somebody else's, another model's or damaged."""
    head = seal(transport, model, "")
    return signature.removeprefix(head) if signature.startswith(head) else None


def is_ours(signature: str) -> bool:
    return signature.startswith(_PREFIX + _SEPARATOR)
