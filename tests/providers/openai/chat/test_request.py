"""Parameters, tools and identity of the request. `translate` fails where the strict fake refuses the body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.models.habits import Habits
from tests.fuzz import examples
from tests.translation import (
    EVERYWHERE,
    OFFICIAL,
    PDF,
    PNG,
    Json,
    asking,
    assistant,
    call,
    case,
    custom_route,
    image,
    pdf,
    refusal_of,
    result,
    route,
    router,
    system,
    text,
    thinking,
    tool,
    translate,
    user,
)

TOOLS = {"tools": [tool("Read"), tool("Grep")]}
ADAPTIVE = {"thinking": {"type": "adaptive"}}
DISABLED = {"thinking": {"type": "disabled"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def effort(level: str) -> Json:
    return {"output_config": {"effort": level}}


@pytest.mark.parametrize(
    ("to", "field", "most"),
    [
        pytest.param("gpt-4o", "max_completion_tokens", 16_384, id="CASES-38 gpt-4o"),
        pytest.param("gpt-5", "max_completion_tokens", 128_000, id="CASES-36 gpt-5"),
        pytest.param("o3-mini", "max_completion_tokens", 100_000, id="CASES-36 o3-mini"),
        pytest.param("gpt-9", "max_completion_tokens", 128_000, id="CASES-36 unknown"),
        pytest.param("local", "max_tokens", 200_000, id="CASES-36 custom"),
    ],
)
def test_output_limit(to: str, field: str, most: int) -> None:
    """CASES-36: under the name that the server knows. CASES-38: never above what the model takes."""
    small = translate(asking(max_tokens=3000), to)
    assert small.body[field] == 3000
    assert {"max_tokens", "max_completion_tokens"} & small.body.keys() == {field}
    assert small.notes == []
    large = translate(asking(max_tokens=300_000), to)
    assert large.body[field] == most
    assert large.notes == [f"max_tokens was lowered to {most}"]
    assert translate(asking(max_tokens=64_000), to, limit=500).body[field] == 500


def test_output_limit_of_custom_entries() -> None:
    sent = translate(asking(max_tokens=64_000), custom_route(max_tokens=8192, max_tokens_field="max_completion_tokens"))
    assert sent.body["max_completion_tokens"] == 8192
    learned = translate(
        asking(max_tokens=64_000), "local", Habits(token_field="max_completion_tokens", output_limit=900)
    )
    assert learned.body["max_completion_tokens"] == 900


EFFORTS: list[Any] = [
    pytest.param("gpt-4o", effort("high"), None, id="CASES-41 gpt-4o does not reason"),
    pytest.param("local", effort("high"), None, id="CASES-41 custom: nothing is known"),
    pytest.param("gpt-5", {}, None, id="left to the model"),
    pytest.param("gpt-5", effort("max"), "high", id="CASES-41 max on gpt-5"),
    pytest.param("gpt-5", DISABLED, "minimal", id="CASES-41 gpt-5 cannot be stopped"),
    pytest.param("gpt-5", ADAPTIVE, "medium", id="adaptive without effort"),
    pytest.param("gpt-5", {"thinking": {"type": "enabled", "budget_tokens": 500}}, "minimal", id="CASES-39 budget 500"),
    pytest.param("gpt-5", {"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high", id="CASES-39 budget"),
    pytest.param("o3-mini", effort("xhigh"), "high", id="CASES-41 xhigh on o3-mini"),
    pytest.param("o3-mini", DISABLED, "low", id="CASES-41 o3-mini cannot be stopped"),
    pytest.param("gpt-5.4", effort("max"), "xhigh", id="CASES-41 chat takes no max"),
    pytest.param("gpt-5.4", {**DISABLED, **effort("high")}, "none", id="CASES-40 disabled wins"),
    pytest.param("gpt-9", effort("max"), "xhigh", id="CASES-41 an unknown model is like gpt-6-sol"),
    pytest.param("gpt-5", {**TOOLS, **effort("high")}, "high", id="CASES-34 gpt-5 takes tools"),
    pytest.param("gpt-5.4", {**TOOLS, **effort("high")}, "none", id="CASES-34 gpt-5.4 with tools"),
    pytest.param("gpt-5.6-terra", TOOLS, "none", id="CASES-34 gpt-5.6 with tools, even without effort"),
    pytest.param("gpt-5.6-terra", {**TOOLS, **DISABLED}, "none", id="CASES-34 gpt-5.6 with tools, disabled"),
    pytest.param("gpt-5.6-terra", {"tools": [SEARCH], **effort("low")}, "low", id="CASES-34 no tool is left"),
    pytest.param("gpt-9", TOOLS, "none", id="CASES-34 an unknown model with tools"),
]


@pytest.mark.parametrize(("to", "fields", "sent"), EFFORTS)
def test_effort(to: str, fields: Json, sent: str | None) -> None:
    translation = translate(asking(**fields), to)
    assert translation.body.get("reasoning_effort") == sent


def test_reasoning_that_tools_forbid_is_noted() -> None:
    """CASES-34"""
    note = "reasoning is off: on Chat Completions the model takes tools only without it"
    assert translate(asking(**TOOLS, **effort("high")), "gpt-5.4").notes == [note]
    assert translate(asking(**TOOLS, **DISABLED), "gpt-5.4").notes == []


@pytest.mark.parametrize(
    ("learned", "asked", "sent"),
    [
        pytest.param(("none",), effort("high"), "none", id="CASES-34 only none"),
        pytest.param(("none",), {}, "none", id="CASES-34 only none, nothing asked"),
        pytest.param(("low", "high"), effort("medium"), "high", id="CASES-41 what the refusal offered"),
    ],
)
def test_learned_efforts(learned: tuple[str, ...], asked: Json, sent: str) -> None:
    assert translate(asking(**asked), "local", Habits(efforts=learned)).body["reasoning_effort"] == sent


SAMPLING: list[Any] = [
    pytest.param("gpt-4o", {}, True, id="CASES-37 gpt-4o"),
    pytest.param("local", {}, True, id="CASES-37 custom"),
    pytest.param("gpt-5", {}, False, id="CASES-37 gpt-5"),
    pytest.param("gpt-5", DISABLED, False, id="CASES-37 gpt-5 reasons always"),
    pytest.param("o3-mini", {}, False, id="CASES-37 o-series"),
    pytest.param("gpt-5.4", {}, True, id="CASES-37 gpt-5.4 does not reason by itself"),
    pytest.param("gpt-5.4", effort("low"), False, id="CASES-37 gpt-5.4 while it reasons"),
    pytest.param("gpt-5.6-terra", {}, False, id="CASES-37 gpt-5.6 reasons by itself"),
    pytest.param("gpt-5.6-terra", DISABLED, True, id="CASES-37 gpt-5.6 without reasoning"),
    pytest.param("gpt-5.6-terra", TOOLS, True, id="CASES-37 gpt-5.6 with tools does not reason here"),
    pytest.param("gpt-9", DISABLED, False, id="CASES-37 gpt-6 and later: never"),
]


@pytest.mark.parametrize(("to", "fields", "taken"), SAMPLING)
def test_sampling(to: str, fields: Json, taken: bool) -> None:
    sent = translate(asking(temperature=0.2, top_p=0.9, **fields), to)
    left_out = [f"{name} was left out: the model does not take it" for name in ("temperature", "top_p")]
    if taken:
        assert (sent.body["temperature"], sent.body["top_p"]) == (0.2, 0.9)
        assert not set(left_out) & set(sent.notes)
    else:
        assert not {"temperature", "top_p"} & sent.body.keys()
        assert set(left_out) <= set(sent.notes)


@pytest.mark.parametrize("to", EVERYWHERE)
def test_side_requests_of_claude_code(to: str) -> None:
    """CASES-37: temperature 1 with thinking disabled (2.1.197's sub-agents)."""
    translate(asking(temperature=1, **DISABLED), to)
    assert not any("top_k" in note for note in translate(asking(), to).notes)
    sent = translate(asking(top_k=5), to)
    assert "top_k" not in sent.body
    assert any(note.startswith("top_k was left out") for note in sent.notes)


IGNORED: Json = {
    "stop_sequences": ["a", "b", "c", "d", "e"],
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "cache_control": {"type": "ephemeral"},
    "service_tier": "auto",
    "inference_geo": "us",
    "mcp_servers": [],
    "safeguards": {},
    "fallbacks": [],
    "next_years_field": 1,
}


@pytest.mark.parametrize("to", case(43, EVERYWHERE))
def test_nothing_of_anthropic_is_sent(to: str) -> None:
    """Nor stop sequences, which are enforced here."""
    plain, full = (translate(asking(**fields), to).body for fields in ({}, IGNORED))
    assert full == plain


CHOICES: list[Any] = [
    pytest.param({}, {}, id="none given"),
    pytest.param({"type": "auto"}, {}, id="auto"),
    pytest.param({"type": "none"}, {"tool_choice": "none"}, id="none"),
    pytest.param({"type": "any"}, {"tool_choice": "required"}, id="any"),
    pytest.param(
        {"type": "tool", "name": "Grep"}, {"tool_choice": {"type": "function", "function": {"name": "Grep"}}}, id="tool"
    ),
]


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize(("choice", "sent"), CHOICES)
def test_tool_choice(choice: Json, sent: Json, to: str) -> None:
    body = translate(asking(**TOOLS, tool_choice=choice or None), to).body
    assert {name: body[name] for name in ("tool_choice", "parallel_tool_calls") if name in body} == sent
    assert [each["function"]["name"] for each in body["tools"]] == ["Read", "Grep"]


@pytest.mark.parametrize("kind", ["auto", "any", "tool", "none"])
@pytest.mark.parametrize("to", EVERYWHERE)
def test_parallel_calls(kind: str, to: str) -> None:
    """CASES-35: switched off only where the client says so, and where the server takes the word."""
    choice = {"type": kind, **({"name": "Grep"} if kind == "tool" else {})}
    for disable in (None, False):
        body = translate(asking(**TOOLS, tool_choice={**choice, "disable_parallel_tool_use": disable}), to).body
        assert "parallel_tool_calls" not in body
    body = translate(asking(**TOOLS, tool_choice={**choice, "disable_parallel_tool_use": True}), to).body
    assert body.get("parallel_tool_calls") == (None if kind == "none" or to == "o3-mini" else False)


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": [SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}}, id="CASES-28 forced"),
        pytest.param({"tools": [SEARCH], "tool_choice": {"type": "auto"}}, id="CASES-28 auto"),
        pytest.param({"tools": [SEARCH], "tool_choice": {"type": "any"}}, id="CASES-28 any"),
        pytest.param({"tools": [SEARCH]}, id="CASES-28 no choice"),
    ],
)
def test_server_tools_are_dropped_with_their_choice(fields: Json, to: str) -> None:
    sent = translate(asking(**fields), to)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & sent.body.keys()
    assert "tools: web_search_20250305 is not available here" in sent.notes


