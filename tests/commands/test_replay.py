from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import Place
from tests.fakes.server import Raw
from tests.replaying.sessions import Upstream, answer_bytes, question, recording_proxy, recordings, settings

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("place")
    with Upstream(lambda _: Raw([answer_bytes("chat", 5, is_stream=True)])) as upstream:
        config = settings("chat", upstream.url, place)
        with recording_proxy(config) as proxy:
            proxy.post(question(stream=True))
    (made,) = recordings(config)
    return made


def written(form: dict[str, Any], place: Path, change: Change = lambda _: None) -> str:
    copy = json.loads(json.dumps(form))
    change(copy)
    file = place / "recording.json"
    file.write_text(json.dumps(copy), encoding="ascii")
    return str(file)


def test_the_same(form: dict[str, Any], place: Place) -> None:
    done = place.run("replay", written(form, place.path))
    assert done.code == 0
    assert "gpt-4o" in done.out
    assert "as recorded" in done.words
    assert done.out.isascii() or "\u2713" in done.out


def otherwise(form: dict[str, Any]) -> None:
    form["attempts"][0]["body"]["json"]["model"] = "gpt-3"
    form["answer"]["status"] = 418


def test_what_differs(form: dict[str, Any], place: Place) -> None:
    file = written(form, place.path, otherwise)
    done = place.run("replay", file)
    assert done.code == 1
    for words in ("upstream request 1: body.model", 'recorded "gpt-3"', 'today "gpt-4o"', "answer: status"):
        assert words in done.words
    assert max(map(len, done.out.splitlines())) <= 80 + len(str(place.path))
    (found,) = place.run("replay", file, "--json").json()
    assert found["same"] is False
    assert [each["path"] for each in found["differences"]] == ["upstream request 1: body.model", "answer: status"]


def test_a_directory_of_them(form: dict[str, Any], place: Place) -> None:
    written(form, place.path)
    assert place.run("replay", str(place.path)).code == 0
    (place.path / "other.json").write_text("{", encoding="ascii")
    found = place.run("replay", str(place.path), "--json")
    assert found.code == 2
    assert sorted(each["same"] for each in found.json()) == [False, True]


ODD_HABIT = {"server": "", "model": "", "habits": {"x": 1}}
UNREADABLE: dict[str, tuple[Change, str]] = {
    "another version": (lambda form: form.update(version=2), "version is 2"),
    "no recording": (lambda form: form.clear(), "no recording"),
    "a part is gone": (lambda form: form.pop("attempts"), "attempts is missing"),
    "a member is gone": (lambda form: form["answer"].pop("pieces"), "damaged"),
    "a setting is wrong": (lambda form: form["settings"]["variables"].update(OPENAI_API="x"), "OPENAI_API"),
    "a habit is not known": (
        lambda form: form["habits"].append({"server": "", "model": "", "habits": {"x": 1}}),
        "damaged",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read(form: dict[str, Any], place: Place, name: str) -> None:
    change, words = UNREADABLE[name]
    done = place.run("replay", written(form, place.path, change))
    assert done.code == 2
    assert words in done.words


@pytest.mark.parametrize(("text", "words"), [("", "no JSON"), ("[1]", "no recording"), (None, "cannot be read")])
def test_what_is_no_file_of_ours(place: Place, text: str | None, words: str) -> None:
    file = place.path / "some.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    done = place.run("replay", str(file))
    assert done.code == 2
    assert words in done.words


def test_an_empty_directory(place: Place) -> None:
    assert "no recording" in place.run("replay", str(place.path)).words


def test_settings_of_this_machine_do_not_matter(
    form: dict[str, Any], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.path / ".env").write_text("PORT=nonsense\nOPENAI_API=chat\nBIG_MODEL=\n", encoding="utf-8")
    monkeypatch.setenv("PREFERRED_PROVIDER", "nonsense")
    assert place.run("replay", written(form, place.path)).code == 0
