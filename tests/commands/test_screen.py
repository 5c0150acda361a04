from __future__ import annotations

import io
import sys

import pytest

from proxy.commands.screen import Progress, Screen, columns


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = True) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def shown(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def a_terminal_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("is_terminal", "environ", "coloured"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False), (True, {"TERM": "dumb"}, False)],
)
def test_colour(is_terminal: bool, environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    out = Terminal(is_terminal=is_terminal)
    Screen(out).finding("fail", "key", "is wrong", "mend it")
    assert ("\x1b[31m" in out.shown) is coloured


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_cannot_be_shown_is_escaped(encoding: str) -> None:
    out = Terminal(encoding, is_terminal=False)
    screen = Screen(out)
    screen.finding("ok", "model", "\u4f60 says \x1b[2J", "look")
    screen.line("\u4f60")
    assert "\x1b" not in out.shown
    assert ("\u4f60" in out.shown) is (encoding == "utf-8")
    assert ("\u2713" in out.shown) is (encoding == "utf-8")
    assert encoding == "utf-8" or out.shown.isascii()


def test_lines_are_wrapped_and_names_stay_whole() -> None:
    out = Terminal(is_terminal=False)
    name = "https://" + "x" * 90
    Screen(out).finding("warn", "window", "word " * 40 + name, "remedy " * 30)
    lines = out.shown.splitlines()
    assert [line for line in lines if len(line) > 80 and name not in line] == []
    assert name in out.shown


def test_columns() -> None:
    rows = [("a", "b", "c"), ("long one", "x" * 50, "c"), ("", "then", "")]
    widths = columns(rows, most=(10, 10))
    assert widths == [10, 12]
    out = Terminal(is_terminal=False)
    for row in rows:
        Screen(out).row(row, widths)
    first, second, third, fourth = out.shown.splitlines()
    assert first == "a         b           c"
    assert second == f"long one  {'x' * 50}"
    assert third == " " * 22 + "c"
    assert fourth == "          then"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_for_terminals(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", err)
    progress = Progress()
    progress.say("custom/x: tool call")
    progress.clear()
    assert ("custom/x: tool call ..." in err.shown) is is_terminal
    assert "\n" not in err.shown
