"""What the upstream says, written down turn by turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proxy.providers.common.placeholders import BRIDGE
from tests.fakes.openai.chat import FakeOpenAI, Handler
from tests.fakes.openai.replies import Reply, Text
from tests.fakes.server import Raw, json_answer

Body = dict[str, Any]
Message = dict[str, Any]
ASIDE = "An answer."
"""To what Claude Code asks beside the conversation, without tools."""
Step = Reply | Raw | Callable[[Body], Reply | Raw]
"""An answer, or what makes one from the request."""


_ASIDE = Reply(Text(ASIDE))


def play(upstream: FakeOpenAI, *steps: Step, aside: Step = _ASIDE, **conversations: Sequence[Step]) -> None:
    """Answers the nth turn of a conversation with its nth step, and with `aside` what holds no tools.

    `conversations` belong to sub-agents: their key is a word of the prompt.
    """
    upstream.default(_handler(upstream, steps, aside, conversations))


def _handler(upstream: FakeOpenAI, steps: Sequence[Step], aside: Step, others: Mapping[str, Sequence[Step]]) -> Handler:
    def answer(body: Body, headers: Mapping[str, str]) -> Reply | Raw:
        if "tools" not in body:
            return aside if isinstance(aside, Reply | Raw) else aside(body)
        asked = "\n".join(texts(body, "user"))
        own = next((these for word, these in others.items() if word in asked), steps)
        turn = sum(message.get("content") != BRIDGE for message in of_role(body, "assistant"))
        if turn >= len(own):
            upstream.errors.append(AssertionError(f"no step {turn} for the conversation that asks {asked[-300:]!r}"))
            return json_answer({"error": {"message": "the script is over"}}, 403)
        step = own[turn]
        return step if isinstance(step, Reply | Raw) else step(body)

    return answer


def once(first: Reply | Raw, then: Reply | Raw) -> Callable[[Body], Reply | Raw]:
    """A step that is answered otherwise when it is asked again."""
    answered = threading.Event()

    def answer(body: Body) -> Reply | Raw:
        if answered.is_set():
            return then
        answered.set()
        return first

    return answer


def of_role(body: Body, role: str) -> list[Message]:
    return [message for message in body["messages"] if message["role"] == role]


def texts(body: Body, role: str) -> list[str]:
    """The text of each message of a role."""
    return [_text(message["content"]) for message in of_role(body, role)]


def parts(body: Body, kind: str) -> list[Message]:
    """All content parts of a type."""
    contents = [message["content"] for message in body["messages"] if isinstance(message["content"], list)]
    return [part for content in contents for part in content if part["type"] == kind]


def _text(content: str | list[Message] | None) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""
