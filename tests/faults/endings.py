"""How answers end, or do not."""

from __future__ import annotations

from tests.faults.connections import CUT, NOTHING
from tests.faults.fault import CLOSE, HOLD, Fault, Group, Part, Script, says

_CHAT = ("chat", "custom")
_SILENT = "answer / 504 the limit is REQUEST_TIMEOUT"


def _calls(*parts: int, then: Part | None = None) -> Script:
    """Parts of a tool call, each in a chunk."""
    pieces: list[Part] = [lambda form, part=part: form.call[part] for part in parts]  # type: ignore[misc]
    return says(*pieces, *([] if then is None else [then]))


ENDINGS = (
    Fault("[DONE] is missing", says("said", "finish"), "answer", only=_CHAT),
    Fault("The finish is missing", says("said"), CUT),
    Fault("The finish is missing, [DONE] is there", says("said", "last"), "answer", only=_CHAT),
    Fault("The connection stays open", says("sound", HOLD), "answer", _SILENT, hurry=True),
    Fault(
        "The connection stays open, [DONE] is missing", says("said", "finish", HOLD), "answer", only=_CHAT, hurry=True
    ),
    Fault(
        "More follows the end",
        says("sound", b"more\n\n", "said"),
        "answer",
        f"answer / {NOTHING}",
        but={"gemini": "answer: hello world"},  # it has no last word: what says more after its finish has said it
    ),
    Fault("An answer that says nothing", says("empty"), "answer: without saying anything", "passed"),
)
CALLS = (
    Fault("A tool call in pieces", _calls(0, 1, 2, 3), "answer: a call"),
    Fault("A tool call, cut in its input", _calls(0, 1, then=CLOSE), CUT, but={"gemini": NOTHING}),
    Fault("A tool call, cut before its input", _calls(0, then=CLOSE), CUT, but={"gemini": NOTHING}),
    Fault("A tool call that begins twice", _calls(0, 0, 1, 2, 3), "answer: a call", f"passed / {NOTHING}"),
    Fault("More of a tool call after its end", _calls(0, 1, 2, 3, 1), "answer: a call", f"answer: a call / {NOTHING}"),
)
GROUPS = (
    Group(
        "Ends",
        "An answer is whole once the server has said why it ends: what is missing or follows after that does no harm. "
        "One that says nothing is asked for once more.",
        ENDINGS,
    ),
    Group("Tool calls", "A call whose input is not whole is never shown as one that could run.", CALLS),
)
