from __future__ import annotations

import logging
import re
from datetime import date
from pathlib import Path

import pytest

from proxy.models.catalog import Catalog, ModelFacts
from proxy.models.routing import KnownModel, Router
from proxy.protocol.errors import ApiError
from tests.models.samples import MODELS, SEED, entry, router, settings


def words(text: str) -> list[str]:
    return text.split()


SDK_IDS = words("""
claude-fable-5-2 claude-fable-5-1 claude-fable-5 claude-mythos-5-2 claude-mythos-5-1 claude-mythos-5
claude-mythos-preview claude-opus-5-5 claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5
claude-opus-4-5-20251101 claude-sonnet-5-5 claude-sonnet-5 claude-sonnet-4-6 claude-sonnet-4-5
claude-sonnet-4-5-20250929 claude-opus-4-1-20250805 claude-sonnet-4-20250514 claude-3-7-sonnet-latest
claude-3-opus-20240229 claude-sonnet-4-0
""")
SDK_HAIKU_IDS = words("claude-haiku-5-5 claude-haiku-4-5 claude-haiku-4-5-20251001 claude-3-5-haiku-20241022")
BIG_NAMES = [
    *SDK_IDS,
    "sonnet",
    "opus",
    "fable",
    "mythos",
    "best",
    "opusplan",
    "default",
    "Opus",
    "CLAUDE-OPUS-5-5",
    "claude-opus-5-5[1m]",
    "claude-opus-5-5[2M]",
    "claude-opus-5-5 [1m]",
    "opus[1m]",
    " claude-opus-5-5\n",
    "claude",
    "claude-2.1",
    "claude2",
    "claude-instant-1.2",
    "claude-nova-7",
    "claude-gpt-5.5",
    "claude-haikus-9",
    "claude-sonnet-haiku",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-5-5-v1:0",
    "global.anthropic.claude-fable-5-2",
    "bedrock/eu.anthropic.claude-opus-4-8-v1:0",
    "vertex_ai/claude-opus-4-8@20260101",
    "claude-opus-4-5@20251101",
    "my-claude",
]
SMALL_NAMES = [
    *SDK_HAIKU_IDS,
    "haiku",
    "HAIKU",
    "haiku[1m]",
    "claude-haiku-99",
    "claude-haiku-opus",
    "apac.anthropic.claude-haiku-4-5-20251001-v1:0",
    "vertex_ai/claude-haiku-4-5@20251001",
    "claude_haiku",
    "claude 3 haiku",
]
NOBODY = [
    "",
    " ",
    "[1m]",
    "my-opusculum",
    "opusculum",
    "magnum-opus",
    "haiku-4",
    "sonnets",
    "default-model",
    "bestest",
    "notclaude",
    "llama3",
    "qwen3-coder",
    "mistral/mistral-large",
    "openrouter/gpt-4o",
    "openai/",
    "gemini/",
    "anthropic/",
    "custom/",
    "custom/nothing",
    "custom/claude-opus-5-5",
    "custom/gpt-4o",
    "gemma-3-27b-it",
    "olive",
    "g pt-4o",
    "m",
]


# --- Claude names


@pytest.mark.parametrize(
    ("provider", "environ", "big", "small"),
    [
        ("google", {}, "gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite"),
        ("openai", {}, "openai/gpt-4o", "openai/gpt-4o-mini"),
        ("custom", {}, "custom/qwen", "custom/qwen"),
        ("custom", {"SMALL_MODEL": "llama-4"}, "custom/qwen", "custom/Llama-4"),
    ],
)
def test_claude_names_go_by_family(
    tmp_path: Path, provider: str, environ: dict[str, str], big: str, small: str
) -> None:
    """CASES-88"""
    table = router(tmp_path, provider, MODELS, **environ)
    assert table.check() == []
    assert {name: table.resolve(name).target for name in BIG_NAMES} == dict.fromkeys(BIG_NAMES, big)
    assert {name: table.resolve(name).target for name in SMALL_NAMES} == dict.fromkeys(SMALL_NAMES, small)


def test_the_requested_name_is_kept_as_written(tmp_path: Path) -> None:
    table = router(tmp_path)
    for name in ("claude-opus-5-5[1m]", "OpenAI/gpt-4o", " haiku "):
        assert table.resolve(name).requested == name


