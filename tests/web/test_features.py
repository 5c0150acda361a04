"""Parts of the API that clients use now and then: each passes, whoever answers, and nobody upstream refuses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.fakes.gemini import replies as google
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, ToolCall
from tests.providers.gemini.serving import KEY as GEMINI_KEY
from tests.providers.gemini.serving import gemini_settings
from tests.translation import PDF, PNG, assistant, call, image, pdf, result, text, tool, user
from tests.web.serving import KEY, Proxy, ask, custom_settings, serve, settings

Json = dict[str, Any]


class _Target(NamedTuple):
    proxy: Proxy
    upstream: FakeOpenAI | FakeGemini

    def script(self, reply: str | Json) -> None:
        """The answer: a text, or a call of Read with this input."""
        if isinstance(self.upstream, FakeGemini):
            self.upstream.reply(google.Text(reply) if isinstance(reply, str) else google.FunctionCall("Read", reply))
        else:
            self.upstream.reply(Text(reply) if isinstance(reply, str) else ToolCall("Read", reply))


_TARGETS = ("responses", "chat", "reasoning chat", "gemini-2.5-flash", "gemini-3.8-flash", "custom")


@pytest.fixture(scope="module", params=_TARGETS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Target]:
    name: str = request.param
    if name.startswith("gemini"):
        with FakeGemini(keys=[GEMINI_KEY]) as gemini, serve(gemini_settings(gemini.base_url, name)) as proxy:
            yield _Target(proxy, gemini)
        return
    with FakeOpenAI("compatible" if name == "custom" else "openai") as openai:
        if name == "custom":
            config = custom_settings(tmp_path_factory.mktemp("custom"), {"api_base": openai.base_url})
        else:
            api = "responses" if name == "responses" else "chat"
            model = {"responses": "gpt-6-sol", "chat": "gpt-4o", "reasoning chat": "gpt-5.1"}[name]
            config = settings(openai.base_url, OPENAI_API_KEY=KEY, OPENAI_API=api, BIG_MODEL=model)
        with serve(config) as proxy:
            yield _Target(proxy, openai)


def _check(target: _Target, body: Json, reply: str | Json = "ok", kept: tuple[str, ...] = ()) -> Json:
    """The conforming answer to `body`; `kept` are texts that must reach the upstream."""
    target.script(reply)
    answer = target.proxy.post(body)
    assert answer.status == 200, (answer.body, target.upstream.refusals)
    message = answer.message()
    sent = target.upstream.exchanges[-1].raw.decode()
    assert [each for each in kept if json.dumps(each)[1:-1] not in sent] == []
    assert target.upstream.refusals == []
    return message


_BOTH_MODES = pytest.mark.parametrize("stream", [False, pytest.param(True, marks=pytest.mark.streaming)])
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}, "why": {"type": "string"}},
    "required": ["answer", "why"],
    "additionalProperties": False,
}
_FORMAT = {"type": "json_schema", "schema": _SCHEMA}
_JSON = '{"answer": 7, "why": "so"}'


@_BOTH_MODES
@pytest.mark.parametrize("tools", [[], [tool()]])
@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": _FORMAT}},
        {"output_config": {"format": _FORMAT, "effort": "low"}},
        {"output_config": {"format": None}},
        {"output_format": _FORMAT},
    ],
)
def test_structured_output(fields: Json, tools: list[Json], stream: bool, target: _Target) -> None:
    message = _check(target, ask(tools=tools, stream=stream, **fields), _JSON)
    assert message["content"][-1]["text"] == _JSON


@pytest.mark.parametrize(
    "tail",
    [
        [assistant("The answer is")],
        [assistant("The answer is "), assistant("(")],
        [assistant(call("toolu_1", path="x")), user(result("toolu_1")), assistant("So")],
    ],
)
def test_an_answer_that_is_begun(tail: list[Json], target: _Target) -> None:
    _check(target, ask(messages=[user("hi"), *tail], tools=[tool()]), "7", ("hi",))


@_BOTH_MODES
@pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "disabled"}])
@pytest.mark.parametrize(
    ("choice", "reply"),
    [
        ({"type": "none"}, "ok"),
        ({"type": "auto"}, {"path": "x"}),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"path": "x"}),
        ({"type": "any"}, {"path": "x"}),
        ({"type": "any", "disable_parallel_tool_use": True}, {"path": "x"}),
        ({"type": "tool", "name": "Read"}, {"path": "x"}),
        ({"type": "tool", "name": "Read", "disable_parallel_tool_use": True}, {"path": "x"}),
    ],
)
def test_tool_choice(choice: Json, reply: str | Json, thinking: Json, stream: bool, target: _Target) -> None:
    tools = [tool(), tool("Grep")]
    message = _check(target, ask(tools=tools, tool_choice=choice, thinking=thinking, stream=stream), reply)
    assert message["content"][-1]["type"] == ("text" if reply == "ok" else "tool_use")


_FOUND = {"type": "search_result", "source": "https://a.test", "title": "A page", "content": [text("Found words.")]}
_CITED = {**_FOUND, "citations": {"enabled": True}}
_PLAIN = {"type": "text", "media_type": "text/plain", "data": "Plain words."}
_PICTURED = {"type": "content", "content": [text("Words."), image(), text("More.")]}
_CITATION = {
    "type": "char_location",
    "cited_text": "Plain",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 5,
}


@pytest.mark.parametrize(
    ("messages", "kept"),
    [
        ([user(_FOUND, "and?")], ("Found words.",)),
        ([user(_CITED, "and?")], ("Found words.",)),
        (
            [user("hi"), assistant(call("toolu_1", path="x")), user(result("toolu_1", [_CITED, _FOUND]))],
            ("Found words.",),
        ),
        ([user({"type": "document", "source": _PLAIN, "citations": {"enabled": True}}, "and?")], ("Plain words.",)),
        (
            [
                user(
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [text("In parts.")]},
                        "title": "T",
                        "context": "C",
                        "citations": {"enabled": True},
                    }
                )
            ],
            ("In parts.",),
        ),
        ([user(pdf(citations={"enabled": True}), "and?")], (PDF,)),
        ([user(pdf(title="A report"), "and?")], (PDF, "A report")),
        ([user(pdf(title="A report", context="Of May."), "and?")], (PDF, "A report", "Of May.")),
        ([user({"type": "document", "source": _PICTURED, "title": "T"}, "and?")], ("T", "Words.", PNG)),
        (
            [
                user("hi"),
                assistant(call("toolu_1", path="x")),
                user(result("toolu_1", [{"type": "document", "source": _PICTURED}])),
            ],
            ("Words.", PNG),
        ),
        ([user("hi"), assistant({**text("It says so."), "citations": [_CITATION]}), user("go on")], ("It says so.",)),
    ],
)
def test_sources_and_citations(messages: list[Json], kept: tuple[str, ...], target: _Target) -> None:
    if PDF in kept and not target.proxy.call("GET", "/v1/models/opus").json()["capabilities"]["pdf_input"]["supported"]:
        kept = tuple(each for each in kept if each != PDF)
    _check(target, ask(messages=messages, tools=[tool()]), "ok", kept)


_SEARCHED: list[Json] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "moon"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "url": "https://moon.test",
                "title": "Moon",
                "encrypted_content": "Ev" * 3000,
                "page_age": None,
            }
        ],
    },
]
_FETCHED: list[Json] = [
    {"type": "server_tool_use", "id": "srvtoolu_2", "name": "web_fetch", "input": {"url": "https://moon.test"}},
    {
        "type": "web_fetch_tool_result",
        "tool_use_id": "srvtoolu_2",
        "content": {"type": "web_fetch_tool_result_error", "error_code": "url_not_accessible"},
    },
]
_RAN: list[Json] = [
    {"type": "server_tool_use", "id": "srvtoolu_3", "name": "code_execution", "input": {"code": "1+1"}},
    {
        "type": "code_execution_tool_result",
        "tool_use_id": "srvtoolu_3",
        "content": {"type": "code_execution_result", "stdout": "2", "stderr": "", "return_code": 0, "content": []},
    },
]
_MCP: list[Json] = [
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "s", "input": {"x": 1}},
    {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": [text("echoed")]},
]
_PASSED: dict[str, list[Json]] = {
    "web search": _SEARCHED,
    "web fetch": _FETCHED,
    "code": _RAN,
    "mcp": _MCP,
    "compaction": [{"type": "compaction", "content": "We have come far.", "encrypted_content": None}],
    "fallback": [{"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}],
    "from the future": [{"type": "hologram", "shape": {"of": ["things"]}}],
    "all": [*_SEARCHED, *_FETCHED, *_RAN, *_MCP],
}


@pytest.mark.parametrize("place", ["alone", "before a text", "before a call", "after a call's result"])
@pytest.mark.parametrize("name", _PASSED)
def test_blocks_of_anthropics_own_tools(name: str, place: str, target: _Target) -> None:
    blocks = _PASSED[name]
    history = {
        "alone": [assistant(*blocks), user("go on")],
        "before a text": [assistant(*blocks, "And so."), user("go on")],
        "before a call": [assistant(*blocks, call("toolu_1", path="x")), user(result("toolu_1"))],
        "after a call's result": [
            assistant(call("toolu_1", path="x")),
            user(result("toolu_1")),
            assistant(*blocks),
            user("go on"),
        ],
    }
    _check(target, ask(messages=[user("hi"), *history[place]], tools=[tool()]))


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "container_upload", "file_id": "file_1"}, text("use it")],
        [{"type": "container_upload", "file_id": "file_1"}],
        [{"type": "hologram", "shape": "round"}, text("look")],
    ],
)
def test_blocks_of_the_users(content: list[Json], target: _Target) -> None:
    _check(target, ask(messages=[{"role": "user", "content": content}]))


_SERVER_TOOLS = [
    {"type": "bash_20250124", "name": "bash"},
    {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
    {"type": "memory_20250818", "name": "memory"},
    {"type": "code_execution_20250825", "name": "code_execution"},
    {"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 2},
    {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
    {"type": "mcp_toolset", "mcp_server_name": "s"},
    {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5-5"},
    {"type": "computer_toolset_20260801", "name": "computer", "display_width_px": 800, "display_height_px": 600},
    {"type": "from_the_future_20270101", "name": "future"},
]


@pytest.mark.parametrize(
    "tools",
    [*([each] for each in _SERVER_TOOLS), _SERVER_TOOLS, [*_SERVER_TOOLS, tool()]],
    ids=lambda tools: " ".join(each.get("type", "custom") for each in tools),
)
def test_tools_that_anthropic_defines(tools: list[Json], target: _Target) -> None:
    servers = [{"type": "url", "url": "https://s.test", "name": "s"}]
    _check(target, ask(tools=tools, mcp_servers=servers, container="c1"))


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "auto"}, {"type": "tool", "name": "code_execution"}])
def test_a_choice_among_tools_that_are_not_there(choice: Json, target: _Target) -> None:
    _check(target, ask(tools=[{"type": "code_execution_20250825", "name": "code_execution"}], tool_choice=choice))
