"""Chat Completions messages as they should be sent, and the beginnings of conversations."""

from __future__ import annotations

from typing import Any

from tests.translation import Json, assistant, call, user


def said(role: str, content: Any) -> Json:
    return {"role": role, "content": content}


def calling(*ids: str, content: str | None = None, **more: Any) -> Json:
    function = {"name": "Read", "arguments": "{}"}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls, **more}


def told(id: str, content: str = "done") -> Json:
    return {"role": "tool", "tool_call_id": id, "content": content}


ASKED = [user("a"), assistant(call("t1"))]
HEAD = [said("user", "a"), calling("t1")]
TWO = [user("a"), assistant(call("t1"), call("t2"))]
HEAD_TWO = [said("user", "a"), calling("t1", "t2")]
