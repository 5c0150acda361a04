"""Who answers: one row a vendor. Names, keys, addresses, choices and texts elsewhere are derived from these rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_OPENAI_PROVIDER = "proxy.providers.openai.client:OpenAIProvider"


@dataclass(frozen=True, slots=True)
class Vendor:
    """The patterns are regular expressions that are matched at the beginning of a model's name, in any case."""

    name: str
    """As in `Route.provider`, in the catalog and in what is shown (`openai/gpt-6-sol`)."""
    title: str
    """For people."""
    word: str
    """The value of PREFERRED_PROVIDER."""
    prefixes: tuple[str, ...]
    """What may stand before a model's name and a slash."""
    provider: str
    """The class that talks to it, as "module:Class", so that nobody has to import it to know the vendor."""
    shapes: tuple[str, ...] = ()
    """Patterns of its names, those that it will have next year included."""
    examples: tuple[str, ...] = ()
    """Its names, for people."""
    own_names: str | None = None
    """Set where any server may speak the vendor's API, with models of any name: the pattern of names that are the
    vendor's own even there. Narrower than `shapes`: `gpt-oss` is a model of other servers."""
    host: str | None = None
    """The domain of its official endpoints; None for servers of one's own, which are no vendor's."""
    url: str | None = None
    """Its own base URL."""
    url_path: str = ""
    """What is appended to a base URL, for people who set another one."""
    key_variable: str | None = None
    """None where keys belong to single models."""
    key_help: str = ""
    url_variable: str | None = None
    url_detail: str = ""
    """A sentence more for people who set another address."""
    default_models: tuple[str, str] | None = None
    """BIG_MODEL and SMALL_MODEL where they are not set."""
    owns_claude: bool = False
    """Whether it has the Claude models: as the preferred one it gets their names unchanged."""

    def has_shape_of(self, model: str) -> bool:
        """Whether the name looks like one of the vendor's."""
        return any(re.match(shape, model, re.IGNORECASE) for shape in self.shapes)

    def has_own_name(self, model: str) -> bool:
        """Whether the name, which may have a path before it, is the vendor's wherever it is served."""
        name = model.rpartition("/")[2]
        return self.own_names is None or re.match(self.own_names, name, re.IGNORECASE) is not None

    def is_at(self, url: str | None) -> bool:
        """Whether a base URL (None: the vendor's own) leads to an official endpoint. The URL must be valid."""
        if self.host is None:
            return False
        host = urlsplit(url or "").hostname
        return host is None or f".{host}".endswith(f".{self.host}")


CUSTOM = "custom"
"""The name of the row whose models are the entries of the custom models file."""

VENDORS: tuple[Vendor, ...] = (
    Vendor(
        name="gemini",
        title="Google",
        word="google",
        prefixes=("gemini",),
        provider="proxy.providers.gemini.client:GeminiProvider",
        shapes=("gemini-",),
        examples=("gemini-...",),
        host="googleapis.com",
        url="https://generativelanguage.googleapis.com",
        url_path="/v1beta",
        key_variable="GEMINI_API_KEY",
        key_help="key of Google AI Studio",
        url_variable="GEMINI_BASE_URL",
        default_models=("gemini-2.5-pro-preview-03-25", "gemini-2.0-flash"),
    ),
    Vendor(
        name="openai",
        title="OpenAI",
        word="openai",
        prefixes=("openai",),
        provider=_OPENAI_PROVIDER,
        shapes=("gpt-", "chatgpt-", r"o\d"),
        examples=("gpt-...", "chatgpt-...", "o3..."),
        own_names=r"(ft:)?(gpt-\d|chatgpt-|o\d)",
        host="openai.com",
        url="https://api.openai.com/v1",
        url_path="/chat/completions",
        key_variable="OPENAI_API_KEY",
        key_help="key of OpenAI, or of the server at OPENAI_BASE_URL",
        url_variable="OPENAI_BASE_URL",
        default_models=("gpt-4o", "gpt-4o-mini"),
    ),
    Vendor(
        name=CUSTOM,
        title="your own servers",
        word="custom",
        prefixes=("custom",),
        provider=_OPENAI_PROVIDER,
    ),
    Vendor(
        name="anthropic",
        title="Anthropic",
        word="anthropic",
        prefixes=("anthropic",),
        provider="proxy.providers.anthropic.client:AnthropicProvider",
        host="anthropic.com",
        url="https://api.anthropic.com",
        url_path="/v1/messages",
        key_variable="ANTHROPIC_API_KEY",
        key_help="key of Anthropic",
        url_variable="ANTHROPIC_UPSTREAM_URL",
        url_detail="ANTHROPIC_BASE_URL is for Claude Code: it points at this proxy and is not read here.",
        owns_claude=True,
    ),
)
"""In the order in which they are offered and in which shapes are tried. Look it up at the time of the call."""


def vendor(name: str) -> Vendor:
    """The row of this name. Raises KeyError."""
    for row in VENDORS:
        if row.name == name:
            return row
    raise KeyError(name)
