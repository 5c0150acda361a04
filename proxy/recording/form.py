"""The file of a recording: what stands where in it. Made of a tape, without keys and, as a rule, without texts."""

from __future__ import annotations

import base64
import contextlib
import json
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from typing import Any

from proxy import __version__
from proxy.models.habits import NO_HABITS, Habits
from proxy.providers.common.scrubber import SECRET_MIN, Scrubber, words
from proxy.recording.addresses import safe_headers, safe_url
from proxy.recording.echoes import Echoes
from proxy.recording.filler import Filler
from proxy.recording.policy import Policy
from proxy.recording.redact import Redactor, texts_in
from proxy.recording.settings import recorded_settings, secrets_of
from proxy.recording.tape import Attempt, Tape

VERSION = 1
_PACKAGES = ("openai", "google-genai", "httpx2", "httpcore2", "requests", "urllib3", "pydantic", "flask", "waitress")
_CREDENTIALS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "proxy-authorization", "cookie")
_EVENT_BEGINS = (b"data:", b"event:", b":")

Form = dict[str, Any]


def name_of(form: Form) -> str:
    """The name of a recording's file: when, and of which request."""
    when = form["request"]["time"].replace(":", "-")
    return f"{when}_{re.sub(r'[^A-Za-z0-9_-]', '', form['request']['id']) or 'req'}.json"


def as_text(form: Form) -> str:
    """ASCII, to be read by people, too."""
    return json.dumps(form, indent=1) + "\n"


def made_of(tape: Tape, filler: Filler | None) -> Form:
    """The recording of a request whose answer has ended; without a filler texts are kept."""
    scrubber = Scrubber(_secrets(tape))
    redactor = Redactor(scrubber, filler, _islands(bytes(tape.body)))
    redactor.hears(_echoes(tape))
    # In this order equal names get their filler from where they come from.
    body = _body(redactor.body(bytes(tape.body), Policy()))
    attempts = [_attempt(attempt, redactor, hides=filler is not None) for attempt in tape.attempts]
    answer = _answer(tape, redactor)
    form: Form = {
        "version": VERSION,
        "made_by": _program(),
        "texts": "kept" if filler is None else "filler",
        "check": {},
        "warnings": [],
        "settings": recorded_settings(tape.config, redactor, hides=filler is not None),
        "request": {
            "id": tape.record.id if tape.record else "",
            "time": datetime.fromtimestamp(tape.time).isoformat(timespec="seconds"),
            "method": tape.method,
            "path": _path(tape.path),
            "headers": safe_headers(tape.headers, redactor),
            "body": body,
        },
        "route": _route(tape, redactor),
        "habits": _habits(tape, redactor, hides=filler is not None),
        "plan": [],
        "attempts": attempts,
        "answer": answer,
    }
    form["warnings"] = list(_warnings(tape, redactor))
    return form


def holds_key(text: str, tape: Tape) -> bool:
    """Whether a key that is known stands in the text of a recording, which must not be written then."""
    return any(len(secret) >= SECRET_MIN and secret in text for secret in _secrets(tape))


def body_of(written: Mapping[str, Any]) -> bytes:
    """The bytes of a body, or of a piece, in a recording."""
    if "json" in written:
        return json.dumps(written["json"]).encode()
    if "base64" in written:
        return base64.b64decode(written["base64"])
    return str(written["text"]).encode("utf-8", "surrogatepass")


def pieces_of(written: Iterable[Sequence[Any]]) -> list[bytes]:
    return [body_of(what) if isinstance(what, dict) else str(what).encode() for _, what in written]


def written_pieces(times: Iterable[float], pieces: Iterable[bytes]) -> list[list[Any]]:
    """Milliseconds, and the text of a piece, or its base64 where it is no text."""
    return [[round(1000 * at), _plain(piece)] for at, piece in zip(times, pieces, strict=True)]


def habits_of(written: Mapping[str, Any]) -> Habits:
    """Raises TypeError for a habit that is not known."""
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in written.items()}
    return Habits(**{**values, "refused": frozenset(values.get("refused", ()))})


def _secrets(tape: Tape) -> Iterator[str]:
    yield from secrets_of(tape.config)
    sent = (header for attempt in tape.attempts for header in attempt.sent.headers)
    for name, value in (*tape.headers, *sent):
        if name.lower() in _CREDENTIALS:
            yield from words(value)


