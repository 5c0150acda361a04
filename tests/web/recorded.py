"""Sends a recorded request to a running proxy."""

from __future__ import annotations

import json
from typing import Any

from tests.web.serving import Answer, Proxy


def answered(proxy: Proxy, capture: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The conforming Messages that a recorded request is answered with: streamed, and not streamed."""
    answers = []
    for streams in (True, False):
        body = {**capture["body"], "stream": streams}
        answer = proxy.call("POST", capture["path"], json.dumps(body).encode(), capture["headers"])
        answers.append(Answer(answer.status, answer.headers, answer.body, body).message())
    return answers[0], answers[1]
