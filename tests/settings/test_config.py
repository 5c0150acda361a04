from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from proxy.settings.config import Config, ConfigError, CustomModel, Endpoint, Vertex, load_config
from proxy.settings.table import variables
from tests.settings.loading import QWEN, load, problems

ROOT = Path(__file__).resolve().parents[2]

CANARIES = {
    name: f"sk-canary-{name.lower()}-7Xq9" for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY")
} | {"PROXY_API_KEY": "sk-canary-proxy-a1,sk-canary-proxy-b2", "QWEN_KEY": "sk-canary-qwen-0"}


def test_defaults(tmp_path: Path) -> None:
    assert load(tmp_path) == Config(
        host="127.0.0.1",
        port=8082,
        log_level="WARNING",
        preferred_provider="gemini",
        big_model="gemini-2.5-pro-preview-03-25",
        small_model="gemini-2.0-flash",
        max_tokens_limit=None,
        request_timeout=None,
        content_timeout=None,
        max_retries=2,
        custom_models=(),
        endpoints={
            "openai": Endpoint("OPENAI_API_KEY", None, ()),
            "gemini": Endpoint("GEMINI_API_KEY", None, ()),
            "anthropic": Endpoint("ANTHROPIC_API_KEY", None, ()),
        },
        threads=256,
        shutdown_grace=30.0,
        proxy_api_keys=(),
    )


def test_frozen(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(tmp_path).port = 1  # type: ignore[misc]


def test_process_environment_and_current_directory_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("MAX_RETRIES=5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", "9001")
    config = load_config()
    assert (config.port, config.max_retries) == (9001, 5)


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("HOST", "127.0.0.1", "host", "127.0.0.1"),
        ("HOST", "[::]", "host", "::"),
        ("HOST", "::1", "host", "::1"),
        ("PORT", " 9000\n", "port", 9000),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("PREFERRED_PROVIDER", "Google", "preferred_provider", "gemini"),
        ("PREFERRED_PROVIDER", "openai", "preferred_provider", "openai"),
        ("PREFERRED_PROVIDER", "anthropic", "preferred_provider", "anthropic"),
        ("BIG_MODEL", "openai/gpt-6-sol", "big_model", "openai/gpt-6-sol"),
        ("SMALL_MODEL", "gpt-6-luna", "small_model", "gpt-6-luna"),
        ("MAX_TOKENS_LIMIT", "64000", "max_tokens_limit", 64000),
        ("REQUEST_TIMEOUT", "90", "request_timeout", 90.0),
        ("REQUEST_TIMEOUT", "0.5", "request_timeout", 0.5),
        ("MAX_RETRIES", "0", "max_retries", 0),
        ("THREADS", "8", "threads", 8),
        ("USAGE_DB", "OFF", "usage_db", "off"),
        ("USAGE_DB", "sqlite:///x/usage.db", "usage_db", "sqlite:///x/usage.db"),
        ("USAGE_DB", "postgresql+psycopg://me@host/db", "usage_db", "postgresql+psycopg://me@host/db"),
        ("DAILY_BUDGET_USD", "$2.50", "daily_budget", 2.5),
        ("MONTHLY_BUDGET_USD", "200", "monthly_budget", 200.0),
        ("LOG_FORMAT", "JSON", "log_format", "json"),
        ("PROXY_API_KEY", " a1 ,, b2,", "proxy_api_keys", ("a1", "b2")),
        ("GEMINI_API_VERSION", "v1alpha", "gemini_api_version", "v1alpha"),
        ("GEMINI_SAFETY", "OFF", "gemini_safety", "off"),
        ("GEMINI_STORE", "True", "gemini_store", True),
        ("VERTEX_PROJECT", "a-project", "vertex", None),
    ],
)
def test_variables_from_each_source(tmp_path: Path, variable: str, value: str, field: str, expected: object) -> None:
    assert getattr(load(tmp_path, {variable: value}), field) == expected
    assert getattr(load_config({}, directory=tmp_path, overrides={variable: value}), field) == expected
    (tmp_path / ".env").write_text(f"{variable}='{value.strip()}'\n", encoding="utf-8")
    assert getattr(load_config({}, directory=tmp_path), field) == expected


