"""One row a vendor: the rows agree with each other, and one more row is all that a new vendor takes."""

from __future__ import annotations

import importlib
import logging
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from proxy.logs import configure_logging
from proxy.models import vendors
from proxy.models.catalog import Catalog
from proxy.models.routing import KnownModel, Router
from proxy.models.vendors import VENDORS, Vendor, vendor
from proxy.protocol.errors import ApiError
from proxy.server.banner import banner
from proxy.settings.config import Config, ConfigError, load_config
from proxy.settings.render import env_example, reference
from proxy.settings.table import settings, variables
from proxy.web.services import Services
from tests.log_settings import flush_log, log_settings  # noqa: F401

TOY = Vendor(
    name="toy",
    title="Toyland",
    word="toys",
    prefixes=("toy", "toyland"),
    provider="toyland.client:ToyProvider",
    shapes=("toy-", r"t\d"),
    examples=("toy-...",),
    host="toy.example",
    url="https://api.toy.example/v1",
    key_variable="TOY_API_KEY",
    url_variable="TOY_BASE_URL",
    default_models=("toy-big", "toy-small"),
)
BARE = Vendor(name="bare", title="Bare", word="bare", prefixes=("bare",), provider="b:B", key_variable="BARE_API_KEY")


@pytest.fixture(autouse=True)
def one_more_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendors, "VENDORS", (*VENDORS, TOY, BARE))


def router(config: Config) -> Router:
    return Router(config, Catalog.load(), lambda: date(2026, 11, 24))


@pytest.mark.parametrize("row", VENDORS, ids=lambda row: row.name)
def test_row(row: Vendor) -> None:
    """Where it is reached is said wholly or not at all, and the class that talks to it is there."""
    module, _, name = row.provider.partition(":")
    assert hasattr(importlib.import_module(module), name)
    assert (row.host is None) == (row.url is None) == (row.key_variable is None) == (row.url_variable is None)
    assert row.url is None or row.is_at(row.url)
    assert bool(row.shapes) == bool(row.examples)
    assert vendor(row.name) is row


def test_no_two_rows_share_a_word() -> None:
    for words in (
        [row.name for row in VENDORS],
        [row.word for row in VENDORS],
        [prefix for row in VENDORS for prefix in row.prefixes],
        [row.key_variable for row in VENDORS if row.key_variable],
        [row.url_variable for row in VENDORS if row.url_variable],
    ):
        assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("name", "url", "official"),
    [
        ("openai", None, True),
        ("openai", "https://eu.api.openai.com/v1", True),
        ("openai", "https://notopenai.com/v1", False),
        ("openai", "https://api.openai.com.evil.example/v1", False),
        ("custom", None, False),
        ("toy", "https://toy.example", True),
        ("bare", None, False),
    ],
)
def test_official_endpoints(name: str, url: str | None, official: bool) -> None:
    assert vendor(name).is_at(url) is official


def test_no_such_vendor() -> None:
    with pytest.raises(KeyError):
        vendor("nobody")


# --- a vendor of one row


def test_its_settings(tmp_path: Path) -> None:
    """Key and address are read, from the command line too, and are in every text that lists the settings."""
    environ = {"TOY_API_KEY": "toy-key", "PREFERRED_PROVIDER": "Toys"}
    config = load_config(environ, directory=tmp_path, overrides={"TOY_BASE_URL": "http://gateway/v1/"})
    assert (config.preferred_provider, config.big_model, config.small_model) == ("toy", "toy-big", "toy-small")
    assert (config.endpoint("toy").api_keys, config.endpoint("toy").base_url) == (("toy-key",), "http://gateway/v1")
    assert "toy-key" not in repr(config)
    assert {"TOY_API_KEY", "TOY_BASE_URL"} <= set(variables())
    assert {row.variable: row.flag for row in settings()}["TOY_BASE_URL"] == "--toy-base-url"
    for text in (env_example(), reference()):
        assert "TOY_BASE_URL" in text
        words = " ".join(text.replace("#", " ").split())
        assert "google, openai, custom, anthropic, toys or bare" in words
    assert "#TOY_BASE_URL=https://api.toy.example/v1\n" in env_example()
    assert "toys toy-big" in env_example()


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"TOY_API_KEY": "sk canary"}, "TOY_API_KEY: contains a character that cannot be part of a key"),
        ({"TOY_BASE_URL": "toy.example"}, 'TOY_BASE_URL: "toy.example" is not an http(s) address'),
        (
            {"PREFERRED_PROVIDER": "toy"},
            'PREFERRED_PROVIDER: "toy" is not one of google, openai, custom, anthropic, toys',
        ),
        ({"PREFERRED_PROVIDER": "bare"}, "BIG_MODEL: is needed with PREFERRED_PROVIDER=bare; give the name of a model"),
    ],
)
def test_its_problems(tmp_path: Path, environ: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environ, directory=tmp_path)
    assert str(caught.value).startswith(problem)
    assert "canary" not in str(caught.value)


