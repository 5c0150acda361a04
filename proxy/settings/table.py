"""The settings: one row each. Flags, `.env`, `.env.example`, the README's table and `Config` are made of these rows.

The rows of a vendor's key and address come from `models/vendors.py`, so everything here is looked up when it is called.
ANTHROPIC_BASE_URL must never become a row: it is the client's and points at this proxy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.models import vendors
from proxy.models.assignments import FAMILIES
from proxy.settings import parsers

CUSTOM_MODELS_FILE = "custom_models.yaml"

_ANSWERS = "Who answers"
_ROLES = "Who answers instead, by the request's name and by what it is for"
_KEYS = "Keys"
_ADDRESSES = "Other addresses than the vendors' own"
_GEMINI = "Gemini"
_CALLERS = "Who may call"
_LIMITS = "Limits"
_MONEY = "What it costs"
_LOG = "Log, and recordings for bug reports"
_SECTIONS = (_ANSWERS, _ROLES, _KEYS, _ADDRESSES, _GEMINI, _CALLERS, _LIMITS, _MONEY, _LOG)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. Its value is that of a flag, of a variable of the environment or of `.env`, else the default."""

    variable: str
    section: str
    """A title of `.env.example`."""
    parse: Callable[[str], Any]
    """Gives the value, or raises ValueError with what is wrong and what to do."""
    help: str
    """One sentence without a full stop, for the command line, the README and `.env.example`."""
    default: str | None = None
    """As it would be written; None where there is no value without one of the user's."""
    default_text: str = ""
    """For people, where the default is not one value."""
    example: str = ""
    """What `.env.example` shows where there is no default."""
    detail: str = ""
    """More sentences for `.env.example`."""
    secret: bool = False
    """Has no flag, since arguments are visible to every user of the machine."""
    needs_claude_elsewhere: bool = False
    """Not used where the preferred vendor has the Claude models itself."""

    @property
    def flag(self) -> str | None:
        return None if self.secret else f"--{self.variable.lower().replace('_', '-')}"


def settings() -> tuple[Setting, ...]:
    """All rows, section by section."""
    rows = (_preferred_provider(), *_models(), *_role_rows(), *_vendor_rows(), *_ROWS)
    return tuple(sorted(rows, key=lambda row: _SECTIONS.index(row.section)))


def variables() -> tuple[str, ...]:
    """The name of every variable that is read."""
    return tuple(row.variable for row in settings())


def _preferred_provider() -> Setting:
    words = [vendor.word for vendor in vendors.VENDORS]
    return Setting(
        "PREFERRED_PROVIDER",
        _ANSWERS,
        parsers.choice(*words),
        f"Who answers Claude names: {', '.join(words[:-1])} or {words[-1]}",
        default=words[0],
        detail="With custom these are the entries of CUSTOM_MODELS_FILE.",
    )


def _models() -> tuple[Setting, Setting]:
    defaults = [(vendor.word, vendor.default_models) for vendor in vendors.VENDORS]
    big, small = (", ".join(f"{word} {models[size]}" for word, models in defaults if models) for size in (0, 1))
    return (
        Setting(
            "BIG_MODEL",
            _ANSWERS,
            parsers.models,
            "The model for sonnet, opus, fable and every other Claude family but haiku",
            default_text="by provider",
            example="gemini-3.8-flash",
            detail="May carry a prefix like openai/, and may be a list with commas between, like every setting of a "
            f"model: where one fails, the next one answers. Default: {big}, custom the first entry. A model that its "
            "vendor has shut down is followed by its successor; today's choices are gemini-3.8-flash and gpt-6-sol.",
            needs_claude_elsewhere=True,
        ),
        Setting(
            "SMALL_MODEL",
            _ANSWERS,
            parsers.models,
            "The model for haiku",
            default_text="by provider",
            example="gemini-3.5-flash-lite",
            detail=f"Default: {small}, custom as BIG_MODEL.",
            needs_claude_elsewhere=True,
        ),
    )


def _role_rows() -> list[Setting]:
    """In the order in which they are looked at, but for those that count only where the answerer cannot do it."""
    rows = [
        Setting(
            "MODEL_MAP",
            _ROLES,
            parsers.pairs("PATTERN=MODEL, PATTERN=MODEL"),
            "Models by the requested name, in which * stands for anything; the first pattern that fits counts",
            example="claude-opus-4-*=openai/gpt-6-sol, *sonnet*=anthropic",
            detail="Wins over every other setting; a name with a prefix like openai/ and the id of a custom model win "
            "over it. Each model here and below may be a name with a prefix, a custom model, anthropic/NAME, or "
            "anthropic alone, which gets the requested name unchanged and, without ANTHROPIC_API_KEY, the client's "
            "own login. @low and the like after it fixes the effort: openai/gpt-6-sol@low.",
        ),
        Setting(
            "AGENT_MODELS",
            _ROLES,
            parsers.pairs("Explore=MODEL, Plan=MODEL"),
            "Models for Claude Code's sub-agents by their type",
            default_text="as SUBAGENT_MODEL",
            example="Explore=gemini/gemini-3.5-flash-lite, Plan=openai/gpt-6-sol@high",
            detail="The types are told where Claude Code runs with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1. Elsewhere an "
            "agent without tools that change files counts as Explore, any other as general-purpose.",
        ),
    ]
    for variable, what, default, detail in _ROLE_MODELS:
        example = "openai/gpt-6-luna"
        rows.append(Setting(variable, _ROLES, parsers.models, what, None, default, example, detail))
    for family, variable in FAMILIES.items():
        words = "SMALL_MODEL" if family == "haiku" else "BIG_MODEL"
        rows.append(
            Setting(variable, _ROLES, parsers.models, f"The model for {family}", None, f"as {words}", "anthropic")
        )
    return rows


