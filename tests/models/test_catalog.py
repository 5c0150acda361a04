from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import pytest

from proxy.models.catalog import Catalog, ModelFacts
from tests.captures import SHARED
from tests.models.samples import SEED, TODAY

CATALOG = Catalog.load()
MODELS_TABLE = SHARED / "models-table.json"

ENTRIES = [(provider, name) for provider in ("openai", "gemini") for name in CATALOG.names(provider)]


def test_loaded_once() -> None:
    assert Catalog.load() is CATALOG


@pytest.mark.parametrize("model", SEED)
def test_seed_names_are_known_and_answered(model: str) -> None:
    provider, answerer = SEED[model]
    assert CATALOG.is_known(provider, model)
    name, warning = CATALOG.resolve_retired(provider, model, TODAY)
    assert name == answerer
    assert (warning is None) == (name == model)
    assert warning is None or (model in warning and answerer in warning)


@pytest.mark.parametrize(("provider", "model"), ENTRIES)
def test_entries_make_sense(provider: str, model: str) -> None:
    facts = CATALOG.facts(provider, model)
    assert model == model.lower()
    assert facts.context_window
    assert facts.max_output
    assert (facts.retired is None) == (facts.successor is None)
    assert facts.reasons or not (facts.reasons_by_default or facts.efforts or facts.thinking_budget)
    assert facts.sampling != "without_reasoning" or "none" in facts.efforts
    assert facts.tools_on_chat != "without_reasoning" or "none" in facts.efforts
    assert set(facts.efforts) <= {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
    order = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
    assert list(facts.efforts) == sorted(facts.efforts, key=order.index)
    assert facts.sampling in ("always", "without_reasoning", "never")
    assert facts.tools_on_chat in ("always", "without_reasoning", "never")
    assert facts.api in ("both", "chat", "responses")
    if facts.successor:
        final, warning = CATALOG.resolve_retired(provider, model, date.max)
        assert warning
        # Successors stay: no second change of model within months.
        assert CATALOG.facts(provider, facts.successor).retired is None
        assert final == facts.successor
        assert final in CATALOG.names(provider)


def test_data_types() -> None:
    kinds = {field.name: field.type for field in fields(ModelFacts)}
    assert kinds["retired"] == "date | None"
    for provider, model in ENTRIES:
        facts = CATALOG.facts(provider, model)
        assert facts.retired is None or type(facts.retired) is date
        for name in ("vision", "pdf", "reasons", "reasons_by_default", "stop", "parallel_tool_calls", "system_role"):
            assert type(getattr(facts, name)) is bool


@pytest.mark.parametrize(
    ("provider", "model", "family"),
    [
        ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:org:name:id", "gpt-4.1-mini"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openai", "gpt-5-2025-08-07", "gpt-5"),
        ("openai", "gpt-5-chat-latest", None),
        ("openai", "gpt-5.1-mini", "gpt-5.1"),
        ("openai", "gpt-5.4-pro-2026-03-05", "gpt-5.4-pro"),
        ("openai", "gpt-5.6-sol", "gpt-5.6"),
        ("openai", "gpt-5.6-terra", "gpt-5.6"),
        ("openai", "o3-pro-2025-06-10", "o3-pro"),
        ("openai", "o4-mini-2025-04-16", "o4-mini"),
        ("openai", "gpt-oss-120b", "gpt-oss"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "gemini-3.1-pro-preview-customtools", "gemini-3.1-pro-preview"),
        ("gemini", "gemini-2.0-flash-lite-001", "gemini-2.0-flash"),
        ("gemini", "gemini-2.5-flash-lite-preview-09-2025", "gemini-2.5-flash-lite"),
        ("gemini", "gemma-3-27b-it", "gemma-3"),
    ],
)
def test_families(provider: str, model: str, family: str | None) -> None:
    assert CATALOG.is_known(provider, model)
    if family:
        assert CATALOG.facts(provider, model) == CATALOG.facts(provider, family)