def test_its_mistyped_variables(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOY_API_KY=k\n", encoding="utf-8")
    (warning,) = load_config({}, directory=tmp_path).warnings
    assert warning.endswith("did you mean TOY_API_KEY?")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("toy-9", "toy/toy-9"),
        ("T7-mini", "toy/T7-mini"),
        ("toy/anything", "toy/anything"),
        ("Toyland/anything[1m]", "toy/anything"),
        ("opus", "toy/toy-big"),
        ("claude-haiku-9", "toy/toy-small"),
        ("claude-toy-big", "toy/toy-big"),
        ("gpt-4o", "openai/gpt-4o"),
        ("bare/x", "bare/x"),
    ],
)
def test_its_routes(tmp_path: Path, name: str, target: str) -> None:
    assert router(load_config({"PREFERRED_PROVIDER": "toys"}, directory=tmp_path)).resolve(name).target == target


@pytest.mark.parametrize(
    ("url", "official", "shown"),
    [(None, True, "toy-big (Toyland)"), ("http://gateway:1/v1", False, "toy-big (gateway:1)")],
    ids=["its own", "a gateway"],
)
def test_its_models_are_listed(tmp_path: Path, url: str | None, official: bool, shown: str) -> None:
    environ = {"PREFERRED_PROVIDER": "toys", "TOY_BASE_URL": url or ""}
    table = router(load_config(environ, directory=tmp_path))
    assert table.check() == []
    assert KnownModel("claude-proxy-big", shown) in table.known_models()
    assert table.known_models()[0] == KnownModel("claude-haiku-5-5", "Claude Haiku 5.5 (toy/toy-small)")
    assert table.resolve("toy-big").official is official
    assert table.resolve("claude-proxy-big").target == table.resolve("claude-toy-big").target == "toy/toy-big"
    assert table.line("claude-toy-big") is None


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "opus, sonnet and others -> toy/toy-big (TOY_API_KEY is not set)"),
        ({"TOY_API_KEY": "toy-key-0123"}, "opus, sonnet and others -> toy/toy-big\n"),
        (
            {"TOY_API_KEY": "toy-key-0123", "SMALL_MODEL": "gpt-4o"},
            "haiku -> openai/gpt-4o (OPENAI_API_KEY is not set)",
        ),
    ],
    ids=["no key", "key", "another vendor beside it"],
)
def test_its_banner(tmp_path: Path, environ: dict[str, str], line: str) -> None:
    config = load_config({"PREFERRED_PROVIDER": "toys", **environ}, directory=tmp_path)
    services = cast(Services, SimpleNamespace(config=config, router=router(config)))
    text = banner(services, config.port)
    assert line in text
    assert "toy-key" not in text


@pytest.mark.usefixtures("log_settings")
def test_its_key_stays_out_of_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load_config({"TOY_API_KEY": "canary-toy-0123"}, directory=tmp_path))
    logging.getLogger("proxy").warning("refused: canary-toy-0123")
    flush_log()
    assert "refused: [key]" in capsys.readouterr().err


def test_its_names_are_offered(tmp_path: Path) -> None:
    with pytest.raises(ApiError) as caught:
        router(load_config({}, directory=tmp_path)).resolve("nobody")
    assert "Toyland's (toy-...)" in caught.value.message
    assert "toy/" in caught.value.message


def test_a_vendor_that_has_the_claude_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the preferred one it gets Claude names unchanged, and BIG_MODEL is not used."""
    claudes = Vendor(
        name="claudes", title="Claudes", word="claudes", prefixes=("claudes",), provider="c:C", owns_claude=True
    )
    monkeypatch.setattr(vendors, "VENDORS", (*VENDORS, claudes))
    environ = {"PREFERRED_PROVIDER": "claudes", "BIG_MODEL": "gpt-4o"}
    config = load_config(environ, directory=tmp_path)
    assert config.warnings == (
        "BIG_MODEL: is not used with PREFERRED_PROVIDER=claudes, Claude names go to Claudes unchanged",
    )
    table = router(config)
    assert table.resolve("claude-opus-5-5[1m]").target == "claudes/claude-opus-5-5"
    assert table.line("claude-opus-5-5") == "opus"
