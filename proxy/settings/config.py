"""All settings as one checked value.

`load_config` checks everything before it complains, so that one start shows all mistakes. Each problem names the
variable, or the file, entry and field, and says what to do. No text made here holds the value of a secret.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proxy.models import vendors
from proxy.models.assignments import JUDGE, MODEL_VARIABLES
from proxy.models.vendors import CUSTOM, Vendor
from proxy.settings.auto_mode_rules import Rules, rules_of_client
from proxy.settings.custom_models import CustomModel, parse_custom_models
from proxy.settings.problems import quoted, shown
from proxy.settings.sources import Variables, environment, is_there, read_dotenv, read_text
from proxy.settings.table import CUSTOM_MODELS_FILE, settings, variables

__all__ = [
    "Config",
    "ConfigError",
    "CustomModel",
    "Endpoint",
    "Vertex",
    "custom_models_file",
    "environment",
    "load_config",
]


_HERE, _EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - where a key is set, whoever has it may call


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One vendor. `base_url` is None for the vendor's own; `key_variable` is for messages about a missing key."""

    key_variable: str
    base_url: str | None
    api_keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vertex:
    """Gemini through Google Cloud, with its application default credentials in place of a key."""

    project: str
    location: str
    token: str | None = field(default=None, repr=False)
    """What is sent in place of the credentials; None but where nothing is sent at all, as in a replay."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked. `big_model` and `small_model` may carry a prefix and are empty with Anthropic."""

    host: str
    port: int
    log_level: str
    preferred_provider: str
    """The name of a vendor."""
    big_model: str
    small_model: str
    max_tokens_limit: int | None
    """Tokens of output; None where it is not set and the model's own limit counts."""
    request_timeout: float | None
    """Seconds of upstream silence; None where it is not set and the model decides."""
    content_timeout: float | None
    """Seconds in which an upstream gives only signs of life; None where it is not set."""
    max_retries: int
    custom_models: tuple[CustomModel, ...]
    endpoints: Mapping[str, Endpoint]
    """By the vendor's name; custom models have their own."""
    threads: int
    shutdown_grace: float
    """Seconds that a stop leaves to running answers."""
    proxy_api_keys: tuple[str, ...] = field(repr=False)
    count_tokens: str = "estimate"
    """How count_tokens is answered: "estimate", or "exact" by asking the vendor."""
    openai_api: str = "auto"
    """Which of OpenAI's APIs is spoken: "responses", "chat", or "auto" (Responses with OpenAI itself, else chat)."""
    gemini_api_version: str | None = None
    """Such as "v1beta"; None where it is not set."""
    gemini_safety: str = "default"
    """Google's content filters: "default" or "off"."""
    gemini_store: bool = False
    """Whether Google may keep what is said."""
    log_format: str = "text"
    """How the log is written: "text" or "json"."""
    usage_db: str | None = field(default=None, repr=False)
    """A SQLAlchemy URL, which may hold a password, or "off"; None where it is not set."""
    daily_budget: float | None = None
    """USD; None where there is no limit."""
    monthly_budget: float | None = None
    vertex: Vertex | None = None
    role_models: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The models of roles and families by variable, those that are set; they may carry a prefix and an `@effort`."""
    agent_models: tuple[tuple[str, str], ...] = ()
    """Type of a sub-agent and its model."""
    model_map: tuple[tuple[str, str], ...] = ()
    """Pattern of names and the model for them."""
    custom_models_file: Path = field(default=Path(CUSTOM_MODELS_FILE), compare=False)
    """Where the custom models are, or would be."""
    judges: bool = True
    """False where JUDGE_MODEL is "off"."""
    auto_mode_rules: Rules | None = None
    """Those of AUTO_MODE_RULES_FILE; None where it is not set."""
    record_dir: Path | None = None
    """Where requests are recorded; None where they are not."""
    record_texts: bool = False
    """Whether recordings keep what was said."""
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    """The settings that are set and no secrets, by variable, as they are written."""
    written: frozenset[str] = frozenset()
    """The variables whose value is not the default but somebody's."""
    warnings: tuple[str, ...] = ()
    """What is probably a mistake but stops nothing."""

    def endpoint(self, vendor: str) -> Endpoint:
        """Where and with which key a vendor is reached. Raises KeyError for one without an endpoint of its own."""
        return self.endpoints[vendor]


