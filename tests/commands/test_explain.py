"""`explain`: the decisions as a table, another name, and the difference between two."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.commands.running import Place

REQUEST = {
    "model": "claude-opus-5-5",
    "max_tokens": 9000,
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "high"},
    "temperature": 0.5,
    "tools": [
        {"name": "Read", "input_schema": {"type": "object"}},
        {"name": "mcp__a.b", "input_schema": {"type": "object"}},
    ],
    "tool_choice": {"type": "tool", "name": "Read", "disable_parallel_tool_use": True},
    "messages": [{"role": "user", "content": "my secret words"}],
}
SETTINGS = {"PREFERRED_PROVIDER": "openai", "BIG_MODEL": "gpt-6-sol", "ANTHROPIC_API_KEY": "sk-ant-0123456789"}


@pytest.fixture
def asked(place: Place) -> Place:
    place.configure(**SETTINGS)
    (place.path / "asked.json").write_text(json.dumps(REQUEST))
    return place


def decisions(text: str) -> dict[str, str]:
    lines = text.split("decided:\n")[1].splitlines()
    return {line[2:16].strip(): line[17:] for line in lines}


def test_what_was_decided(asked: Place) -> None:
    done = asked.run("explain", "asked.json")
    assert done.code == 0
    assert json.loads(done.out)["model"] == "gpt-6-sol"
    assert decisions(done.err) == {
        "API": "the Responses API",
        "streaming": "yes",
        "effort": "high (asked for: high)",
        "budget": "none",
        "thinks": "yes",
        "display": "thinking is shown: full",
        "output limit": "9000 tokens (asked for: 9000)",
        "tools": "2 of 2: Read, mcp__a.b",
        "renamed": "mcp__a.b -> mcp__a_b_a8620848",
        "tool choice": "any, the tool Read; one call at a time",
        "web search": "none",
        "sampling": "none",
        "schema": "none",
        "tier": "auto",
    }
    assert "note: temperature was left out" in done.err
    assert "secret" not in done.err


@pytest.mark.parametrize(
    ("model", "target", "name", "value"),
    [
        ("gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash", "budget", "the model chooses"),
        ("gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash", "sampling", "temperature 0.5"),
        ("openai/gpt-4o", "openai/gpt-4o", "effort", "not sent (asked for: high)"),
        ("anthropic/claude-opus-5-5", "anthropic/claude-opus-5-5", "all", "as the client has it"),
    ],
)
def test_another_name(model: str, target: str, name: str, value: str, asked: Place) -> None:
    done = asked.run("explain", "asked.json", "--model", model)
    assert done.err.startswith(f"to {target}\n")
    assert decisions(done.err)[name].startswith(value)
    json.loads(done.out)


def test_difference(asked: Place) -> None:
    done = asked.run("explain", "asked.json", "--diff", "openai/gpt-4o")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:2] == ["--- openai/gpt-6-sol", "+++ openai/gpt-4o"]
    assert "-effort         high (asked for: high)" in lines
    assert "+effort         not sent (asked for: high)" in lines
    assert '-  "model": "gpt-6-sol",' in lines
    assert '+  "model": "gpt-4o",' in lines
    same = asked.run("explain", "asked.json", "--model", "openai/gpt-4o", "--diff", "openai/gpt-4o")
    assert (same.code, same.out.strip()) == (0, "")


@pytest.mark.parametrize(
    ("text", "flags", "words"),
    [
        (json.dumps(REQUEST), ["--model", "llama"], "model: llama is not known here"),
        (json.dumps(REQUEST), ["--diff", "llama"], "model: llama is not known here"),
        ("hello", ["--model", "openai/gpt-4o"], "JSON"),
        ("[1]", ["--diff", "openai/gpt-4o"], "object"),
    ],
)
def test_mistakes(text: str, flags: list[Any], words: str, asked: Place) -> None:
    (asked.path / "asked.json").write_text(text)
    done = asked.run("explain", "asked.json", *flags)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
