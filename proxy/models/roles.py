"""What a request is for: the conversation, a sub-agent, one of Claude Code's errands. Pure.

Claude Code says it in hint headers where CLAUDE_CODE_GATEWAY_HINT_HEADERS is set; without them the shape says it. Both
were recorded from Claude Code 2.1.197, 2.1.330 and 2.1.332 (2026-11); the numbers are those of the recordings.

    kind          shape                                                                    recorded in
    probe         no tools, not streamed, max_tokens 1                                     086, 087
    classifier    no tools, not streamed, user blocks <transcript> ... </transcript>       068, 070, 072
    search        the only tool is web_search                                              011, 040
    compaction    the last user text asks for <analysis> and <summary>, and is not cached  022, 081
    title         no tools, a schema of {title} or {name}                                  026, 056; /rename 085
    hook          no tools, a schema with {ok}; or StructuredOutput without thinking       077
    summary       one message; no tools, no schema, no thinking, one line of system prompt  076
    suggestion    the last user text begins with [SUGGESTION MODE                          083, 098
    subagent      the header x-claude-code-agent-id, or cc_is_subagent in the system       009, 038, 066, 075
    recap         tools; the last user turn is one text that is not to be cached,
                  after an answer that is                                                  none; as 083
    main          everything else, side questions (/btw) included                          001 to 098

Only Claude Code's own requests have another kind than main, probe and search: other clients' may look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from proxy.protocol.blocks import TextBlock, ToolResultBlock
from proxy.protocol.request import CountRequest, Message, MessagesRequest

Kind = Literal[
    "main",
    "subagent",
    "title",
    "summary",
    "suggestion",
    "recap",
    "hook",
    "compaction",
    "classifier",
    "search",
    "probe",
]

_CLASS = "x-claude-code-request-class"
_CLASS_OF_FIRST_PARTY = "x-claude-1p-request-class"
_AGENT_ID = "x-claude-code-agent-id"
_AGENT_TYPE = "x-claude-code-agent-type"
_BILLING = "x-anthropic-billing-header:"
_BACKGROUND = frozenset(("title", "summary", "suggestion", "recap", "hook"))
_TYPE_LIMIT = 64
"""Characters of a type, which comes from the client and goes into the log."""
_TITLES = frozenset(("title", "name"))
_CHANGING_TOOLS = frozenset(("Agent", "Edit", "Write"))
"""What a general-purpose agent has, and Explore and Plan have not."""


@dataclass(frozen=True, slots=True)
class Role:
    """`sign` says by what the role is known; it is for people."""

    kind: Kind
    agent_types: tuple[str, ...] = ()
    """Of a sub-agent: its type, or those that it may have where only its shape is known; empty when unknown."""
    sign: str = ""

    @property
    def is_background(self) -> bool:
        """Whether nobody waits for a good answer: titles, page summaries, recaps, suggestions, hooks."""
        return self.kind in _BACKGROUND

    def __str__(self) -> str:
        return f"{self.kind}/{'|'.join(self.agent_types)}" if self.agent_types else self.kind


MAIN = Role("main")


def role_of(request: MessagesRequest, headers: Mapping[str, str]) -> Role:
    """The role of a request; `headers` by name in any case."""
    lower = {name.lower(): value for name, value in headers.items()}
    if isinstance(request, CountRequest):
        return _agent(request, lower) or MAIN
    hint = lower.get(_CLASS, "").strip().lower()
    named = _hinted(hint, request, lower)
    if named is not None:
        return named
    for kind, sign, fits in _ANYBODYS:
        if fits(request):
            return Role(kind, sign=sign)
    if not hint and not _is_claude_code(request, lower):
        return MAIN
    for kind, sign, fits in _CLAUDE_CODES:
        if fits(request):
            return Role(kind, sign=sign)
    if hint:
        return _auxiliary(request, lower)
    if _is_structured_hook(request, lower):
        return Role("hook", sign=_HOOK_SIGN)
    if agent := _agent(request, lower):
        return agent
    if _is_follow_up(request) and _ends_cached(request):
        return Role("recap", sign="one text after the conversation that is not to be cached")
    return MAIN


def _hinted(hint: str, request: MessagesRequest, headers: Mapping[str, str]) -> Role | None:
    """Where the class alone says the role; "auxiliary" and classes that are not known do not."""
    sign = f"{_CLASS}: {hint}"
    if hint == "compaction" or "x-claude-code-compaction" in headers:
        return Role("compaction", sign=sign if hint else "x-claude-code-compaction")
    if hint in ("main", "side_reply"):
        return Role("main", sign=sign)
    if hint not in ("subagent", "workflow"):
        return None
    if _is_structured_hook(request, headers):
        return Role("hook", sign=_HOOK_SIGN)
    return Role("subagent", _agent_types(request, headers), sign)


def _auxiliary(request: MessagesRequest, headers: Mapping[str, str]) -> Role:
    """Of an errand whose shape is none of the table's."""
    first_party = headers.get(_CLASS_OF_FIRST_PARTY, "").strip().lower()
    sign = f"{_CLASS_OF_FIRST_PARTY}: {first_party}"
    match first_party:
        case "followup-generation":
            return Role("suggestion", sign=sign)
        case "summary-extraction" | "background-task":
            return Role("summary", sign=sign)
    if _is_follow_up(request):
        return Role("recap", sign="one text after the conversation")
    return MAIN


def _agent(request: MessagesRequest, headers: Mapping[str, str]) -> Role | None:
    if headers.get(_AGENT_ID):
        return Role("subagent", _agent_types(request, headers), _AGENT_ID)
    if any("cc_is_subagent=true" in text for text in _system(request)):
        return Role("subagent", _agent_types(request, headers), "cc_is_subagent")
    return None


