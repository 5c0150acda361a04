"""The forms of single settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.settings.loading import load, problems


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("usage.db", "is not the URL of a database"),
        ("sqlite://usage.db", "has two slashes"),
        ("sqlite:///~/usage.db", "begins with ~"),
        ("postgres://me:canary@host/db", "write postgresql://"),
        ("postgresql://me:canary@9@host/db", "%40"),
        ("postgresql://me:canary", "%3A"),
        ("postgresql+psycopg://me:canary@host:port/db", "host and port"),
        ("postgresql://me:can/ary#@[::1]:5432/db", None),
        ("postgresql://host:5432/db?sslmode=require", None),
        ("mssql+pyodbc:///?odbc_connect=Driver%3DX", None),
        ("sqlite://", None),
        ("sqlite:///C:\\data\\usage.db", None),
        ("sqlite:////var/lib/usage.db", None),
    ],
)
def test_urls_of_databases(url: str, part: str | None, tmp_path: Path) -> None:
    if part is None:
        assert load(tmp_path, {"USAGE_DB": url}).usage_db == url
        return
    (text,) = problems(tmp_path, {"USAGE_DB": url})
    assert text.startswith("USAGE_DB: ")
    assert part in text
    assert "canary" not in text
