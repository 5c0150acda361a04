"""Verdicts on dangerous tool uses: the answer leaves as it comes, its end brings what the judge says of the calls."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.answering.safeguards.samples import safeguards
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.anthropic.bodies import message
from tests.fakes.gemini import replies as google
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall
from tests.fakes.server import CUT, Raw, json_answer
from tests.providers.gemini.serving import KEY as GEMINI_KEY
from tests.tasks import assert_none_is_left
from tests.web.judging import BOTH_MODES, FINE, Json, asking, is_judging, outcomes, verdicts
from tests.web.serving import KEY, PATIENCE, Answer, Proxy, hang_up, serve, settings


@pytest.fixture
def chat() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible") as fake:
        yield fake


@pytest.fixture
def proxy(chat: FakeOpenAI) -> Iterator[Proxy]:
    with serve(settings(chat.base_url)) as running:
        yield running


MAKE = Reply(Text("I do it."), ToolCall("Bash", {"command": "make"}))


def play(chat: FakeOpenAI, judge: Reply | Raw | Callable[[], Reply | Raw], answer: Reply = MAKE) -> None:
    def handle(body: Json, _: object) -> Reply | Raw:
        if not is_judging(body):
            return answer
        return judge() if callable(judge) else judge

    chat.default(handle)


def judged(chat: FakeOpenAI) -> int:
    return sum(is_judging(body) for body in chat.requests)


@BOTH_MODES
def test_what_the_client_does_not_check_is_not_judged(stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    calls = [ToolCall("Read", {"file_path": "/home/dev/app/a.py"}), ToolCall("Bash", {"command": "make"})]
    play(chat, Reply(Text(verdicts({}))), Reply(*calls))
    message = proxy.post(asking(stream)).message()
    (entry,) = message["safeguard_results"]
    assert entry["status"]["tool_uses"] == {message["content"][1]["id"]: FINE}
    play(chat, Reply(Text(verdicts({}))), Reply(calls[0]))
    (entry,) = proxy.post(asking(stream)).message()["safeguard_results"]
    assert entry["status"]["tool_uses"] == {}
    assert judged(chat) == 1


@BOTH_MODES
@pytest.mark.parametrize("fields", [{"safeguards": None}, {"safeguards": [{"type": "other"}]}], ids=repr)
def test_nobody_asked(fields: Json, stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    play(chat, Reply(Text(verdicts({}))))
    assert "safeguard_results" not in proxy.post(asking(stream, **fields)).message()
    assert judged(chat) == 0


@BOTH_MODES
def test_a_call_that_the_limit_cut(stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    """Only the whole one is judged."""
    cut = Reply(ToolCall("Bash", {"command": "make"}), ToolCall("Bash", '{"command": "rm -r'), finish="length")
    play(chat, Reply(Text(verdicts({}))), cut)
    message = proxy.post(asking(stream)).message()
    assert message["stop_reason"] == "max_tokens"
    assert outcomes(message) == [FINE]


GARBAGE: dict[str, Callable[[], Reply | Raw]] = {
    "out of order": lambda: json_answer({"error": {"message": "Out of order"}}, 500),
    "overloaded": lambda: json_answer({"error": {"message": "Later"}}, 429),
    "no such key": lambda: json_answer({"error": {"message": "Incorrect API key"}}, 401),
    "words": lambda: Reply(Text("I would say yes.")),
    "nothing": lambda: Reply(),
    "a call": lambda: Reply(ToolCall("Bash", {"command": "make"})),
    "cut at the limit": lambda: Reply(Text(verdicts({})), finish="length"),
    "filtered": lambda: Reply(Text(verdicts({})), finish="content_filter"),
    "broken off": lambda: Raw([b'data: {"choices": [{"index": 0, "delta": {"content": "{"}}]}\n\n', CUT]),
    "broken off before the head": lambda: Raw([], hold=[CUT]),
    "HTML": lambda: Raw([b"<html>no</html>"], 200, "text/html"),
    "another call": lambda: Reply(Text(verdicts({}, {}))),
    "no verdicts": lambda: Reply(Text(verdicts())),
}


@BOTH_MODES
@pytest.mark.parametrize("name", GARBAGE)
def test_a_judge_that_fails(name: str, stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    """The answer is whole, and the call is not said to be fine."""
    play(chat, GARBAGE[name])
    message = proxy.post(asking(stream)).message()
    assert message["stop_reason"] == "tool_use"
    assert outcomes(message) == [{"type": "unavailable", "reason": "error"}]


@BOTH_MODES
@pytest.mark.parametrize("begun", [False, True], ids=["without a word", "after some words"])
def test_a_judge_that_falls_silent(begun: bool, stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    proxy.hurry(judge_patience=0.3)
    never = threading.Event()
    play(chat, Reply(Text('{"ver'), never, Text("dicts")) if begun else Reply(Text("x"), hold=[never]))
    message = proxy.post(asking(stream)).message()
    assert outcomes(message) == [{"type": "unavailable", "reason": "timeout"}]
    (exchange,) = (each for each in chat.exchanges if is_judging(each.body))
    assert exchange.client_gone.wait(PATIENCE)


def test_a_judge_that_never_comes_to_an_end(proxy: Proxy, chat: FakeOpenAI) -> None:
    """Signs of life do not lengthen the patience: the client holds the calls back."""
    proxy.hurry(judge_patience=0.3)
    play(chat, Reply(*[part for _ in range(2000) for part in (Text("x"), 0.01)]))
    assert outcomes(proxy.post(asking()).message()) == [{"type": "unavailable", "reason": "timeout"}]


class _Reading:
    """A stream that is read while it runs."""

    def __init__(self, proxy: Proxy, body: Json) -> None:
        self.body = body
        self.connection = proxy.start(body)
        self._response: http.client.HTTPResponse = self.connection.getresponse()
        self.seen = b""

    def until(self, found: Callable[[bytes], bool]) -> None:
        while not found(self.seen):
            piece = self._response.read1()
            assert piece, f"it ended before: {self.seen!r}"
            self.seen += piece

    def message(self) -> Json:
        headers = {name.lower(): value for name, value in self._response.getheaders()}
        return Answer(self._response.status, headers, self.seen + self._response.read(), self.body).message()


def _calls_are_out(seen: bytes) -> bool:
    return seen.count(b"event: content_block_stop") == 2


@pytest.mark.streaming
def test_the_answer_does_not_wait_for_the_judge(proxy: Proxy, chat: FakeOpenAI) -> None:
    """Text and call are out before the judge has said a word, and pings go on."""
    proxy.hurry(ping_every=0.05)
    release = threading.Event()
    play(chat, Reply(Text(verdicts({})), hold=[release]))
    reading = _Reading(proxy, asking())
    reading.until(_calls_are_out)
    chat.wait_for(2)
    reading.until(lambda seen: seen.rpartition(b"event: content_block_stop")[2].count(b"event: ping") >= 3)
    assert b"message_delta" not in reading.seen
    assert not release.is_set()
    release.set()
    assert outcomes(reading.message()) == [FINE]


@pytest.mark.streaming
def test_the_judge_is_asked_once_all_calls_are_known(proxy: Proxy, chat: FakeOpenAI) -> None:
    """A call that is out while the next is being written is not judged alone."""
    release = threading.Event()
    answer = Reply(ToolCall("Bash", {"command": "a"}), release, ToolCall("Bash", {"command": "b"}))
    play(chat, Reply(Text(verdicts({}, {}))), answer)
    reading = _Reading(proxy, asking())
    reading.until(lambda seen: b"event: content_block_start" in seen)
    assert judged(chat) == 0
    release.set()
    assert outcomes(reading.message()) == [FINE, FINE]
    assert judged(chat) == 1


@BOTH_MODES
def test_a_client_that_leaves_cancels_the_judge(stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    """CASES-84"""
    play(chat, Reply(Text(verdicts({})), hold=[threading.Event()]))
    connection = proxy.start(asking(stream))
    exchange = chat.wait_for(2)[1]
    assert not exchange.client_gone.is_set()
    hang_up(connection)
    assert exchange.client_gone.wait(PATIENCE)


@BOTH_MODES
def test_nothing_is_left_behind(stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    """Of running answers, tasks and threads, however the judge ended."""
    proxy.hurry(judge_patience=0.2)
    for judge in (Reply(Text(verdicts({}))), GARBAGE["out of order"], Reply(Text("x"), hold=[threading.Event()])):
        play(chat, judge)
        proxy.post(asking(stream)).message()
    assert_none_is_left()
    assert len(proxy.services.running) == 0


def test_stopping_the_proxy_does_not_make_a_call_run(proxy: Proxy, chat: FakeOpenAI) -> None:
    play(chat, Reply(Text(verdicts({})), hold=[threading.Event()]))
    reading = _Reading(proxy, asking())
    reading.until(_calls_are_out)
    chat.wait_for(2)
    proxy.services.running.cancel_all()
    assert outcomes(reading.message()) == [{"type": "unavailable", "reason": "error"}]


@BOTH_MODES
def test_a_failing_answer_is_not_judged(stream: bool, proxy: Proxy, chat: FakeOpenAI) -> None:
    chat.fail(429, {"error": {"message": "Slow down"}})
    assert proxy.post(asking(stream)).error(429)["message"]
    assert judged(chat) == 0


@BOTH_MODES
@pytest.mark.parametrize("calls", [True, False])
def test_nobody_judges(calls: bool, stream: bool, chat: FakeOpenAI) -> None:
    """JUDGE_MODEL=off"""
    play(chat, Reply(Text(verdicts({}))), MAKE if calls else Reply(Text("ok")))
    with serve(settings(chat.base_url, JUDGE_MODEL="off")) as proxy:
        message = proxy.post(asking(stream)).message()
    assert message["safeguard_results"] == [{"type": "dangerous_tool_use", "status": {"type": "unsupported"}}]
    assert judged(chat) == 0


@BOTH_MODES
def test_a_judge_of_ones_own(stream: bool, chat: FakeOpenAI) -> None:
    """JUDGE_MODEL may be any target; it gets no other request."""
    with FakeGemini(keys=[GEMINI_KEY]) as gemini:
        gemini.default(lambda body, headers: google.Reply(google.Text(verdicts({}))))
        play(chat, Reply(Text("nobody asks me")))
        variables = {"JUDGE_MODEL": "gemini/gemini-3.5-flash-lite", "GEMINI_API_KEY": GEMINI_KEY}
        with serve(settings(chat.base_url, GEMINI_BASE_URL=gemini.base_url, **variables)) as proxy:
            assert outcomes(proxy.post(asking(stream)).message()) == [FINE]
        assert gemini.refusals == []
        assert [is_judging(body) for body in gemini.requests] == [True]
        assert judged(chat) == 0


_BETA = "dangerous-tool-use-2026-09-03"
_LOGIN = "sk-ant-oat-client"


@pytest.fixture
def anthropic() -> Iterator[FakeAnthropic]:
    with FakeAnthropic([KEY, _LOGIN]) as fake:
        yield fake


@BOTH_MODES
def test_anthropic_judges_its_own_answers(stream: bool, anthropic: FakeAnthropic) -> None:
    """The field passes through untouched, and nothing is added."""
    variables = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": anthropic.url, "ANTHROPIC_API_KEY": KEY}
    with serve(settings("", OPENAI_API_KEY="", **variables)) as proxy:
        body = asking(stream, model="claude-opus-5-5")
        answer = proxy.post(body, anthropic_version="2023-06-01", anthropic_beta=_BETA)
    assert answer.status == 200
    assert b"safeguard_results" not in answer.body
    (exchange,) = anthropic.exchanges
    assert exchange.refusal is None
    assert exchange.body["safeguards"] == safeguards()


@BOTH_MODES
@pytest.mark.parametrize(
    "login", [{}, {"authorization": f"Bearer {_LOGIN}"}], ids=["the proxy's key", "the client's login"]
)
def test_anthropic_judges_the_answers_of_others(
    login: dict[str, str], stream: bool, chat: FakeOpenAI, anthropic: FakeAnthropic
) -> None:
    """JUDGE_MODEL=anthropic/..., with the proxy's key or with the client's own login, which nobody else sees."""
    verdict = message("claude-haiku-5-5", {"type": "text", "text": verdicts({})})
    anthropic.default(lambda body, headers: json_answer(verdict))
    play(chat, Reply(Text("nobody asks me")))
    variables = {"JUDGE_MODEL": "anthropic/claude-haiku-5-5", "ANTHROPIC_UPSTREAM_URL": anthropic.url}
    with serve(settings(chat.base_url, ANTHROPIC_API_KEY="" if login else KEY, **variables)) as proxy:
        answer = proxy.post(asking(stream), anthropic_version="2023-06-01", anthropic_beta=_BETA, **login)
        assert outcomes(answer.message()) == [FINE]
    (exchange,) = anthropic.exchanges
    assert exchange.refusal is None
    assert is_judging(exchange.body)
    assert judged(chat) == 0
    assert all(_LOGIN not in str(each.headers) for each in chat.exchanges)
