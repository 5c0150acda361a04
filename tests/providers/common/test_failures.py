"""What may be repeated to a client of a server's words."""

from __future__ import annotations

import pytest

from proxy.providers.common.failures import Backend

BACKEND = Backend("http://a.test", "KEY", ("upstream-0123456789",), {"X-Extra": "Bearer header-0123456789"})


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("no such model", "no such model", id="plain words"),
        pytest.param("bad key upstream-0123456789", "bad key [key]", id="the server's key"),
        pytest.param("bad header-0123456789!", "bad [key]!", id="a key in a header of its own"),
        pytest.param("bad key sk-someone-else-0123", "bad key [key]", id="what looks like a key"),
        pytest.param("the gateway said <html><b>502</b></html>", "the gateway said [a web page]", id="a page"),
        pytest.param('{"x": "<!DOCTYPE html>\n<p>"}', '{"x": "[a web page]', id="a page in JSON"),
        pytest.param("use <header> and a <b", "use <header> and a <b", id="what looks like a page"),
    ],
)
def test_shown(said: str, shown: str) -> None:
    """Fuzzing: a page in the middle of what a server said, or in its finish reason, was shown whole."""
    assert BACKEND.shown(said) == shown
