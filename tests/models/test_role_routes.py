"""Who answers by name, role and family: the settings, their order, and what they fall back to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.models.assignments import LONG_CONTEXT, SEARCH, VISION
from proxy.models.roles import MAIN, Role
from tests.models.samples import MODELS, entry, router

AGENT = Role("subagent")
EXPLORE = Role("subagent", ("Explore",))
READER = Role("subagent", ("Explore", "Plan"))
GENERAL = Role("subagent", ("general-purpose",))
CLASSIFIER = Role("classifier")
BIG, SMALL = "openai/gpt-4o", "openai/gpt-4o-mini"
LITE, SOL = "gemini/gemini-3.5-flash-lite", "openai/gpt-6-sol"


@pytest.mark.parametrize(
    "role", [MAIN, AGENT, EXPLORE, Role("title"), Role("compaction"), Role("search"), Role("probe")]
)
def test_without_settings_the_name_decides(role: Role, tmp_path: Path) -> None:
    table = router(tmp_path, models=MODELS)
    for name in ("claude-opus-5-5", "claude-haiku-5-5", "gpt-6-luna", "qwen", "gemini/x"):
        assert table.resolve(name, role).target == table.resolve(name).target


ROLES: list[tuple[dict[str, str], Role, str]] = [
    ({"SUBAGENT_MODEL": LITE}, AGENT, LITE),
    ({"SUBAGENT_MODEL": LITE}, EXPLORE, LITE),
    ({"SUBAGENT_MODEL": LITE}, MAIN, BIG),
    ({"AGENT_MODELS": f"Explore={LITE}"}, EXPLORE, LITE),
    ({"AGENT_MODELS": f"explore={LITE}"}, EXPLORE, LITE),
    ({"AGENT_MODELS": f"Explore={LITE}"}, AGENT, BIG),
    ({"AGENT_MODELS": f"Explore={LITE}"}, GENERAL, BIG),
    ({"AGENT_MODELS": f"Plan={LITE}"}, READER, LITE),
    ({"AGENT_MODELS": f"Plan={SOL}, Explore={LITE}"}, READER, LITE),
    ({"AGENT_MODELS": f"Explore={LITE}", "SUBAGENT_MODEL": SOL}, EXPLORE, LITE),
    ({"AGENT_MODELS": f"Explore={LITE}", "SUBAGENT_MODEL": SOL}, GENERAL, SOL),
    *(({"BACKGROUND_MODEL": LITE}, Role(kind), LITE) for kind in ("title", "summary", "recap", "suggestion", "hook")),
    ({"BACKGROUND_MODEL": LITE}, Role("compaction"), BIG),
    ({"BACKGROUND_MODEL": LITE}, Role("probe"), BIG),
    ({"BACKGROUND_MODEL": LITE}, AGENT, BIG),
    ({"COMPACTION_MODEL": LITE}, Role("compaction"), LITE),
    ({"JUDGE_MODEL": LITE}, CLASSIFIER, LITE),
    ({}, CLASSIFIER, SMALL),
    ({"JUDGE_MODEL": "Off"}, CLASSIFIER, SMALL),
    ({"HAIKU_MODEL": "anthropic", "SONNET_MODEL": SOL}, CLASSIFIER, SMALL),
    ({"SEARCH_MODEL": LITE}, Role("search"), BIG),
    ({"LONG_CONTEXT_MODEL": LITE, "VISION_MODEL": LITE}, MAIN, BIG),
]


@pytest.mark.parametrize(("environ", "role", "target"), ROLES, ids=str)
def test_roles(environ: dict[str, str], role: Role, target: str, tmp_path: Path) -> None:
    table = router(tmp_path, **environ)
    assert table.check() == []
    route = table.resolve("claude-sonnet-5", role)
    assert (route.target, route.role) == (target, role)
    assert route.requested == "claude-sonnet-5"


@pytest.mark.parametrize(
    ("environ", "targets"),
    [
        ({"OPUS_MODEL": SOL}, {"opus": SOL, "sonnet": BIG, "haiku": SMALL}),
        ({"SONNET_MODEL": SOL}, {"claude-sonnet-4-6": SOL, "claude-opus-5-5": BIG}),
        ({"HAIKU_MODEL": LITE}, {"claude-3-5-haiku-20241022": LITE, "claude": BIG}),
        ({"FABLE_MODEL": LITE}, {"fable[1m]": LITE, "mythos": BIG}),
        ({"OPUS_MODEL": "anthropic"}, {"claude-opus-4-8": "anthropic/claude-opus-4-8", "opus": "anthropic/opus"}),
        ({"OPUS_MODEL": "anthropic/claude-opus-5-5"}, {"claude-opus-4-8": "anthropic/claude-opus-5-5"}),
        ({"BIG_MODEL": "anthropic"}, {"claude-opus-4-8[1m]": "anthropic/claude-opus-4-8", "haiku": SMALL}),
    ],
    ids=str,
)
def test_families(environ: dict[str, str], targets: dict[str, str], tmp_path: Path) -> None:
    table = router(tmp_path, **environ)
    assert table.check() == []
    assert {name: table.resolve(name).target for name in targets} == targets


MAP = (
    f"claude-opus-4-*={SOL}, *opus*={LITE}, gpt-4*=custom/qwen, llama?=qwen, claude-fable-5-2[1m]=anthropic, "
    "my-*=anthropic"
)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("claude-opus-4-8", SOL, id="the first that fits"),
        pytest.param("Claude-Opus-4-8[1m]", SOL, id="in any case, without the mark"),
        pytest.param("opus", LITE, id="a later one"),
        pytest.param("claude-sonnet-5-5", BIG, id="none"),
        pytest.param("gpt-4o", "custom/qwen", id="a vendor's name"),
        pytest.param("llama3", "custom/qwen", id="a name nobody has"),
        pytest.param("claude-fable-5-2", "anthropic/claude-fable-5-2", id="the mark in a pattern"),
        pytest.param("my-model", "anthropic/claude-sonnet-5-5", id="no Claude name for Anthropic"),
        pytest.param("openai/gpt-4o", "openai/gpt-4o", id="not for a name with a prefix"),
        pytest.param("Llama-4", "custom/Llama-4", id="not for a custom model"),
    ],
)
def test_model_map(name: str, target: str, tmp_path: Path) -> None:
    table = router(tmp_path, models=MODELS, MODEL_MAP=MAP)
    assert table.check() == []
    assert table.resolve(name).target == target


def test_a_pattern_for_all_claude_names_leaves_aliases_alone(tmp_path: Path) -> None:
    plain, mapped = router(tmp_path, models=MODELS), router(tmp_path, models=MODELS, MODEL_MAP=f"claude*={LITE}")
    aliases = [known.id for known in mapped.known_models() if known.id.startswith("claude-proxy")]
    assert aliases
    assert [mapped.resolve(name).target for name in aliases] == [plain.resolve(name).target for name in aliases]


ORDER = {
    "MODEL_MAP": "claude-opus-*=gemini/by-map, gpt-5*=gemini/by-map",
    "SUBAGENT_MODEL": "gemini/by-role",
    "OPUS_MODEL": "gemini/by-family",
    "SONNET_MODEL": "gemini/by-family",
    "BIG_MODEL": "gemini/by-size",
}


@pytest.mark.parametrize(
    ("name", "role", "target", "reason"),
    [
        ("openai/gpt-5.5", AGENT, "openai/gpt-5.5", "the requested name"),
        ("qwen", AGENT, "custom/qwen", "the requested name"),
        ("custom/QWEN", AGENT, "custom/qwen", "the requested name"),
        ("claude-opus-5-5", AGENT, "gemini/by-map", "MODEL_MAP claude-opus-*"),
        ("gpt-5.5", AGENT, "gemini/by-map", "MODEL_MAP gpt-5*"),
        ("claude-sonnet-5-5", AGENT, "gemini/by-role", "SUBAGENT_MODEL"),
        ("gpt-6-luna", AGENT, "gemini/by-role", "SUBAGENT_MODEL"),
        ("claude-sonnet-5-5", MAIN, "gemini/by-family", "SONNET_MODEL"),
        ("gpt-6-luna", MAIN, "openai/gpt-6-luna", "the requested name"),
        ("claude-fable-5-2", MAIN, "gemini/by-size", "BIG_MODEL"),
        ("haiku", MAIN, SMALL, "SMALL_MODEL"),
    ],
)
def test_order(name: str, role: Role, target: str, reason: str, tmp_path: Path) -> None:
    """Prefix or custom model, MODEL_MAP, role, family, size."""
    route = router(tmp_path, models=MODELS, **ORDER).resolve(name, role)
    assert (route.target, route.reason) == (target, reason)
    assert route.is_explicit == (route.reason == "the requested name" and name != "gpt-6-luna")


def test_beside_a_subscription(tmp_path: Path) -> None:
    """Claude names stay Anthropic's; single families and roles go elsewhere."""
    table = router(
        tmp_path, "anthropic", HAIKU_MODEL=LITE, SUBAGENT_MODEL=f"{SOL}@low", COMPACTION_MODEL="claude-opus-5-5"
    )
    assert table.check() == []
    assert table.resolve("claude-opus-5-5").target == "anthropic/claude-opus-5-5"
    assert table.resolve("claude-haiku-5-5").target == LITE
    assert table.resolve("claude-opus-5-5", AGENT).target == SOL
    assert table.resolve("claude-sonnet-5-5", Role("compaction")).target == "anthropic/claude-opus-5-5"
    assert table.resolve("claude-sonnet-5", CLASSIFIER).target == "anthropic/claude-sonnet-5"


