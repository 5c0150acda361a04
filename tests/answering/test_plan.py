"""What is decided about a request: once, and alike for all vendors wherever the models' facts are alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.answering.plan import Limits, Plan, plan
from proxy.models.catalog import Catalog, ModelFacts
from proxy.models.habits import Habits
from proxy.models.routing import Route
from proxy.providers.base import Exchange, Wire
from proxy.providers.gemini import request as gemini
from proxy.providers.openai.chat import request as chat
from proxy.providers.openai.responses import request as responses
from tests.translation import (
    asking,
    assistant,
    call,
    custom_route,
    image,
    parsed,
    result,
    route,
    system,
    tool,
    user,
)

Json = dict[str, Any]

FACTS = ModelFacts(
    context_window=200_000,
    max_output=64_000,
    pdf=True,
    reasons=True,
    reasons_by_default=True,
    efforts=("low", "medium", "high"),
    since_gemini_3=True,
)
NO_THOUGHT = replace(FACTS, reasons=False, reasons_by_default=False, efforts=())
BUDGET = replace(FACTS, thinking_budget=(128, 32_768))
LIMITS = Limits(64_000)
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
SCHEMA = {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
ADAPTIVE, OFF = {"type": "adaptive"}, {"type": "disabled"}


def enabled(budget: int) -> Json:
    return {"type": "enabled", "budget_tokens": budget}


REQUESTS: dict[str, Json] = {
    "plain": asking(),
    "adaptive": asking(thinking=ADAPTIVE),
    "adaptive, updates": asking(thinking={**ADAPTIVE, "display": "updates"}),
    "adaptive, omitted": asking(thinking={**ADAPTIVE, "display": "omitted"}),
    "between tools": asking(thinking={"type": "between_tools"}),
    "off": asking(thinking=OFF),
    "off with effort": asking(thinking=OFF, output_config={"effort": "high"}),
    **{f"effort {word}": asking(output_config={"effort": word}) for word in ("low", "medium", "high", "xhigh", "max")},
    "effort of next year": asking(output_config={"effort": "ultra"}),
    **{f"budget {n}": asking(thinking=enabled(n), max_tokens=60_000) for n in (500, 1024, 2048, 4096, 9999, 31_999)},
    "budget with effort": asking(thinking=enabled(1024), output_config={"effort": "high"}),
    "limit 1": asking(max_tokens=1),
    "limit 1, off": asking(max_tokens=1, thinking=OFF),
    "limit 1500, high": asking(max_tokens=1500, thinking=ADAPTIVE, output_config={"effort": "high"}),
    "limit 2048": asking(max_tokens=2048, thinking=ADAPTIVE),
    "limit 128000": asking(max_tokens=128_000),
    "tools": asking(tools=[tool("Read"), tool("Write")]),
    "a tool of Anthropic's server": asking(tools=[tool("Read"), {"type": "code_execution_20250825", "name": "run"}]),
    "a choice that is not there": asking(
        tools=[tool("Read"), {"type": "code_execution_20250825", "name": "run"}],
        tool_choice={"type": "tool", "name": "run"},
    ),
    "choice any": asking(tools=[tool("Read")], tool_choice={"type": "any"}),
    "choice none": asking(tools=[tool("Read")], tool_choice={"type": "none"}),
    "choice of one": asking(tools=[tool("Read"), tool("Grep")], tool_choice={"type": "tool", "name": "Grep"}),
    "odd names": asking(tools=[tool("mcp__a__b"), tool("x" * 200)]),
    "deferred": asking(tools=[tool("Read"), {**tool("Later"), "defer_loading": True}]),
    "tool search": asking(
        tools=[
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
            {**tool("Later"), "defer_loading": True},
        ]
    ),
    "schema": asking(output_config={"format": SCHEMA}),
    "schema and tools": asking(output_config={"format": SCHEMA}, tools=[tool("Read")]),
    "temperature": asking(temperature=0.5, top_p=0.9),
    "mcp servers": asking(mcp_servers=[{"type": "url", "url": "https://example.org"}]),
    "history": asking(user("go"), assistant(call("toolu_1")), user(result("toolu_1", [image()]), "and?")),
    "broken history": asking(user("go"), assistant(call("toolu_1")), user("no result"), assistant("ok"), user("b")),
    "system turns": asking(
        user("a"), system("be brief"), assistant("b"), user("c"), system=[{"type": "text", "text": "s"}]
    ),
    "tier": asking(service_tier="standard_only", metadata={"user_id": "u"}),
    "fast": asking(speed="fast"),
}


def wires(facts: ModelFacts) -> dict[str, tuple[Route, Wire]]:
    """The routes of every kind of upstream, their models taken for one with these facts."""
    developer = gemini.Options("gemini")
    openai = replace(route("gpt-5"), facts=facts)
    google = replace(openai, provider="gemini", model="gemini-3.8-flash")
    local = replace(custom_route(efforts=list(facts.efforts) or ["none"]), facts=facts)
    return {
        "chat": (openai, chat.wire(openai)),
        "responses": (openai, responses.wire(openai)),
        "gemini-2.5": (google, gemini.wire(google, developer)),
        "gemini-3": (google, gemini.wire(google, developer)),
        "gemini-4": (google, gemini.wire(google, gemini.Options("vertex"))),
        "custom": (local, chat.wire(local)),
    }


def planned(body: Json, where: Route, wire: Wire, habits: Habits | None = None) -> Plan:
    return plan(Exchange(parsed(body), where), wire, habits or Habits(), LIMITS)


def decisions(made: Plan) -> dict[str, Any]:
    """What must not hang on the vendor; tools by the client's names, since wires spell them in their own ways."""
    return {
        "effort": made.effort,
        "thinks": made.thinks,
        "display": made.display,
        "max_tokens": made.max_tokens,
        "tools": [tool.name for tool in made.tools],
        "led back": [made.names.client(made.names.upstream(tool.name)) for tool in made.tools],
        "choice": (made.tool_choice, made.forced_tool),
        "schema": made.schema,
        "sampling": (made.temperature, made.top_p),
        "turns": [type(turn).__name__ for turn in made.turns],
        "system": [block.text for block in made.system],
        "tier": (made.tier, made.user),
        "notes": made.notes,
    }


