"""A messages request -> the body of `streamGenerateContent`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from proxy.protocol.history import offered_tools, system_text, turns
from proxy.protocol.request import Tool
from proxy.protocol.web_search import search_tool
from proxy.providers.base import Exchange
from proxy.providers.gemini.contents import Contents
from proxy.providers.gemini.errors import Failure
from proxy.providers.gemini.grounding import google_search
from proxy.providers.gemini.names import ToolNames
from proxy.providers.gemini.schema import SchemaCleaner
from proxy.providers.gemini.signatures import SignatureMemory, Signatures
from proxy.providers.gemini.thinking import plan

Transport = Literal["gemini", "vertex"]

_MOST_TOOLS = 512
_FILTERS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


@dataclass(frozen=True, slots=True)
class Manner:
    """How requests are put, beyond what the client asks for. `most_tokens` is the user's ceiling for output.

    The last six change when a request was refused for their sake.
    """

    transport: Transport
    most_tokens: int
    unfiltered: bool = False
    forbids_storing: bool = True
    ids: bool = True
    steers_thinking: bool = True
    fetches: bool = True
    sentinels: bool = False
    searches: bool = True

    def corrected(self, failure: Failure) -> Correction | None:
        """How to ask once more after this refusal; None where nothing is known that would help."""
        if failure.about_signatures and not self.sentinels:
            return Correction(replace(self, sentinels=True), "thought signatures were refused and left out")
        if failure.about_fetching and self.fetches:
            return Correction(replace(self, fetches=False), "Gemini could not fetch a file, which was left out")
        if failure.about_thinking and self.steers_thinking:
            return Correction(replace(self, steers_thinking=False), "how to think was left to the model")
        if failure.about_search and self.searches:
            return Correction(replace(self, searches=False), "the model cannot search the web")
        if failure.about_field("id") and self.ids:
            return Correction(replace(self, ids=False), "the server takes no ids of function calls", lasting=True)
        if failure.about_field("store") and self.forbids_storing:
            changed = replace(self, forbids_storing=False)
            return Correction(changed, "the server cannot be told not to store the request", lasting=True)
        return None


@dataclass(frozen=True, slots=True)
class Correction:
    """`lasting`: it is the server's way, and not a matter of this one request."""

    manner: Manner
    reason: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    """`names` leads the model's calls back to the client's names, `signatures` takes what they are signed with.

    `search` is the client's web search tool, where Google Search was asked to answer it.
    """

    body: dict[str, Any]
    names: ToolNames
    signatures: Signatures
    search: Tool | None = None


def build(exchange: Exchange, manner: Manner, memory: SignatureMemory) -> GeminiRequest:
    """The request to send."""
    request, route, notes = exchange.request, exchange.route, exchange.notes
    tools = _offered(exchange)
    search = _search(exchange, manner, tools)
    names = ToolNames(tool.name for tool in tools)
    signatures = Signatures(manner.transport, route.model, exchange.session, memory)
    system = system_text(request, searches=search is not None)
    contents = Contents(
        names,
        signatures,
        route.facts,
        notes,
        ids=manner.ids,
        fetches=manner.fetches,
        sentinels=manner.sentinels,
    )
    body: dict[str, Any] = {
        "contents": contents.build("" if route.facts.system_role else system, turns(request, notes)),
        "generationConfig": _generation(exchange, manner, has_tools=bool(tools) or search is not None),
    }
    if system and route.facts.system_role:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    body |= _tools(tools, names, exchange)
    if search is not None:
        body["tools"] = [google_search(search, notes, vertex=manner.transport == "vertex")]
    if manner.unfiltered:
        body["safetySettings"] = [{"category": f"HARM_CATEGORY_{name}", "threshold": "OFF"} for name in _FILTERS]
    if manner.transport == "gemini" and manner.forbids_storing:
        body["store"] = False
    return GeminiRequest(body, names, signatures, search)


def _offered(exchange: Exchange) -> list[Tool]:
    tools = offered_tools(exchange.request, exchange.notes, searches=True)
    if len(tools) > _MOST_TOOLS:
        exchange.notes.add(f"tools: only the first {_MOST_TOOLS} of {len(tools)} were sent, Gemini takes no more")
    return tools[:_MOST_TOOLS]


def _search(exchange: Exchange, manner: Manner, tools: list[Tool]) -> Tool | None:
    """The web search, which Gemini does not take together with functions."""
    search = search_tool(exchange.request)
    if search is not None and (tools or not manner.searches):
        why = " together with other tools" if tools else ""
        exchange.notes.add(f"tools: {search.type} is not available here{why}")
        return None
    choice = exchange.request.tool_choice
    return None if choice is not None and choice.type == "none" else search


def _tools(tools: list[Tool], names: ToolNames, exchange: Exchange) -> dict[str, Any]:
    """`tools` and `toolConfig`; nothing at all without tools, where a choice among them is refused."""
    if not tools:
        return {}
    choice, notes = exchange.request.tool_choice, exchange.notes
    calling: dict[str, Any] = {}
    if choice is not None and choice.type == "none":
        calling = {"mode": "NONE"}
    elif choice is not None and choice.type == "any":
        calling = {"mode": "ANY"}
    elif choice is not None and choice.type == "tool":
        if choice.name in {tool.name for tool in tools}:
            calling = {"mode": "ANY", "allowedFunctionNames": [names.upstream(choice.name)]}
        else:
            notes.add(f"tool_choice: {choice.name} is not available here")
    if choice is not None and choice.disable_parallel_tool_use and choice.type != "none":
        notes.add("tool_choice: Gemini cannot be kept from calling several tools at once")
    cleaner = SchemaCleaner(notes, constrains=calling.get("mode") == "ANY")
    declarations = [_declaration(tool, names, cleaner) for tool in tools]
    return {
        "tools": [{"functionDeclarations": declarations}],
        **({"toolConfig": {"functionCallingConfig": calling}} if calling else {}),
    }


def _declaration(tool: Tool, names: ToolNames, cleaner: SchemaCleaner) -> dict[str, Any]:
    return {
        "name": names.upstream(tool.name),
        **({"description": tool.description} if tool.description else {}),
        "parametersJsonSchema": cleaner.parameters(tool.input_schema or {}, tool.name),
    }


def _generation(exchange: Exchange, manner: Manner, *, has_tools: bool) -> dict[str, Any]:
    request, facts, notes = exchange.request, exchange.route.facts, exchange.notes
    thinking = plan(exchange, manner.most_tokens)
    config: dict[str, Any] = {"maxOutputTokens": thinking.max_output}
    if thinking.config and manner.steers_thinking:
        config["thinkingConfig"] = thinking.config
    for name, field, value in (
        ("temperature", "temperature", request.temperature),
        ("top_p", "topP", request.top_p),
        ("top_k", "topK", request.top_k),
    ):
        if value is not None and facts.sampling == "always":
            config[field] = value
        elif value is not None:
            notes.add(f"{name} was left out: the model does not take it")
    schema = request.json_schema
    if schema is not None and has_tools and not facts.since_gemini_3:
        notes.add("output_config.format was left out: the model takes no schema for its answer together with tools")
    elif schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = SchemaCleaner(notes, constrains=True).answer(schema)
    return config
