"""The page on security says what the code does."""

from __future__ import annotations

import re

import pytest
from flask import Request
from waitress.adjustments import Adjustments
from werkzeug.test import EnvironBuilder

from proxy.protocol.errors import ApiError
from proxy.web import MAX_BODY
from proxy.web.access import check_access
from tests.docs.pages import ROOT, section

PAGE = "SECURITY.md"


def named(beginning: str) -> list[str]:
    """The names in the paragraph or list item that has this beginning."""
    items = re.split(r"\n\n|\n- ", section(PAGE, "Who may call"))
    (item,) = [item for item in items if beginning in item]
    return re.findall(r"`([^`]+)`", item)


def refusal(
    headers: dict[str, str] | None = None,
    *,
    keys: tuple[str, ...] = (),
    path: str = "/v1/models",
    host: str = "localhost",
) -> int:
    """The status with which a local program is refused, 0 if it is let in."""
    builder = EnvironBuilder(path, base_url=f"http://{host}", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    builder.headers.update(headers or {})
    try:
        check_access(Request(builder.get_environ()), keys)
    except ApiError as error:
        return error.status
    return 0


def test_a_local_program_is_let_in() -> None:
    assert refusal() == 0
    assert refusal(keys=("k",)) == 401


@pytest.mark.parametrize("name", named("no mark of another proxy"))
def test_marks_of_other_proxies(name: str) -> None:
    assert refusal({name: "x"}) == 403


def test_a_web_page_is_refused() -> None:
    (header,) = named("from no web page")
    assert refusal({header: "http://localhost"}) == 403


def test_local_names() -> None:
    _, *names = named("a web page can point")
    assert len(names) == 3
    assert {refusal(host=f"[{name}]" if ":" in name else name) for name in names} == {0}
    assert refusal(host="evil.example") == 403


def test_how_a_key_is_sent_and_what_answers_without() -> None:
    names = named("Three paths answer without")
    header, bearer = [name for name in names if not name.startswith("/")]
    paths = [name for name in names if name.startswith("/")]
    assert len(paths) == 3
    assert {refusal(keys=("k",), path=path) for path in paths} == {0}
    scheme_header, scheme = bearer.split(": ")
    for headers in ({header: "k"}, {scheme_header: f"{scheme} k"}):
        assert refusal(headers, keys=("k",)) == 0


def test_limits() -> None:
    text = section(PAGE, "Limits")
    assert f"at most {MAX_BODY // 2**20} MB" in text
    assert f"at most {Adjustments().max_request_header_size // 2**10} kB" in text
    assert f"more than {Adjustments().inbuf_overflow // 2**10} kB" in section(PAGE, "What is kept")


def test_env_files_are_not_committed() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
