"""Budgets, the database and its report, through the whole proxy."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.usage.ledger import Ledger
from proxy.web.ledger import use_ledger
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, Usage
from tests.log_settings import log_settings  # noqa: F401
from tests.web.serving import ask, serve, settings

streaming = [False, pytest.param(True, marks=pytest.mark.streaming)]


@pytest.mark.parametrize("streams", streaming)
def test_what_is_used_up_is_refused(
    streams: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also after a restart; what asks no model is answered as ever."""
    url = f"sqlite:///{(tmp_path / 'usage.db').as_posix()}"
    with FakeOpenAI("compatible") as upstream:
        config = settings(upstream.base_url, DAILY_BUDGET_USD="0.01")
        for restarted in (False, True):
            ledger = Ledger(url)
            with serve(config) as proxy, caplog.at_level(logging.WARNING):
                use_ledger(proxy.app, ledger)
                if not restarted:
                    upstream.reply(Text("hello"), usage=Usage(4000, 100))
                    proxy.post(ask(stream=streams)).message()
                refused = proxy.post(ask(stream=streams))
                counted = proxy.post(ask(), "/v1/messages/count_tokens")
            ledger.close()
            error = refused.error(402)
            assert error["type"] == "billing_error"
            assert error["message"].startswith(
                "DAILY_BUDGET_USD: the budget of $0.01 is used up, $0.01 were spent today"
            )
            assert refused.headers["x-should-retry"] == "false"
            assert error["message"] in caplog.messages
            assert counted.status == 200
        assert len(upstream.exchanges) == 1
    assert main(["usage", "--by", "model", "--usage-db", url]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1][:2] == ["openai/gpt-4o", "1"]
    assert lines[2][:3] == ["-", "2", "2"], "refused before it was known who would answer"
    assert lines[3][-1] == "$0.0110"


@pytest.mark.usefixtures("log_settings")
@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["usage", "--since", "lately"], 2, "--since: give a date such as 2026-11-01, or a number of days such as 7d"),
        (["usage"], 1, "USAGE_DB: is off"),
        (["usage", "--usage-db", "nonsense"], 2, "USAGE_DB: is not the URL of a database"),
    ],
)
def test_mistakes(
    argv: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(argv) == code
    said = capsys.readouterr().err
    assert said.startswith(words)
    assert said.count("\n") == 1
