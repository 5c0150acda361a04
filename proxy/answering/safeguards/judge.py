"""Asking the judge: one short, structured call to a small model."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from proxy.answering.safeguards.calls import CallCollector, ToolCall, is_checked
from proxy.answering.safeguards.prompt import SCHEMA, can_be_shown, system_prompt, user_prompt
from proxy.answering.safeguards.rules import rules_for
from proxy.answering.safeguards.verdicts import failed, read_verdicts
from proxy.answering.side_call import SideCalls
from proxy.models.routing import Route
from proxy.protocol.errors import ApiError
from proxy.protocol.request import MessagesRequest
from proxy.protocol.safeguards import Results, classifier_context, results, unsupported
from proxy.providers.base import ClientRequest
from proxy.providers.call import Call
from proxy.settings.auto_mode_rules import Rules

_OUTPUT = 4096
"""Tokens: verdicts need some hundred, and models that cannot stop thinking the rest."""
_NOBODYS = ClientRequest("POST", "/v1/messages")

log = logging.getLogger(__name__)


class Judge:
    """Judges the calls of one answer. `saw` its events; when all have come, `pending` says whether to `ask`."""

    def __init__(
        self,
        request: MessagesRequest,
        context: Mapping[str, Any],
        route: Route | None,
        defaults: Rules,
        received: ClientRequest,
    ) -> None:
        """`route`: who judges; None where nobody does."""
        self._request = request
        self._context = dict(context)
        self._route = route
        self._received = received
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

    def unjudged(self) -> Results:
        """The results of an answer in which nothing has to be judged, or that nobody judges."""
        return results({}) if self._route is not None else unsupported()

    def failed(self, reason: str) -> Results:
        """The results where the judge could not be asked; `reason`: "timeout" or "error"."""
        return results(failed(self.checked, reason))

    def ask(self, side_calls: SideCalls, call: Call) -> Results:
        """The results; runs in a task. An unreadable answer gives `unavailable`, a failure raises ApiError."""
        if self._route is None:
            return unsupported()
        calls = self.checked
        shown = [each for each in calls if can_be_shown(each)]
        verdicts = failed([each for each in calls if each not in shown], "not_judged_as_run")
        if shown:
            said = side_calls.text_of(self._body(shown), self._route, self._received, call, may_be_cut=False)
            verdicts |= read_verdicts(_whole(said), shown, self._rules)
        outcomes = [str(verdict.get("outcome") or verdict["type"]) for verdict in verdicts.values()]
        log.info("the judge %s said: %s", self._route.target, ", ".join(outcomes))
        return results(verdicts)

    def _body(self, calls: Sequence[ToolCall]) -> dict[str, Any]:
        words = user_prompt(self._request, self._context, calls)
        return {
            "max_tokens": _OUTPUT,
            "system": system_prompt(self._rules),
            "messages": [{"role": "user", "content": words}],
            "thinking": {"type": "disabled"},
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        }


def judge_for(
    request: MessagesRequest,
    route: Route | None,
    defaults: Rules,
    received: ClientRequest = _NOBODYS,
) -> Judge | None:
    """None where the client asks for no verdicts. `received` lends its credentials where the route passes them on."""
    context = classifier_context(request)
    return Judge(request, context, route, defaults, received) if context is not None else None


def _whole(signs: Generator[object, None, tuple[str, Route]]) -> str:
    """The text behind signs of life, which end here: what is borne of the judge's silence is borne for all of it."""
    try:
        while True:
            next(signs)
    except StopIteration as end:
        text, _ = end.value
        return str(text)


def reason_of(error: ApiError) -> str:
    return "timeout" if error.status == 504 else "error"
