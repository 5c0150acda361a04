"""Lists of models: where one fails before it has shown anything, the next one answers."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.settings.config import load_config
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.gemini import replies as gemini
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text
from tests.fakes.server import Step
from tests.web.serving import Answer, Proxy, ask, read, serve

Json = dict[str, Any]
MODELS = "custom/first, gemini/gemini-3.8-flash, anthropic/claude-sonnet-5-5"


class World:
    """Three vendors behind one proxy, in the order of `MODELS`."""

    def __init__(self, first: FakeOpenAI, second: FakeGemini, third: FakeAnthropic, directory: Path) -> None:
        self.first, self.second, self.third = first, second, third
        self._directory = directory

    def serve(self, models: str = MODELS, **variables: str) -> Any:
        entries = [
            {"model_id": "first", "api_base": self.first.base_url},
            {"model_id": "nowhere", "api_base": "http://127.0.0.1:9/v1"},
        ]
        (self._directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")
        environ = {
            "PREFERRED_PROVIDER": "custom",
            "BIG_MODEL": models,
            "SMALL_MODEL": "custom/first",
            "GEMINI_BASE_URL": self.second.base_url,
            "GEMINI_API_KEY": "any",
            "ANTHROPIC_UPSTREAM_URL": self.third.url,
            "ANTHROPIC_API_KEY": "sk-ant-test",
            "MAX_RETRIES": "0",
            **variables,
        }
        return serve(load_config(environ, directory=self._directory))

    @property
    def asked(self) -> tuple[int, int, int]:
        return len(self.first.exchanges), len(self.second.exchanges), len(self.third.exchanges)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with FakeOpenAI("compatible") as first, FakeGemini() as second, FakeAnthropic() as third:
        yield World(first, second, third, tmp_path)


def _post(proxy: Proxy, streams: bool = False, **headers: str) -> Answer:
    return proxy.post(ask(stream=streams), anthropic_version="2023-06-01", **headers)


def _text(answer: Answer) -> str:
    return "".join(block.get("text", "") for block in answer.message()["content"])


_FAILURES: list[tuple[int, Json, dict[str, str]]] = [
    (429, {"error": {"message": "Rate limit reached"}}, {"retry-after": "7"}),
    (500, {"error": {"message": "Internal error"}}, {}),
    (503, {"error": {"message": "Service unavailable"}}, {}),
    (529, {"error": {"message": "Overloaded"}}, {}),
    (504, {"error": {"message": "Timed out"}}, {}),
    (401, {"error": {"message": "Incorrect API key provided"}}, {}),
    (403, {"error": {"message": "You have no access to this model"}}, {}),
    (402, {"error": {"message": "Insufficient credits"}}, {}),
    (404, {"error": {"message": "The model `first` does not exist"}}, {}),
    (400, {"error": {"message": "Your credit balance is too low"}}, {}),
]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("failure", _FAILURES, ids=[str(status) for status, _, _ in _FAILURES])
def test_what_is_passed_over(
    failure: tuple[int, Json, dict[str, str]], streams: bool, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one answers, which a note, the headers and the log say; the first is not asked again while it rests."""
    world.first.fail(*failure)
    world.second.reply(gemini.Text("from the second"))
    with world.serve() as proxy, caplog.at_level(logging.WARNING):
        answer = _post(proxy, streams)
        assert _text(answer) == "from the second"
        assert answer.headers["x-proxy-target"] == "gemini/gemini-3.8-flash"
        assert "custom/first failed" in answer.headers["x-proxy-notes"]
        assert "gemini/gemini-3.8-flash answers" in answer.headers["x-proxy-notes"]
        world.second.reply(gemini.Text("again"))
        later = _post(proxy, streams)
        assert (_text(later), world.asked) == ("again", (1, 2, 0))
        assert "failed" not in later.headers.get("x-proxy-notes", "")
    assert "custom/first rests for" in caplog.text


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("status", "words"),
    [(400, "messages: something is wrong"), (400, "context length exceeded: 9 > 8")],
)
def test_the_clients_own_mistakes_are_its_own(status: int, words: str, streams: bool, world: World) -> None:
    world.first.fail(status, {"error": {"message": words}})
    with world.serve() as proxy:
        _post(proxy, streams).error(status)
        assert _text(_post(proxy)) == "ok"
    assert world.asked == (2, 0, 0)


