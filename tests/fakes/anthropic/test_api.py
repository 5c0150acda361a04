"""The fake Anthropic on the wire and as the official SDK sees it, what it refuses, and what it tells a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from tests.captures import CAPTURES, load
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.anthropic.bodies import events, message, redacted, sse, thinking
from tests.fakes.anthropic.rules import MODELS, Failure, check
from tests.fakes.server import CUT, json_answer

OLD = {"anthropic-version": "2023-06-01"}
NEW = {"anthropic-version": "2026-10-21"}
BETA = {**OLD, "anthropic-beta": "context-management-2025-06-27"}
MODEL = "claude-opus-5-5"
TOOL = {"name": "Read", "input_schema": {"type": "object"}}
BUDGET = {"model": "claude-haiku-4-5", "max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2048}}


def text(value: str = "hi", **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **fields}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks) or "hi"}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def system(content: Any = "note", **fields: Any) -> dict[str, Any]:
    return {"role": "system", "content": content, **fields}


def use(id_: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "Read", "input": {}}


def result(id_: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": "done"}


def image(media_type: str = "image/png", data: str = "aGk=") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def ask(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 100, "messages": list(messages) or [user()], **fields}


FOREIGN = {"type": "thinking", "thinking": "hm", "signature": "gAAAA"}
EMPTY = {"type": "thinking", "thinking": "hm", "signature": ""}

# body, headers, a piece of the message
REFUSED: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"messages": [user()], "max_tokens": 1}, OLD, "model: Field required"),
    ({"model": MODEL, "max_tokens": 1}, OLD, "messages: Field required"),
    ({"model": MODEL, "messages": [user()]}, OLD, "max_tokens: Field required"),
    (ask(max_tokens="1"), OLD, "max_tokens: Input should be a valid integer"),
    (ask(messages=[]), OLD, "messages: at least one message is required"),
    (ask(foo=1), OLD, "foo: Extra inputs are not permitted"),
    (ask(context_management={}), OLD, "context_management: Extra inputs are not permitted"),
    (ask(temperature=1), NEW, "temperature: Extra inputs are not permitted"),
    (ask(top_k=1), NEW, "top_k: Extra inputs are not permitted"),
    (ask(temperature=0.5, thinking={"type": "adaptive"}), OLD, "`temperature` may only be set to 1"),
    (ask(thinking={"type": "deep"}), OLD, "thinking: Input tag 'deep' found using 'type'"),
    (ask(thinking={"type": "enabled"}), OLD, "thinking.enabled.budget_tokens: Field required"),
    (
        ask(thinking={"type": "disabled"}, context_management={"edits": [{"type": "clear_thinking_20251015"}]}),
        {**OLD, "anthropic-beta": "context-management-2025-06-27"},
        "`clear_thinking_20251015` strategy requires `thinking` to be enabled or adaptive",
    ),
    (
        ask(thinking={"type": "enabled", "budget_tokens": 9}),
        OLD,
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        ask(thinking={"type": "enabled", "budget_tokens": 1024}),
        OLD,
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    (
        {**ask(tools=[TOOL], tool_choice={"type": "any"}), **BUDGET},
        OLD,
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (ask(tools=[TOOL, TOOL]), OLD, "tools: Tool names must be unique."),
    (ask(tools=[{"name": "x", "type": "mail_2025"}]), OLD, "tools.0: Input tag 'mail_2025' found using 'type'"),
    (ask(tools=[{**TOOL, "name": "a b"}]), OLD, "tools.0.custom.name: String should match pattern"),
    (ask(tools=[{"name": "x"}]), OLD, "tools.0.custom.input_schema: Field required"),
    (ask(tool_choice={"type": "auto"}), OLD, "tool_choice may only be specified while providing tools"),
    (ask(tools=[TOOL], tool_choice={"type": "tool", "name": "x"}), OLD, "Tool 'x' not found in provided tools"),
    (ask(system=[text("")]), OLD, "system: text content blocks must be non-empty"),
    (ask(user(text(""))), OLD, "messages: text content blocks must be non-empty"),
    (ask(user(text(" \n"))), OLD, "messages: text content blocks must contain non-whitespace text"),
    (
        ask(user(text("", cache_control={"type": "ephemeral"}))),
        OLD,
        "messages.0.content.0.text: cache_control cannot be set for empty text blocks",
    ),
    (ask(user(), assistant(), user()), OLD, "messages.1: all messages must have non-empty content"),
    (ask(messages=["x"]), OLD, "messages.0: Input should be a valid dictionary"),
    (
        ask(messages=[{"role": "user", "content": ["x"]}]),
        OLD,
        "messages.0.content.0: Input should be a valid dictionary",
    ),
    (ask({"role": "tool", "content": "x"}), OLD, "messages.0.role: Input should be"),
    (ask({**user(), "name": "x"}), OLD, "messages.0.name: Extra inputs are not permitted"),
    (ask(user({"type": "input_text"})), OLD, "messages.0.content.0: Input tag 'input_text' found using 'type'"),
    (ask(user(text(id=1))), OLD, "messages.0.content.0.text.id: Extra inputs are not permitted"),
    (ask(user(image(media_type="image/bmp"))), OLD, "messages.0.content.0.image.source.base64.media_type: Input"),
    (ask(user(image(data="?"))), OLD, "messages.0.content.0.image.source.base64: invalid base64 data"),
    (ask(user(thinking())), OLD, "messages.0: `thinking` blocks can only be in `assistant` messages"),
    (ask(user(), assistant(image()), user()), OLD, "messages.1: `image` blocks can only be in `user` messages"),
    (ask(user(), assistant({"type": "document"}), user()), NEW, "messages.1.content.0: `document` blocks"),
    (ask(user(text(citations=[{}]))), NEW, "messages.0.content.0.text.citations: Extra inputs are not permitted"),
    (
        ask(user(), assistant(FOREIGN, text()), user()),
        OLD,
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        ask(user(), assistant(text(), EMPTY), user()),
        OLD,
        "messages.1.content.1: Invalid `signature` in `thinking` block",
    ),
    (
        ask(user(), assistant({**thinking("a"), "thinking": "b"}), user()),
        OLD,
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        ask(user(), assistant({"type": "thinking", "thinking": "hm"}), user()),
        OLD,
        "messages.1.content.0.thinking.signature: Field required",
    ),
    (
        ask(user(), assistant({"type": "redacted_thinking", "data": "x"}), user()),
        OLD,
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    ),
    (ask(user(), assistant(use("a.b")), user(result("a.b"))), OLD, "messages.1.content.0.tool_use.id: String should"),
    (
        ask(user(), assistant(use()), user()),
        OLD,
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each",
    ),
    (ask(user(), assistant(use())), OLD, "messages.1: `tool_use` ids were found without `tool_result` blocks"),
    (ask(user(), assistant(use(), use("b")), user(result())), OLD, "immediately after: b. Each"),
    (ask(user(), assistant(use()), user(text(), result())), OLD, "messages.1: `tool_use` ids were found without"),
    (
        ask(user(), assistant(text()), user(text(), result())),
        OLD,
        "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each",
    ),
    (
        ask(user(), assistant(use()), user(result()), assistant(use()), user(result())),
        OLD,
        "messages: `tool_use` ids must be unique",
    ),
    (ask(system(), user()), OLD, "messages.0: use the top-level 'system' parameter"),
    (ask(user(), system(), user()), OLD, "messages.1: role 'system' must precede an 'assistant' message"),
    (ask(user(), assistant(text()), system()), OLD, "messages.2: role 'system' must follow a 'user' message"),
    (ask(user(), assistant(text())), OLD, "This model does not support assistant message prefill."),
    (
        {**ask(user(), assistant(use()), user(result())), **BUDGET},
        OLD,
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When",
    ),
    (
        {**ask(user(), assistant(text(), thinking(), use()), user(result())), **BUDGET},
        OLD,
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. When",
    ),
]


@pytest.mark.parametrize(("body", "headers", "piece"), REFUSED)
def test_refusals(body: dict[str, Any], headers: dict[str, str], piece: str) -> None:
    with pytest.raises(Failure) as caught:
        check(body, headers)
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    assert piece in caught.value.message


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ask(), NEW),
        (ask(temperature=1, top_k=3, thinking={"type": "disabled"}), OLD),
        (ask(context_management={"edits": []}), BETA),
        (ask(system=[text(cache_control={"type": "ephemeral"})], tools=[TOOL], tool_choice={"type": "any"}), NEW),
        (ask(tools=[{"type": "web_search_20250305", "name": "web_search"}]), OLD),
        (ask(user(image()), user(text())), NEW),
        (ask(user(), system(), system()), OLD),
        (ask(user(), system(), assistant(text()), user(), system()), OLD),
        (ask(system([], output_config={"effort": "low"}), user()), OLD),
        (ask(user(), assistant(thinking(), redacted(), text(), use()), user(result(), text())), NEW),
        (ask(user(), assistant(use("a"), use("b")), user(result("b")), user(result("a"))), OLD),
        (ask(user(), assistant(use()), user(result())), OLD),
        ({**ask(user(), assistant(thinking(), use()), user(result())), **BUDGET}, OLD),
        ({**ask(user(), assistant(redacted(), use()), user(result())), **BUDGET}, OLD),
        ({**ask(user(), assistant(text()), user()), **BUDGET}, OLD),
        (
            {
                **ask(user(), assistant(thinking(), use()), user(result()), assistant(use("b")), user(result("b"))),
                **BUDGET,
            },
            OLD,
        ),
        (ask(user(), assistant(text()), model="claude-haiku-4-5"), OLD),
    ],
)
def test_accepted(body: dict[str, Any], headers: dict[str, str]) -> None:
    check(body, headers)


def test_count_tokens_knows_fewer_fields() -> None:
    check({"model": MODEL, "messages": [user()]}, OLD, counts=True)
    with pytest.raises(Failure, match="max_tokens: Extra inputs are not permitted"):
        check(ask(), OLD, counts=True)


@pytest.mark.parametrize("name", [name for name in CAPTURES if "cc" in name])
def test_what_claude_code_sends_is_accepted(name: str) -> None:
    capture = load(name)
    body = capture["body"]
    if not isinstance(body, dict) or body.get("model") not in MODELS:
        pytest.skip("no request for a model of Anthropic")
    for given in body["messages"]:
        for place, block in enumerate(given["content"] if isinstance(given["content"], list) else []):
            if block["type"] == "thinking":
                given["content"][place] = thinking(block["thinking"])
            elif block["type"] == "redacted_thinking":
                given["content"][place] = redacted()
    headers = {name.lower(): value for name, value in capture["headers"].items()}
    check(body, headers, counts="count_tokens" in capture["path"])


@pytest.fixture
def upstream() -> Iterator[FakeAnthropic]:
    with FakeAnthropic() as fake:
        yield fake


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


class Caller:
    def __init__(self, client: httpx2.Client, url: str) -> None:
        self.client = client
        self.url = url

    def __call__(
        self, path: str = "/v1/messages", body: Any = None, method: str = "POST", **headers: Any
    ) -> httpx2.Response:
        given = {"x_api_key": "sk-ant-test", "anthropic_version": "2023-06-01", **headers}
        sent = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
        content = body if isinstance(body, bytes) else json.dumps(ask() if body is None else body).encode()
        return self.client.request(method, self.url + path, headers=sent, content=content if method == "POST" else None)


@pytest.fixture
def call(transport: httpx2.Client, upstream: FakeAnthropic) -> Caller:
    return Caller(transport, upstream.url)


@pytest.mark.parametrize(
    ("headers", "status", "told"),
    [
        ({"x_api_key": None}, 401, "x-api-key header is required"),
        ({"x_api_key": "other"}, 401, "invalid x-api-key"),
        ({"x_api_key": None, "authorization": "Bearer other"}, 401, "invalid x-api-key"),
        ({"authorization": "Bearer other"}, 401, "invalid x-api-key"),
        ({"anthropic_version": None}, 400, "anthropic-version: header is required"),
        ({"anthropic_version": "1"}, 400, 'anthropic-version: "1" is not a valid version'),
        ({"anthropic_beta": "good-2025-01-01,bad"}, 400, "Unexpected value(s) `bad` for the `anthropic-beta` header"),
    ],
)
def test_refused_headers(
    upstream: FakeAnthropic, call: Caller, headers: dict[str, Any], status: int, told: str
) -> None:
    response = call(**headers)
    body = response.json()
    assert (response.status_code, body["error"]["message"]) == (status, told)
    assert body["request_id"] == response.headers["request-id"]
    assert response.headers.get("x-should-retry") == ("false" if status == 401 else None)
    assert upstream.refusals == [told]


def test_refused_bodies(call: Caller) -> None:
    response = call(body=ask(model="gpt-6"))
    error = response.json()["error"]
    assert (response.status_code, error) == (404, {"type": "not_found_error", "message": "model: gpt-6"})
    assert "not valid JSON" in call(body=b"{").json()["error"]["message"]
    assert "not valid JSON" in call(body=b"[]").json()["error"]["message"]
    assert call("/v1/nothing").status_code == 404


def test_either_kind_of_key(call: Caller) -> None:
    assert call(x_api_key=None, authorization="Bearer sk-ant-test").status_code == 200


def test_stream_and_json_agree(call: Caller) -> None:
    whole = call().json()
    response = call(body=ask(stream=True))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["request-id"].startswith("req_")
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "3999"
    frames = [frame.split("\n") for frame in response.text.removesuffix("\n\n").split("\n\n")]
    streamed = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    assert [name.removeprefix("event: ") for name, _ in frames] == [event["type"] for event in streamed]
    started = streamed[0]["message"]
    assert started["id"] != whole["id"]
    assert streamed == list(events({**whole, "id": started["id"]}))


def test_the_sdk_reads_it(upstream: FakeAnthropic) -> None:
    with anthropic.Anthropic(api_key="sk-ant-test", base_url=upstream.url, max_retries=0) as client:
        question: list[Any] = [user()]
        with client.messages.stream(model=MODEL, max_tokens=100, messages=question) as stream:
            final = stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert client.models.retrieve(MODEL).id == MODEL
        upstream.fail(529, "overloaded_error", "Overloaded")
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            client.messages.create(model=MODEL, max_tokens=100, messages=question)


def test_its_own_thinking_comes_back(call: Caller) -> None:
    for mode in ({"type": "adaptive"}, {"type": "adaptive", "display": "omitted"}, {"type": "disabled"}):
        content = call(body=ask(thinking=mode)).json()["content"]
        assert [block["type"] for block in content] == ["thinking", "text"][mode["type"] == "disabled" :]
        assert call(body=ask(user(), assistant(*content), user())).status_code == 200


def test_scripted_answers(upstream: FakeAnthropic, call: Caller) -> None:
    whole = message(MODEL, thinking(), use())
    assert whole["stop_reason"] == "tool_use"
    upstream.reply_sse(events(whole), {"request-id": "req_mine"})
    upstream.reply_sse(b": odd\n\n")
    upstream.reply_json({"odd": True})
    upstream.fail(529, "overloaded_error", "Overloaded", {"retry-after": "3"})
    upstream.reply_sse([sse({"type": "ping"}), CUT])
    response = call()
    assert response.headers["request-id"] == "req_mine"
    assert '"partial_json": "{"' in response.text
    assert call().content == b": odd\n\n"
    assert call().json() == {"odd": True}
    response = call()
    assert (response.status_code, response.headers["retry-after"]) == (529, "3")
    assert response.json()["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    with pytest.raises(httpx2.RemoteProtocolError):
        call()
    assert upstream.refusals == []


def test_default_handler_and_records(upstream: FakeAnthropic, call: Caller) -> None:
    upstream.default(lambda body, headers: json_answer([body["max_tokens"], headers["anthropic-version"]]))
    raw = b'{ "model":"claude-opus-5-5",\n"max_tokens":1, "messages":[{"content":"\xc3\xbc","role":"user"}]}'
    assert call(body=raw, anthropic_beta="a-2025-01-01").json() == [1, "2023-06-01"]
    exchange = upstream.exchanges[0]
    assert exchange.raw == raw
    assert exchange.headers["anthropic-beta"] == "a-2025-01-01"


def test_count_tokens(upstream: FakeAnthropic, call: Caller) -> None:
    upstream.fail(500, "api_error", "for messages only")
    counted = call("/v1/messages/count_tokens?beta=true", {"model": MODEL, "messages": [user()]})
    assert counted.json()["input_tokens"] > 0
    assert call().status_code == 500


def test_models(call: Caller) -> None:
    listed = call("/v1/models?limit=1000", method="GET").json()
    assert [info["id"] for info in listed["data"]] == list(MODELS)
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (MODELS[0], MODELS[-1], False)
    page = call(f"/v1/models?limit=2&after_id={MODELS[0]}", method="GET").json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (MODELS[1], MODELS[2], True)
    page = call(f"/v1/models?limit=2&before_id={MODELS[3]}", method="GET").json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (MODELS[1], MODELS[2], True)
    assert call(f"/v1/models/{MODELS[0]}", method="GET").json() == listed["data"][0]
    missing = call("/v1/models/gpt-6", method="GET")
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "model: gpt-6")
    assert call("/v1/models", method="GET", x_api_key=None).status_code == 401
    assert call("/", method="HEAD", x_api_key=None).status_code == 200
