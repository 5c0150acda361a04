"""The reasoning of an answer as deltas: when it is shown, and in which block its state travels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from proxy.protocol.deltas import Delta, RedactedThinking, ThinkingDelta, ThinkingEnd
from proxy.protocol.signature import seal
from proxy.providers.openai.chat.reasoning_details import CALL_TRANSPORT, Details, sealed


@dataclass(slots=True)
class Reasoning:
    """Reasoning that is being shown, and the state that has to come back with it."""

    model: str
    open: bool = False
    details: Details = field(default_factory=Details)
    signatures: dict[int, str] = field(default_factory=dict)
    """Of calls that were not shown yet, by key."""
    late: list[str] = field(default_factory=list)
    """What came after text or a call. It is shown when more follows that it may have led to, or never."""

    def sign(self) -> Iterator[Delta]:
        """The reasoning so far, in the form that comes back, on the block that shows it if one does.

        What comes after an answer without calls is dropped: no answer should end with reasoning, and none of it is
        needed again.
        """
        signature = sealed(self.details.whole(), self.model) if self.details else None
        self.details.clear()
        yield from self._block(signature)
        self.open = False

    def show_late(self) -> Iterator[Delta]:
        if self.late:
            self.open = True
            yield ThinkingDelta("".join(self.late))
            self.late.clear()

    def end(self) -> Iterator[Delta]:
        """Closes what is shown; its state is worth nothing where another answer takes the place of this one."""
        if self.open:
            yield ThinkingEnd(sealed([], self.model) or "")

    def before_call(self, key: int) -> Iterator[Delta]:
        yield from self.show_late()
        if signature := self.signatures.pop(key, ""):
            yield from self._block(seal(CALL_TRANSPORT, self.model, signature))
        self.open = False

    def _block(self, signature: str | None) -> Iterator[Delta]:
        if signature is not None:
            yield ThinkingEnd(signature) if self.open else RedactedThinking(signature)