@pytest.mark.parametrize("streams", [True, False])
def test_nobody_listens(streams: bool, world: World) -> None:
    with world.serve("custom/nowhere, gemini/gemini-3.8-flash", MAX_RETRIES="2") as proxy:
        assert _text(_post(proxy, streams)) == "ok"
    assert world.asked == (0, 1, 0)


@pytest.mark.parametrize("streams", [True, False])
def test_anthropic_answers_in_its_own_words(streams: bool, world: World) -> None:
    world.first.fail(500, {"error": {"message": "Broken"}})
    world.second.fail(503)
    with world.serve() as proxy:
        answer = _post(proxy, streams)
        assert _text(answer) == "Hello from Anthropic."
        assert answer.headers["request-id"].startswith("req_011")
        assert answer.headers["x-proxy-target"] == "anthropic/claude-sonnet-5-5"
    assert world.asked == (1, 1, 1)


@pytest.mark.parametrize("streams", [True, False])
def test_anthropics_refusals_pass_it_over_too(streams: bool, world: World) -> None:
    world.third.fail(529, "overloaded_error", "Overloaded")
    with world.serve("anthropic, custom/first") as proxy:
        assert _text(_post(proxy, streams)) == "ok"
    assert world.asked == (1, 0, 1)


@pytest.mark.parametrize("streams", [True, False])
def test_all_have_failed(streams: bool, world: World) -> None:
    """The first one's error with the shortest wait; while all rest nobody is asked."""
    world.first.fail(500, {"error": {"message": "Broken"}})
    world.second.fail(429)
    world.third.fail(529, "overloaded_error", "Overloaded", {"retry-after": "4"})
    with world.serve() as proxy:
        for _ in range(2):
            answer = _post(proxy, streams)
            assert "Broken" in answer.error(500)["message"]
            assert int(answer.headers["retry-after"]) <= 4
            assert answer.headers["x-should-retry"] == "true"
            assert world.asked == (1, 1, 1)


@pytest.mark.parametrize("answerer", ["gemini/gemini-3.8-flash", "anthropic/claude-sonnet-5-5"])
def test_after_the_stream_has_begun(answerer: str, world: World) -> None:
    """A target that falls silent, and fails when the client has had its pings: the message goes on with the next."""
    release = threading.Event()
    world.first.reply_raw([], status=500, content_type="application/json", hold=[release])
    world.second.reply(gemini.Text("late"))
    with world.serve(f"custom/first, {answerer}") as proxy:
        proxy.hurry(head_patience=0.05, ping_every=0.05)
        body = ask(stream=True)
        with closing(proxy.start(body, anthropic_version="2023-06-01")) as connection:
            response = connection.getresponse()
            begun = response.read1()
            release.set()
            headers = {name.lower(): value for name, value in response.getheaders()}
            whole = Answer(200, headers, begun + response.read(), body)
        assert _text(whole) in ("late", "Hello from Anthropic.")
        assert whole.body.count(b"event: message_start") == 1
    assert world.first.exchanges


@pytest.mark.parametrize("limit", ["REQUEST_TIMEOUT", "CONTENT_TIMEOUT"])
def test_a_target_that_gives_nothing(limit: str, world: World) -> None:
    drip: list[Step] = [b": keep-alive\n\n", 0.1] * 200 if limit == "CONTENT_TIMEOUT" else [threading.Event()]
    world.first.reply_raw(drip)
    world.second.reply(gemini.Text("in time"))
    with world.serve(**{limit: "0.5"}) as proxy:
        proxy.hurry(poll=0.05)
        assert _text(_post(proxy, True)) == "in time"
        for step in drip:
            if isinstance(step, threading.Event):
                step.set()


