"""What is said on the scripted day: the user's words, and what the model answers to each."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from tests.drift.model import Scripts, Step, call, text, thinking
from tests.e2e.samples import pdf, png

UNJUDGED = "DAY_UNJUDGED"
"""To a conversation with this word the server reports that it has no judge."""
_CHECKED = call("Bash", command="python3 -c 'print(1)'", description="Print")
"""Auto mode wants it judged."""


def scripts(project: Path, url: str | None) -> Scripts:
    """By the word of the user's message. `url` is a page for WebFetch, if there is one."""
    return {
        "DAY_TOOLS": (
            Step(
                (
                    thinking("Three at once."),
                    text("I look."),
                    _CHECKED,
                    call("Read", file_path=str(project / "red.png")),
                    call("Read", file_path=str(project / "missing.txt")),
                )
            ),
            Step(tuple(call("Read", file_path=str(project / name)) for name in ("hello.pdf", "a.txt"))),
            Step((call("Edit", file_path=str(project / "a.txt"), old_string="alpha", new_string="beta"),)),
        ),
        "DAY_WEB": (
            Step((call("ToolSearch", query="select:WebSearch,WebFetch", max_results=5),)),
            Step((call("WebSearch", query="phase of the moon"),)),
            *([Step((call("WebFetch", url=url, prompt="What is it?"),))] if url else []),
        ),
        "DAY_AGENTS": (Step((_agent("Explore"), _agent("general-purpose"))),),
        "DAY_ERRAND": (Step((_CHECKED,)),),
        "DAY_BREAK": (Step((text("It breaks off here."),), "breaks off"),),
        "DAY_LONG": (Step((), "too long"),),
        UNJUDGED: (Step((_CHECKED,)),),
    }


def attachments() -> list[dict[str, Any]]:
    """A picture and a document, as blocks of the user's message."""
    kinds = (("image", "image/png", png()), ("document", "application/pdf", pdf()))
    return [
        {"type": kind, "source": {"type": "base64", "media_type": media, "data": b64encode(data).decode()}}
        for kind, media, data in kinds
    ]


def _agent(kind: str) -> dict[str, Any]:
    job = {"description": "A side job", "prompt": "DAY_ERRAND", "subagent_type": kind}
    return call("Agent", **job, run_in_background=False)
