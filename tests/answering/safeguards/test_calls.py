"""The calls of an answer, and which of them are judged. What the client does not check may be judged, never the other
way round where it is known."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.answering.safeguards.calls import CallCollector, ToolCall, is_checked
from proxy.protocol.deltas import Delta, Finish, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart, Usage
from proxy.protocol.writer import Writer
from tests.answering.safeguards.samples import Json, context


def _read(path: Any) -> ToolCall:
    return ToolCall("toolu_1", "Read", {"file_path": path})


def _write(path: Any, name: str = "Write", field: str = "file_path") -> ToolCall:
    return ToolCall("toolu_1", name, {field: path, "content": "x"})


BLOCKED = context()
BLOCKED["trusted_directories"]["block_reads_outside_working_directories"] = True
UNCHECKED: dict[str, tuple[ToolCall, Json]] = {
    "read inside": (_read("/home/dev/app/a/b.py"), {}),
    "the folder itself": (_read("/home/dev/app"), {}),
    "the folder with a slash": (_read("/home/dev/app/"), {}),
    "read outside": (_read("/etc/passwd"), {}),
    "read at home": (_read("~/.ssh/id_rsa"), {}),
    "read what is guarded": (_read("/home/dev/app/.git/config"), {}),
    "a path that is no text to read": (_read(["/home/dev/app/a"]), {}),
    "search outside": (ToolCall("t", "Glob", {"pattern": "*", "path": "/"}), {}),
    "read inside, where reading outside is blocked": (_read("src/a.py"), BLOCKED),
    "search without a place, where reading outside is blocked": (ToolCall("t", "Grep", {"pattern": "x"}), BLOCKED),
    "relative": (_write("src/a.py"), {}),
    "relative with a dot": (_write("./src/a.py"), {}),
    "dots that stay inside": (_write("src/../a.py"), {}),
    "a folder of a hidden name around": (_write("/home/dev/.trees/app/a"), context("/home/dev/.trees/app")),
    "a name with a tilde inside": (_write("a~b"), {}),
    "spaces and letters of all kinds": (_write("/home/dev/app/Größe (1) 写.txt"), {}),
    "an additional folder": (_write("/srv/data/x"), context("/home/dev/app", "/srv/data")),
    "relative to another working directory": (_write("../x"), context(live_cwd="/home/dev/app/src")),
    "edit": (_write("a.py", "Edit"), {}),
    "several edits": (_write("a.py", "MultiEdit"), {}),
    "notebook": (_write("a.ipynb", "NotebookEdit", "notebook_path"), {}),
    "search in the folder": (ToolCall("t", "Grep", {"pattern": "x", "path": "src"}), {}),
    "search without a place": (ToolCall("t", "Grep", {"pattern": "x"}), {}),
    "files without a place": (ToolCall("t", "Glob", {"pattern": "**/*"}), {}),
    "the root is trusted": (_write("/etc/hosts"), context("/")),
    "Windows": (_write(r"C:\app\src\a.py"), context("C:\\app", platform="win32")),
    "Windows with slashes": (_write("C:/app/src/a.py"), context("C:\\app", platform="win32")),
    "Windows, relative": (_write(r"src\a.py"), context("C:\\app", platform="win32")),
    "Windows, a trusted drive": (_write(r"D:\x"), context("C:\\app", "D:\\", platform="win32")),
    **{
        name: (ToolCall("t", name, {}), {})
        for name in ("ToolSearch", "TodoWrite", "AskUserQuestion", "ExitPlanMode", "ListAgents", "ReportFindings")
    },
}
CHECKED: dict[str, tuple[ToolCall, Json]] = {
    "read outside, where that is blocked": (_read("/etc/passwd"), BLOCKED),
    "search outside, where that is blocked": (ToolCall("t", "Glob", {"pattern": "*", "path": "/"}), BLOCKED),
    "out by dots": (_write("../x"), {}),
    "out by dots further in": (_write("/home/dev/app/src/../../x"), {}),
    "a folder that begins alike": (_write("/home/dev/application/x"), {}),
    "the folder above": (_write("/home/dev"), {}),
    "a hook": (_write(".git/hooks/pre-commit"), {}),
    "a hidden folder further in": (_write("/home/dev/app/sub/.vscode/settings.json"), {}),
    "the client's settings": (_write("/home/dev/app/.claude/settings.json"), {}),
    "a name that begins with dots": (_write("..a.py"), {}),
    **{
        f"guarded: {name}": (_write(name, "Edit"), {})
        for name in (".bashrc", ".mcp.json", ".GitConfig", ".env", "sub/lefthook.yml", "BunFig.toml")
    },
    "Windows, a hook": (_write(r"C:\app\.git\hooks\x"), context("C:\\app", platform="win32")),
    "home by tilde": (_write("~/app/x"), {}),
    "home by tilde and name": (_write("~dev/app/x"), {}),
    "another case": (_write("/home/dev/APP/x"), {}),
    "no path to write": (ToolCall("t", "Write", {"content": "x"}), {}),
    "null to write": (_write(None), {}),
    "a path that is no text": (_write(["/home/dev/app/a"]), {}),
    "a number for a path": (_write(7), {}),
    "relative without a working directory": (_write("a"), context(live_cwd=None)),
    "inside without a working directory": (_write("/home/dev/app/a"), context(live_cwd=7)),
    "no trusted folders": (_write("/home/dev/app/a"), context(trusted_directories=None)),
    "trusted folders of another shape": (_write("a"), context(trusted_directories=["/home/dev/app"])),
    "a trusted folder without a path": (_write("a"), context(trusted_directories={"primary": {}, "additional": 1})),
    "Windows, another drive": (_write(r"D:\app\a"), context("C:\\app", platform="win32")),
    "Windows, out by dots": (_write("C:/app/../x"), context("C:\\app", platform="win32")),
    "Windows, a share": (_write(r"\\server\share\a"), context("C:\\app", platform="win32")),
    "backslashes elsewhere": (_write("\\home\\dev\\app\\a"), context("/home/dev/app", live_cwd="/tmp")),
    "a shell": (ToolCall("t", "Bash", {"command": "ls"}), {}),
    "a shell in the folder": (ToolCall("t", "Bash", {"command": "ls", "file_path": "/home/dev/app"}), {}),
    "an agent": (ToolCall("t", "Agent", {"prompt": "x"}), {}),
    "the web": (ToolCall("t", "WebFetch", {"url": "https://a.test"}), {}),
    "an MCP tool": (ToolCall("t", "mcp__files__read", {"file_path": "/home/dev/app/a"}), {}),
    "an MCP tool called as one of the client's": (ToolCall("t", "mcp__x__Read", {"file_path": "/home/dev/app/a"}), {}),
    "a tool of tomorrow": (ToolCall("t", "Teleport", {}), {}),
    "a tool in another case": (ToolCall("t", "read", {"file_path": "/home/dev/app/a"}), {}),
    "no name": (ToolCall("t", "", {}), {}),
}


@pytest.mark.parametrize("name", UNCHECKED)
def test_the_client_does_not_wait_for_a_verdict(name: str) -> None:
    call, given = UNCHECKED[name]
    assert not is_checked(call, given or context())


@pytest.mark.parametrize("name", CHECKED)
def test_a_verdict_is_needed(name: str) -> None:
    call, given = CHECKED[name]
    assert is_checked(call, given or context())


def _collected(*deltas: Delta) -> list[ToolCall]:
    collector, writer = CallCollector(), Writer("claude-opus-5-5", 7)
    collector.saw(writer.feed(deltas))
    collector.saw(writer.finish())
    return collector.calls


def _call(key: int, name: str, *pieces: str) -> list[Delta]:
    return [ToolCallStart(key, name), *(ToolCallDelta(key, piece) for piece in pieces), ToolCallEnd(key)]


def test_calls_are_taken_from_the_events() -> None:
    """In their order, whole, under the ids that the client sees; calls whose pieces come interleaved stay apart."""
    first, second, third = _collected(
        TextDelta("I look."),
        *_call(1, "Bash", '{"comm', 'and": "ls <b>"}'),
        ToolCallStart(2, "Read"),
        ToolCallStart(3, "mcp__a__b"),
        ToolCallDelta(2, '{"file_path": '),
        ToolCallDelta(3, "{}"),
        ToolCallDelta(2, '"/a"}'),
        Usage(input=7, output=9),
        Finish(),
    )
    assert (first.name, first.input) == ("Bash", {"command": "ls <b>"})
    assert (second.name, second.input) == ("Read", {"file_path": "/a"})
    assert (third.name, third.input) == ("mcp__a__b", {})
    assert len({first.id, second.id, third.id}) == 3


def test_a_call_without_arguments_is_one() -> None:
    (call,) = _collected(*_call(1, "mcp__db__drop_all"), Usage(input=7, output=9), Finish())
    assert call.input == {}


@pytest.mark.parametrize("piece", ['{"command": "rm', ""], ids=["within its input", "before its input"])
def test_a_call_that_the_limit_cut_is_none(piece: str) -> None:
    """It must not be judged as something that it is not."""
    whole = _call(1, "Bash", '{"command": "ls"}')
    cut: list[Delta] = [ToolCallStart(2, "Bash"), *([ToolCallDelta(2, piece)] if piece else [])]
    calls = _collected(*whole, *cut, Usage(input=7, output=9), Finish("max_tokens"))
    assert [call.input for call in calls] == [{"command": "ls"}]


def test_an_answer_in_words_has_no_calls() -> None:
    assert _collected(TextDelta('{"name": "Bash"}'), Usage(input=7, output=9), Finish()) == []
