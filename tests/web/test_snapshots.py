"""What the page tells is what is so: routes, rests, keys, habits, money."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.models.habits import NO_HABITS, Lesson
from proxy.page.snapshot import Money, Snapshot
from proxy.settings.config import Config, load_config
from proxy.usage.ledger import Ledger
from proxy.web.services import Services
from proxy.web.snapshots import take
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text
from tests.usage.records import record
from tests.web.serving import KEY, ask, serve, settings

SECOND = "sk-second-0123456789abcdef"


def taken(config: Config, ledger: Ledger | None = None) -> Snapshot:
    return take(Services(config), ledger or Ledger(), "http://127.0.0.1:1")


def test_routes(tmp_path: Path) -> None:
    entries = [{"model_id": "qwen", "api_base": "http://10.0.0.7:8000/v1", "context_window": 99_000}]
    (tmp_path / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")
    environ = {
        "PREFERRED_PROVIDER": "openai",
        "BIG_MODEL": "gpt-6-sol, qwen",
        "SUBAGENT_MODEL": "custom/qwen",
        "AGENT_MODELS": "Explore=gemini/gemini-3.5-flash-lite@low",
        "OPUS_MODEL": "anthropic",
        "JUDGE_MODEL": "off",
    }
    snapshot = taken(load_config(environ, directory=tmp_path))
    routes = {route.name: route for route in snapshot.routes}
    assert routes["claude-sonnet-5-5"].targets == ("openai/gpt-6-sol", "custom/qwen")
    assert routes["claude-sonnet-5-5"].reason == "BIG_MODEL"
    assert routes["claude-opus-5-5"].targets == ("anthropic/claude-opus-5-5",)
    assert (routes["sub-agents"].targets, routes["sub-agents"].window) == (("custom/qwen",), 99_000)
    assert routes["explore"].targets == ("gemini/gemini-3.5-flash-lite@low",)
    assert "judge" not in routes
    assert not any("OPUS" in name for name in routes)
    servers = {each.target: each.server for each in snapshot.backends}
    assert servers["custom/qwen"] == "10.0.0.7:8000/v1"
    assert servers["openai/gpt-6-sol"] == "api.openai.com/v1"
    assert len(servers) == len(snapshot.backends)


def test_the_judge_is_told() -> None:
    snapshot = taken(settings("http://127.0.0.1:9/v1"))
    assert [route.reason for route in snapshot.routes if route.name == "judge"] == ["SMALL_MODEL"]


def test_rests(upstream: FakeOpenAI) -> None:
    """Of a target, with its failure, and of a key, which is not named."""
    config = settings(upstream.base_url, BIG_MODEL="gpt-4o, gpt-4o-mini", OPENAI_API_KEY=f"{KEY}, {SECOND}")
    upstream.keys |= {SECOND}
    with serve(config) as proxy:
        upstream.fail(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, {"retry-after": "50"})
        upstream.fail(500, {"error": {"message": "no"}})
        upstream.reply(Text("hello"))
        proxy.post(ask()).message()
        ledger = Ledger()
        first, second = (take(proxy.services, ledger, "") for _ in range(2))
    assert first.shows_the_same(second), "the clock alone changes nothing"
    backends = {each.target: each for each in first.backends}
    resting, ready = backends["openai/gpt-4o"], backends["openai/gpt-4o-mini"]
    assert resting.failure == "500 api_error"
    assert 5 < (resting.rests or 0) - first.now <= 15
    assert ready.rests is None
    assert ready.keys == 2
    (until,) = ready.resting_keys
    assert 30 < until - first.now <= 50
    assert KEY not in repr(first)
    assert SECOND not in repr(first)


def test_habits_and_money() -> None:
    config = settings("http://127.0.0.1:9/v1", DAILY_BUDGET_USD="5")
    own, ledger = Services(config), Ledger(clock=lambda: record().time)
    own.habits.learn("http://me:password@server/v1", "gpt-4o", Lesson("no_images", {"no_images": True}), NO_HABITS)
    ledger.add(record(cost=1.5))
    snapshot = take(own, ledger, "")
    (learned,) = snapshot.learned
    assert (learned.server, learned.model, learned.habits) == ("server/v1", "gpt-4o", ("no_images",))
    assert snapshot.money == Money(1.5, 1.5, 5.0, None)
    assert [each.id for each in snapshot.requests] == ["req_1"]
    assert snapshot.past is None


@pytest.mark.parametrize("url", ["nonsense", "http://[::1", "http://host:port/v1"])
def test_odd_addresses(url: str) -> None:
    own = Services(settings("http://127.0.0.1:9/v1"))
    own.habits.learn(url, "m", Lesson("x", {"no_images": True}), NO_HABITS)
    (learned,) = take(own, Ledger(), "").learned
    assert "@" not in learned.server