def test_there_are_forty_requests() -> None:
    assert len(REQUESTS) >= 40


@pytest.mark.parametrize("facts", [FACTS, NO_THOUGHT, BUDGET], ids=["reasons", "does not reason", "budget"])
@pytest.mark.parametrize("name", REQUESTS)
def test_alike_for_all_vendors(name: str, facts: ModelFacts) -> None:
    made = {kind: decisions(planned(REQUESTS[name], *where)) for kind, where in wires(facts).items()}
    if name == "limit 1, off":  # the Responses API takes no less than 16
        made = {kind: {**each, "max_tokens": max(each["max_tokens"], 16)} for kind, each in made.items()}
    if facts is NO_THOUGHT:  # the same: without room for thoughts a limit of 1 stands
        made = {kind: {**each, "max_tokens": max(each["max_tokens"], 16)} for kind, each in made.items()}
        made["custom"]["notes"] = made["chat"]["notes"]  # of a server of its own it is only not known that it reasons
    for kind, each in made.items():
        assert each == made["chat"], kind


@pytest.mark.parametrize("kind", ["chat", "responses", "gemini-3", "custom"])
@pytest.mark.parametrize(
    ("budget", "effort"),
    [(500, "low"), (1024, "low"), (2047, "low"), (2048, "medium"), (4095, "medium"), (4096, "high"), (31_999, "high")],
)
def test_one_table_of_budgets(kind: str, budget: int, effort: str) -> None:
    made = planned(asking(thinking=enabled(budget), max_tokens=60_000), *wires(FACTS)[kind])
    assert made.effort == effort


@pytest.mark.parametrize(
    ("requested", "users", "habit", "sent", "noted"),
    [
        pytest.param(32_000, 64_000, None, 32_000, False, id="as asked"),
        pytest.param(128_000, 64_000, None, 64_000, True, id="the user's"),
        pytest.param(128_000, 200_000, None, 64_000, True, id="the model's"),
        pytest.param(128_000, 200_000, 8192, 8192, True, id="learned"),
    ],
)
def test_output_limit(requested: int, users: int, habit: int | None, sent: int, noted: bool) -> None:
    for where, wire in wires(FACTS).values():
        exchange = Exchange(parsed(asking(max_tokens=requested)), where)
        made = plan(exchange, wire, Habits(output_limit=habit), Limits(users))
        assert made.max_tokens == sent
        assert (f"max_tokens was lowered to {sent}" in made.notes) is noted


