"""Everything that the Gemini Developer API refuses of a request that reached a model, in its own words. Pure."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from tests.fakes.gemini.contents import check_contents, check_not_empty, check_system
from tests.fakes.gemini.errors import context_overflow, deadline_too_short, refuse, refuse_field
from tests.fakes.gemini.fields import HARM_CATEGORIES, parse
from tests.fakes.gemini.models import ModelRules
from tests.fakes.gemini.tools import check_answer_schema, check_tools
from tests.fakes.refusal import Refusal, Refused

_MOST_STOPS = 5
_LEAST_DEADLINE = 10.0
_TOKENS_OF_MEDIA = 258
_RANGES = {"temperature": (0, 2), "topP": (0, 1), "topK": (1, math.inf)}
_SNAKE = {"temperature": "temperature", "topP": "top_p", "topK": "top_k"}


def refusal(body: Any, model: ModelRules, *, stream: bool = True, deadline: str | None = None) -> Refusal | None:
    """What the endpoint would answer instead of a message; None when it would take the request.

    `deadline` is the header X-Server-Timeout, in seconds.
    """
    try:
        check(body, model, stream=stream, deadline=deadline)
    except Refused as refused:
        return refused.refusal
    return None


def check(body: Any, model: ModelRules, *, stream: bool = True, deadline: str | None = None) -> dict[str, Any]:
    """The parsed body. Raises Refused."""
    if deadline is not None and float(deadline) < _LEAST_DEADLINE:
        raise Refused(deadline_too_short(float(deadline)))
    parsed = parse("GenerateContentRequest", body)
    if "systemInstruction" in parsed:
        check_system(parsed["systemInstruction"])
    check_contents(parsed.get("contents", []), model)
    check_tools(parsed, model)
    _check_safety(parsed.get("safetySettings", []))
    config = parsed.get("generationConfig", {})
    _check_config(config, model, stream)
    _check_thinking(config.get("thinkingConfig"), model)
    tools = parsed.get("tools", ())
    functions = any(tool.get("functionDeclarations") for tool in tools)
    check_answer_schema(config, functions, any("googleSearch" in tool for tool in tools), model)
    tokens = estimate_tokens(parsed)
    if tokens > model.max_input:
        raise Refused(context_overflow(tokens, model.max_input))
    return parsed


def count(body: Any, names: Collection[str]) -> int:
    """Tokens, as countTokens tells them; `names` are those of the model in the path. Raises Refused."""
    parsed = parse("CountTokensRequest", body)
    inner = parsed.get("generateContentRequest")
    if inner is None:
        check_not_empty(parsed.get("contents", []))
        return estimate_tokens(parsed)
    if parsed.get("contents"):
        # The reference says never to send both; which of the two is obeyed is not known.
        refuse("* CountTokensRequest: only one of contents and generate_content_request may be set\n")
    if not inner.get("model"):
        refuse("* CountTokensRequest.generate_content_request.model: model is not specified\n")
    if inner["model"].removeprefix("models/") not in names:
        refuse("* CountTokensRequest.generate_content_request.model: does not match the model of the request\n")
    check_not_empty(inner.get("contents", []))
    return estimate_tokens(inner)


def thinking_on(config: dict[str, Any], model: ModelRules) -> bool:
    """`config` is a parsed generationConfig."""
    budget = config.get("thinkingConfig", {}).get("thinkingBudget")
    return model.thinks and (model.thinks_by_default if budget is None else budget != 0)


def _check_safety(settings: list[dict[str, Any]]) -> None:
    for number, setting in enumerate(settings):
        if setting.get("category") not in HARM_CATEGORIES:
            listed = ", ".join(f"HarmCategory.{name}" for name in HARM_CATEGORIES)
            refuse_field(f"safety_settings[{number}]", f"element predicate failed: $.category in ({listed})")
    for category, times in Counter(setting["category"] for setting in settings).items():
        if times > 1:
            # One setting a category is documented, the words are not.
            refuse_field("safety_settings", f"{category} is set more than once")


def _check_config(config: dict[str, Any], model: ModelRules, stream: bool) -> None:
    for name, (least, most) in _RANGES.items():
        value = config.get(name)
        if value is None:
            continue
        if not model.sampling:
            # Refused by one report, ignored by the reference "until a later model": never worth sending.
            refuse(f"{_SNAKE[name]} is not supported for this model.")
        if not least <= value <= most:
            refuse_field(f"generation_config.{_SNAKE[name]}", f"must be in the range [{least}, {most}]")
    for name in ("presencePenalty", "frequencyPenalty"):
        if config.get(name):
            refuse("Penalty is not enabled for this model")
    candidates = config.get("candidateCount", 1)
    if candidates < 1 or (candidates > 1 and model.newer):
        refuse("Multiple candidates is not enabled for this model")
    longest = model.max_output if stream else model.max_output_unstreamed
    most_asked = config.get("maxOutputTokens", 1)
    if not 1 <= most_asked <= longest:
        refuse(
            f"Unable to submit request because it has a maxOutputTokens value of {most_asked} but the supported range "
            f"is from 1 (inclusive) to {longest + 1} (exclusive). Update the value and try again."
        )
    stops = config.get("stopSequences", [])
    if len(stops) > _MOST_STOPS:
        text = f"the number of stop_sequences must not exceed {_MOST_STOPS}"
        refuse_field("generation_config.stop_sequences", text)
    if "" in stops:
        refuse_field(f"generation_config.stop_sequences[{stops.index('')}]", "cannot be empty")


def _check_thinking(config: dict[str, Any] | None, model: ModelRules) -> None:
    if config is None:
        return
    level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
    if not model.thinks:
        refuse(f"Thinking is not enabled for models/{model.name}")
    if level is not None and budget is not None:
        refuse("You can only set only one of thinking budget and thinking level.")
    if level is not None and not model.levels:
        refuse("Thinking level is not supported for this model.")
    if level is not None and level not in model.levels:
        refuse(f"Thinking level {level} is not supported for this model.")
    if budget is not None:
        _check_budget(budget, model)


def _check_budget(budget: int, model: ModelRules) -> None:
    if model.budgets is None:
        refuse("Thinking budget is not supported for this model.")
    least, most = model.budgets
    if budget == -1 or (budget == 0 and model.can_stop_thinking):
        return
    if budget == 0:
        refuse("Budget 0 is invalid. This model only works in thinking mode.")
    if not least <= budget <= most:
        text = f"The thinking budget {budget} is invalid. Please choose a value between {least} and {most}."
        refuse(text)


def estimate_tokens(parsed: dict[str, Any]) -> int:
    """Four characters a token over texts, calls and tools, a flat 258 for a piece of media; no signatures."""
    contents = [*parsed.get("contents", ()), parsed.get("systemInstruction", {})]
    parts = [part for content in contents for part in content.get("parts", ())]
    nested = [inner for part in parts for inner in part.get("functionResponse", {}).get("parts", ())]
    media = sum("inlineData" in part or "fileData" in part for part in (*parts, *nested))
    characters = sum(map(_characters, parts))
    characters += len(json.dumps(parsed["tools"], ensure_ascii=False)) if parsed.get("tools") else 0
    return math.ceil(characters / 4) + _TOKENS_OF_MEDIA * media + 1


def signature_tokens(parsed: dict[str, Any]) -> int:
    """What the signatures of the history add to the prompt, which is told at the end of an answer only."""
    signatures: Iterable[str] = (
        part.get("thoughtSignature", "") for content in parsed["contents"] for part in content["parts"]
    )
    return sum(map(len, signatures)) // 8


def _characters(part: dict[str, Any]) -> int:
    structs = (part.get("functionCall", {}).get("args"), part.get("functionResponse", {}).get("response"))
    return len(part.get("text", "")) + sum(len(json.dumps(struct, ensure_ascii=False)) for struct in structs if struct)
