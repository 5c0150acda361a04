"""Targets are tried side by side, and what is stopped ends at once."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from proxy.checking.check import Checks
from proxy.checking.targets import configured
from proxy.settings.config import load_config
from proxy.web import create_app
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.refusal import openai_error
from tests.fakes.server import PATIENCE, Raw, json_answer


def checks(upstream: FakeOpenAI, directory: Path, count: int, seconds: float = PATIENCE) -> Checks:
    entries = [{"model_id": f"m{number}", "api_base": upstream.base_url} for number in range(count)]
    (directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")
    app = create_app(load_config({"PREFERRED_PROVIDER": "custom", "MAX_RETRIES": "0"}, directory=directory))
    return Checks(app, configured(app.extensions["proxy"]), seconds)


def test_four_at_a_time_in_their_order(tmp_path: Path) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def handler(*_: Any) -> Raw:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.1)
        with lock:
            running -= 1
        return json_answer(openai_error("no").body, 400)

    with FakeOpenAI("compatible") as upstream:
        upstream.default(handler)
        tried = checks(upstream, tmp_path, 7)
        reports = list(tried)
        tried.stop()
    assert [report.route.target for report in reports] == [f"custom/m{number}" for number in range(7)]
    assert not any(report.works for report in reports)
    assert most == 4


def test_stop(tmp_path: Path) -> None:
    """The requests that run are given up, the others are never sent."""
    over = threading.Event()
    with FakeOpenAI("compatible") as upstream:
        upstream.default(lambda *_: Raw([over], hold=[over]))
        tried = checks(upstream, tmp_path, 6)
        begun = upstream.wait_for(4)
        tried.stop()
        assert all(each.client_gone.wait(PATIENCE) for each in begun[:4])
        asked = [each for each in upstream.exchanges if each.method == "POST"]
        over.set()
    assert len(asked) == 4
