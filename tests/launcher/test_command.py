"""Which program Claude Code is, npm's scripts for Windows included."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.launcher.command import command_line, find_claude


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("named", [None, "claude", "my-claude", "a path"])
def test_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    names = {name: str(program(tmp_path / f"{name}")) for name in ("claude", "my-claude")}
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PATHEXT", ".")
    wanted = named if named in names else "claude"
    assert find_claude(names[wanted] if named == "a path" else named) == names[wanted]


def test_not_to_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_claude(None) is None
    assert find_claude(str(tmp_path / "missing")) is None


ARGUMENTS = ["-p", "a & b"]


def test_a_program_gets_its_arguments_as_they_are() -> None:
    assert command_line("/bin/claude", ARGUMENTS) == ["/bin/claude", *ARGUMENTS]


@pytest.mark.parametrize("script", ["claude.cmd", "node_modules/.bin/CLAUDE.CMD"], ids=["global", "of a project"])
@pytest.mark.parametrize("release", ["bin/claude.exe", "cli.js"])
def test_a_script_of_npms_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, release: str
) -> None:
    shim = program(tmp_path / script)
    target = program(tmp_path / "node_modules/@anthropic-ai/claude-code" / release)
    node = program(tmp_path / "tools/node")
    monkeypatch.setenv("PATH", str(node.parent))
    monkeypatch.setenv("PATHEXT", ".")
    before = [] if release.endswith(".exe") else [str(node)]
    assert command_line(str(shim), ARGUMENTS) == [*before, str(target), *ARGUMENTS]


@pytest.mark.parametrize(
    ("argument", "disarmed"),
    [
        ("plain", '^^^"plain^^^"'),
        ("", '^^^"^^^"'),
        ("a & b", '^^^"a^^^ ^^^&^^^ b^^^"'),
        ("%PATH%", '^^^"^^^%PATH^^^%^^^"'),
        ('say "hi"', '^^^"say^^^ \\^^^"hi\\^^^"^^^"'),
        ("C:\\dir\\", '^^^"C:\\dir\\\\^^^"'),
    ],
)
def test_other_scripts_get_arguments_that_cmd_cannot_read(argument: str, disarmed: str) -> None:
    assert command_line("C:\\tools\\claude.cmd", [argument]) == f'cmd.exe /d /s /c "C:\\tools\\claude.cmd {disarmed}"'
