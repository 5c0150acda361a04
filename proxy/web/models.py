"""GET /v1/models: what may be asked for, in the shape of Anthropic's list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from proxy.protocol.errors import ApiError
from proxy.routing import Route
from proxy.web.services import services

blueprint = Blueprint("models", __name__)

_MOST = 1000
_DEFAULT_LIMIT = 20
_CREATED = "2026-01-01T00:00:00Z"
"""The vendors' dates are not known; the field is required."""


@blueprint.get("/v1/models")
def list_models() -> Response:
    entries = [_info(known.id, known.display_name) for known in services().router.known_models()]
    start, end = 0, len(entries)
    ids = [entry["id"] for entry in entries]
    if (after := request.args.get("after_id")) is not None:
        start = _position(ids, after, "after_id") + 1
    if (before := request.args.get("before_id")) is not None:
        end = _position(ids, before, "before_id")
    limit = _limit(request.args.get("limit"))
    page = entries[max(start, end - limit) : end] if before is not None else entries[start : min(start + limit, end)]
    return jsonify(
        data=page,
        has_more=len(page) < end - start,
        first_id=page[0]["id"] if page else None,
        last_id=page[-1]["id"] if page else None,
    )


@blueprint.get("/v1/models/<path:model>")
def retrieve_model(model: str) -> Response:
    known = next((entry for entry in services().router.known_models() if entry.id == model), None)
    route = services().router.resolve(model)
    return jsonify(_info(model, known.display_name if known is not None else route.target))


def _info(model: str, display_name: str) -> dict[str, Any]:
    route = services().router.resolve(model)
    return {
        "type": "model",
        "id": model,
        "display_name": display_name,
        "created_at": _CREATED,
        "lifecycle": "active",
        **_limits(route),
    }


def _limits(route: Route) -> dict[str, int]:
    ceiling = services().config.max_tokens_limit
    output = min(ceiling, route.facts.max_output) if route.facts.max_output is not None else ceiling
    window = {"max_input_tokens": route.facts.context_window} if route.facts.context_window is not None else {}
    return {**window, "max_tokens": output}


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_LIMIT
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise ApiError(400, f"limit: Input should be a valid integer from 1 to {_MOST}")
    return int(text)


def _position(ids: list[str], model: str, field: str) -> int:
    if model not in ids:
        raise ApiError(400, f"{field}: there is no model of this id in the list")
    return ids.index(model)
