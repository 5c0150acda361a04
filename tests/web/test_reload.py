"""Settings that change while the proxy runs: what holds from the next request on, and what is told of it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from proxy.settings.files import SettingsFiles
from proxy.web import reload as module
from proxy.web.services import Services
from tests.fakes.openai.chat import FakeOpenAI
from tests.log_settings import logged
from tests.web.reloading import NEW, OLD, Place, asked
from tests.web.serving import KEY, PATIENCE, ask


def test_a_change_holds_for_the_next_request(place: Place, upstream: FakeOpenAI) -> None:
    place.ask().message()
    assert asked(upstream) == "gpt-4o"
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    place.ask().message()
    assert asked(upstream) == "gpt-4o-mini"


def test_nothing_is_made_anew_without_a_change(place: Place) -> None:
    before = place.proxy.services
    (place.directory / ".env").touch()
    place.look(3)
    place.reload.look(asked=True)
    assert place.proxy.services is before


def test_custom_models_and_their_keys(place: Place, upstream: FakeOpenAI) -> None:
    entry = {"model_id": "qwen", "api_base": upstream.base_url, "api_key_name": "QWEN_KEY"}
    place.custom(entry)
    place.write(QWEN_KEY=NEW)
    place.look()
    place.proxy.post(ask(model="qwen")).message()
    assert upstream.exchanges[-1].headers["authorization"] == f"Bearer {NEW}"
    place.custom({**entry, "model_name": "qwen-3"})
    place.look()
    place.proxy.post(ask(model="qwen")).message()
    assert asked(upstream) == "qwen-3"
    (place.directory / "custom_models.yaml").unlink()
    place.look()
    place.proxy.post(ask(model="qwen")).error(404)


def test_rules_of_auto_mode(place: Place) -> None:
    def rules(text: str) -> None:
        (place.directory / "rules.json").write_text(json.dumps({"hard_deny": [text]}), encoding="utf-8")

    rules("first")
    place.write(AUTO_MODE_RULES_FILE="rules.json")
    place.look()
    assert place.proxy.services.rules["hard_deny"] == ["first"]
    rules("another")
    place.look()
    assert place.proxy.services.rules["hard_deny"] == ["another"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"MAX_RETRIES": "many"}, "MAX_RETRIES: "),
        ({"PROXY_API_KEY": "canary key"}, "PROXY_API_KEY: "),
        ({"BIG_MODEL": "claude-opus"}, "BIG_MODEL: "),
        ({"CUSTOM_MODELS_FILE": "nowhere.yaml"}, 'CUSTOM_MODELS_FILE: "nowhere.yaml" is missing'),
    ],
)
def test_a_broken_change_is_told_once(
    broken: dict[str, str], said: str, place: Place, upstream: FakeOpenAI, capsys: pytest.CaptureFixture[str]
) -> None:
    place.begin_log()
    place.write(SMALL_MODEL="gpt-of-the-change", **broken)
    place.look(5)
    told = logged(capsys)
    assert told.count("WARNING") == told.count(said) == 1
    assert "canary" not in told
    place.ask().message()
    assert asked(upstream) == "gpt-4o"
    with (place.directory / ".env").open("a", encoding="utf-8") as file:
        file.write("# as broken as before\n")
    place.look(5)
    assert logged(capsys).count(said) == 1, "it is told of each change"
    place.write(**dict.fromkeys(broken, ""))
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    place.ask().message()
    assert asked(upstream) == "gpt-4o-mini"
    assert logged(capsys) == ""


def test_half_written_files(place: Place, upstream: FakeOpenAI, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a piece that makes sense by itself nor an empty file takes the place of good settings."""
    place.begin_log()
    path = place.directory / "custom_models.yaml"
    first = f"- model_id: one\n  api_base: {upstream.base_url}\n"
    whole = f"{first}- model_id: two\n  api_base: {upstream.base_url}\n"
    path.write_text(first, encoding="utf-8")
    place.look()
    for piece in ("", whole[: len(first) + 5], first + "\n", whole):
        path.write_text(piece, encoding="utf-8")
        place.look(1)
        assert [custom.model_id for custom in place.proxy.services.config.custom_models] == ["one"]
    place.look(1)
    assert [custom.model_id for custom in place.proxy.services.config.custom_models] == ["one", "two"]
    assert logged(capsys) == ""


