"""Anthropic's Message Batches API (SDK 2.14 and platform.claude.com, build-with-claude/batch-processing, 2026-11).

What is wrong with the `params` of a request is told in its result, as the real one does. The words of what is refused
are known in part only.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.anthropic.bodies import message
from tests.fakes.anthropic.paging import Query, listed
from tests.fakes.anthropic.rules import Failure, check, parsed, refuse
from tests.fakes.server import Exchange, Raw, Step, json_answer

Json = dict[str, Any]

_ID = "^[a-zA-Z0-9_-]{1,64}$"
_MOST = 100_000
"""Requests of a batch."""
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


@dataclass
class _Batch:
    about: Json
    results: list[Json] = field(default_factory=list)
    ended: bool = False


class Batches:
    """Those of one workspace, newest first. A batch is through when it is retrieved for the first time."""

    def __init__(self) -> None:
        self._batches: dict[str, _Batch] = {}
        self._numbers = itertools.count(1)
        self.lines: Iterable[Step] | None = None
        """What is answered in place of results."""

    def answer(self, exchange: Exchange, words: list[str], query: Query, url: str) -> Raw:
        """`words` are those of the path after /v1/messages/batches, `url` is that of the server. Raises Failure."""
        match exchange.method, words:
            case "POST", []:
                exchange.body = parsed(exchange.raw)
                return json_answer(self._created(exchange.body, exchange.headers))
            case "GET", []:
                entries = [each.about for each in self._batches.values()]
                return json_answer(listed(entries, query, lambda id_: list(self._batches).index(self._known(id_))))
            case "GET", [id_]:
                batch = self._batches[self._known(id_)]
                self._end(batch, url)
                return json_answer(batch.about)
            case "POST", [id_, "cancel"]:
                return json_answer(self._cancelled(self._batches[self._known(id_)]))
            case "DELETE", [id_]:
                if not self._batches[self._known(id_)].ended:
                    refuse("Message Batch cannot be deleted while it is in progress")
                del self._batches[id_]
                return json_answer({"id": id_, "type": "message_batch_deleted"})
            case "GET", [id_, "results"]:
                return self._results(self._batches[self._known(id_)])
        raise Failure(404, "not_found_error", "Not Found")

    def _created(self, body: Json, headers: Mapping[str, str]) -> Json:
        _check(body)
        number = next(self._numbers)
        about: Json = {
            "id": f"msgbatch_01{number:022d}",
            "type": "message_batch",
            "processing_status": "in_progress",
            "request_counts": _counts(processing=len(body["requests"])),
            "created_at": "2026-11-22T12:00:00Z",
            "expires_at": "2026-11-23T12:00:00Z",
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None,
        }
        results = [{"custom_id": each["custom_id"], "result": _result(each, headers)} for each in body["requests"]]
        self._batches = {about["id"]: _Batch(about, results), **self._batches}
        return dict(about)

    def _cancelled(self, batch: _Batch) -> Json:
        if batch.ended:
            refuse("Message Batch cannot be canceled: it has ended")
        batch.about |= {"processing_status": "canceling", "cancel_initiated_at": "2026-11-22T12:00:01Z"}
        batch.results = [{**each, "result": {"type": "canceled"}} for each in batch.results]
        return dict(batch.about)

    def _end(self, batch: _Batch, url: str) -> None:
        kinds = [each["result"]["type"] for each in batch.results]
        batch.ended = True
        batch.about |= {
            "processing_status": "ended",
            "request_counts": _counts(**{kind: kinds.count(kind) for kind in kinds}),
            "ended_at": "2026-11-22T12:01:00Z",
            "results_url": f"{url}/v1/messages/batches/{batch.about['id']}/results",
        }

    def _results(self, batch: _Batch) -> Raw:
        if not batch.ended:
            raise Failure(404, "not_found_error", f"Batch {batch.about['id']} has no available results.")
        # Generated, so it goes out in chunks.
        steps = _lines(batch.results) if self.lines is None else self.lines
        return Raw(steps, 200, "application/x-jsonl")

    def _known(self, id_: str) -> str:
        if id_ not in self._batches:
            raise Failure(404, "not_found_error", f"Message Batch not found: {id_}")
        return id_


def _check(body: Json) -> None:
    requests = body.get("requests")
    if requests is None:
        refuse("requests: Field required")
    if not isinstance(requests, list):
        refuse("requests: Input should be a valid list")
    if not 1 <= len(requests) <= _MOST:
        refuse(f"requests: List should have at least 1 item and at most {_MOST} items, not {len(requests)}")
    ids = []
    for number, each in enumerate(requests):
        for name, kind, word in (("custom_id", str, "string"), ("params", dict, "dictionary")):
            if name not in each:
                refuse(f"requests.{number}.{name}: Field required")
            if not isinstance(each[name], kind):
                refuse(f"requests.{number}.{name}: Input should be a valid {word}")
        if len(each["custom_id"]) > 64:  # these words: anthropics/anthropic-sdk-python#984
            refuse(f"requests.{number}.custom_id: String should have at most 64 characters")
        if not re.fullmatch(_ID[1:-1], each["custom_id"]):
            refuse(f"requests.{number}.custom_id: String should match pattern '{_ID}'")
        if each["params"].get("stream") or each["params"].get("max_tokens") == 0:
            refuse(f"requests.{number}.params: stream and max_tokens 0 are not supported in a batch")
        ids.append(each["custom_id"])
    if len(set(ids)) < len(ids):
        refuse("requests: custom_id must be unique within the batch")


def _result(request: Json, headers: Mapping[str, str]) -> Json:
    params = request["params"]
    try:
        check(params, headers)
    except Failure as failure:
        error = {"type": failure.type, "message": failure.message}
        return {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}
    answer = message(params["model"], {"type": "text", "text": f"For {request['custom_id']}."})
    return {"type": "succeeded", "message": answer}


def _counts(**counts: int) -> Json:
    return {**dict.fromkeys(_COUNTS, 0), **counts}


def _lines(results: Iterable[Json]) -> Iterator[bytes]:
    for each in results:
        yield json.dumps(each, ensure_ascii=False).encode() + b"\n"
