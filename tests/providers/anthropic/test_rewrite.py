"""A session that other vendors have answered goes over to Anthropic: what was legal stays so without their blocks."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from proxy.protocol.signature import seal
from proxy.providers.anthropic.rewrite import request_body
from tests.fakes.anthropic import rules
from tests.fakes.anthropic.bodies import redacted, thinking
from tests.fuzz import examples

Json = dict[str, Any]

MODEL = "claude-opus-5-5"
HEADERS = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-management-2025-06-27"}
OURS = seal("openai-responses", "gpt-6-sol", "gAAAA")
FOREIGN: list[Json] = [
    {"type": "thinking", "thinking": "x", "signature": OURS},
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "redacted_thinking", "data": OURS},
]
SYSTEM: list[Json] = [
    {"role": "system", "content": "now"},
    {"role": "system", "content": [], "output_config": {"effort": "low"}},
]
MODES: list[Json | None] = [
    None,
    {"type": "adaptive"},
    {"type": "disabled"},
    {"type": "enabled", "budget_tokens": 1024},
]
KEPT = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}


def _searched(number: int) -> list[Json]:
    found = {"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": seal("web-search", "", "")}
    use = {"type": "server_tool_use", "id": f"srvtoolu_{number}", "name": "web_search", "input": {"query": "q"}}
    return [use, {"type": "web_search_tool_result", "tool_use_id": use["id"], "content": [found]}]


def _steps(rng: random.Random, turn: int) -> Iterator[Json]:
    """An answer and the calls in it, until one has no call."""
    for step in range(rng.randint(0, 3)):
        number = turn * 10 + step
        content = [*rng.sample(FOREIGN, rng.randint(0, 2)), *rng.choice([[], [thinking("own")]])]
        content += rng.choice([[], [], _searched(number)]) + rng.choice([[], [{"type": "text", "text": "t"}]])
        ids = [f"toolu_{number}_{each}" for each in range(rng.randint(0, 2))]
        content += [{"type": "tool_use", "id": each, "name": "Read", "input": {}} for each in ids]
        if content:
            yield {"role": "assistant", "content": content}
        if not ids:
            return
        yield {"role": "user", "content": [{"type": "tool_result", "tool_use_id": each} for each in ids]}
        yield from rng.choice([[], [], SYSTEM[:1]])


def _request(rng: random.Random) -> Json:
    messages: list[Json] = []
    for turn in range(rng.randint(1, 4)):
        messages += [{"role": "user", "content": "hi"}, *rng.choice([[], SYSTEM[:1], SYSTEM[1:], SYSTEM])]
        messages += _steps(rng, turn)
    if messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": "end"})
    mode = rng.choice(MODES)
    body = {"model": MODEL, "max_tokens": 4000, "messages": messages, **({"thinking": mode} if mode else {})}
    return body | ({} if mode == MODES[2] else {"context_management": KEPT})


def _is_legal(body: Json) -> bool:
    """Whether Anthropic would take it, had it made all of it."""
    own = copy.deepcopy(body)
    for message in own["messages"]:
        if message["role"] == "assistant":
            instead = {"thinking": thinking("own"), "redacted_thinking": redacted()}
            message["content"] = [instead.get(block["type"], block) for block in message["content"]]
    try:
        rules.check(own, HEADERS)
    except rules.Failure:
        return False
    return True


def test_what_was_legal_stays_so() -> None:
    tried = 0
    for number in range(examples(1500)):
        body = _request(random.Random(number))
        if not _is_legal(body):
            continue
        tried += 1
        for effort in (None, "none", "low"):
            made = json.loads(request_body(json.dumps(body).encode(), MODEL, MODEL, effort))
            assert OURS not in json.dumps(made)
            try:
                rules.check(made, HEADERS)
            except rules.Failure as failure:
                failure.add_note(f"request {number} with the effort {effort}: {failure.message}")
                raise
    assert tried > examples(300)
