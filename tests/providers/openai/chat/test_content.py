"""Text, reasoning and what cannot be shown: where servers put it, and what of it is said once only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai.odd_base import Block, call, calls, chunk, final, text
from tests.fakes.openai.replies import DONE
from tests.providers.openai.chat.reading import content, new_stream, noted, read

HELLO: Block = ("text", "hello")
THOUGHT: Block = ("thinking", "let me see")
PNG = "data:image/png;base64,iVBORw0KGgo="
IMAGE = {"type": "image_url", "image_url": {"url": PNG}}
SHOWN = "[The model made an image (image/png), which cannot be shown here]"
CALL = calls(call(index=0, id="call_1", name="Read", arguments='{"file_path": "a.py"}'))
READ: Block = ("tool", "Read", {"file_path": "a.py"})


def message(message: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, **choice}]}


def google(**thought: Any) -> dict[str, Any]:
    return {"extra_content": {"google": thought}}


@pytest.mark.parametrize(
    ("chunks", "blocks"),
    [
        pytest.param([chunk({"content": {"type": "text", "text": "hello"}})], [HELLO], id="one part, no list"),
        pytest.param([chunk({"content": ["hel", {"text": "lo"}]})], [HELLO], id="strings and parts without a type"),
        pytest.param(
            [chunk({"content": [{"type": "output_text", "text": "hello"}]})], [HELLO], id="parts of Responses"
        ),
        pytest.param(
            [chunk({"content": [{"type": "text", "text": {"value": 1, "text": "hello"}}]})], [HELLO], id="text in text"
        ),
        pytest.param(
            [chunk({"content": [{"type": "brand_new", "text": "hello"}]})], [HELLO], id="a new type with text"
        ),
        pytest.param([{"choices": [{"index": 0, "text": "hello"}]}], [HELLO], id="the older completions"),
        pytest.param([text("hello "), chunk({"content": 1})], [("text", "hello 1")], id="a number"),
        pytest.param(
            [chunk({"content": "hello", "audio": {"transcript": "hello"}})], [HELLO], id="said aloud and written"
        ),
        pytest.param(
            [chunk({"reasoning_text": "let me see"}), text("hello")], [THOUGHT, HELLO], id="Copilot's reasoning"
        ),
        pytest.param([chunk({"thinking": "let me see"}), text("hello")], [THOUGHT, HELLO], id="thinking"),
        *(
            pytest.param([chunk({name: "let me see"}), text("hello")], [THOUGHT, HELLO], id=name)
            for name in ("thinking_content", "reasoningContent", "thoughts", "thought")
        ),
        pytest.param(
            [chunk({"thinking_blocks": [{"type": "thinking", "thinking": "let me see"}]}), text("hello")],
            [THOUGHT, HELLO],
            id="LiteLLM's thinking_blocks",
        ),
        pytest.param(
            [chunk({"content": [{"type": "thinking", "thinking": "let me see"}, {"type": "text", "text": "hello"}]})],
            [THOUGHT, HELLO],
            id="Claude's parts",
        ),
        pytest.param(
            [chunk({"content": "<thought>let me see", **google(thought=True)}), text("hello")],
            [THOUGHT, HELLO],
            id="Gemini's thoughts",
        ),
        pytest.param(
            [
                chunk(
                    {
                        "content": "let me see",
                        "tool_calls": CALL["choices"][0]["delta"]["tool_calls"],
                        **google(thought=True),
                    }
                )
            ],
            [THOUGHT, READ],
            id="a call in a thought is a call",
        ),
        pytest.param(
            [chunk({"content": [{"type": "tool_use", "id": "t", "name": "Read", "input": {"file_path": "a.py"}}]})],
            [READ],
            id="a call among the parts",
        ),
        pytest.param(
            [chunk({"audio": {"id": "a", "transcript": "hel"}}), chunk({"audio": {"transcript": "lo"}})],
            [HELLO],
            id="a transcript",
        ),
        pytest.param(
            [chunk({"content": [{"type": "code", "code": "1 + 1", "language": "PYTHON"}]})],
            [("text", "\n```python\n1 + 1\n```\n")],
            id="code",
        ),
        pytest.param([message({"content": "hello"})], [HELLO], id="a whole message"),
        pytest.param([{"choices": {"index": 0, "delta": {"content": "hello"}}}], [HELLO], id="one choice, no list"),
    ],
)
def test_places(chunks: list[Any], blocks: list[Block]) -> None:
    assert content(read(*chunks, final("stop"), DONE)) == blocks


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        pytest.param({"images": [IMAGE]}, SHOWN, id="OpenRouter's images"),
        pytest.param({"images": IMAGE}, SHOWN, id="one image, no list"),
        pytest.param({"content": [IMAGE]}, SHOWN, id="an image among the parts"),
        pytest.param(
            {"images": [{"b64_json": "iVBOR"}]}, "[The model made an image, which cannot be shown here]", id="bare data"
        ),
        pytest.param(
            {"images": [{"url": "https://a.test/1.png"}]},
            "[The model made an image: https://a.test/1.png]",
            id="an address",
        ),
        pytest.param(
            {"images": ["https://a.test/1.png"]},
            "[The model made an image: https://a.test/1.png]",
            id="an address alone",
        ),
        pytest.param({"audio": {"data": "UklGR"}}, "[The model made audio, which cannot be played here]", id="audio"),
        pytest.param(
            {"content": [{"type": "video_url", "video_url": {"url": "https://a.test/1"}}]},
            "[The model made a video: https://a.test/1]",
            id="a video",
        ),
        pytest.param(
            {"content": [{"type": "output_audio", "data": "UklGR"}]},
            "[The model made audio, which cannot be shown here]",
            id="an audio part",
        ),
        pytest.param(
            {"content": [{"type": "file", "file": {"file_data": "data:application/pdf;base64,A"}}]},
            "[The model made a file (application/pdf), which cannot be shown here]",
            id="a file",
        ),
        pytest.param(
            {"content": [{"type": "reference", "reference_ids": [1]}]},
            "[The model sent a part of type reference, which cannot be shown here]",
            id="Mistral's references",
        ),
    ],
)
def test_what_cannot_be_shown_is_told(delta: dict[str, Any], words: str) -> None:
    """Once, in the answer and in the notes, however often it comes."""
    chunks = [chunk(delta), chunk(delta), message(delta, finish_reason="stop"), DONE]
    assert content(read(*chunks)) == [("text", words)]
    assert len(noted(*chunks)) == 1


SOURCE = {"type": "url_citation", "url_citation": {"url": "https://a.test/x", "title": "X"}}


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([text("hello"), chunk({"annotations": [SOURCE]})], "hello\n\nSources:\n- X: https://a.test/x"),
        ([{**text("hello"), "citations": ["https://a.test/x"]}] * 2, "hellohello\n\nSources:\n- https://a.test/x"),
        ([text("see https://a.test/x"), chunk({"annotations": [SOURCE]})], "see https://a.test/x"),
        ([text('{"a": 1}'), chunk({"annotations": [SOURCE]})], '{"a": 1}'),
        ([{**text("hello"), "citations": [7, None, {}]}], "hello"),
    ],
    ids=["annotations", "citations of Perplexity", "named in the text", "an answer that is data", "nothing"],
)
def test_sources(chunks: list[Any], words: str) -> None:
    assert content(read(*chunks, final("stop"), DONE)) == [("text", words)]


LONG = "hello, you in the wide world!"


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        pytest.param([text("hel"), text("lo"), message({"content": "hello"})], "hello", id="a message after deltas"),
        pytest.param(
            [text("\n\nhel"), text("lo"), message({"content": "hello"})], "\n\nhello", id="the same, stripped"
        ),
        pytest.param([text("hel"), message({"content": "hello"})], "hello", id="a message with the rest"),
        pytest.param([text(LONG[:20]), text(LONG, "stop")], LONG, id="the delta that ends"),
        pytest.param([text("ha"), text("ha", "stop")], "haha", id="too short to be no chance"),
        pytest.param([text(LONG), text(LONG)], LONG * 2, id="in mid-answer all is new"),
        pytest.param([message({"content": LONG[:20]}), message({"content": LONG})], LONG, id="messages that grow"),
        pytest.param(
            [{"choices": [{"delta": {"content": each}, "message": {"content": each}}]} for each in ("hel", "lo")],
            "hello",
            id="each piece in both forms",
        ),
        pytest.param(
            [chunk({"refusal": "I can"}), chunk({"refusal": "not."}), message({"refusal": "I cannot."})],
            "I cannot.",
            id="a refusal",
        ),
        pytest.param(
            [chunk({"audio": {"transcript": "hello"}}), message({"audio": {"transcript": "hello"}})],
            "hello",
            id="a transcript",
        ),
    ],
)
def test_said_once(chunks: list[Any], words: str) -> None:
    assert content(read(*chunks, final("stop"), DONE)) == [("text", words)]


@pytest.mark.parametrize(
    ("chunks", "blocks", "notes"),
    [
        pytest.param(
            [text("hello"), chunk({"reasoning": "let me see"}), CALL],
            [HELLO, THOUGHT, READ],
            [],
            id="before a call",
        ),
        pytest.param(
            [text("hel"), chunk({"reasoning": "let me see"}), text("lo")],
            [("text", "hel"), THOUGHT, ("text", "lo")],
            [],
            id="before more text",
        ),
        pytest.param(
            [text("hello"), chunk({"reasoning": "let me see"})],
            [HELLO],
            ["reasoning that came after the answer was left out"],
            id="at the end",
        ),
        pytest.param(
            [text("hello"), chunk({"reasoning": "let me see"}), text("\n")],
            [("text", "hello\n")],
            ["reasoning that came after the answer was left out"],
            id="before blank text",
        ),
        pytest.param(
            [CALL, chunk({"reasoning": "let me see"})],
            [READ],
            ["reasoning that came after the answer was left out"],
            id="after the calls",
        ),
    ],
)
def test_late_reasoning(chunks: list[Any], blocks: list[Block], notes: list[str]) -> None:
    """No answer ends with reasoning: it stands before what it led to, or nowhere."""
    assert content(read(*chunks, final("stop"), DONE)) == blocks
    assert noted(*chunks, final("stop"), DONE) == notes


SAID = "It is a rather long sentence, as they go."


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        pytest.param(["Hel", "Hello wor", "Hello world"], "Hello world", id="growing"),
        pytest.param(
            ["Hello", "Hello wor", "Hello wor", "Hello", "Hello world"], "Hello world", id="growing, repeated"
        ),
        pytest.param(["It is ", SAID[6:], SAID, " Yes."], f"{SAID} Yes.", id="sent once more in the middle"),
        pytest.param(["ha", "haha"], "hahaha", id="short"),
        pytest.param(["1", "10"], "110", id="digits"),
        pytest.param(["100", "1000"], "1001000", id="more digits"),
        pytest.param(["ha ", "ha ha "], "ha ha ha ", id="the same word again"),
        pytest.param(["no ", "no ", "no "], "no no no ", id="the same word"),
        pytest.param(["a", "b", "ab"], "abab", id="as all before, but short"),
        pytest.param(["--- ", "--- --- "], "--- --- --- ", id="no letters"),
    ],
)
def test_deltas_that_hold_all_that_was_said(pieces: list[str], wanted: str) -> None:
    """QwenLM/qwen-code#3896, openclaw/openclaw#142888."""
    for name, kind in (("content", "text"), ("reasoning", "thinking")):
        chunks = [chunk({name: piece}) for piece in pieces]
        last = [text("hello")] if kind == "thinking" else []
        assert content(read(*chunks, *last, final("stop"), DONE))[0] == (kind, wanted)


@pytest.mark.parametrize("word", ["stop", "tool_calls"])
def test_a_call_among_the_thoughts(word: str) -> None:
    """vllm-project/vllm#39056: not worth asking again, as the model has called."""
    thoughts = 'I read it.\n<tool_call>{"name": "Read", "arguments": {"file_path": "a.py"}}</tool_call>'
    chunks = [chunk({"reasoning": thoughts}), final(word)]
    answer = read(*chunks, DONE)
    assert content(answer) == [("thinking", thoughts), READ]
    assert answer.message is not None
    assert answer.message["stop_reason"] == "tool_use"
    stream = new_stream()
    for each in chunks:
        list(stream.feed(each))
    assert stream.spoilt is None
    said = content(read(chunk({"reasoning": thoughts}), text("hello"), final("stop"), DONE))
    assert said == [("thinking", thoughts), HELLO]
