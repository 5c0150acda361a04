"""JSON that is followed in pieces, or read leniently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.common.json_text import JsonScan, loads

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        pytest.param(b'{"a": "x\ty\nz\x01"}', {"a": "x\ty\nz\x01"}, id="raw control characters"),
        pytest.param(b'{"a": "\xf0\x9f"}', {"a": "\ufffd"}, id="half a character"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', {"a": 1}, id="a byte order mark"),
    ],
)
def test_read_leniently(data: bytes, value: Any) -> None:
    assert loads(data) == value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"\xff", id="bytes"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[" * 250 + b"]" * 250, id="too deep to be walked"),
        pytest.param(b"[" * 250 + b'"\t"' + b"]" * 250, id="too deep to be walked, and read leniently"),
        pytest.param(b"1" * 5000, id="long"),
    ],
)
def test_what_cannot_be_read(data: bytes) -> None:
    with pytest.raises(ValueError):
        loads(data)


@given(json_values.filter(lambda value: isinstance(value, list | dict | str)), st.data())
def test_the_end_of_a_value_is_found(value: Any, data: st.DataObject) -> None:
    """Wherever the pieces are cut; what stands behind it is given back."""
    written = json.dumps(value, ensure_ascii=data.draw(st.booleans())) + "tail"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=6)))
    scan, sound, rest = JsonScan(), "", ""
    for start, stop in zip([0, *cuts], [*cuts, len(written)], strict=True):
        assert scan.closed == (start >= len(written) - 4)
        if scan.closed:
            rest += written[start:stop]
        else:
            this, behind = scan.feed(written[start:stop])
            sound, rest = sound + this, rest + behind
    assert scan.closed
    assert rest == "tail"
    assert json.loads(sound) == value


@given(st.text())
def test_raw_strings_become_sound(text: str) -> None:
    raw = '{"a": "' + text.replace("\\", "\\\\").replace('"', '\\"') + '"}'
    sound, rest = JsonScan().feed(raw)
    assert json.loads(sound) == {"a": text}
    assert rest == ""