def _agent_types(request: MessagesRequest, headers: Mapping[str, str]) -> tuple[str, ...]:
    if named := headers.get(_AGENT_TYPE, "").strip():
        return (named[:_TYPE_LIMIT],)
    tools = {tool.name for tool in request.tools}
    if not tools:
        return ()
    return ("general-purpose",) if tools & _CHANGING_TOOLS else ("Explore", "Plan")


def _is_claude_code(request: MessagesRequest, headers: Mapping[str, str]) -> bool:
    """Its billing line can be switched off, and a gateway may drop its headers."""
    if headers.get("x-claude-code-session-id") or headers.get("user-agent", "").startswith("claude-cli/"):
        return True
    return any(text.startswith(_BILLING) for text in _system(request))


def _is_probe(request: MessagesRequest) -> bool:
    return not request.tools and not request.stream and request.max_tokens == 1


def _is_search(request: MessagesRequest) -> bool:
    return bool(request.tools) and all(tool.is_web_search for tool in request.tools)


def _is_classifier(request: MessagesRequest) -> bool:
    if request.tools or request.stream:
        return False
    texts = [text.strip() for text in _last_user_texts(request)]
    return any(text.startswith("<transcript>") for text in texts) and any("</transcript>" in text for text in texts)


def _is_compaction(request: MessagesRequest) -> bool:
    """A user who writes of such things gets the mark of the prompt cache, as every turn of the conversation does."""
    texts = _last_user_texts(request)
    asks = bool(texts) and "<analysis>" in texts[-1] and "<summary>" in texts[-1]
    return asks and not any(map(_is_cached, _last_turn(request)))


def _is_title(request: MessagesRequest) -> bool:
    fields = _answer_fields(request)
    return not request.tools and len(fields) == 1 and fields <= _TITLES


def _is_hook(request: MessagesRequest) -> bool:
    return not request.tools and "ok" in _answer_fields(request)


def _is_summary(request: MessagesRequest) -> bool:
    """Of a conversation without tools the system prompt is longer: who Claude Code is, and then what it is to do."""
    if request.tools or request.json_schema is not None or _thinks(request) or len(request.messages) > 1:
        return False
    return len([text for text in _system(request) if not text.startswith(_BILLING)]) <= 1


def _is_suggestion(request: MessagesRequest) -> bool:
    texts = _last_user_texts(request)
    return bool(texts) and texts[-1].lstrip().startswith("[SUGGESTION MODE")


_Shapes = tuple[tuple[Kind, str, Callable[[MessagesRequest], bool]], ...]
_ANYBODYS: _Shapes = (
    ("probe", "max_tokens 1 without tools", _is_probe),
    ("search", "web_search is the only tool", _is_search),
)
_CLAUDE_CODES: _Shapes = (
    ("classifier", "a <transcript> without tools, not streamed", _is_classifier),
    ("compaction", "the last text asks for <analysis> and <summary>", _is_compaction),
    ("title", "a schema of a title or name without tools", _is_title),
    ("hook", "a schema with ok without tools", _is_hook),
    ("summary", "neither tools, schema nor thinking", _is_summary),
    ("suggestion", "the last text begins with [SUGGESTION MODE", _is_suggestion),
)
"""The rows of the table above, in its order; the first that fits counts."""
_HOOK_SIGN = "StructuredOutput without thinking and without an agent id"


def _is_structured_hook(request: MessagesRequest, headers: Mapping[str, str]) -> bool:
    """A hook of type agent. The conversation has that tool with --json-schema, but thinks."""
    has_tool = any(tool.name == "StructuredOutput" for tool in request.tools)
    return has_tool and not _thinks(request) and not headers.get(_AGENT_ID)


def _is_follow_up(request: MessagesRequest) -> bool:
    """Whether tools are there, and the last user turn is one plain text after an answer. A side question is no such:
    a system reminder stands before its text."""
    messages = [message for message in request.messages if message.role != "system"]
    if not request.tools or len(messages) < 2 or messages[-1].role != "user" or messages[-2].role != "assistant":
        return False
    match messages[-1].content:
        case [TextBlock(text=text)]:
            return "<system-reminder>" not in text
    return False


def _ends_cached(request: MessagesRequest) -> bool:
    """Whether the mark of the prompt cache stands before the last user turn and not in it, as in what Claude Code asks
    beside the conversation."""
    last = _last_turn(request)
    before = request.messages[: len(request.messages) - len(last)]
    return any(map(_is_cached, before)) and not any(map(_is_cached, last))


def _is_cached(message: Message) -> bool:
    return any(isinstance(block, TextBlock | ToolResultBlock) and block.cache_control for block in message.content)


def _thinks(request: MessagesRequest) -> bool:
    return request.thinking is not None and request.thinking.type != "disabled"


def _answer_fields(request: MessagesRequest) -> set[str]:
    properties = (request.json_schema or {}).get("properties")
    return set(properties) if isinstance(properties, dict) else set()


def _system(request: MessagesRequest) -> list[str]:
    return [block.text for block in request.system if isinstance(block, TextBlock)]


def _last_turn(request: MessagesRequest) -> list[Message]:
    """The last user message and what follows it; empty without one."""
    places = [place for place, message in enumerate(request.messages) if message.role == "user"]
    return request.messages[places[-1] :] if places else []


def _last_user_texts(request: MessagesRequest) -> list[str]:
    return [
        block.text for message in _last_turn(request)[:1] for block in message.content if isinstance(block, TextBlock)
    ]
