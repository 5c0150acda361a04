"""Variables in the words of shells: each shell that is here reads back what was meant."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from proxy.launcher.shells import WRITERS, usual_shell

ODD = "it's $HOME `date` \"x\" \\ \\' %PATH% \u2019 end"
VARIABLES = {"PLAIN": "1", "ODD": ODD, "GONE": ""}
_SHOW = {
    "sh": 'printf "%s|%s|%s" "$PLAIN" "$ODD" "${GONE-none}"',
    "fish": 'set -q GONE; and set shown yes; or set shown none; printf "%s|%s|%s" "$PLAIN" "$ODD" $shown',
    "powershell": '"{0}|{1}|{2}" -f $env:PLAIN, $env:ODD, $(if (Test-Path env:GONE) {"yes"} else {"none"})',
}


@pytest.mark.parametrize(
    ("program", "writer"), [("sh", "sh"), ("bash", "sh"), ("zsh", "sh"), ("fish", "fish"), ("pwsh", "powershell")]
)
def test_the_shell_reads_what_was_meant(program: str, writer: str) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} here")
    script = f"{WRITERS[writer](VARIABLES)}\n{_SHOW[writer]}"
    flag = "-Command" if program == "pwsh" else "-c"
    done = subprocess.run([found, flag, script], env={"GONE": "here"}, capture_output=True, check=True)
    assert done.stdout.decode().rstrip("\r\n") == f"1|{ODD}|none"


def test_words() -> None:
    variables = {"A": "it's \u2019", "B": ""}
    assert WRITERS["sh"](variables) == "export A='it'\\''s \u2019'\nunset B"
    assert WRITERS["fish"]({"A": "it's \\", "B": ""}) == "set -gx A 'it\\'s \\\\'\nset -e B"
    assert WRITERS["powershell"](variables) == "$env:A = 'it''s \u2019\u2019'\n$env:B = $null"
    assert json.loads(WRITERS["settings"](variables)) == {"env": variables}


@pytest.mark.parametrize(
    ("system", "login_shell", "shell"),
    [
        ("nt", "", "powershell"),
        ("posix", "/bin/zsh", "sh"),
        ("posix", "", "sh"),
        ("posix", "/usr/local/bin/fish", "fish"),
    ],
)
def test_usual_shell(system: str, login_shell: str, shell: str) -> None:
    assert usual_shell(system, login_shell) == shell
