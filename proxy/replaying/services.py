"""Services as they were when a request was recorded: settings, habits, role, who rested, what was counted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from proxy.answering.attempts import Attempt, Attempts
from proxy.answering.calibration import Calibration
from proxy.answering.timing import Timing
from proxy.models.habits import Habits, Lesson
from proxy.models.roles import MAIN, Kind, Role
from proxy.models.routing import Route
from proxy.protocol.request import MessagesRequest
from proxy.recording.form import Form, body_of, habits_of
from proxy.recording.settings import loaded
from proxy.web.services import Services

_NEVER = 3600.0
"""Seconds; nothing is waited for, since all is there."""
_SOON = 0.3
"""Seconds of silence after which an upstream is given up that had been given up."""
CLIENT_CLOSED = 499
"""The status of an answer that nobody was there to take."""
_TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > ")


class RecordedServices(Services):
    """Raises ConfigError where the settings of the recording cannot be used any more."""

    def __init__(self, form: Form) -> None:
        config, timing = loaded(form["settings"]), _timing(form)
        if any(each["ended"] == "cancelled" for each in form["attempts"]):
            config = replace(config, request_timeout=_SOON, content_timeout=_SOON)
        super().__init__(config, timing)
        self._route: Form = form["route"]
        self.calibration = _Recorded(self._route.get("estimate"), _refused_at(form))
        for each in form["habits"]:
            changes = _changes(habits_of(each["habits"]))
            self.habits.learn(each["server"], each["model"], Lesson("recorded", changes), Habits())
        self.prepared: list[Attempt] = []
        """Each form of the request that was made now, first things first."""

    def role(self, request: MessagesRequest, headers: Mapping[str, str]) -> Role:
        """The recorded one: filler shows none."""
        found = self._route.get("role")
        if found is None:
            return super().role(request, headers)
        kind = found["kind"] if found["kind"] in get_args(Kind) else MAIN.kind
        return Role(kind, tuple(found["agent_types"]), found["sign"])

    def routes(self, request: MessagesRequest, headers: Mapping[str, str], body_size: int) -> tuple[Route, ...]:
        """As ever, but for those that rested then."""
        routes = super().routes(request, headers, body_size)
        first = next(iter(self._route.get("asked", ())), None)
        at = next((number for number, route in enumerate(routes) if route.target == first), 0)
        return routes[at:]

    def attempts(self, route: Route) -> Attempts:
        watched = _Watched(self.provider(route.provider), self.habits, self._limits, self.timing, self._pools)
        watched.seen = self.prepared
        return watched


class _Watched(Attempts):
    """Shows what is made of the request."""

    seen: list[Attempt]

    def _attempt(self, *args: Any) -> Attempt:
        attempt = super()._attempt(*args)
        self.seen.append(attempt)
        return attempt


class _Recorded(Calibration):
    """Counts as was counted: filler has other tokens than the texts."""

    def __init__(self, tokens: int | None, refused_at: int | None) -> None:
        super().__init__()
        self._tokens = tokens or refused_at
        self._refused_at = refused_at

    def corrected(self, model: str, estimated: int) -> int:
        return self._tokens or super().corrected(model, estimated)

    def at_least(self, model: str, estimated: int) -> int:  # noqa: ARG002
        return self._refused_at or 0


def client_left(form: Form) -> bool:
    """Whether the answer was not read to its end."""
    return form["answer"]["outcome"] in ("the client went away", "cut off") or form["answer"]["status"] == CLIENT_CLOSED


def _timing(form: Form) -> Timing:
    """A stream that had begun before the upstream said anything begins so again."""
    patience = 0.0 if is_early(form) else _NEVER
    return Timing(ping_every=_NEVER, nudge_every=_NEVER, head_patience=patience, first_pause=0.0, poll=0.05)


def is_early(form: Form) -> bool:
    """Whether the status line was sent before there was anything to show."""
    pieces = form["answer"]["pieces"]
    if form["answer"]["status"] != 200 or not pieces:
        return False
    said = "".join(str(piece) for _, piece in pieces)
    heard = [each["pieces"][0][0] for each in form["attempts"] if each["pieces"]]
    return pieces[0][0] < min(heard, default=0) or ("event: error" in said and "content_block" not in said)


def _refused_at(form: Form) -> int | None:
    """The tokens of a request that was too long for its model, so that nobody was asked."""
    if form["attempts"]:
        return None
    said = b"".join(map(body_of, ({"text": str(piece)} for _, piece in form["answer"]["pieces"]))).decode()
    found = _TOO_LONG.search(said)
    return int(found[1]) if found else None


def _changes(habits: Habits) -> dict[str, Any]:
    return {name: getattr(habits, name) for name in Habits.__dataclass_fields__}
