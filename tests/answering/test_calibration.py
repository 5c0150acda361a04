"""What is learned of the error of estimates, and how near they come to the tokens that OpenAI's models count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.answering.calibration import Calibration, learn_input
from proxy.protocol.deltas import Delta, Finish, TextDelta, Usage
from proxy.protocol.request import parse_count_request
from proxy.tokens.request import estimate
from proxy.tokens.text import text_tokens
from tests.captures import CAPTURES, load

MODEL = "openai/gpt-6-sol"


def taught(*counts: tuple[int, int]) -> Calibration:
    calibration = Calibration()
    for estimated, true in counts:
        calibration.learn(MODEL, estimated, true)
    return calibration


def test_nothing_learned_changes_nothing() -> None:
    assert taught().corrected(MODEL, 1234) == 1234


def test_the_ratio_is_learned_for_each_model() -> None:
    calibration = taught((1000, 1200))
    assert calibration.corrected(MODEL, 5000) == 6000
    assert calibration.corrected("gemini/other", 5000) == 5000


def test_whose_servers_have_reported() -> None:
    known = taught((1000, 1100))
    assert known.knows(MODEL)
    assert not known.knows("other")
    assert not taught((1000, 0)).knows(MODEL)


def test_odd_requests_change_little() -> None:
    calibration = taught((1000, 1100), (1000, 9000), (1000, 1100), (1000, 1), (1000, 1102))
    assert calibration.corrected(MODEL, 10_000) == 11_000


def test_the_latest_count() -> None:
    assert taught(*[(1000, 2000)] * 30, *[(1000, 1000)] * 9).corrected(MODEL, 1000) == 1000


@pytest.mark.parametrize(("estimated", "true"), [(1000, 0), (1000, -5), (100, 900)])
def test_what_teaches_nothing(estimated: int, true: int) -> None:
    assert taught((estimated, true)).corrected(MODEL, 1000) == 1000


def test_absurd_counts_are_bounded() -> None:
    assert taught((1000, 10**9)).corrected(MODEL, 1000) == 4000


def test_more_is_never_less() -> None:
    calibration = taught((1000, 300))
    corrected = [calibration.corrected(MODEL, tokens) for tokens in range(1, 2000)]
    assert corrected == sorted(corrected)
    assert corrected[0] >= 1


def test_what_a_request_surely_has_is_less_than_the_estimate() -> None:
    assert taught().at_least(MODEL, 1000) < taught((1000, 1000)).at_least(MODEL, 1000) < 1000
    assert taught((1000, 3000)).at_least(MODEL, 1000) == 1000, "what was learned may come from another kind of request"


def test_many_models_are_bounded() -> None:
    calibration = Calibration()
    for number in range(1000):
        calibration.learn(f"custom/{number}", 1000, 2000)
    assert calibration.corrected("custom/0", 1000) == 1000
    assert calibration.corrected("custom/999", 1000) == 2000


@pytest.mark.parametrize(
    ("told", "learned"),
    [
        ([Usage(input=10)], 10),
        ([Usage(input=10, cache_read=5, cache_write=2)], 17),
        ([Usage(input=10, cache_read=5), Usage(input=12), Usage(output=3)], 17),
        ([Usage(output=3)], 0),
        ([Usage(input=90, web_searches=1)], None),
    ],
)
def test_an_answer_tells_its_input_at_its_end(told: list[Usage], learned: int | None) -> None:
    batches: list[list[Delta]] = [[TextDelta("hi"), each] for each in told]
    batches.append([Finish()])
    seen: list[int] = []
    assert list(learn_input(iter(batches), seen.append))[: len(batches)] == batches
    assert seen == ([] if learned is None else [learned])


def test_an_answer_that_breaks_off_tells_nothing() -> None:
    seen: list[int] = []
    answer: Any = learn_input(iter([[Usage(input=10)], [Finish()]]), seen.append)
    next(answer)
    answer.close()
    assert seen == []


@pytest.fixture(scope="module")
def o200k() -> Callable[[str], int]:
    """Counts as tiktoken's o200k_base does, with the vocabulary in its wheel: tiktoken itself has to load it."""
    bpe_openai = pytest.importorskip("bpe_openai")
    encoding = bpe_openai.get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text))


OUR_OWN = (
    "README.md",
    "proxy/settings/config.py",
    "proxy/models/catalog.yaml",
    "proxy/protocol/writer.py",
    "tests/settings/test_config.py",
)


@pytest.mark.parametrize("name", OUR_OWN)
def test_texts_of_many_kinds(o200k: Callable[[str], int], name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    assert text_tokens(text) == pytest.approx(o200k(text), rel=0.125)


@pytest.mark.parametrize(
    "text",
    [
        "Die Katze sitzt auf der Matte und schaut den Voegeln im Garten beim Fressen zu. " * 20,
        "\u041a\u043e\u0442 \u0441\u0438\u0434\u0438\u0442 \u043d\u0430 \u043e\u043a\u043d\u0435. " * 20,
        "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u4e00\u8d77\u53bb\u516c\u56ed\u6563\u6b65\uff0c\u7136\u540e\u53bb\u56fe\u4e66\u9986\u770b\u4e66\u3002"
        * 20,
    ],
    ids=["German", "Russian", "Chinese"],
)
def test_other_languages_are_not_far_off(o200k: Callable[[str], int], text: str) -> None:
    assert text_tokens(text) == pytest.approx(o200k(text), rel=0.4)


def _texts(request: dict[str, Any]) -> Iterator[str]:
    """All that a model reads of a captured request, pictures and files apart."""
    for tool in request.get("tools") or ():
        if "input_schema" in tool and not tool.get("defer_loading"):
            yield from (tool["name"], tool.get("description", ""), _compact(tool["input_schema"]))
    yield from _content(request.get("system") or ())
    for message in request["messages"]:
        yield from _content(message["content"])


def _content(content: str | Sequence[dict[str, Any]]) -> Iterator[str]:
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        match block["type"]:
            case "text" | "thinking":
                yield block[block["type"]]
            case "tool_use":
                yield from (block["name"], _compact(block["input"]))
            case "tool_result":
                yield from _content(block.get("content") or ())


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_text_only(request: dict[str, Any]) -> bool:
    return not any(kind in json.dumps(request) for kind in ('"base64"', '"tool_reference"', '"thinking": "'))


BODIES = {name: load(name)["body"] for name in CAPTURES}
COUNTED = {name: body for name, body in BODIES.items() if body and "messages" in body and _is_text_only(body)}


def _counts(o200k: Callable[[str], int], body: dict[str, Any]) -> tuple[int, int]:
    true = sum(map(o200k, _texts(body))) + 4 * (len(body["messages"]) + len(body.get("tools") or ()))
    return estimate(parse_count_request(json.dumps(body).encode())), true


@pytest.mark.skipif(not COUNTED, reason="the captures are not here")
def test_estimates_are_near_and_calibrated_ones_nearer(o200k: Callable[[str], int]) -> None:
    for client in ("cc2.1.197", "cc2.1.330"):
        counts = {name: _counts(o200k, body) for name, body in COUNTED.items() if client in name}
        large = {name: count for name, count in counts.items() if count[1] > 2000}
        assert len(large) > 5
        assert {name: e / t for name, (e, t) in large.items() if abs(e / t - 1) > 0.12} == {}
        calibration = taught(*list(large.values())[:4])
        corrected = {name: calibration.corrected(MODEL, e) / t for name, (e, t) in large.items()}
        assert {name: ratio for name, ratio in corrected.items() if abs(ratio - 1) > 0.03} == {}
