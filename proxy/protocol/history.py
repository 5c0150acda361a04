"""The conversation as clients really send it, put in the order that every other vendor demands.

Claude Code interleaves system turns, loses results when the user interrupts, repeats them after a resume and splits
the results of parallel calls over several turns. Elsewhere each of these is a 400, so the history is repaired here,
once for all providers: every tool use is answered exactly once, directly after its turn and in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.protocol.blocks import (
    ContentBlock,
    DocumentBlock,
    SearchResultBlock,
    TextBlock,
    ToolAdditionBlock,
    ToolReferenceBlock,
    ToolRemovalBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from proxy.protocol.notes import Notes
from proxy.protocol.request import Message, MessagesRequest, Tool
from proxy.protocol.web_search import search_tool

NO_RESULT = "[No result: the tool call was interrupted]"
_NO_SEARCH = (
    "Web search is not available in this conversation. Where an answer needs it, say that you could not search, and "
    "answer from what you know."
)
_BILLING_LINE = "x-anthropic-billing-header:"


@dataclass(frozen=True, slots=True)
class SystemTurn:
    """Instructions given in mid-conversation. `cache_control`: what ends with them is to be cached."""

    text: str
    cache_control: bool = False


@dataclass(frozen=True, slots=True)
class UserTurn:
    blocks: list[ContentBlock]


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    blocks: list[ContentBlock]


@dataclass(frozen=True, slots=True)
class ResultsTurn:
    """The answers to all tool uses of the assistant turn before it, in the order of the calls."""

    results: list[ToolResultBlock]


Turn = SystemTurn | UserTurn | AssistantTurn | ResultsTurn


def system_blocks(request: MessagesRequest, *, searches: bool = False) -> list[TextBlock]:
    """The texts of the system prompt that are not blank.

    Claude Code's billing line changes with every request and would defeat the upstream's prompt cache. A model that is
    asked for a web search is told if it has none, unless `searches` says that the caller sees to it.
    """
    blocks = [block for block in request.system if isinstance(block, TextBlock)]
    cleaned = [block.model_copy(update={"text": _without_billing(block.text)}) for block in blocks]
    if not searches and search_tool(request) is not None:
        cleaned.append(TextBlock(text=_NO_SEARCH))
    return [block for block in cleaned if block.text.strip()]


def _without_billing(text: str) -> str:
    if not text.startswith(_BILLING_LINE):
        return text
    return text.partition("\n")[2].lstrip("\n")


def turns(request: MessagesRequest, notes: Notes) -> list[Turn]:
    """The repaired conversation. Neighbouring user (and assistant) messages are one turn; no turn is empty."""
    repaired: list[Turn] = []
    messages = request.messages
    at = 0
    while at < len(messages):
        end = at
        spoken: list[ContentBlock] = []
        while end < len(messages) and messages[end].role == "assistant":
            spoken.extend(block for block in messages[end].content if not _is_blank(block))
            end += 1
        calls = _with_own_ids(spoken)
        if spoken:
            _add(AssistantTurn(spoken), repaired)
        at = end
        while end < len(messages) and messages[end].role != "assistant":
            end += 1
        for turn in _between(messages[at:end], calls, notes):
            _add(turn, repaired)
        at = end
    return repaired


def _add(turn: Turn, repaired: list[Turn]) -> None:
    """Blank turns leave no trace, so what stood around one may be neighbours now."""
    last = repaired[-1] if repaired else None
    for kind in (UserTurn, AssistantTurn):
        if isinstance(last, kind) and isinstance(turn, kind):
            last.blocks.extend(turn.blocks)
            return
    repaired.append(turn)


def _with_own_ids(blocks: list[ContentBlock]) -> list[ToolUseBlock]:
    """The tool uses among `blocks`; one that repeats an id of its own turn gets another, in place."""
    calls: dict[str, ToolUseBlock] = {}
    for position, block in enumerate(blocks):
        if isinstance(block, ToolUseBlock):
            while block.id in calls:
                block = block.model_copy(update={"id": f"{block.id}_{position}"})
            blocks[position] = calls[block.id] = block
    return list(calls.values())


def _between(messages: Sequence[Message], calls: Sequence[ToolUseBlock], notes: Notes) -> Iterator[Turn]:
    """What stands between two assistant turns: the results of the first one's calls, then all else in its order."""
    results: dict[str, ToolResultBlock] = {}
    rest: list[Turn] = []
    wanted = {call.id for call in calls}
    for message in messages:
        if message.role == "system":
            texts = [block for block in message.content if isinstance(block, TextBlock)]
            text = "\n\n".join(block.text for block in texts)
            if text.strip():
                rest.append(SystemTurn(text, any(block.cache_control for block in texts)))
            continue
        blocks: list[ContentBlock] = []
        for block in message.content:
            if any(each.wants_citations for each in _citable(block)):
                notes.add("messages: citations of documents are not available here")
            if not isinstance(block, ToolResultBlock):
                if not _is_blank(block):
                    blocks.append(block)
            elif block.tool_use_id in wanted and block.tool_use_id not in results:
                results[block.tool_use_id] = block
            else:
                notes.add("messages: a tool_result without its tool_use became text")
                blocks.extend(
                    [TextBlock(text=f"[Result of an earlier tool call, {block.tool_use_id}]"), *block.content]
                )
        if blocks and rest and isinstance(rest[-1], UserTurn):
            rest[-1].blocks.extend(blocks)
        elif blocks:
            rest.append(UserTurn(blocks))
    if calls:
        yield ResultsTurn([results.get(call.id) or _missing(call, notes) for call in calls])
    yield from rest


