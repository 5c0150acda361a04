"""Stand-ins for what the chosen model is not able to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.answering.routes import able_routes
from proxy.models.roles import MAIN, Role
from tests.models.samples import entry, router

_MODELS = entry("small", context_window=1000) + entry("large", context_window=9000) + entry("endless")


@pytest.mark.parametrize(
    ("role", "searches", "fits", "environ", "target"),
    [
        pytest.param("search", False, True, {"SEARCH_MODEL": "large"}, "large", id="cannot search"),
        pytest.param("search", True, True, {"SEARCH_MODEL": "large"}, "small", id="can search"),
        pytest.param("search", False, True, {}, "small", id="nobody else searches"),
        pytest.param("main", False, True, {"SEARCH_MODEL": "large"}, "small", id="is no search"),
        pytest.param("main", False, False, {"LONG_CONTEXT_MODEL": "large"}, "large", id="too long"),
        pytest.param("main", False, False, {"LONG_CONTEXT_MODEL": "endless"}, "endless", id="too long, limit unknown"),
        pytest.param("main", False, True, {"LONG_CONTEXT_MODEL": "large"}, "small", id="fits"),
        pytest.param("main", False, False, {}, "small", id="too long for everybody"),
        pytest.param("main", False, False, {"LONG_CONTEXT_MODEL": "small"}, "small", id="no larger"),
        pytest.param(
            "search", False, False, {"SEARCH_MODEL": "large", "LONG_CONTEXT_MODEL": "endless"}, "endless", id="both"
        ),
    ],
)
def test_able_route(
    role: str, searches: bool, fits: bool, environ: dict[str, str], target: str, tmp_path: Path
) -> None:
    table = router(tmp_path, "custom", _MODELS, BIG_MODEL="small", **environ)
    route = table.resolve("claude-opus-5-5", Role("search") if role == "search" else MAIN)
    found, *_ = able_routes(route, instead=table.instead, searches=lambda _: searches, fits=lambda _: fits)
    assert found.model == target
    assert found.role == route.role
