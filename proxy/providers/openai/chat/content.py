"""What stands in a delta or a message besides tool calls: text, reasoning, a refusal, and what cannot be shown.

from                                                   becomes     showed it
-----------------------------------------------------  ----------  -----------------------------------------------
reasoning_content, reasoning, reasoning_text,          thinking    DeepSeek, GLM, Kimi, Qwen; OpenRouter, Groq,
thinking, reasoning_details: the first that has text               Ollama, new vLLM; Copilot; gateways; OpenRouter
thinking_content, reasoningContent, thought(s),        thinking    gateways; Vercel's SDK; gateways in front of Gemini;
thinking_blocks: where none of those has text                      LiteLLM
content: a string, a part, a list of parts             by its type gateways, Mistral (BerriAI/litellm#16272)
content marked as a thought                            thinking    Gemini's compatible endpoint
refusal                                                refusal     OpenAI
audio.transcript                                       text        OpenAI's audio models
images, video, files; parts of other types             a notice    OpenRouter (maximhq/bifrost#2367)
a part that is a tool call                             a call      gateways in front of Claude
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

_REASONING = (
    *("reasoning_content", "reasoning", "reasoning_text", "thinking", "reasoning_details"),
    *("thinking_content", "reasoningContent", "thoughts", "thought", "thinking_blocks"),
)
_TEXT_TYPES = ("text", "output_text", "input_text", "")
_THINKING_TYPES = ("thinking", "reasoning", "reasoning_content", "reasoning_text", "thought", "summary_text")
_CALL_TYPES = ("tool_use", "tool_call", "function", "function_call")
_CODE_TYPES = ("code", "executable_code", "code_interpreter", "code_execution_result", "execution_output")
_MEDIA = {"images": "image", "image": "image", "videos": "video", "video": "video", "files": "file", "file": "file"}
_NOUNS = ("image", "audio", "video", "file", "document")
_URL_KEYS = ("url", "data", "b64_json", "file_data", "image_url", "video_url", "input_audio", "audio", "file", "source")
_SHOWN_URL_MAX = 500
"""Characters; a link is for a reader to open, and signed ones are rarely longer."""
_SHOWN_TYPE_MAX = 50
"""Characters of an unknown part's type, which is a word of the server's and may be anything."""
_LANGUAGE_MAX = 20
"""Characters of a language's name behind a code fence."""
_MEDIA_TYPE_END = 100
"""Characters of a `data:` URL in which its media type ends; what follows may be megabytes of base64."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`call`: a member of `tool_calls`. `notice`: text for what cannot be shown, once for each `identity`."""

    kind: Literal["text", "thinking", "refusal", "notice", "call"]
    text: str = ""
    call: Any = None
    identity: int = 0


def pieces(delta: dict[str, Any]) -> Iterator[Piece]:
    """In the order in which they are shown."""
    for name in _REASONING:
        if thought := _plain(delta.get(name)):
            yield Piece("thinking", thought)
            break
    if _is_thought(delta):
        for piece in _content(delta.get("content")):
            yield Piece("thinking", _without_tags(piece.text)) if piece.kind == "text" else piece
    else:
        yield from _content(delta.get("content"))
    if isinstance(refusal := delta.get("refusal"), str) and refusal:
        yield Piece("refusal", refusal)
    if (audio := delta.get("audio")) and not delta.get("content"):  # which would say the same
        yield from _audio(audio)
    for name, noun in _MEDIA.items():
        items = delta.get(name)
        for item in items if isinstance(items, list) else [items]:
            if item:
                yield _notice(noun, item)


def _content(value: Any) -> Iterator[Piece]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        if value:
            yield Piece("text", value)
        return
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str):
            yield Piece("text", part)
        elif isinstance(part, dict):
            yield from _part(part)


def _part(part: dict[str, Any]) -> Iterator[Piece]:
    kind = part.get("type")
    kind = kind if isinstance(kind, str) else ""
    if kind in _THINKING_TYPES or part.get("thought") is True:
        yield Piece("thinking", _plain(part))
    elif kind in _TEXT_TYPES and isinstance(part.get("text"), str | dict | list):
        yield Piece("text", _plain(part["text"]))
    elif kind == "refusal":
        yield Piece("refusal", _plain(part.get("refusal")))
    elif kind in _CALL_TYPES:
        yield Piece("call", call=part)
    elif kind in _CODE_TYPES:
        yield Piece("text", _fenced(part))
    elif isinstance(text := part.get("text"), str):
        yield Piece("text", text)
    elif noun := next((noun for noun in _NOUNS if noun in kind), ""):
        yield _notice(noun, part)
    elif kind and kind not in _TEXT_TYPES:
        shown = kind[:_SHOWN_TYPE_MAX]
        yield Piece("notice", f"[The model sent a part of type {shown}, which cannot be shown here]", identity=1)


def _fenced(part: dict[str, Any]) -> str:
    code = next((text for key in ("code", "output", "text", "content", "input") if (text := _plain(part.get(key)))), "")
    language = part.get("language")
    name = language.lower()[:_LANGUAGE_MAX] if isinstance(language, str) else ""
    return f"\n```{name}\n{code}\n```\n" if code else ""


def _audio(audio: Any) -> Iterator[Piece]:
    transcript = audio.get("transcript") if isinstance(audio, dict) else None
    if isinstance(transcript, str) and transcript:
        yield Piece("text", transcript)
    elif not isinstance(audio, dict) or audio.get("data"):
        yield Piece("notice", "[The model made audio, which cannot be played here]", identity=2)


def _notice(noun: str, item: Any) -> Piece:
    url = _url(item)
    article = "audio" if noun == "audio" else f"an {noun}" if noun == "image" else f"a {noun}"
    if url.startswith("http"):
        text = f"[The model made {article}: {url[:_SHOWN_URL_MAX]}]"
    else:
        kind = url[len("data:") : _MEDIA_TYPE_END].split(";")[0] if url.startswith("data:") else ""
        text = f"[The model made {article}{f' ({kind})' if kind else ''}, which cannot be shown here]"
    return Piece("notice", text, identity=hash(url))


def _url(value: Any) -> str:
    """The address or the data of what a part holds."""
    if isinstance(value, dict):
        return next((url for key in _URL_KEYS if (url := _url(value.get(key)))), "")
    return value if isinstance(value, str) else ""


def _is_thought(delta: dict[str, Any]) -> bool:
    extra = delta.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and google.get("thought") is True


def _without_tags(text: str) -> str:
    return text.removeprefix("<thought>").removesuffix("</thought>")


def _plain(value: Any) -> str:
    """The text in any of the shapes that reasoning and parts are sent in."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_plain, value))
    if isinstance(value, dict):
        keys = ("text", "thinking", "summary", "content", "reasoning")
        return _plain(next((inner for key in keys if (inner := value.get(key))), None))
    return ""


def sources(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(URL, title) of what an answer rests on: `annotations` (OpenAI, OpenRouter), `citations` (Perplexity, xAI)."""
    for name in ("annotations", "citations", "search_results"):
        entries = value.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("url_citation"), dict):
                entry = entry["url_citation"]
            url = entry.get("url") if isinstance(entry, dict) else entry
            title = entry.get("title") if isinstance(entry, dict) else None
            if isinstance(url, str) and url:
                yield url, title if isinstance(title, str) else ""
