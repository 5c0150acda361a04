"""What is accepted and how the rest is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.blocks import ImageBlock, TextBlock, ToolReferenceBlock, ToolResultBlock, UnknownBlock
from proxy.protocol.errors import ApiError
from proxy.protocol.request import MessagesRequest, parse_count_request, parse_request
from tests.translation import PNG, Json, asking, assistant, call, image, parsed, result, system, text, tool, user


def refused(body: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse_request(body)
    assert caught.value.status == 400
    assert caught.value.type == "invalid_request_error"
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[1]",
        b'"text"',
        b"null",
        b'{"model": "m"',
        b"{'model': 'm'}",
        b"\xff\xfe{}",
        b'\xef\xbb\xbf{"model": "m"}',
        b'{"max_tokens": NaN}',
        b'{"max_tokens": Infinity}',
        b'{"messages": ' + b"[" * 100_000,
        b'{"max_tokens": 1e400}',
        b'{"tools": [{"input_schema": {"minimum": -1e999}}]}',
        b'{"max_tokens": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_not_json(body: bytes) -> None:
    message = refused(body).message
    assert message.startswith("The request body is not valid JSON: ")
    assert "sys." not in message


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"max_tokens": NaN}', "max_tokens: "),
        ('{"tools": [{}, {"input_schema": {"minimum": -1e999}}]}', "tools.1.input_schema.minimum: "),
        ('{"x": [0, {"a b": 9' + "9" * 5000 + "}]}", "x.1.a b: "),
        ('{"first": Infinity, "second": NaN}', "first: "),
        ('{"a": NaN, "a": 1}', ""),
        ('{"a": NaN, "b": ', ""),
        ('{"a": NaN, "b": ' + "[" * 100_000, ""),
        ('{"' + "k" * 500 + '": NaN}', ""),
        ("NaN", ""),
    ],
    ids=lambda value: value[:30],
)
def test_the_place_of_a_number_that_is_none(body: str, place: str) -> None:
    message = refused(body.encode()).message
    assert message == f"The request body is not valid JSON: {place}a number is none or is too large"


WRONG: list[Any] = [
    ({"model": None}, "model: Input should be a valid string"),
    ({"model": 5}, "model: Input should be a valid string"),
    *(
        ({"model": f"gpt-5{control}"}, "model: Input should be printable characters")
        for control in ("\x00", "\n", "\x7f", "\u2028")
    ),
    ({"model": "m" * 257}, "model: String should have at most 256 characters"),
    ({"messages": None}, "messages: Input should be a valid list"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"max_tokens": "100"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    ({"messages": ["hi"]}, "messages.0: Input should be a valid dictionary"),
    (
        {"messages": [user("a"), {"role": "tool", "content": "b"}]},
        "messages.1.role: Input should be 'user', 'assistant' or 'system'",
    ),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content: Input should be a valid list"),
    ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages.0.content.0: Input should be a valid dictionary"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type: Field required"),
    ({"messages": [user({"type": "text"})]}, "messages.0.content.0.text.text: Field required"),
    ({"messages": [user({"type": "text", "text": 5})]}, "messages.0.content.0.text.text: Input should be a valid"),
    ({"messages": [user("x", image("not base64!"))]}, "messages.0.content.1.image.source.base64.data: invalid base64"),
    (
        {"messages": [user(result("toolu_1", [image("=")]))]},
        "messages.0.content.0.tool_result.content.0.image.source.base64.data: invalid base64 data",
    ),
    *(
        (
            {"messages": [user("x", *around(image() | {"source": {**image()["source"], "media_type": kind}}))]},
            f"messages.0.content.1.{path}image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
            "'image/gif' or 'image/webp'",
        )
        for kind in ("image/jpg", "image/bmp", "image/svg+xml", "image/PNG", "application/pdf", "")
        for path, around in (
            ("", lambda block: [block]),
            ("tool_result.content.0.", lambda block: [result("t", [block])]),
        )
    ),
    (
        {"messages": [user({"type": "image", "source": {"type": "base64", "data": PNG}})]},
        "messages.0.content.0.image.source.base64.media_type: Field required",
    ),
    ({"messages": [user({"type": "image"})]}, "messages.0.content.0.image.source: Field required"),
    (
        {"messages": [assistant({"type": "tool_use", "name": "Read", "input": {}})]},
        "messages.0.content.0.tool_use.id: Field required",
    ),
    ({"messages": [user({"type": "tool_result"})]}, "messages.0.content.0.tool_result.tool_use_id: Field required"),
    *(
        (
            {"messages": [user("a"), system([{"type": "tool_addition", "tool": definition}])]},
            f"messages.1.content.0.{words}",
        )
        for definition, words in (
            ({**tool("X"), "name": 5}, "tool_addition.tool.name: Input should be a valid string"),
            ({**tool("X"), "name": ""}, "tool_addition.tool.name: Field required"),
            ({"input_schema": {}}, "tool_addition.tool.name: Field required"),
            ({**tool("X"), "description": []}, "tool_addition.tool.description: Input should be a valid string"),
            ({**tool("X"), "strict": "maybe"}, "tool_addition.tool.strict: Input should be a valid boolean"),
        )
    ),
    ({"system": 5}, "system: Input should be a valid list"),
    ({"tools": {}}, "tools: Input should be a valid list"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
    ({"tools": [{"type": "custom", "name": ""}]}, "tools.0.custom.name: Field required"),
    ({"tools": [tool("Read"), tool("Read")]}, "tools: Tool names must be unique."),
    ({"tool_choice": {"type": "any"}}, "tool_choice.any: tool_choice may only be given together with tools"),
    (
        {"tools": [tool("Read")], "tool_choice": {"type": "tool", "name": "Write"}},
        "tool_choice.tool.name: Tool 'Write' not found in provided tools",
    ),
    (
        {"tools": [tool("Read")], "tool_choice": {"type": "maybe"}},
        "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'",
    ),
    ({"thinking": {"type": "enabled", "budget_tokens": "many"}}, "thinking.budget_tokens: Input should be a valid int"),
    ({"thinking": {}}, "thinking.type: Field required"),
    ({"stop_sequences": "END"}, "stop_sequences: Input should be a valid list"),
    ({"temperature": "hot"}, "temperature: Input should be a valid number"),
    ({"metadata": "me"}, "metadata: Input should be a valid dictionary"),
    ({"thread": {"id": "t"}}, "thread: server-side threads are not supported here"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[words for _, words in WRONG])
def test_refused_in_the_words_of_the_real_api(change: Json, words: str) -> None:
    message = refused(json.dumps({**asking(), **change}).encode()).message
    assert message.startswith(words)
    assert "UnknownBlock" not in message


DEEP = {
    "list": "[" * 201 + "]" * 201,
    "object": '{"properties":' * 201 + "{}" + "}" * 201,
    "deeper": "[" * 600 + "]" * 600,
}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_a_value_is_read_as_it_was_written(value: Any, escapes: bool) -> None:
    body = json.dumps(asking(tools=[{**tool("Read"), "input_schema": {"default": value}}]), ensure_ascii=escapes)
    assert parse_request(body.encode()).tools[0].input_schema == {"default": value}


@pytest.mark.parametrize("digits", ["1e400", "-1e400", "9" * 400 + ".0", "1" + "0" * 309 + "e0"])
def test_a_number_that_is_too_large_is_refused_wherever_it_stands(digits: str) -> None:
    body = json.dumps(asking(tools=[{**tool("Read"), "input_schema": {"a": [{"b": ["x", 1, "HERE"]}]}}]))
    with pytest.raises(ApiError, match="a number is none or is too large"):
        parse_request(body.replace('"HERE"', digits).encode())


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (asking(tools=[tool("Read", {"default": "@"})]), "tools"),
        (asking(user({"type": "new", "x": "@"})), "messages"),
        (asking(metadata={"user_id": "@"}), "metadata"),
        (asking(next_years_field="@"), "next_years_field"),
        (asking(user("\ud83d", {"type": "new", "x": "@"})), "messages"),
    ],
    ids=["schema", "unknown block", "metadata", "unknown field", "beside half a character"],
)
def test_what_is_nested_too_deeply_is_refused_by_its_field(body: Json, field: str, kind: str) -> None:
    deep = json.dumps(body).replace('"@"', DEEP[kind]).encode()
    assert refused(deep).message == f"{field}: nested too deeply, at most 200 levels are read"


def test_what_is_nested_less_deeply_passes() -> None:
    body = json.dumps(asking(user({"type": "new", "x": "@"}))).replace('"@"', "[" * 190 + "]" * 190)
    assert isinstance(parse_request(body.encode()).messages[0].content[0], UnknownBlock)


@pytest.mark.parametrize(("levels", "passes"), [(200, True), (201, False)])
@pytest.mark.parametrize("innermost", ["", "1", "{}"])
def test_how_deep_is_too_deep(levels: int, passes: bool, innermost: str) -> None:
    depth = levels - (innermost == "{}")
    body = json.dumps(asking(next_years_field="@")).replace('"@"', "[" * depth + innermost + "]" * depth).encode()
    if passes:
        assert parse_request(body).model_extra is not None
    else:
        assert refused(body).message.startswith("next_years_field: nested too deeply")


@pytest.mark.parametrize("field", ["model", "messages", "max_tokens"])
def test_missing_field(field: str) -> None:
    body = asking()
    del body[field]
    assert refused(json.dumps(body).encode()).message == f"{field}: Field required"


def test_details_that_sdks_look_for() -> None:
    conflict = refused(json.dumps(asking(tools=[tool("Read"), tool("Read")])).encode())
    assert conflict.details == {"error_code": "tool_name_conflict"}
    thread = refused(json.dumps(asking(thread={"id": "t"})).encode())
    assert thread.details == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


BLOCKS: list[Json] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "web_fetch_result"}},
    {"type": "bash_code_execution_tool_result", "tool_use_id": "s", "content": {}},
    {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
    {"type": "container_upload", "file_id": "file_1"},
    {"type": "compaction", "content": "summary"},
    {"type": "fallback", "model": "m"},
    {"type": "block_of_next_year", "x": [1, {"y": None}]},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "redacted_thinking"},
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking", "thinking": None, "signature": None},
    {"type": "tool_reference", "tool_name": "WebFetch"},
    {"type": "search_result", "source": "https://a.test", "title": "A", "content": [text("found")]},
    {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
    {"type": "image", "source": {"type": "url", "url": "https://a.test/a.png"}, "transformations": []},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "citations": None},
    {"type": "document", "source": {"type": "content", "content": "x"}, "title": None, "context": None},
    {"type": "document", "source": {"type": "content", "content": [text("x"), image()]}},
    {"type": "text", "text": "", "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "global"}},
    {"type": "text", "text": "x", "citations": None},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": None, "is_error": None},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "browser_state", "url": "x"}]},
    {"type": "tool_use", "id": "t", "name": "Bash", "input": {"__unparsedToolInput": {"raw": "{", "len": 1}}},
]


@pytest.mark.parametrize(
    "block", [pytest.param(block, id=f"CASES-18 {block['type']}-{n}") for n, block in enumerate(BLOCKS)]
)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_blocks_of_all_kinds_pass(block: Json, role: str) -> None:
    assert parsed(asking({"role": role, "content": [block]})).messages[0].content[0].type == block["type"]


FIELDS: list[Json] = [
    {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
    {"output_config": {"effort": "max", "task_budget": {"tokens": 5}}},
    {"output_config": {"effort": None, "format": None}},
    {"output_config": None, "thinking": None, "tool_choice": None, "system": None, "stop_sequences": None},
    {"tools": None, "metadata": None, "temperature": None, "stream": None},
    {"thinking": {"type": "between_tools"}},
    {"thinking": {"type": "enabled", "budget_tokens": 500}},
    {"thinking": {"type": "adaptive", "display": "updates", "block_binding": "x"}},
    {"cache_control": {"type": "ephemeral"}, "service_tier": "auto", "inference_geo": "us", "speed": "fast"},
    {"mcp_servers": [], "container": None, "fallbacks": [], "safeguards": {"x": 1}, "diagnostics": {}},
    {"next_years_field": {"deep": [1, 2]}},
    {"max_tokens": 0},
    {"temperature": 1, "top_p": 0.9, "top_k": 5},
    {"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}], "tool_choice": {"type": "any"}},
    {"tools": [{"type": "mcp_toolset", "mcp_server_name": "files"}]},
    {"tools": [{"name": "Bare"}]},
    {
        "tools": [
            tool(
                "Full",
                type="custom",
                cache_control={"type": "ephemeral"},
                strict=True,
                defer_loading=False,
                eager_input_streaming=True,
                input_examples=[{}],
                allowed_callers=["direct"],
            )
        ]
    },
    {"tool_choice": {"type": "auto"}},
    {"tool_choice": {"type": "none"}},
]


@pytest.mark.parametrize(
    "fields", [pytest.param(fields, id=f"CASES-18 {'+'.join(fields)}-{n}") for n, fields in enumerate(FIELDS)]
)
def test_fields_of_all_kinds_pass(fields: Json) -> None:
    request = parse_request(json.dumps({**asking(), **fields}).encode())
    assert isinstance(request, MessagesRequest)
    assert request.model == "claude-opus-5-5"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(system("Available agent types"), id="CASES-1 system as text"),
        pytest.param(system([text("a"), text("b")]), id="CASES-1 system as blocks"),
        pytest.param({**system([]), "output_config": {"effort": "low"}}, id="CASES-1 only an effort"),
        pytest.param({**system("x"), "clear_at": "never"}, id="CASES-1 with clear_at"),
        pytest.param(system([{"type": "tool_removal", "tool": {"name": "X"}}]), id="CASES-1 tool_removal"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_system_messages_stand_anywhere(message: Json, first: bool) -> None:
    messages = [message, user("hi")] if first else [user("hi"), message]
    assert parsed(asking(*messages)).messages[0 if first else 1].role == "system"


def test_text_stands_for_one_block() -> None:
    request = parsed(
        asking(
            {"role": "user", "content": "hi"},
            assistant(call("toolu_1")),
            user(result("toolu_1", "done")),
            system="Be brief.",
        )
    )
    assert request.messages[0].content == [TextBlock(text="hi")]
    assert request.system == [TextBlock(text="Be brief.")]
    answered = request.messages[2].content[0]
    assert isinstance(answered, ToolResultBlock)
    assert answered.content == [TextBlock(text="done")]


def test_results_without_content() -> None:
    results = [{"type": "tool_result", "tool_use_id": "t"}, result("t", None), result("t", [])]
    for block in parsed(asking(user(*results))).messages[0].content:
        assert isinstance(block, ToolResultBlock)
        assert block.content == []


def test_unknown_blocks_keep_their_fields() -> None:
    block = parsed(asking(user({"type": "new", "x": {"y": 1}}))).messages[0].content[0]
    assert isinstance(block, UnknownBlock)
    assert block.model_extra == {"x": {"y": 1}}


def test_references_are_read_inside_results() -> None:
    found = [{"type": "tool_reference", "tool_name": "WebFetch"}]
    answered = parsed(asking(user(result("t", found)))).messages[0].content[0]
    assert isinstance(answered, ToolResultBlock)
    assert answered.content == [ToolReferenceBlock(type="tool_reference", tool_name="WebFetch")]


def test_base64_may_be_wrapped() -> None:
    block = parsed(asking(user(image("iVBO\nRw0K\r\nGgo=")))).messages[0].content[0]
    assert isinstance(block, ImageBlock)
    assert block.source.model_dump()["data"] == "iVBORw0KGgo="


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('"a\\ud83d\\ude00b"', "a\U0001f600b"),
        ('"a\\ud83db"', "a\ufffdb"),
        ('"\\ude00"', "\ufffd"),
        ('"a\\uD83D"', "a\ufffd"),
        ('"\U0001f600"', "\U0001f600"),
        ('"\\ud83d\\ud83d\\ude00"', "\ufffd\U0001f600"),
        ('"\\ude00\\ud83d"', "\ufffd\ufffd"),
        ('"\\\\ud83d\\ud83d"', "\\ud83d\ufffd"),
        ('"\\\\\\ud83d\\n"', "\\\ufffd\n"),
    ],
)
def test_half_characters(sent: str, read: str) -> None:
    """No upstream's UTF-8 can hold half a character; Claude Code cuts strings between the two."""
    body = f'{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":{sent}}}]}}'
    assert parse_request(body.encode()).messages[0].content == [TextBlock(text=read)]
    deep = body.replace(sent, f'[{{"type":"tool_use","id":"t","name":"Bash","input":{{{sent}:[{sent}]}}}}]')
    (block,) = parse_request(deep.encode()).messages[0].content
    assert block.model_dump()["input"] == {read: [read]}


