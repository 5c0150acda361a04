from __future__ import annotations

from proxy.protocol.notes import Notes, header_value


def test_each_note_once_with_its_count() -> None:
    notes = Notes()
    assert header_value(notes) == ""
    for note in ("top_k was left out", "an image was left out", "top_k was left out"):
        notes.add(note)
    assert list(notes) == ["top_k was left out (x2)", "an image was left out"]
    assert header_value(notes) == "top_k was left out (x2); an image was left out"


def test_header_is_one_short_line_of_ascii() -> None:
    notes = Notes()
    notes.add("tools: W\u00e9rkzeug \U0001f600\r\nx-evil: 1")
    assert header_value(notes) == "tools: W?rkzeug ?  x-evil: 1"
    for number in range(100):
        notes.add(f"tools: number {number} is not available here")
    assert len(header_value(notes)) == 1000
    assert header_value(notes).endswith("...")
