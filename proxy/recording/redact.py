"""Bytes without what somebody has said, and without keys, framed as they were.

A text that comes in pieces, one in each event, is put together first and is cut in the same places afterwards, so that
it makes no difference how a server cuts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from proxy.protocol.signature import is_ours
from proxy.providers.common.scrubber import Scrubber
from proxy.recording.echoes import Echoes
from proxy.recording.filler import Filler
from proxy.recording.policy import Action, Policy
from proxy.recording.scan import Scanner, Token, Zone
from proxy.recording.strings import Written
from proxy.recording.vocabulary import control_tokens, names

_JSON_BEGINS = ("{", "[")
_ENVELOPE = re.compile(r"[^|]*\|[^|]*\|[^|]*\|")
"""Of `protocol/signature.py`, up to its payload."""
_REPEATED_MIN = 15
"""Characters of a text that is taken for the beginning of the next piece, which says all once more."""
_ISLANDS = re.compile(
    r"</?(?:think|thinking|thought|reasoning|tool_call|function_call|tool_response|seed:think)>"
    r"|<\|channel\|>(?:analysis|commentary|final)(?=<\|message\|>)|" + "|".join(map(re.escape, control_tokens())) + "|"
    r"mcp__|(?<![A-Za-z])(?:toolu|srvtoolu|call|msg|req|resp|rs|fc|ws|chatcmpl)[_-](?=[A-Za-z0-9])"
    r"|(?<![A-Za-z])(?:functions?|tools?|default_api)[.:/]|x-anthropic-billing-header:|utm_source=openai"
    r"|<!doctype|<html|<\?xml|<head|https?://|gs://|#/(?:\$defs|definitions)/"
)
"""What translators look for inside of texts and ids."""
_MESS = re.compile(rb"[0-9A-Za-z\x80-\xff]")
_CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")

Texts = list[str]


@dataclass(slots=True)
class _Channel:
    """A text that comes in pieces."""

    text: str = ""
    pieces: list[tuple[Token, Written, int]] = field(default_factory=list)
    """With the place of each in the text."""

    def add(self, token: Token, written: Written) -> None:
        piece, so_far = written.text, self.text
        is_json = so_far[:1] in _JSON_BEGINS and so_far != piece
        if so_far and piece.startswith(so_far) and (is_json or len(so_far) > _REPEATED_MIN):
            self.text = ""
        self.pieces.append((token, written, len(self.text)))
        self.text += piece


class Redactor:
    """Of one recording. Without a filler it takes out keys and nothing else."""

    def __init__(self, scrubber: Scrubber, filler: Filler | None, islands: Iterable[str] = ()) -> None:
        """`islands`: what has to be found inside of texts, as stop sequences are."""
        self._scrubber = scrubber
        self._filler = filler
        self._stops = re.compile(
            "|".join(map(re.escape, sorted(filter(None, islands), key=len, reverse=True))) or r"(?!)"
        )
        self._echoes = Echoes(list)
        self._kept: dict[tuple[str, bool], str] = {}
        self.unsure = False
        """Whether something could not be read, so that all of it was replaced."""

    def hears(self, echoes: Echoes) -> None:
        """Takes what may be quoted in errors."""
        self._echoes = echoes

    def pieces(self, pieces: Sequence[bytes], policy: Policy, *, framed: bool) -> list[bytes]:
        """The pieces of one body, cut as they were."""
        whole = self.body(b"".join(pieces), policy, framed=framed)
        cut, at = [], 0
        for piece in pieces:
            cut.append(whole[at : at + len(piece)])
            at += len(piece)
        return cut

    def body(self, body: bytes, policy: Policy, *, framed: bool = False) -> bytes:
        """As many bytes as before."""
        rest = found[0] if (found := _CUT_CHARACTER.search(body)) else b""
        text = body[: len(body) - len(rest)].decode("utf-8", "surrogateescape")
        try:
            made = self._document(text, policy, "protocol", framed).encode("utf-8", "surrogateescape") + rest
        except (UnicodeError, RecursionError):
            made = b""
        if len(made) != len(body):
            self.unsure = True
            made = _MESS.sub(b"x", body)
        return made

    def text(self, text: str) -> str:
        """Filler for a text that stands alone, such as a header's value."""
        if self._filler is None:
            return self._scrubber.masked(text)
        return self._filled(text)

    def masked(self, text: str) -> str:
        """Without keys."""
        return self._scrubber.masked(text)

    def name(self, text: str) -> str:
        """A name that stays where it is everybody's."""
        is_known = self._filler is None or self._echoes.is_public(text)
        return self._scrubber.masked(text) if is_known else self.text(text)

    def error(self, text: str) -> str:
        """What a server or the proxy says of a failure."""
        masked = self._scrubber.masked(text)
        return masked if self._filler is None else self._echoes.without(masked, self._filler)

    def _document(self, text: str, policy: Policy, zone: Zone, framed: bool) -> str:
        made: list[tuple[int, int, str]] = []
        later: list[tuple[Token, Written]] = []
        for token in Scanner(text, policy.zone, zone, framed=framed):
            self.unsure = self.unsure or (not token.sure and zone == "protocol")
            written = Written(text[token.start : token.end])
            if framed and (policy.comes_in_pieces(token) or self._is_piece_of_name(token, written.text)):
                later.append((token, written))
            elif (new := self._changed(token, written.text, policy)) != written.text:
                made.append((token.start, token.end, written.with_text(new)))
        for channel in _channels(later):
            token = channel.pieces[-1][0]
            whole = self._changed(token, channel.text, policy)
            for piece, written, at in channel.pieces:
                end = at + len(written.text)
                is_part = channel.text[at:end] == written.text
                new = whole[at:end] if is_part else self._changed(piece, written.text, policy)
                made.append((piece.start, piece.end, written.with_text(new)))
        return _joined(text, sorted(made))

    def _is_piece_of_name(self, token: Token, text: str) -> bool:
        """Some servers send a tool's name in pieces; that of the request is known by now."""
        is_whole = text in names() or (self._filler is not None and self._filler.has(text))
        return token.kind == "string" and token.key == "name" and not is_whole

    def _changed(self, token: Token, text: str, policy: Policy) -> str:
        if self._filler is None:
            return self._scrubber.masked(text)
        action: Action = policy.action(token, text)
        if action == "keep":
            word = (text, policy.is_answer and token.kind != "number")
            if word not in self._kept:
                self._kept[word] = self._kept_word(*word)
            return self._kept[word]
        if action == "error":
            return self.error(text)
        if token.kind == "number":
            return _number(text, self._filler)
        return self._filled(text)

    def _kept_word(self, text: str, may_be_said: bool) -> str:
        """A word of a protocol, unless it is the user's: one of an answer that nobody knows stands in the request."""
        return self.text(text) if may_be_said and self._echoes.says(text) else self._scrubber.masked(text)

    def _filled(self, text: str) -> str:
        """Filler; what is JSON by its beginning stays as readable as it was."""
        assert self._filler is not None
        if text.lstrip()[:1] in _JSON_BEGINS and len(text) > 1:
            return self._document(text, Policy(), "data", False)
        if is_ours(text) and (envelope := _ENVELOPE.match(text)):
            payload = text[envelope.end() :]
            is_json = payload[:1] in _JSON_BEGINS
            return envelope[0] + (
                self._document(payload, Policy(), "protocol", False) if is_json else self._plain(payload)
            )
        return self._plain(text)

    def _plain(self, text: str) -> str:
        assert self._filler is not None
        filled = self._filler.of(text)
        for pattern, change in ((self._stops, self._filler.of), (_ISLANDS, _itself)):
            filled = _with_islands(text, filled, pattern, change)
        return filled