@pytest.mark.parametrize(
    ("variable", "value", "vendor", "expected"),
    [
        ("OPENAI_API_KEY", " sk-1\r\n", "openai", Endpoint("OPENAI_API_KEY", None, ("sk-1",))),
        ("OPENAI_BASE_URL", "http://h:1/v1/", "openai", Endpoint("OPENAI_API_KEY", "http://h:1/v1", ())),
        ("GEMINI_BASE_URL", "https://g", "gemini", Endpoint("GEMINI_API_KEY", "https://g", ())),
        ("ANTHROPIC_UPSTREAM_URL", "https://a/x", "anthropic", Endpoint("ANTHROPIC_API_KEY", "https://a/x", ())),
    ],
)
def test_endpoints_from_each_source(tmp_path: Path, variable: str, value: str, vendor: str, expected: Endpoint) -> None:
    assert load(tmp_path, {variable: value}).endpoint(vendor) == expected
    assert load_config({}, directory=tmp_path, overrides={variable: value}).endpoint(vendor) == expected
    (tmp_path / ".env").write_text(f"{variable}='{value.strip()}'\n", encoding="utf-8")
    assert load_config({}, directory=tmp_path).endpoint(vendor) == expected


def test_custom_models_have_no_endpoint_in_common(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        load(tmp_path).endpoint("custom")


def test_what_somebody_wrote_is_told_from_the_defaults(tmp_path: Path) -> None:
    """A value counts as written even where it is that of the default; other programs' variables do not count."""
    (tmp_path / ".env").write_text("PORT=8082\nTHREADS=\n", encoding="utf-8")
    config = load_config({"BIG_MODEL": "gpt-4o", "HOME": "/"}, directory=tmp_path, overrides={"HOST": "::1"})
    assert config.written == {"PORT", "BIG_MODEL", "HOST"}


@pytest.mark.parametrize(
    ("provider", "models", "expected"),
    [
        ("google", {}, ("gemini-2.5-pro-preview-03-25", "gemini-2.0-flash")),
        ("openai", {}, ("gpt-4o", "gpt-4o-mini")),
        ("openai", {"BIG_MODEL": "o3"}, ("o3", "gpt-4o-mini")),
        ("custom", {}, ("qwen", "qwen")),
        ("custom", {"BIG_MODEL": "x"}, ("x", "x")),
        ("custom", {"SMALL_MODEL": "y"}, ("qwen", "y")),
        ("anthropic", {}, ("", "")),
        ("anthropic", {"BIG_MODEL": "gpt-4o"}, ("", "")),
    ],
)
def test_big_and_small(tmp_path: Path, provider: str, models: dict[str, str], expected: tuple[str, str]) -> None:
    config = load(tmp_path, {"PREFERRED_PROVIDER": provider, **models}, models=QWEN)
    assert (config.big_model, config.small_model) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"VERTEX_PROJECT": "a-project", "VERTEX_LOCATION": "us-central1"}, Vertex("a-project", "us-central1")),
        ({"VERTEX_PROJECT": "gen-lang-client-0123456789"}, Vertex("gen-lang-client-0123456789", "global")),
        ({"VERTEX_PROJECT": "example.com:a-project", "VERTEX_LOCATION": "eu"}, Vertex("example.com:a-project", "eu")),
        ({"VERTEX_PROJECT": "123456789012"}, Vertex("123456789012", "global")),
    ],
)
def test_vertex(tmp_path: Path, variables: dict[str, str], expected: Vertex) -> None:
    assert load(tmp_path, {"USE_VERTEX_AUTH": "true", **variables}).vertex == expected


def test_unused_models_are_said(tmp_path: Path) -> None:
    config = load(tmp_path, {"PREFERRED_PROVIDER": "anthropic", "BIG_MODEL": "gpt-4o"})
    assert len(config.warnings) == 1
    assert config.warnings[0].startswith("BIG_MODEL: is not used")


def test_precedence_and_blank_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1\nTHREADS=1\nMAX_RETRIES=1\nHOST=\n", encoding="utf-8")
    environ = {"PORT": "2", "THREADS": "2", "MAX_RETRIES": "  "}
    config = load_config(environ, directory=tmp_path, overrides={"PORT": "3", "THREADS": ""})
    assert (config.port, config.threads, config.max_retries, config.host) == (3, 2, 1, "127.0.0.1")