@pytest.mark.parametrize(
    ("environ", "role", "effort"),
    [
        ({"BIG_MODEL": "gpt-6-sol@low"}, MAIN, "low"),
        ({"SUBAGENT_MODEL": f"{SOL}@XHIGH"}, AGENT, "xhigh"),
        ({"AGENT_MODELS": f"Explore={SOL}@none"}, EXPLORE, "none"),
        ({"MODEL_MAP": f"*={SOL}@max"}, MAIN, "max"),
        ({"SONNET_MODEL": "qwen@medium"}, MAIN, "medium"),
        ({"SONNET_MODEL": "custom/qwen@medium"}, MAIN, "medium"),
        ({"SONNET_MODEL": "anthropic@high"}, MAIN, "high"),
        ({"BIG_MODEL": "gpt-6-sol"}, MAIN, None),
        ({"SONNET_MODEL": "openai/vendor@latest"}, MAIN, None),
    ],
    ids=str,
)
def test_efforts(environ: dict[str, str], role: Role, effort: str | None, tmp_path: Path) -> None:
    table = router(tmp_path, models=MODELS, **environ)
    assert table.check() == []
    route = table.resolve("claude-sonnet-5-5", role)
    assert route.effort == effort
    assert ("@" in route.model) == (effort is None and route.model == "vendor@latest")


