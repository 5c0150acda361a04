"""Which variables Claude Code is given, by who answers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.launcher.environment import ClientSetup, client_setup, environment, merged
from tests.models.samples import entry, router, settings

WINDOW, OUTPUT = "CLAUDE_CODE_AUTO_COMPACT_WINDOW", "CLAUDE_CODE_MAX_OUTPUT_TOKENS"
OWN_NAME, OWN_WINDOW = "ANTHROPIC_MODEL", "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
ALWAYS = {
    "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
    "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING": "1",
}
FOREIGN = {**ALWAYS, "CLAUDE_CODE_ATTRIBUTION_HEADER": "0", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-5-5"}
SLOW = {"API_TIMEOUT_MS": "1200000"}


def setup(
    directory: Path, provider: str, environ: dict[str, str], models: str = "", judges: bool = True
) -> ClientSetup:
    config = settings(directory, {"PREFERRED_PROVIDER": provider, **environ}, models)
    return client_setup(router(directory, provider, models, **environ), config, judges=judges)


BIG, SMALL = {"BIG_MODEL": "gpt-6-sol"}, {"SMALL_MODEL": "gpt-6-luna"}


@pytest.mark.parametrize(
    ("provider", "environ", "models", "expected"),
    [
        pytest.param("openai", BIG | SMALL, "", {WINDOW: "922000", OUTPUT: "128000"}, id="as its models allow"),
        pytest.param(
            "openai", BIG | {"SMALL_MODEL": "qwen"}, entry("qwen", context_window=131072),
            {WINDOW: "131072", OUTPUT: "128000", **SLOW}, id="the smallest window counts",
        ),
        pytest.param(
            "openai", BIG | {"SMALL_MODEL": "qwen"}, entry("qwen", context_window=32768, max_tokens=4096),
            {WINDOW: "922000", OUTPUT: "128000", **SLOW}, id="haiku is no conversation",
        ),
        pytest.param(
            "openai", {"BIG_MODEL": "gpt-5.5"} | SMALL, "", {WINDOW: "922000", OUTPUT: "128000"}, id="both windows"
        ),
        pytest.param(
            "openai", {"BIG_MODEL": "gpt-5.5", "SMALL_MODEL": "gpt-5.5", "MAX_TOKENS_LIMIT": "9000"}, "",
            {WINDOW: "1000000", OUTPUT: "9000"}, id="the client's own maximum, the user's limit",
        ),
        pytest.param(
            "custom", {}, entry("qwen", context_window=32768, max_tokens=4096),
            {OWN_NAME: "claude-proxy-67f2d2", OWN_WINDOW: "32768", "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1",
             OUTPUT: "4096", **SLOW}, id="a window below the client's minimum",
        ),
        pytest.param(
            "openai", {"BIG_MODEL": "gpt-4", "OPENAI_BASE_URL": "http://gateway:1/v1"}, "",
            {OWN_NAME: "claude-proxy-big", OWN_WINDOW: "8192", "CLAUDE_CODE_DISABLE_1M_CONTEXT": "1",
             OUTPUT: "4096", **SLOW}, id="such a window of a vendor's model",
        ),
        pytest.param("custom", {}, entry("qwen", context_window=100_000), {WINDOW: "100000", **SLOW}, id="the minimum"),
        pytest.param("custom", {}, entry("qwen"), SLOW, id="nothing known"),
    ],
)  # fmt: skip
def test_limits(tmp_path: Path, provider: str, environ: dict[str, str], models: str, expected: dict[str, str]) -> None:
    found = setup(tmp_path, provider, environ, models).variables
    if OUTPUT not in expected:
        found = {name: value for name, value in found.items() if name != OUTPUT}
    assert found == {**FOREIGN, **expected}


def test_output_where_nothing_is_known(tmp_path: Path) -> None:
    """As much as the proxy would ask of such a model."""
    assert 0 < int(setup(tmp_path, "custom", {}, entry("qwen")).variables[OUTPUT]) <= 128_000


@pytest.mark.parametrize("provider", ["custom", "anthropic"])
@pytest.mark.parametrize("judges", [True, False])
def test_auto_mode(tmp_path: Path, judges: bool, provider: str) -> None:
    """Claude Code judges itself where the proxy does not, and Anthropic judges for its own models."""
    found = setup(tmp_path, provider, {}, entry("qwen"), judges).variables
    shown = {name: value for name, value in found.items() if "AUTO_MODE" in name}
    local = {"CLAUDE_CODE_AUTO_MODE_SERVER": "0", "CLAUDE_CODE_AUTO_MODE_MODEL": "claude-haiku-5-5"}
    assert shown == ({} if judges or provider == "anthropic" else local)


@pytest.mark.parametrize(
    ("environ", "own_login"),
    [
        ({}, True),
        ({"ANTHROPIC_API_KEY": "sk-ant-1234567890"}, False),
        ({"PROXY_API_KEY": "gate-1234567890"}, False),
    ],
    ids=["no key", "a key of the server's", "a gate"],
)
def test_a_login_of_the_clients_own(tmp_path: Path, environ: dict[str, str], own_login: bool) -> None:
    found = setup(tmp_path, "anthropic", environ)
    assert (found.variables, found.own_login) == (ALWAYS, own_login)


def test_a_model_for_what_is_too_long(tmp_path: Path) -> None:
    """Its window counts, since what does not fit the other goes there."""
    environ = {"BIG_MODEL": "gpt-4o", "SMALL_MODEL": "gpt-6-luna", "LONG_CONTEXT_MODEL": "gpt-5.5"}
    found = setup(tmp_path, "openai", {**environ, "OPENAI_BASE_URL": "http://gateway:1/v1"})
    assert found.variables[WINDOW] == "1000000"


def test_a_role_may_need_the_clients_login(tmp_path: Path) -> None:
    assert setup(tmp_path, "openai", {"SUBAGENT_MODEL": "anthropic/claude-opus-5-5"}).own_login
    assert not setup(tmp_path, "openai", {"SUBAGENT_MODEL": "gpt-6-sol"}).own_login


def test_anthropic_for_small_models_only(tmp_path: Path) -> None:
    found = setup(tmp_path, "openai", {**BIG, "SMALL_MODEL": "anthropic/claude-haiku-5-5"})
    assert found.own_login
    assert found.variables[WINDOW] == "922000"


@pytest.mark.parametrize(
    ("own_login", "keys", "credentials"),
    [
        (False, (), {"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "local"}),
        (False, ("first", "second"), {"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "first"}),
        (True, (), {}),
    ],
)
def test_environment(own_login: bool, keys: tuple[str, ...], credentials: dict[str, str]) -> None:
    found = environment(ClientSetup({"X": "1"}, own_login), "http://127.0.0.1:1", keys)
    kept = {name: value for name, value in found.items() if not name.startswith("CLAUDE_CODE_USE_")}
    assert kept == {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1", **credentials, "X": "1"}
    assert {value for name, value in found.items() if name not in kept} == {""}


LOOPBACK = "127.0.0.1,localhost,::1"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, {"ANTHROPIC_BASE_URL": "u", "X": "1"}),
        ({"PATH": "p", "EMPTY": ""}, {"ANTHROPIC_BASE_URL": "u", "X": "1", "PATH": "p", "EMPTY": ""}),
        ({"X": "2", "ANTHROPIC_BASE_URL": "theirs"}, {"ANTHROPIC_BASE_URL": "u", "X": "2"}),
        ({"X": ""}, {"ANTHROPIC_BASE_URL": "u", "X": "1"}),
        ({"ANTHROPIC_API_KEY": "sk", "CLAUDE_CODE_USE_VERTEX": "1"}, {"ANTHROPIC_BASE_URL": "u", "X": "1"}),
        (
            {"HTTP_PROXY": "h"},
            {"ANTHROPIC_BASE_URL": "u", "X": "1", "HTTP_PROXY": "h", "NO_PROXY": LOOPBACK},
        ),
        (
            {"https_proxy": "h", "no_proxy": "me"},
            {"ANTHROPIC_BASE_URL": "u", "X": "1", "https_proxy": "h", "no_proxy": f"me,{LOOPBACK}"},
        ),
        ({"HTTP_PROXY": ""}, {"ANTHROPIC_BASE_URL": "u", "X": "1", "HTTP_PROXY": ""}),
    ],
    ids=["empty", "the rest stays", "the user's counts", "blank", "other roads", "proxy", "its exceptions", "no proxy"],
)
def test_merged(own: dict[str, str], expected: dict[str, str]) -> None:
    variables = {"ANTHROPIC_BASE_URL": "u", "ANTHROPIC_API_KEY": "", "CLAUDE_CODE_USE_VERTEX": "", "X": "1"}
    assert merged(own, variables) == expected