@pytest.mark.parametrize(
    ("name", "model"),
    [
        *((name, name) for name in (*SDK_IDS, *SDK_HAIKU_IDS, "claude-2.1", "haiku")),
        ("claude-opus-5-5[1m]", "claude-opus-5-5"),
        ("anthropic/claude-opus-5-5", "claude-opus-5-5"),
    ],
)
def test_anthropic_answers_claude_names_itself(tmp_path: Path, name: str, model: str) -> None:
    table = router(tmp_path, "anthropic", BIG_MODEL="gpt-4o")
    route = table.resolve(name)
    assert (route.provider, route.model, route.custom, route.official) == ("anthropic", model, None, True)
    assert table.check() == []
    assert table.resolve("gpt-4o").target == "openai/gpt-4o"


@pytest.mark.parametrize("provider", ["google", "openai", "custom", "anthropic"])
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("anthropic/claude-opus-5-5", "anthropic/claude-opus-5-5"),
        ("Anthropic/claude-opus-5-5[1m]", "anthropic/claude-opus-5-5"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("OPENAI/gpt-4o", "openai/gpt-4o"),
        ("openai/claude-opus-5-5", "openai/claude-opus-5-5"),
        ("openai/gemini-4-argon", "openai/gemini-4-argon"),
        ("openai/openai/gpt-oss-20b", "openai/openai/gpt-oss-20b"),
        ("openai/meta-llama/Llama-4[1m]", "openai/meta-llama/Llama-4"),
        ("gemini/gemini-4-argon", "gemini/gemini-4-argon"),
        ("gemini/models/gemini-4-argon", "gemini/models/gemini-4-argon"),
        ("custom/qwen", "custom/qwen"),
        ("Custom/QWEN", "custom/qwen"),
        ("custom/openai/gpt-4o-clone", "custom/openai/gpt-4o-clone"),
        ("openai/gpt-4o-clone", "custom/openai/gpt-4o-clone"),
        ("qwen", "custom/qwen"),
        ("Qwen[1m]", "custom/qwen"),
        ("llama-4", "custom/Llama-4"),
        ("gpt-4o", "openai/gpt-4o"),
        ("GPT-4o", "openai/gpt-4o"),
        ("gpt-9-turbo", "openai/gpt-9-turbo"),
        ("gpt-5.5", "openai/gpt-5.5"),
        ("o3", "openai/o3"),
        ("o7-mini", "openai/o7-mini"),
        ("chatgpt-9-latest", "openai/chatgpt-9-latest"),
        ("gemini-9-ultra", "gemini/gemini-9-ultra"),
        ("Gemini-4-argon", "gemini/gemini-4-argon"),
        ("gemini-flash-latest", "gemini/gemini-flash-latest"),
    ],
)
def test_names_that_say_where_they_go(tmp_path: Path, provider: str, name: str, target: str) -> None:
    assert router(tmp_path, provider, MODELS).resolve(name).target == target


@pytest.mark.parametrize("provider", ["google", "openai", "custom", "anthropic"])
@pytest.mark.parametrize("name", NOBODY)
def test_other_names_are_not_found(tmp_path: Path, provider: str, name: str) -> None:
    with pytest.raises(ApiError) as caught:
        router(tmp_path, provider, MODELS).resolve(name)
    error = caught.value
    assert (error.status, error.type) == (404, "not_found_error")
    assert error.message.startswith(f"model: {name.strip().removesuffix('[1m]')} is not known here")
    for part in (
        "could be meant",
        "claude-...",
        "gpt-...",
        "gemini-...",
        "openai/",
        "qwen, Llama-4, openai/gpt-4o-clone",
    ):
        assert part in error.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gp-4o", "gpt-4o"),
        ("qwem", "qwen"),
        ("custom/llama4", "custom/Llama-4"),
        ("cloude-opus-5-5", "claude-opus-5-5"),
        ("google/gemini-3.8-flash", "gemini-3.8-flash"),
        ("gemni-2.0-flash", "gemini-4"),
    ],
)
def test_near_names_are_offered_but_no_dead_ones(tmp_path: Path, name: str, meant: str) -> None:
    with pytest.raises(ApiError, match=r"did you mean") as caught:
        router(tmp_path, models=MODELS).resolve(name)
    offered = re.search(r'did you mean "(.*?)"', caught.value.message)
    assert offered
    assert offered[1] == meant or (name == "gemni-2.0-flash" and offered[1] != "gemini-2.0-flash")