@pytest.mark.parametrize("to", case(29, EVERYWHERE))
def test_a_choice_whose_tool_was_dropped(to: str) -> None:
    choice = {"type": "tool", "name": "web_search", "disable_parallel_tool_use": True}
    sent = translate(asking(tools=[SEARCH, tool("Read")], tool_choice=choice), to)
    assert "tool_choice" not in sent.body
    assert [each["function"]["name"] for each in sent.body["tools"]] == ["Read"]
    assert "tool_choice: web_search is not available here" in sent.notes


def test_a_choice_as_a_word_keeps_only_its_tool() -> None:
    """CASES-29: LM Studio takes no object."""
    plain = Habits(plain_tool_choice=True)
    sent = translate(asking(**TOOLS, tool_choice={"type": "tool", "name": "Grep"}), "local", plain)
    assert sent.body["tool_choice"] == "required"
    assert [each["function"]["name"] for each in sent.body["tools"]] == ["Grep"]
    assert translate(asking(**TOOLS, tool_choice={"type": "any"}), "local", plain).body["tool_choice"] == "required"


@pytest.mark.parametrize("to", EVERYWHERE)
def test_more_tools_than_the_server_takes(to: str) -> None:
    many = [tool(f"Tool{number}") for number in range(130)]
    sent = translate(asking(tools=many), to)
    assert [each["function"]["name"] for each in sent.body["tools"]] == [each["name"] for each in many[:128]]
    assert "tools: only the first 128 of 130 were sent, the server takes no more" in sent.notes
    assert "only the first" not in str(translate(asking(tools=many[:128]), to).notes)


