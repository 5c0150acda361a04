"""How much output a server says its model can give. Pure."""

from __future__ import annotations

import re

_NUMBER = r"(?<![A-Za-z0-9_.-])(\d+)(?![A-Za-z0-9_-]|\.\d)"
_EXCLUSIVE = (
    rf"\(inclusive\) to {_NUMBER} \(exclusive\)",
    r"\[\s*[01]\s*,\s*(\d+)\s*\)",
    rf"(?:must be|should be) (?:less|lower|smaller) than [`'\"(]*{_NUMBER}",
    rf"小于 ?{_NUMBER}",
)
"""Forms that name the first number that is too much."""
_INCLUSIVE = (
    r"\[\s*[01]\s*,\s*(\d+)\s*\]",
    r"\b[01] ?(?:\.\.|~|-) ?(\d+)\b",
    r"(?<!\d)[01] ?(?:到|至) ?(\d+)",
    rf"between \d+ and {_NUMBER}",
    rf"> {_NUMBER},? which is the max",
    rf"(?:less than or equal to|<=|at most|no (?:more|greater) than|up to|capped at) [`'\"(]*{_NUMBER}",
    rf"(?:exceeds?|exceeding|greater than|above|beyond) .{{0,80}}?{_NUMBER}",
    rf"(?:max\w*|limit)\b.{{0,40}}?(?:is|of|:|to) {_NUMBER}",
    r"(?:不能|不得|不可|不)?(?:超过|大于|小于等于|最大值?|最多|上限)[^\d]{0,12}(\d+)",
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def output_limit(message: str, requested: int | None = None) -> int | None:
    """Tokens, the most that may be requested; None where the message reports none below what was `requested`.

    Where no form is known, the one number below the requested one is taken for it.
    """
    message = _THOUSANDS.sub("", message)
    for forms, excess in ((_EXCLUSIVE, 1), (_INCLUSIVE, 0)):
        for form in forms:
            for found in re.finditer(form, message, re.IGNORECASE):
                limit = int(found[1]) - excess
                if limit > 0 and (requested is None or limit < requested):
                    return limit
    if requested is None:
        return None
    lower = {value for value in map(int, re.findall(_NUMBER, message)) if 1 < value < requested}
    return lower.pop() if len(lower) == 1 else None