@pytest.mark.parametrize(
    ("name", "model", "effort"),
    [("openai/gpt-6-sol@low", "gpt-6-sol", "low"), ("gpt-6-sol@low", "gpt-6-sol", "low"), ("qwen@low", "qwen", "low")],
)
def test_a_requested_name_may_carry_an_effort(name: str, model: str, effort: str, tmp_path: Path) -> None:
    route = router(tmp_path, models=MODELS).resolve(name)
    assert (route.model, route.effort, route.requested) == (model, effort, name)


def test_a_custom_model_may_have_an_at_in_its_id(tmp_path: Path) -> None:
    table = router(tmp_path, models=entry("qwen@low") + entry("qwen"), SUBAGENT_MODEL="qwen@low")
    route = table.resolve("claude", AGENT)
    assert (route.model, route.effort) == ("qwen@low", None)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"SUBAGENT_MODEL": "custom/nothing"}, 'SUBAGENT_MODEL: "custom/nothing" is not known here'),
        ({"AGENT_MODELS": "Plan=custom/nothing"}, 'AGENT_MODELS Plan: "custom/nothing" is not known here'),
        ({"MODEL_MAP": "a*=custom/nothing"}, 'MODEL_MAP a*: "custom/nothing" is not known here'),
        ({"OPUS_MODEL": "claude-opus-5-5"}, "write anthropic/claude-opus-5-5 to have Anthropic answer"),
        ({"JUDGE_MODEL": "haiku"}, 'JUDGE_MODEL: "haiku" is itself a Claude name'),
        ({"OPUS_MODEL": "openai/"}, 'OPUS_MODEL: "openai/" names no model'),
        ({"BIG_MODEL": "gpt-4o, Custom/"}, 'BIG_MODEL: "Custom/" names no model'),
        ({"JUDGE_MODEL": "@low"}, 'JUDGE_MODEL: "@low" names no model'),
        ({"MODEL_MAP": "*=anthropic/@high"}, 'MODEL_MAP *: "anthropic/@high" names no model'),
        ({"SUBAGENT_MODEL": "gpt-6-sol@lwo"}, "SUBAGENT_MODEL: lwo is no effort; did you mean @low?"),
        ({"VISION_MODEL": "blind"}, "VISION_MODEL: custom/blind sees no pictures"),
    ],
    ids=str,
)
def test_each_target_must_lead_somewhere(environ: dict[str, str], problem: str, tmp_path: Path) -> None:
    found = router(tmp_path, models=MODELS + entry("blind", vision="false"), **environ).check()
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize("preferred", ["custom", "google", "openai"])
def test_unknown_names_go_where_names_are_free(preferred: str, tmp_path: Path) -> None:
    """As BIG_MODEL: a server at OPENAI_BASE_URL may call its models anything; custom models have their list."""
    table = router(tmp_path, preferred, MODELS, SUBAGENT_MODEL="deepseek-r9", OPENAI_BASE_URL="http://localhost:1/v1")
    if preferred == "custom":
        assert table.check()[0].startswith('SUBAGENT_MODEL: "deepseek-r9" is not known here')
    else:
        assert table.resolve("claude", AGENT).target == "openai/deepseek-r9"
        assert table.resolve("deepseek-r9").target == "openai/deepseek-r9"


