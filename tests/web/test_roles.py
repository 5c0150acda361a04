"""Eight roles, eight servers: each request reaches the one that its role is set to, and the client is told which."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from proxy.settings.config import load_config
from tests.captures import CAPTURES, load, needs_captures
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text
from tests.web.serving import Answer, Proxy, ask, serve

NAMES = ("big", "explore", "agent", "background", "compaction", "judge", "search", "long")
SETTINGS = {
    "PREFERRED_PROVIDER": "custom",
    "BIG_MODEL": "big",
    "AGENT_MODELS": "Explore=explore",
    "SUBAGENT_MODEL": "custom/agent@low",
    "BACKGROUND_MODEL": "background",
    "COMPACTION_MODEL": "compaction",
    "JUDGE_MODEL": "judge",
    "SEARCH_MODEL": "search",
    "LONG_CONTEXT_MODEL": "long",
    "MAX_RETRIES": "0",
}
CLIENT = {"user_agent": "claude-cli/2.1.332 (external, cli)", "x_claude_code_session_id": "s"}
CLASS = "x_claude_code_request_class"
LOGIN = "sk-ant-oat01-the-clients-own-login"
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("Agent", "Bash", "Write")]

Eight = tuple[Proxy, dict[str, FakeOpenAI]]


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eight]:
    directory = tmp_path_factory.mktemp("eight")
    with ExitStack() as stack:
        fakes = {name: stack.enter_context(FakeOpenAI("compatible", window=1_000_000)) for name in NAMES}
        windows = {name: 1_000_000 if name == "long" else 150_000 for name in NAMES}
        entries = [
            {
                "model_id": name,
                "api_base": fake.base_url,
                "context_window": windows[name],
                "max_tokens": 8192,
                "efforts": ["low", "high"],
            }
            for name, fake in fakes.items()
        ]
        (directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")
        for name, fake in fakes.items():
            fake.default(_saying(name))
        proxy = stack.enter_context(serve(load_config(SETTINGS, directory=directory)))
        yield proxy, fakes
    assert [fake.refusals for fake in fakes.values()] == [[]] * len(fakes)


def _saying(name: str) -> Callable[[dict[str, Any], Mapping[str, str]], Reply]:
    return lambda body, headers: Reply(Text(f"I am {name}."))


def answerer(answer: Answer) -> str:
    """Who has answered, by his own words; the header has to agree."""
    text: str = answer.message()["content"][0]["text"]
    name = text.removeprefix("I am ").removesuffix(".")
    assert answer.headers["x-proxy-target"] == f"custom/{name}"
    return name


LONG = " ".join(f"item{number} is {number * 7}" for number in range(100_000))
REQUESTS: dict[str, tuple[dict[str, Any], dict[str, str], str, str]] = {
    "conversation": (ask(tools=TOOLS), {CLASS: "main"}, "main", "big"),
    "Explore": (ask(), {CLASS: "subagent", "x_claude_code_agent_type": "Explore"}, "subagent", "explore"),
    "Explore by its shape": (ask(tools=TOOLS[1:2]), {"x_claude_code_agent_id": "a"}, "subagent", "explore"),
    "another agent": (ask(), {CLASS: "subagent", "x_claude_code_agent_type": "Plan"}, "subagent", "agent"),
    "an agent by its shape": (ask(tools=TOOLS), {"x_claude_code_agent_id": "a"}, "subagent", "agent"),
    "page": (ask("a page"), {CLASS: "auxiliary"}, "summary", "background"),
    "suggestion": (ask("[SUGGESTION MODE: what next?]", tools=TOOLS), {}, "suggestion", "background"),
    "compaction": (ask("<analysis> <summary>", tools=TOOLS), {}, "compaction", "compaction"),
    "classifier": (ask("<transcript>\n</transcript>"), {}, "classifier", "judge"),
    "search": (ask("moon", tools=[SEARCH]), {}, "search", "search"),
    "too long": (ask(LONG, tools=TOOLS), {CLASS: "main"}, "main", "long"),
    "too long for the agent": (ask(LONG), {CLASS: "subagent"}, "subagent", "long"),
    "a custom model by its id": (ask(model="search"), {CLASS: "subagent"}, "subagent", "search"),
    "other clients": (
        ask("a page"),
        {"user_agent": "Anthropic/Python 2.12", "x_claude_code_session_id": ""},
        "main",
        "big",
    ),
}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(("body", "headers", "role", "name"), REQUESTS.values(), ids=REQUESTS.keys())
def test_roles(
    body: dict[str, Any], headers: dict[str, str], role: str, name: str, streams: bool, eight: Eight
) -> None:
    proxy, _ = eight
    streams = streams and role != "classifier"  # which is known by not being streamed
    answer = proxy.post({**body, "stream": streams}, **{**CLIENT, **headers})
    assert answerer(answer) == name
    assert answer.headers["x-proxy-role"] == role


RECORDED = {
    "001": "big",
    "009": "explore",
    "022": "compaction",
    "038": "explore",
    "040": "search",
    "056": "background",
    "066": "explore",
    "068": "judge",
    "075": "agent",
    "076": "background",
    "077": "background",
    "081": "compaction",
    "083": "background",
    "085": "background",
    "087": "big",
}


@needs_captures
@pytest.mark.parametrize("hints", [True, False], ids=["with hints", "without"])
@pytest.mark.parametrize(("number", "name"), RECORDED.items(), ids=RECORDED.keys())
def test_recorded(number: str, name: str, hints: bool, eight: Eight) -> None:
    capture = load(next(each for each in CAPTURES if each.startswith(number)))
    headers = {key: value for key, value in capture["headers"].items() if hints or "-class" not in key.lower()}
    answer = eight[0].call("POST", capture["path"], json.dumps(capture["body"]).encode(), headers)
    assert answer.status == 200
    assert answer.headers["x-proxy-target"] == f"custom/{name}"


def test_the_log_line_says_who_answered_and_why(eight: Eight, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        eight[0].post(ask(), **CLIENT, x_claude_code_request_class="subagent", x_claude_code_agent_type="Explore")
        eight[0].post(ask(LONG, stream=True))
    assert "subagent/Explore claude-sonnet-5-5 -> custom/explore (AGENT_MODELS Explore)" in caplog.text
    assert "main claude-sonnet-5-5 -> custom/long (LONG_CONTEXT_MODEL)" in caplog.text


def test_a_failure_says_who_was_asked(eight: Eight) -> None:
    proxy, fakes = eight
    fakes["agent"].fail(400, {"error": {"message": "no"}})
    answer = proxy.post(ask(), **CLIENT, x_claude_code_request_class="subagent")
    answer.error(400)
    assert (answer.headers["x-proxy-role"], answer.headers["x-proxy-target"]) == ("subagent", "custom/agent")
    unknown = proxy.post(ask(model="nobody"))
    assert unknown.headers.keys().isdisjoint({"x-proxy-role", "x-proxy-target"})


@pytest.mark.parametrize("requested", [{"output_config": {"effort": "high"}}, {"thinking": {"type": "disabled"}}, {}])
def test_an_effort_of_the_target_wins(requested: dict[str, Any], eight: Eight) -> None:
    proxy, fakes = eight
    assert answerer(proxy.post(ask(**requested), **CLIENT, x_claude_code_request_class="subagent")) == "agent"
    assert fakes["agent"].requests[-1]["reasoning_effort"] == "low"


def test_a_named_model_is_not_left_for_a_longer_one(eight: Eight) -> None:
    assert "prompt is too long" in eight[0].post(ask(LONG, model="custom/big")).error(400)["message"]


def test_a_count_is_that_of_the_answerer(eight: Eight) -> None:
    body = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "x"}]}
    path = "/v1/messages/count_tokens"
    assert eight[0].post(body, path, **CLIENT).headers["x-proxy-target"] == "custom/big"
    agents = eight[0].post(body, path, **CLIENT, x_claude_code_agent_id="a").headers
    assert agents["x-proxy-target"] == "custom/agent"


# --- Beside a Claude subscription


Beside = tuple[Proxy, FakeAnthropic, FakeOpenAI]


@pytest.fixture
def beside() -> Iterator[Beside]:
    """The conversation goes to Anthropic with the client's own login, sub-agents and background to another vendor."""
    with FakeAnthropic([LOGIN]) as anthropic, FakeOpenAI("compatible") as openai:
        environ = {
            "PREFERRED_PROVIDER": "openai",
            "OPENAI_BASE_URL": openai.base_url,
            "OPENAI_API_KEY": "sk-openai",
            "ANTHROPIC_UPSTREAM_URL": anthropic.url,
            "BIG_MODEL": "anthropic",
            "SMALL_MODEL": "gpt-4o-mini",
            "SUBAGENT_MODEL": "openai/gpt-4o@low",
            "BACKGROUND_MODEL": "openai/gpt-4o-mini",
            "COMPACTION_MODEL": "anthropic/claude-sonnet-5-5",
            "VISION_MODEL": "openai/gpt-4o",
        }
        with serve(load_config(environ, directory=Path(__file__).parent / "no-such-directory")) as proxy:
            yield proxy, anthropic, openai
    assert anthropic.refusals == openai.refusals == []


