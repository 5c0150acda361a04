"""JSON Schema without `$ref`: each replaced by what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urljoin

from proxy.protocol.notes import Notes

Schema = dict[str, Any]

SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
"""Keywords that hold schemas by name."""
SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords that hold a list of schemas."""
SCHEMAS = (
    *("items", "additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"),
    *("not", "if", "then", "else", "contains", "propertyNames", "contentSchema"),
)
"""Keywords that hold one schema; `items` of older drafts also a list."""
DEPTH_LIMIT = 60
"""Schemas within schemas; what is nested deeper is a mistake, or made to do harm."""
_NODES_LIMIT = 5000
"""Schemas in what references name, all together."""
_SIZE_LIMIT = 400_000
"""Characters of what references name, all together."""
_SIZE_OF_OTHERS = 4
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DEFINITIONS = ("$defs", "definitions")
_INDEX = re.compile(r"[0-9]{1,9}")
_OPEN: Schema = {}
_BESIDE = ("description", "title", "default", "examples", "deprecated", "readOnly", "writeOnly", *_DEFINITIONS)
"""Keywords that a reference's own schema may overrule without a change of what is valid."""


def references_in(schema: Any) -> Iterator[str]:
    """All references that stand anywhere in it. Never raises, however deep it is."""
    for node in _nodes(schema):
        yield from (node[key] for key in _REFERENCES if isinstance(node.get(key), str))


def inlined(schema: Mapping[str, Any], what: str, notes: Notes, *, remote: bool = False) -> tuple[Schema, bool]:
    """The schema with what its references name in their place, and whether that could be done in full.

    It could not where types that refer to each other would unfold beyond all measure; such references, and those that
    lead back to themselves, become an open schema. `remote`: references to other documents stay. `what` names the
    schema in notes. Only schema positions are walked: a property, default or enum value that is called `$ref` stays.
    """
    inliner = _Inliner(dict(schema), what, notes, remote)
    return inliner.unfolded(), not inliner.exceeded


