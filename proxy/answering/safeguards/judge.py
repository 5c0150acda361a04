"""Asking the judge: one short, structured call to a small model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.answering.attempts import Attempts
from proxy.answering.safeguards.calls import CallCollector, ToolCall, is_checked
from proxy.answering.safeguards.prompt import SCHEMA, system_prompt, user_prompt
from proxy.answering.safeguards.rules import rules_for
from proxy.answering.safeguards.verdicts import failed, read_verdicts
from proxy.models.routing import Route
from proxy.protocol.blocks import TextBlock
from proxy.protocol.deltas import Finish, TextDelta
from proxy.protocol.errors import ApiError
from proxy.protocol.request import Message, MessagesRequest, OutputConfig, Thinking
from proxy.protocol.safeguards import Rules, classifier_context, results, unsupported
from proxy.providers.base import Exchange
from proxy.providers.call import Call

_OUTPUT = 4096
"""Tokens: verdicts need some hundred, and models that cannot stop thinking the rest."""

log = logging.getLogger(__name__)


class Judge:
    """Judges the calls of one answer. `saw` its events; when all have come, `pending` says whether to `ask`."""

    def __init__(
        self, request: MessagesRequest, context: Mapping[str, Any], route: Route | None, defaults: Rules
    ) -> None:
        """`route`: who judges; None where nobody does."""
        self._request = request
        self._context = dict(context)
        self._route = route
        self._rules = rules_for(context, defaults)
        self._collector = CallCollector()
        self.saw = self._collector.saw

    @property
    def route(self) -> Route | None:
        return self._route

    @property
    def checked(self) -> list[ToolCall]:
        """The calls that need a verdict."""
        return [call for call in self._collector.calls if is_checked(call, self._context)]

    @property
    def pending(self) -> bool:
        return self._route is not None and bool(self.checked)

    def unjudged(self) -> list[dict[str, Any]]:
        """The results of an answer in which nothing has to be judged, or that nobody judges."""
        return results({}) if self._route is not None else unsupported()

    def failed(self, reason: str) -> list[dict[str, Any]]:
        """The results where the judge could not be asked; `reason`: "timeout" or "error"."""
        return results(failed(self.checked, reason))

    def ask(self, attempts: Attempts, call: Call) -> list[dict[str, Any]]:
        """The results; runs in a reader thread. An unreadable answer gives `unavailable`, a failure raises ApiError."""
        calls = self.checked
        if self._route is None:
            return unsupported()
        text: list[str] = []
        finish: Finish | None = None
        for batch in attempts.deltas(Exchange(self._prompt(calls), self._route), call):
            for delta in batch:
                if isinstance(delta, TextDelta):
                    text.append(delta.text)
                elif isinstance(delta, Finish):
                    finish = delta
        if finish is None or finish.reason != "end":
            log.warning("the judge %s did not finish", self._route.target)
            return results(failed(calls, "error"))
        verdicts = read_verdicts("".join(text), calls, self._rules)
        outcomes = [str(verdict.get("outcome") or verdict["type"]) for verdict in verdicts.values()]
        log.info("the judge %s said: %s", self._route.target, ", ".join(outcomes))
        return results(verdicts)

    def _prompt(self, calls: Sequence[ToolCall]) -> MessagesRequest:
        words = TextBlock(text=user_prompt(self._request, self._context, calls))
        return MessagesRequest(
            model=self._request.model,
            max_tokens=_OUTPUT,
            system=[TextBlock(text=system_prompt(self._rules))],
            messages=[Message(role="user", content=[words])],
            thinking=Thinking(type="disabled"),
            output_config=OutputConfig(format={"type": "json_schema", "schema": SCHEMA}),
        )


def judge_for(request: MessagesRequest, route: Route | None, defaults: Rules) -> Judge | None:
    """None where the client asks for no verdicts."""
    context = classifier_context(request)
    return Judge(request, context, route, defaults) if context is not None else None


def reason_of(error: ApiError) -> str:
    return "timeout" if error.status == 504 else "error"
