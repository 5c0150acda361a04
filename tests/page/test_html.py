"""What the page is as HTML: well-formed, escaped, labelled, and all that it should say."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from proxy.page import html
from proxy.page.snapshot import Answer, Asked, Backend, Learned, Snapshot
from proxy.usage.history import Past
from tests.page import samples
from tests.page.markup import Element, handlers, read
from tests.page.samples import NOW
from tests.usage.records import record

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>{{ 7*7 }}</title></svg>"


def hostile() -> Snapshot:
    """Whatever a client or a server may have written is code."""
    bad = HOSTILE
    answered = record("req_x", role=bad, model=bad, target=bad, stop_reason=bad, notes=bad, error=bad, outcome=bad)
    return samples.busy(
        url=bad,
        version=bad,
        running=(Answer("req_y", NOW, bad, bad, bad, bad, None),),
        backends=(Backend(bad, bad, NOW + 9, bad, 2, (NOW + 9,)),),
        requests=(answered, replace(answered, id="req_z", target="")),
        past=Past(tuple(replace(each, target=bad) for each in samples.days()), bad),
        routes=(Asked(bad, bad, (bad, bad), 1),),
        learned=(Learned(bad, bad, (bad, bad)),),
    )


SNAPSHOTS = {
    "empty": samples.empty(),
    "busy": samples.busy(),
    "without a database": samples.busy(past=None),
    "one request": samples.empty(requests=(record(time=NOW),)),
    "broken database": samples.empty(past=Past(problem="OperationalError")),
    "hostile": hostile(),
    "hostile and empty": replace(hostile(), requests=(), past=None),
}
every = pytest.mark.parametrize("snapshot", SNAPSHOTS.values(), ids=SNAPSHOTS)


@cache
def tree(snapshot: Snapshot) -> Element:
    return read(html.page(snapshot))


@every
def test_it_is_sound(snapshot: Snapshot) -> None:
    page = tree(snapshot)
    assert handlers(page) == []
    assert page.all("style") == []
    assert [script.attributes for script in page.all("script")] == [{"src": "status/page.js", "defer": ""}]
    loaded = [each.attributes["href"] for each in page.all("link")] + ["status/page.js"]
    assert sorted(loaded) == sorted(f"status/{name}" for name in html.STATIC)
    assert "http" not in "".join(each.attributes.get("src", "") for each in page.all("img"))
    assert page.all("html")[0].attributes == {"lang": "en"}
    assert [len(page.all(name)) for name in ("header", "nav", "main", "footer", "h1", "title")][:5] == [1] * 5


@every
def test_it_is_labelled(snapshot: Snapshot) -> None:
    page = tree(snapshot)
    for table in page.all("table"):
        (caption,) = table.all("caption")
        assert caption.text
        assert all(cell.attributes["scope"] in ("col", "row") for cell in table.all("th"))
        (heads,) = (row.all("th") for row in table.all("thead"))
        for row in table.all("tbody")[0].all("tr"):
            assert len(row.all("td") + row.all("th")) == len(heads)
    regions = [each for each in page.all("div") if each.attributes.get("role") == "region"]
    assert len(regions) == len(page.all("table"))
    assert all(each.attributes["tabindex"] == "0" and each.attributes["aria-labelledby"] for each in regions)
    for section in page.all("section"):
        assert section.attributes.get("aria-labelledby") or section.attributes.get("aria-label")
    for picture in page.all("svg"):
        is_named = picture.attributes.get("role") == "img" and len(picture.attributes["aria-labelledby"].split()) == 2
        assert is_named or picture.attributes.get("aria-hidden") == "true"
    for time in page.all("time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", time.attributes["datetime"])


def test_what_others_wrote_is_text() -> None:
    text = html.page(hostile())
    assert "<script>alert" not in text
    assert "<img" not in text
    page = read(text)
    assert HOSTILE in page.all("tbody")[-1].text
    assert "{{ 7*7 }}" in text
    assert HOSTILE in read(html.refusal(HOSTILE)).text


@pytest.mark.parametrize("name", ["recent", "past"])
def test_plots_and_their_tables(name: str) -> None:
    page = tree(samples.busy())
    (section,) = (each for each in page.all("section") if each.attributes.get("id") == name)
    figures = section.all("figure")
    assert len(figures) == 3
    for figure in figures:
        drawing = next(each for each in figure.all("svg") if "role" in each.attributes)
        assert drawing.all("title")[0].text == figure.all("figcaption")[0].text
        assert re.search(r"\d", drawing.all("desc")[0].text)
        models = [each.text for each in figure.all("ul")[0].all("li")]
        heads = [each.text for each in figure.all("thead")[0].all("th")]
        assert heads[1 : len(models) + 1] == models
        assert len(figure.all("tbody")[0].all("tr")) > 5
        assert all(title.text for shape in drawing.all("rect") + drawing.all("g") for title in shape.all("title"))


def row(snapshot: Snapshot, id: str) -> Element:
    page = tree(snapshot)
    (found,) = (each for each in page.all("tr") if each.attributes.get("id") == id)
    return found


def test_a_request() -> None:
    answered = record(
        "req_1", time=NOW - 3600, role="subagent/Explore", notes="top_k: left out", cost=0.0123, first_byte=0.84
    )
    cells = [each.text for each in row(samples.empty(requests=(answered,)), "req_1").all("td")]
    assert cells == [
        "13:03:27",
        "200 end_turn",
        "gemini/gemini-3.8-flash claude-opus-5-5",
        "subagent Explore",
        "0.84 s",
        "3.21 s",
        "18,195",
        "17,000",
        "230",
        "$0.0123",
        "Notes of req_1 top_k: left out",
    ]


def test_a_failure_is_told_in_words() -> None:
    failed = record("req_1", time=NOW - 90_000, status=429, error="rate_limit_error", **samples.NOBODY)
    found = row(samples.empty(requests=(failed,)), "req_1")
    assert found.all("strong")[0].text == "429 rate_limit_error"
    assert found.all("td")[0].text == "28 Nov 13:03:27"


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (samples.empty(), "No request yet. Point ANTHROPIC_BASE_URL at http://127.0.0.1:8082"),
        (samples.empty(), "Nothing is recorded yet."),
        (samples.empty(past=None), "USAGE_DB is off"),
        (samples.empty(past=Past(problem="OperationalError")), "cannot be read (OperationalError)"),
        (samples.empty(), "No answer is being given."),
        (samples.empty(), "Nothing was learned since the start"),
        (samples.busy(), "rests after 429 rate_limit_error, asked again in 43 s"),
        (samples.busy(), "2 of 3 rest, the first is back in 21 s"),
        (samples.busy(), "$8.42 of $20.00"),
        (samples.busy(), "answers, first byte after 2.11 s"),
        (samples.busy(), "waits for the first byte"),
        (samples.busy(), "no_streaming, without_temperature"),
    ],
)
def test_what_it_says(snapshot: Snapshot, words: str) -> None:
    assert words in tree(snapshot).text


def test_parts_are_what_the_page_has() -> None:
    snapshot = samples.busy()
    parts = html.parts(snapshot)
    page = html.page(snapshot)
    for name, part in {**parts, "taken": html.taken(snapshot)}.items():
        (element,) = read(part).children  # which refers to nothing outside of it
        assert element.attributes["id"] == name
        assert part in page


def test_time_alone_changes_nothing() -> None:
    snapshot = samples.busy()
    later = replace(snapshot, now=NOW + 3)
    assert snapshot.shows_the_same(later)
    assert not snapshot.shows_the_same(replace(later, running=()))
    assert html.parts(snapshot)["requests"] == html.parts(later)["requests"]
    assert html.parts(snapshot)["recent"] == html.parts(later)["recent"]
