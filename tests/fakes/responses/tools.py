"""The rules for `tools` and `tool_choice` that OpenAI's Responses endpoint enforces, in its own words."""

from __future__ import annotations

from typing import Any

from tests.fakes.openai.checks import check_choice, check_fields, check_name, missing, wrong_type
from tests.fakes.openai.schema import schema_problem
from tests.fakes.refusal import refuse

_SEARCHES = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")
_TYPES = ("function", "custom", "file_search", "computer_use_preview", "mcp", "code_interpreter", *_SEARCHES)
_FUNCTION = {
    "type",
    "name",
    "description",
    "parameters",
    "strict",
    "defer_loading",
    "allowed_callers",
    "output_schema",
    "async",
}
_PLACE = {"type", "city", "country", "region", "timezone"}
_SEARCH = {"type", "filters", "user_location", "search_context_size", "external_web_access", "search_content_types"}


def check_tools(body: dict[str, Any]) -> None:
    if body.get("parallel_tool_calls") is not None and not body.get("tools"):
        text = "'parallel_tool_calls' is only allowed when 'tools' are specified."
        refuse(f"Invalid value for 'parallel_tool_calls': {text}", "parallel_tool_calls")
    for number, tool in enumerate(body.get("tools", ())):
        _check_tool(f"tools[{number}]", tool)


def check_tool_choice(body: dict[str, Any]) -> None:
    choice = body.get("tool_choice", "auto")
    tools = body.get("tools", ())
    if isinstance(choice, str):
        check_choice("tool_choice", choice, ("none", "auto", "required"))
        if choice == "required" and not tools:
            refuse("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
        return
    if not isinstance(choice, dict):
        wrong_type("tool_choice", "one of an object or 'none', 'auto', or 'required'", choice)
    check_choice("tool_choice.type", choice.get("type"), ("allowed_tools", *_TYPES))
    if choice["type"] == "allowed_tools":
        check_fields("tool_choice", choice, {"type", "mode", "tools"})
        return
    named = choice["type"] in ("function", "custom")
    if named and "name" not in choice:
        missing("tool_choice.name")
    check_fields("tool_choice", choice, {"type", "name"} if named else {"type"})
    wanted = choice["name"] if named else choice["type"]
    if wanted not in [tool.get("name") if named else tool["type"] for tool in tools]:
        refuse(f"Tool choice '{wanted}' not found in 'tools' parameter.", "tool_choice")


def _check_tool(where: str, tool: Any) -> None:
    if not isinstance(tool, dict):
        wrong_type(where, "an object", tool)
    check_choice(f"{where}.type", tool.get("type"), _TYPES)
    if tool["type"] in _SEARCHES:
        check_fields(where, tool, _SEARCH)
        check_fields(f"{where}.filters", tool.get("filters") or {}, {"allowed_domains"})
        domains = (tool.get("filters") or {}).get("allowed_domains") or []
        if not isinstance(domains, list) or not all(isinstance(domain, str) for domain in domains):
            wrong_type(f"{where}.filters.allowed_domains", "an array of strings", domains)
        for number, domain in enumerate(domains):
            if "/" in domain:  # the documentation says so, the words are not known
                refuse(f"Invalid domain: '{domain}'.", f"{where}.filters.allowed_domains[{number}]", "invalid_value")
        place = tool.get("user_location") or {}
        check_fields(f"{where}.user_location", place, _PLACE)
        if place:
            check_choice(f"{where}.user_location.type", place.get("type"), ("approximate",))
    if tool["type"] != "function":
        return
    if "name" not in tool:
        missing(f"{where}.name")
    check_fields(where, tool, _FUNCTION)
    check_name(f"{where}.name", tool["name"])
    if not isinstance(tool.get("description") or "", str):
        wrong_type(f"{where}.description", "a string", tool["description"])
    if tool.get("parameters") is None:
        return
    strict = tool.get("strict")
    problem = schema_problem(tool["parameters"], strict=strict is None or bool(strict))
    if problem:
        text = f"Invalid schema for function '{tool['name']}': {problem}"
        refuse(text, f"{where}.parameters", "invalid_function_parameters")