def test_anthropic_base_url_is_never_read(tmp_path: Path) -> None:
    url = {"ANTHROPIC_BASE_URL": "http://localhost:8082"}
    assert load(tmp_path, url).endpoint("anthropic").base_url is None
    config = load(tmp_path, dotenv="ANTHROPIC_BASE_URL=not a url\n")
    assert config.endpoint("anthropic").base_url is None
    assert config.warnings == ()
    assert "ANTHROPIC_BASE_URL" not in variables()


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("PREFERED_PROVIDER=openai", "PREFERRED_PROVIDER"),
        ("openai_api_key=x", "OPENAI_API_KEY"),
        ("$env:PORT=1", "PORT"),
        ("PROT=1", None),
    ],
)
def test_mistyped_variable_in_dotenv_only(tmp_path: Path, line: str, meant: str | None) -> None:
    name, _, value = line.partition("=")
    expected = (f'.env: "{name}" is not a setting of the proxy; did you mean {meant}?',) if meant else ()
    assert load(tmp_path, dotenv=line + "\n").warnings == expected
    (tmp_path / ".env").unlink()
    assert load(tmp_path, {name: value}).warnings == ()


def test_key_of_a_custom_model_is_no_mistyped_variable(tmp_path: Path) -> None:
    config = load(tmp_path, dotenv="OPENAI_API_KEYS=k\n", models=QWEN + "  api_key_name: OPENAI_API_KEYS\n")
    assert config.warnings == ()
    assert config.custom_models[0].api_keys == ("k",)


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("PORT", "80x", 'PORT: "80x" is not a number; give a port from 1 to 65535'),
        ("PORT", "0", "PORT: 0 is out of range; give a port from 1 to 65535"),
        ("PORT", "70000", "PORT: 70000 is out of range; give a port from 1 to 65535"),
        ("PORT", "\uff18\uff10", 'PORT: "\\uff18\\uff10" is not a number; give a port from 1 to 65535'),
        ("PORT", "8_0", 'PORT: "8_0" is not a number; give a port from 1 to 65535'),
        ("THREADS", "-1", "THREADS: -1 is out of range; give a number of threads from 1 to 10000"),
        ("MAX_RETRIES", "2.5", 'MAX_RETRIES: "2.5" is not a number; give a number of retries from 0 to 10'),
        ("MAX_TOKENS_LIMIT", "0", "MAX_TOKENS_LIMIT: 0 is out of range; give a number of tokens from 1 to 10000000"),
        ("REQUEST_TIMEOUT", "1e10", 'REQUEST_TIMEOUT: "1e10" is out of range; give seconds, 86400 at most'),
        ("REQUEST_TIMEOUT", "nan", 'REQUEST_TIMEOUT: "nan" is not a time; give seconds, more than 0'),
        ("REQUEST_TIMEOUT", "inf", 'REQUEST_TIMEOUT: "inf" is not a time; give seconds, more than 0'),
        ("REQUEST_TIMEOUT", "2m", 'REQUEST_TIMEOUT: "2m" is not a time; give seconds, more than 0'),
        ("REQUEST_TIMEOUT", "0", 'REQUEST_TIMEOUT: "0" is not a time; give seconds, more than 0'),
        (
            "LOG_LEVEL",
            "WARN",
            'LOG_LEVEL: "WARN" is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL; did you mean "WARNING"?',
        ),
        (
            "PREFERRED_PROVIDER",
            "gogle",
            'PREFERRED_PROVIDER: "gogle" is not one of google, openai, custom, anthropic; did you mean "google"?',
        ),
        ("PREFERRED_PROVIDER", "x", 'PREFERRED_PROVIDER: "x" is not one of google, openai, custom, anthropic'),
        (
            "HOST",
            "http://0.0.0.0",
            'HOST: "http://0.0.0.0" is not an address; give one like 127.0.0.1, without http://',
        ),
        ("HOST", "0.0.0.0:80", 'HOST: "0.0.0.0:80" holds a port; put that into PORT'),
        ("HOST", "*", 'HOST: "*" is not an address; give 0.0.0.0 for all of IPv4, or :: for IPv6 as well'),
        ("BIG_MODEL", " , ", "BIG_MODEL: holds no model; name one or several, separated by commas, or leave it out"),
        ("JUDGE_MODEL", ",", "JUDGE_MODEL: holds no model; name one or several, separated by commas, or leave it out"),
        (
            "ANTHROPIC_UPSTREAM_URL",
            "https://host/v1/",
            'ANTHROPIC_UPSTREAM_URL: must not end in "/v1", which is appended to it; leave that out',
        ),
        (
            "RECORD_DIR",
            "~/recordings",
            "RECORD_DIR: begins with ~, which stands for a home directory in shells only; write the whole path",
        ),
        ("GEMINI_SAFETY", "none", 'GEMINI_SAFETY: "none" is not one of default, off'),
        ("GEMINI_STORE", "yes", 'GEMINI_STORE: "yes" is not one of true, false'),
        ("GEMINI_API_VERSION", "beta", 'GEMINI_API_VERSION: "beta" cannot be used; give a version like v1beta'),
        (
            "USE_VERTEX_AUTH",
            "true",
            "VERTEX_PROJECT: is needed with USE_VERTEX_AUTH=true; give the id of the project",
        ),
        ("VERTEX_PROJECT", "My Project", 'VERTEX_PROJECT: "My Project" cannot be used; give the id of a project'),
        (
            "VERTEX_LOCATION",
            "US East",
            'VERTEX_LOCATION: "US East" cannot be used; give a location like global or us-central1',
        ),
        (
            "PROXY_API_KEY",
            " , ",
            "PROXY_API_KEY: holds no key; give one or several, separated by commas, or leave it out",
        ),
    ],
)
def test_problem_of_one_variable(tmp_path: Path, variable: str, value: str, text: str) -> None:
    assert problems(tmp_path, {variable: value}) == (text,)


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "GEMINI_BASE_URL", "ANTHROPIC_UPSTREAM_URL"])
@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("localhost:1234/v1", "is not an http(s) address"),
        ("ftp://host/v1", "is not an http(s) address"),
        ("http:///v1", "is not an http(s) address"),
        ("http://host:port/v1", "is not an http(s) address"),
        ("http://[::1/v1", "is not an http(s) address"),
        ("http://ho st/v1", "is not an http(s) address"),
        ("http://host/v1/chat/completions", 'must not end in "/chat/completions"'),
        ("http://host/v1/chat/completions/", 'must not end in "/chat/completions"'),
        ("http://host/v1beta", 'must not end in "/v1beta"'),
        ("http://host/v1/models", 'must not end in "/v1/models"'),
        ("http://user:sk-canary@host/v1", "must hold neither user name"),
        ("http://host/v1?key=sk-canary", "must hold neither user name"),
        ("sk-canary-7", "is not an http(s) address"),
    ],
)
def test_bad_addresses(tmp_path: Path, variable: str, url: str, part: str) -> None:
    (text,) = problems(tmp_path, {variable: url})
    assert text.startswith(f"{variable}: ")
    assert part in text
    assert "canary" not in text


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY", "PROXY_API_KEY"])
@pytest.mark.parametrize(
    "key", ["sk-canary\u201c", "sk canary", "sk\ncanary", '"sk-canary"', "sk-canary\x00", "sk-canary\udc80"]
)
def test_keys_that_cannot_be_sent(tmp_path: Path, variable: str, key: str) -> None:
    (text,) = problems(tmp_path, {variable: key})
    assert text.startswith(f"{variable}: contains a character that cannot be part of a key")
    assert "canary" not in text


