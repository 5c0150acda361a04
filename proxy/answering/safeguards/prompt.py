"""What the judge is asked. Pure.

It sees the client's context, the user's own words, the calls made and the calls to judge: not the results of tools nor
the model's prose, which whoever wrote a file or a page could have written. All of it is data in one JSON value, in
which no angle bracket stands, so that nothing inside can close the tag around it or pass for an instruction.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from proxy.answering.safeguards.calls import ToolCall
from proxy.answering.safeguards.rules import Rule
from proxy.models.roles import role_of
from proxy.protocol.blocks import TextBlock, ToolUseBlock
from proxy.protocol.request import MessagesRequest

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdicts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "call": {"type": "integer"},
                    "flagged": {"type": "boolean"},
                    "explanation": {"type": "string"},
                    "rule": {"type": "string"},
                },
                "required": ["call", "flagged", "explanation", "rule"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["verdicts"],
    "additionalProperties": False,
}
_NOT_THE_USER = re.compile(
    r"<(system-reminder|bash-stdout|bash-stderr|local-command-stdout|local-command-stderr|local-command-caveat"
    r"|task-notification|teammate-message|agent-message|cross-session-message)\b(?:.*</\1>|.*)",
    re.DOTALL,
)
"""What Claude Code 2.1.332 itself puts into user turns: files, output of commands and hooks, words of other agents. To
the last closing tag, as what stands inside may hold one too."""
_SUMMARY = "This session is being continued from a previous conversation"
"""How the model's own summary begins, which stands in a user turn after a compaction."""
_WORDS_LIMIT = 12_000
"""Characters of the user's words, the latest of them."""
_CALLS_LIMIT = 40
_INPUT_LIMIT = 6_000
"""Characters of the input of an earlier call; of a longer one beginning and end are shown."""
JUDGED_INPUT_LIMIT = 40_000
"""Characters of the input of a call to judge, as JSON: nobody can judge what he is not shown whole."""
_FIELD_LIMIT = 8_000
"""Characters of one field of the context, as JSON; the client allows 128,000 bytes for all."""
_CONTEXT_FIELDS = (
    *("permission_mode", "platform", "live_cwd", "home_dir", "trusted_directories", "restricted", "is_remote_mode"),
    *("user_identity", "git_state", "refused_calls", "system_reminders", "artifacts", "chrome_navigation"),
)
_NOTHING: tuple[object, ...] = (None, [], {})


@functools.cache
def _instructions() -> str:
    return resources.files("proxy.answering.safeguards").joinpath("instructions.txt").read_text(encoding="utf-8")


def system_prompt(rules: Mapping[str, Sequence[Rule]]) -> str:
    """The instructions, then the rules with their keys."""
    lines = [_instructions(), "The rules:"]
    for name, entries in rules.items():
        if entries:
            lines.append(f"{name}:")
            lines.extend(f"- [{rule.key}] {' '.join(rule.text.split())}" for rule in entries)
    return "\n".join(lines)


def can_be_shown(call: ToolCall) -> bool:
    """Whether the judge can be shown all of it."""
    return len(_json(call.input)) <= JUDGED_INPUT_LIMIT


def user_prompt(request: MessagesRequest, context: Mapping[str, Any], calls: Sequence[ToolCall]) -> str:
    """`calls` are numbered from 1."""
    # The first words of a sub-agent's conversation are those of the agent that started it.
    words = "agent_task" if role_of(request, {}).kind == "subagent" else "user_words"
    data = {
        "context": {name: _bounded(context[name]) for name in _CONTEXT_FIELDS if context.get(name) not in _NOTHING},
        words: _latest(_user_words(request)),
        "calls_before": [
            {"tool": block.name, "input": _clipped(_json(block.input), _INPUT_LIMIT)} for block in _earlier(request)
        ][-_CALLS_LIMIT:],
        "calls_to_judge": [
            {"call": number, "tool": call.name, "input": _json(call.input)} for number, call in enumerate(calls, 1)
        ],
    }
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return f"<data>\n{text.replace('<', chr(92) + 'u003c').replace('>', chr(92) + 'u003e')}\n</data>"


def _user_words(request: MessagesRequest) -> Iterator[str]:
    """The texts of user turns that stand outside tool results and of what the client put there itself."""
    for message in request.messages:
        if message.role != "user":
            continue
        for block in message.content:
            if isinstance(block, TextBlock) and not block.text.startswith(_SUMMARY):
                words = _NOT_THE_USER.sub("", block.text).strip()
                if words:
                    yield words


def _latest(texts: Iterator[str]) -> list[str]:
    """The latest words, up to the limit."""
    kept: list[str] = []
    room = _WORDS_LIMIT
    for text in reversed(list(texts)):
        if room <= 0:
            break
        kept.insert(0, _clipped(text, room))
        room -= len(text)
    return kept


def _earlier(request: MessagesRequest) -> Iterator[ToolUseBlock]:
    for message in request.messages:
        if message.role == "assistant":
            yield from (block for block in message.content if isinstance(block, ToolUseBlock))


def _bounded(value: Any) -> Any:
    text = _json(value)
    return value if len(text) <= _FIELD_LIMIT else _clipped(text, _FIELD_LIMIT)


def _clipped(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} [... {len(text) - limit} characters left out ...] {text[-(limit // 2) :]}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
