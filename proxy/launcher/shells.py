"""Variables in the words of a shell, or of Claude Code's settings.json. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath


def sh(variables: Mapping[str, str]) -> str:
    """For bash, zsh and their kin. As everywhere here: those with "" are taken away."""
    return _lines(variables, lambda name, value: f"export {name}={_sh_quoted(value)}", "unset {}")


def fish(variables: Mapping[str, str]) -> str:
    return _lines(variables, lambda name, value: f"set -gx {name} {_fish_quoted(value)}", "set -e {}")


def powershell(variables: Mapping[str, str]) -> str:
    # $null takes a variable of the environment away, and does no harm where there is none.
    return _lines(variables, lambda name, value: f"$env:{name} = {_powershell_quoted(value)}", "$env:{} = $null")


def settings_json(variables: Mapping[str, str]) -> str:
    """A text for ~/.claude/settings.json; Claude Code takes an empty variable for none."""
    return json.dumps({"env": dict(variables)}, indent=2)


WRITERS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "sh": sh,
    "fish": fish,
    "powershell": powershell,
    "settings": settings_json,
}


def usual_shell(system: str, login_shell: str) -> str:
    """Which of WRITERS suits a user. `system`: an `os.name`; `login_shell`: the value of SHELL."""
    if system == "nt":
        return "powershell"
    return "fish" if PurePath(login_shell).name == "fish" else "sh"


def _lines(variables: Mapping[str, str], assignment: Callable[[str, str], str], removal: str) -> str:
    return "\n".join(assignment(*each) if each[1] else removal.format(each[0]) for each in variables.items())


def _sh_quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _fish_quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell_quoted(value: str) -> str:
    # It takes typographic quotes for quotes, too.
    return "'" + re.sub("['\u2018-\u201b]", r"\g<0>\g<0>", value) + "'"
