"""What Anthropic's API refuses, in its words where those are known."""

from __future__ import annotations

import base64
import hmac
import itertools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tests.fakes.anthropic.bodies import redacted, sign
from tests.fakes.server import strict_json

Json = dict[str, Any]

MODELS = (
    *("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2", "claude-mythos-5-2"),
    *("claude-fable-5-1", "claude-mythos-5-1", "claude-fable-5", "claude-mythos-5", "claude-opus-5", "claude-sonnet-5"),
    *("claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-5-20251101"),
    *("claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929"),
)
"""Newest first, as the list shows them. Their names without a date are known as well."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a request body."""

_BETA_FIELDS = {"billing_policy", "compaction", "context_management", "fallback_credit_token", "fallbacks"}
_BETA_FIELDS |= {"mcp_servers", "output_format", "safeguards", "thread"}
_COUNTED = {"cache_control", "messages", "model", "output_config", "speed", "system", "thinking", "tool_choice"}
_COUNTED |= {"tools", "user_profile_id", "workspace_id"}
_SAMPLING = ("temperature", "top_p", "top_k")
_FIELDS = _COUNTED | {"max_tokens", "container", "diagnostics", "inference_geo", "metadata", "service_tier"}
_FIELDS |= {"stop_sequences", "stream", *_SAMPLING}
_MESSAGE_FIELDS = {"user": set[str](), "assistant": set[str](), "system": {"clear_at", "output_config"}}
_BLOCK_FIELDS = {
    "text": {"text", "cache_control", "citations"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
    "tool_use": {"id", "name", "input", "caller", "toolset_name", "cache_control"},
    "tool_result": {"tool_use_id", "content", "is_error", "cache_control"},
}
_REQUIRED: dict[str, dict[str, type]] = {
    "text": {"text": str},
    "thinking": {"signature": str, "thinking": str},
    "redacted_thinking": {"data": str},
    "tool_use": {"id": str, "input": dict, "name": str},
    "tool_result": {"tool_use_id": str},
}
_NAMES = {str: "string", dict: "dictionary", list: "list", int: "integer"}
_USER = {"image", "document", "search_result", "tool_result", "container_upload"}
_ASSISTANT = {"thinking", "redacted_thinking", "tool_use", "server_tool_use", "compaction", "fallback", "mcp_tool_use"}
_TAGS = {"text", "tool_addition", "tool_removal", "mcp_tool_listing"} | _USER | _ASSISTANT
_TYPED_TOOLS = r"(custom|mcp_toolset|tool_search_tool_(bm25|regex)(_\d{8})?|(bash|text_editor|memory|code_execution"
_TYPED_TOOLS += r"|web_search|web_fetch|advisor|computer_toolset|browser_toolset)_20\d{6})"
_THINKING = ("adaptive", "between_tools", "disabled", "enabled")
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


@dataclass(eq=False)
class Failure(Exception):
    """An HTTP error in Anthropic's envelope. `headers` are added to the usual ones."""

    status: int
    type: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] | None = None


def known_model(name: str) -> str:
    """The model of this name, which may lack its date. Raises Failure."""
    found = next((id_ for id_ in MODELS if name in (id_, re.sub(r"-\d{8}$", "", id_))), None)
    if found is None:
        raise Failure(404, "not_found_error", f"model: {name}")
    return found


def is_old(model: str) -> bool:
    """Older than 4.6: no adaptive thinking, and an answer may be begun for it."""
    return "-4-5" in model


def refuse(text: str) -> NoReturn:
    """Raises Failure for a request that is not valid."""
    raise Failure(400, "invalid_request_error", text)


def parsed(raw: bytes) -> Json:
    """The body of a request. Raises Failure."""
    if len(raw) > LARGEST:
        raise Failure(413, "request_too_large", "Request exceeds the maximum size")
    try:
        body = strict_json(raw)
    except ValueError as error:
        refuse(f"The request body is not valid JSON: {error}")
    if not isinstance(body, dict):
        refuse("The request body is not valid JSON: expected an object")
    return body


