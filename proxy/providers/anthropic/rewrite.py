"""What must change in a request or answer that is passed through; all else stays byte for byte. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from proxy.protocol.signature import is_ours
from proxy.providers.common import placeholders
from proxy.providers.common.waits import retry_after

_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers about one connection only, which an intermediary has to remove (RFC 9110, 7.6.1; RFC 2616, 13.5.1)."""
_NOT_SENT = _HOP_BY_HOP | {
    *("host", "content-length", "expect", "accept-encoding"),
    *("cookie", "origin", "referer", "forwarded"),
}
"""And what the HTTP client writes anew (`host`, `content-length`), what our own server has answered (`expect`),
encodings in which no frame can be found, and what a browser or a proxy says of whom it works for. With an `origin`
Anthropic takes the call for a browser's own ("CORS requests must set 'anthropic-dangerous-direct-browser-access'
header", 401, 2026-11).
"""
CREDENTIALS = ("x-api-key", "authorization")
"""Headers with what may not be repeated to anybody."""
_NOT_RETURNED = _HOP_BY_HOP | {"content-length", "set-cookie", "date", "server"}
"""And what our own server writes (`date`, `server`), the length of a body that may end in another way, and cookies of a
host that is not the client's.
"""
_MESSAGES = ("/v1/messages", "/v1/messages/count_tokens")
_MODELS = "/v1/models"
_BATCHES, _RESULTS = "/v1/messages/batches", "/results"
_HOST_OF_RESULTS = re.compile(rb'(?<="results_url")(\s*:\s*")[^"]*?(?=/v1/messages/batches/)')


def holds_messages(path: str) -> bool:
    """Whether a request to this path has messages and a model in its body, and its answer is one of a model."""
    return path.partition("?")[0] in _MESSAGES


def comes_whole(path: str) -> bool:
    """Whether the answer to a request to this path is looked at whole: of a model, or about models."""
    return holds_messages(path) or path.startswith(_MODELS)


def tells_of_batches(path: str) -> bool:
    """Whether the answer to a request to this path may say where the results of a batch are."""
    path = path.partition("?")[0]
    return path.startswith(_BATCHES) and not path.endswith(_RESULTS)


def with_own_results(body: bytes) -> bytes:
    """An answer that tells of batches, with addresses of results that lead here: `/v1/messages/batches/ID/results`.

    SDKs call them as they stand, with the key that is good here only. A path without a host they call on the server
    that they know; under which address that is cannot be seen from here.
    """
    return _HOST_OF_RESULTS.sub(rb"\1", body)


def request_headers(headers: Iterable[tuple[str, str]], key: str | None) -> dict[str, str]:
    """The client's headers for the upstream. With a `key` of the server's own, the client's credentials go."""
    kept = {
        name.lower(): value
        for name, value in headers
        if name.lower() not in _NOT_SENT and not name.lower().startswith("x-forwarded-")
    }
    if key is not None:
        for name in CREDENTIALS:
            kept.pop(name, None)
        kept["x-api-key"] = key
    return {**kept, "accept-encoding": "identity"}


def response_headers(headers: Iterable[tuple[str, str]], *, decoded: bool = False) -> list[tuple[str, str]]:
    """The upstream's headers for the client: request-id, retry-after, anthropic-ratelimit-* and the rest.

    `decoded`: the body is passed on without its content encoding. A date on which to come back becomes the seconds
    until then, which is what clients read; one that has passed says nothing.
    """
    dropped = _NOT_RETURNED | {"content-encoding"} if decoded else _NOT_RETURNED
    headers = list(headers)
    wait = retry_after({name.lower(): value for name, value in headers})
    seconds = "" if wait is None else str(max(1, math.ceil(wait)))
    kept = [(name, value) for name, value in headers if name.lower() not in dropped]
    told = [(name, seconds if name.lower() == "retry-after" and "," in value else value) for name, value in kept]
    return [(name, value) for name, value in told if value or name.lower() != "retry-after"]