@pytest.mark.parametrize("variable", [each for each in variables() if not each.endswith(("MODEL", "_KEY", "HOST"))])
def test_a_key_in_the_wrong_variable_is_not_shown(tmp_path: Path, variable: str) -> None:
    for key in ("sk-canary", "AIzaCanary", "0123456789canary0123456789"):
        assert key not in "".join(problems(tmp_path, {variable: key}))


def test_all_mistakes_at_once_and_no_secret_among_them(tmp_path: Path) -> None:
    environ = CANARIES | {
        "PORT": "80x",
        "LOG_LEVEL": "loud",
        "THREADS": "0",
        "MAX_RETRIES": "many",
        "MAX_TOKENS_LIMIT": "-1",
        "REQUEST_TIMEOUT": "soon",
        "PREFERRED_PROVIDER": "opnai",
        "OPENAI_BASE_URL": "http://sk-canary@host",
        "GEMINI_BASE_URL": "host",
        "ANTHROPIC_UPSTREAM_URL": "https://host/v1/messages",
        "GEMINI_API_KEY": "sk canary",
    }
    models = (
        "- model_id: one\n  api_base: http://one\n  contxt_window: 1\n  api_key: sk-canary\n"
        "- model_id: two\n  headers: {Authorization: 7}\n  api_key_name: sk-canary\n"
    )
    found = problems(tmp_path, environ, models=models, dotenv="!!! sk-canary 'x\n")
    for start in (*(environ.keys() - (CANARIES.keys() - {"GEMINI_API_KEY"})), ".env: line 1"):
        assert sum(text.startswith(start) for text in found) == 1, start
    assert sum(text.startswith('custom_models.yaml: entry 1 ("one"): ') for text in found) == 2
    assert sum(text.startswith('custom_models.yaml: entry 2 ("two"): ') for text in found) == 3
    assert len(found) == 17
    assert "canary" not in "\n".join(found)


