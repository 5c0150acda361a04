"""Servers that pass the upstream's bytes on unread, to compare with. `python -m bench.yardsticks NAME PORT URL`.

`bare` is the least that a proxy on this stack can do: waitress, a WSGI function, and the HTTP client of the proxy.
`relay` is what one writes first: Flask, waitress and requests. `sdk` is the same by OpenAI's SDK, and so is the least
that a proxy can do whose requests the vendors' SDKs send.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import waitress

_JSON = {"content-type": "application/json"}
_PATH = "/v1/chat/completions"


def bare(url: str) -> Callable[..., Iterable[bytes]]:
    import httpx2

    client = httpx2.Client(limits=httpx2.Limits(max_connections=None), timeout=60)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = client.build_request("POST", url + _PATH, content=environ["wsgi.input"].read(), headers=_JSON)
        response = client.send(request, stream=True)
        start_response("200 OK", [("Content-Type", response.headers["content-type"])])
        return pieces(response)

    def pieces(response: httpx2.Response) -> Iterator[bytes]:
        yield from response.iter_bytes()
        response.close()

    return app


def relay(url: str) -> Callable[..., Iterable[bytes]]:
    import requests
    from flask import Flask, Response, request

    app, session = Flask("relay"), requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=256))

    @app.post("/v1/messages")
    def messages() -> Response:
        answer = session.post(url + _PATH, data=request.get_data(), headers=_JSON, stream=True, timeout=60)
        return Response(answer.raw.stream(65536), mimetype=answer.headers["content-type"])

    return app


def sdk(url: str) -> Callable[..., Iterable[bytes]]:
    import httpx2
    import openai
    from flask import Flask, Response, request

    app, http = Flask("sdk"), httpx2.Client(limits=httpx2.Limits(max_connections=None), timeout=60)
    client = openai.OpenAI(api_key="unused", base_url=f"{url}/v1", max_retries=0, http_client=http)

    @app.post("/v1/messages")
    def messages() -> Response:
        answer = client.post(
            "/chat/completions",
            cast_to=object,
            content=request.get_data(),
            options={"headers": _JSON},
            stream=True,
            stream_cls=openai.Stream[object],
        ).response
        response = Response(answer.iter_raw(), mimetype=answer.headers["content-type"])
        response.call_on_close(answer.close)
        return response

    return app


if __name__ == "__main__":
    made = {"bare": bare, "relay": relay, "sdk": sdk}[sys.argv[1]](sys.argv[3])
    waitress.serve(
        made, host="127.0.0.1", port=int(sys.argv[2]), threads=256, connection_limit=1024, asyncore_use_poll=True
    )
