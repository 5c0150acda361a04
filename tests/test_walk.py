"""One conversation that goes from vendor to vendor, as users do who switch models in the middle of their work.

The client keeps the history as it came, with everybody's thinking and calls in it. No vendor may refuse it, none may be
sent the state of another, and each gets its own state back.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.settings.config import Config, load_config
from tests.fakes.anthropic import bodies as anthropic_bodies
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.gemini import replies as google
from tests.fakes.gemini import signatures as gemini_signatures
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai import replies as openai_replies
from tests.fakes.openai.chat import FakeOpenAI
from tests.translation import result, text, tool, user
from tests.web.serving import KEY, Proxy, serve

Json = dict[str, Any]

MODELS = {
    "openai": "gpt-6-sol",
    "gemini": "gemini-3.8-flash",
    "anthropic": "claude-opus-5-5",
    "custom": "local",
}
THINKING: dict[str, Json] = {
    "adaptive": {"type": "adaptive"},
    "budget": {"type": "enabled", "budget_tokens": 4000},
    "off": {"type": "disabled"},
}
_BOTH_MODES = [False, pytest.param(True, marks=pytest.mark.streaming)]


class _World:
    """The vendors, the proxy in front of them, and the client's side of one conversation."""

    def __init__(self, openai: FakeOpenAI, gemini: FakeGemini, anthropic: FakeAnthropic, custom: FakeOpenAI) -> None:
        self.fakes = {"openai": openai, "gemini": gemini, "anthropic": anthropic, "custom": custom}
        self.openai, self.gemini, self.anthropic, self.custom = openai, gemini, anthropic, custom
        self.config: Config
        self.proxies: contextlib.ExitStack
        self.proxy: Proxy
        self.messages: list[Json] = []
        self.fields: Json = {}
        self.calls = itertools.count(1)
        self.read: list[str] = []
        """The results of all calls so far."""
        self.states: dict[str, list[str]] = {"gemini": [], "anthropic": []}
        """What each vendor issued so far; OpenAI's fake keeps its own list."""

    def restart(self) -> None:
        """Another proxy goes on, which knows nothing of the conversation."""
        self.proxies.close()
        self.proxy = self.proxies.enter_context(serve(self.config))

    def ask(self, question: str) -> None:
        self.messages.append(user(question))

    def turn(self, vendor: str, *, calls: int = 0) -> None:
        """One request with its answer: thinking, a text and `calls` calls, whose results wait for the next request.

        The request must hold all results and all state of the vendor's own.
        """
        inputs = [{"path": f"{vendor} {next(self.calls)}.txt"} for _ in range(calls)]
        due = list(self.states.get(vendor, ()))
        self._script(vendor, f"{vendor} thinks {next(self.calls)}", inputs)
        body = {
            "model": MODELS[vendor],
            "max_tokens": 16_000,
            "system": [{"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}}],
            "messages": self.messages,
            "tools": [tool("Read"), tool("Grep")],
            **self.fields,
        }
        answer = self.proxy.post(body, anthropic_version="2023-06-01")
        assert answer.status == 200, (vendor, answer.body, self.refusals())
        sent = self.fakes[vendor].exchanges[-1].raw.decode()
        assert [text for text in [*self.read, *due] if text not in sent] == []
        message = answer.message()
        assert message["model"] == MODELS[vendor]
        uses = [block for block in message["content"] if block["type"] == "tool_use"]
        assert [use["input"] for use in uses] == inputs
        self.messages.append({"role": "assistant", "content": message["content"]})
        if uses:
            read = [f"content of {use['input']['path']}" for use in uses]
            self.messages.append(user(*(result(use["id"], each) for use, each in zip(uses, read, strict=True))))
            self.read += read

    def _script(self, vendor: str, thought: str, inputs: Sequence[Json]) -> None:
        said, off = f"{vendor} says.", self.fields["thinking"]["type"] == "disabled"
        if vendor == "gemini":
            calls = [google.FunctionCall("Read", each) for each in inputs]
            self.gemini.reply(google.Thought(thought), google.Text(said), *calls)
            for each in inputs[:1]:
                self.states["gemini"].append(gemini_signatures.issue(MODELS["gemini"], "Read", each))
        elif vendor == "anthropic":
            uses = [
                {"type": "tool_use", "id": f"toolu_{next(self.calls)}", "name": "Read", "input": each}
                for each in inputs
            ]
            blocks = [anthropic_bodies.thinking(thought), anthropic_bodies.redacted()]
            self.states["anthropic"] += [] if off else [blocks[0]["signature"], blocks[1]["data"]]
            number = next(self.calls)
            whole = anthropic_bodies.message(
                MODELS["anthropic"], *([] if off else blocks), text(said), *uses, number=number
            )
            if self.fields["stream"]:
                self.anthropic.reply_sse(anthropic_bodies.events(whole))
            else:
                self.anthropic.reply_json(whole)
        else:
            parts = [] if off else [openai_replies.Thinking(thought)]
            fake = self.openai if vendor == "openai" else self.custom
            fake.reply(*parts, openai_replies.Text(said), *(openai_replies.ToolCall("Read", each) for each in inputs))

    def refusals(self) -> list[str]:
        return [text for fake in self.fakes.values() for text in fake.refusals]

    def check(self) -> None:
        """Nobody refused anything, and nobody got what belongs to another."""
        assert self.refusals() == []
        states = {**self.states, "openai": [state.encrypted for state in self.openai.issued]}
        for vendor, fake in self.fakes.items():
            for exchange in fake.exchanges:
                sent = exchange.raw.decode()
                assert "proxy1" not in sent
                for owner, theirs in states.items():
                    assert owner == vendor or not any(state in sent for state in theirs), (vendor, owner)

    def check_reasoning_of_openai(self) -> None:
        """Its last request held all reasoning but that of the answer, each piece in its place."""
        last = self.openai.exchanges[-1].number
        replayed = [replay for replay in self.openai.replayed if replay.request == last]
        assert [replay.state for replay in replayed] == self.openai.issued[:-1]
        assert all(replay.in_place for replay in replayed)


@contextlib.contextmanager
def _world(directory: Path, thinking: Json, *, stream: bool) -> Iterator[_World]:
    with contextlib.ExitStack() as stack:
        world = _World(
            stack.enter_context(FakeOpenAI("openai", keys=[KEY])),
            stack.enter_context(FakeGemini(keys=[KEY])),
            stack.enter_context(FakeAnthropic([KEY])),
            stack.enter_context(FakeOpenAI("compatible")),
        )
        entries = [{"model_id": "local", "api_base": world.custom.base_url}]
        (directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML
        environ = {
            "PREFERRED_PROVIDER": "anthropic",
            "OPENAI_API": "responses",
            "OPENAI_BASE_URL": world.openai.base_url,
            "OPENAI_API_KEY": KEY,
            "GEMINI_BASE_URL": world.gemini.base_url,
            "GEMINI_API_KEY": KEY,
            "ANTHROPIC_UPSTREAM_URL": world.anthropic.url,
            "ANTHROPIC_API_KEY": KEY,
            "MAX_RETRIES": "0",
        }
        world.fields = {"thinking": thinking, "stream": stream}
        world.proxies = stack.enter_context(contextlib.ExitStack())
        world.config = load_config(environ, directory=directory)
        world.restart()
        yield world
        world.check()


@pytest.mark.parametrize("stream", _BOTH_MODES)
@pytest.mark.parametrize("thinking", THINKING)
def test_a_walk_past_all(thinking: str, stream: bool, tmp_path: Path) -> None:
    """CASES-50, CASES-51: a tool loop at each stop, then on to the next, and home again."""
    with _world(tmp_path, THINKING[thinking], stream=stream) as world:
        for vendor in ("openai", "gemini", "anthropic", "custom", "openai"):
            world.ask(f"go on, {vendor}")
            world.turn(vendor, calls=2)
            world.turn(vendor, calls=1)
            world.turn(vendor)
        if thinking != "off":
            world.check_reasoning_of_openai()
            assert len(world.openai.issued) == 6


@pytest.mark.parametrize(
    ("thinking", "stream"),
    [
        pytest.param("adaptive", True, marks=pytest.mark.streaming),
        ("budget", False),
    ],
)
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(MODELS, 2)))
def test_there_and_back(first: str, second: str, thinking: str, stream: bool, tmp_path: Path) -> None:
    """CASES-50, CASES-51: after a turn, and in a tool loop, whose results go to somebody else; past a restart, too."""
    with _world(tmp_path, THINKING[thinking], stream=stream) as world:
        world.ask("begin")
        world.turn(first, calls=1)
        world.turn(first)
        world.ask("and you")
        world.turn(second, calls=2)
        world.turn(second)
        world.restart()
        world.ask("back")
        world.turn(first, calls=2)
        world.turn(second, calls=1)
        world.turn(first)
        if first == "openai" and thinking != "off":
            world.check_reasoning_of_openai()
