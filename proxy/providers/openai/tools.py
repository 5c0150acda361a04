"""Tools in OpenAI's terms: names and ids within its limits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from proxy.providers.common import tool_names
from proxy.providers.common.tool_names import NameRules

_CALL_ID_LIMIT = 40
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
NAME_RULES = NameRules(characters="a-zA-Z0-9_-", first="", limit=64, kept=55)


class ToolNames(tool_names.ToolNames):
    """The names of one request's tools, there (`^[a-zA-Z0-9_-]{1,64}$`) and back."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names, NAME_RULES)


def call_id(tool_use_id: str, *, alphanumeric: bool = False) -> str:
    """The id of a call upstream: ours as it is; a foreign one that is too long or odd as its hash.

    `alphanumeric`: exactly nine letters and digits, which is all that Mistral takes.
    """
    digest = hashlib.sha256(tool_use_id.encode("utf-8", "surrogatepass")).hexdigest()
    if alphanumeric:
        return digest[:9]
    if 0 < len(tool_use_id) <= _CALL_ID_LIMIT and not _NOT_IN_IDS.search(tool_use_id):
        return tool_use_id
    return "call_" + digest[:24]