def _citable(block: ContentBlock) -> Iterator[DocumentBlock | SearchResultBlock]:
    """What could be cited: the block itself, or what stands in a result."""
    for each in block.content if isinstance(block, ToolResultBlock) else (block,):
        if isinstance(each, DocumentBlock | SearchResultBlock):
            yield each


def _missing(call: ToolUseBlock, notes: Notes) -> ToolResultBlock:
    notes.add("messages: a tool_use without its tool_result was given one")
    return ToolResultBlock(tool_use_id=call.id, content=[TextBlock(text=NO_RESULT)], is_error=True)


def _is_blank(block: ContentBlock) -> bool:
    """Texts of nothing but white space: clients send them, vendors refuse them."""
    return isinstance(block, TextBlock) and (not block.text or block.text.isspace())


def offered_tools(request: MessagesRequest, notes: Notes, *, searches: bool = False) -> list[Tool]:
    """The custom tools that the model may call now, in the request's order.

    Deferred tools count at once where Anthropic's own tool search would find them, else once a tool search, a
    `tool_addition` or a call in the history (or the request's own `tool_choice`) has named them. Tools that Anthropic
    runs on its own servers are left out with a note; the web search is not, where `searches` says that the caller sees
    to it.
    """
    searched_by_server = any(tool.is_tool_search for tool in request.tools if not tool.is_custom)
    loaded = {request.tool_choice.name} if request.tool_choice is not None else set()
    removed: set[str] = set()
    added: dict[str, Tool] = {}
    for block in _tool_mentions(request):
        if isinstance(block, ToolReferenceBlock | ToolUseBlock):
            loaded.add(block.tool_name if isinstance(block, ToolReferenceBlock) else block.name)
            continue
        name = str(block.tool.get("name") or block.tool.get("tool_name") or "")
        if isinstance(block, ToolRemovalBlock):
            removed.add(name)
            continue
        removed.discard(name)
        loaded.add(name)
        if isinstance(block.tool.get("input_schema"), dict):
            added[name] = Tool.model_validate(block.tool)
    offered: list[Tool] = []
    for tool in request.tools:
        if tool.is_custom:
            if tool.name not in removed and (tool.name in loaded or searched_by_server or not tool.defer_loading):
                offered.append(tool)
        elif tool.is_tool_search:
            notes.add(f"tools: {tool.type} is not available here, so all deferred tools were offered at once")
        elif not (searches and tool.is_web_search):
            notes.add(f"tools: {tool.type} is not available here")
    present = {tool.name for tool in request.tools}
    offered.extend(tool for name, tool in added.items() if name not in present and name not in removed)
    return offered


_ToolMention = ToolReferenceBlock | ToolUseBlock | ToolAdditionBlock | ToolRemovalBlock


def _tool_mentions(request: MessagesRequest) -> Iterator[_ToolMention]:
    for message in request.messages:
        for block in message.content:
            if isinstance(block, _ToolMention):
                yield block
            elif isinstance(block, ToolResultBlock):
                yield from (inner for inner in block.content if isinstance(inner, ToolReferenceBlock))