@pytest.mark.parametrize(
    ("preferred", "environ", "target"),
    [
        ("openai", {}, SMALL),
        ("openai", {"JUDGE_MODEL": LITE}, LITE),
        ("openai", {"JUDGE_MODEL": "anthropic"}, "anthropic/claude-haiku-5-5"),
        ("openai", {"JUDGE_MODEL": "off"}, None),
        ("openai", {"HAIKU_MODEL": LITE, "MODEL_MAP": f"*={LITE}"}, SMALL),
        ("openai", {"JUDGE_MODEL": SOL, "MODEL_MAP": f"*={LITE}"}, SOL),
        ("anthropic", {}, "anthropic/claude-haiku-5-5"),
        ("anthropic", {"HAIKU_MODEL": LITE}, LITE),
    ],
)
def test_judge(preferred: str, environ: dict[str, str], target: str | None, tmp_path: Path) -> None:
    route = router(tmp_path, preferred, **environ).judge()
    assert (route and route.target) == target
    assert route is None or route.role.kind == "classifier"


@pytest.mark.parametrize("variable", [SEARCH, LONG_CONTEXT])
def test_stand_ins(variable: str, tmp_path: Path) -> None:
    """They answer under the requested name and role, but not where the request names its answerer."""
    settings: dict[str, Any] = {variable: f"{LITE}@low"}
    table = router(tmp_path, models=MODELS, **settings)
    stand_in = table.instead(table.resolve("claude-opus-5-5", AGENT), variable)
    assert stand_in is not None
    assert (stand_in.target, stand_in.reason, stand_in.effort) == (LITE, variable, "low")
    assert (stand_in.requested, stand_in.role) == ("claude-opus-5-5", AGENT)
    assert table.instead(table.resolve("openai/gpt-4o"), variable) is None
    assert table.instead(table.resolve("qwen"), variable) is None
    assert router(tmp_path).instead(table.resolve("claude-opus-5-5"), variable) is None


def test_vision(tmp_path: Path) -> None:
    assert router(tmp_path).vision() is None
    route = router(tmp_path, **{VISION: f"{LITE}@low"}).vision()
    assert route is not None
    assert (route.target, route.effort) == (LITE, "low")


def test_what_the_settings_assign(tmp_path: Path) -> None:
    """Each setting once, with all its targets and its name."""
    environ = {
        "SUBAGENT_MODEL": "openai/gpt-6-sol@low, custom/qwen",
        "AGENT_MODELS": "Explore=custom/qwen",
        "MODEL_MAP": "*opus*=gpt-4o",
    }
    routes = router(tmp_path, models=MODELS, **environ).assigned()
    assert {route.reason: [each.target for each in route.candidates] for route in routes} == {
        "SUBAGENT_MODEL": ["openai/gpt-6-sol", "custom/qwen"],
        "AGENT_MODELS explore": ["custom/qwen"],
        "MODEL_MAP *opus*": ["openai/gpt-4o"],
    }