class Definitions:
    """Finds what the references of one schema name."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._index: dict[str | tuple[str, str], Any] | None = None

    def find(self, reference: str) -> Schema | None:
        """The schema that is named; None where there is none. `true` and `false` count as the open schema.

        Beside JSON pointers, percent-encoded or not: anchors, `$id`s of this document, and pointers to definitions
        that stand with an inner schema, as generators leave them that put one whole schema into another.
        """
        document, _, fragment = reference.partition("#")
        root: Any = self._root
        if document:
            root = self._named(document) or self._named(_joined(self._root.get("$id"), document))
        if fragment and not fragment.startswith("/"):
            found = self._named(f"#{unquote(fragment)}")
        else:
            path = fragment.split("/")[1:]
            found = _at(root, path)
            if found is None and root is self._root and len(path) > 1 and path[0] in _DEFINITIONS:
                found = _at(self._named((path[0], _unescaped(path[1]))), path[2:])
        if isinstance(found, bool):
            return _OPEN
        return found if isinstance(found, dict) else None

    def is_plain(self, reference: str) -> bool:
        """Whether it is a pointer to a schema of this document, written so that every validator can follow it."""
        simple = reference == "#" or reference.startswith(tuple(f"#/{place}/" for place in _DEFINITIONS))
        return simple and "%" not in reference and isinstance(_at(self._root, reference.split("/")[1:]), dict | bool)

    def _named(self, name: str | tuple[str, str]) -> Any:
        if self._index is None:
            self._index = dict(self._names())
        return self._index.get(name)

    def _names(self) -> Iterator[tuple[str | tuple[str, str], Any]]:
        """The outermost comes last, so that it wins."""
        base = self._root.get("$id")
        for node in reversed([*_nodes(self._root)]):
            for key in ("$id", "id"):
                name = node.get(key)
                if isinstance(name, str):
                    yield name, node
                    yield _joined(base, name).removesuffix("#"), node
            for key in ("$anchor", "$dynamicAnchor"):
                yield f"#{node.get(key)}", node
            for key in _DEFINITIONS:
                inner = node.get(key)
                yield from (((key, name), each) for name, each in (inner.items() if isinstance(inner, dict) else ()))


class _Inliner:
    def __init__(self, root: Schema, what: str, notes: Notes, remote: bool) -> None:
        self._root = root
        self._definitions = Definitions(root)
        self._what = what
        self._notes = notes
        self._remote = remote
        self._count = 0
        self._size = 0
        self._sizes: dict[int, int] = {}
        self.exceeded = False

    def unfolded(self) -> Schema:
        whole: Schema = self._schema(self._root, (id(self._root),), 0)
        return whole

    def _schema(self, schema: Any, within: tuple[int, ...], depth: int) -> Any:
        """`within`: the schemas, by identity, whose references have led here."""
        if not isinstance(schema, dict):
            return schema
        self._count += len(within) > 1
        if depth > DEPTH_LIMIT:
            self._notes.add(f"tools: {self._what} was cut where it is nested too deeply")
            return {}
        for key in _REFERENCES:
            if isinstance(schema.get(key), str):
                beside = {name: value for name, value in schema.items() if name != key}
                return self._named(schema, schema[key], beside, within, depth)
        unfolded: Schema = {}
        for key, value in schema.items():
            if key in _DEFINITIONS:
                continue
            if key in SCHEMA_MAPS and isinstance(value, dict):
                unfolded[key] = {name: self._schema(inner, within, depth + 1) for name, inner in value.items()}
            elif (key in SCHEMA_LISTS or key == "items") and isinstance(value, list):
                unfolded[key] = [self._schema(inner, within, depth + 1) for inner in value]
            elif key in SCHEMAS:
                unfolded[key] = self._schema(value, within, depth + 1)
            else:
                unfolded[key] = value
        return unfolded

    def _named(self, schema: Schema, reference: str, beside: Schema, within: tuple[int, ...], depth: int) -> Any:
        found = self._definitions.find(reference)
        if found is None:
            if self._remote and not reference.startswith("#"):
                return schema
            self._notes.add(f"tools: a reference in {self._what} leads nowhere and became the open schema")
            return self._schema(beside, within, depth + 1)
        if id(found) in within or self._exceeds(found):
            self._notes.add(f"tools: a recursive reference in {self._what} became an open object")
            kind = {"type": "object"} if found.get("type", "object") == "object" else {}
            return kind | {key: each[key] for each in (found, beside) for key in ("description",) if key in each}
        deeper = (*within, id(found))
        if all(key in _BESIDE or key not in found or found[key] == value for key, value in beside.items()):
            return self._schema({**found, **beside}, deeper, depth + 1)
        return {"allOf": [self._schema(found, deeper, depth + 1), self._schema(beside, within, depth + 1)]}

    def _exceeds(self, found: Schema) -> bool:
        if id(found) not in self._sizes:
            self._sizes[id(found)] = _size(found)
        self._size += self._sizes[id(found)]
        exceeded = self._count > _NODES_LIMIT or self._size > _SIZE_LIMIT
        self.exceeded = self.exceeded or exceeded
        return exceeded


def _nodes(value: Any) -> Iterator[Schema]:
    """Every object in it, itself first."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(inner for inner in node.values() if isinstance(inner, dict | list))
        elif isinstance(node, list):
            waiting.extend(inner for inner in node if isinstance(inner, dict | list))


def _at(root: Any, path: list[str]) -> Any:
    """What a JSON pointer names; its parts may also be written without the escapes that a URL needs."""
    value = root
    for part in path:
        name = _unescaped(part)
        if isinstance(value, list):
            value = value[int(name)] if _INDEX.fullmatch(name) and int(name) < len(value) else None
        elif isinstance(value, dict):
            value = value[name] if name in value else value.get(part)
        else:
            return None
    return value


def _unescaped(part: str) -> str:
    return unquote(part).replace("~1", "/").replace("~0", "~")


def _joined(base: Any, name: str) -> str:
    try:
        return urljoin(base, name) if isinstance(base, str) else name
    except ValueError:  # of addresses such as "http://["
        return name


def _size(schema: Schema) -> int:
    """About how many characters it takes to write."""
    return sum(len(key) + _length(value) for node in _nodes(schema) for key, value in node.items())


def _length(value: Any) -> int:
    if isinstance(value, list):
        return sum(len(each) if isinstance(each, str) else _SIZE_OF_OTHERS for each in value)
    return len(value) if isinstance(value, str) else _SIZE_OF_OTHERS
