"""Contexts, calls and requests of an auto-mode session, and a look at what the judge is shown of them."""

from __future__ import annotations

import json
from typing import Any

from proxy.answering.safeguards.calls import ToolCall
from proxy.answering.safeguards.prompt import user_prompt
from proxy.protocol.request import MessagesRequest, parse_request
from tests.translation import asking, user

Json = dict[str, Any]


def context(primary: str = "/home/dev/app", *additional: str, **changes: Any) -> Json:
    """A `classifier_context` as Claude Code 2.1.332 sends it to a user without rules of his own."""
    return {
        "v": 1,
        "permission_mode": "auto",
        "platform": "linux",
        "live_cwd": primary,
        "home_dir": "/home/dev",
        "trusted_directories": {
            "primary": {"path": primary, "resolved": [primary]},
            "additional": [{"path": path, "resolved": [path], "source": "cliArg"} for path in additional],
            "network": [],
            "block_reads_outside_working_directories": False,
        },
        "rules": {"allow": [], "deny": [], "ask": []},
        "auto_mode": {"allow": [], "soft_deny": [], "hard_deny": [], "environment": []},
        "is_remote_mode": False,
        "user_identity": None,
        "git_state": {"cwd": primary, "root": primary, "branch": "main", "status": None},
        "refused_calls": [],
        **changes,
    }


def safeguards(**changes: Any) -> list[Json]:
    """The `safeguards` of a request; `changes` are those of its context."""
    return [{"type": "dangerous_tool_use", "classifier_context": context(**changes)}]


def bash(command: str, id: str = "toolu_1") -> ToolCall:
    return ToolCall(id, "Bash", {"command": command})


def request(*messages: Json, **fields: Any) -> MessagesRequest:
    return parse_request(json.dumps(asking(*(messages or (user("Build it"),)), **fields)).encode())


def data_of(prompt: str) -> Json:
    """The value between the tags of a user prompt, which must be the whole of it."""
    begin, end = "<data>\n", "\n</data>"
    assert prompt.startswith(begin)
    assert prompt.endswith(end)
    inner = prompt[len(begin) : -len(end)]
    assert "<" not in inner
    assert ">" not in inner
    value: Json = json.loads(inner)
    return value


def shown(*messages: Json, calls: tuple[ToolCall, ...] = (), given: Json | None = None, **fields: Any) -> Json:
    """What the judge sees of a conversation."""
    return data_of(user_prompt(request(*messages, **fields), context() if given is None else given, calls))