@pytest.mark.parametrize(
    ("provider", "model", "like"),
    [
        ("openai", "gpt-9", "gpt-6-sol"),
        ("openai", "gpt-5.9", "gpt-6-sol"),
        ("openai", "gpt-50", "gpt-6-sol"),
        ("openai", "gpt-6.3-terra", "gpt-6-sol"),
        ("openai", "o10-mini", "gpt-6-sol"),
        ("openai", "", "gpt-6-sol"),
        ("openai", "-", "gpt-6-sol"),
        ("gemini", "gemini-9", "gemini-3.8-flash"),
        ("gemini", "gemini-4.1-neon", "gemini-3.8-flash"),
        ("gemini", "gemini-2.50-pro", "gemini-3.8-flash"),
    ],
)
def test_unknown_names_are_taken_for_the_newest(provider: str, model: str, like: str) -> None:
    assert not CATALOG.is_known(provider, model)
    assert CATALOG.facts(provider, model) == CATALOG.facts(provider, like)
    assert CATALOG.resolve_retired(provider, model, date.max) == (model, None)


def test_unknown_servers_get_the_plain_defaults() -> None:
    assert CATALOG.facts("custom", "anything") == ModelFacts()
    assert CATALOG.facts("custom", "gpt-5-codex") == ModelFacts()
    assert not CATALOG.is_known("custom", "gpt-4o")


def test_nothing_is_known_of_a_vendor_without_data() -> None:
    assert CATALOG.facts("toy", "toy-big") == ModelFacts()
    assert CATALOG.names("toy") == ()
    assert not CATALOG.is_known("toy", "toy-big")
    assert CATALOG.resolve_retired("toy", "toy-big", date.max) == ("toy-big", None)


def test_anthropic_is_left_to_anthropic() -> None:
    facts = CATALOG.facts("anthropic", "claude-opus-5-5")
    assert (facts.context_window, facts.max_output, facts.vision, facts.pdf) == (None, None, True, True)


NONE_TO_XHIGH = ("none", "low", "medium", "high", "xhigh")
LOW_TO_HIGH = ("low", "medium", "high")


@pytest.mark.parametrize(
    ("model", "by_default", "efforts", "sampling"),
    [
        ("gpt-6-astra", True, (*NONE_TO_XHIGH[1:], "max"), "never"),
        ("gpt-6.1-sol", True, (*NONE_TO_XHIGH[1:], "max"), "never"),
        ("gpt-6.1-terra", True, (*NONE_TO_XHIGH, "max"), "never"),
        ("gpt-6-sol", True, (*NONE_TO_XHIGH, "max"), "never"),
        ("gpt-6-cyber", True, (*NONE_TO_XHIGH[1:], "max"), "never"),
        ("gpt-rosalind-research", True, (*NONE_TO_XHIGH[1:], "max"), "never"),
        ("gpt-daybreak-red-latest", True, NONE_TO_XHIGH[1:], "never"),
        ("gpt-daybreak-blue-latest", True, NONE_TO_XHIGH[1:], "never"),
        ("gpt-6-luna", True, (*NONE_TO_XHIGH, "max"), "never"),
        ("gpt-5.6-luna", True, NONE_TO_XHIGH, "without_reasoning"),
        ("gpt-5.5-pro", True, ("medium", "high", "xhigh"), "never"),
        ("gpt-5.4-pro", True, ("medium", "high", "xhigh"), "never"),
        ("gpt-5.2-pro", True, ("medium", "high", "xhigh"), "never"),
        ("gpt-5.5", True, NONE_TO_XHIGH, "without_reasoning"),
        ("gpt-5.4-nano", False, NONE_TO_XHIGH, "without_reasoning"),
        ("gpt-5.3-codex", False, NONE_TO_XHIGH, "without_reasoning"),
        ("gpt-5.2", False, NONE_TO_XHIGH, "without_reasoning"),
        ("gpt-5.1", False, ("none", *LOW_TO_HIGH), "without_reasoning"),
        ("gpt-5.1-chat-latest", True, ("medium",), "never"),
        ("gpt-5-pro", True, ("high",), "never"),
        ("gpt-5-nano", True, ("minimal", *LOW_TO_HIGH), "never"),
        ("gpt-5.1-codex-max", True, LOW_TO_HIGH, "never"),
        ("o1", True, LOW_TO_HIGH, "never"),
        ("o3", True, LOW_TO_HIGH, "never"),
        ("o4-mini", True, LOW_TO_HIGH, "never"),
        ("gpt-4o", False, (), "always"),
        ("gpt-4.1-nano", False, (), "always"),
    ],
)
def test_reasoning_of_openai(model: str, by_default: bool, efforts: tuple[str, ...], sampling: str) -> None:
    facts = CATALOG.facts("openai", model)
    assert (facts.reasons_by_default, facts.efforts, facts.sampling) == (by_default, efforts, sampling)
    assert facts.token_field == "max_completion_tokens"
    assert facts.parallel_tool_calls == (not model.startswith("o"))


