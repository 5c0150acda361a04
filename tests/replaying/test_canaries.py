"""No key gets into a recording, ever, and no text without --texts; what a recording shows is still what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.server import Raw
from tests.replaying.sessions import (
    APIS,
    HEADERS,
    KEYS,
    PICTURE,
    TEXTS,
    Upstream,
    answer_bytes,
    failures,
    key_of,
    question,
    recording_proxy,
    said_in,
    settings,
)

NUMBER = "73194658"
PIECE = 12
"""Characters of a key that are too many."""


def answers(api: str) -> Iterator[tuple[str, bool, Raw]]:
    """Name, whether a stream is asked for, and what the server says."""
    for size in (1, 4, 1000):
        yield f"in pieces of {size}", True, Raw([answer_bytes(api, size, is_stream=True)])
    is_stream = api != "anthropic"
    kind = "text/event-stream" if is_stream else "application/json"
    yield "whole", False, Raw([answer_bytes(api, 7, is_stream=is_stream)], content_type=kind)
    for name, raw in failures(api).items():
        yield name, True, raw


def recorded(api: str, place: Path, body: dict[str, Any], **variables: str) -> dict[str, dict[str, Any]]:
    """The recordings of all answers, by name."""
    script = list(answers(api))
    left = [raw for _, _, raw in script]
    with Upstream(lambda _: left.pop(0)) as upstream:
        config = settings(api, upstream.url, place, **variables)
        with recording_proxy(config) as proxy:
            for _, streams, _ in script:
                proxy.post({**body, "stream": streams}, **HEADERS)
    assert config.record_dir is not None
    files = sorted(config.record_dir.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    return {name: json.loads(file.read_text()) for (name, _, _), file in zip(script, files, strict=True)}


@pytest.mark.parametrize("api", APIS)
def test_neither_keys_nor_texts(api: str, tmp_path: Path) -> None:
    for name, form in recorded(api, tmp_path, question()).items():
        said = said_in(form)
        small = said.lower()
        assert [word for word in TEXTS.values() if word in small] == [], name
        assert "canary" not in small, name
        assert NUMBER not in said, name
        assert PICTURE[-24:].decode() not in said, name
        assert form["check"]["reproduces"] or name in ("broken frame", "breaks off"), (name, form["check"])


@pytest.mark.parametrize("api", APIS)
def test_no_keys_where_texts_are_kept(api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the user or the model says them."""
    for name in ("answer", "reasoning", "arguments"):
        monkeypatch.setitem(TEXTS, name, f"{TEXTS[name]} {key_of(api)} {KEYS['client']}")
    body = question(system=f"My keys are {key_of(api)} and {KEYS['client']}.")
    for name, form in recorded(api, tmp_path, body, RECORD_TEXTS="true").items():
        said = said_in(form)
        assert [key for key in KEYS.values() if any(piece in said for piece in _pieces(key))] == [], name
        assert TEXTS["prompt"] in said
        assert form["check"]["reproduces"], (name, form["check"])


def _pieces(key: str) -> list[str]:
    return [key[at : at + PIECE] for at in range(len(key) - PIECE + 1)]
