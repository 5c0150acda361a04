"""What of a request or an answer is protocol and may stay, and what somebody has said.

    zone       an object's keys             strings                             numbers
    protocol   stay where they are known    words stay, errors are gone         stay
                                            through, all else is replaced
    schema     stay where they are known    types stay                          stay
    names      as tools' parameters         -                                   -
    required   -                            as tools' parameters                -
    data       as tools' parameters         replaced                            replaced

Parameters of tools are names of the user's unless a translator knows them, as it does those of Claude Code's own tools.
"""

from __future__ import annotations

import re
from typing import Literal

from proxy.recording.scan import Place, Token, Zone
from proxy.recording.vocabulary import names, word_set

Action = Literal["keep", "fill", "error"]
"""Of an error the words stay that nobody has said in the request."""

_SCHEMAS = word_set(
    "input_schema parameters parametersJsonSchema responseJsonSchema responseSchema schema output_schema"
)
_DATA = word_set("args arguments partialArgs extra_body variables")
_OF_NAMES = word_set("properties $defs definitions patternProperties dependentSchemas")
_VALUES = word_set("enum const default examples example")
_WORDS = word_set(
    "type role object reason finish_reason finishReason stop_reason native_finish_reason status code event model "
    "modelVersion service_tier tier effort display media_type mime_type mimeType detail encoding blockReason category "
    "probability severity mode ttl thinkingLevel responseMimeType verbosity truncation phase tool_choice format "
    "strategy finish_details speed provider reasoning_effort scope level @type anthropic_version anthropic_beta "
    "include betas modality responseModalities traffic_type trafficType system_status object_type"
)
"""Members that hold one word of the protocol."""
_WORDS_OF_CLIENTS = word_set(
    "type role model media_type service_tier effort ttl anthropic_version anthropic_beta betas include tool_choice"
)
"""Those in which a client's word is no text, whether it is known or not."""
_ERRORS = word_set(
    "message msg detail details error error_msg error_message error_description errors reason param description raw "
    "finishMessage blockReasonMessage explanation statusMessage status_message stop_details refusal_reason title hint "
    "warning warnings fields field violations quotaMetric quotaId domain"
)
"""Members of an answer in which a server says what is wrong."""
_ALWAYS_ERRORS = word_set("finishMessage blockReasonMessage error error_msg error_message")
_DELTAS = word_set(
    "content text thinking delta arguments partial_json signature reasoning reasoning_content refusal data summary "
    "thoughtSignature encrypted_content input partialArgs"
)
"""Members whose text comes in pieces, one in each event."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,99}")
_KEY = re.compile(r"[A-Za-z_@$][A-Za-z0-9_]{0,39}")
_SCHEMA_TYPES = word_set("string number integer boolean object array null")


class Policy:
    """Of one document: what the client sent, what was asked upstream, or what was answered."""

    def __init__(self, *, is_answer: bool = False, is_refusal: bool = False) -> None:
        """`is_refusal`: the whole answer tells of an error."""
        self.is_answer = is_answer
        self._is_refusal = is_refusal

    def zone(self, place: Place, key: str, is_object: bool) -> Zone:
        """As `scan.ZoneOf`."""
        match place.zone:
            case "data":
                return "data"
            case "names":
                return "schema"
            case "required":
                return "required"
            case "schema":
                if key in _OF_NAMES and is_object:
                    return "names"
                return "required" if key == "required" else "data" if key in _VALUES else "schema"
        if key in _SCHEMAS and is_object:
            return "schema"
        is_input = key == "input" and is_object and place.is_object
        is_result = key == "response" and place.name == "functionResponse"
        is_data = key in _DATA or (key == "metadata" and not self.is_answer)
        return "data" if is_data or is_input or is_result else "protocol"

    def action(self, token: Token, text: str) -> Action:
        """What becomes of a token with this content."""
        if not token.sure:
            return "error" if self._is_refusal else "fill"
        match token.kind:
            case "key":
                return "keep" if self._keeps_key(token, text) else "fill"
            case "number":
                is_count = token.place.zone != "data" or not re.search("[1-9]", text)
                return "keep" if is_count else "fill"
            case "event":
                return "keep" if _WORD.fullmatch(text) else "fill"
            case "line" | "bare":
                return "error" if self.is_answer else "fill"
        return self._of_string(token, text)

    def comes_in_pieces(self, token: Token) -> bool:
        return token.kind == "string" and token.sure and token.key in _DELTAS

    def _keeps_key(self, token: Token, text: str) -> bool:
        if text in names():
            return True
        is_new = self.is_answer and token.place.zone == "protocol"
        return is_new and _KEY.fullmatch(text) is not None

    def _of_string(self, token: Token, text: str) -> Action:
        zone, key = token.place.zone, token.key
        if zone == "data":
            return "fill"
        if zone in ("required", "names"):
            return "keep" if text in names() else "fill"
        if zone == "schema":
            return "keep" if text in _SCHEMA_TYPES or (key in ("type", "format") and text in names()) else "fill"
        if self.is_answer and (self._tells_of_error(token) or key in _ALWAYS_ERRORS):
            return "keep" if key in _WORDS and _WORD.fullmatch(text) else "error"
        if key in (_WORDS if self.is_answer else _WORDS_OF_CLIENTS) and _WORD.fullmatch(text):
            return "keep"
        return "keep" if key not in _DELTAS and text in names() else "fill"

    def _tells_of_error(self, token: Token) -> bool:
        if token.key not in _ERRORS and token.key not in _WORDS:
            return False
        place: Place | None = token.place
        while place is not None:
            if place.name in ("error", "errors", "metadata_error") or (self._is_refusal and place.parent is None):
                return True
            place = place.parent
        return False