def check(body: Json, headers: Mapping[str, str], *, counts: bool = False) -> None:
    """Raises Failure on the first thing that Anthropic refuses. `counts`: count_tokens, which knows fewer fields."""
    beta = _BETA_FIELDS if headers.get("anthropic-beta") else set()
    newest = headers.get("anthropic-version") == "2026-10-21"
    _only(body, (_COUNTED if counts else _FIELDS - set(_SAMPLING if newest else ())) | beta)
    if "context_management" in body and "context-management-" not in headers["anthropic-beta"]:
        refuse("context_management: Extra inputs are not permitted")
    _require(body, {"model": str, "messages": list} | ({} if counts else {"max_tokens": int}))
    known_model(body["model"])
    _check_tools(body)
    _check_thinking(body)
    _check_edits(body)
    if not body["messages"]:
        refuse("messages: at least one message is required")
    if isinstance(body.get("system"), list):
        for index, block in enumerate(body["system"]):
            _object(block, f"system.{index}")
            _require(block, {"text": str}, f"system.{index}.")
            _check_text(block, "system")
    for index, given in enumerate(body["messages"]):
        _check_message(given, index, newest)
    turns = [(index, given) for index, given in enumerate(body["messages"]) if given["role"] != "system"]
    _check_system_turns(body["messages"])
    _check_pairs(turns)
    if turns[-1:] and turns[-1][1]["role"] == "assistant" and not is_old(body["model"]):
        refuse("This model does not support assistant message prefill. The conversation must end with a user message.")
    if (body.get("thinking") or {}).get("type") == "enabled":
        _check_loop(turns)


def _only(value: Json, known: Collection[str], where: str = "") -> None:
    for name in value:
        if name not in known:
            refuse(f"{where}{name}: Extra inputs are not permitted")


def _object(value: object, where: str) -> None:
    if not isinstance(value, dict):
        refuse(f"{where}: Input should be a valid dictionary")


def _require(value: Json, fields: Mapping[str, type], where: str = "") -> None:
    for name, kind in fields.items():
        if name not in value:
            refuse(f"{where}{name}: Field required")
        if not isinstance(value[name], kind) or isinstance(value[name], bool):
            refuse(f"{where}{name}: Input should be a valid {_NAMES[kind]}")


def _check_thinking(body: Json) -> None:
    mode = body.get("thinking")
    if mode is None:
        return
    _object(mode, "thinking")
    if mode.get("type") not in _THINKING:
        tags = ", ".join(f"'{tag}'" for tag in _THINKING)
        text = f"Input tag '{mode.get('type')}' found using 'type' does not match any of the expected tags: {tags}"
        refuse(f"thinking: {text}")
    if mode["type"] == "enabled":
        _require(mode, {"budget_tokens": int}, "thinking.enabled.")
        if mode["budget_tokens"] < 1024:
            refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if body.get("max_tokens", mode["budget_tokens"] + 1) <= mode["budget_tokens"]:
            refuse("`max_tokens` must be greater than `thinking.budget_tokens`")
        if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
            refuse("Thinking may not be enabled when tool_choice forces tool use.")
    if mode["type"] in ("adaptive", "enabled") and body.get("temperature", 1) != 1:
        refuse("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")


def _check_edits(body: Json) -> None:
    """Of the context. Older models do not think unless they are told to."""
    kinds = [str(edit.get("type")) for edit in (body.get("context_management") or {}).get("edits") or ()]
    mode = (body.get("thinking") or {}).get("type") or ("disabled" if is_old(body["model"]) else "adaptive")
    clearing = next((kind for kind in kinds if kind.startswith("clear_thinking_")), None)
    if clearing is not None and mode == "disabled":
        refuse(f"`{clearing}` strategy requires `thinking` to be enabled or adaptive")