@pytest.mark.parametrize(
    ("model", "tools_on_chat", "stop"),
    [
        ("gpt-4o", "always", True),
        ("o3-mini", "always", True),
        ("o3", "always", False),
        ("gpt-5", "always", False),
        ("gpt-5.3", "always", False),
        ("gpt-5.4-mini", "without_reasoning", False),
        ("gpt-5.6-terra", "without_reasoning", False),
        ("gpt-6-sol", "without_reasoning", False),
        ("gpt-6-astra", "never", False),
        ("gpt-9", "without_reasoning", False),
    ],
)
def test_chat_rules_of_openai(model: str, tools_on_chat: str, stop: bool) -> None:
    facts = CATALOG.facts("openai", model)
    assert (facts.tools_on_chat, facts.stop) == (tools_on_chat, stop)


@pytest.mark.parametrize("model", ["o1-mini", "o1-preview-2024-09-12"])
def test_no_system_role(model: str) -> None:
    assert not CATALOG.facts("openai", model).system_role


@pytest.mark.parametrize(
    ("api", "models"),
    [
        (
            "responses",
            "o1-pro o1-pro-2025-03-19 o3-pro gpt-5-pro gpt-5-pro-2025-10-06 gpt-5.5-pro gpt-5-codex gpt-5.1-codex-mini "
            "gpt-5.3-codex o3-deep-research o4-mini-deep-research computer-use-preview gpt-daybreak-red-latest "
            "gpt-daybreak-blue-latest gpt-rosalind-research gpt-rosalind-discovery "
            "gpt-6-cyber gpt-6-rosalind gpt-6.2-astra-law gpt-7-pro gpt-8-codex codex-mini-latest",
        ),
        ("chat", "gpt-4o-audio-preview gpt-audio gpt-4o-search-preview gpt-5-search-api o1-mini"),
        ("both", "gpt-4o gpt-4.1 o1 o3-mini gpt-5 gpt-5.6 gpt-6-sol gpt-9 gpt-5-prolog"),
    ],
)
def test_api(api: str, models: str) -> None:
    assert {model: CATALOG.facts("openai", model).api for model in models.split()} == dict.fromkeys(models.split(), api)


@pytest.mark.parametrize(
    ("model", "efforts", "budget", "sampling"),
    [
        ("gemini-2.5-flash", ("none",), (1, 24576), "always"),
        ("gemini-2.5-flash-lite", ("none",), (512, 24576), "always"),
        ("gemini-2.5-pro", (), (128, 32768), "always"),
        ("gemini-2.0-flash", (), None, "always"),
        ("gemini-3-flash-preview", ("minimal", *LOW_TO_HIGH), None, "always"),
        ("gemini-3.1-flash-lite", ("minimal", *LOW_TO_HIGH), None, "always"),
        ("gemini-3.5-flash", ("minimal", *LOW_TO_HIGH), None, "always"),
        ("gemini-3.6-flash", ("minimal", *LOW_TO_HIGH), None, "never"),
        ("gemini-3.5-flash-lite", ("minimal", *LOW_TO_HIGH), None, "never"),
        ("gemini-3.1-pro-preview", LOW_TO_HIGH, None, "always"),
        ("gemini-3.8-flash", LOW_TO_HIGH, None, "never"),
        ("gemini-4-argon", LOW_TO_HIGH, None, "never"),
        ("gemini-4-neon", (*LOW_TO_HIGH, "xhigh"), None, "never"),
        ("gemini-flash-latest", LOW_TO_HIGH, None, "never"),
        ("gemini-9", LOW_TO_HIGH, None, "never"),
    ],
)
def test_thinking_of_gemini(
    model: str, efforts: tuple[str, ...], budget: tuple[int, int] | None, sampling: str
) -> None:
    facts = CATALOG.facts("gemini", model)
    assert (facts.efforts, facts.thinking_budget, facts.sampling) == (efforts, budget, sampling)
    assert facts.reasons == bool(efforts or budget)
    assert facts.since_gemini_3 == (facts.reasons and budget is None)