def test_a_choice_that_is_refused_is_left_out_with_a_note() -> None:
    """Kimi refuses a forced tool choice while it thinks."""
    body = asking(tools=[tool("Read")], tool_choice={"type": "tool", "name": "Read"})
    for where, wire in wires(FACTS).values():
        made = planned(body, where, wire, Habits(auto_tool_choice=True))
        assert (made.tool_choice, made.forced_tool) == ("auto", None)
        assert "tool_choice: tool was left out, the server refuses it" in made.notes


@pytest.mark.parametrize(
    "form", [{"type": "json_object"}, {"type": "json_schema"}, {"type": "json_schema", "schema": "x"}]
)
@pytest.mark.parametrize("older", [False, True])
def test_a_form_that_is_no_schema_is_noted(form: Json, older: bool) -> None:
    fields = {"output_format": form} if older else {"output_config": {"format": form}}
    for where, wire in wires(NO_THOUGHT).values():
        made = planned(asking(**fields), where, wire)
        assert made.schema is None
        assert made.notes == ("output_config.format was left out: it is no JSON schema",)


@pytest.mark.parametrize("refused", ["response_format", "text"])
def test_a_schema_that_is_refused_is_put_in_words(refused: str) -> None:
    for where, wire in wires(FACTS).values():
        made = planned(REQUESTS["schema"], where, wire, Habits(refused=frozenset((refused,))))
        assert made.schema is None
        assert '"properties"' in made.system[-1].text
        assert any(note.startswith("output_config.format was put in words") for note in made.notes)


_GREEDY = "top_p became a temperature of 0, which says the same"
_NO_LIMIT = "top_k was left out: the model takes none below 1"


@pytest.mark.parametrize(
    ("fields", "sent", "noted"),
    [
        pytest.param({"temperature": 0, "top_p": 1, "top_k": 1}, (0, 1, 1), (), id="what all take"),
        pytest.param({"top_p": 0}, (0, None, None), (_GREEDY,), id="top_p"),
        pytest.param({"temperature": 0.7, "top_p": 0}, (0, None, None), (_GREEDY,), id="top_p and a temperature"),
        pytest.param({"top_k": 0}, (None, None, None), (_NO_LIMIT,), id="top_k"),
    ],
)
def test_the_ends_of_sampling(fields: Json, sent: tuple[float | None, ...], noted: tuple[str, ...]) -> None:
    """Anthropic takes 0 for each of them."""
    for where, wire in wires(NO_THOUGHT).values():
        made = planned(asking(**fields), where, wire)
        assert (made.temperature, made.top_p) == sent[:2]
        if wire.top_k:
            assert (made.top_k, made.notes) == (sent[2], noted)


def test_a_model_without_sampling_is_sent_none() -> None:
    for where, wire in wires(replace(FACTS, sampling="never")).values():
        made = planned(asking(top_p=0, top_k=0), where, wire)
        assert (made.temperature, made.top_p, made.top_k) == (None, None, None)


def test_nothing_is_decided_about_what_goes_on_as_it_came() -> None:
    where, wire = wires(FACTS)["chat"]
    made = planned(REQUESTS["tools"], where, replace(wire, verbatim=True))
    assert (made.tools, made.turns, made.notes) == ((), (), ())


@pytest.mark.parametrize(
    ("model", "effort", "budget"),
    [
        ("gemini-2.5-flash", "none", 0),
        ("gemini-2.5-flash", "low", 1024),
        ("gemini-2.5-flash", "medium", 8192),
        ("gemini-2.5-flash", "high", 24_576),
        ("gemini-2.5-flash", "max", 24_576),
        ("gemini-2.5-pro", "none", 128),
        ("gemini-2.5-pro", "low", 1024),
        ("gemini-2.5-pro", "xhigh", 32_768),
        ("gemini-2.5-pro", None, -1),
    ],
)
def test_a_targets_effort_is_a_budget_where_the_model_takes_one(model: str, effort: str | None, budget: int) -> None:
    where = replace(route("gpt-5"), provider="gemini", model=model, facts=Catalog.load().facts("gemini", model))
    body = asking(max_tokens=64_000, thinking={"type": "adaptive"})
    made = planned(body, replace(where, effort=effort), gemini.wire(where, gemini.Options("gemini")))
    assert made.budget == budget