def test_what_has_been_shown_is_not_begun_anew(world: World) -> None:
    """But the client's repeat goes to the next one."""
    world.first.reply_raw([b'data: {"choices":[{"delta":{"content":"Half"}}]}\n\n', b"data: {broken"])
    with world.serve() as proxy:
        assert _post(proxy, True).stream_error()["type"] == "api_error"
        assert world.asked == (1, 0, 0)
        assert _post(proxy, True, x_stainless_retry_count="1").message()
    assert world.asked == (1, 1, 0)


def test_it_comes_back_by_itself(world: World) -> None:
    world.first.fail(429, {"error": {"message": "Slow down"}}, {"retry-after": "1"})
    with world.serve() as proxy:
        _post(proxy).message()
        pause = threading.Event()
        for _ in range(100):
            if _post(proxy).headers["x-proxy-target"] == "custom/first":
                break
            pause.wait(0.1)
        assert len(world.first.exchanges) == 2


def test_a_name_that_says_who_answers_has_no_stand_in(world: World) -> None:
    world.first.fail(500, {"error": {"message": "Broken"}})
    with world.serve() as proxy:
        proxy.post(ask(model="custom/first")).error(500)
    assert world.asked == (1, 0, 0)


def test_a_single_model_never_rests(world: World) -> None:
    with world.serve("custom/first") as proxy:
        for _ in range(3):
            world.first.fail(500, {"error": {"message": "Broken"}})
            _post(proxy).error(500)
    assert world.asked == (3, 0, 0)


@pytest.mark.parametrize(
    ("variables", "body"),
    [
        ({"SONNET_MODEL": MODELS}, {}),
        ({"MODEL_MAP": f"*sonnet*={MODELS}, *opus*=custom/first"}, {}),
        ({"LONG_CONTEXT_MODEL": "custom/first"}, {}),
    ],
    ids=["family", "map", "nothing else"],
)
def test_every_setting_takes_a_list(variables: dict[str, str], body: Json, world: World) -> None:
    world.first.fail(500, {"error": {"message": "Broken"}})
    models = "custom/first" if len(variables) == 1 and "LONG_CONTEXT_MODEL" not in variables else MODELS
    with world.serve(models, **variables) as proxy:
        assert proxy.post(ask(**body)).headers["x-proxy-target"] == "gemini/gemini-3.8-flash"


def test_counting_asks_who_would_answer(world: World) -> None:
    world.first.fail(500, {"error": {"message": "Broken"}})
    with world.serve() as proxy:
        _post(proxy).message()
        body = {name: value for name, value in ask().items() if name != "max_tokens"}
        counted = proxy.post(body, "/v1/messages/count_tokens")
        assert counted.json()["input_tokens"] > 0
        assert counted.headers["x-proxy-target"] == "gemini/gemini-3.8-flash"


def test_the_end_of_the_server_is_no_failure_of_a_target(world: World) -> None:
    world.first.reply_raw([], hold=[threading.Event()])
    with world.serve() as proxy, closing(proxy.start(ask(stream=True))) as connection:
        world.first.wait_for(1)
        proxy.services.running.cancel_all()
        assert read(connection.getresponse()).error(503)
    assert world.asked == (1, 0, 0)


class Pool:
    """One vendor, and how often each key was used."""

    def __init__(self, upstream: FakeOpenAI, proxy: Proxy) -> None:
        self.upstream, self.proxy = upstream, proxy

    @property
    def used(self) -> list[str]:
        return [exchange.headers["authorization"].removeprefix("Bearer ") for exchange in self.upstream.exchanges]

    def ask(self, session: str) -> Answer:
        return self.proxy.post(ask(), x_claude_code_session_id=session)


KEYS = ("sk-pool-aaaaaaaa", "sk-pool-bbbbbbbb", "sk-pool-cccccccc")


