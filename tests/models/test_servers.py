"""What is known of services: the entries are sound, and each says where it stands."""

from __future__ import annotations

from importlib import resources

import pytest
import yaml

from proxy.models.habits import SETTABLE
from proxy.models.servers import known_habits, known_servers, thinking_control
from proxy.protocol.effort import SCALE


def test_entries_say_where_they_come_from() -> None:
    entries = yaml.safe_load(resources.files("proxy.models").joinpath("servers.yaml").read_text(encoding="utf-8"))
    for entry in entries:
        assert entry.keys() >= {"server", "hosts", "source", "seen"}, entry
        assert entry.keys() <= {"server", "hosts", "models", "thinking_style", "efforts", "habits", "source", "seen"}
    for server in known_servers():
        assert set(server.habits) <= set(SETTABLE)
        assert server.thinking is None or set(server.thinking.efforts) <= set(SCALE)


@pytest.mark.parametrize(
    ("url", "model", "habits"),
    [
        ("https://api.mistral.ai/v1", "devstral", ("short_call_ids", "answer_after_tools", "prefix")),
        ("https://api.deepseek.com/v1", "deepseek-chat", ("reasoning_content",)),
        ("https://api.mistral.ai.example.org/v1", "devstral", ()),
        ("http://127.0.0.1:8000/v1", "devstral", ()),
    ],
)
def test_habits(url: str, model: str, habits: tuple[str, ...]) -> None:
    assert known_habits(url, model) == habits


def test_the_first_entry_that_fits_counts() -> None:
    always = thinking_control("https://api.z.ai/api/paas/v4", "glm-5.3")
    assert always is not None
    assert always.style == "effort"
    switched = thinking_control("https://api.z.ai/api/paas/v4", "glm-4.6")
    assert switched is not None
    assert switched.style == "thinking"
