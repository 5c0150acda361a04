"""The HTTP face: the only rooms that import Flask."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from proxy.settings.config import Config
from proxy.web import errors, messages, models, status
from proxy.web.access import check_access
from proxy.web.services import Services

MAX_BODY = 32 * 1024 * 1024
"""Bytes; what Anthropic's API takes."""

log = logging.getLogger(__name__)


def create_app(config: Config) -> Flask:
    """The WSGI app. `app.extensions["proxy"]` holds its Services."""
    app = Flask("proxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False  # it would redirect, and clients do not follow
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["proxy"] = Services(config)
    errors.register(app)
    for blueprint in (messages.blueprint, models.blueprint, status.blueprint):
        app.register_blueprint(blueprint)

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()
        check_access(request, config.proxy_api_keys)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.setdefault("request-id", errors.request_id())
        log.info(
            "%s %s %s %d %.2f s",
            errors.request_id(),
            request.method,
            request.path.encode("ascii", "replace").decode(),
            response.status_code,
            time.monotonic() - g.began,
        )
        return response

    return app
