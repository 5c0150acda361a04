"""Fresh ids in Anthropic's forms. They must not repeat: Claude Code merges two answers that share a message id."""

from __future__ import annotations

import secrets


def message_id() -> str:
    return "msg_" + secrets.token_hex(12)


def request_id() -> str:
    return "req_" + secrets.token_hex(12)


def tool_use_id() -> str:
    return "toolu_" + secrets.token_hex(12)


def server_tool_use_id() -> str:
    return "srvtoolu_" + secrets.token_hex(12)
