"""`python -m proxy replay`: recorded requests through today's translators, and where the outcome is another one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proxy.commands.screen import Screen
from proxy.logs import ascii_only
from proxy.recording.form import Form
from proxy.replaying.comparison import compared
from proxy.replaying.differences import Difference
from proxy.replaying.reading import Unreadable, files_of, form_in
from proxy.replaying.replay import replayed
from proxy.settings.config import ConfigError

_SHOWN = 10
"""Differences of one recording; the first says what is wrong."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    file: Path
    form: Form | None = None
    differences: tuple[Difference, ...] = ()
    error: str = ""
    """Why it could not be replayed."""

    @property
    def code(self) -> int:
        return 2 if self.error else 1 if self.differences else 0

    def values(self) -> dict[str, Any]:
        found = [asdict(each) for each in self.differences]
        return {"file": str(self.file), "same": self.code == 0, "differences": found, "error": self.error or None}


def replay(paths: Sequence[str], *, as_json: bool) -> int:
    """Replays files and directories of them, offline, and prints what differs.

    Returns the exit code: 0 nothing, 1 something differs, 2 something cannot be read.
    """
    outcomes = [outcome for path in paths for outcome in _outcomes(Path(path))]
    if as_json:
        print(json.dumps([outcome.values() for outcome in outcomes], indent=2))
    else:
        screen = Screen()
        for outcome in outcomes:
            _show(outcome, screen)
    return max((outcome.code for outcome in outcomes), default=0)


def _outcomes(path: Path) -> Iterator[_Outcome]:
    try:
        files = files_of(path)
    except Unreadable as error:
        yield _Outcome(path, error=str(error))
        return
    yield from map(_outcome, files)


def _outcome(file: Path) -> _Outcome:
    try:
        form = form_in(file)
        shape = form["texts"] == "filler" and not form["check"].get("reproduces")
        return _Outcome(file, form, tuple(compared(form, replayed(form), shape=shape)))
    except Unreadable as error:
        return _Outcome(file, error=str(error))
    except ConfigError as error:
        return _Outcome(file, error=f"its settings cannot be used here: {'; '.join(error.problems)}")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return _Outcome(file, error=f"it is damaged ({type(error).__name__}); give the file as it was written")


def _show(outcome: _Outcome, screen: Screen) -> None:
    screen.title(ascii_only(str(outcome.file)))
    form = outcome.form
    if form is None:
        screen.finding("fail", "cannot be replayed", outcome.error, "")
        return
    for name, words in _facts(form):
        screen.finding("skip", name, words, "")
    for warning in form.get("warnings", ()):
        screen.finding("warn", "warning", str(warning), "")
    if not form["check"].get("reproduces"):
        words = "in this recording the texts' filler does not show what had happened: only lengths are compared"
        screen.finding("warn", "warning", words, "")
    for each in outcome.differences[:_SHOWN]:
        screen.finding("fail", "differs", each.path, "")
        screen.row(["", f"recorded  {each.recorded or 'nothing'}"], [6])
        screen.row(["", f"today     {each.today or 'nothing'}"], [6])
    more = len(outcome.differences) - _SHOWN
    if more > 0:
        screen.finding("fail", "differs", f"in {more} more places (--json has all)", "")
    if not outcome.differences:
        screen.finding("ok", "same", "the upstream's requests, the answer's status and its events are as recorded", "")


def _facts(form: Form) -> Iterator[tuple[str, str]]:
    route, answer = form["route"], form["answer"]
    yield (
        "made by",
        f"claude-proxy {form['made_by']['proxy']}, Python {form['made_by']['python']}, texts: {form['texts']}",
    )
    if route:
        yield "request", f"{route['requested']} -> {route['target']} ({route['reason']})"
    ended = answer["outcome"] or answer["error"] or answer["stop_reason"]
    yield "outcome", f"{answer['status']} {ended}"
    for number, attempt in enumerate(form["attempts"], 1):
        yield (
            f"upstream {number}",
            f"{attempt['status'] or 'no answer'}, {len(attempt['pieces'])} pieces, {attempt['ended']}",
        )
