"""What is known of prices: those of the data are the vendors' own, and a name never gets another model's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.models.catalog import Catalog
from proxy.models.prices import Price, price_of
from tests.captures import SHARED
from tests.models.samples import entry, router

CATALOG = Catalog.load()
MODELS_TABLE = SHARED / "models-table.json"
SOL = price_of(
    {"input": 2, "cached": 0.2, "cache_write": 2.5, "output": 10, "long": {"above": 272000, "input": 4, "output": 15}}
)


def test_long_prompts() -> None:
    assert SOL.above == 272000
    assert SOL.long == Price(input=4, cached=0.4, cache_write=5, output=15)


@pytest.mark.parametrize(
    ("provider", "model", "known_as"),
    [
        ("openai", "GPT-6-Sol", "gpt-6-sol"),
        ("openai", "openai/gpt-6-sol", "gpt-6-sol"),
        ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "gpt-daybreak-red-latest", "gpt-daybreak-red"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "ft:gpt-4o"),
        ("gemini", "models/gemini-3.8-flash", "gemini-3.8-flash"),
        ("gemini", "gemini-2.5-flash-lite-preview-09-2025", "gemini-2.5-flash-lite"),
        ("gemini", "gemini-2.5-pro-001", "gemini-2.5-pro"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-4-5@20251101", "claude-opus-4-5"),
    ],
)
def test_a_release_has_its_models_price(provider: str, model: str, known_as: str) -> None:
    assert CATALOG.price(provider, model) == CATALOG.price(provider, known_as) is not None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        *(("openai", model) for model in ("gpt-9", "gpt-6-sol-mini", "gpt-5.1-2", "gpt-oss-120b", "o3-max", "")),
        *(("gemini", model) for model in ("gemini-9", "gemini-3.8-flash-image", "gemini-4-neon")),
        *(("anthropic", model) for model in ("claude-opus-6", "claude-sonnet-4")),
        ("custom", "gpt-6-sol"),
        ("nobody", "gpt-6-sol"),
    ],
)
def test_a_family_has_none(provider: str, model: str) -> None:
    assert CATALOG.price(provider, model) is None


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-fable-5-2", "claude-sonnet-5-5", "claude-haiku-5-5"])
def test_anthropics_cache_is_priced_apart(model: str) -> None:
    price = CATALOG.price("anthropic", model)
    assert price is not None
    assert price.cached is not None
    assert (price.cache_write, price.cache_write_1h) == (1.25 * price.input, 2 * price.input)
    assert price.cached < price.input < price.output


def test_routes_have_prices(tmp_path: Any) -> None:
    routes = router(tmp_path, models=entry("paid", price="{input: 1, output: 2}") + entry("gpt-4o-clone"))
    assert routes.resolve("openai/gpt-6-sol").price == SOL
    assert routes.resolve("paid").price == Price(1, 2)
    assert routes.resolve("gpt-4o-clone").price is None
    # gpt-4o-audio-preview is shut down: who answers is paid.
    assert routes.resolve("gpt-4o-audio-preview").price == SOL


@pytest.mark.skipif(not MODELS_TABLE.exists(), reason="the table of models is not part of the repository")
def test_prices_agree_with_the_table() -> None:
    compared = 0
    for row in json.loads(MODELS_TABLE.read_text(encoding="utf-8"))["models"]:
        price = CATALOG.price(row["provider"], row["id"])
        if price is None or row["id"] in ("gpt-4o-2024-05-13", "ft:gpt-4o-2024-11-20"):
            continue
        compared += 1
        told = (row["price_in_per_M"], row["price_cache_read_per_M"], row["price_cache_write_per_M"])
        assert (row["id"], price.input, price.cached, price.cache_write) == (row["id"], *told)
        assert price.output == row["price_out_per_M"]
        long = {name: value for name, value in (row["long_ctx_price"] or {}).items() if value}
        if not long:
            assert price.long is None
            continue
        assert price.long is not None
        assert f"above_{(price.above or 0) // 1000}k" in next(iter(long))
        assert [price.long.input, price.long.output] == list(long.values())
    assert compared > 70