def test_repr_holds_no_secret(tmp_path: Path) -> None:
    models = QWEN + "  api_key_name: QWEN_KEY\n  headers: {A: sk-canary}\n  extra_body: {key: sk-canary}\n"
    config = load(tmp_path, dict(CANARIES), models=models)
    assert config.custom_models[0].api_keys == (CANARIES["QWEN_KEY"],)
    assert config.proxy_api_keys == ("sk-canary-proxy-a1", "sk-canary-proxy-b2")
    assert "canary" not in repr(config)


# --- the shipped files


def test_shipped_custom_models_load_as_no_entries(tmp_path: Path) -> None:
    text = (ROOT / "custom_models.yaml").read_text(encoding="utf-8")
    assert load(tmp_path, models=text).custom_models == ()
    examples = "\n".join(line[2:] for line in text.splitlines() if re.match(r"# (- |  )", line))
    assert [model.model_id for model in load(tmp_path, models=examples).custom_models] == [
        "qwen3-coder",
        "openai/gpt-oss-120b",
        "deepseek",
        "azure-gpt",
    ]
    fields = {each.name for each in dataclasses.fields(CustomModel)} - {"api_key_names", "api_keys"}
    assert set(re.findall(r"^(?:- |  )(\w+):", examples, re.MULTILINE)) == fields | {"api_key_name", "server"}


def test_env_example_names_every_variable_and_loads(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#([A-Z_]+)=", text, re.MULTILINE)) == set(variables())
    assert load(tmp_path, dotenv=text) == load_config({}, directory=tmp_path / "nowhere")
    taken = re.sub(r"^#(?=[A-Z_]+=)", "", text, flags=re.MULTILINE)
    taken = re.sub(r"^\w+_FILE=", "#", taken, flags=re.MULTILINE)
    config = load(tmp_path, dotenv=taken)
    assert (config.port, config.big_model, config.warnings) == (8082, "gemini-3.8-flash", ())


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        pytest.param({}, "127.0.0.1", id="nobody else can reach it"),
        pytest.param({"PROXY_API_KEY": "a-key-0123456789"}, "0.0.0.0", id="whoever has the key"),
        pytest.param({"PROXY_API_KEY": "a-key-0123456789", "HOST": "127.0.0.1"}, "127.0.0.1", id="as set"),
        pytest.param({"HOST": "0.0.0.0"}, "0.0.0.0", id="as set without a key"),
    ],
)
def test_where_to_listen(variables: dict[str, str], host: str, tmp_path: Path) -> None:
    """attacks: strangers starve a server that listens everywhere, even if none of them is served"""
    assert load_config(variables, directory=tmp_path).host == host


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param('{"allow": ["a"], "soft_deny": ["b"], "hard_deny": [], "environment": []}', None, id="rules"),
        pytest.param("{}", "holds no rules", id="nothing in it"),
        pytest.param("[1", "holds no rules", id="no JSON"),
        pytest.param(None, "is missing", id="no file"),
    ],
)
def test_rules_of_auto_mode(text: str | None, problem: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "rules.json").write_text(text, encoding="utf-8")
    variables = {"AUTO_MODE_RULES_FILE": "rules.json"}
    if problem is None:
        rules = load_config(variables, directory=tmp_path).auto_mode_rules
        assert rules is not None
        assert rules["soft_deny"] == ["b"]
    else:
        with pytest.raises(ConfigError, match=f"AUTO_MODE_RULES_FILE.*{problem}"):
            load_config(variables, directory=tmp_path)
