"""The servers that can be named: each has a sound address and says where that stands."""

from __future__ import annotations

from datetime import date
from importlib import resources

import yaml

from proxy.models.presets import presets
from proxy.settings.problems import header_name_problem, url_problem


def test_entries_are_sound_and_say_where_they_come_from() -> None:
    entries = yaml.safe_load(resources.files("proxy.models").joinpath("presets.yaml").read_text(encoding="utf-8"))
    assert list(entries) == list(presets())
    for name, entry in entries.items():
        assert entry.keys() >= {"api_base", "source", "seen"}, name
        assert entry.keys() <= {"api_base", "api_key_name", "api_key_header", "source", "seen"}, name
        assert isinstance(entry["seen"], date)
        assert url_problem(entry["api_base"]) is None
        assert not entry["api_base"].endswith("/")
        assert entry.get("api_key_name", "A_KEY").isupper()
        assert header_name_problem(entry.get("api_key_header", "x")) is None


def test_only_azure_has_an_address_of_ones_own() -> None:
    assert {name: each.blank for name, each in presets().items() if each.blank} == {"azure": "RESOURCE"}


def test_servers_on_this_machine_need_no_key() -> None:
    keyless = [name for name, each in presets().items() if "api_key_name" not in each.fields]
    assert keyless == ["ollama", "lmstudio", "llamacpp", "vllm"]
    assert all("localhost" in presets()[name].fields["api_base"] for name in keyless)