@pytest.mark.parametrize("name", ["x" * 10_000_000, "a" + " " * 1_000_000 + "b", "claude-" + "opus-" * 100_000])
def test_endless_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ApiError) as caught:
        router(tmp_path).resolve(name)
    assert caught.value.status == 404
    assert len(caught.value.message) < 1000


def test_none_configured_is_said(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match=r"custom model \(none is configured\)"):
        router(tmp_path).resolve("llama3")


# --- where BIG_MODEL and SMALL_MODEL point


@pytest.mark.parametrize(
    ("provider", "value", "target"),
    [
        ("google", "gemini-4-argon", "gemini/gemini-4-argon"),
        ("google", "gemini-77", "gemini/gemini-77"),
        ("google", "gpt-6-sol", "openai/gpt-6-sol"),
        ("google", "llama3", "openai/llama3"),
        ("google", "qwen", "custom/qwen"),
        ("google", "custom/qwen", "custom/qwen"),
        ("google", "openai/gemini-4-argon", "openai/gemini-4-argon"),
        ("google", "anthropic/claude-opus-5-5", "anthropic/claude-opus-5-5"),
        ("openai", "gpt-6-sol[1m]", "openai/gpt-6-sol"),
        ("openai", "llama3", "openai/llama3"),
        ("openai", "meta/llama3", "openai/meta/llama3"),
        ("openai", "qwen", "custom/qwen"),
        ("openai", "gemini-4-argon", "gemini/gemini-4-argon"),
        ("openai", "gemini/gemini-4-argon", "gemini/gemini-4-argon"),
        ("custom", "llama-4", "custom/Llama-4"),
        ("custom", "custom/qwen", "custom/qwen"),
        ("custom", "gpt-6-sol", "openai/gpt-6-sol"),
        ("custom", "openai/llama3", "openai/llama3"),
        ("custom", "gemini-4-argon", "gemini/gemini-4-argon"),
    ],
)
def test_big_and_small_are_placed(tmp_path: Path, provider: str, value: str, target: str) -> None:
    table = router(tmp_path, provider, MODELS, BIG_MODEL=value, SMALL_MODEL=value)
    assert table.check() == []
    assert table.resolve("claude-opus-5-5").target == target
    assert table.resolve("claude-haiku-5-5").target == target


@pytest.mark.parametrize(
    ("provider", "value", "part"),
    [
        ("custom", "qwne", '"qwne" is not known here; did you mean "qwen"?'),
        ("custom", "custom/nothing", '"custom/nothing" is not known here'),
        ("google", "custom/nothing", '"custom/nothing" is not known here'),
        ("openai", "custom/qwem", '"custom/qwem" is not known here; did you mean "custom/qwen"?'),
        ("google", "claude-opus-5-5", "is itself a Claude name; write anthropic/claude-opus-5-5"),
        ("openai", "sonnet", "is itself a Claude name"),
        ("custom", "claude-opus-5-5", "is itself a Claude name"),
    ],
)
def test_big_and_small_that_lead_nowhere(tmp_path: Path, provider: str, value: str, part: str) -> None:
    table = router(tmp_path, provider, MODELS, BIG_MODEL=value, SMALL_MODEL="qwen")
    (problem,) = table.check()
    assert problem.startswith("BIG_MODEL: ")
    assert part in problem
    assert table.resolve("claude-haiku-5-5").target == "custom/qwen"
    with pytest.raises(ApiError, match="BIG_MODEL") as caught:
        table.resolve("claude-opus-5-5")
    assert caught.value.status == 404
    assert caught.value.message.startswith("model: claude-opus-5-5 ")

    both = router(tmp_path, provider, MODELS, BIG_MODEL="qwen", SMALL_MODEL=value).check()
    assert [each.partition(":")[0] for each in both] == ["SMALL_MODEL"]


def test_one_problem_where_small_falls_back_to_big(tmp_path: Path) -> None:
    assert len(router(tmp_path, "custom", MODELS, BIG_MODEL="nothing").check()) == 1


# --- retirement and what is known of the model


