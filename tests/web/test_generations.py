"""Settings that change while the proxy runs: what stays, and what is let go of."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest

from proxy.models.habits import NO_HABITS, Lesson
from proxy.web import reload as module
from proxy.web.reload import Reload
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text
from tests.fakes.server import FakeServer
from tests.web.reloading import NEW, Place, asked
from tests.web.serving import PATIENCE, ask, hang_up, read


def begun(place: Place, upstream: FakeOpenAI, go: threading.Event) -> Any:
    """A stream that has shown its first words and waits for `go`."""
    upstream.reply(Text("first "), go.wait, Text("and last"))
    connection = place.proxy.start(ask(stream=True))
    response = connection.getresponse()
    seen = b""
    while b"irst" not in seen:  # its first letters may come by themselves
        seen += response.read1()
    return connection, response


@pytest.mark.streaming
def test_running_answers_keep_what_they_began_with(
    place: Place, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER", 0.0)
    go = threading.Event()
    connection, response = begun(place, upstream, go)
    with FakeOpenAI("compatible", keys=[NEW]) as other:
        place.write(OPENAI_BASE_URL=other.base_url, OPENAI_API_KEY=NEW, BIG_MODEL="gpt-4o-mini")
        place.look(3)
        place.ask().message()
        assert (asked(upstream), asked(other)) == ("gpt-4o", "gpt-4o-mini")
        assert upstream.open_connections == 1
        go.set()
        assert "".join(re.findall(r'"text":"(.*?)"', read(response).body.decode())) == "and last"
        connection.close()
        assert reaches(0, upstream, place.reload), "the connection goes with the last answer"


@pytest.mark.streaming
def test_a_stop_ends_answers_that_began_before(place: Place, upstream: FakeOpenAI) -> None:
    go = threading.Event()
    connection, response = begun(place, upstream, go)
    running = place.proxy.services.running
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    assert place.proxy.services.running is running
    assert len(running) == 1
    running.cancel_all()
    assert b"shutting down" in response.read()
    go.set()
    hang_up(connection)


def reaches(count: int, upstream: FakeServer, reload: Reload) -> bool:
    """Whether so many connections to an upstream are open in the end."""
    until = time.monotonic() + PATIENCE
    while upstream.open_connections != count and time.monotonic() < until:
        reload.look()
        time.sleep(0.02)
    return upstream.open_connections == count


def test_many_changes_leave_nothing_behind(place: Place, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets and threads of all three kinds of HTTP clients."""
    monkeypatch.setattr(module, "LINGER", 0.0)
    with FakeGemini(["google-key"]) as google, FakeAnthropic(["sk-ant-key"]) as anthropic:
        place.write(
            GEMINI_BASE_URL=google.url,
            GEMINI_API_KEY="google-key",
            ANTHROPIC_UPSTREAM_URL=anthropic.url,
            ANTHROPIC_API_KEY="sk-ant-key",
        )
        models = ("claude-sonnet-5-5", "gemini/gemini-2.5-pro", "anthropic/claude-opus-5-5")
        threads = 0
        for number in range(50):
            place.write(MAX_TOKENS_LIMIT=str(1000 + number))
            place.reload.look(asked=True)
            if number % 10 in (0, 1):
                for model in models:
                    place.proxy.post(ask(model=model), anthropic_version="2023-06-01").json()
            threads = threads or threading.active_count()
        assert place.proxy.services.config.max_tokens_limit == 1049
        # Those of the last generation that was asked are gone as well: it has been replaced.
        assert all(reaches(0, each, place.reload) for each in (upstream, google, anthropic))
        assert threading.active_count() <= threads


def test_what_was_learned_is_kept_while_it_holds(place: Place, upstream: FakeOpenAI) -> None:
    entry = {"model_id": "qwen", "api_base": upstream.base_url, "habits": ["no_streaming"]}
    place.custom(entry, {"model_id": "other", "api_base": upstream.base_url})
    place.look()
    before = place.proxy.services
    lesson = Lesson("no_images", {"no_images": True})
    for model in ("gpt-4o", "qwen", "other"):
        before.habits.learn(upstream.base_url, model, lesson, NO_HABITS)
    before.calibration.learn("custom/qwen", 1000, 2000)
    before.calibration.learn("openai/gpt-4o", 1000, 2000)
    place.write(SMALL_MODEL="gpt-4o")
    place.custom({**entry, "habits": ["no_strict"]}, {"model_id": "other", "api_base": upstream.base_url})
    place.look()
    now = place.proxy.services
    assert now is not before
    assert [now.habits.get(upstream.base_url, model) is None for model in ("gpt-4o", "qwen", "other")] == [
        False,
        True,
        False,
    ]
    assert now.calibration.corrected("openai/gpt-4o", 1000) == 2000
    assert now.calibration.corrected("custom/qwen", 1000) == 1000
    place.write(OPENAI_API_KEY=NEW)
    place.look()
    assert place.proxy.services.habits.get(upstream.base_url, "gpt-4o") is None, "it was learned under another key"


def test_the_launchers_rules_are_kept(place: Place) -> None:
    place.proxy.services.rules = {"hard_deny": ["the client's"]}
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    assert place.proxy.services.rules == {"hard_deny": ["the client's"]}


def test_descriptions_of_pictures_are_the_models(place: Place) -> None:
    place.write(VISION_MODEL="openai/gpt-4o")
    place.look()
    kept = place.proxy.services._descriptions
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    assert place.proxy.services._descriptions is kept
    place.write(VISION_MODEL="openai/gpt-5")
    place.look()
    assert place.proxy.services._descriptions is not kept