def test_a_file_that_changes_while_it_is_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was read then may be half of it."""
    place.begin_log()
    before, load = place.proxy.services, SettingsFiles.load

    def slow(files: SettingsFiles) -> Any:
        config = load(files)
        place.write(SMALL_MODEL="gpt-later")
        return config

    with monkeypatch.context() as patches:
        patches.setattr(SettingsFiles, "load", slow)
        place.write(BIG_MODEL="gpt-4o-mini")
        place.look()
    assert place.proxy.services is before
    place.look()
    assert place.proxy.services.config.small_model == "gpt-later"
    assert logged(capsys) == ""


def test_a_file_that_cannot_be_read_for_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On Windows another program may keep it to itself; nothing changes when it lets go."""
    place.begin_log()
    read_text = Path.read_text

    def locked(path: Path, *args: Any, **options: Any) -> str:
        if path.name == ".env":
            raise PermissionError(13, "Permission denied")
        return read_text(path, *args, **options)

    place.write(BIG_MODEL="gpt-4o-mini")
    with monkeypatch.context() as patches:
        patches.setattr(Path, "read_text", locked)
        place.look(5)
    assert logged(capsys).count(".env: cannot be read") == 1
    place.look(1)
    assert place.proxy.services.config.big_model == "gpt-4o-mini"


def test_a_failure_of_ours_changes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.begin_log()

    def failing(services: Services) -> None:
        raise RuntimeError("canary")

    before = place.proxy.services
    monkeypatch.setattr(Services, "warm_up", failing)
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look(4)
    said = logged(capsys)
    assert said.count("reading them failed: RuntimeError at ") == 1
    assert "canary" not in said
    assert place.proxy.services is before


def test_flags_and_the_environment_go_on_to_win(
    place: Place, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_TOKENS_LIMIT", "77")
    with place.serving({"BIG_MODEL": "gpt-4o-mini"}):
        place.write(BIG_MODEL="gpt-5", MAX_TOKENS_LIMIT="99", COUNT_TOKENS="exact")
        place.look()
        place.ask().message()
        assert asked(upstream) == "gpt-4o-mini"
        assert upstream.requests[-1]["max_tokens"] == 77
        assert place.proxy.services.config.count_tokens == "exact"


def test_what_takes_a_restart(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.begin_log()
    place.write(HOST="0.0.0.0", PORT="9", THREADS="3", BIG_MODEL="gpt-4o-mini")
    place.look(3)
    place.write(SMALL_MODEL="gpt-4o-mini")
    place.look(3)
    said = logged(capsys)
    assert [said.count(f"{name}: the change takes effect") for name in ("HOST", "PORT", "THREADS")] == [1, 1, 1]
    config = place.proxy.services.config
    assert (config.host, config.port, config.threads) == ("127.0.0.1", 8082, 256)
    assert (config.big_model, config.small_model) == ("gpt-4o-mini", "gpt-4o-mini")
    place.write(HOST="", PORT="", THREADS="")
    place.look()
    assert logged(capsys) == "", "nothing is left to be done"


def test_warnings(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.begin_log()
    place.write(BIG_MODLE="x")
    place.look()
    assert "did you mean BIG_MODEL?" in logged(capsys)
    place.write(BIG_MODEL="gpt-4o-mini")
    place.look()
    assert logged(capsys) == ""


def test_the_level_and_the_secrets_of_the_log(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.begin_log()
    place.ask()
    assert "openai/gpt-4o" not in logged(capsys)
    place.write(LOG_LEVEL="INFO", OPENAI_API_KEY=NEW)
    place.look()
    place.ask()
    assert "claude-sonnet-5-5 -> openai/gpt-4o (BIG_MODEL) 200" in logged(capsys)
    module.log.warning("%s and %s", KEY, NEW)
    assert "[key] and [key]" in logged(capsys), "answers may still run with the old one"
    place.write(LOG_LEVEL="")
    place.look()
    capsys.readouterr()
    place.ask()
    assert logged(capsys) == ""


def test_keys_of_callers(place: Place) -> None:
    place.write(PROXY_API_KEY=f"{OLD},{NEW}")
    place.look()
    place.ask().error(401)
    place.ask(x_api_key=OLD).message()
    place.write(PROXY_API_KEY=NEW)
    place.look()
    place.ask(x_api_key=OLD).error(401)
    place.ask(x_api_key=NEW, x_forwarded_for="203.0.113.9").message()
    place.write(PROXY_API_KEY="")
    place.look()
    place.ask().message()
    place.ask(x_forwarded_for="203.0.113.9").error(403)
    peer = place.proxy.app.test_client().get("/v1/models", environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert peer.status_code == 403, "nobody else may call, whatever the address that is listened on"


def test_the_thread_looks_by_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.01)
    with place.reload:
        place.write(BIG_MODEL="gpt-4o-mini")
        until = time.monotonic() + PATIENCE
        while place.proxy.services.config.big_model != "gpt-4o-mini" and time.monotonic() < until:
            time.sleep(0.01)
    assert place.proxy.services.config.big_model == "gpt-4o-mini"
    assert not [thread for thread in threading.enumerate() if thread.name == "settings"]


def test_it_is_asked_for(place: Place) -> None:
    with place.reload:
        place.write(BIG_MODEL="gpt-4o-mini")
        place.reload.ask()
        until = time.monotonic() + PATIENCE
        while place.proxy.services.config.big_model != "gpt-4o-mini" and time.monotonic() < until:
            time.sleep(0.01)
    assert place.proxy.services.config.big_model == "gpt-4o-mini"
