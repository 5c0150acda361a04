"""Stands around the app and hears what goes in and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from proxy.models.habits import Habits
from proxy.recording.store import Store
from proxy.recording.tape import Tape
from proxy.settings.config import Config

_RECORDED = ("POST", "/v1/messages")
_AS_HEADERS = ("CONTENT_TYPE",)
"""Variables of a WSGI environment that are headers, although their names do not say so."""

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
State = Callable[[], tuple[Config, Mapping[tuple[str, str], Habits]]]
"""Settings and habits of this moment."""


class Intake:
    """The WSGI app with a tape for each Messages request, which goes to the store when its answer ends."""

    def __init__(self, app: App, store: Store, state: State, witness: str) -> None:
        """`witness`: the name under which the app looks for the tape."""
        self._app = app
        self._store = store
        self._state = state
        self._witness = witness

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != _RECORDED:
            return self._app(environ, start_response)
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        config, habits = self._state()
        tape = Tape("POST", f"{environ['PATH_INFO']}{query}", _headers(environ), config, habits)
        environ = {**environ, self._witness: tape, "wsgi.input": _Input(environ["wsgi.input"], tape)}

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            tape.answered(int(status.split(maxsplit=1)[0]), list(headers))
            return start_response(status, headers, *more)

        return _Output(self._app(environ, start), tape, self._store)


def _headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = [(name.removeprefix("HTTP_"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    named += [(name, environ[name]) for name in _AS_HEADERS if environ.get(name)]
    return [(name.replace("_", "-").lower(), str(value)) for name, value in named]


class _Input:
    """The client's body, by the methods that WSGI knows and no others: what is read past them would not be heard."""

    def __init__(self, source: Any, tape: Tape) -> None:
        self._source = source
        self._tape = tape

    def read(self, size: int = -1) -> bytes:
        return self._heard(self._source.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._heard(self._source.readline(size))

    def readlines(self, hint: int = -1) -> list[bytes]:
        return [self._heard(line) for line in self._source.readlines(hint)]

    def __iter__(self) -> Iterator[bytes]:
        return map(self._heard, self._source)

    def _heard(self, data: bytes) -> bytes:
        self._tape.received(data)
        return data


class _Output:
    """The body of the answer."""

    def __init__(self, pieces: Iterable[bytes], tape: Tape, store: Store) -> None:
        self._source = pieces
        self._pieces = iter(pieces)
        self._tape = tape
        self._store = store

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._tape.emits(piece)
        return piece

    def close(self) -> None:
        try:
            if close := getattr(self._source, "close", None):
                close()
        finally:
            self._store.add(self._tape)
