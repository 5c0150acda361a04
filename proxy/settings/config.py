"""The only reader of the environment, of `.env` and of the custom models file.

`load_config` checks everything before it complains, so that one start shows all mistakes. Each problem names the
variable, or the file, entry and field, and says what to do. No text made here holds the value of a secret.
"""

from __future__ import annotations

import difflib
import io
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dotenv.parser import parse_stream

from proxy.settings.custom_models import CustomModel, parse_custom_models
from proxy.settings.problems import hint, key_problem, quoted, shown, url_problem

__all__ = ["VARIABLES", "Config", "ConfigError", "CustomModel", "Endpoint", "ProviderName", "Vertex", "load_config"]

ProviderName = Literal["openai", "gemini", "custom", "anthropic"]

_PROVIDERS: dict[str, ProviderName] = {
    "google": "gemini",
    "openai": "openai",
    "custom": "custom",
    "anthropic": "anthropic",
}
_DEFAULT_MODELS = {
    "gemini": ("gemini-2.5-pro-preview-03-25", "gemini-2.0-flash"),
    "openai": ("gpt-4o", "gpt-4o-mini"),
}
"""Provider -> the default BIG_MODEL and SMALL_MODEL."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
VARIABLES = (
    "HOST",
    "PORT",
    "LOG_LEVEL",
    "PREFERRED_PROVIDER",
    "BIG_MODEL",
    "SMALL_MODEL",
    "MAX_TOKENS_LIMIT",
    "REQUEST_TIMEOUT",
    "MAX_RETRIES",
    "COUNT_TOKENS",
    "CUSTOM_MODELS_FILE",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "ANTHROPIC_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_API",
    "GEMINI_BASE_URL",
    "ANTHROPIC_UPSTREAM_URL",
    "GEMINI_API_VERSION",
    "GEMINI_SAFETY",
    "GEMINI_STORE",
    "USE_VERTEX_AUTH",
    "VERTEX_PROJECT",
    "VERTEX_LOCATION",
    "THREADS",
    "PROXY_API_KEY",
)
"""Every variable that is read. ANTHROPIC_BASE_URL is the client's (it points at this proxy) and must not be here."""

_DEFAULT_FILE = "custom_models.yaml"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One vendor. `base_url` is None for the vendor's own; `key_variable` is for messages about a missing key."""

    key_variable: str
    base_url: str | None
    api_key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vertex:
    """Gemini through Google Cloud, with its application default credentials in place of a key."""

    project: str
    location: str


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked. `big_model` and `small_model` may carry a prefix and are empty with Anthropic."""

    host: str
    port: int
    log_level: str
    preferred_provider: ProviderName
    big_model: str
    small_model: str
    max_tokens_limit: int
    request_timeout: float | None
    """Seconds of upstream silence; None where it is not set and the model decides."""
    max_retries: int
    custom_models: tuple[CustomModel, ...]
    openai: Endpoint
    gemini: Endpoint
    anthropic: Endpoint
    threads: int
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
    vertex: Vertex | None = None
    warnings: tuple[str, ...] = ()
    """What is probably a mistake but stops nothing."""


class ConfigError(Exception):
    """The settings are unusable; `problems` holds one line for each mistake."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