def test_descriptions_are_whole_until_the_server_objects() -> None:
    long = {**tool("Read"), "description": "x" * 20_000}
    for to in EVERYWHERE:
        assert translate(asking(tools=[long]), to).tool("Read")["description"] == "x" * 20_000
    cut = translate(asking(tools=[long]), "local", Habits(short_descriptions=True))
    assert cut.tool("Read")["description"] == "x" * 1024
    assert cut.notes == ["tools: long descriptions were cut, the server takes no more"]
    assert "description" not in translate(asking(tools=[{"name": "Read"}])).tool("Read")


TITLE = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_structured_output(field: str, to: str) -> None:
    wanted = {"type": "json_schema", "schema": TITLE}
    fields = {field: {"format": wanted} if field == "output_config" else wanted}
    sent = translate(asking(**fields), to).body["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"] == TITLE
    assert not sent["json_schema"].get("strict")


USER_ID = json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": "5b72495d-1f6e-4c5b-9d1b-0d3c4c1f2a3b"})


@pytest.mark.parametrize(
    ("asked", "tier"),
    [
        ({}, None),
        ({"service_tier": "auto"}, None),
        ({"service_tier": "standard_only"}, "default"),
        ({"speed": "standard"}, None),
        ({"speed": "fast", "service_tier": "standard_only"}, "priority"),
    ],
)
def test_service_tier(asked: Json, tier: str | None) -> None:
    assert translate(asking(**asked), OFFICIAL[0]).body.get("service_tier") == tier
    elsewhere = translate(asking(**asked), "local")
    assert "service_tier" not in elsewhere.body
    assert any("speed: fast" in note for note in elsewhere.notes) == (tier == "priority")


