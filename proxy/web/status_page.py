"""The status page: whole at `/`, the files that it loads, and the parts that have changed as a stream of events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Flask, Response, abort, current_app, g, request

from proxy.page import html
from proxy.page.snapshot import Snapshot
from proxy.protocol.errors import ApiError
from proxy.web.access import CHALLENGE, check_page
from proxy.web.leaving import client_gone
from proxy.web.ledger import ledger
from proxy.web.services import services
from proxy.web.snapshots import take

blueprint = Blueprint("status_page", __name__, url_prefix="/status")

_VIEWERS, _SHARE = 8, 4
"""Pages that are kept up to date at a time: each takes a thread. No more than one thread in so many."""
_EVERY = 1.0
"""Seconds between two looks for what has changed."""
_POLL = 0.25
"""Seconds within which a page that was closed, or a server that stops, is noticed."""
_PING_EVERY = 15.0
_PATIENCE = 0.5
"""Seconds that a page waits for the usage database, the first time."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_NAME = "proxy_viewers"


class Viewers:
    """Counts the pages that are kept up to date; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def enter(self, most: int) -> bool:
        """Whether there is room for one more, which is then taken."""
        with self._lock:
            if self._count >= most:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._count -= 1


def use_viewers(app: Flask) -> None:
    app.extensions[_NAME] = Viewers()


def wants_page() -> bool:
    """Whether the current request is a browser's: programs ask for JSON, or for anything."""
    asked = {media.partition(";")[0]: quality for media, quality in request.accept_mimetypes}
    return asked.get("text/html", 0) > asked.get("application/json", 0)


def page() -> Response:
    """The whole page, or why the browser does not get it, with the question for the key."""
    try:
        check_page(request, services().config.proxy_api_keys)
    except ApiError as error:
        g.error_type = error.type
        refused = Response(html.refusal(error.message), error.status, mimetype="text/html")
        if error.status == 401:
            refused.headers["WWW-Authenticate"] = CHALLENGE
        return _guarded(refused)
    snapshot = take(services(), ledger(), _url(), _PATIENCE)
    return _guarded(Response(html.page(snapshot), mimetype="text/html"))


@blueprint.before_request
def check_site() -> None:
    """Raises ApiError (403) where another site's page has the browser ask: what it may not read, it need not hold."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ApiError(403, "parts of the status page are for that page only")


@blueprint.get("/<name>")
def file(name: str) -> Response:
    media_type = html.STATIC.get(name) or abort(404)
    return _guarded(Response(html.static(name), mimetype=media_type))


@blueprint.get("/events")
def events() -> Response:
    """Parts of the page when they have changed, by id. Raises ApiError (503) where too many look."""
    own, viewers = services(), current_app.extensions[_NAME]
    most = min(_VIEWERS, own.config.threads // _SHARE) if request.environ.get("wsgi.multithread") else 0
    if not viewers.enter(most):
        raise ApiError(503, f"{most} pages are kept up to date at a time; reload this one", should_retry=False)
    book, url, gone, extensions = ledger(), _url(), client_gone(request.environ), current_app.extensions

    def ends() -> bool:
        # With new settings another key may be needed, and the old ones must not be held: the browser comes again.
        return own.running.stopping or extensions["proxy"] is not own or gone()

    response = Response(changes(lambda: take(own, book, url), ends), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(viewers.leave)
    return _guarded(response)


def changes(taken: Callable[[], Snapshot], ends: Callable[[], bool]) -> Iterator[bytes]:
    """Events with the parts of the page that differ from those before, until it `ends`; a comment now and then."""
    last: Snapshot | None = None
    sent: dict[str, str] = {}
    said = time.monotonic()
    while not ends():
        snapshot = taken()
        if last is None or not snapshot.shows_the_same(last):
            parts = html.parts(snapshot)
            changed = {name: part for name, part in parts.items() if sent.get(name) != part}
            changed["taken"] = html.taken(snapshot)
            last, sent, said = snapshot, parts, time.monotonic()
            yield f"event: parts\ndata: {json.dumps({'now': snapshot.now, 'parts': changed})}\n\n".encode()
        elif time.monotonic() - said >= _PING_EVERY:
            said = time.monotonic()
            yield b": nothing has changed\n\n"
        _wait(ends)


def _wait(ends: Callable[[], bool]) -> None:
    until = time.monotonic() + _EVERY
    while not ends() and (left := until - time.monotonic()) > 0:
        time.sleep(min(_POLL, left))


def _url() -> str:
    return request.host_url.rstrip("/")


def _guarded(response: Response) -> Response:
    """Nothing but the proxy's own files may act on it, and nobody else may show or keep it."""
    response.headers.update(_HEADERS)
    return response