def texts_in(body: bytes, policy: Policy, *, framed: bool = False) -> Texts:
    """All strings of a body that somebody may quote, those in pieces put together."""
    text = body.decode("utf-8", "replace")
    later: list[tuple[Token, Written]] = []
    found: Texts = []
    for token in Scanner(text, policy.zone, framed=framed):
        written = Written(text[token.start : token.end])
        if framed and policy.comes_in_pieces(token):
            later.append((token, written))
        elif policy.action(token, written.text) == "fill":
            found.append(written.text)
    return [*found, *(channel.text for channel in _channels(later))]


def _channels(pieces: Iterable[tuple[Token, Written]]) -> Iterable[_Channel]:
    """To be called when all is read: what a delta belongs to may stand behind it."""
    channels: dict[object, _Channel] = {}
    for token, written in pieces:
        channels.setdefault((token.place.path(), token.key), _Channel()).add(token, written)
    return channels.values()


def _joined(text: str, made: Iterable[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    copied = 0
    for start, end, new in made:
        pieces += (text[copied:start], new)
        copied = end
    return "".join([*pieces, text[copied:]])


def _with_islands(text: str, filled: str, pattern: re.Pattern[str], change: Callable[[str], str]) -> str:
    for island in pattern.finditer(text):
        filled = filled[: island.start()] + change(island[0]) + filled[island.end() :]
    return filled


def _itself(text: str) -> str:
    return text


def _number(text: str, filler: Filler) -> str:
    """Another number of as many digits."""
    digits, exponent, power = re.fullmatch(r"([^eE]*)([eE]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    made = filler.of(digits)
    first = re.match(r"-?[1-9]", digits)
    if first is not None and made[first.end() - 1] == "0":
        made = f"{made[: first.end() - 1]}1{made[first.end() :]}"
    if digits.lstrip("-").startswith("0"):
        at = digits.index("0")
        made = f"{made[:at]}0{made[at + 1 :]}"
    return made + exponent + power
