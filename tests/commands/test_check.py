"""`check` against strict fakes with each fault: its words, its exit code, and what it writes."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.checking import clever
from tests.commands.running import KEY, Place
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, sse
from tests.fakes.refusal import openai_error
from tests.fakes.server import Raw, json_answer

Json = dict[str, Any]
PAGE = Raw([b"<!doctype html><html><body>Welcome</body></html>"], 200, "text/html")


@contextmanager
def compatible(handler: Any = clever.of_openai, **options: Any) -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible", **options) as upstream:
        upstream.default(handler)
        yield upstream


def entry(upstream: FakeOpenAI, **fields: Any) -> Json:
    return {"model_id": "local", "api_base": upstream.base_url, "model_name": "local-model", **fields}


def findings(report: Json) -> dict[str, str]:
    return {each["name"]: each["status"] for each in report["findings"]}


ALL = (
    *("reachable", "key", "model", "streaming", "usage", "answer", "tool call", "second turn", "parallel calls"),
    *("tool_choice", "image", "image in a tool result", "window"),
)


def test_all_is_well(place: Place) -> None:
    with compatible(clever.of_openai_thinking) as upstream:
        place.configure(entry(upstream, context_window=32_768))
        done = place.run("check")
        assert [each for each in upstream.refusals if "Invalid URL" not in each] == []
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.out
    assert next(line for line in lines if line.startswith("  opus")).split() == ["opus", "custom/local", "BIG_MODEL"]
    for name in ALL:
        assert re.search(rf"^  \S+ +{name}\b", done.out, re.MULTILINE), name
    assert "with the thinking of the first" in done.words
    assert "All that matters works (1 of 1 targets)." in done.words
    assert done.err == ""


def test_json(place: Place) -> None:
    with compatible() as upstream:
        place.configure(entry(upstream, context_window=32_768))
        done = place.run("check", "--json")
    told = done.json()
    assert (done.code, told["works"]) == (0, True)
    (target,) = told["targets"]
    assert (target["target"], target["server"]) == ("custom/local", upstream.base_url)
    assert findings(target) == dict.fromkeys(ALL, "ok")
    assert {"name": "opus", "targets": ["custom/local"], "setting": "BIG_MODEL", "otherwise": ""} in told["assignments"]


def refuse(status: int, text: str) -> Callable[[Json, Mapping[str, str]], Reply | Raw]:
    def handler(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
        return json_answer(openai_error(text).body, status)

    return handler


def without_tools(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
    if "tools" in body:
        return json_answer({"error": {"message": "local-model does not support tools", "type": "api_error"}}, 400)
    return clever.of_openai(body, headers)


def calling_nothing(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
    return Reply(Text("I would look outside.")) if "tools" in body else clever.of_openai(body, headers)


def not_streaming(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
    if body.get("stream"):
        return json_answer(openai_error("'stream' does not support true").body, 400)
    return clever.of_openai(body, headers)


def in_one_piece(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
    text, calls = clever.decide(body)
    return clever.of_openai(body, headers) if calls else Reply(Text(text[:1]))


def without_usage(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
    text, calls = clever.decide(body)
    if calls:
        return clever.of_openai(body, headers)
    frame = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    deltas = [{"role": "assistant", "content": text[:7]}, 0.1, {"content": text[7:]}]
    steps = [
        each if isinstance(each, float) else sse({**frame, "choices": [{"index": 0, "delta": each}]}) for each in deltas
    ]
    last = sse({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return Raw([*steps, last, b"data: [DONE]\n\n"])


@pytest.mark.parametrize(
    ("handler", "options", "fields", "failed", "words"),
    [
        pytest.param(
            clever.of_openai,
            {"keys": [KEY]},
            {"api_key_name": "LOCAL_KEY"},
            "key",
            ["refused the API key in LOCAL_KEY", "correct LOCAL_KEY"],
            id="wrong key",
        ),
        pytest.param(
            clever.of_openai,
            {"keys": [KEY]},
            {"api_key_name": "NO_SUCH_KEY"},
            "key",
            ["NO_SUCH_KEY is not set"],
            id="key not set",
        ),
        pytest.param(
            clever.of_openai, {"keys": [KEY]}, {}, "key", ["name the variable", "api_key_name"], id="no key named"
        ),
        pytest.param(
            lambda *_: PAGE, {}, {}, "reachable", ["answered with a web page", "api_base in its entry"], id="web page"
        ),
        pytest.param(
            lambda *_: Raw(PAGE.steps, 404, "text/html"),
            {"quirks": []},
            {},
            "model",
            ["answered with a web page"],
            id="web page with 404 beside a list",
        ),
        pytest.param(
            refuse(404, "The model `local-model` does not exist"),
            {},
            {"model_name": "local-modle"},
            "model",
            ["name a model that the server has", 'did you mean "local-model"?', "The server has: local-model"],
            id="missing model",
        ),
        pytest.param(
            refuse(400, "local-modle is not a valid model ID"),
            {},
            {"model_name": "local-modle"},
            "model",
            ['did you mean "local-model"?'],
            id="missing model, with 400",
        ),
        pytest.param(refuse(402, "Insufficient Balance"), {}, {}, "key", ["top up the account"], id="no money"),
        pytest.param(
            refuse(400, "No streams here"), {}, {}, "answer", ["write can_stream: false"], id="streams refused"
        ),
        pytest.param(refuse(500, "CUDA error"), {}, {}, "answer", ["CUDA error", "see what the server logs"], id="500"),
        pytest.param(refuse(429, "Too many requests"), {}, {}, "answer", ["wait, and check again"], id="429"),
        pytest.param(
            without_tools, {}, {}, "tool call", ["does not support tools", "choose a model with tool"], id="no tools"
        ),
        pytest.param(
            calling_nothing, {}, {}, "tool call", ["no tool was called, it said: I would look"], id="tools ignored"
        ),
    ],
)
def test_what_does_not_work(
    place: Place, handler: Any, options: Json, fields: Json, failed: str, words: list[str]
) -> None:
    with compatible(handler, **options) as upstream:
        place.configure(entry(upstream, **fields), LOCAL_KEY="sk-wrong-0123456789abcdef")
        told = place.run("check", "--json").json()["targets"][0]
        done = place.run("check")
    assert [each["name"] for each in told["findings"] if each["status"] == "fail"] == [failed]
    assert done.code == 1
    assert all(each in done.words for each in words), done.words
    assert "something that matters does not work: custom/local" in done.words
    assert "sk-wrong" not in done.words


@pytest.mark.parametrize(
    ("handler", "options", "noted", "words"),
    [
        pytest.param(not_streaming, {}, {"streaming"}, ["answers come as a whole"], id="no streaming"),
        pytest.param(in_one_piece, {}, {"streaming", "image", "image in a tool result"}, ["in one piece"], id="piece"),
        pytest.param(without_usage, {}, {"usage"}, ["reports no tokens"], id="no usage"),
        pytest.param(
            clever.of_openai,
            {"quirks": {"text_only"}},
            {"image", "image in a tool result"},
            ["sees no pictures", "VISION_MODEL"],
            id="no images",
        ),
    ],
)
def test_what_works_with_a_loss(place: Place, handler: Any, options: Json, noted: set[str], words: list[str]) -> None:
    with compatible(handler, **options) as upstream:
        place.configure(entry(upstream, context_window=32_768))
        told = place.run("check", "--json").json()["targets"][0]
        done = place.run("check")
    assert {each["name"] for each in told["findings"] if each["status"] != "ok"} == noted
    assert done.code == 0
    assert all(each in done.words for each in words), done.words


def test_pictures_in_words(place: Place) -> None:
    """Of a model without eyes, with VISION_MODEL. The first one is lost where its entry does not say so."""

    def repeats(body: Json, headers: Mapping[str, str]) -> Reply | Raw:
        told = re.search("Red|Blue", str(body["messages"]))
        return Reply(Text(told[0])) if told else clever.of_openai(body, headers)

    with compatible(repeats, quirks={"text_only"}) as blind, compatible() as eyes:
        place.configure(entry(blind), {**entry(eyes), "model_id": "eyes"}, VISION_MODEL="custom/eyes")
        told = place.run("check", "--json", "--target", "custom/local").json()["targets"][0]
    found = {each["name"]: (each["status"], each["words"]) for each in told["findings"]}
    assert found["image"] == ("warn", "the model sees no pictures; they are left out")
    assert found["image in a tool result"] == ("ok", "the model sees none, VISION_MODEL describes them")
    assert told["learned"] == {"vision": False}


def test_an_address_without_its_end(place: Place) -> None:
    """404 for all but /v1: the right one is found."""
    with compatible() as upstream:
        place.configure(entry(upstream, api_base=upstream.url))
        done = place.run("check")
    assert done.code == 1
    assert f"set api_base in its entry to {upstream.base_url}, which answers" in done.words


def test_nobody_there(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    place.configure({"model_id": "local", "api_base": f"http://127.0.0.1:{port}/v1"})
    done = place.run("check")
    assert done.code == 1
    assert f"cannot reach http://127.0.0.1:{port}/v1" in done.words
    assert "start the server, or correct api_base in its entry" in done.words


@pytest.mark.parametrize("hold", ["before the head", "in mid-answer"])
def test_silence_has_an_end(place: Place, hold: str) -> None:
    over = threading.Event()
    begun = sse({"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "one "}}]})
    silent = Raw([over], hold=[over]) if hold == "before the head" else Raw([begun, over])
    with compatible(lambda *_: silent) as upstream:
        place.configure(entry(upstream))
        done = place.run("check", "--timeout", "0.5")
        over.set()
    assert done.code == 1
    assert "no answer within 0.5 s" in done.words
    assert "--timeout waits longer" in done.words


def test_one_target_and_stand_ins(place: Place) -> None:
    with compatible() as good, compatible(refuse(500, "broken")) as bad:
        settings = {"BIG_MODEL": "custom/bad, custom/local", "SMALL_MODEL": "custom/local"}
        place.configure({**entry(bad), "model_id": "bad"}, entry(good), **settings)
        assert place.run("check", "--target", "custom/local").code == 0
        assert bad.exchanges == []
        done = place.run("check")
        assert place.run("check", "--target", "opus").code == 1
    assert done.code == 1
    assert re.search(r"opus +custom/bad +BIG_MODEL\n +then custom/local\n", done.out)
    assert "1 of 2 targets: something that matters does not work: custom/bad" in done.words


def test_roles_and_their_settings(place: Place) -> None:
    with compatible() as upstream:
        settings = {"SUBAGENT_MODEL": "custom/local@low", "AGENT_MODELS": "Explore=custom/local", "JUDGE_MODEL": "off"}
        place.configure(entry(upstream), MODEL_MAP="claude-opus-4-*=custom/local", **settings)
        rows = {each["name"]: each for each in place.run("check", "--json").json()["assignments"]}
    assert rows["sub-agents"]["targets"] == ["custom/local@low"]
    assert rows["explore"]["setting"] == "AGENT_MODELS explore"
    assert rows["claude-opus-4-*"]["setting"] == "MODEL_MAP claude-opus-4-*"
    assert rows["judge"]["otherwise"] == "off"
    assert rows["background"]["otherwise"] == "as the requested name says"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "llama"], "model: llama is not known here"),
        (["--big-model", "claude-opus"], "BIG_MODEL: "),
        (["--port", "nope"], "PORT: "),
    ],
)
def test_what_cannot_be_checked(place: Place, arguments: list[str], words: str) -> None:
    place.configure({"model_id": "local", "api_base": "http://127.0.0.1:9/v1"})
    done = place.run("check", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_timeout_that_is_none(place: Place) -> None:
    with pytest.raises(SystemExit) as done:
        place.run("check", "--timeout", "soon")
    assert done.value.code == 2


def test_what_was_learned_is_written(place: Place) -> None:
    """Habits, window and eyes; comments stay; once more there is nothing left to write, and to learn."""
    with compatible(quirks={"text_only", "no_parallel_tool_calls", "tool_choice_string"}) as upstream:
        listed = [{"id": "local-model", "object": "model", "max_model_len": 65_536}]
        lists(upstream, listed)
        place.configure()
        place.models.write_text(
            f"# mine\n- model_id: local  # the small one\n  api_base: {upstream.base_url}\n  model_name: local-model\n"
            f"\n# another one\n- model_id: other\n  api_base: {upstream.base_url}\n  context_window: 1000\n"
        )
        done = place.run("check", "--write", "--target", "custom/local")
        written = place.models.read_text()
        again = place.run("check", "--write", "--target", "custom/local")
    assert done.code == 0, done.out
    assert written == (
        f"# mine\n- model_id: local  # the small one\n  api_base: {upstream.base_url}\n"
        "  habits: [plain_tool_choice]\n  context_window: 65536\n  vision: false\n  model_name: local-model\n"
        f"\n# another one\n- model_id: other\n  api_base: {upstream.base_url}\n  context_window: 1000\n"
    )
    assert "Nothing had to be written." in again.words
    assert place.models.read_text() == written


def lists(upstream: FakeOpenAI, models: list[Json]) -> None:
    """Has the fake list these models."""
    answer = upstream.answer
    upstream.answer = lambda exchange: (  # type: ignore[method-assign]
        json_answer({"object": "list", "data": models}) if exchange.path == "/v1/models" else answer(exchange)
    )


def test_vendors(place: Place) -> None:
    """Each by its own API, streamed, with thinking replayed where the vendor has any."""
    with FakeOpenAI(keys=[KEY]) as openai, FakeGemini([KEY]) as gemini, FakeAnthropic([KEY]) as anthropic:
        openai.default(clever.of_openai_thinking)
        gemini.default(clever.of_gemini)
        anthropic.default(clever.of_anthropic)
        place.configure(
            PREFERRED_PROVIDER="openai",
            BIG_MODEL="gpt-6-sol",
            SMALL_MODEL="gemini-3.8-flash",
            SONNET_MODEL="anthropic/claude-opus-5-5",
            OPENAI_API="responses",
            OPENAI_BASE_URL=openai.base_url,
            GEMINI_BASE_URL=gemini.url,
            ANTHROPIC_UPSTREAM_URL=anthropic.url,
            **dict.fromkeys(("OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"), KEY),
        )
        done = place.run("check", "--json")
        assert openai.refusals == gemini.refusals == anthropic.refusals == []
    told = {each["target"]: each for each in done.json()["targets"]}
    assert told.keys() == {"openai/gpt-6-sol", "gemini/gemini-3.8-flash", "anthropic/claude-opus-5-5"}
    for target in told.values():
        assert {each["name"] for each in target["findings"] if each["status"] != "ok"} <= {"streaming"}, target
        words = next(each["words"] for each in target["findings"] if each["name"] == "second turn")
        assert words == "with the thinking of the first", target["target"]
    assert done.code == 0


def test_the_clients_own_login_cannot_be_tried(place: Place) -> None:
    place.configure(PREFERRED_PROVIDER="anthropic")
    done = place.run("check")
    assert done.code == 0
    assert "Claude Code's own login is passed on, which cannot be tried" in done.words


def test_a_key_of_the_proxys_own_is_no_obstacle(place: Place) -> None:
    with compatible() as upstream:
        place.configure(entry(upstream), PROXY_API_KEY="sk-mine-0123456789")
        assert place.run("check").code == 0


def test_the_demo(place: Place) -> None:
    done = place.run("--demo", "check", "--json")
    (target,) = done.json()["targets"]
    assert done.code == 0
    assert findings(target)["tool call"] == "ok"
    assert target["learned"] == {}