def _islands(body: bytes) -> list[str]:
    """Stop sequences are looked for in the answer."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(body)
        if isinstance(found, dict) and isinstance(found.get("stop_sequences"), list):
            return [each for each in found["stop_sequences"] if isinstance(each, str)]
    return []


def _echoes(tape: Tape) -> Echoes:
    models = {name for route in tape.routes for each in route.candidates for name in (each.model, each.requested)}
    models |= {name for name, _ in tape.config.agent_models}
    return Echoes(lambda: _texts(tape), models, bytes(tape.body))


def _texts(tape: Tape) -> Iterator[str]:
    """All that was said in the request and in its answers, but for errors."""
    yield from texts_in(bytes(tape.body), Policy())
    for attempt in tape.attempts:
        if attempt.status < 400:
            whole = b"".join(piece for _, piece in attempt.pieces)
            yield from texts_in(whole, Policy(is_answer=True), framed=_is_framed(attempt))


def _attempt(attempt: Attempt, redactor: Redactor, *, hides: bool) -> Form:
    policy = Policy(is_answer=True, is_refusal=attempt.status >= 400)
    pieces = redactor.pieces([piece for _, piece in attempt.pieces], policy, framed=_is_framed(attempt))
    kind, said = attempt.error
    return {
        "at": round(1000 * attempt.began),
        "method": attempt.sent.method,
        "url": safe_url(attempt.sent.url, redactor, hides=hides),
        "body": _body(redactor.body(attempt.sent.body, Policy())),
        "status": attempt.status,
        "headers": safe_headers(attempt.headers, redactor),
        "pieces": written_pieces([at for at, _ in attempt.pieces], pieces),
        "ended": attempt.ended or "cancelled",
        "error": [kind, redactor.error(said)] if kind else None,
    }


def _answer(tape: Tape, redactor: Redactor) -> Form:
    policy = Policy(is_answer=True, is_refusal=tape.status >= 400)
    is_stream = any(name.lower() == "content-type" and "event-stream" in value for name, value in tape.answer_headers)
    pieces = redactor.pieces([piece for _, piece in tape.emitted], policy, framed=is_stream)
    return {
        "status": tape.status,
        "headers": safe_headers(tape.answer_headers, redactor),
        "pieces": written_pieces([at for at, _ in tape.emitted], pieces),
        "outcome": tape.record.outcome if tape.record else "",
        "stop_reason": tape.record.stop_reason if tape.record else "",
        "error": tape.record.error if tape.record else "",
    }


def _route(tape: Tape, redactor: Redactor) -> Form:
    if not tape.routes:
        return {}
    first, role = tape.routes[0], tape.routes[0].role
    asked = [route.target for route in tape.routes[1:]]
    return {
        "requested": first.requested,
        "target": first.target,
        "candidates": [route.target for route in first.candidates],
        "reason": first.reason,
        "role": {"kind": role.kind, "agent_types": [*map(redactor.name, role.agent_types)], "sign": role.sign},
        "asked": asked,
        "estimate": tape.estimate,
    }


def _habits(tape: Tape, redactor: Redactor, *, hides: bool) -> list[Form]:
    models = {each.model for route in tape.routes for each in route.candidates}
    return [
        {
            "server": safe_url(server, redactor, hides=hides),
            "model": model,
            "habits": {
                name: sorted(value) if isinstance(value, frozenset) else value
                for name, value in asdict(habits).items()
                if value != getattr(NO_HABITS, name)
            },
        }
        for (server, model), habits in tape.habits.items()
        if model in models
    ]


def _warnings(tape: Tape, redactor: Redactor) -> Iterator[str]:
    if tape.is_cut:
        yield "the recording is cut: there was more than one recording takes"
    if redactor.unsure:
        yield "something could not be read, so all of it was replaced"


def _program() -> Form:
    return {
        "proxy": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _path(path: str) -> str:
    bare, _, query = path.partition("?")
    return f"{bare}?{query}" if query == "beta=true" else bare


def _is_framed(attempt: Attempt) -> bool:
    kind = next((value for name, value in attempt.headers if name.lower() == "content-type"), "")
    first = next((piece for _, piece in attempt.pieces if piece.strip()), b"")
    return "event-stream" in kind or first.lstrip().startswith(_EVENT_BEGINS)


def _body(body: bytes) -> Form:
    """As JSON where that says all, to be read by people."""
    try:
        value = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        plain = _plain(body)
        return plain if isinstance(plain, dict) else {"text": plain}
    return {"json": value}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _plain(data: bytes) -> str | Form:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
