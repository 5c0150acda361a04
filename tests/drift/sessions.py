"""The sessions of the day, in print mode and in a terminal."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from tests.drift.day import DayError, Stage
from tests.drift.scripts import UNJUDGED, attachments
from tests.drift.server import Server
from tests.drift.terminal import Terminal

_PATIENCE = 120.0
"""Seconds after which a session is broken; an ordinary one takes five."""
_ANSWERED = 15.0
"""Seconds within which a typed line leads to a request."""
_QUIET = 2.0
"""Seconds without a request after which nothing more is to come of a typed line."""
_INPUT_LINE = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
"""What a terminal shows once it takes lines."""
_PRINT_MODE = ("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
_HOOKS = {
    "hooks": {
        "PreToolUse": [{"matcher": "Edit", "hooks": [{"type": "agent", "prompt": "Is it right? $ARGUMENTS"}]}],
        "Stop": [{"hooks": [{"type": "prompt", "prompt": "Is it over? $ARGUMENTS"}]}],
    }
}
_GREETING = {"type": "object", "properties": {"greeting": {"type": "string"}}, "required": ["greeting"]}
_TYPED = ("DAY_ERRAND", "hello", "/btw what is this?", "/rename", "/recap", "/compact", "go on", "/model gpt-5.5")


def in_print_mode(stage: Stage) -> None:
    """Raises DayError."""
    _printed(stage, ["DAY_TOOLS", "DAY_BREAK"], "--settings", json.dumps(_HOOKS))
    _printed(
        stage,
        [
            [{"type": "text", "text": "DAY_WEB"}, *attachments()],
            "DAY_AGENTS",
            "/context",
            "DAY_LONG",
            "/compact",
            "go on",
        ],
    )
    _printed(stage, [UNJUDGED])
    _printed(stage, ["hello"], "--model", "haiku", "--json-schema", json.dumps(_GREETING))
    _printed(stage, ["hello"], "--model", "claude-drift")


def in_terminal(stage: Stage) -> None:
    """Raises DayError. It comes last: the model that it sets stays set."""
    server = stage.server
    with Terminal([stage.command], stage.project, stage.environment()) as terminal:
        if not terminal.wait_for(lambda: _INPUT_LINE in terminal.screen(), _PATIENCE):
            raise DayError(f"the client does not start in a terminal: {terminal.screen().strip()[-2000:]}")
        time.sleep(_QUIET)
        for line in _TYPED:
            has_more = partial(_has_more, server, len(server.requests()))
            terminal.type(line)
            if not terminal.wait_for(has_more, _ANSWERED):
                raise DayError(f"nothing comes of {line!r} in a terminal: {terminal.screen().strip()[-2000:]}")
            terminal.wait_for(lambda: server.quiet_for() > _QUIET, _ANSWERED)
            if line.startswith("/btw"):
                terminal.press("Escape")  # closes what it shows


def _has_more(server: Server, number: int) -> bool:
    return len(server.requests()) > number


def _printed(stage: Stage, messages: Sequence[Any], *flags: str) -> None:
    """Sends each message after the result of the one before."""
    process = subprocess.Popen(
        [stage.command, *_PRINT_MODE, "--permission-mode", "auto", *flags],
        cwd=stage.project,
        env=stage.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    timer = threading.Timer(_PATIENCE, process.kill)
    timer.start()
    try:
        for message in messages:
            line = {"type": "user", "message": {"role": "user", "content": message}}
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            _await_result(message, process.stdout)
        process.communicate()
    except BrokenPipeError:
        raise DayError(f"the client ended before {str(messages)[:200]}") from None
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def _await_result(message: Any, output: Iterable[str]) -> None:
    lines = []
    for line in output:
        lines.append(line)
        result = json.loads(line) if line.startswith("{") else {}
        if result.get("type") == "result":
            if result["is_error"]:
                raise DayError(f"{str(message)[:200]} ends with {line[:2000]}")
            return
    raise DayError(f"no result of {str(message)[:200]}: {''.join(lines)[-2000:]}")
