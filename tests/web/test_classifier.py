"""Claude Code's own classifier calls, whose answers it reads to the letter: what it cannot read it denies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, Thinking
from tests.web.serving import Proxy, ask, custom_settings, serve

BLOCKS = ("<transcript>\n", '{"user":"push it"}\n', '{"Bash":"git push"}\n', "</transcript>\n", "\nAnswer <block>.")


def classifier(**fields: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text} for text in BLOCKS]
    return ask(
        messages=[{"role": "user", "content": content}],
        **{
            "model": "claude-sonnet-5",
            "max_tokens": 64,
            "thinking": {"type": "disabled"},
            "stop_sequences": ["</block>"],
            "system": [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.332;"}],
            **fields,
        },
    )


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible") as fake:
        yield fake


@pytest.fixture
def proxy(tmp_path: Path, upstream: FakeOpenAI) -> Iterator[Proxy]:
    with serve(custom_settings(tmp_path, {"api_base": upstream.base_url})) as running:
        yield running


@pytest.mark.parametrize(
    ("said", "text", "reason"),
    [
        pytest.param("<block>no</block>", "<block>no", "stop_sequence", id="as asked"),
        pytest.param("\n\n<block>no</block>\nmore", "<block>no", "stop_sequence", id="blank lines before, words after"),
        pytest.param("<think>hm, fine</think>\n<block>no", "<block>no", "end_turn", id="thoughts in the text"),
        pytest.param("<block>no\n", "<block>no", "end_turn", id="without its end"),
    ],
)
def test_the_whole_text_is_the_verdict(said: str, text: str, reason: str, proxy: Proxy, upstream: FakeOpenAI) -> None:
    thoughts = [] if "<think>" in said else [Thinking("Let me see.")]
    upstream.default(lambda body, headers: Reply(*thoughts, Text(said)))
    message = proxy.post(classifier()).message()
    assert message["content"] == [{"type": "text", "text": text}]
    assert message["stop_reason"] == reason


def test_there_is_room_beside_the_64_tokens(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """It is not known whether such a server thinks; with 64 tokens it would be cut before its first word."""
    upstream.default(lambda body, headers: Reply(Text("<block>no</block>")))
    answer = proxy.post(classifier())
    assert upstream.requests[-1]["max_tokens"] == 64 + 2048
    assert answer.headers["x-proxy-role"] == "classifier"
    proxy.post(ask(max_tokens=64))
    assert upstream.requests[-1]["max_tokens"] == 64, "of everything else nothing is known that would ask for more"