@pytest.mark.parametrize("to", case("42+44", OFFICIAL))
def test_identity_for_openai(to: str) -> None:
    """The user hashed to what is taken; the same key in every request of a conversation."""
    body = asking(metadata={"user_id": USER_ID})
    first, again = (translate(body, to, session="5b72495d-1f6e-4c5b-9d1b-0d3c4c1f2a3b").body for _ in range(2))
    assert first == again
    assert first["prompt_cache_key"] == "5b72495d-1f6e-4c5b-9d1b-0d3c4c1f2a3b"
    assert len(first["safety_identifier"]) == 64
    assert "device" not in json.dumps(first)
    other = translate(asking(metadata={"user_id": USER_ID + " "}), to, session="s" * 100).body
    assert other["safety_identifier"] != first["safety_identifier"]
    assert len(other["prompt_cache_key"]) == 64
    absent: list[Json] = [{}, {"metadata": {}}, {"metadata": {"user_id": ""}}, {"metadata": {"user_id": None}}]
    for empty in absent:
        assert (
            not {"prompt_cache_key", "safety_identifier", "user", "metadata"}
            & translate(asking(**empty), to).body.keys()
        )


def test_identity_stays_with_openai() -> None:
    """CASES-42"""
    sent = translate(asking(metadata={"user_id": USER_ID}), session="5b72495d").body
    assert sent.keys() == {"model", "messages", "max_tokens", "stream", "stream_options"}


def test_least_for_custom_servers() -> None:
    """What every server takes, and no more."""
    sent = translate(asking(system="s", **TOOLS, **ADAPTIVE, **effort("high"))).body
    assert sent.keys() == {"model", "messages", "tools", "max_tokens", "stream", "stream_options"}


