"""`models`: what is listed, what servers list, and what is added."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.commands.running import KEY, Place
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai.chat import FakeOpenAI

Json = dict[str, Any]
LOCAL = {"model_id": "local", "api_base": "http://127.0.0.1:9/v1", "context_window": 5000, "max_tokens": 700}
PRICE = {"price": {"input": 0.5, "output": 2}}


def test_all(place: Place) -> None:
    place.configure(LOCAL | PRICE, BIG_MODEL="gpt-6-sol, custom/local")
    done = place.run("models")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    lines = [line.split() for line in done.out.splitlines()]
    at = lines.index(["claude-opus-5-5", "openai/gpt-6-sol", "922k", "128k", "2/10"])
    assert lines[at + 1] == ["then", "custom/local"]
    assert ["local", "custom/local", "5000", "700", "0.5/2"] in lines
    assert ["openai/gpt-6.2-sol", "922k", "128k", "?"] in lines
    assert ["gpt-4", "2026-10-23", "gpt-6-sol"] in lines


def test_json(place: Place) -> None:
    place.configure(LOCAL)
    told = place.run("models", "--json").json()
    by_id = {each["id"]: each for each in told["set_up"]}
    assert (by_id["local"]["targets"], by_id["local"]["window"]) == (["custom/local"], 5000)
    assert by_id["local"]["price"] is None
    retired = {each["id"]: each for each in told["retired"]}
    assert (retired["gpt-4"]["ends"], retired["gpt-4"]["successor"]) == ("2026-10-23", "gpt-6-sol")
    catalogue = {each["id"]: each for each in told["catalogue"]}
    assert catalogue["gpt-6-sol"]["price"]["input"] == 2
    assert "gpt-4" not in catalogue


def test_what_servers_have(place: Place) -> None:
    """Each in its own way, with its key; what is set up is marked."""
    with (
        FakeOpenAI(keys=[KEY]) as openai,
        FakeGemini([KEY]) as gemini,
        FakeAnthropic([KEY]) as anthropic,
        FakeOpenAI("compatible", keys=["sk-own-0123456789"]) as own,
    ):
        entry = {"model_id": "mine", "model_name": "local-model", "api_base": own.base_url}
        place.configure(
            {**entry, "api_key_name": "OWN_KEY"},
            BIG_MODEL="gpt-6-sol",
            OWN_KEY="sk-own-0123456789",
            OPENAI_BASE_URL=openai.base_url,
            GEMINI_BASE_URL=gemini.url,
            ANTHROPIC_UPSTREAM_URL=anthropic.url,
            **dict.fromkeys(("OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"), KEY),
        )
        done = place.run("models", "--upstream", "--json")
        shown = place.run("models", "--upstream")
    told = {each["server"]: each for each in done.json()}
    assert done.code == 0
    assert told.keys() == {openai.base_url, gemini.url, anthropic.url, own.base_url}
    assert told[own.base_url]["models"] == [["local-model", True]]
    assert ["gpt-6-sol", True] in told[openai.base_url]["models"]
    assert ["gpt-4o", False] in told[openai.base_url]["models"]
    assert "gemini-3.8-flash" in dict(told[gemini.url]["models"])
    assert "claude-opus-5-5" in dict(told[anthropic.url]["models"])
    assert "* local-model" in shown.words
    assert KEY not in shown.words


def test_a_server_that_gives_no_list(place: Place) -> None:
    place.configure(LOCAL)
    done = place.run("models", "--upstream")
    assert done.code == 1
    assert "cannot reach http://127.0.0.1:9/v1/models" in done.words


def test_a_server_to_add_nothing(place: Place) -> None:
    place.configure(LOCAL)
    done = place.run("models", "--server", "groq")
    assert (done.code, done.out) == (2, "")
    assert "--server goes with --add" in done.err


def test_nothing_is_set_up(place: Place) -> None:
    assert "No server is set up" in place.run("models", "--upstream").words


@pytest.mark.parametrize("begun", ["", "# my models\n"])
def test_add_the_first(begun: str, place: Place) -> None:
    """With the settings that want one, which are unusable before it is there."""
    place.configure()
    place.models.write_text(begun)
    assert place.run("models").code == 2
    done = place.run("models", "--add", "qwen3:8b", "--server", "ollama")
    assert (done.code, done.err) == (0, "")
    assert place.models.read_text() == f"{begun}- model_id: qwen3:8b\n  server: ollama\n"
    assert place.run("models").code == 0


def test_add_by_address_and_elsewhere(place: Place) -> None:
    place.configure()
    place.models.unlink()
    address = ("--add", "a/b", "--server", "http://box:8000/v1", "--custom-models-file", "mine.yaml")
    assert place.run("models", *address).code == 0
    entries = yaml.safe_load((place.path / "mine.yaml").read_text())
    assert entries == [{"model_id": "a/b", "api_base": "http://box:8000/v1"}]
    assert not place.models.exists()


def test_add_what_a_known_server_lists(place: Place) -> None:
    with FakeOpenAI("compatible") as own:
        place.configure({"model_id": "mine", "api_base": own.base_url, "api_key_name": "A_KEY"})
        done = place.run("models", "--add", "local-model")
        missing = place.run("models", "--add", "remote-model")
    assert done.code == 0
    assert yaml.safe_load(place.models.read_text())[1] == {
        "model_id": "local-model",
        "api_base": own.base_url,
        "api_key_name": "A_KEY",
    }
    assert missing.code == 1
    assert "no server of a custom model lists remote-model; say where it is" in missing.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--add", "local", "--server", "groq"), "model_id is taken"),
        (("--add", "x", "--server", "grok"), 'did you mean "groq"?'),
        (("--add", "x", "--server", "azure"), "write api_base: https://RESOURCE.openai.azure.com/openai/v1"),
        (("--add", "x", "--server", "http://a/v1/chat/completions"), 'must not end in "/chat/completions"'),
    ],
)
def test_what_is_not_added(arguments: tuple[str, ...], words: str, place: Place) -> None:
    place.configure(LOCAL)
    before = place.models.read_text()
    done = place.run("models", *arguments)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert place.models.read_text() == before
