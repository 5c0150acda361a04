from __future__ import annotations

import pytest

from proxy.protocol.signature import NO_STATE, is_ours, seal, unseal

SEALED = seal("openai-responses", "gpt-6-sol", "gAAAA|B==")


def test_round_trip() -> None:
    assert is_ours(SEALED)
    assert unseal(SEALED, "openai-responses", "gpt-6-sol") == "gAAAA|B=="
    odd = seal("gemini", "models/x|y é", "p")
    assert odd.isascii()
    assert unseal(odd, "gemini", "models/x|y é") == "p"


@pytest.mark.parametrize(
    "signature", ["", "EqQBCgIYAhIM", "proxy1", "proxy1|openai-responses", "proxy2|openai-responses|gpt-6-sol|x"]
)
def test_of_others_or_damaged(signature: str) -> None:
    assert unseal(signature, "openai-responses", "gpt-6-sol") is None
    assert is_ours(signature) == signature.startswith("proxy1|")


def test_without_state() -> None:
    assert is_ours(NO_STATE)
    assert unseal(NO_STATE, "openai-responses", "gpt-6-sol") is None


def test_of_another_model_or_transport() -> None:
    assert unseal(SEALED, "openai-responses", "gpt-6") is None
    assert unseal(SEALED, "openai-responses", "gpt-6-sol-2") is None
    assert unseal(SEALED, "gemini", "gpt-6-sol") is None