@pytest.mark.parametrize("streams", [True, False])
def test_the_clients_login_goes_to_anthropic_only(streams: bool, beside: Beside) -> None:
    proxy, anthropic, openai = beside
    login = {"authorization": f"Bearer {LOGIN}", "anthropic_version": "2023-06-01", **CLIENT}
    body = ask(model="claude-opus-5-5", stream=streams, tools=TOOLS)
    mine = proxy.post(body, **login)
    assert mine.status == 200
    assert (mine.headers["x-proxy-role"], mine.headers["x-proxy-target"]) == ("main", "anthropic/claude-opus-5-5")
    compaction = proxy.post(ask("<analysis> <summary>", tools=TOOLS, stream=streams), **login)
    assert compaction.headers["x-proxy-target"] == "anthropic/claude-sonnet-5-5"
    for headers in ({CLASS: "subagent"}, {CLASS: "auxiliary"}):
        answer = proxy.post(ask(stream=streams), **login, **headers)
        assert answer.headers["x-proxy-target"].startswith("openai/gpt-4o")
    assert [exchange.headers["authorization"] for exchange in anthropic.exchanges] == [f"Bearer {LOGIN}"] * 2
    assert [exchange.body["model"] for exchange in anthropic.exchanges] == ["claude-opus-5-5", "claude-sonnet-5-5"]
    assert len(openai.exchanges) == 2
    for exchange in openai.exchanges:
        assert LOGIN.encode() not in exchange.raw
        assert LOGIN not in json.dumps(exchange.headers)
