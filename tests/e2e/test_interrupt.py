"""Ctrl-C in Claude Code ends the upstream's work, although nothing is being sent either way."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import ASIDE
from tests.e2e.stage import claude_code
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C goes to all programs of a console"),
]

_PATIENCE = 20.0
_PROMPTLY = 5.0
"""Seconds; less than the next ping would take, which notices as well that nobody is there."""
_Silence = Callable[[Callable[[], None], threading.Event], Reply]


@pytest.fixture(params=["chat", "responses"])
def claude(
    request: pytest.FixtureRequest, command: tuple[str, str], upstream: FakeOpenAI, tmp_path: Path
) -> Iterator[ClaudeCode]:
    entry = {"model_id": "local", "api_base": upstream.base_url, "context_window": 200_000, "api": request.param}
    with claude_code(*command, tmp_path, entry) as running:
        yield running


@pytest.mark.parametrize(
    "silence",
    [
        pytest.param(lambda begun, never: Reply(Text("Never"), hold=[begun, never]), id="before the first byte"),
        pytest.param(lambda begun, never: Reply(Text("I begin and"), begun, never, Text("end")), id="in the text"),
        pytest.param(lambda begun, never: Reply(ToolCall("Bash", '{"comm'), begun, never), id="in a tool call"),
    ],
)
def test_interrupt(silence: _Silence, claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    begun = threading.Event()
    answer, aside = silence(begun.set, threading.Event()), Reply(Text(ASIDE))
    upstream.default(lambda body, headers: answer if "tools" in body else aside)
    process = claude.start("go")
    assert begun.wait(_PATIENCE)
    (exchange,) = upstream.exchanges
    assert not exchange.client_gone.is_set()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=_PATIENCE)
    assert exchange.client_gone.wait(_PROMPTLY)
    assert len(upstream.exchanges) == 1