def environment(names: Iterable[str]) -> dict[str, str]:
    """The process's own variables of these names, without blank ones."""
    return {name: value for name in names if (value := os.environ.get(name, "").strip())}


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
    dotenv = _read_dotenv(directory / ".env", problems)
    settings = _Settings((overrides or {}, os.environ if environ is None else environ, dotenv), problems)
    provider = _PROVIDERS[settings.choice("PREFERRED_PROVIDER", "google", tuple(_PROVIDERS))]
    customs = _custom_models(settings, directory, required=provider == "custom")
    big, small = _big_and_small(settings, provider, customs)
    config = Config(
        host=settings.host(),
        port=settings.integer("PORT", 8082, 1, 65535, "a port"),
        log_level=settings.choice("LOG_LEVEL", "WARNING", _LOG_LEVELS),
        preferred_provider=provider,
        big_model=big,
        small_model=small,
        max_tokens_limit=settings.integer("MAX_TOKENS_LIMIT", 16384, 1, 10_000_000, "a number of tokens"),
        request_timeout=settings.seconds("REQUEST_TIMEOUT"),
        max_retries=settings.integer("MAX_RETRIES", 2, 0, 10, "a number of retries"),
        custom_models=customs,
        openai=settings.endpoint("OPENAI_API_KEY", "OPENAI_BASE_URL"),
        gemini=settings.endpoint("GEMINI_API_KEY", "GEMINI_BASE_URL"),
        anthropic=settings.endpoint("ANTHROPIC_API_KEY", "ANTHROPIC_UPSTREAM_URL"),
        threads=settings.integer("THREADS", 256, 1, 10_000, "a number of threads"),
        proxy_api_keys=settings.secrets("PROXY_API_KEY"),
        count_tokens=settings.choice("COUNT_TOKENS", "estimate", ("estimate", "exact")),
        openai_api=settings.choice("OPENAI_API", "auto", ("auto", "responses", "chat")),
        gemini_api_version=settings.matching("GEMINI_API_VERSION", r"v\d[a-z0-9]*", "a version like v1beta"),
        gemini_safety=settings.choice("GEMINI_SAFETY", "default", ("default", "off")),
        gemini_store=settings.flag("GEMINI_STORE"),
        vertex=_vertex(settings),
        warnings=(*_mistyped(dotenv, customs), *_unused(settings, provider)),
    )
    if problems:
        raise ConfigError(problems)
    return config


class _Settings:
    """The variables by name; what is wrong with one goes to `problems` and the default stands in for it."""

    def __init__(self, sources: Iterable[Mapping[str, str]], problems: list[str]) -> None:
        self.problems = problems
        self._values: dict[str, str] = {}
        for source in sources:
            for name, value in source.items():
                if value.strip():
                    self._values.setdefault(name, value.strip())

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def host(self) -> str:
        host = self.get("HOST") or "0.0.0.0"  # noqa: S104 - who may call is decided by web/access.py
        if "/" in host or " " in host:
            self.problems.append(f"HOST: {shown(host)} is not an address; give one like 127.0.0.1, without http://")
        elif host.count(":") == 1:
            self.problems.append(f"HOST: {shown(host)} holds a port; put that into PORT")
        return host.strip("[]")

    def integer(self, name: str, default: int, low: int, high: int, what: str) -> int:
        value = self.get(name)
        if value is None:
            return default
        remedy = f"give {what} from {low} to {high}"
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            self.problems.append(f"{name}: {shown(value)} is not a number; {remedy}")
        elif not low <= int(value) <= high:
            self.problems.append(f"{name}: {int(value)} is out of range; {remedy}")
        else:
            return int(value)
        return default

    def seconds(self, name: str) -> float | None:
        value = self.get(name)
        if value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            self.problems.append(f"{name}: {shown(value)} is not a time; give seconds, more than 0")
            return None
        return seconds

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """The value in the spelling of `choices`; case is ignored."""
        value = self.get(name)
        if value is None:
            return default
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        self.problems.append(f"{name}: {shown(value)} is not one of {', '.join(choices)}{hint(value, choices)}")
        return default

    def flag(self, name: str) -> bool:
        return self.choice(name, "false", ("true", "false")) == "true"

    def matching(self, name: str, pattern: str, what: str) -> str | None:
        value = self.get(name)
        if value is None or re.fullmatch(pattern, value):
            return value
        self.problems.append(f"{name}: {shown(value)} cannot be used; give {what}")
        return None

    def endpoint(self, key_variable: str, url_variable: str) -> Endpoint:
        url = self.get(url_variable)
        if url is not None and (problem := url_problem(url)):
            self.problems.append(f"{url_variable}: {problem}")
        return Endpoint(key_variable, url.rstrip("/") if url else None, self.secret(key_variable))

    def secret(self, name: str) -> str | None:
        value = self.get(name)
        if value is not None and (problem := key_problem(value)):
            self.problems.append(f"{name}: {problem}")
        return value

    def secrets(self, name: str) -> tuple[str, ...]:
        value = self.get(name)
        if value is None:
            return ()
        keys = tuple(key.strip() for key in value.split(",") if key.strip())
        if not keys:
            self.problems.append(f"{name}: holds no key; give one or several, separated by commas, or leave it out")
        elif problem := next(filter(None, map(key_problem, keys)), None):
            self.problems.append(f"{name}: {problem}")
        return keys


