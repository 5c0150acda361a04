"""Characters beyond ASCII, cut where they hurt: within UTF-8 sequences, surrogate pairs and JSON escapes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.samples import chunk
from tests.e2e.script import of_role, play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import DONE, Reply, ToolCall
from tests.fakes.server import Raw, Step

pytestmark = pytest.mark.e2e

_STRANGE = 'Grüße 你好 \U0001f469\u200d\U0001f680 \U0001d11e "quoted" \\n \u2028 ende\n'


def _utf16_halves(text: str) -> Iterator[str]:
    """The text in single UTF-16 units, as servers cut it whose language has such strings."""
    units = text.encode("utf-16-le", "surrogatepass")
    for start in range(0, len(units), 2):
        yield units[start : start + 2].decode("utf-16-le", "surrogatepass")


def _split_surrogates(text: str, call: ToolCall) -> Raw:
    """One UTF-16 unit to a chunk, in the text and in the tool's arguments, and a pause within each pair."""
    function = {"name": call.name, "arguments": ""}
    start = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
    steps: list[Step] = []
    for unit in _utf16_halves(text):
        steps += [chunk({"content": unit}), *_pause_after(unit)]
    steps.append(chunk(start))
    for unit in _utf16_halves(call.arguments):
        steps += [chunk({"tool_calls": [{"index": 0, "function": {"arguments": unit}}]}), *_pause_after(unit)]
    return Raw([*steps, chunk({}, "tool_calls"), DONE])


def _pause_after(unit: str) -> list[Step]:
    return [0.05] if "\ud800" <= unit <= "\udbff" else []


def _split_bytes(text: str) -> Raw:
    """Each byte of the stream in a write of its own."""
    whole = chunk({"content": text}, ascii_only=False) + chunk({}, "stop", ascii_only=False) + DONE
    return Raw([bytes([byte]) for byte in whole])


def test_write_and_edit(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    path = claude.project / "strange.txt"
    play(
        upstream,
        _split_surrogates("\U0001f600 first", ToolCall("Write", {"file_path": str(path), "content": _STRANGE})),
        Reply(ToolCall("Edit", {"file_path": str(path), "old_string": "\U0001d11e", "new_string": "\U0001f3b5 café"})),
        Reply(ToolCall("Bash", {"command": f"cat '{path}'", "description": "Show"})),
        _split_bytes("全部 \U0001f44d done"),
    )
    assert claude.run("schreibe \U0001f58a 字")["result"] == "全部 \U0001f44d done"
    edited = _STRANGE.replace("\U0001d11e", "\U0001f3b5 café")
    assert path.read_text(encoding="utf-8") == edited
    body = upstream.requests[-1]
    assert "schreibe \U0001f58a 字" in texts(body, "user")[0]
    first, second, _ = of_role(body, "assistant")
    assert first["content"] == "\U0001f600 first"
    assert json.loads(first["tool_calls"][0]["function"]["arguments"])["content"] == _STRANGE
    assert json.loads(second["tool_calls"][0]["function"]["arguments"])["new_string"] == "\U0001f3b5 café"
    assert texts(body, "tool")[-1].strip() == edited.strip()
