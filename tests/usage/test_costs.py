"""What vendors tell of their usage, read by the proxy's own readers: tokens and costs are those worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from proxy.settings.config import load_config
from proxy.usage.record import Record
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.anthropic.bodies import events, message
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI
from tests.providers.gemini.serving import KEY as GEMINI_KEY
from tests.providers.gemini.serving import gemini_settings
from tests.usage.records import kept
from tests.web.serving import Answer, ask, custom_settings, serve, settings

Json = dict[str, Any]
Tokens = tuple[int | None, int | None, int | None, int | None]
"""Input, all of it; from caches; into caches; output."""
PRICE = {"input": 0.5, "cached": 0.1, "output": 2}
ANTHROPIC_KEY = "sk-ant-server-0123456789"

pytestmark = pytest.mark.parametrize("streams", [False, pytest.param(True, marks=pytest.mark.streaming)])


class Chat(NamedTuple):
    """What a server of Chat Completions sends at its end, beside the text "hi"."""

    last: Json
    tokens: Tokens
    cost: float | None
    price: Json | None = PRICE


def usage(prompt: int, completion: int, **fields: Any) -> Json:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {"usage": {**counts, **fields}}


CHATS = {
    # (20000 - 17000) * 0.5 + 17000 * 0.1 + 300 * 2 = 1500 + 1700 + 600
    "openai": Chat(
        usage(
            20_000,
            300,
            prompt_tokens_details={"cached_tokens": 17_000, "audio_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 100},
        ),
        (20_000, 17_000, 0, 300),
        0.0038,
    ),
    # 3000 * 0.5 + 7000 * 0.1 + 50 * 2 = 1500 + 700 + 100
    "deepseek": Chat(
        usage(10_000, 50, prompt_cache_hit_tokens=7_000, prompt_cache_miss_tokens=3_000), (10_000, 7_000, 0, 50), 0.0023
    ),
    "openrouter": Chat(
        usage(194, 2, cost=0.0042, cost_details={"upstream_inference_cost": None}, is_byok=False),
        (194, 0, 0, 2),
        0.0042,
        None,
    ),
    "openrouter, the user's own key": Chat(
        usage(194, 2, cost=0.0002, cost_details={"upstream_inference_cost": 0.004}, is_byok=True),
        (194, 0, 0, 2),
        0.0042,
        None,
    ),
    # The price of the entry wins: 194 * 0.5 + 2 * 2
    "openrouter, with a price": Chat(usage(194, 2, cost=0.0042), (194, 0, 0, 2), 0.000101),
    # 1000 * 0.5 + 3000 * 0.1 + 10 * 2
    "moonshot": Chat(
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", **usage(4_000, 10, cached_tokens=3_000)}]},
        (4_000, 3_000, 0, 10),
        0.00082,
    ),
    # 500 * 0.5 + 25 * 2
    "groq": Chat({"x_groq": {"id": "req_x", **usage(500, 25, total_time=0.1)}}, (500, 0, 0, 25), 0.0003),
    # 1000 * 0.5 + 1000 * 0.1 + 40 * 2
    "mistral": Chat(usage(2_000, 40, num_cached_tokens=1_000), (2_000, 1_000, 0, 40), 0.00068),
    # 1200 * 0.5 + 60 * 2
    "vllm": Chat(usage(1_200, 60, prompt_tokens_details=None), (1_200, 0, 0, 60), 0.00072),
    # 100 * 0.5 + 900 * 0.1 + 5 * 2
    "llama.cpp": Chat(
        {**usage(1_000, 5), "timings": {"cache_n": 900, "prompt_n": 100, "predicted_n": 5}},
        (1_000, 900, 0, 5),
        0.00015,
    ),
    "free of charge": Chat(usage(1_000, 5), (1_000, 0, 0, 5), 0.0, {"input": 0, "output": 0}),
    "no price": Chat(usage(1_000, 5), (1_000, 0, 0, 5), None, None),
    "a cost that is none": Chat(usage(1_000, 5, cost={"total_cost": 1}), (1_000, 0, 0, 5), None, None),
}


def frames(*chunks: Json | str) -> list[bytes]:
    return [b"data: " + (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n\n" for each in chunks]


def check(answer: Answer, record: Record, streams: bool, tokens: Tokens, cost: float | None) -> None:
    answer.message()
    counted = (record.tokens_in, record.tokens_cached, record.tokens_cache_write, record.tokens_out)
    assert counted == tokens
    assert record.cost == (None if cost is None else pytest.approx(cost, rel=1e-9))
    shown = None if cost is None or streams else f"{cost:.8f}"
    assert answer.headers.get("x-proxy-cost-usd") == shown


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible") as fake:
        yield fake


@pytest.mark.parametrize("name", CHATS)
def test_chat_completions(name: str, streams: bool, upstream: FakeOpenAI, tmp_path: Path) -> None:
    chat = CHATS[name]
    said = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}]}
    ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    upstream.reply_raw(frames(said, ended, {"choices": [], **chat.last}, "[DONE]"))
    entry = {"api_base": upstream.base_url, **({"price": chat.price} if chat.price else {})}
    with serve(custom_settings(tmp_path, entry)) as proxy:
        ledger = kept(proxy)
        answer = proxy.post(ask(stream=streams))
        check(answer, ledger.take(), streams, chat.tokens, chat.cost)


@pytest.mark.parametrize(
    ("counts", "tokens", "cost"),
    [
        # gpt-6-sol: 1000 * 2 + 90000 * 0.2 + 9000 * 2.5 + 500 * 10 = 2000 + 18000 + 22500 + 5000
        ((100_000, 90_000, 9_000, 500), (100_000, 90_000, 9_000, 500), 0.0475),
        # Above 272000: 100000 * 4 + 200000 * 0.4 + 1000 * 15 = 400000 + 80000 + 15000
        ((300_000, 200_000, 0, 1_000), (300_000, 200_000, 0, 1_000), 0.495),
    ],
    ids=["short", "long"],
)
def test_responses(
    counts: tuple[int, int, int, int], tokens: Tokens, cost: float, streams: bool, upstream: FakeOpenAI
) -> None:
    total, cached, written, output = counts
    response = {
        "id": "resp_1",
        "status": "completed",
        "output": [
            {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
        ],
        "usage": {
            "input_tokens": total,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }
    upstream.reply_raw(frames({"type": "response.completed", "response": response}))
    with serve(settings(upstream.base_url, OPENAI_API="responses", BIG_MODEL="gpt-6-sol")) as proxy:
        ledger = kept(proxy)
        answer = proxy.post(ask(stream=streams))
        check(answer, ledger.take(), streams, tokens, cost)


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        # 3.8-flash: (3000 + 500) * 0.75 + 7000 * 0.075 + (40 + 60) * 3.75 = 2625 + 525 + 375
        ("gemini-3.8-flash", 0.003525),
        # 4-argon: 3500 * 2 + 7000 * 0.1 + 100 * 10
        ("gemini-4-argon", 0.0087),
        ("gemini-9", None),
    ],
)
def test_gemini(model: str, cost: float | None, streams: bool) -> None:
    counts = {
        "promptTokenCount": 10_000,
        "cachedContentTokenCount": 7_000,
        "toolUsePromptTokenCount": 500,
        "candidatesTokenCount": 40,
        "thoughtsTokenCount": 60,
    }
    said = {"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP", "index": 0}
    with FakeGemini(keys=[GEMINI_KEY]) as fake, serve(gemini_settings(fake.base_url, model)) as proxy:
        fake.reply_raw(frames({"candidates": [said], "usageMetadata": counts}))
        ledger = kept(proxy)
        answer = proxy.post(ask(stream=streams))
        check(answer, ledger.take(), streams, (10_500, 7_000, None, 100), cost)


@pytest.mark.parametrize(
    ("model", "counts", "tokens", "cost"),
    [
        # 1000 * 4 + 50000 * 0.2 + (8000 - 3000) * 5 + 3000 * 8 + 400 * 20 = 4000 + 10000 + 25000 + 24000 + 8000
        (
            "claude-opus-5-5",
            {
                "input_tokens": 1_000,
                "cache_read_input_tokens": 50_000,
                "cache_creation_input_tokens": 8_000,
                "cache_creation": {"ephemeral_5m_input_tokens": 5_000, "ephemeral_1h_input_tokens": 3_000},
                "output_tokens": 400,
            },
            (59_000, 50_000, 8_000, 400),
            0.071,
        ),
        # Above 100000: 20000 * 0.5 + 90000 * 0.05 + 100 * 2.5 = 10000 + 4500 + 250
        (
            "claude-haiku-5-5",
            {
                "input_tokens": 20_000,
                "cache_read_input_tokens": 90_000,
                "cache_creation_input_tokens": 0,
                "output_tokens": 100,
            },
            (110_000, 90_000, 0, 100),
            0.01475,
        ),
    ],
    ids=["opus", "haiku, long"],
)
def test_anthropic(model: str, counts: Json, tokens: Tokens, cost: float, streams: bool) -> None:
    whole = message(model, {"type": "text", "text": "hi"}, usage=counts)
    with FakeAnthropic([ANTHROPIC_KEY]) as fake:
        environ = {
            "PREFERRED_PROVIDER": "anthropic",
            "ANTHROPIC_UPSTREAM_URL": fake.url,
            "ANTHROPIC_API_KEY": ANTHROPIC_KEY,
        }
        with serve(load_config(environ, directory=Path(__file__).parent / "no-such-directory")) as proxy:
            ledger = kept(proxy)
            fake.reply_sse(events(whole)) if streams else fake.reply_json(whole)
            answer = proxy.post(ask(model=model, stream=streams), anthropic_version="2023-06-01")
            record = ledger.take()
    assert record.stop_reason == "end_turn"
    check(answer, record, streams, tokens, cost)
