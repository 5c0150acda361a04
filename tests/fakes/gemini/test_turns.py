"""Order and pairing of calls and responses, and the thought signatures that have to come back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes.gemini.bodies import answer, call, contents, media, model, text, user
from tests.fakes.gemini.contents import signature_states
from tests.fakes.gemini.models import MODELS, find
from tests.fakes.gemini.rules import refusal
from tests.fakes.gemini.signatures import SENTINELS, issue, problem

FLASH25, FLASH3, FLASH38 = "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash"
RAW = SENTINELS[0]
ENCODED = base64.b64encode(RAW.encode()).decode()
CALL_FIRST = "function call turn comes immediately after a user turn or after a function response turn."
RESPONSE_FIRST = "function response turn comes immediately after a function call turn."
EQUAL = "number of function response parts is equal to the number of function call parts of the function call turn."
MATCH = "function response parts have the names and ids of the function call parts"


def refused(name: str, *given: dict[str, Any]) -> str | None:
    rules = find(MODELS, name)
    assert rules is not None
    found = refusal(contents(*given), rules)
    return found.message if found else None


def signed(name: str = "Read", args: dict[str, Any] | None = None, of: str = FLASH38, **more: Any) -> dict[str, Any]:
    return call(name, args, signature=issue(of, name, args), **more)


# name, the conversation, a piece of the message; refused by every model
ORDER: dict[str, tuple[list[dict[str, Any]], str]] = {
    "call_first": ([model(call(signature=RAW)), user(answer())], CALL_FIRST),
    "call_after_model_text": ([user(), model(), model(call(signature=RAW)), user(answer())], CALL_FIRST),
    "response_without_call": ([user(), user(answer())], RESPONSE_FIRST),
    "response_after_text": ([user(), model(), user(answer())], RESPONSE_FIRST),
    "second_response": ([user(), model(call(signature=RAW)), user(answer()), user(answer())], RESPONSE_FIRST),
    "responses_spread_over_contents": (
        [user(), model(call(signature=RAW), call()), user(answer()), user(answer())],
        EQUAL,
    ),
    "text_instead_of_response": ([user(), model(call(signature=RAW)), user()], EQUAL),
    "text_before_response_turn": ([user(), model(call(signature=RAW)), user(), user(answer())], EQUAL),
    "no_response_at_all": ([user(), model(call(signature=RAW))], EQUAL),
    "too_few": ([user(), model(call(signature=RAW), call()), user(answer())], EQUAL),
    "too_many": ([user(), model(call(signature=RAW)), user(answer(), answer())], EQUAL),
    "text_before_response": ([user(), model(call(signature=RAW)), user(text(), answer())], EQUAL),
    "image_between_responses": (
        [user(), model(call(signature=RAW), call()), user(answer(), media(), answer())],
        EQUAL,
    ),
    "other_name": ([user(), model(call(signature=RAW)), user(answer("Write"))], MATCH),
    "other_id": ([user(), model(call(signature=RAW, id="a")), user(answer(id="b"))], MATCH),
    "id_missing": ([user(), model(call(signature=RAW, id="a")), user(answer())], MATCH),
    "other_order": (
        [
            user(),
            model(call("A", signature=RAW, id="a"), call("B", id="b")),
            user(answer("B", id="b"), answer("A", id="a")),
        ],
        MATCH,
    ),
    "call_by_user": ([user(call())], "contents[0].parts[0].function_call: must be in a content of role model"),
    "response_by_model": (
        [user(), model(call(signature=RAW)), model(answer())],
        "contents[2].parts[0].function_response: must be in a content of role user",
    ),
    "call_without_name": ([user(), model(call(""))], "contents[1].parts[0].function_call.name: Name cannot be empty."),
    "response_without_name": ([user(), model(call(signature=RAW)), user(answer(""))], "Name cannot be empty."),
    "response_missing": (
        [user(), model(call(signature=RAW)), user({"functionResponse": {"name": "Read"}})],
        "function_response.response: must be set",
    ),
    "reference_in_response": (
        [user(), model(call(signature=RAW)), user(answer(response={"output": [{"$ref": "#/x"}]}))],
        "$ref does not name a part",
    ),
    "signature_on_response": (
        [user(), model(call(signature=RAW)), user({**answer(), "thoughtSignature": RAW})],
        "contents[2].parts[0].thought_signature: must be in a content of role model",
    ),
    "signature_on_user_text": ([user(text(thoughtSignature=RAW))], "must be in a content of role model"),
}


@pytest.mark.parametrize("name", ORDER)
def test_order_is_refused(name: str) -> None:
    given, message = ORDER[name]
    for of in (FLASH25, FLASH3, FLASH38, "gemini-9"):
        assert message in (refused(of, *given) or "taken")


@pytest.mark.parametrize("of", [FLASH25, FLASH3, FLASH38, "gemini-4-argon", "gemini-9"])
def test_orders_taken(of: str) -> None:
    first, second = signed("A", {"n": [1, {"m": None}]}, of, id="a"), call("B", {"n": 2}, id="b")
    answers = [answer("A", id="a"), answer("B", id="b")]
    for calls in ([model(text(), first, second)], [model(first), model(second)]):
        assert refused(of, user(), *calls, user(*answers)) is None
        assert refused(of, user(), *calls, user(*answers, text("and"), media())) is None
        assert refused(of, user(), *calls, user(*answers), user(text("a reminder"))) is None
        assert refused(of, user(), user(), *calls, user(*answers), model(signed(of=of)), user(answer())) is None
    assert refused(of, user(), model(), model(), user()) is None


@pytest.mark.parametrize(
    ("of", "taken"),
    [
        (FLASH25, True),
        (FLASH3, True),
        ("gemini-3.1-pro-preview", True),
        ("gemini-3.5-flash-lite", False),
        ("gemini-3.6-flash", False),
        (FLASH38, False),
        ("gemini-4-neon", False),
        ("gemini-9", False),
    ],
)
def test_last_turn_of_the_models(of: str, taken: bool) -> None:
    message = refused(of, user(), model(text("The answer is")))
    assert message == (None if taken else "Requests ending with a model turn are not supported.")


MISSING = "Additional data, function call `default_api:{}` , position {}. Please refer to"


@pytest.mark.parametrize("of", [FLASH3, FLASH38, "gemini-4-carbon", "gemini-9"])
def test_signatures_of_the_current_turn(of: str) -> None:
    step = [model(signed("A", {"n": 1}, of), call("B")), user(answer("A"), answer("B"))]
    assert refused(of, user(), *step) is None
    assert MISSING.format("Read", 2) in (refused(of, user(), model(call()), user(answer())) or "")
    assert MISSING.format("Read", 4) in (refused(of, user(), *step, model(call()), user(answer())) or "")
    # Only the first of parallel calls may stand for all of them.
    swapped = [model(call("B"), signed("A", {"n": 1}, of)), user(answer("B"), answer("A"))]
    assert MISSING.format("B", 2) in (refused(of, user(), *swapped) or "")
    # A response with a remark does not begin a turn, words of the user's own do.
    assert MISSING.format("Read", 2) in (refused(of, user(), model(call()), user(answer(), text())) or "")
    assert refused(of, user(), model(call()), user(answer()), user(text())) is None
    assert refused(of, user(), model(call()), user(answer()), model(), user()) is None


def test_older_models_do_not_need_signatures_and_read_them() -> None:
    assert refused(FLASH25, user(), model(call()), user(answer())) is None
    assert refused(FLASH25, user(), model(signed(of=FLASH25)), user(answer())) is None
    assert refused(FLASH25, user(), model(signed(of=FLASH38)), user(answer())) == "Invalid thought signature."


@pytest.mark.parametrize("sentinel", [RAW, ENCODED, ENCODED.rstrip("="), SENTINELS[1]])
@pytest.mark.parametrize("of", [FLASH25, FLASH3, FLASH38, "gemini-9"])
def test_sentinels(of: str, sentinel: str) -> None:
    assert (
        refused(of, user(), model(call(signature=sentinel), call("B", signature=sentinel)), user(answer(), answer("B")))
        is None
    )


GOOD = issue(FLASH38, "Read", {"n": 1})


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (GOOD, None),
        (GOOD.replace("+", "-").replace("/", "_").rstrip("="), None),
        (issue(FLASH38, "Read", {"n": 1.0}, size=100_000), None),
        (issue(FLASH38, "Read", {"n": 2}), "Corrupted thought signature."),
        (issue(FLASH38, "Write", {"n": 1}), "Corrupted thought signature."),
        (issue(FLASH38), "Corrupted thought signature."),
        (issue("gemini-3.6-flash", "Read", {"n": 1}), "Invalid thought signature."),
        ("AAAA", "Corrupted thought signature."),
        ("//79", "Corrupted thought signature."),
        ("gm1.api.model.AAAA", "Invalid value at 'contents[1].parts[0].thought_signature' (TYPE_BYTES)"),
    ],
)
def test_signatures_belong_to_their_call_and_model(signature: str, message: str | None) -> None:
    found = refused(FLASH38, user(), model(call(args={"n": 1}, signature=signature)), user(answer()))
    assert found == message if message is None else found is not None and found.startswith(message)


def test_signatures_have_the_size_asked_for_and_stay_the_same() -> None:
    assert issue(FLASH38, "Read", {"n": 1}) == GOOD
    assert len(base64.b64decode(issue(FLASH38, "Read", size=104_000))) == 104_000
    assert problem(GOOD, FLASH38, "Read", {"n": 1}) is None


def test_states_of_the_signatures_of_the_whole_history() -> None:
    history = [
        user(),
        model(text(), signed("A"), call("B")),
        user(answer("A"), answer("B")),
        model(call("C", signature=ENCODED)),
        user(answer("C")),
        model(call("D")),
        user(answer("D")),
        model(signed("E", of=FLASH3)),
        user(answer("E")),
    ]
    states = [("A", "signed"), ("B", "sibling"), ("C", "sentinel"), ("D", "missing"), ("E", "wrong")]
    assert signature_states(history, FLASH38) == states


@pytest.mark.parametrize(
    ("of", "parts", "message"),
    [
        (FLASH25, [media()], "`function_response.parts` is not supported for this model."),
        (FLASH3, [media(), media("application/pdf"), media("text/plain")], None),
        (FLASH38, [media("image/webp"), media("image/jpeg")], None),
        ("gemini-9", [media()], None),
        (FLASH38, [media("image/gif")], "Unsupported MIME type: image/gif"),
        (FLASH38, [media("image/heic")], "Unsupported MIME type: image/heic"),
        (FLASH38, [text()], "Unknown name \"text\" at 'contents[2].parts[0].function_response.parts[0]'"),
        (FLASH38, [{}], "function_response.parts[0].data: required oneof field 'data'"),
        (FLASH38, [media(data="")], "function_response.parts[0].inline_data.data: must not be empty"),
    ],
)
def test_media_of_function_responses(of: str, parts: list[dict[str, Any]], message: str | None) -> None:
    found = refused(of, user(), model(call(signature=RAW)), user(answer(parts=parts)))
    assert found is None if message is None else message in (found or "taken")