@pytest.mark.parametrize("name", SEED)
@pytest.mark.parametrize("prefixed", [False, True])
def test_seed_names_are_answered_by_the_vendor(tmp_path: Path, name: str, prefixed: bool) -> None:
    provider, answerer = SEED[name]
    route = router(tmp_path).resolve(f"{provider}/{name}" if prefixed else name)
    assert (route.provider, route.model, route.official) == (provider, answerer, True)
    assert route.facts == Catalog.load().facts(provider, answerer)


@pytest.mark.parametrize("name", SEED)
def test_seed_names_are_sent_as_they_are_elsewhere(tmp_path: Path, name: str) -> None:
    table = router(tmp_path, OPENAI_BASE_URL="http://gateway/v1", GEMINI_BASE_URL="http://gateway")
    route = table.resolve(name)
    assert (route.provider, route.model, route.official) == (SEED[name][0], name, False)


def test_a_retirement_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = router(tmp_path, "google")
    with caplog.at_level(logging.WARNING):
        for name in ("claude-opus-5-5", "claude-sonnet-5-5", "gemini/gemini-2.5-pro-preview-03-25", "claude-opus-5-5"):
            table.resolve(name)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages == [
        "gemini-2.5-pro-preview-03-25 was shut down by its vendor on 2025-12-02; gemini-3.8-flash answers in its place"
    ]


@pytest.mark.parametrize(
    ("provider", "environ", "names", "warned"),
    [
        ("google", {}, ["opus", "haiku", "claude-gemini-3.8-flash"], []),
        ("google", {"BIG_MODEL": "gemini-2.5-pro-preview-03-25"}, ["opus", "haiku"], ["gemini-2.5-pro-preview-03-25"]),
        ("google", {"SMALL_MODEL": "gemini-1.5-flash"}, ["haiku", "opus"], ["gemini-1.5-flash"]),
        ("google", {}, ["opus", "gemini-2.0-flash"], ["gemini-2.0-flash"]),
        ("openai", {"BIG_MODEL": "o1", "SMALL_MODEL": "o1"}, ["opus", "haiku"], ["o1"]),
        ("custom", {"BIG_MODEL": "o1"}, ["opus", "haiku"], ["o1"]),
    ],
    ids=["defaults", "default written out", "small", "named by the client", "both the same", "small follows big"],
)
def test_only_names_that_somebody_wrote_are_warned_about(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    environ: dict[str, str],
    names: list[str],
    warned: list[str],
) -> None:
    """A default model that its vendor has shut down is followed silently: nobody chose it."""
    table = router(tmp_path, provider, MODELS, **environ)
    with caplog.at_level(logging.WARNING):
        for name in names:
            assert table.resolve(name).model != name
    assert [message.partition(" ")[0] for message in caplog.messages] == warned