def _read_dotenv(path: Path, problems: list[str]) -> dict[str, str]:
    """The variables of a `.env` file, never interpolated (a key may hold `${`); empty without a file.

    The parser is used in place of `dotenv_values`, which tells of a broken line only in the log.
    """
    if not path.exists():
        return {}
    values: dict[str, str] = {}
    text = _read_text(path, ".env", problems)
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            problems.append(f".env: line {binding.original.line} cannot be read; write NAME=value")
        elif binding.key and binding.value is not None:
            values[binding.key] = binding.value
    return values


def _read_text(path: Path, label: str, problems: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(f"{label}: is not UTF-8 text; save it as UTF-8")
    except OSError as error:
        problems.append(f"{label}: cannot be read ({error.strerror}); it must be a readable file")
    return ""


def _custom_models(settings: _Settings, directory: Path, *, required: bool) -> tuple[CustomModel, ...]:
    name = settings.get("CUSTOM_MODELS_FILE") or _DEFAULT_FILE
    path = directory / name
    label = name.encode("ascii", "backslashreplace").decode("ascii")
    problems = settings.problems
    found = len(problems)
    models: tuple[CustomModel, ...] = ()
    if path.exists():
        models = parse_custom_models(_read_text(path, label, problems), label, settings.secret, problems)
    elif settings.get("CUSTOM_MODELS_FILE"):
        looked = f"looked for in {quoted(str(directory))}"
        problems.append(
            f"CUSTOM_MODELS_FILE: {shown(label)} is missing ({looked}); create it or leave the variable out"
        )
    if required and not models and len(problems) == found:
        problems.append(f"PREFERRED_PROVIDER: custom needs a model, but {label} lists none; add one to it")
    return models


def _vertex(settings: _Settings) -> Vertex | None:
    wanted = settings.flag("USE_VERTEX_AUTH")
    if wanted and settings.get("VERTEX_PROJECT") is None:
        settings.problems.append("VERTEX_PROJECT: is needed with USE_VERTEX_AUTH=true; give the id of the project")
    # "sk-" begins a key that was put into the wrong variable.
    project = settings.matching("VERTEX_PROJECT", r"(?!sk-)[a-z][a-z0-9.:-]*|[0-9]{1,18}", "the id of a project")
    location = settings.matching("VERTEX_LOCATION", r"[a-z]+(-[a-z]+[0-9]+)?", "a location like global or us-central1")
    return Vertex(project, location or "global") if wanted and project else None


def _big_and_small(settings: _Settings, provider: ProviderName, customs: tuple[CustomModel, ...]) -> tuple[str, str]:
    if provider == "anthropic":
        return "", ""
    if provider == "custom":
        big = settings.get("BIG_MODEL") or (customs[0].model_id if customs else "")
        return big, settings.get("SMALL_MODEL") or big
    big, small = _DEFAULT_MODELS[provider]
    return settings.get("BIG_MODEL") or big, settings.get("SMALL_MODEL") or small


def _mistyped(dotenv: Mapping[str, str], customs: tuple[CustomModel, ...]) -> list[str]:
    """Only `.env` is searched: the whole environment holds other programs' variables."""
    known = {*VARIABLES, *(custom.api_key_name for custom in customs), "ANTHROPIC_BASE_URL"}
    return [
        f".env: {quoted(name)} is not a setting of the proxy; did you mean {near[0]}?"
        for name in dotenv
        if name not in known and (near := difflib.get_close_matches(name.upper(), VARIABLES, 1, 0.85))
    ]


def _unused(settings: _Settings, provider: ProviderName) -> list[str]:
    if provider != "anthropic":
        return []
    return [
        f"{name}: is not used with PREFERRED_PROVIDER=anthropic, Claude names go to Anthropic unchanged"
        for name in ("BIG_MODEL", "SMALL_MODEL")
        if settings.get(name)
    ]
