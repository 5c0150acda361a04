"""What a tape hears of an upstream's answer that does not come to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from proxy.providers.call import Call
from proxy.providers.tap import Reply, Sent
from proxy.recording.tape import Tape
from proxy.settings.config import load_config

SENT = Sent("POST", "http://a.test/v1", (), b"{}")


def pieces() -> Iterator[bytes]:
    yield b"begun"
    raise httpx2.ReadError("broken")


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_how_an_answer_ended(cancelled: bool, closed: bool, tmp_path: Path) -> None:
    """Also where nothing more can be waited for, as the call has been cancelled."""
    tape = Tape("POST", "/v1/messages", [], load_config({}, directory=tmp_path), {})
    with Call() as call:
        heard = tape.exchange(SENT, lambda: Reply(200, (), pieces())).pieces
        assert next(heard) == b"begun"
        if cancelled:
            call.cancel()
        if closed:
            heard.close()  # type: ignore[attr-defined]
        else:
            with pytest.raises(httpx2.ReadError, match="broken"):
                next(heard)
    (attempt,) = tape.attempts
    assert attempt.ended == ("cancelled" if cancelled else "closed" if closed else "failed")