@pytest.fixture(params=["vendor", "entry", "entry's list"])
def pool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pool]:
    """Keys of a vendor's variable, of the variable of a custom model, and of several variables."""
    with FakeOpenAI("compatible") as upstream:
        entry: Json = {"model_id": "m", "api_base": upstream.base_url, "api_key_name": "POOL"}
        environ = {"OPENAI_API_KEY": ",".join(KEYS), "POOL": ", ".join(KEYS), "MAX_RETRIES": "0"}
        if request.param == "entry's list":
            entry["api_key_name"] = ["K1", "K2", "K3", "UNSET"]
            environ |= dict(zip(("K1", "K2", "K3"), KEYS, strict=True))
        (tmp_path / "custom_models.yaml").write_text(json.dumps([entry]), encoding="utf-8")
        provider = {"PREFERRED_PROVIDER": "custom"}
        if request.param == "vendor":
            provider = {"PREFERRED_PROVIDER": "openai", "OPENAI_BASE_URL": upstream.base_url, "BIG_MODEL": "m"}
            environ["BIG_MODEL"] = "openai/m"
        with serve(load_config(provider | environ, directory=tmp_path)) as proxy:
            yield Pool(upstream, proxy)


def test_a_conversation_stays_with_its_key(pool: Pool) -> None:
    for number in range(12):
        pool.ask(f"session-{number % 6}").message()
    assert pool.used[:6] == pool.used[6:]
    assert len(set(pool.used)) > 1


@pytest.mark.parametrize(
    ("status", "words"), [(429, "Rate limit reached"), (402, "Insufficient credits"), (401, "Incorrect API key")]
)
def test_a_key_rests_alone(status: int, words: str, pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    pool.upstream.fail(status, {"error": {"message": words}})
    answer = pool.ask("s")
    assert answer.message()["content"][0]["text"] == "ok"
    assert "another key" in answer.headers["x-proxy-notes"]
    pool.ask("s").message()
    first, second, third = pool.used
    assert first != second == third
    assert not any(key in caplog.text for key in KEYS)


def test_all_keys_are_used_up(pool: Pool) -> None:
    for _ in KEYS:
        pool.upstream.fail(429, {"error": {"message": "Rate limit reached"}}, {"retry-after": "30"})
    assert pool.ask("s").error(429)
    assert sorted(pool.used) == sorted(KEYS)


def test_other_failures_are_not_the_keys(pool: Pool) -> None:
    pool.upstream.fail(500, {"error": {"message": "Broken"}})
    pool.ask("s").error(500)
    pool.ask("s").message()
    assert len(set(pool.used)) == 1


def test_a_limit_that_is_told_inside_the_stream(pool: Pool) -> None:
    error = {"error": {"message": "Rate limit reached", "code": 429}}
    pool.upstream.reply_raw([b"data: " + json.dumps(error).encode() + b"\n\n"])
    assert pool.ask("s").message()
    assert len(set(pool.used)) == 2


def test_no_key_is_told(pool: Pool) -> None:
    for key in KEYS:
        pool.upstream.fail(400, {"error": {"message": f"What is {key} doing here?"}})
        assert "[key]" in pool.ask("s").error(400)["message"]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("make", [FakeAnthropic, FakeGemini])
def test_pools_of_other_vendors(make: Callable[..., Any], streams: bool, tmp_path: Path) -> None:
    with make(keys=KEYS) as upstream:
        if make is FakeAnthropic:
            upstream.fail(429, "rate_limit_error", "Too many requests")
            environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": upstream.url}
            environ["ANTHROPIC_API_KEY"] = ",".join(KEYS)
        else:
            upstream.fail(429)
            environ = {"PREFERRED_PROVIDER": "google", "GEMINI_BASE_URL": upstream.base_url}
            environ["BIG_MODEL"] = "gemini-3.8-flash"
            environ["GEMINI_API_KEY"] = ",".join(KEYS)
        with serve(load_config({**environ, "MAX_RETRIES": "0"}, directory=tmp_path)) as proxy:
            _post(proxy, streams).message()
        used = [
            exchange.headers.get("x-api-key") or exchange.headers["x-goog-api-key"] for exchange in upstream.exchanges
        ]
        assert len(used) == len(set(used)) == 2


def test_text_is_a_part(world: World) -> None:
    world.first.reply(Text("own words"))
    with world.serve() as proxy:
        assert _text(_post(proxy)) == "own words"