class ConfigError(Exception):
    """The settings are unusable; `problems` holds one line for each mistake."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


def load_config(
    environ: Mapping[str, str] | None = None,
    *,
    directory: Path | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Config:
    """Read `overrides` (command line), then `environ` (default: the process's), then `directory/.env`.

    The first that has a variable with a non-blank value wins. `directory` (default: the current one) is also where
    a relative CUSTOM_MODELS_FILE is looked up. Raises ConfigError with all problems.
    """
    directory = directory or Path.cwd()
    problems: list[str] = []
    dotenv = read_dotenv(directory / ".env", problems)
    written = Variables((overrides or {}, os.environ if environ is None else environ, dotenv), problems)
    config = _config(written, dotenv, directory)
    if problems:
        raise ConfigError(problems)
    return config


def custom_models_file(directory: Path, overrides: Mapping[str, str] | None = None) -> Path:
    """Where `load_config` looks for the custom models, whatever is wrong with other settings."""
    return _custom_models_file(
        Variables((overrides or {}, os.environ, read_dotenv(directory / ".env", [])), []), directory
    )


def _config(written: Variables, dotenv: Mapping[str, str], directory: Path) -> Config:
    """What is wrong goes to the problems of `written`."""
    values = {row.variable: written.value(row) for row in settings()}
    preferred = next(row for row in vendors.VENDORS if row.word == values["PREFERRED_PROVIDER"])
    customs = _custom_models(written, directory, required=preferred.name == CUSTOM)
    big, small = _big_and_small(values, preferred, customs, written.problems)
    return Config(
        host=values["HOST"] or (_EVERYWHERE if values["PROXY_API_KEY"] else _HERE),
        port=values["PORT"],
        log_level=values["LOG_LEVEL"],
        preferred_provider=preferred.name,
        big_model=big,
        small_model=small,
        max_tokens_limit=values["MAX_TOKENS_LIMIT"],
        request_timeout=values["REQUEST_TIMEOUT"],
        content_timeout=values["CONTENT_TIMEOUT"],
        max_retries=values["MAX_RETRIES"],
        custom_models=customs,
        custom_models_file=_custom_models_file(written, directory),
        endpoints=_endpoints(values),
        threads=values["THREADS"],
        shutdown_grace=values["SHUTDOWN_GRACE"],
        proxy_api_keys=values["PROXY_API_KEY"] or (),
        count_tokens=values["COUNT_TOKENS"],
        openai_api=values["OPENAI_API"],
        gemini_api_version=values["GEMINI_API_VERSION"],
        gemini_safety=values["GEMINI_SAFETY"],
        gemini_store=values["GEMINI_STORE"],
        log_format=values["LOG_FORMAT"],
        usage_db=values["USAGE_DB"],
        daily_budget=values["DAILY_BUDGET_USD"],
        monthly_budget=values["MONTHLY_BUDGET_USD"],
        vertex=_vertex(written, values),
        role_models=_role_models(values),
        agent_models=values["AGENT_MODELS"] or (),
        model_map=values["MODEL_MAP"] or (),
        judges=not _is_off(values[JUDGE]),
        auto_mode_rules=_auto_mode_rules(written, directory),
        record_dir=directory / values["RECORD_DIR"] if values["RECORD_DIR"] else None,
        record_texts=values["RECORD_TEXTS"],
        texts=_texts(written),
        written=frozenset(name for name in values if written.get(name) is not None),
        warnings=(*_mistyped(dotenv, customs), *_unused(written, preferred)),
    )


def _texts(written: Variables) -> Mapping[str, str]:
    found = ((row.variable, written.get(row.variable)) for row in settings() if not row.secret)
    return MappingProxyType({name: text for name, text in found if text is not None})


def _endpoints(values: Mapping[str, Any]) -> Mapping[str, Endpoint]:
    return MappingProxyType(
        {
            row.name: Endpoint(row.key_variable, values.get(row.url_variable or ""), values[row.key_variable] or ())
            for row in vendors.VENDORS
            if row.key_variable
        }
    )


def _role_models(values: Mapping[str, Any]) -> Mapping[str, str]:
    models = {name: values[name] for name in MODEL_VARIABLES if values[name]}
    if _is_off(values[JUDGE]):
        del models[JUDGE]
    return MappingProxyType(models)


def _is_off(value: str | None) -> bool:
    return (value or "").lower() == "off"


def _custom_models(written: Variables, directory: Path, *, required: bool) -> tuple[CustomModel, ...]:
    path = _custom_models_file(written, directory)
    name = written.get("CUSTOM_MODELS_FILE") or CUSTOM_MODELS_FILE
    label = name.encode("ascii", "backslashreplace").decode("ascii")
    problems = written.problems
    found = len(problems)
    models: tuple[CustomModel, ...] = ()
    if is_there(path):
        place = f"CUSTOM_MODELS_FILE ({shown(label)})" if written.get("CUSTOM_MODELS_FILE") else label
        models = parse_custom_models(read_text(path, place, problems), label, written.secrets, problems)
    elif written.get("CUSTOM_MODELS_FILE"):
        looked = f"looked for in {quoted(str(directory))}"
        problems.append(
            f"CUSTOM_MODELS_FILE: {shown(label)} is missing ({looked}); create it or leave the variable out"
        )
    if required and not models and len(problems) == found:
        problems.append(f"PREFERRED_PROVIDER: custom needs a model, but {label} lists none; add one to it")
    return models


def _custom_models_file(written: Variables, directory: Path) -> Path:
    return directory / (written.get("CUSTOM_MODELS_FILE") or CUSTOM_MODELS_FILE)


def _auto_mode_rules(written: Variables, directory: Path) -> Rules | None:
    name = written.get("AUTO_MODE_RULES_FILE")
    if name is None:
        return None
    path = directory / name
    if not is_there(path):
        written.problems.append(f"AUTO_MODE_RULES_FILE: {shown(name)} is missing; create it or leave the variable out")
        return None
    found = len(written.problems)
    text = read_text(path, "AUTO_MODE_RULES_FILE", written.problems)
    if len(written.problems) > found:
        return None
    try:
        return rules_of_client(text)
    except ValueError:
        remedy = "write what `claude auto-mode config` prints into it"
        written.problems.append(f"AUTO_MODE_RULES_FILE: {shown(name)} holds no rules; {remedy}")
        return None


def _vertex(written: Variables, values: Mapping[str, Any]) -> Vertex | None:
    wanted, project = values["USE_VERTEX_AUTH"], values["VERTEX_PROJECT"]
    if wanted and written.get("VERTEX_PROJECT") is None:
        written.problems.append("VERTEX_PROJECT: is needed with USE_VERTEX_AUTH=true; give the id of the project")
    return Vertex(project, values["VERTEX_LOCATION"]) if wanted and project else None


def _big_and_small(
    values: Mapping[str, Any], preferred: Vendor, customs: tuple[CustomModel, ...], problems: list[str]
) -> tuple[str, str]:
    big, small = values["BIG_MODEL"] or "", values["SMALL_MODEL"]
    if preferred.owns_claude:
        return "", ""
    if preferred.default_models:
        default_big, default_small = preferred.default_models
        return big or default_big, small or default_small
    if preferred.name == CUSTOM:
        big = big or (customs[0].model_id if customs else "")
    elif not big:
        problems.append(f"BIG_MODEL: is needed with PREFERRED_PROVIDER={preferred.word}; give the name of a model")
    return big, small or big


def _mistyped(dotenv: Mapping[str, str], customs: tuple[CustomModel, ...]) -> list[str]:
    """Only `.env` is searched: the whole environment holds other programs' variables."""
    ours = variables()
    known = {*ours, *(name for custom in customs for name in custom.api_key_names), "ANTHROPIC_BASE_URL"}
    return [
        f".env: {quoted(name)} is not a setting of the proxy; did you mean {near[0]}?"
        for name in dotenv
        # "$env:PORT" is how PowerShell says it
        if name not in known and (near := difflib.get_close_matches(name.upper().rpartition(":")[2], ours, 1, 0.85))
    ]


def _unused(written: Variables, preferred: Vendor) -> list[str]:
    if not preferred.owns_claude:
        return []
    return [
        f"{row.variable}: is not used with PREFERRED_PROVIDER={preferred.word}, "
        f"Claude names go to {preferred.title} unchanged"
        for row in settings()
        if row.needs_claude_elsewhere and written.get(row.variable)
    ]
