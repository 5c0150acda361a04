"""Tools in OpenAI's terms: names and ids within its limits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from proxy.providers.common.tool_names import NameRules

_ID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
"""At most 40 characters ("Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum
length 40", Chat Completions, 2026-11). The Responses API takes 64; one limit keeps ids the same on both."""
_MISTRAL_ID_LENGTH = 9
"""Characters ("Tool call id was ... but must be a-z, A-Z, 0-9, with a length of 9.", Mistral, 2026-11)."""
_DIGEST_LENGTH = 24
"""Hexadecimal digits of a foreign id's hash behind `call_`: as long as OpenAI's own ids, and 96 bits do not collide."""
NAME_RULES = NameRules(characters="a-zA-Z0-9_-", first="", limit=64, kept=55)
"""`^[a-zA-Z0-9_-]{1,64}$` ("Invalid 'tools[0].function.name': string too long. Expected a string with maximum length
64", OpenAI, 2026-11). 55 characters, `_` and 8 digits of a hash are just 64."""


def call_id(tool_use_id: str, *, alphanumeric: bool = False) -> str:
    """The id of a call upstream: ours as it is; a foreign one that is too long or odd as its hash.

    `alphanumeric`: in letters and digits only, which is all that Mistral takes.
    """
    if not alphanumeric and _ID.fullmatch(tool_use_id):
        return tool_use_id
    digest = hashlib.sha256(tool_use_id.encode("utf-8", "surrogatepass")).hexdigest()
    return digest[:_MISTRAL_ID_LENGTH] if alphanumeric else "call_" + digest[:_DIGEST_LENGTH]


class CallIds:
    """The ids of one conversation's calls where none may come twice ("Duplicate 'call_id'", earendil-works/pi#9057,
    2026-09): some clients count them anew in each turn. Those of the turns before stay the same with every new turn."""

    def __init__(self) -> None:
        self._latest: dict[str, str] = {}
        self._uses: Counter[str] = Counter()
        self._taken: set[str] = set()

    def of_call(self, tool_use_id: str) -> str:
        """The id of the next call that the client knows by this one."""
        while True:
            number = self._uses[tool_use_id]
            self._uses[tool_use_id] += 1
            made = call_id(f"{tool_use_id}_{number}" if number else tool_use_id)
            if made not in self._taken:
                self._taken.add(made)
                self._latest[tool_use_id] = made
                return made

    def of_result(self, tool_use_id: str) -> str:
        """The id of the call that a result belongs to, which is the latest one."""
        return self._latest[tool_use_id]