def request_body(body: bytes, requested: str, model: str, effort: str | None = None) -> bytes:
    """The body to send: with `model` in place of the `requested` name, without thinking that Anthropic did not sign and
    web searches that it did not make, and with the `effort`, a word of `effort.SCALE`, where one is set for all.

    It refuses signatures and search results that are not its own; a session that holds them would be dead.
    """
    value = json.loads(body)
    given = value["messages"]
    messages = [_without_foreign(message) for message in given]
    if requested == model and messages == given and effort is None:
        return body
    if messages != given:
        messages = _without_emptied(messages, given)
        if _continues_without_thinking(value, messages):
            _switch_thinking_off(value)
    if effort is not None:
        _set_effort(value, effort)
        messages = [changed for message in messages if (changed := _without_effort(message)) is not None]
    value["model"], value["messages"] = model, messages
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _set_effort(value: dict[str, Any], effort: str) -> None:
    """Anthropic has neither "none" nor "minimal" (platform.claude.com, effort, 2026-11)."""
    if effort == "none":
        _switch_thinking_off(value)
        return
    value["output_config"] = {**(value.get("output_config") or {}), "effort": "low" if effort == "minimal" else effort}


def _switch_thinking_off(value: dict[str, Any]) -> None:
    """To clear thoughts is refused where there are none ("`clear_thinking_20251015` strategy requires `thinking` to be
    enabled or adaptive", router-for-me/CLIProxyAPI#4957, 2026-08)."""
    value["thinking"] = {"type": "disabled"}
    managed = value.pop("context_management", None) or {}
    edits = [edit for edit in managed.get("edits") or () if not str(edit.get("type")).startswith("clear_thinking_")]
    if edits:
        value["context_management"] = {**managed, "edits": edits}


def _without_effort(message: dict[str, Any]) -> dict[str, Any] | None:
    """A turn's own effort would win over that of the request; None for a turn that holds nothing else."""
    if "output_config" not in message:
        return message
    config = {name: each for name, each in (message.get("output_config") or {}).items() if name != "effort"}
    kept = {name: each for name, each in message.items() if name != "output_config"}
    if config:
        return {**kept, "output_config": config}
    return kept if kept["content"] != [] else None


def _without_emptied(messages: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was left of the `given` messages. One that was empty before is a system message that sets an effort."""
    kept: list[dict[str, Any]] = []
    for message, before in zip(messages, given, strict=True):
        last = next((each for each in reversed(kept) if each["content"] != []), None)
        if message["content"] != [] or before["content"] == []:
            kept.append(message)
        elif last is not None and last["role"] == "system":
            # "role 'system' must precede an 'assistant' message or end the array"
            kept.append({**message, "content": [{"type": "text", "text": placeholders.THOUGHTS}]})
    return kept


def _without_foreign(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    if message["role"] != "assistant" or not isinstance(content, list):
        return message
    searches = [block.get("tool_use_id") for block in content if _is_foreign_result(block)]
    kept = [block for block in content if not _is_foreign(block) and block.get("id") not in searches]
    return {**message, "content": [_without_foreign_citations(block) for block in kept]}


def _is_foreign(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "thinking":
        signature = block.get("signature") or ""
        return not signature or is_ours(signature)
    return _is_foreign_result(block) or (kind == "redacted_thinking" and is_ours(block.get("data") or ""))


def _is_foreign_result(block: dict[str, Any]) -> bool:
    """Whether it holds what another vendor's search has found."""
    return block.get("type") == "web_search_tool_result" and _any_ours(block.get("content"), "encrypted_content")


def _without_foreign_citations(block: dict[str, Any]) -> dict[str, Any]:
    if not _any_ours(block.get("citations"), "encrypted_index"):
        return block
    return {name: value for name, value in block.items() if name != "citations"}


def _any_ours(values: Any, name: str) -> bool:
    values = values if isinstance(values, list) else []
    return any(isinstance(value, dict) and is_ours(str(value.get(name) or "")) for value in values)


def _continues_without_thinking(request: dict[str, Any], messages: list[dict[str, Any]]) -> bool:
    """Whether a tool loop goes on that no longer begins with thinking, which a thinking budget does not allow."""
    if (request.get("thinking") or {}).get("type") != "enabled":
        return False
    first: list[dict[str, Any]] = []
    for role, blocks in reversed(_merged(messages)):
        if role == "assistant":
            first = blocks
        elif not any(block.get("type") == "tool_result" for block in blocks):
            break
    return bool(first) and first[0].get("type") not in ("thinking", "redacted_thinking")


def _merged(messages: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The turns as Anthropic sees them: neighbouring messages of one role are one, system messages stand in none."""
    spoken = [message for message in messages if message["role"] != "system"]
    return [
        (role, [block for message in group for block in _blocks(message["content"])])
        for role, group in groupby(spoken, lambda message: str(message["role"]))
    ]


def _blocks(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]