@pytest.mark.parametrize("asked", [True, False, None])
def test_the_upstream_streams_whenever_it_can(asked: bool | None) -> None:
    """CASES-87: the client's wish has no say. CASES-72: usage is always asked for."""
    official = translate(asking(stream=asked), "gpt-4o").body
    assert official["stream"] is True
    assert official["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert translate(asking(stream=asked)).body["stream_options"] == {"include_usage": True}
    for body in (
        translate(asking(stream=asked), custom_route(can_stream=False)).body,
        translate(asking(stream=asked), "gpt-4o", Habits(no_streaming=True)).body,
    ):
        assert body["stream"] is False
        assert "stream_options" not in body


def test_what_a_custom_entry_adds_wins() -> None:
    entry = custom_route(model_name="upstream/Name", extra_body={"temperature": 0.1, "think": True})
    sent = translate(asking(temperature=0.9), entry).body
    assert (sent["model"], sent["temperature"], sent["think"]) == ("upstream/Name", 0.1, True)


def test_refused_fields_are_left_out_and_noted() -> None:
    refused = Habits(refused=frozenset(["stream_options", "temperature", "top_p"]))
    sent = translate(asking(temperature=0.5), "local", refused)
    assert not {"stream_options", "temperature"} & sent.body.keys()
    assert sent.notes == [f"{name} was left out: the server refuses it" for name in ("stream_options", "temperature")]


@pytest.mark.parametrize(
    ("model", "field"),
    [("gpt-4o", "max_tokens"), ("gpt-5", "max_completion_tokens"), ("some/model", "max_tokens")],
)
def test_gateways_in_front_of_openai(model: str, field: str) -> None:
    """CASES-36: at another address the old name of the limit is safe, but for models that refuse it anywhere."""
    gateway = router(OPENAI_BASE_URL="http://gateway.test/v1", BIG_MODEL=model).resolve("claude-opus-5-5")
    sent = translate(asking(user("a"), system("s"), metadata={"user_id": "x"}), gateway, session="s").body
    assert field in sent
    assert not {"prompt_cache_key", "safety_identifier"} & sent.keys()
    assert [message["role"] for message in sent["messages"]] == ["user"]


SECRET = "correct horse battery staple"


@pytest.mark.parametrize("to", EVERYWHERE)
def test_notes_never_say_what_messages_say(to: str) -> None:
    secret_pdf = {**pdf(title=SECRET), "context": SECRET}
    body = asking(
        user(SECRET, image(), secret_pdf, thinking(SECRET), call("t8", path=SECRET)),
        system(SECRET),
        assistant(thinking(SECRET), SECRET, image(), {"type": "new", "x": SECRET}, call("t1", path=SECRET)),
        user(result("t9", SECRET), result("t9", [image()])),
        system=SECRET,
        tools=[{**tool(), "description": SECRET}, SEARCH],
        tool_choice={"type": "tool", "name": "web_search"},
        temperature=0.5,
        top_k=5,
        max_tokens=500_000,
        stop_sequences=[SECRET],
        metadata={"user_id": SECRET},
        **effort("max"),
    )
    sent = translate(body, to, Habits(short_descriptions=True, refused=frozenset(["temperature"])))
    assert len(sent.notes) > 6
    assert not any(word in note for note in sent.notes for word in (SECRET, *SECRET.split(), PNG, PDF, "t9"))


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.sampled_from([1, 4096, 128_000]),
        "temperature": st.sampled_from([0, 0.5, 1]),
        "top_p": st.just(0.9),
        "top_k": st.just(3),
        "thinking": st.sampled_from(
            [
                {"type": "disabled"},
                {"type": "adaptive", "display": "omitted"},
                {"type": "enabled", "budget_tokens": 3000},
                {"type": "between_tools"},
            ]
        ),
        "output_config": st.sampled_from(
            [
                *({"effort": level} for level in ("low", "medium", "high", "xhigh", "max")),
                {"format": {"type": "json_schema", "schema": TITLE}},
            ]
        ),
        "tools": st.lists(
            st.sampled_from([tool("Read"), tool("Grep", strict=None), tool("Late", defer_loading=True), SEARCH]),
            max_size=4,
            unique_by=lambda each: each["name"],
        ),
        "system": st.sampled_from(["", "s", [text("")]]),
        "stop_sequences": st.just(["END"]),
        "stream": st.booleans(),
        "metadata": st.just({"user_id": USER_ID}),
    },
)
CHOICE = st.sampled_from(["auto", "any", "none", "tool"])


