"""GET /v1/models: what may be asked for, in the shape of Anthropic's list.

Where Anthropic answers for its own models, it also tells of them; a list with custom models in it is made here.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from proxy.answering.plan import Limits, output_ceiling
from proxy.models.catalog import ModelFacts
from proxy.models.routing import Route
from proxy.models.targets import clipped
from proxy.models.vendors import vendor
from proxy.protocol.errors import ApiError
from proxy.providers.base import Exchange
from proxy.web.passing import checked
from proxy.web.received import client_request
from proxy.web.relay import pass_on
from proxy.web.services import services

blueprint = Blueprint("models", __name__)

Json = dict[str, Any]

_LIMIT = re.compile(r"0{0,9}([0-9]{1,4})")
_LIMIT_MAX = 1000
_DEFAULT_LIMIT = 20
_CREATED = "2026-01-01T00:00:00Z"
"""The vendors' dates are not known; the field is required."""
_STAGES = ("active", "deprecated", "retired")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_LEADS_ELSEWHERE = re.compile(r"(?:^|[/\\])\.{0,2}(?:$|[/\\])|%|[^ -~]")
"""Of a name that becomes the end of a path: servers on the way decode it, and follow `..`."""
_EDITS = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")


@blueprint.get("/v1/models")
def list_models() -> Response:
    if (owner := _lister()) is not None:
        return pass_on(Exchange.passing(owner, client_request()))
    entries = [_info(known.id, known.display_name) for known in services().router.known_models()]
    wanted = _lifecycles()
    entries = [entry for entry in entries if entry["lifecycle"] in wanted]
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
    route = services().router.resolve(model)
    if _lister() is not None and vendor(route.provider).owns_claude:
        if _LEADS_ELSEWHERE.search(route.model):
            raise ApiError(404, f"model: {clipped(model)} can be no model's name")
        return pass_on(Exchange.passing(route, client_request(path=checked(f"/v1/models/{route.model}"))))
    known = next((entry for entry in services().router.known_models() if entry.id == model), None)
    return jsonify(_info(model, known.display_name if known is not None else route.target))


def _lister() -> Route | None:
    """Anthropic, where it tells of its models itself."""
    return None if services().config.custom_models else services().router.owner()


def _info(model: str, display_name: str) -> Json:
    router = services().router
    route = router.resolve(model)
    return {
        "type": "model",
        "id": model,
        "display_name": display_name,
        # Not Anthropic's; Claude Code shows it in its list of models.
        "description": f"Answered by {route.target}",
        "created_at": _CREATED,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": router.line(model),
        "max_input_tokens": route.facts.context_window,
        "max_tokens": _output_limit(route.facts),
        # Anthropic knows best what its own models can do.
        "capabilities": None if vendor(route.provider).owns_claude else _capabilities(route),
    }


def _output_limit(facts: ModelFacts) -> int:
    return output_ceiling(facts, Limits(services().config.max_tokens_limit))


def _capabilities(route: Route) -> Json:
    """What a request gets through this proxy, which is less than what the model could do."""
    facts = route.facts
    efforts = {effort: _supported(effort in facts.efforts) for effort in _EFFORTS}
    # No type of thinking is refused, and on a model without it "disabled" counts as accepted.
    types = {"adaptive": facts.reasons, "enabled": facts.reasons, "disabled": True, "between_tools": True}
    searches = services().wire(route).searches != "never"
    return {
        "batch": _supported(False),
        "citations": _supported(False),
        "code_execution": _supported(False),
        "context_management": {**_supported(False), **{edit: _supported(False) for edit in _EDITS}},
        "effort": {**_supported(not set(_EFFORTS).isdisjoint(facts.efforts)), **efforts},
        "image_input": _supported(facts.vision),
        "pdf_input": _supported(facts.pdf),
        "server_tools": {
            **_supported(searches),
            "web_search": _supported(searches),
            "code_execution": _supported(False),
        },
        "structured_outputs": _supported(True),
        "thinking": {
            **_supported(facts.reasons),
            "types": {name: _supported(accepted) for name, accepted in types.items()},
        },
    }


def _supported(supported: bool) -> dict[str, bool]:
    return {"supported": supported}


def _lifecycles() -> tuple[str, ...]:
    """The stages of life that are asked for."""
    requested = tuple(request.args.getlist("lifecycle[]") + request.args.getlist("lifecycle"))
    for stage in requested:
        if stage not in _STAGES:
            raise ApiError(400, "lifecycle: Input should be 'active', 'deprecated' or 'retired'")
    return requested or _STAGES[:2]


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_LIMIT
    found = _LIMIT.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= _LIMIT_MAX:
        raise ApiError(400, f"limit: Input should be a valid integer from 1 to {_LIMIT_MAX}")
    return int(found[1])


def _position(ids: list[str], model: str, field: str) -> int:
    if model not in ids:
        raise ApiError(400, f"{field}: there is no model of this id in the list")
    return ids.index(model)
