"""A bad day of three vendors in one session of Claude Code: no turn is lost, and each switch stands in the log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.stage import claude_code
from tests.fakes.gemini import replies as gemini
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai import replies as openai
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.server import Raw, json_answer

pytestmark = pytest.mark.e2e

Body = dict[str, Any]
KEYS = ("sk-first-0123456789abcdef", "sk-second-0123456789abcdef")
_MODELS = "openai/big, gemini/gemini-3.8-flash, custom/local"


class _Day:
    """Each turn ends with a command that writes its number, whoever answers."""

    def __init__(self) -> None:
        self.first, self.second, self.third = (
            FakeOpenAI("compatible", keys=KEYS),
            FakeGemini(),
            FakeOpenAI("compatible"),
        )
        self.answered: list[str] = []
        self._bad_keys: set[str] = set()
        self.first.default(self._first)
        self.second.default(self._second)
        self.third.default(self._third)

    def _first(self, body: Body, headers: Mapping[str, str]) -> openai.Reply | Raw:
        """The first key is limited at the second turn, the other one has no money left at the third."""
        turn, key = _turn(body), headers["authorization"]
        if turn == 1 and not self._bad_keys:
            self._bad_keys.add(key)
            return json_answer({"error": {"message": "Rate limit reached"}}, 429, {"retry-after": "60"})
        if turn == 2:
            return json_answer({"error": {"message": "You exceeded your current quota"}}, 429)
        return self._openai("first", turn)

    def _second(self, body: Body, headers: Mapping[str, str]) -> gemini.Reply | Raw:
        """Down at the fourth turn."""
        turn = _turn(body)
        if turn == 3:
            return json_answer({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}, 503, _SOON)
        if turn is None or turn == 4:
            return gemini.Reply(gemini.Text(self._said("second", "All done.")))
        self._said("second", "")
        return gemini.Reply(gemini.FunctionCall("Bash", _command(turn)))

    def _third(self, body: Body, headers: Mapping[str, str]) -> openai.Reply | Raw:
        """Its model is gone at the fifth turn."""
        turn = _turn(body)
        if turn == 4:
            return json_answer({"error": {"message": "The model `local` does not exist"}}, 404)
        return self._openai("third", turn)

    def _openai(self, who: str, turn: int | None) -> openai.Reply:
        if turn is None:
            return openai.Reply(openai.Text("A title"))
        self._said(who, "")
        return openai.Reply(openai.ToolCall("Bash", _command(turn)))

    def _said(self, who: str, text: str) -> str:
        self.answered.append(who)
        return text


_SOON = {"retry-after": "3"}


def _command(turn: int) -> dict[str, str]:
    return {"command": f"echo turn-{turn}-is-done", "description": "Go on"}


def _turn(body: Body) -> int | None:
    """How many commands have run; None for what is asked beside the conversation."""
    if not body.get("tools"):
        return None
    return len(set(re.findall(r"turn-\d-is-done(?!\")", str(body.get("messages") or body.get("contents")))))


@pytest.fixture
def day() -> Iterator[_Day]:
    made = _Day()
    with ExitStack() as stack:
        for upstream in (made.first, made.second, made.third):
            stack.enter_context(upstream)
        yield made
    assert made.second.refusals == made.third.refusals == []


@pytest.fixture
def claude(command: tuple[str, str], day: _Day, tmp_path: Path) -> Iterator[ClaudeCode]:
    variables = {
        "OPENAI_BASE_URL": day.first.base_url,
        "OPENAI_API_KEY": ",".join(KEYS),
        "GEMINI_BASE_URL": day.second.base_url,
        "GEMINI_API_KEY": "any",
        "BIG_MODEL": _MODELS,
        "SMALL_MODEL": _MODELS,
    }
    entry = {"model_id": "local", "api_base": day.third.base_url}
    with claude_code(*command, tmp_path, entry, PREFERRED_PROVIDER="openai", **variables) as running:
        yield running


def test_a_bad_day(claude: ClaudeCode, day: _Day, tmp_path: Path) -> None:
    result = claude.run("write all turns")
    assert result["result"] == "All done."
    assert day.answered == ["first", "first", "second", "third", "second"]
    assert {exchange.headers["authorization"] for exchange in day.first.exchanges} == {f"Bearer {key}" for key in KEYS}
    log = (tmp_path / "proxy" / "proxy.log").read_text(encoding="utf-8")
    assert log.count("one of 2 keys rests") == 2
    for target in ("openai/big", "gemini/gemini-3.8-flash", "custom/local"):
        assert f"{target} rests for" in log
    assert not any(key in log for key in KEYS)