_ROLE_MODELS = (
    ("SUBAGENT_MODEL", "The model for Claude Code's sub-agents", "by the requested name", ""),
    (
        "BACKGROUND_MODEL",
        "The model for what Claude Code does beside the conversation: titles, page summaries, recaps, suggestions, "
        "hooks",
        "by the requested name",
        "",
    ),
    ("COMPACTION_MODEL", "The model that sums a conversation up when it gets too long", "by the requested name", ""),
    (
        "JUDGE_MODEL",
        "The model that judges tool calls in Claude Code's auto mode, or off",
        "as SMALL_MODEL",
        "With off nobody judges here, and Claude Code's own checks go to SMALL_MODEL.",
    ),
    (
        "SEARCH_MODEL",
        "The model for web searches where the one that would answer cannot search",
        "none",
        "",
    ),
    (
        "LONG_CONTEXT_MODEL",
        "The model for what does not fit the context window of the one that would answer",
        "none",
        "Neither it nor SEARCH_MODEL answers for a name with a prefix or the id of a custom model.",
    ),
    (
        "VISION_MODEL",
        "The model that describes pictures in words for models that see none",
        "none: pictures are left out",
        "",
    ),
)
"""Variable, help, default in words, detail."""


_POOL = "Several, separated by commas, share the work: each conversation stays with one as long as that one is good."


def _vendor_rows() -> list[Setting]:
    rows = []
    for vendor in vendors.VENDORS:
        if vendor.key_variable:
            help_text = f"The {vendor.key_help or f'key of {vendor.title}'}; needed only when a request goes there"
            rows.append(Setting(vendor.key_variable, _KEYS, parsers.keys, help_text, detail=_POOL, secret=True))
        if vendor.url_variable:
            ending = f"; ends before {vendor.url_path}" if vendor.url_path else ""
            rows.append(
                Setting(
                    vendor.url_variable,
                    _ADDRESSES,
                    parsers.url(vendor.url_path),
                    f"Another address than {vendor.title}'s: a gateway, or a server that speaks its API{ending}",
                    default_text="the vendor's own",
                    example=vendor.url or "",
                    detail=vendor.url_detail,
                )
            )
    return rows


