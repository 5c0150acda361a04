"""Which program Claude Code is, and how its arguments are written for it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

_SCRIPTS = (".cmd", ".bat")
_PACKAGE = Path("node_modules", "@anthropic-ai", "claude-code")
_META = re.compile(r'[()\]\[%!^"`<>&|;, *?]')
"""What cmd.exe heeds, within quotes as well."""


def find_claude(named: str | None) -> str | None:
    """The path of the program: that of CLAUDE_BIN if it is set, else `claude` (on Windows `claude.cmd` and others).

    None where there is none.
    """
    return shutil.which(named or "claude")


def command_line(program: str, arguments: Sequence[str]) -> list[str] | str:
    """What to start. A script of npm's for Windows is replaced by the program it would start, if that is found.

    cmd.exe reads the arguments of a script again, and again in the script, so that they must be disarmed.
    """
    path = Path(program)
    if path.suffix.lower() not in _SCRIPTS:
        return [program, *arguments]
    for package in (path.parent / _PACKAGE, path.parent.parent / _PACKAGE.relative_to("node_modules")):
        if (native := package / "bin" / "claude.exe").is_file():
            return [str(native), *arguments]
        if (script := package / "cli.js").is_file() and (node := shutil.which("node")):
            return [node, str(script), *arguments]
    words = [_META.sub(r"^\g<0>", program), *(_disarmed(each) for each in arguments)]
    return f'cmd.exe /d /s /c "{" ".join(words)}"'


def _disarmed(argument: str) -> str:
    """For a script that hands its arguments on to another program, as those of npm do."""
    doubled = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), argument)
    once = _META.sub(r"^\g<0>", f'"{doubled}"')
    return _META.sub(r"^\g<0>", once)
