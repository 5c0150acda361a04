"""A prompt that does not fit: the numbers in the words of any server, and the words a client recovers from. Pure.

A number's role is read from the words around it, not from one sentence's form: what stands right behind it ("3000 in
the completion"), else the last telling word before it ("maximum context length is 4096").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.protocol.errors import ApiError, output_too_long, prompt_too_long
from proxy.providers.common.words import READ_LIMIT

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.$-])(?<!\d[:/])\d{1,9}(?![A-Za-z0-9_-]|\.\d|[:/]\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FRACTION = re.compile(r"(?<=\d)\.0+(?!\d)")
_ASIDES = re.compile(r"<\d{3}>|^\d{3}\b|\(parameter=[^)]*\)|\(2013\)")
"""Statuses, vLLM's repetition of the value, MiniMax's code."""
_RANGE = re.compile(r"\[\s*[01]\s*,\s*(?=\d)")
_CLAUSES = re.compile(r"[.,:;!?(。]|\b(?:but|while|however)\b", re.IGNORECASE)
_BEHIND = re.compile(r"[.,:;!?()>=+。与和]|\b(?:and|but|while|which)\b|\w+=|\d", re.IGNORECASE)

_FORMS = (
    r"(?P<prompt>\d+) \+ (?P<output>\d+)[^\d]{1,60}?(?P<window>\d+)",
    r"(?P<output>\d+) > (?P<window>\d+) - (?P<prompt>\d+)",
    r"(?P<prompt>\d+)(?: tokens)? >=? (?P<window>\d+)(?! -)",
)
"""Where the server writes a sum or a comparison, that says all."""
_TOTAL = re.compile(
    r"you requested (?:about |a total of )?$|total of (?:at least |about )?$|requires a sequence length of $"
    r"|(?:prompt|input)[^.]{0,20}(?:\+|and) `?max_tokens`? ?\(?$"
    r"|input and (?:maximum )?output tokens \(?$|(?:合计|总共|总计|之和)[^\d,]{0,3}$",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"prompt ?(?:\+|and) ?(?:prediction|generation|completion)|input (?:and|\+) output", re.IGNORECASE)
_OTHER_BEFORE = re.compile(
    r"(?:\b(?:pid|port|line|column|position|index|code|status|id|by(?: about)?)"
    r"|available_tokens|(?:characters?|字符数?|bytes?)(?: is| are| of|为|是)?)[\"'\s:=]*$",
    re.IGNORECASE,
)
_OTHER_BEHIND = re.compile(
    r"^\s*(?:\w+ )?(?:characters?|bytes?|images?|pixels?|pages?|[KMG]i?B|字符|字节|字|张)\b", re.IGNORECASE
)
_OUTPUT = re.compile(
    r"max[_ ](?:new[_ ]|completion[_ ]|output[_ ])?tokens|max_?output_?tokens|completion|output|generati(?:on|ng)"
    r"|输出|生成|补全",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"prompt|input|messages?|functions|tools?\b|request|keep|length|sequence|text$|query|content|required|too many"
    r"|输入|提示|请求|消息",
    re.IGNORECASE,
)
_PROMPT_BEHIND = re.compile(
    r"input|were (?:sent|requested)|prompt|messages?|functions|tools?\b|输入|提示", re.IGNORECASE
)
_WINDOW = re.compile(r"context|window|n_ctx|capacity|上下文|窗口", re.IGNORECASE)
_LIMIT = re.compile(
    r"max(?![_ ](?:new[_ ]|completion[_ ]|output[_ ])?tokens)|limit|exceed"
    r"|(?:more|less|greater|longer|larger|lower) than|up to|at most|accepts|allowed|supports?\b|must be|should be"
    r"|[<>]=?|truncate to|最大|最多|上限|超过|超出|限制|大于|不能|不得|应小于|不超过|支持",
    re.IGNORECASE,
)
_LIMIT_BEHIND = re.compile(r" (?:tokens )?(?:is the |are the )?(?:max|limit|allowed)", re.IGNORECASE)
_REPORTED = re.compile(
    r"\b(?:current|actual|requested|resulted|rec[ei]+ved|given|got|contains?|has|have|supplied|passed|sent|provided)\b"
    r"|当前|实际|共有",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Overflow:
    """The numbers of an overflow, in tokens, as far as the server reported them."""

    prompt: int | None
    output: int | None
    window: int | None
    total: int | None = None
    """Prompt and output together, of servers that do not report the parts."""

    @property
    def is_bound(self) -> bool:
        """Whether `prompt` is only where the server stopped counting: vLLM reads no further than it must to refuse."""
        if self.prompt is None or self.output is None or self.window is None:
            return False
        return self.prompt + self.output == self.window + 1


def overflow_numbers(message: str) -> Overflow:
    """Reads the numbers of any word order, in English or Chinese; parts of the prompt are added up."""
    message = _FRACTION.sub("", _THOUSANDS.sub("", unicodedata.normalize("NFKC", message[:READ_LIMIT])))
    message = _RANGE.sub("<= ", _ASIDES.sub("", message))
    for form in _FORMS:
        if found := re.search(form, message):
            numbers = {name: int(value) for name, value in found.groupdict().items()}
            return Overflow(numbers["prompt"], numbers.get("output"), numbers["window"])
    known: dict[str, list[int]] = {"prompt": [], "output": [], "window": [], "total": []}
    for role, value in _roles(message):
        if value not in known[role]:
            known[role].append(value)
    parts, output = known["prompt"], next(iter(known["output"]), None)
    if output is None and _WHOLE.search(message) and parts:
        return Overflow(None, None, next(iter(known["window"]), None), parts[0])
    total = next(iter(known["total"]), None)
    prompt = sum(parts) if total is not None else next(iter(parts), None)
    return Overflow(prompt or None, output, next(iter(known["window"]), None), total)


def _roles(message: str) -> Iterator[tuple[str, int]]:
    begin = 0
    for found in _NUMBER.finditer(message):
        behind = message[found.end() :]
        end = _BEHIND.search(behind)
        role = _role(message[begin : found.start()], behind[: end.start() if end else 60])
        value = int(found[0])
        begin = found.end()
        if role is not None and (value or role == "output"):
            yield role, value


def _role(before: str, behind: str) -> str | None:
    """What a number is, by the words between the number before it and itself, and by those right behind it."""
    clauses = _CLAUSES.split(before)
    clause = next((each for each in reversed(clauses) if _is_telling(each)), "")
    if _OTHER_BEHIND.search(behind) or _OTHER_BEFORE.search(before):
        return None
    if _TOTAL.search(before) and not _PROMPT_BEHIND.search(behind) and not _OUTPUT.search(behind):
        return "total"
    limit, reported = _last(_LIMIT, clause), _last(_REPORTED, clause)
    is_output = _OUTPUT.search(behind) or (_last(_OUTPUT, clause) > limit and not _PROMPT_BEHIND.search(behind))
    if (limit > reported and not is_output) or _LIMIT_BEHIND.match(behind):
        return "window"
    if is_output:
        return None if limit > reported and not _last(_OUTPUT, clause) > limit else "output"
    if _PROMPT_BEHIND.search(behind) or reported >= 0:
        return "prompt"
    return "window" if _WINDOW.search(clause) else "prompt" if _PROMPT.search(clause) else None


def _is_telling(clause: str) -> bool:
    return any(words.search(clause) for words in (_OUTPUT, _PROMPT, _WINDOW, _LIMIT, _REPORTED))


def _last(words: re.Pattern[str], text: str) -> int:
    """Where the last of the words begins; -1 where there is none."""
    return max((found.start() for found in words.finditer(text)), default=-1)


def overflow_error(message: str) -> ApiError:
    """The overflow in the words from which Claude Code recovers by itself."""
    numbers = overflow_numbers(message)
    prompt, output, window = numbers.prompt, numbers.output, numbers.window
    if prompt is None or window is None or numbers.is_bound:
        return prompt_too_long()
    if prompt > window:
        return prompt_too_long(prompt, window)
    if output is not None and prompt < window < prompt + output:
        return output_too_long(prompt, output, window)
    return prompt_too_long()
