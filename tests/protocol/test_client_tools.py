"""Tools that Anthropic defines and the client runs reach other models with a description and a schema."""

from __future__ import annotations

import json

import pytest

from proxy.protocol.client_tools import definition
from proxy.protocol.history import offered_tools
from proxy.protocol.notes import Notes
from proxy.protocol.request import parse_request

COMMANDS = {"view", "create", "str_replace", "insert"}


@pytest.mark.parametrize(
    ("tool_type", "commands"),
    [
        ("text_editor_20241022", COMMANDS | {"undo_edit"}),
        ("text_editor_20250124", COMMANDS | {"undo_edit"}),
        ("text_editor_20250429", COMMANDS),
        ("text_editor_20250728", COMMANDS),
        ("memory_20250818", COMMANDS | {"delete", "rename"}),
    ],
)
def test_the_commands_of_each_version(tool_type: str, commands: set[str]) -> None:
    known = definition(tool_type)
    assert known is not None
    assert set(known.input_schema["properties"]["command"]["enum"]) == commands


@pytest.mark.parametrize("command", ["View", "Create", "StrReplace", "Insert", "Delete", "Rename"])
def test_a_model_can_fill_in_what_the_sdk_reads_of_a_memory_command(command: str) -> None:
    beta = pytest.importorskip("anthropic.types.beta")
    fields = getattr(beta, f"BetaMemoryTool20250818{command}Command").model_fields
    known = definition("memory_20250818")
    assert known is not None
    assert set(fields) <= set(known.input_schema["properties"])


@pytest.mark.parametrize("tool_type", ["custom", "web_search_20250305", "computer_20250124", "bash", "xbash_20250124"])
def test_others_are_left_alone(tool_type: str) -> None:
    assert definition(tool_type) is None


def test_a_request_offers_them_as_custom_tools() -> None:
    tools = [{"type": "bash_20250124", "name": "bash"}, {"type": "web_fetch_20250910", "name": "web_fetch"}]
    messages = [{"role": "user", "content": "hi"}]
    body = {"model": "m", "max_tokens": 9, "messages": messages, "tools": tools}
    notes = Notes()
    (bash,) = offered_tools(parse_request(json.dumps(body).encode()), notes)
    assert (bash.name, set((bash.input_schema or {})["properties"])) == ("bash", {"command", "restart"})
    assert bash.description
    assert list(notes) == ["tools: web_fetch_20250910 is not available here"]