def _check_tools(body: Json) -> None:
    tools, choice = body.get("tools") or [], body.get("tool_choice")
    for index, tool in enumerate(tools):
        _object(tool, f"tools.{index}")
        kind = tool.get("type") or "custom"
        if not re.fullmatch(_TYPED_TOOLS, kind):
            text = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
            refuse(f"tools.{index}: {text}: 'bash_20250124', 'custom', ...")
        if kind == "custom":
            _require(tool, {"name": str, "input_schema": dict}, f"tools.{index}.custom.")
            if not re.fullmatch("[a-zA-Z0-9_-]{1,128}", tool["name"]):
                refuse(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
            if tool["input_schema"].get("type") != "object":
                refuse(f"tools.{index}.custom.input_schema.type: Input should be 'object'")
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(set(names)) < len(names):
        refuse("tools: Tool names must be unique.")
    if choice and not tools:
        refuse("tool_choice: tool_choice may only be specified while providing tools")
    if choice and choice.get("type") == "tool" and choice.get("name") not in names:
        refuse(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _check_text(block: Json, what: str = "messages", where: str = "") -> None:
    if block["text"] == "" and block.get("cache_control"):
        refuse(f"{where or what}.text: cache_control cannot be set for empty text blocks")
    if not block["text"].strip():
        wanted = "contain non-whitespace text" if block["text"] else "be non-empty"
        refuse(f"{what}: text content blocks must {wanted}")


def _check_message(given: Json, index: int, newest: bool) -> None:
    where = f"messages.{index}"
    _object(given, where)
    role = given.get("role")
    if role not in _MESSAGE_FIELDS:
        refuse(f"{where}.role: Input should be 'user', 'assistant' or 'system'")
    _only(given, {"role", "content"} | _MESSAGE_FIELDS[role], f"{where}.")
    content = given.get("content")
    if isinstance(content, str) and content:
        _check_text({"text": content})
        return
    if content not in ("", []) and not isinstance(content, list):
        refuse(f"{where}.content: " + ("Input should be a valid list" if "content" in given else "Field required"))
    if not content and not (role == "system" and "output_config" in given):
        refuse(f"{where}: all messages must have non-empty content except for the optional final assistant message")
    for position, block in enumerate(content):
        _check_block(block, role, f"{where}.content.{position}", where)
        if newest and role == "assistant" and block["type"] == "document":
            refuse(f"{where}.content.{position}: `document` blocks can only be in `user` messages")
        if newest and role == "user" and block["type"] == "text" and block.get("citations"):
            refuse(f"{where}.content.{position}.text.citations: Extra inputs are not permitted")


def _check_block(block: Json, role: str, path: str, message_path: str) -> None:
    _object(block, path)
    kind = block.get("type")
    if kind not in _TAGS and not str(kind).endswith("tool_result"):
        tags = ", ".join(f"'{tag}'" for tag in sorted(_TAGS))
        refuse(f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}")
    # Old versions of the API took documents from the assistant too.
    only = "user" if kind in _USER - {"document"} else "assistant" if kind in _ASSISTANT else role
    if role != only:
        refuse(f"{message_path}: `{kind}` blocks can only be in `{only}` messages")
    if kind in _BLOCK_FIELDS:
        _only(block, _BLOCK_FIELDS[kind] | {"type"}, f"{path}.{kind}.")
        _require(block, _REQUIRED[kind], f"{path}.{kind}.")
    if kind == "text":
        _check_text(block, where=path)
    elif kind == "thinking" and not hmac.compare_digest(block["signature"].encode(), sign(block["thinking"]).encode()):
        refuse(f"{path}: Invalid `signature` in `thinking` block")
    elif kind == "redacted_thinking" and block["data"] != redacted()["data"]:
        refuse(f"{path}: Invalid `data` in `redacted_thinking` block")
    elif kind == "tool_use" and not re.fullmatch("[a-zA-Z0-9_-]+", block["id"]):
        refuse(f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    elif kind == "image" and (block.get("source") or {}).get("type") == "base64":
        _check_image(block["source"], f"{path}.image.source.base64")
    elif kind == "tool_result" and isinstance(block.get("content"), list):
        for position, part in enumerate(block["content"]):
            _object(part, f"{path}.tool_result.content.{position}")
            if part.get("type") == "image" and (part.get("source") or {}).get("type") == "base64":
                _check_image(part["source"], f"{path}.tool_result.content.{position}.image.source.base64")


def _check_image(source: Json, path: str) -> None:
    if source.get("media_type") not in _IMAGES:
        refuse(f"{path}.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
    try:
        base64.b64decode(source["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        refuse(f"{path}: invalid base64 data")


def _check_system_turns(messages: list[Json]) -> None:
    turns = [(index, given) for index, given in enumerate(messages) if given["role"] != "system" or given["content"]]
    for place, (index, given) in enumerate(turns):
        if given["role"] != "system":
            continue
        before = [turn["role"] for _, turn in turns[:place] if turn["role"] != "system"]
        after = [turn["role"] for _, turn in turns[place + 1 :] if turn["role"] != "system"]
        if not before:
            text = "use the top-level 'system' parameter for the initial system prompt; the directive-only form "
            refuse(f"messages.{index}: {text}(content: [] with output_config) is accepted at any position")
        if after[:1] == ["user"]:
            refuse(f"messages.{index}: role 'system' must precede an 'assistant' message or end the array")
        last = turns[place - 1][1]
        if last["role"] == "assistant" and not _blocks(last)[-1]["type"].endswith("_tool_result"):
            refuse(f"messages.{index}: role 'system' must follow a 'user' message")


def _blocks(given: Json) -> list[Json]:
    content = given["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


Turn = tuple[str, list[tuple[str, Json]]]
"""A role and the blocks of all its neighbouring messages, each with its path."""


def _merged(turns: list[tuple[int, Json]]) -> list[Turn]:
    merged: list[Turn] = []
    for role, group in itertools.groupby(turns, lambda turn: str(turn[1]["role"])):
        paths = [
            (f"messages.{index}.content.{place}", block)
            for index, given in group
            for place, block in enumerate(_blocks(given))
        ]
        merged.append((role, paths))
    return merged


def _check_pairs(turns: list[tuple[int, Json]]) -> None:
    seen: set[str] = set()
    asked: dict[str, str] = {}
    for role, blocks in [*_merged(turns), ("user", [])]:
        if role == "assistant":
            uses = [(path, block["id"]) for path, block in blocks if block["type"] == "tool_use"]
            asked = {id_: path.partition(".content")[0] for path, id_ in uses}
            if len(asked) < len(uses) or seen & asked.keys():
                refuse("messages: `tool_use` ids must be unique")
            seen |= asked.keys()
            continue
        # What follows any other block does not count as immediately after.
        first = itertools.takewhile(lambda item: item[1]["type"] == "tool_result", blocks)
        missing = asked.keys() - {block["tool_use_id"] for _, block in first}
        if missing:
            names = ", ".join(id_ for id_ in asked if id_ in missing)
            text = "`tool_use` ids were found without `tool_result` blocks immediately after"
            rule = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            refuse(f"{asked[names.split(', ')[0]]}: {text}: {names}. {rule}")
        for path, block in blocks:
            if block["type"] == "tool_result" and block["tool_use_id"] not in asked:
                text = f"unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}"
                rule = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                refuse(f"{path}: {text}. {rule}")
        asked = {}


def _check_loop(turns: list[tuple[int, Json]]) -> None:
    """A tool loop is one turn of the assistant: what begins it must be thinking, not what each request adds."""
    merged = _merged(turns)
    if not any(block["type"] == "tool_result" for _, block in merged[-1][1]):
        return
    start = len(merged) - 1
    while start > 0 and (merged[start][0] == "assistant" or merged[start][1][0][1]["type"] == "tool_result"):
        start -= 1
    path, block = merged[start + 1][1][0]
    if block["type"] not in ("thinking", "redacted_thinking"):
        text = "a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
        refuse(
            f"{path}.type: Expected `thinking` or `redacted_thinking`, but found `{block['type']}`. When `thinking` is "
            f"enabled, {text}`tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`."
        )
