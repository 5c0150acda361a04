"""Anthropic's Files API (SDK 2.14 and platform.claude.com, build-with-claude/files, 2026-11).

It is generally available since 2026-08-20. A request that still sends `files-api-2025-04-14` gets the answers of the
beta, in which the header was required. The words of what is refused are known in part only.
"""

from __future__ import annotations

import email.policy
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from tests.fakes.anthropic.paging import Query, limit_of, listed
from tests.fakes.anthropic.rules import Failure, refuse
from tests.fakes.server import Exchange, Raw, Step, json_answer

Json = dict[str, Any]

BETA = "files-api-2025-04-14"
LARGEST = 500 * 1024 * 1024
"""Bytes of a file."""
_LIFE = (3600, 7_776_000)
_PAGE = "page_"
_LIST_FIELDS = ({"ids", "ids[]", "limit", "page", "scope_id", "beta"}, {"limit", "after_id", "before_id", "beta"})
"""Of the query; without and with the beta."""


@dataclass
class _File:
    about: Json
    steps: Iterable[Step]


class Files:
    """Those of one workspace, newest first."""

    def __init__(self, *, header_required: bool = False) -> None:
        """`header_required`: as it was in the beta."""
        self._header_required = header_required
        self._files: dict[str, _File] = {}
        self._numbers = itertools.count(1)

    def make(self, filename: str, steps: Iterable[Step], size: int, mime_type: str = "application/octet-stream") -> str:
        """A file that a tool has made, which can be downloaded; gives its id. Bytes alone have a Content-Length."""
        return str(self._add(filename, mime_type, size, steps, downloadable=True)["id"])

    def answer(self, exchange: Exchange, words: list[str], query: Query) -> Raw:
        """`words` are those of the path after /v1/files. Raises Failure."""
        beta = BETA in exchange.headers.get("anthropic-beta", "")
        if self._header_required and not beta:
            refuse(f"anthropic-beta: {BETA} is required for this endpoint")
        match exchange.method, words:
            case "POST", []:
                return json_answer(_shown(self._uploaded(exchange), beta))
            case "GET", []:
                return json_answer(self._listed(query, beta))
            case "GET", [id_]:
                return json_answer(_shown(self._find(id_).about, beta))
            case "GET", [id_, "content"]:
                return self._content(self._find(id_))
            case "DELETE", [id_]:
                del self._files[self._find(id_).about["id"]]
                return json_answer({"id": id_, "type": "file_deleted"})
        raise Failure(404, "not_found_error", "Not Found")

    def _add(self, filename: str, mime_type: str, size: int, steps: Iterable[Step], **about: Any) -> Json:
        made = {
            "id": f"file_011{next(self._numbers):021d}",
            "type": "file",
            "filename": filename,
            "mime_type": mime_type,
            "size_bytes": size,
            "created_at": "2026-11-22T12:00:00Z",
            "downloadable": False,
            "expires_at": None,
            **about,
        }
        self._files = {made["id"]: _File(made, steps), **self._files}
        return made

    def _uploaded(self, exchange: Exchange) -> Json:
        parts = _parts(exchange)
        if "file" not in parts:
            refuse("file: Field required")
        part = parts["file"]
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if len(content) > LARGEST:
            raise Failure(413, "request_too_large", "File exceeds the maximum size")
        expires = {}
        if "expires_in_seconds" in parts:
            life = str(parts["expires_in_seconds"].get_payload())
            if not life.isdecimal() or not _LIFE[0] <= int(life) <= _LIFE[1]:
                refuse("expires_in_seconds: Input should be between 3600 and 7776000")
            expires = {"expires_at": "2026-12-22T12:00:00Z"}
        filename = (part.get_filename() or "unnamed").rpartition("/")[2]
        return self._add(filename, part.get_content_type(), len(content), [content], **expires)

    def _listed(self, query: Query, beta: bool) -> Json:
        entries = [_shown(each.about, beta) for each in self._files.values()]
        for name in query:
            if name not in _LIST_FIELDS[beta]:
                refuse(f"{name}: Extra inputs are not permitted")
        if beta:
            return listed(entries, query, lambda id_: list(self._files).index(self._find(id_).about["id"]))
        ids = [id_ for name in ("ids", "ids[]") for each in query.get(name, ()) for id_ in each.split(",")]
        if ids:
            return {"data": [entry for entry in entries if entry["id"] in ids], "next_page": None}
        start = int(query.get("page", [f"{_PAGE}0"])[0].removeprefix(_PAGE))
        end = start + limit_of(query)
        return {"data": entries[start:end], "next_page": f"{_PAGE}{end}" if end < len(entries) else None}

    def _content(self, file: _File) -> Raw:
        if not file.about["downloadable"]:
            text = "This file cannot be downloaded: only files that a tool has made can"
            raise Failure(400, "invalid_request_error", text, details={"error_code": "file_not_downloadable"})
        return Raw(file.steps, 200, file.about["mime_type"])

    def _find(self, id_: str) -> _File:
        if id_ not in self._files:
            raise Failure(404, "not_found_error", f"File not found: {id_}")
        return self._files[id_]


def _shown(about: Json, beta: bool) -> Json:
    return {name: value for name, value in about.items() if name != "expires_at" or not beta}


def _parts(exchange: Exchange) -> Mapping[str, EmailMessage]:
    """The parts of a form by name. Raises Failure."""
    kind = exchange.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data; boundary="):
        refuse("Content-Type: multipart/form-data with a boundary is expected")
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    whole = BytesParser(EmailMessage, policy=email.policy.HTTP).parsebytes(head + exchange.raw)
    if whole.defects or not whole.is_multipart():
        refuse("The request body is not a valid form")
    return {
        str(part.get_param("name", header="content-disposition")): part
        for part in whole.iter_parts()
        if isinstance(part, EmailMessage)
    }
