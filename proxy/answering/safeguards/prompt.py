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
_REMINDER = re.compile(r"<system-reminder>.*?(?:</system-reminder>|\Z)", re.DOTALL)
"""Claude Code's own additions to user turns; they hold files and hooks' output."""
_WORDS_LIMIT = 12_000
"""Characters of the user's words, the latest of them."""
_CALLS_LIMIT = 40
_INPUT_LIMIT = 6_000
"""Characters of one call's input; of a longer one beginning and end are shown."""
_CONTEXT_FIELDS = (
    *("permission_mode", "platform", "live_cwd", "home_dir", "trusted_directories", "restricted", "is_remote_mode"),
    *("user_identity", "git_state", "refused_calls", "system_reminders", "artifacts", "chrome_navigation"),
)


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


def user_prompt(request: MessagesRequest, context: Mapping[str, Any], calls: Sequence[ToolCall]) -> str:
    data = {
        "context": {name: context[name] for name in _CONTEXT_FIELDS if context.get(name) not in (None, [], {})},
        "user_words": _latest(_user_words(request)),
        "calls_before": [_shown(block.name, block.input) for block in _earlier(request)][-_CALLS_LIMIT:],
        "calls_to_judge": [{"call": n, **_shown(each.name, each.input)} for n, each in enumerate(calls, 1)],
    }
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return f"<data>\n{text.replace('<', chr(92) + 'u003c').replace('>', chr(92) + 'u003e')}\n</data>"


def _user_words(request: MessagesRequest) -> Iterator[str]:
    """The texts of user turns that stand outside tool results and of the client's own reminders."""
    for message in request.messages:
        if message.role != "user":
            continue
        for block in message.content:
            if isinstance(block, TextBlock) and (words := _REMINDER.sub("", block.text).strip()):
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


def _shown(name: str, value: Any) -> dict[str, str]:
    return {"tool": name, "input": _clipped(json.dumps(value, ensure_ascii=False), _INPUT_LIMIT)}


def _clipped(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} [... {len(text) - limit} characters left out ...] {text[-(limit // 2) :]}"
