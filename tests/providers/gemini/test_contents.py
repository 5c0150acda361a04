"""Conversations as Gemini's contents."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.models.habits import Habits
from proxy.protocol.signature import NO_STATE, seal
from tests.fakes.gemini.signatures import SENTINELS, issue
from tests.providers.gemini.pieces import MODELS, NEW, OLD, calls_of, kinds_of, translate
from tests.translation import (
    PDF,
    PNG,
    asking,
    assistant,
    call,
    image,
    pdf,
    result,
    system,
    text,
    thinking,
    tool,
    user,
)

Json = dict[str, Any]

_GIF = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lGODlhAQABAAAAACw="}}
_LINK = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.webp?x=1"}}
_PLAIN_LINK = {"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/a.png"}}
_PDF_LINK = {"type": "document", "source": {"type": "url", "url": "https://example.org/paper"}}

# Messages, and of each content its role and the kinds of its parts.
SHAPES: dict[str, tuple[list[Json], list[tuple[str, list[str]]]]] = {
    "one": ([user("hi")], [("user", ["text"])]),
    "roles": ([user("a"), assistant("b"), user("c")], [("user", ["text"]), ("model", ["text"]), ("user", ["text"])]),
    "neighbours_are_one": ([user("a"), user("b", image())], [("user", ["text", "text", "inlineData"])]),
    "blank_texts": ([user("a", " \n", "b")], [("user", ["text", "text"])]),
    "assistant_first": ([assistant("a"), user("b")], [("user", ["text"]), ("model", ["text"]), ("user", ["text"])]),
    "case_19_assistant_last": (
        [user("a"), assistant("b")],
        [("user", ["text"]), ("model", ["text"]), ("user", ["text"])],
    ),
    "case_19_system_last": (
        [user("a"), assistant("b"), system("be brief")],
        [("user", ["text"]), ("model", ["text"]), ("user", ["text"])],
    ),
    "system_in_the_middle": ([user("a"), system("s"), user("b")], [("user", ["text", "text", "text"])]),
    "case_75_parallel": (
        [user("a"), assistant(call("t1"), call("t2")), user(result("t1"), result("t2"))],
        [("user", ["text"]), ("model", ["functionCall"] * 2), ("user", ["functionResponse"] * 2)],
    ),
    "case_75_results_split_over_turns": (
        [user("a"), assistant(call("t1"), call("t2")), user(result("t2")), user(result("t1"), "and now")],
        [
            ("user", ["text"]),
            ("model", ["functionCall"] * 2),
            ("user", ["functionResponse"] * 2),
            ("user", ["text"]),
        ],
    ),
    "case_75_system_between_call_and_result": (
        [user("a"), assistant(call("t1")), system("s"), user(result("t1"))],
        [("user", ["text"]), ("model", ["functionCall"]), ("user", ["functionResponse"]), ("user", ["text"])],
    ),
    "case_75_result_missing": (
        [user("a"), assistant(call("t1"), call("t2")), user(result("t2"), "go on")],
        [("user", ["text"]), ("model", ["functionCall"] * 2), ("user", ["functionResponse"] * 2), ("user", ["text"])],
    ),
    "calls_last": (
        [user("a"), assistant("b", call("t1"))],
        [("user", ["text"]), ("model", ["text", "functionCall"]), ("user", ["functionResponse"])],
    ),
    "result_without_call": ([user(result("t9", "lost"))], [("user", ["text", "text"])]),
    "call_first": (
        [assistant(call("t1")), user(result("t1"))],
        [("user", ["text"]), ("model", ["functionCall"]), ("user", ["functionResponse"])],
    ),
    "two_steps": (
        [user("a"), assistant(call("t1")), user(result("t1")), assistant(call("t2")), user(result("t2"))],
        [
            ("user", ["text"]),
            ("model", ["functionCall"]),
            ("user", ["functionResponse"]),
            ("model", ["functionCall"]),
            ("user", ["functionResponse"]),
        ],
    ),
    "only_thinking": (
        [user("a"), assistant(thinking("hm")), user("b")],
        [("user", ["text", "text"])],
    ),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str, model: str) -> None:
    messages, expected = SHAPES[name]
    contents = translate(asking(*messages, tools=[tool()]), model).contents
    assert [(content["role"], kinds_of(content)) for content in contents] == expected


def _responses(contents: list[Json]) -> list[Json]:
    return [part["functionResponse"] for each in contents for part in each["parts"] if "functionResponse" in part]


def _talk(*results: Json | str, calls: int = 1) -> Json:
    made = [call(f"t{number}", "Read") for number in range(1, calls + 1)]
    return asking(user("a"), assistant(*made), user(*results), tools=[tool()])


def test_case_75_responses_in_the_order_of_the_calls() -> None:
    contents = translate(_talk(result("t3", "3"), result("t1", "1"), result("t2", "2"), calls=3)).contents
    responses = _responses(contents)
    assert [response["id"] for response in responses] == ["t1", "t2", "t3"]
    assert [response["response"] for response in responses] == [{"output": "1"}, {"output": "2"}, {"output": "3"}]
    assert {response["name"] for response in responses} == {"Read"}


@pytest.mark.parametrize(
    ("given", "response"),
    [
        (result("t1", "fine"), {"output": "fine"}),
        (result("t1", "it broke", is_error=True), {"error": "it broke"}),
        (result("t1", ""), {"output": "(no output)"}),
        (result("t1", []), {"output": "(no output)"}),
        (result("t1", None), {"output": "(no output)"}),
        (result("t1", [text("a"), text("b")]), {"output": "a\nb"}),
        (result("t1", '{"$ref": "#/x"}'), {"output": '{"$ref": "#/x"}'}),
    ],
)
def test_case_15_response(given: Json, response: Json) -> None:
    assert _responses(translate(_talk(given)).contents)[0]["response"] == response


def test_missing_result_is_an_error() -> None:
    translation = translate(_talk("never mind"))
    assert "error" in _responses(translation.contents)[0]["response"]
    assert any("without its tool_result" in note for note in translation.notes)


@pytest.mark.parametrize(("content", "mime"), [(image(), "image/png"), (pdf(), "application/pdf")])
def test_case_10_13_files_in_results(content: Json, mime: str) -> None:
    """Gemini 3 takes them inside; before, they follow as a turn of the user's that says whose they are."""
    body = _talk(result("t1", [text("here"), content]), result("t2", "2"), calls=2)
    new = translate(body, NEW).contents
    first, second = _responses(new)
    assert first["parts"] == [{"inlineData": {"mimeType": mime, "data": PNG if mime == "image/png" else PDF}}]
    assert "attached" in first["response"]["output"]
    assert "parts" not in second
    old = translate(body, OLD).contents
    assert kinds_of(old[-2]) == ["functionResponse"] * 2
    assert kinds_of(old[-1]) == ["text", "inlineData"]
    assert "Read" in old[-1]["parts"][0]["text"]
    assert "see the following user message" in _responses(old)[0]["response"]["output"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("block", "sent"),
    [
        (image(), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (pdf(), {"inlineData": {"mimeType": "application/pdf", "data": PDF}}),
        (_LINK, {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.org/a.webp?x=1"}}),
        (_PDF_LINK, {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/paper"}}),
        (_GIF, None),
        (_PLAIN_LINK, None),
    ],
)
def test_files_beside(block: Json, sent: Json | None, model: str) -> None:
    """What cannot be passed on is told to the model and in a note; addresses are never fetched by us."""
    translation = translate(asking(user("look", block)), model)
    part = translation.contents[0]["parts"][1]
    if sent is not None:
        assert part == sent
    else:
        assert "left out" in part["text"]
        assert any("left out" in note for note in translation.notes)


def test_document_with_title() -> None:
    parts = translate(asking(user(pdf(title="T", context="C"), "read"))).contents[0]["parts"]
    assert parts[0]["text"] == "[Document: T]\nC"


def test_system() -> None:
    body = asking(user("a"), system("later"), user("b"), system="first")
    translation = translate(body)
    assert translation.body["systemInstruction"] == {"parts": [{"text": "first"}]}
    assert translation.contents[0]["parts"][1]["text"] == "<system-reminder>\nlater\n</system-reminder>"


def test_system_where_it_has_no_field_of_its_own() -> None:
    translation = translate(asking(user("a"), system="first"), "gemini/gemma-3-27b-it", checked=False)
    assert "systemInstruction" not in translation.body
    assert [part["text"] for part in translation.contents[0]["parts"]] == ["first", "a"]


def test_history_is_a_prefix_of_the_next_turn() -> None:
    """Prompts are cached by their beginning."""
    messages = [user("a"), assistant("b", call("t1")), user(result("t1")), assistant("c"), user("d")]
    short, long = (translate(asking(*messages[:count], tools=[tool()], system="s")) for count in (3, 5))
    assert long.contents[:3] == short.contents
    assert {**long.body, "contents": []} == {**short.body, "contents": []}


_SIGNATURE = issue(NEW, "Read")
_SEALED, _EMPTY = (seal("gemini", NEW, payload) for payload in (_SIGNATURE, ""))

# The assistant's blocks, and the signature on each call.
SIGNED: dict[str, tuple[list[Json], list[str | None]]] = {
    "before_the_call": ([thinking("hm", _SEALED), call("t1")], [_SIGNATURE]),
    "before_a_text": ([thinking("hm", _SEALED), text("so"), call("t1")], [_SIGNATURE]),
    "after_a_text": (
        [thinking("hm", seal("gemini", NEW, "")), text("so"), thinking("", _SEALED), call("t1")],
        [_SIGNATURE],
    ),
    "first_of_two": ([thinking("", _SEALED), call("t1"), call("t2")], [_SIGNATURE, None]),
    "each_of_two": ([thinking("", _SEALED), call("t1"), thinking("", _SEALED), call("t2")], [_SIGNATURE, _SIGNATURE]),
    "none": ([call("t1"), call("t2")], [SENTINELS[0], None]),
    "stripped": ([text("so"), call("t1")], [SENTINELS[0]]),
    "empty": ([thinking("hm", _EMPTY), call("t1")], [SENTINELS[0]]),
    "another_models": ([thinking("hm", seal("gemini", "gemini-4-argon", _SIGNATURE)), call("t1")], [SENTINELS[0]]),
    "another_transports": ([thinking("hm", seal("vertex", NEW, _SIGNATURE)), call("t1")], [SENTINELS[0]]),
    "openais": ([thinking("hm", seal("openai-responses", NEW, _SIGNATURE)), call("t1")], [SENTINELS[0]]),
    "anthropics": ([thinking("hm", "EqQBCkYIBxgCKkD"), call("t1")], [SENTINELS[0]]),
    "redacted": ([{"type": "redacted_thinking", "data": "opaque"}, call("t1")], [SENTINELS[0]]),
    "unsigned": ([thinking("hm", NO_STATE), call("t1")], [SENTINELS[0]]),
}
_OF_OTHERS = {"another_models", "another_transports", "openais", "anthropics", "redacted", "unsigned"}


@pytest.mark.parametrize("name", SIGNED)
def test_case_46_signatures(name: str) -> None:
    blocks, expected = SIGNED[name]
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    messages = [user("a"), assistant(*blocks), user(*map(result, calls))]
    translated = translate(asking(*messages, tools=[tool()]))
    contents = translated.contents
    assert ("messages: earlier thinking was left out" in translated.notes) == (name in _OF_OTHERS)
    assert [part.get("thoughtSignature") for part in calls_of(contents)] == expected
    assert "hm" not in str(contents)
    assert "thought" not in str(contents).replace("thoughtSignature", "").replace(SENTINELS[0], "")

    old = calls_of(translate(asking(*messages, tools=[tool()]), OLD).contents)
    assert not any("thoughtSignature" in part for part in old)


def test_case_76_ids_for_models_that_take_them() -> None:
    body = _talk(result("t1"))
    assert [part["functionCall"]["id"] for part in calls_of(translate(body, OLD).contents)] == ["t1"]
    ancient = translate(body, "gemini-2.0-flash", checked=False).contents
    assert '"id"' not in str(ancient).replace("'", '"')


def test_instructions_where_the_model_takes_none() -> None:
    body = asking(user("b"), system="a")
    assert translate(body).body["systemInstruction"] == {"parts": [{"text": "a"}]}
    learned = translate(body, habits=Habits(no_system_role=True)).body
    assert "systemInstruction" not in learned
    assert learned["contents"] == [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]
