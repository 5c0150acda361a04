"""Thought signatures: Gemini's state of reasoning, which it wants back on the function call that it came with.

They travel in the signature of a thinking block right before the tool use, so that the client keeps them. Where it asks
for no thinking, or strips it, they are remembered here as far as that goes; a documented sentinel stands for the rest.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.protocol import signature as envelope

SENTINEL = "skip_thought_signature_validator"
"""What Google takes in place of a lost signature (ai.google.dev/gemini-api/docs/thought-signatures, 2026-11)."""
_MEMORY_LIMIT = 8_000_000
"""Characters, so some 8 MB: thousands of signatures, which are mostly of some hundreds to thousands of characters."""


class SignatureMemory:
    """The latest signatures of this process, up to `limit` characters; safe to share between threads."""

    def __init__(self, limit: int = _MEMORY_LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, signature: str) -> None:
        with self._lock:
            self._size += len(signature) - len(self._known.pop(key, ""))
            self._known[key] = signature
            while self._size > self._limit:
                self._size -= len(self._known.popitem(last=False)[1])

    def get(self, key: str) -> str | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures of one conversation. They mean something only to the transport and model that made them."""

    transport: str
    model: str
    session: str
    memory: SignatureMemory

    def seal(self, signature: str) -> str:
        """For a thinking block; an empty signature gives a mark that is ours and holds nothing."""
        return envelope.seal(self.transport, self.model, signature)

    def unseal(self, sealed: str) -> str | None:
        """The signature, which may be empty; None where this model has not made it."""
        return envelope.unseal(sealed, self.transport, self.model)

    def remember(self, name: str, args: Mapping[str, Any], signature: str) -> None:
        """`name` is the client's, as its tool uses will have it."""
        self.memory.put(self._key(name, args), signature)

    def recall(self, name: str, args: Mapping[str, Any]) -> str | None:
        return self.memory.get(self._key(name, args))

    def _key(self, name: str, args: Mapping[str, Any]) -> str:
        call = json.dumps([self.transport, self.model, self.session, name, args], sort_keys=True)
        return hashlib.sha256(call.encode()).hexdigest()