@given(FIELDS, CHOICE, st.booleans(), st.sampled_from(EVERYWHERE))
@settings(max_examples=examples(40), deadline=None)
def test_any_request_is_taken(fields: Json, choice: str, disable: bool, to: str) -> None:
    if fields.get("tools"):
        named = {"name": fields["tools"][0]["name"]} if choice == "tool" else {}
        fields = {**fields, "tool_choice": {"type": choice, "disable_parallel_tool_use": disable, **named}}
    sent = translate(asking(**fields), to, session="session")
    assert refusal_of(sent.body, route(to)) is None


LEVELS = ["low", "medium", "high"]
OPENROUTER = {"thinking_style": "openrouter"}
SWITCH = {"thinking_style": "thinking"}
DEEPSEEK = {**SWITCH, "efforts": ["low", "high", "max"]}
ENABLED = {"thinking": {"type": "enabled", "budget_tokens": 5000}}
UNSAID = "output_config.effort was left out: set efforts for this model"
ALWAYS = "thinking cannot be switched off here; the model thinks as little as it can"
UNSWITCHED = "thinking was left out: set efforts or thinking_style for this model"


@pytest.mark.parametrize(
    ("entry", "asked", "sent", "notes"),
    [
        ({}, {}, {}, []),
        ({}, ADAPTIVE, {}, []),
        ({}, effort("high"), {}, [UNSAID]),
        ({}, {**ADAPTIVE, **effort("high")}, {}, [UNSAID]),
        ({}, ENABLED, {}, [UNSWITCHED]),
        ({}, {**DISABLED, **effort("high")}, {}, [UNSWITCHED]),
        ({"efforts": LEVELS}, {}, {}, []),
        ({"efforts": LEVELS}, {**ADAPTIVE, **effort("xhigh")}, {"reasoning_effort": "high"}, []),
        ({"efforts": LEVELS}, ADAPTIVE, {"reasoning_effort": "medium"}, []),
        ({"efforts": LEVELS}, DISABLED, {"reasoning_effort": "low"}, [ALWAYS]),
        ({"efforts": ["none"]}, DISABLED, {"reasoning_effort": "none"}, []),
        ({"efforts": ["none"]}, effort("high"), {}, [UNSAID]),
        (OPENROUTER, effort("max"), {"reasoning": {"effort": "xhigh"}}, []),
        (OPENROUTER, DISABLED, {"reasoning": {"effort": "none"}}, []),
        (OPENROUTER, {}, {}, []),
        (SWITCH, effort("low"), {"thinking": {"type": "enabled"}}, []),
        (SWITCH, DISABLED, {"thinking": {"type": "disabled"}}, []),
        (SWITCH, {}, {}, []),
        (DEEPSEEK, effort("max"), {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}, []),
        (DEEPSEEK, DISABLED, {"thinking": {"type": "disabled"}}, []),
    ],
)
def test_thinking_on_compatible_servers(entry: Json, asked: Json, sent: Json, notes: list[str]) -> None:
    """CASES-41: as the entry of the server says, and not silently where it says nothing."""
    found = translate(asking(**asked), custom_route(**entry))
    fields = ("reasoning_effort", "reasoning", "thinking")
    assert {name: found.body[name] for name in fields if name in found.body} == sent
    assert found.notes == notes


def test_strict_tools_are_for_openai_only() -> None:
    strict = tool(
        "Read", {"type": "object", "properties": {}, "required": [], "additionalProperties": False}, strict=True
    )
    assert translate(asking(tools=[strict]), "gpt-4o").tool("Read")["strict"] is True
    found = translate(asking(tools=[strict, tool("Grep")]))
    assert "strict" not in found.tool("Read")
    assert found.notes == ["tools: strict was left out, only OpenAI itself is sent it"]


@pytest.mark.parametrize(("to", "told"), [("gpt-4o", True), ("local", True), ("gpt-5-search-api", False)])
def test_who_cannot_search_is_told_so(to: str, told: bool) -> None:
    """OpenAI's search models search unasked; whatever their tools say, they are not to be told that they cannot."""
    sent = translate(asking(tools=[SEARCH], system="Be brief."), to)
    assert ("Web search is not available" in json.dumps(sent.body["messages"])) is told
    assert "tools: web_search_20250305 is not available here" in sent.notes