def test_a_default_is_news_to_nobody_after_an_upgrade_either(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The day of a retirement comes while the program runs on its defaults."""
    today = date(2027, 1, 13)
    table = Router(settings(tmp_path, {"PREFERRED_PROVIDER": "openai"}), Catalog.load(), lambda: today)
    with caplog.at_level(logging.WARNING):
        assert table.resolve("opus").model == "gpt-4o"
        today = date(2027, 1, 14)
        assert table.resolve("opus").model == "gpt-6-sol"
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("provider", "environ", "name", "target"),
    [
        ("openai", {"BIG_MODEL": "llama3"}, "llama3", "openai/llama3"),
        ("openai", {"BIG_MODEL": "llama3"}, "LLAMA3[1m]", "openai/llama3"),
        ("openai", {"BIG_MODEL": "llama3[1m]"}, "llama3", "openai/llama3"),
        ("openai", {"SMALL_MODEL": "mistral/mistral-large"}, "mistral/mistral-large", "openai/mistral/mistral-large"),
        ("google", {"SMALL_MODEL": "gemma-3-27b-it"}, "gemma-3-27b-it", "openai/gemma-3-27b-it"),
        ("google", {"BIG_MODEL": "openai/llama3"}, "openai/llama3", "openai/llama3"),
        ("openai", {}, "meta/llama-4", "custom/Llama-4"),
        ("openai", {}, "Meta/LLAMA-4", "custom/Llama-4"),
        ("openai", {"BIG_MODEL": "meta/llama-4"}, "meta/llama-4", "openai/meta/llama-4"),
    ],
)
def test_names_in_the_settings_are_routable(
    tmp_path: Path, provider: str, environ: dict[str, str], name: str, target: str
) -> None:
    """BIG_MODEL, SMALL_MODEL and the model_name of a custom model, as they stand there."""
    assert router(tmp_path, provider, MODELS, **environ).resolve(name).target == target


def test_the_first_of_two_custom_models_of_one_name_is_taken(tmp_path: Path) -> None:
    models = entry("one", model_name="org/same") + entry("two", model_name="org/same")
    assert router(tmp_path, models=models).resolve("org/same").target == "custom/one"


@pytest.mark.parametrize("name", ["claude-opus-4-8", "gpt-4o", "gemini-4-argon", "anthropic/claude-opus-4-8"])
def test_what_a_server_calls_its_model_takes_no_vendors_name_away(tmp_path: Path, name: str) -> None:
    table = router(tmp_path, models=entry("mine", model_name=name))
    assert table.resolve(name).custom is None
    assert table.resolve("mine").model == name


def test_a_model_retires_while_the_program_runs(tmp_path: Path) -> None:
    today = date(2026, 11, 30)
    table = Router(settings(tmp_path), Catalog.load(), lambda: today)
    assert table.resolve("gemini-2.5-pro").model == "gemini-2.5-pro"
    today = date(2026, 12, 1)
    assert table.resolve("gemini-2.5-pro").model == "gemini-3.8-flash"


@pytest.mark.parametrize(
    ("variable", "url", "name", "official"),
    [
        ("OPENAI_BASE_URL", "https://api.openai.com/v1", "gpt-4o", True),
        ("OPENAI_BASE_URL", "https://eu.API.openai.com/v1", "gpt-4o", True),
        ("OPENAI_BASE_URL", "https://x.openai.azure.com/openai/v1", "gpt-4o", False),
        ("OPENAI_BASE_URL", "https://notopenai.com/v1", "gpt-4o", False),
        ("OPENAI_BASE_URL", "https://api.openai.com.evil.example/v1", "gpt-4o", False),
        ("OPENAI_BASE_URL", "http://localhost:11434/v1", "gpt-4o", False),
        ("GEMINI_BASE_URL", "https://generativelanguage.googleapis.com", "gemini-4-argon", True),
        ("GEMINI_BASE_URL", "http://localhost:1", "gemini-4-argon", False),
        ("ANTHROPIC_UPSTREAM_URL", "https://api.anthropic.com", "anthropic/claude-opus-5-5", True),
        ("ANTHROPIC_UPSTREAM_URL", "http://localhost:1", "anthropic/claude-opus-5-5", False),
    ],
)
def test_official(tmp_path: Path, variable: str, url: str, name: str, official: bool) -> None:
    assert router(tmp_path, **{variable: url}).resolve(name).official is official


@pytest.mark.parametrize(
    ("name", "window", "reasons", "token_field"),
    [
        ("gpt-4o", 128000, False, "max_tokens"),
        ("openai/openai/gpt-4o", 128000, False, "max_tokens"),
        ("gpt-5", 272000, True, "max_completion_tokens"),
        ("gpt-9", 922000, True, "max_completion_tokens"),
        ("o9", 922000, True, "max_completion_tokens"),
        ("openai/gpt-oss-20b", 131072, True, "max_tokens"),
        ("openai/gpt-neo", None, False, "max_tokens"),
        ("openai/llama3", None, False, "max_tokens"),
    ],
)
def test_facts_of_a_compatible_server(
    tmp_path: Path, name: str, window: int | None, reasons: bool, token_field: str
) -> None:
    facts = router(tmp_path, OPENAI_BASE_URL="http://localhost:1234/v1").resolve(name).facts
    assert (facts.context_window, facts.reasons, facts.token_field) == (window, reasons, token_field)


def test_facts_of_the_vendor(tmp_path: Path) -> None:
    facts = router(tmp_path).resolve("gpt-4o").facts
    assert (facts.context_window, facts.max_output, facts.token_field) == (128000, 16384, "max_completion_tokens")


def test_facts_of_custom_models(tmp_path: Path) -> None:
    fields = {
        "context_window": 32768,
        "max_tokens": 4096,
        "vision": "false",
        "api": "responses",
        "max_tokens_field": "max_completion_tokens",
    }
    table = router(tmp_path, models=entry("plain", model_name="gpt-5") + entry("full", **fields))
    plain, full = table.resolve("plain"), table.resolve("custom/full")
    # The name says nothing of what a stranger's server can do; the vendors' only API is not its.
    assert (plain.model, plain.facts) == ("gpt-5", ModelFacts(api="chat"))
    assert full.facts == ModelFacts(
        context_window=32768, max_output=4096, vision=False, api="responses", token_field="max_completion_tokens"
    )
    assert full.custom
    assert full.custom.model_id == "full"
    assert not full.official


# --- lists and caches


GEMINI = [
    KnownModel("claude-proxy-big", "gemini-3.8-flash (Google)"),
    KnownModel("claude-proxy-small", "gemini-3.5-flash-lite (Google)"),
]
OPENAI = [
    KnownModel("claude-proxy-big", "gpt-4o (OpenAI)"),
    KnownModel("claude-proxy-small", "gpt-4o-mini (OpenAI)"),
]


@pytest.mark.parametrize(
    ("provider", "big", "small", "targets"),
    [
        ("google", "gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite", GEMINI),
        ("openai", "openai/gpt-4o", "openai/gpt-4o-mini", OPENAI),
        ("custom", "custom/qwen", "custom/qwen", []),
    ],
)
def test_known_models(tmp_path: Path, provider: str, big: str, small: str, targets: list[KnownModel]) -> None:
    """CASES-89"""
    table = router(tmp_path, provider, MODELS)
    assert table.known_models() == [
        KnownModel("claude-haiku-5-5", f"Claude Haiku 5.5 ({small})"),
        KnownModel("claude-sonnet-5-5", f"Claude Sonnet 5.5 ({big})"),
        KnownModel("claude-opus-5-5", f"Claude Opus 5.5 ({big})"),
        KnownModel("claude-fable-5-2", f"Claude Fable 5.2 ({big})"),
        *targets,
        KnownModel("claude-proxy-67f2d2", "qwen (server:1234)"),
        KnownModel("claude-proxy-bc6047", "meta/llama-4 (server:1234)"),
        KnownModel("claude-proxy-ea4f3a", "openai/gpt-4o-clone (server:1234)"),
        KnownModel("qwen", "qwen (server:1234)"),
        KnownModel("Llama-4", "meta/llama-4 (server:1234)"),
        KnownModel("openai/gpt-4o-clone", "openai/gpt-4o-clone (server:1234)"),
    ]
    assert table.known_models() == router(tmp_path, provider, MODELS).known_models()


def test_known_models_of_anthropic(tmp_path: Path) -> None:
    shown = router(tmp_path, "anthropic").known_models()
    assert shown[2] == KnownModel("claude-opus-5-5", "Claude Opus 5.5 (anthropic/claude-opus-5-5)")


def test_a_custom_model_may_take_a_claude_name(tmp_path: Path) -> None:
    table = router(tmp_path, models=entry("claude-opus-5-5"))
    assert table.resolve("claude-opus-5-5").target == "custom/claude-opus-5-5"
    assert [known.id for known in table.known_models()].count("claude-opus-5-5") == 1


def test_routes_are_remembered_within_bounds(tmp_path: Path) -> None:
    table = router(tmp_path)
    assert table.resolve("gpt-4o") is table.resolve("gpt-4o")
    for number in range(2000):
        table.resolve(f"gpt-{number}")
    assert len(table._routes) <= 512


@pytest.mark.parametrize(
    ("url", "model", "style", "efforts"),
    [
        ("https://openrouter.ai/api/v1", "openai/x-ai/grok-5", "openrouter", True),
        ("https://openrouter.ai/api/v1", "openai/gpt-6-sol", "effort", True),
        ("https://api.moonshot.ai/v1", "openai/kimi-k2.6", "thinking", False),
        ("http://localhost:1/v1", "openai/qwen3", "effort", False),
    ],
)
def test_how_much_to_think_on_known_services(tmp_path: Path, url: str, model: str, style: str, efforts: bool) -> None:
    facts = router(tmp_path, OPENAI_BASE_URL=url).resolve(model).facts
    assert (facts.thinking_style, bool(facts.efforts)) == (style, efforts)
