"""The HTTP face: the only rooms that import Flask."""

from __future__ import annotations

from flask import Flask, Response, request

from proxy.settings.config import Config
from proxy.usage.ledger import Ledger
from proxy.web import errors, messages, models, status, status_page
from proxy.web.access import check_access
from proxy.web.ledger import use_ledger
from proxy.web.passing import pass_unknown
from proxy.web.request_log import log_response, request_log
from proxy.web.services import Services, enter_services, leave_services

MAX_BODY = 32 * 1024 * 1024
"""Bytes; what Anthropic's API takes."""


def create_app(config: Config, services: Services | None = None) -> Flask:
    """The WSGI app. `app.extensions["proxy"]` holds its Services; a request takes those that it finds there.

    Without `services` they are made of the settings.
    """
    app = Flask("proxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False  # it would redirect, and clients do not follow
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["proxy"] = services or Services(config)
    use_ledger(app, Ledger())
    status_page.use_viewers(app)
    errors.register(app)
    for blueprint in (messages.blueprint, models.blueprint, status.blueprint, status_page.blueprint):
        app.register_blueprint(blueprint)

    @app.before_request
    def begin() -> Response | None:
        config = enter_services().config
        request_log()
        check_access(request, config.proxy_api_keys)
        return pass_unknown()

    @app.after_request
    def finish(response: Response) -> Response:
        leave_services(response)
        response.headers.setdefault("request-id", errors.request_id())
        return log_response(response)

    return app
