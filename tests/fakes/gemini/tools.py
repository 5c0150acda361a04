"""The rules for `tools` and `toolConfig` of the Gemini API, over a parsed body."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.fakes.gemini.errors import TOO_MANY_STATES, refuse, refuse_field
from tests.fakes.gemini.fields import snake
from tests.fakes.gemini.models import ModelRules
from tests.fakes.gemini.schema import check_json_schema, check_schema, states

MOST_FUNCTIONS = 512
_MOST_STATES = 2_000
_BUILT_IN = ("googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "fileSearch", "googleMaps")


def check_tools(body: dict[str, Any], model: ModelRules) -> None:
    tools: list[dict[str, Any]] = body.get("tools", [])
    functions: list[dict[str, Any]] = []
    for number, tool in enumerate(tools):
        if not any(value or key != "functionDeclarations" for key, value in tool.items()):
            refuse_field(f"tools[{number}].tool_type", "required one_of 'tool_type' must have one initialized field")
        for index, function in enumerate(tool.get("functionDeclarations", ())):
            _check_function(f"tools[{number}].function_declarations[{index}]", function, model)
            functions.append(function)
    names = [function["name"] for function in functions]
    for name, count in Counter(names).items():
        if count > 1:
            refuse(f"Duplicate function declaration found: {name}")
    if len(names) > MOST_FUNCTIONS:
        # The limit is documented, the words are not.
        refuse_field("tools", f"at most {MOST_FUNCTIONS} function declarations are supported, got {len(names)}")
    config = body.get("toolConfig", {})
    built_in = [snake(key) for tool in tools for key in tool if key in _BUILT_IN]
    _check_mixture(config, built_in, bool(names), model)
    if "functionCallingConfig" in config:
        _check_calling(config["functionCallingConfig"], functions, built_in, model)


def _check_function(where: str, function: dict[str, Any], model: ModelRules) -> None:
    if not re.fullmatch(rf"[A-Za-z_][A-Za-z0-9_.:-]{{0,{model.longest_name - 1}}}", function.get("name", "")):
        refuse_field(
            f"{where}.name",
            "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), "
            f"underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of {model.longest_name}.",
        )
    if "parameters" in function and "parametersJsonSchema" in function:
        # They exclude each other by the documentation, which does not give the words.
        refuse_field(where, "only one of parameters and parameters_json_schema may be set")
    if "parameters" in function:
        check_schema(f"{where}.parameters", function["parameters"], root=True)
    if "parametersJsonSchema" in function:
        check_json_schema(f"{where}.parameters_json_schema", function["parametersJsonSchema"], root=True)


def _check_mixture(config: dict[str, Any], built_in: list[str], functions: bool, model: ModelRules) -> None:
    invocations = config.get("includeServerSideToolInvocations", False)
    if invocations and not model.newer:
        refuse(f"Tool call context circulation is not enabled for models/{model.name}")
    if not (built_in and functions):
        return
    if not model.newer:
        named = ", ".join(dict.fromkeys(built_in))
        refuse(f"Built-in tools ({{{named}}}) and Function Calling cannot be combined in the same request.")
    if not invocations:
        refuse(
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function "
            "calling."
        )


def _check_calling(
    calling: dict[str, Any], functions: list[dict[str, Any]], built_in: list[str], model: ModelRules
) -> None:
    if not functions and not (built_in and model.newer):
        refuse("Function calling config is set without function_declarations.")
    mode = calling.get("mode", "AUTO")
    allowed = calling.get("allowedFunctionNames", [])
    where = "tool_config.function_calling_config.allowed_function_names"
    if allowed and mode not in ("ANY", "VALIDATED"):
        refuse_field(where, "only allowed when mode is ANY or VALIDATED")
    declared = {function["name"] for function in functions}
    for name in allowed:
        if name not in declared:
            refuse_field(where, f"{name} is not among the function declarations")
    if mode in ("ANY", "VALIDATED"):
        schemas = [function.get("parametersJsonSchema", function.get("parameters")) for function in functions]
        if sum(map(states, schemas)) > _MOST_STATES:
            refuse(TOO_MANY_STATES)


def check_answer_schema(config: dict[str, Any], functions: bool, searches: bool, model: ModelRules) -> None:
    """`responseSchema`, `responseJsonSchema` and `responseMimeType` of a generationConfig."""
    given = [key for key in ("responseSchema", "responseJsonSchema") if key in config]
    is_json = config.get("responseMimeType") == "application/json"
    if len(given) == 2:
        refuse_field("generation_config", "only one of response_schema and response_json_schema may be set")
    if given and not is_json and config.get("responseMimeType") != "text/x.enum":
        refuse_field(f"generation_config.{snake(given[0])}", "only allowed with a response_mime_type that fits it")
    if is_json and functions and not model.newer:
        refuse("Function calling with a response mime type: 'application/json' is unsupported")
    if is_json and searches and not model.newer:
        refuse("Tool use with a response mime type: 'application/json' is unsupported")
    if "responseSchema" in config:
        check_schema("generation_config.response_schema", config["responseSchema"])
    if "responseJsonSchema" in config:
        check_json_schema("generation_config.response_json_schema", config["responseJsonSchema"])
    if given and states(config[given[0]]) > _MOST_STATES:
        refuse(TOO_MANY_STATES)
