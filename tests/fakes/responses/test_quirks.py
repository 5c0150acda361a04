"""Each quirk of a Responses server does what it is there for, in that server's words, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.quirks import quirk_refusal
from tests.fakes.openai.replies import Text, Thinking, ToolCall
from tests.fakes.responses.bodies import ASKED, CALL, IMAGE, OUTPUT, REASONING, SAID, TEXT, items, tool, user
from tests.fakes.responses.quirks import RESPONSES_QUIRKS, compatible_refusal

CALL_2, OUTPUT_2 = {**CALL, "call_id": "call_2"}, {**OUTPUT, "call_id": "call_2"}
TRANSPORT = httpx2.Client(trust_env=False)


@pytest.fixture(scope="module", autouse=True)
def _close_transport() -> Iterator[None]:
    with TRANSPORT:
        yield


def post(fake: FakeOpenAI, **more: Any) -> httpx2.Response:
    return TRANSPORT.post(f"{fake.base_url}/responses", json={"model": "local", "input": "hi", **more})


# quirk -> what it refuses (with a piece of the text and the param), and what it lets pass
CASES: dict[str, tuple[list[tuple[dict[str, Any], str, str | None]], list[dict[str, Any]]]] = {
    "adjacent_outputs": (
        [
            (items(CALL, CALL_2, OUTPUT, OUTPUT_2), "No tool output found for tool call call_1.", None),
            (items(CALL, ASKED, OUTPUT), "No tool output found for tool call call_1.", None),
            (items(CALL, OUTPUT, CALL_2, SAID, OUTPUT_2), "tool call call_2.", None),
        ],
        [items(ASKED, CALL, OUTPUT, CALL_2, OUTPUT_2, SAID), {"input": "hi"}],
    ),
    "stream_unverified": (
        [({"stream": True}, "Your organization must be verified to stream this model.", "stream")],
        [{"stream": False}],
    ),
    "summary_unverified": (
        [({"reasoning": {"summary": "auto"}}, "verified to generate reasoning summaries.", "reasoning.summary")],
        [{"reasoning": {"effort": "low", "summary": None}}, {"reasoning": None}],
    ),
    "tool_cap": (
        [({"tools": [tool()] * 129}, "Expected an array with maximum length 128, but got an array with", "tools")],
        [{"tools": [tool()] * 128}, {}, {"tools": []}],
    ),
}


def test_every_quirk_has_a_case() -> None:
    assert CASES.keys() == RESPONSES_QUIRKS.keys()


@pytest.mark.parametrize("quirk", RESPONSES_QUIRKS)
def test_quirks(quirk: str) -> None:
    refused_ones, taken = CASES[quirk]
    for change, text, param in refused_ones:
        body = {"model": "local", "input": "hi", **change}
        assert compatible_refusal(body) is None
        refused = quirk_refusal([quirk], body, 1000, RESPONSES_QUIRKS)
        assert refused is not None
        assert text in refused.message
        assert (refused.status, refused.body["error"]["param"]) == (400, param)
    for change in taken:
        assert quirk_refusal([quirk], {"model": "local", "input": "hi", **change}, 1000, RESPONSES_QUIRKS) is None


REFUSED_BY_ALL: list[tuple[dict[str, Any], str]] = [
    ({"model": ""}, "Field required"),
    ({"input": None}, "expected an array"),
    ({"input": []}, "empty array"),
    ({"input": ["hi"]}, "valid dictionary"),
    (items({"type": "tool_use"}), "Invalid value: 'tool_use'"),
    (items({"role": "tool", "content": "x"}), "Invalid value: 'tool'"),
    (user({"type": "text", "text": "x"}), "Invalid value: 'text'"),
    (items({"role": "assistant", "content": [TEXT]}), "'output_text' and 'refusal'"),
    (items({"role": "user", "content": None}), "expected an array"),
    (items({**CALL, "arguments": '{"a'}, OUTPUT), "arguments that are a JSON object"),
    (items({**CALL, "name": ""}, OUTPUT), "needs a call_id, a name"),
    (items(CALL), "No tool output found for function call call_1."),
    (items(OUTPUT), "No tool call found for function call output"),
    ({"tools": [{"type": "function", "function": {}}]}, "Field required"),
    ({"tools": [{**tool(), "parameters": "x"}]}, "valid dictionary"),
    ({"tools": [tool()], "tool_choice": {"type": "function", "name": "Write"}}, "Tool choice 'Write' not found"),
]


@pytest.mark.parametrize(("change", "text"), REFUSED_BY_ALL)
def test_compatible_servers_refuse(change: dict[str, Any], text: str) -> None:
    refused = compatible_refusal({"model": "local", "input": "hi", **change})
    assert refused is not None
    assert text in refused.message


def test_compatible_servers_take() -> None:
    body = items(
        {"role": "system", "content": "x"}, user(TEXT, IMAGE)["input"][0], REASONING, SAID, CALL, ASKED, OUTPUT
    )
    choice = {"type": "function", "name": "Read"}
    assert compatible_refusal({"model": "any", "foo": 1, **body, "tools": [tool()], "tool_choice": choice}) is None


def test_servers_without_the_api() -> None:
    with FakeOpenAI("compatible", quirks={"no_responses"}) as fake:
        answer = post(fake)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
        client = openai.OpenAI(base_url=fake.base_url, api_key="x", max_retries=0, http_client=TRANSPORT)
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="local", input="hi")
        assert client.chat.completions.create(model="local", messages=[ASKED]).choices[0].message.content == "ok"


def test_items_that_are_not_announced_and_streams_that_just_end() -> None:
    for quirk, gone in (("no_item_added", ".added"), ("no_terminal_event", "response.completed")):
        with FakeOpenAI("compatible", quirks={quirk}) as fake:
            fake.reply(Thinking("see"), Text("so"), ToolCall("Read", {}))
            received = post(fake, tools=[tool()], stream=True).text
            assert gone not in received
            assert "response.function_call_arguments.done" in received
            numbers = [json.loads(line[6:])["sequence_number"] for line in received.split("\n") if line[:6] == "data: "]
            assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize(("quirks", "stream", "status"), [((), True, 400), (("overflow_in_stream",), False, 400)])
def test_overflow_as_a_status(quirks: tuple[str, ...], stream: bool, status: int) -> None:
    with FakeOpenAI(quirks=quirks) as fake:
        answer = post(fake, model="gpt-4o", input="x" * 4 * 128_100, stream=stream)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, "context_length_exceeded")


def test_overflow_in_the_stream() -> None:
    with FakeOpenAI(quirks={"overflow_in_stream"}) as fake:
        client = openai.OpenAI(base_url=fake.base_url, api_key="x", max_retries=0, http_client=TRANSPORT)
        stream = client.responses.create(model="gpt-4o", input="x" * 4 * 128_100, stream=True)
        assert [next(stream).type, next(stream).type] == ["response.created", "response.in_progress"]
        with pytest.raises(openai.APIError, match="exceeds the context window") as caught:
            next(stream)
        assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")
        assert len(fake.refusals) == 1
        assert client.responses.create(model="gpt-4o", input="hi").output_text == "ok"


def test_official_quirks() -> None:
    with FakeOpenAI(quirks={"summary_unverified", "stream_unverified"}) as fake:
        answer = post(fake, model="gpt-5", reasoning={"summary": "auto"})
        assert answer.json()["error"]["code"] == "unsupported_value"
        assert post(fake, model="gpt-5", stream=True).status_code == 400
        assert post(fake, model="gpt-5").status_code == 200


def test_unknown_quirks() -> None:
    with pytest.raises(ValueError, match="no such quirk"):
        FakeOpenAI(quirks={"no_response"})