_ROWS = (
    Setting(
        "AUTO_MODE_RULES_FILE",
        _ANSWERS,
        parsers.text,
        "The rules by which JUDGE_MODEL judges, as `claude auto-mode config` prints them",
        default_text="the proxy's own rules",
        example="auto-mode-rules.json",
    ),
    Setting(
        "CUSTOM_MODELS_FILE",
        _ANSWERS,
        parsers.text,
        "The list of your own OpenAI-compatible servers",
        default_text=f"`{CUSTOM_MODELS_FILE}`",
        example=CUSTOM_MODELS_FILE,
        detail="The file of the default name may be absent.",
    ),
    Setting(
        "OPENAI_API",
        _ADDRESSES,
        parsers.choice("auto", "responses", "chat"),
        "Which of OpenAI's APIs is spoken: responses, chat, or auto (Responses with OpenAI itself, chat elsewhere)",
        default="auto",
    ),
    Setting(
        "USE_VERTEX_AUTH",
        _GEMINI,
        parsers.boolean,
        "Whether Gemini is reached through Google Cloud's Vertex AI, without GEMINI_API_KEY: true or false",
        default="false",
        detail="Log in first: gcloud auth application-default login",
    ),
    Setting(
        "VERTEX_PROJECT",
        _GEMINI,
        # "sk-" begins a key that was put into the wrong variable.
        parsers.matching(r"(?!sk-)[a-z][a-z0-9.:-]*|[0-9]{1,18}", "the id of a project"),
        "The Google Cloud project for Vertex AI",
        example="my-project",
    ),
    Setting(
        "VERTEX_LOCATION",
        _GEMINI,
        parsers.matching(r"[a-z]+(-[a-z]+[0-9]+)?", "a location like global or us-central1"),
        "Where Vertex AI's models run",
        default="global",
    ),
    Setting(
        "GEMINI_SAFETY",
        _GEMINI,
        parsers.choice("default", "off"),
        "Google's content filters: default (the vendor's own thresholds) or off",
        default="default",
    ),
    Setting(
        "GEMINI_STORE",
        _GEMINI,
        parsers.boolean,
        "Whether Google may store requests, which it does by default with newer paid projects: true or false",
        default="false",
    ),
    Setting(
        "GEMINI_API_VERSION",
        _GEMINI,
        parsers.matching(r"v\d[a-z0-9]*", "a version like v1beta"),
        "The version of Gemini's API",
        default_text="`v1beta`, on Vertex AI `v1beta1`",
        example="v1beta",
        detail="Not set: v1beta, on Vertex AI v1beta1.",
    ),
    Setting(
        "PROXY_API_KEY",
        _CALLERS,
        parsers.keys,
        "One or several keys, separated by commas, that clients must send; without it only this machine is served",
        secret=True,
    ),
    Setting(
        "HOST",
        _CALLERS,
        parsers.host,
        "The address to listen on",
        default_text="127.0.0.1, this machine only; 0.0.0.0 where PROXY_API_KEY is set",
        example="127.0.0.1",
    ),
    Setting("PORT", _CALLERS, parsers.integer(1, 65535, "a port"), "The port to listen on", default="8082"),
    Setting(
        "MAX_TOKENS_LIMIT",
        _LIMITS,
        parsers.integer(1, 10_000_000, "a number of tokens"),
        "The ceiling on max_tokens of a request; the model's own limit always applies",
        default_text="the model's own limit; 16384 where that is not known",
        example="64000",
    ),
    Setting(
        "REQUEST_TIMEOUT",
        _LIMITS,
        parsers.seconds,
        "Seconds of silence that are borne from a provider",
        default_text="120, or 600 for models that reason silently",
        example="120",
        detail="Not set: 120, and 600 for models that reason in silence.",
    ),
    Setting(
        "CONTENT_TIMEOUT",
        _LIMITS,
        parsers.seconds,
        "Seconds in which a provider may give signs of life but no content",
        default_text="5 times REQUEST_TIMEOUT, 1800 at most",
        example="600",
    ),
    Setting(
        "MAX_RETRIES",
        _LIMITS,
        parsers.integer(0, 10, "a number of retries"),
        "Repeats before the first byte after connection errors and answers with 500, 502 or 504",
        default="2",
    ),
    Setting(
        "COUNT_TOKENS",
        _LIMITS,
        parsers.choice("estimate", "exact"),
        "How count_tokens is answered: estimate, or exact (OpenAI or Google is asked, for 2 seconds at most)",
        default="estimate",
        detail="The estimate is the proxy's own, corrected by what the models' answers tell; it also stands in where "
        "the vendor takes too long.",
    ),
    Setting(
        "THREADS",
        _LIMITS,
        parsers.integer(1, 10_000, "a number of threads"),
        "Requests that are served at the same time",
        default="256",
        detail="The next ones wait up to 10 seconds for a thread, then they are told to come back.",
    ),
    Setting(
        "SHUTDOWN_GRACE",
        _LIMITS,
        parsers.seconds,
        "Seconds in which running answers may finish once the proxy is told to stop",
        default="30",
        detail="Whoever asks meanwhile is told to come back. What stops the proxy has to wait longer than that before "
        "it kills: docker stop waits for 10 seconds by default.",
    ),
    Setting(
        "USAGE_DB",
        _MONEY,
        parsers.database,
        "The database of what requests used and cost: its SQLAlchemy URL, or off",
        default_text="the file usage.db in the user's data directory",
        example="sqlite:///usage.db",
        detail="python -m proxy usage reads it. After three slashes the path begins where the proxy is started, after "
        "four at the root. What PostgreSQL and others need of drivers is yours to install.",
    ),
    Setting(
        "DAILY_BUDGET_USD",
        _MONEY,
        parsers.dollars,
        "What may be spent in a day, in USD; requests that begin after that are refused",
        default_text="no limit",
        example="10",
        detail="Days and months are those of the proxy's clock. Models without a known price count as free.",
    ),
    Setting("MONTHLY_BUDGET_USD", _MONEY, parsers.dollars, "As DAILY_BUDGET_USD, for a month", None, "no limit", "200"),
    Setting(
        "LOG_FORMAT",
        _LOG,
        parsers.choice("text", "json"),
        "How the log is written: text, or json with one object a line",
        default="text",
    ),
    Setting(
        "LOG_LEVEL",
        _LOG,
        parsers.choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "DEBUG, INFO, WARNING, ERROR or CRITICAL; INFO shows requests and what translations changed",
        default="WARNING",
    ),
    Setting(
        "RECORD_DIR",
        _LOG,
        parsers.directory,
        "A directory into which each request is written with all that became of it, keys never and texts as filler",
        default_text="nothing is recorded",
        example="recordings",
    ),
    Setting("RECORD_TEXTS", _LOG, parsers.boolean, "Whether recordings keep texts: true or false", "false"),
)
"""Those that do not depend on the vendors' rows."""