@pytest.mark.parametrize(
    ("provider", "model", "last_day", "successor"),
    [
        ("gemini", "gemini-2.5-pro", date(2026, 11, 30), "gemini-3.8-flash"),
        ("gemini", "gemini-2.5-flash", date(2026, 11, 30), "gemini-3.5-flash-lite"),
        ("openai", "gpt-5", date(2026, 12, 10), "gpt-6-sol"),
        ("openai", "o3", date(2026, 12, 10), "gpt-6-sol"),
        ("openai", "gpt-4o", date(2027, 1, 13), "gpt-6-sol"),
        ("openai", "gpt-4o-mini", date(2027, 1, 13), "gpt-6-luna"),
        ("openai", "gpt-5-nano-2025-08-07", date(2026, 12, 10), "gpt-6-luna"),
    ],
)
def test_retirement_begins_on_its_day(provider: str, model: str, last_day: date, successor: str) -> None:
    assert CATALOG.resolve_retired(provider, model, last_day) == (model, None)
    assert not CATALOG.is_retired(provider, model, last_day)
    name, warning = CATALOG.resolve_retired(provider, model, last_day + timedelta(days=1))
    assert name == successor
    assert (
        warning == f"{model} was shut down by its vendor on {last_day + timedelta(days=1)}; {name} answers in its place"
    )


def test_gemini_aliases_do_not_belong_to_the_retired_gemini_pro() -> None:
    assert CATALOG.resolve_retired("gemini", "gemini-pro-latest", date.max) == ("gemini-pro-latest", None)


def _table() -> list[dict[str, Any]]:
    if not MODELS_TABLE.exists():
        return []
    rows = json.loads(MODELS_TABLE.read_text(encoding="utf-8"))["models"]
    usual = re.compile(r"(gpt-(?!audio|rosalind|5\.5-cyber)|chatgpt-|o\d|gemini-\d).*")
    odd = (
        "tts",
        "robotics",
        "omni",
        "computer-use",
        "codex-m",
        "-law",
        "gpt-3.5-turbo-16k",
    )
    return [
        row
        for row in rows
        if usual.fullmatch(row["id"]) and row["max_input"] and not any(each in row["id"] for each in odd)
    ]


@pytest.mark.skipif(not MODELS_TABLE.exists(), reason="the table of models is not part of the repository")
def test_limits_agree_with_the_table() -> None:
    for row in _table():
        facts = CATALOG.facts(row["provider"], row["id"])
        if row["max_input"] != 400000:  # there the table counts input and output together
            assert (row["id"], facts.context_window) == (row["id"], row["max_input"])
        if row["id"] != "gemini-4-argon":  # its limit for one hop is that of the others
            assert (row["id"], facts.max_output) == (row["id"], row["max_output"])
        shutdown = row["sdk_shutdown_date"] or row["deprecation_date"]
        if shutdown and row["provider"] == "openai" and date.fromisoformat(shutdown) <= TODAY:
            assert CATALOG.is_retired("openai", row["id"], TODAY), row["id"]
        if not shutdown and row["provider"] == "openai":
            assert not CATALOG.is_retired("openai", row["id"], TODAY), row["id"]
