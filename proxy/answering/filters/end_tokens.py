"""Control tokens at the very end of the text, which a server with the wrong template leaves there -> nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from proxy.protocol.deltas import (
    Delta,
    Finish,
    Note,
    RedactedThinking,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    Usage,
)
from proxy.providers.common.placeholders import EMPTY_ANSWER

TOKENS = (
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|end_of_text|>", "<|return|>", "<|eot|>"),
    *("<end_of_turn>", "<turn|>", "<eos>", "</s>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|END_OF_TURN_TOKEN|>"),
    *("<|end_of_sentence|>", "<|user|>", "<|observation|>", "[e~[", "<|role_end|>", "<|endofassistant|>"),
)
"""ChatML, GPT-2, Llama 3, Phi, Granite, gpt-oss, Llama 4, Gemma, Llama 2 and Mistral, DeepSeek, Command, GLM, MiniMax,
Ling, Qwen's first ones: as their chat templates have them (2026-11)."""
_ROW = re.compile(rf"(?:(?:{'|'.join(map(re.escape, TOKENS))})\s*)+")
_BEGINS = re.compile(r"[<\[]")
_TAIL = 120
"""Characters, in which some tokens in a row have room."""
_STRUCK = "<s>"
"""The tag of HTML that `</s>` closes."""
_SAYS_NOTHING = Usage | Note | ThinkingDelta | ThinkingEnd | RedactedThinking
_PREFIXES = frozenset(token[:size] for token in (*TOKENS, _STRUCK) for size in range(1, len(token)))


def end_tokens(batches: Iterable[Sequence[Delta]]) -> Iterator[Sequence[Delta]]:
    """Leaves out the tokens with which a complete answer's text ends; what anything follows stays.

    An answer that was nothing else says so: none is silently empty.
    """
    held, is_html, has_said = "", False, False
    for batch in batches:
        if not held and not _BEGINS.search("".join([each.text for each in batch if type(each) is TextDelta])):
            has_said = has_said or any(map(_says, batch))
            yield batch  # speed, no other rule
            continue
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, TextDelta):
                text = held + delta.text
                is_html = is_html or _STRUCK in text
                at = _begin(text) if _BEGINS.search(text, max(0, len(text) - _TAIL)) else len(text)
                held = text[at:]
                if at:
                    out.append(delta if at == len(delta.text) == len(text) else TextDelta(text[:at]))
                continue
            if held and not isinstance(delta, Usage | Note):
                is_row = _ROW.fullmatch(held) and not (is_html and "</s>" in held)
                if is_row and isinstance(delta, Finish) and delta.reason == "end":
                    out.append(Note("control tokens at the end of the text were left out"))
                    out.extend([] if has_said or any(map(_says, out)) else [TextDelta(EMPTY_ANSWER)])
                else:
                    out.append(TextDelta(held))
                held = ""
            out.append(delta)
        has_said = has_said or any(map(_says, out))
        yield out
    if held:
        yield [TextDelta(held)]


def _says(delta: Delta) -> bool:
    """Whether it is part of what an answer says, beside thoughts."""
    return bool(delta.text.strip()) if isinstance(delta, TextDelta) else not isinstance(delta, _SAYS_NOTHING)


def _begin(text: str) -> int:
    """Where the text ends in tokens, the last of which may still be coming; its length where it does not."""
    for found in _BEGINS.finditer(text, max(0, len(text) - _TAIL)):
        row = _ROW.match(text, found.start())
        end = row.end() if row else found.start()
        if end == len(text) or text[end:] in _PREFIXES:
            return found.start()
    return len(text)
