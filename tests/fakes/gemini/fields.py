"""The messages of the Gemini API and the parser that holds a JSON body to them, as the service's own does.

The published protobuf classes (google-ai-generativelanguage 0.12.1) cannot stand in for this table: they do not know
`thinkingLevel`, `store`, `serviceTier`, `includeServerSideToolInvocations` or the parts of server-side tools, all of
which the service takes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.gemini.errors import field_violations
from tests.fakes.gemini.signatures import decode
from tests.fakes.refusal import Refused

_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_STRUCT = "type.googleapis.com/google.protobuf.Struct"

# Message -> its fields as name:type. "*" repeats a field; "Map" holds schemas by name; struct, list and value are
# opaque JSON.
_MESSAGES: dict[str, str] = {
    "GenerateContentRequest": "model:string contents:Content* systemInstruction:Content tools:Tool* "
    "toolConfig:ToolConfig safetySettings:SafetySetting* generationConfig:GenerationConfig cachedContent:string "
    "labels:struct serviceTier:ServiceTier store:bool continuationToken:string",
    "CountTokensRequest": "model:string contents:Content* generateContentRequest:GenerateContentRequest",
    "Content": "role:string parts:Part*",
    "Part": "text:string inlineData:Blob fileData:FileData functionCall:FunctionCall "
    "functionResponse:FunctionResponse executableCode:ExecutableCode codeExecutionResult:CodeExecutionResult "
    "toolCall:ToolCall toolResponse:ToolResponse thought:bool thoughtSignature:bytes videoMetadata:struct "
    "mediaResolution:struct partMetadata:struct",
    "Blob": "mimeType:string data:bytes",
    "FileData": "mimeType:string fileUri:string",
    "FunctionCall": "id:string name:string args:struct",
    "FunctionResponse": "id:string name:string response:struct parts:FunctionResponsePart* willContinue:bool "
    "scheduling:FunctionResponse.Scheduling",
    "FunctionResponsePart": "inlineData:Blob fileData:FileData mediaResolution:struct",
    "ExecutableCode": "id:string language:ExecutableCode.Language code:string",
    "CodeExecutionResult": "id:string outcome:CodeExecutionResult.Outcome output:string",
    "ToolCall": "id:string toolType:ToolType args:struct",
    "ToolResponse": "id:string toolType:ToolType response:struct",
    "Tool": "functionDeclarations:FunctionDeclaration* googleSearch:GoogleSearch googleSearchRetrieval:struct "
    "codeExecution:CodeExecution urlContext:UrlContext computerUse:struct fileSearch:struct googleMaps:struct",
    "GoogleSearch": "searchTypes:struct timeRangeFilter:struct",
    "CodeExecution": "",
    "UrlContext": "",
    "FunctionDeclaration": "name:string description:string parameters:Schema parametersJsonSchema:value "
    "response:Schema responseJsonSchema:value behavior:FunctionDeclaration.Behavior",
    "Schema": "type:Type format:string title:string description:string nullable:bool enum:string* items:Schema "
    "maxItems:int64 minItems:int64 properties:Map required:string* minProperties:int64 maxProperties:int64 "
    "minimum:double maximum:double minLength:int64 maxLength:int64 pattern:string example:value anyOf:Schema* "
    "propertyOrdering:string* default:value",
    "ToolConfig": "functionCallingConfig:FunctionCallingConfig retrievalConfig:struct "
    "includeServerSideToolInvocations:bool",
    "FunctionCallingConfig": "mode:FunctionCallingConfig.Mode allowedFunctionNames:string*",
    "SafetySetting": "category:HarmCategory threshold:SafetySetting.HarmBlockThreshold",
    "GenerationConfig": "candidateCount:int32 stopSequences:string* maxOutputTokens:int32 temperature:float "
    "topP:float topK:int32 seed:int32 responseMimeType:string responseSchema:Schema responseJsonSchema:value "
    "presencePenalty:float frequencyPenalty:float responseLogprobs:bool logprobs:int32 "
    "enableEnhancedCivicAnswers:bool responseModalities:GenerationConfig.Modality* speechConfig:struct "
    "thinkingConfig:ThinkingConfig imageConfig:struct mediaResolution:GenerationConfig.MediaResolution",
    "ThinkingConfig": "includeThoughts:bool thinkingBudget:int32 thinkingLevel:ThinkingConfig.ThinkingLevel",
}
# What a part may be, of which it can be only one.
PART_DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_ONE_OF = {"Part": PART_DATA, "FunctionResponsePart": ("inlineData", "fileData")}
_HARMS = "HARASSMENT HATE_SPEECH SEXUALLY_EXPLICIT DANGEROUS_CONTENT CIVIC_INTEGRITY"
HARM_CATEGORIES = tuple(f"HARM_CATEGORY_{harm}" for harm in _HARMS.split())
_ENUMS: dict[str, tuple[str, ...]] = {
    name: tuple(values.split())
    for name, values in {
        "CodeExecutionResult.Outcome": "OUTCOME_UNSPECIFIED OUTCOME_OK OUTCOME_FAILED OUTCOME_DEADLINE_EXCEEDED",
        "ExecutableCode.Language": "LANGUAGE_UNSPECIFIED PYTHON",
        "FunctionCallingConfig.Mode": "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED",
        "FunctionDeclaration.Behavior": "UNSPECIFIED BLOCKING NON_BLOCKING",
        "FunctionResponse.Scheduling": "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT",
        "GenerationConfig.MediaResolution": "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW "
        "MEDIA_RESOLUTION_MEDIUM MEDIA_RESOLUTION_HIGH",
        "GenerationConfig.Modality": "MODALITY_UNSPECIFIED TEXT IMAGE AUDIO",
        "HarmCategory": "HARM_CATEGORY_UNSPECIFIED " + " ".join(HARM_CATEGORIES),
        "SafetySetting.HarmBlockThreshold": "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE "
        "BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH BLOCK_NONE OFF",
        "ServiceTier": "UNSPECIFIED STANDARD FLEX PRIORITY",
        "ThinkingConfig.ThinkingLevel": "THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH XHIGH",
        "ToolType": "TOOL_TYPE_UNSPECIFIED GOOGLE_SEARCH_WEB GOOGLE_SEARCH_IMAGE URL_CONTEXT GOOGLE_MAPS FILE_SEARCH",
        "Type": "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL",
    }.items()
}


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: "_" + capital[0].lower(), name)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: str
    repeated: bool


def _fields(text: str) -> dict[str, _Field]:
    found = {}
    for entry in text.split():
        name, kind = entry.split(":")
        found[name] = found[snake(name)] = _Field(name, kind.rstrip("*"), kind.endswith("*"))
    return found


_TABLE = {message: _fields(text) for message, text in _MESSAGES.items()}


def parse(message: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body with camelCase names, whole numbers as int and enums in capitals; what is null is left out.

    Raises Refused with every mismatch at once: unknown names, wrong types, unknown enum values, bad base64.
    """
    parser = _Parser()
    parsed = parser.message(message, body, "")
    if parser.problems:
        raise Refused(field_violations(parser.problems))
    assert isinstance(parsed, dict)
    return parsed


