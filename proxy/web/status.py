"""Answers to whoever asks whether somebody is here."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from proxy import __version__
from proxy.launcher.environment import client_setup
from proxy.web.services import services
from proxy.web.status_page import page, wants_page

blueprint = Blueprint("status", __name__)


@blueprint.get("/")
def root() -> Response:
    response = page() if wants_page() else jsonify(name="claude-proxy", version=__version__, messages="/v1/messages")
    response.vary.add("Accept")
    return response


@blueprint.get("/health")
def health() -> Response:
    stopping = services().running.stopping
    response = jsonify(status="stopping" if stopping else "ok")
    response.status_code = 503 if stopping else 200
    return response


@blueprint.get("/claude-code")
def claude_code() -> Response:
    """How Claude Code is to be set up for the models that answer here; the launcher asks."""
    served = services()
    setup = client_setup(served.router, served.config, judges=served.judge_route() is not None)
    return jsonify(variables=dict(setup.variables), own_login=setup.own_login)


@blueprint.get("/api/hello")
def hello() -> Response:
    """Claude Code's warm-up."""
    return Response()


@blueprint.get("/api/oauth/usage")
def usage() -> Response:
    """Claude Code asks for the limits of a subscription with CLAUDE_CODE_USE_GATEWAY=1; nothing is known of any."""
    return jsonify({})
