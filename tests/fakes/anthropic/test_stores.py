"""The fake's files and batches: what they refuse, and that the official SDK reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from tests.fakes.anthropic.api import FakeAnthropic

KEY = "sk-ant-test"
HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
BETA = {**HEADERS, "anthropic-beta": "files-api-2025-04-14"}
FILE = {"file": ("a.txt", b"hello", "text/plain")}
PARAMS: Any = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def request(custom_id: str = "a", **params: Any) -> Any:
    return {"custom_id": custom_id, "params": {**PARAMS, **params}}


@pytest.fixture
def upstream() -> Iterator[FakeAnthropic]:
    with FakeAnthropic([KEY]) as fake:
        yield fake


@pytest.fixture
def client(upstream: FakeAnthropic) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=KEY, base_url=upstream.url, max_retries=0) as made:
        yield made


def told(response: httpx2.Response, status: int) -> str:
    """The message of an error."""
    assert response.status_code == status
    return str(response.json()["error"]["message"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "requests: Field required"),
        ({"requests": {}}, "requests: Input should be a valid list"),
        ({"requests": []}, "requests: List should have at least 1 item"),
        ({"requests": [{"params": PARAMS}]}, "requests.0.custom_id: Field required"),
        ({"requests": [{"custom_id": "a"}]}, "requests.0.params: Field required"),
        ({"requests": [request(), request("a b")]}, "requests.1.custom_id: String should match pattern"),
        ({"requests": [request("")]}, "requests.0.custom_id: String should match pattern"),
        ({"requests": [request("a" * 65)]}, "requests.0.custom_id: String should have at most 64 characters"),
        ({"requests": [request(), request()]}, "custom_id must be unique"),
        ({"requests": [request(stream=True)]}, "not supported in a batch"),
    ],
)
def test_refused_batches(body: dict[str, Any], said: str, upstream: FakeAnthropic) -> None:
    assert said in told(httpx2.post(f"{upstream.url}/v1/messages/batches", json=body, headers=HEADERS), 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages/batches/msgbatch_x"),
        ("GET", "/v1/messages/batches/msgbatch_x/results"),
        ("POST", "/v1/messages/batches/msgbatch_x/cancel"),
        ("DELETE", "/v1/messages/batches/msgbatch_x"),
        ("GET", "/v1/files/file_x"),
        ("GET", "/v1/files/file_x/content"),
        ("DELETE", "/v1/files/file_x"),
        ("PATCH", "/v1/files/file_x"),
    ],
)
def test_unknown_ids(method: str, path: str, upstream: FakeAnthropic) -> None:
    response = httpx2.request(method, f"{upstream.url}{path}", headers=HEADERS)
    assert told(response, 404)
    assert response.json()["error"]["type"] == "not_found_error"


def test_batches(client: anthropic.Anthropic) -> None:
    made = client.messages.batches.create(requests=[request("good"), request("bad", max_tokens="x")])
    assert made.processing_status == "in_progress"
    with pytest.raises(anthropic.NotFoundError):
        client.get(f"/v1/messages/batches/{made.id}/results", cast_to=object)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.delete(made.id)
    ended = client.messages.batches.retrieve(made.id)
    assert (ended.request_counts.succeeded, ended.request_counts.errored) == (1, 1)
    results = {each.custom_id: each.result for each in client.messages.batches.results(made.id)}
    assert (results["good"].type, results["bad"].type) == ("succeeded", "errored")
    other = client.messages.batches.create(requests=[request()])
    assert client.messages.batches.cancel(other.id).processing_status == "canceling"
    assert [each.id for each in client.messages.batches.list(limit=1)] == [other.id, made.id]
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"


@pytest.mark.parametrize(
    ("files", "data", "said"),
    [
        ({"other": FILE["file"]}, {}, "file: Field required"),
        (FILE, {"expires_in_seconds": "5"}, "expires_in_seconds"),
        (None, {"file": "x"}, "multipart/form-data"),
    ],
)
def test_refused_files(files: Any, data: Any, said: str, upstream: FakeAnthropic) -> None:
    assert said in told(httpx2.post(f"{upstream.url}/v1/files", files=files, data=data, headers=HEADERS), 400)


def test_files(client: anthropic.Anthropic, upstream: FakeAnthropic) -> None:
    first = client.beta.files.upload(file=("dir/a.txt", b"hello", "text/plain"), expires_in_seconds=3600)
    assert (first.filename, first.mime_type, first.size_bytes, first.downloadable) == ("a.txt", "text/plain", 5, False)
    second = client.beta.files.upload(file=b"more")
    assert second.filename == "unnamed"
    assert [each.id for each in client.beta.files.list(limit=1)] == [second.id, first.id]
    assert [each.id for each in client.beta.files.list(ids=[first.id, "file_x"])] == [first.id]
    with pytest.raises(anthropic.BadRequestError) as refused:
        client.beta.files.download(first.id)
    assert refused.value.body["error"]["details"] == {"error_code": "file_not_downloadable"}  # type: ignore[index]
    made = upstream.files.make("chart.png", [b"\x89", b"PNG"], 4, "image/png")
    assert client.beta.files.download(made).read() == b"\x89PNG"
    assert client.beta.files.delete(made).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.beta.files.retrieve_metadata(made)


def test_the_beta_of_files(upstream: FakeAnthropic) -> None:
    """The header decides about the shape; only without it are ids as bounds of a page refused."""
    id_ = httpx2.post(f"{upstream.url}/v1/files", files=FILE, headers=BETA).json()["id"]
    url = f"{upstream.url}/v1/files"
    assert set(httpx2.get(url, headers=BETA).json()) == {"data", "has_more", "first_id", "last_id"}
    assert "expires_at" not in httpx2.get(f"{url}/{id_}", headers=BETA).json()
    assert set(httpx2.get(url, headers=HEADERS).json()) == {"data", "next_page"}
    assert httpx2.get(f"{url}/{id_}", headers=HEADERS).json()["expires_at"] is None
    assert httpx2.get(f"{url}?after_id={id_}", headers=BETA).json()["data"] == []
    assert "after_id" in told(httpx2.get(f"{url}?after_id={id_}", headers=HEADERS), 400)


def test_an_api_in_which_files_are_a_beta() -> None:
    with FakeAnthropic([KEY], files_in_beta=True) as upstream:
        url = f"{upstream.url}/v1/files"
        assert "files-api-2025-04-14" in told(httpx2.get(url, headers=HEADERS), 400)
        assert httpx2.get(url, headers=BETA).status_code == 200
