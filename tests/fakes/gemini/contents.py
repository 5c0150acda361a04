"""The rules for `contents` of the Gemini API, over a parsed body: roles, parts, media, turns and thought signatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from tests.fakes.gemini.errors import refuse, refuse_field, signature_missing
from tests.fakes.gemini.fields import PART_DATA
from tests.fakes.gemini.models import ModelRules
from tests.fakes.gemini.signatures import is_sentinel, problem
from tests.fakes.refusal import Refused

Content = dict[str, Any]
Part = dict[str, Any]

_MEDIA = {
    "application/pdf",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/webp",
}
_MEDIA_KINDS = ("audio/", "text/", "video/")
_RESPONSE_MEDIA = {"application/pdf", "image/jpeg", "image/png", "image/webp", "text/plain"}
_CALL_AFTER_USER = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
_RESPONSE_AFTER_CALL = "Please ensure that function response turn comes immediately after a function call turn."
_EQUAL_COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)


def check_contents(contents: list[Content], model: ModelRules) -> None:
    check_not_empty(contents)
    for number, content in enumerate(contents):
        role = content.get("role", "user")
        if role not in ("user", "model"):
            refuse("Please use a valid role: user, model.")
        for index, part in enumerate(content["parts"]):
            _check_part(f"contents[{number}].parts[{index}]", part, role, model)
    _check_turns(contents)
    _check_signatures(contents, model)
    if contents[-1].get("role") == "model" and not model.prefill:
        refuse("Requests ending with a model turn are not supported.")


def check_not_empty(contents: list[Content]) -> None:
    if not contents:
        refuse_field("contents", "contents is not specified")
    for number, content in enumerate(contents):
        _check_parts(f"contents[{number}]", content)


def check_system(system: Content) -> None:
    _check_parts("system_instruction", system)
    if any("text" not in part for part in system["parts"]):
        # The refusal is documented, its words are not.
        refuse_field("system_instruction.parts", "only text is supported")


def _check_parts(where: str, content: Content) -> None:
    if not content.get("parts"):
        refuse_field(f"{where}.parts", "contents.parts must not be empty.")
    for index, part in enumerate(content["parts"]):
        if not any(key in part for key in PART_DATA):
            refuse_field(f"{where}.parts[{index}].data", "required oneof field 'data' must have one initialized field")


def _check_part(where: str, part: Part, role: str, model: ModelRules) -> None:
    call = part.get("functionCall")
    response = part.get("functionResponse")
    for key, given, author in (("function_call", call, "model"), ("function_response", response, "user")):
        if given is None:
            continue
        if not given.get("name"):
            refuse_field(f"{where}.{key}.name", "Name cannot be empty.")
        if role != author:
            refuse_field(f"{where}.{key}", f"must be in a content of role {author}")
    if "thoughtSignature" in part and role == "user":
        refuse_field(f"{where}.thought_signature", "must be in a content of role model, as it came")
    _check_media(where, part, _MEDIA, _MEDIA_KINDS)
    if response is not None:
        _check_response(f"{where}.function_response", response, model)


def _check_response(where: str, response: Part, model: ModelRules) -> None:
    if "response" not in response:
        refuse_field(f"{where}.response", "must be set")
    if "$ref" in _keys(response["response"]):
        # Taken for a reference to one of the parts of the response; the words are not documented.
        refuse_field(f"{where}.response", "$ref does not name a part of the function response")
    if response.get("parts") and not model.newer:
        refuse("Unable to submit request because `function_response.parts` is not supported for this model.")
    for index, part in enumerate(response.get("parts", ())):
        here = f"{where}.parts[{index}]"
        if "inlineData" not in part and "fileData" not in part:
            refuse_field(f"{here}.data", "required oneof field 'data' must have one initialized field")
        _check_media(here, part, _RESPONSE_MEDIA, ())


def _check_media(where: str, part: Part, types: set[str], kinds: tuple[str, ...]) -> None:
    for key in ("inlineData", "fileData"):
        if key not in part:
            continue
        given = part[key].get("mimeType", "")
        # The type of a file may be left for the service to find out.
        if given not in types and not given.startswith(kinds) and (given or key == "inlineData"):
            refuse(f"Unsupported MIME type: {given}")
    if "inlineData" in part and not part["inlineData"].get("data"):
        refuse_field(f"{where}.inline_data.data", "must not be empty")
    if "fileData" in part and not part["fileData"].get("fileUri", "").startswith("https://"):
        refuse("Cannot fetch content from the provided URL. Please ensure the URL is valid and accessible.")


def _check_turns(contents: list[Content]) -> None:
    unanswered: list[Part] = []
    before = "nothing"
    for content in contents:
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        answers = any("functionResponse" in part for part in content["parts"])
        if answers:
            if before != "calls":
                refuse(_RESPONSE_AFTER_CALL)
            _check_answers(content["parts"], unanswered)
            unanswered = []
            before = "answers"
        elif calls:
            # Parallel calls may be spread over contents that follow each other.
            if before in ("nothing", "model"):
                refuse(_CALL_AFTER_USER)
            unanswered += calls
            before = "calls"
        else:
            if unanswered:
                refuse(_EQUAL_COUNT)
            before = content.get("role", "user")
    if unanswered:
        refuse(_EQUAL_COUNT)


def _check_answers(parts: list[Part], calls: list[Part]) -> None:
    # Other parts may follow the responses, not stand between them.
    answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
    leading = parts[: len(answers)]
    if len(answers) != len(calls) or not all("functionResponse" in part for part in leading):
        refuse(_EQUAL_COUNT)
    for call, answer in zip(calls, answers, strict=True):
        asked, given = ((part["name"], part.get("id", "")) for part in (call, answer))
        if asked != given:
            # That they have to agree is documented, the words are not.
            refuse(
                "Please ensure that function response parts have the names and ids of the function call parts, in "
                f"their order: expected {asked}, got {given}."
            )


def _check_signatures(contents: list[Content], model: ModelRules) -> None:
    # The turn began with the last content of the user's that answers no function; earlier ones are not validated.
    asked = [number for number, content in enumerate(contents) if _asks(content)]
    for number, part, first in _calls(contents, asked[-1] if asked else 0):
        wrong = _signature_problem(part, model.name)
        if wrong:
            refuse(wrong)
        if first and model.newer and not part.get("thoughtSignature"):
            raise Refused(signature_missing(part["functionCall"]["name"], number + 1))


SignatureState = Literal["signed", "sentinel", "missing", "wrong", "sibling"]


def signature_states(contents: list[Content], model: str) -> list[tuple[str, SignatureState]]:
    """Name and state of every function call of the whole history, for tests that look beyond the current turn.

    "sibling" is a parallel call that rightly has none; "missing" a first call of a step that has none.
    """
    states: list[tuple[str, SignatureState]] = []
    for _, part, first in _calls(contents, 0):
        state: SignatureState = "missing" if first else "sibling"
        if part.get("thoughtSignature"):
            wrong = _signature_problem(part, model)
            state = "wrong" if wrong else "sentinel" if is_sentinel(part["thoughtSignature"]) else "signed"
        states.append((part["functionCall"]["name"], state))
    return states


def _signature_problem(part: Part, model: str) -> str | None:
    signature, call = part.get("thoughtSignature"), part["functionCall"]
    return problem(signature, model, call["name"], call.get("args", {})) if signature else None


def _calls(contents: list[Content], start: int) -> Iterator[tuple[int, Part, bool]]:
    """Number of the content, part, and whether it is the first call of its step."""
    first = True
    for number, content in enumerate(contents[start:], start):
        if content.get("role") != "model":
            first = True
            continue
        for part in content["parts"]:
            if "functionCall" in part:
                yield number, part, first
                first = False


def _asks(content: Content) -> bool:
    return content.get("role", "user") == "user" and not any("functionResponse" in part for part in content["parts"])


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
