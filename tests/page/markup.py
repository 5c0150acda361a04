"""A strict reader of HTML: what browsers would mend is an error here."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset(("meta", "link", "br", "img", "input", "hr"))
_REFERENCES = ("aria-labelledby", "aria-describedby", "for")


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    content: list[Element | str] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        return [each for each in self.content if isinstance(each, Element)]

    def all(self, name: str) -> list[Element]:
        """Those of this name in it, in their order."""
        found = [self] if self.name == name else []
        return found + [each for child in self.children for each in child.all(name)]

    @property
    def text(self) -> str:
        """All text in it, as one line."""
        return " ".join(self._words().split())

    def _words(self) -> str:
        return "".join(each if isinstance(each, str) else each._words() for each in self.content)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self._add(Element(tag, {name: value or "" for name, value in attrs}), is_open=tag not in _VOID)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(Element(tag, {name: value or "" for name, value in attrs}), is_open=False)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> ends <{self._open[-1].name}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].content.append(data)

    def close(self) -> None:
        super().close()
        assert self._open == [self.root], f"not closed: {[each.name for each in self._open[1:]]}"

    def _add(self, element: Element, is_open: bool) -> None:
        self._open[-1].content.append(element)
        if is_open:
            self._open.append(element)


def read(text: str) -> Element:
    """The tree of a page. Raises AssertionError for what is not well-formed, or refers to nothing."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    everything = _all(reader.root)
    ids = [each.attributes["id"] for each in everything if "id" in each.attributes]
    assert len(ids) == len(set(ids)), f"ids that are there twice: {sorted({id for id in ids if ids.count(id) > 1})}"
    referred = {id for each in everything for name in _REFERENCES for id in each.attributes.get(name, "").split()} | {
        each.attributes["href"][1:] for each in everything if each.attributes.get("href", "").startswith("#")
    }
    assert referred <= set(ids), f"nothing has these ids: {referred - set(ids)}"
    return reader.root


def _all(element: Element) -> list[Element]:
    return [element, *(each for child in element.children for each in _all(child))]


def handlers(element: Element) -> list[str]:
    """Attributes that are code or style, which the page's policy forbids."""
    return [name for each in _all(element) for name in each.attributes if name.startswith("on") or name == "style"]