class _Parser:
    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def message(self, name: str, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            return self._invalid(path, _PACKAGE + name, value)
        parsed: dict[str, Any] = {}
        for key, given in value.items():
            field = _TABLE[name].get(key)
            if field is None:
                self._unknown(key, path, "Cannot find field.")
            elif given is not None:
                parsed[field.name] = self._field(field, key, given, path)
        chosen = [key for key in _ONE_OF.get(name, ()) if key in parsed]
        if len(chosen) > 1:
            text = f"oneof field 'data' is already set. Cannot set '{chosen[1]}'"
            self.problems.append((path, f"Invalid value at '{path}' (oneof), {text}"))
        return parsed

    def _field(self, field: _Field, key: str, given: Any, path: str) -> Any:
        here = f"{path}.{snake(field.name)}".lstrip(".")
        if field.repeated:
            # One object or scalar is as good as a list of it.
            items = given if isinstance(given, list) else [given]
            return [self._value(field.kind, item, f"{here}[{number}]") for number, item in enumerate(items)]
        if isinstance(given, list) and field.kind != "value":
            self._unknown(key, path, "Proto field is not repeating, cannot start list.")
            return None
        return self._value(field.kind, given, here)

    def _value(self, kind: str, given: Any, path: str) -> Any:
        if kind == "value":
            return given
        if kind == "struct":
            return given if isinstance(given, dict) else self._invalid(path, _STRUCT, given)
        if kind == "Map":
            return dict(self._map(given, path))
        if kind in _ENUMS:
            upper = given.upper() if isinstance(given, str) else None
            return upper if upper in _ENUMS[kind] else self._invalid(path, _PACKAGE + kind, given)
        if kind in _TABLE:
            return self.message(kind, given, path)
        return self._scalar(kind, given, path)

    def _map(self, given: Any, path: str) -> Iterator[tuple[str, Any]]:
        if not isinstance(given, dict):
            self._invalid(path, f"{_PACKAGE}Schema.PropertiesEntry", given)
            return
        for number, (key, value) in enumerate(given.items()):
            yield key, self.message("Schema", value, f"{path}[{number}].value")

    def _scalar(self, kind: str, given: Any, path: str) -> Any:
        if kind in ("string", "bool"):
            return given if isinstance(given, str if kind == "string" else bool) else self._wrong(kind, given, path)
        if kind == "bytes":
            return self._bytes(given, path)
        try:
            # Protobuf's JSON takes numbers in strings, too.
            number = float("x" if isinstance(given, bool) else given)
        except (TypeError, ValueError):
            return self._wrong(kind, given, path)
        if kind in ("int32", "int64"):
            whole = number.is_integer() and (kind == "int64" or -(2**31) <= number < 2**31)
            return int(number) if whole else self._wrong(kind, given, path)
        return number if math.isfinite(number) else self._wrong(kind, given, path)

    def _bytes(self, given: Any, path: str) -> Any:
        if not isinstance(given, str):
            return self._wrong("bytes", given, path)
        try:
            decode(given)
        except ValueError:
            text = f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {json.dumps(given[:80])}"
            self.problems.append((path, text))
        return given

    def _wrong(self, kind: str, given: Any, path: str) -> None:
        self._invalid(path, f"TYPE_{kind.upper()}", given)

    def _invalid(self, path: str, kind: str, given: Any) -> None:
        shown = json.dumps(given, ensure_ascii=False)[:200]
        self.problems.append((path, f"Invalid value at '{path}' ({kind}), {shown}"))

    def _unknown(self, key: str, path: str, why: str) -> None:
        where = f" at '{path}'" if path else ""
        self.problems.append((path, f'Invalid JSON payload received. Unknown name "{key}"{where}: {why}'))
