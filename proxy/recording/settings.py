"""The settings on which a translation hangs, as a recording has them and as they are loaded from one. Keys are never
among them: their number is, and as many that open nothing stand in for them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.models.vendors import vendor
from proxy.providers.common.scrubber import words
from proxy.recording.addresses import safe_url
from proxy.recording.policy import Policy
from proxy.recording.redact import Redactor
from proxy.recording.vocabulary import word_set
from proxy.settings.config import Config, load_config
from proxy.settings.custom_models import CustomModel
from proxy.settings.table import variables

_NOT_RECORDED = word_set(
    "HOST PORT THREADS SHUTDOWN_GRACE USAGE_DB DAILY_BUDGET_USD MONTHLY_BUDGET_USD LOG_FORMAT LOG_LEVEL RECORD_DIR "
    "RECORD_TEXTS CUSTOM_MODELS_FILE AUTO_MODE_RULES_FILE"
)
"""What no translation hangs on, and names of files."""
_ADDRESSES = ("_URL",)
_PRIVATE = ("VERTEX_PROJECT",)
_GATE = "PROXY_API_KEY"

Recorded = dict[str, Any]


def secrets_of(config: Config) -> Iterator[str]:
    """All keys, and what else goes with requests to servers of the user's."""
    yield from config.proxy_api_keys
    for endpoint in config.endpoints.values():
        yield from endpoint.api_keys
    for custom in config.custom_models:
        yield from custom.api_keys
        yield from words(*custom.headers.values())


def recorded_settings(config: Config, redactor: Redactor, *, hides: bool) -> Recorded:
    """`variables` as they are written, `keys` by how many there are, and `custom_models` as in their file."""
    keys = {endpoint.key_variable: len(endpoint.api_keys) for endpoint in config.endpoints.values()}
    keys |= {name: len(each.api_keys) for each in config.custom_models for name in each.api_key_names[:1]}
    keys[_GATE] = len(config.proxy_api_keys)
    texts = {name: text for name, text in config.texts.items() if name not in _NOT_RECORDED}
    # Also where they are the defaults, which are others with another version.
    texts["PREFERRED_PROVIDER"] = vendor(config.preferred_provider).word
    texts |= {name: text for name, text in _models(config) if text}
    return {
        "variables": {name: _value(name, text, redactor, hides) for name, text in texts.items()},
        "keys": {name: count for name, count in keys.items() if count},
        "custom_models": [_entry(each, redactor, hides) for each in config.custom_models],
    }


def loaded(recorded: Mapping[str, Any]) -> Config:
    """The settings of a recording. Nothing of this machine's goes into them. Raises ConfigError."""
    known = set(variables()) - _NOT_RECORDED
    environ = {name: text for name, text in recorded["variables"].items() if name in known}
    keys = {name: ",".join(stand_in(number) for number in range(count)) for name, count in recorded["keys"].items()}
    with tempfile.TemporaryDirectory() as place:
        if recorded["custom_models"]:
            # JSON is YAML.
            Path(place, "custom_models.yaml").write_text(json.dumps(recorded["custom_models"]), encoding="utf-8")
        config = load_config({**environ, **keys}, directory=Path(place))
    vertex = replace(config.vertex, token=stand_in(0)) if config.vertex is not None else None
    return replace(config, usage_db="off", vertex=vertex)


def stand_in(number: int) -> str:
    """A key that opens nothing."""
    return f"no-key-{number:012d}"


def _models(config: Config) -> tuple[tuple[str, str], ...]:
    return ("BIG_MODEL", config.big_model), ("SMALL_MODEL", config.small_model)


def _value(name: str, text: str, redactor: Redactor, hides: bool) -> str:
    if name.endswith(_ADDRESSES):
        return safe_url(text, redactor, hides=hides)
    return redactor.text(text) if name in _PRIVATE else redactor.masked(text)


def _entry(custom: CustomModel, redactor: Redactor, hides: bool) -> Recorded:
    """As it would stand in the file; what headers hold is nobody's business."""
    body = redactor.body(json.dumps(dict(custom.extra_body)).encode(), Policy())
    entry: Recorded = {
        "model_id": custom.model_id,
        "api_base": safe_url(custom.api_base, redactor, hides=hides),
        "api_key_name": list(custom.api_key_names),
        "api_key_header": custom.api_key_header if custom.api_key_names else "",
        "can_stream": custom.can_stream,
        "max_tokens": custom.max_tokens,
        "model_name": custom.model_name,
        "api": custom.api,
        "context_window": custom.context_window,
        "vision": custom.vision,
        "headers": dict.fromkeys(custom.headers, "not recorded"),
        "extra_body": json.loads(body),
        "max_tokens_field": custom.max_tokens_field,
        "think_tags": custom.think_tags,
        "efforts": list(custom.efforts),
        "thinking_style": custom.thinking_style,
        "habits": list(custom.habits),
    }
    if not custom.efforts and custom.thinking_style == "effort":
        del entry["thinking_style"]
    return {name: value for name, value in entry.items() if value not in (None, "", [], {})}
