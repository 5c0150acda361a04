"""What models send that is neither text nor a call, as text that says or carries what it was. Pure."""

from __future__ import annotations

import re

_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[A-Za-z0-9.+-]{1,60}")
_NOUNS = {"image": "an image", "audio": "a recording", "video": "a video"}


def file_made(media_type: str) -> str:
    """In the place of a file that a client of the Messages API cannot be shown. `media_type` may be empty or vague."""
    noun = _NOUNS.get(media_type.partition("/")[0].lower(), "a file")
    plain = media_type.partition(";")[0]
    kind = f" ({plain})" if _MEDIA_TYPE.fullmatch(plain) else ""
    return f"[The model made {noun}{kind}, which cannot be shown here]"


def fenced(code: str, language: str = "") -> str:
    """A fenced block of Markdown, whatever fences the code has itself."""
    longest = max(map(len, re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"