@pytest.mark.parametrize(
    ("messages", "config", "effort"),
    [
        ([user("a")], None, None),
        ([user("a")], {"effort": "high"}, "high"),
        ([user("a"), {**system([]), "output_config": {"effort": "low"}}], {"effort": "high"}, "low"),
        (
            [
                {**user("a"), "output_config": {"effort": "max"}},
                {**system("b"), "output_config": {"effort": "low"}},
                {**user("c"), "output_config": {"effort": None}},
                {**user("d"), "output_config": None},
            ],
            {"effort": "high"},
            "low",
        ),
    ],
)
def test_effort_of_the_latest_message_that_sets_one(messages: list[Json], config: Json | None, effort: str) -> None:
    assert parsed(asking(*messages, output_config=config)).effort == effort


SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}


@pytest.mark.parametrize(
    ("fields", "schema"),
    [
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, SCHEMA),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, SCHEMA),
        ({"output_config": {"format": {"type": "text"}}}, None),
        ({"output_config": {"format": {"type": "json_schema"}}}, None),
        ({"output_config": {"effort": "low"}}, None),
        ({}, None),
    ],
)
def test_json_schema(fields: Json, schema: Json | None) -> None:
    assert parsed(asking(**fields)).json_schema == schema


def test_count_request_needs_no_max_tokens_and_forgives_a_choice_without_tools() -> None:
    body = {"model": "m", "messages": [user("hi")], "tool_choice": {"type": "any"}}
    assert parse_count_request(json.dumps(body).encode()).max_tokens == 0
    with pytest.raises(ApiError, match="messages: Field required"):
        parse_count_request(b'{"model": "m"}')
