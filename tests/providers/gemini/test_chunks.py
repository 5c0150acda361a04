"""What is taken for a chunk of Gemini's."""

from __future__ import annotations

from proxy.providers.gemini.chunks import Chunks


def test_a_chunk_of_code_assist_is_unwrapped() -> None:
    """As its API at cloudcode-pa.googleapis.com sends them."""
    assert list(Chunks().feed(b'data: {"response": {"candidates": []}, "traceId": "1"}\n\n')) == [{"candidates": []}]
    assert list(Chunks().feed(b'data: {"candidates": [], "response": {}}\n\n')) == [{"candidates": [], "response": {}}]
