"""The least that a proxy on this stack can do: waitress, a pooled HTTP client, and bytes passed on unread."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx2
import waitress

UPSTREAM = f"http://127.0.0.1:{sys.argv[2]}/v1/chat/completions"
client = httpx2.Client(limits=httpx2.Limits(max_connections=None), timeout=60)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    request = client.build_request("POST", UPSTREAM, content=body, headers={"content-type": "application/json"})
    response = client.send(request, stream=True)
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return pieces(response)


def pieces(response: httpx2.Response) -> Iterator[bytes]:
    yield from response.iter_bytes()
    response.close()


if __name__ == "__main__":
    waitress.serve(
        app, host="127.0.0.1", port=int(sys.argv[1]), threads=128, connection_limit=512, asyncore_use_poll=True
    )
