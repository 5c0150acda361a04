"""Repairs of tool input: what is mended, what is left alone, and that nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.answering.filters.tool_input import repair_tool_input, repaired
from proxy.protocol.deltas import Delta, Finish, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart
from tests.fuzz import examples
from tests.providers.schemas import MUTATED, OBJECTS, REAL

SCHEMA = {
    "type": "object",
    "properties": {
        "file_path": {"type": "string"},
        "pages": {"type": "string"},
        "content": {"type": "string"},
        "todos": {"type": "array"},
        "options": {"type": "object"},
        "anything": {},
        "either": {"type": ["string", "array"]},
    },
    "required": ["file_path", "content"],
}


@pytest.mark.parametrize(
    ("tool", "written", "meant"),
    [
        pytest.param(
            "Read", {"file_path": "x", "pages": ""}, {"file_path": "x"}, id="CASES-30 optional filled with nothing"
        ),
        pytest.param("Write", {"file_path": "x", "content": ""}, None, id="CASES-30 required and empty"),
        pytest.param("Write", {"file_path": "x", "pages": ""}, None, id="CASES-30 another tool"),
        pytest.param("Read", {"file_path": "x", "pages": "1-5"}, None, id="CASES-30 optional with a value"),
        pytest.param("T", {"todos": '[{"a": 1}]'}, {"todos": [{"a": 1}]}, id="CASES-31 array as a string"),
        pytest.param("T", {"options": '{"a": 1}'}, {"options": {"a": 1}}, id="CASES-31 object as a string"),
        pytest.param("T", {"todos": '{"a": 1}'}, None, id="CASES-31 the other type"),
        pytest.param("T", {"todos": "[not json"}, None, id="CASES-31 no JSON"),
        pytest.param("T", {"content": "[1]"}, None, id="CASES-31 a string is wanted"),
        pytest.param("T", {"anything": "[1]", "either": "[1]"}, None, id="CASES-31 a string is allowed"),
        pytest.param("T", {"content ": "x"}, {"content": "x"}, id="CASES-32 white space in a key"),
        pytest.param("T", {"content ": "x", "content": "y"}, None, id="CASES-32 the key is there, too"),
        pytest.param("T", {"other ": "x"}, None, id="CASES-32 a key that the schema does not know"),
    ],
)
def test_repairs(tool: str, written: dict[str, Any], meant: dict[str, Any] | None) -> None:
    text = json.dumps(written)
    assert repaired(text, tool, SCHEMA) == (text if meant is None else json.dumps(meant))
    assert json.loads(repaired(json.dumps(text), tool, SCHEMA)) == (meant or written)


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"a":', '"x"', "7"])
def test_what_is_no_object_is_left_alone(text: str) -> None:
    assert repaired(text, "T", SCHEMA) == text


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())), st.integers(1, 5))
def test_nothing_is_changed_without_a_schema(value: dict[str, Any], size: int) -> None:
    text = json.dumps(value)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    deltas: list[Delta] = [TextDelta("a"), ToolCallStart(0, "T"), *(ToolCallDelta(0, piece) for piece in pieces)]
    batches = [[delta] for delta in [*deltas, ToolCallEnd(0), Finish()]]
    out = [delta for batch in repair_tool_input(batches, {"T": {}}, lambda _: True) for delta in batch]
    assert "".join(delta.json for delta in out if isinstance(delta, ToolCallDelta)) == text
    assert [type(delta) for delta in out if not isinstance(delta, ToolCallDelta)] == [
        TextDelta,
        ToolCallStart,
        ToolCallEnd,
        Finish,
    ]


def test_input_that_was_cut_off_is_passed_on() -> None:
    batches: list[list[Delta]] = [[ToolCallStart(0, "T"), ToolCallDelta(0, '{"a": "b')], [], [Finish("max_tokens")]]
    out = list(repair_tool_input(batches, {"T": {}}, lambda _: True))
    assert out == [[ToolCallStart(0, "T")], [], [ToolCallDelta(0, '{"a": "b'), Finish("max_tokens")]]


def test_a_tool_that_is_not_held_streams() -> None:
    batches: list[list[Delta]] = [[ToolCallStart(0, "T")], [ToolCallDelta(0, '{"todos": "[]"}')], [ToolCallEnd(0)]]
    assert list(repair_tool_input(batches, {"T": SCHEMA}, lambda _: False)) == batches


STRING, INTEGER, NUMBER, FLAG = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))
LIST = {"type": "array", "items": STRING}
ITEM = {"type": "object", "properties": {"a": STRING, "n": INTEGER, "all": FLAG}, "required": ["a"]}
NULL = {"type": "null"}


def mended(value: Any, schema: Any, **root: Any) -> Any:
    """What becomes of the value of a property with this schema; `required` and `$defs` are the root's."""
    text = repaired(json.dumps({"x": value}), "T", {"type": "object", "properties": {"x": schema}, **root})
    return json.loads(text).get("x", "left out")


@pytest.mark.parametrize(
    ("schema", "value", "meant"),
    [
        pytest.param(INTEGER, "100", 100, id="an integer"),
        pytest.param(INTEGER, " 7 ", 7, id="an integer with spaces"),
        pytest.param(INTEGER, "-3", -3, id="a negative one"),
        pytest.param(INTEGER, "5.0", 5, id="an integer with a fraction of nothing"),
        pytest.param(INTEGER, "9" * 25, int("9" * 25), id="a long one"),
        pytest.param(NUMBER, "0.5", 0.5, id="a number"),
        pytest.param(NUMBER, "5", 5, id="a number without a fraction"),
        pytest.param(NUMBER, "1e3", 1000.0, id="a number with an exponent"),
        pytest.param(FLAG, "true", True, id="true"),
        pytest.param(FLAG, "False", False, id="Python's false"),
        pytest.param({"type": ["integer", "null"]}, "5", 5, id="a list of types"),
        pytest.param({"anyOf": [INTEGER, NULL]}, "5", 5, id="anyOf with null"),
        pytest.param({"oneOf": [NULL, FLAG]}, "true", True, id="oneOf with null"),
        pytest.param({"anyOf": [INTEGER, FLAG]}, "true", True, id="several types, none of them a string"),
        pytest.param({"anyOf": [INTEGER, NULL]}, "null", None, id="null as a string"),
        pytest.param({"type": "INTEGER"}, "5", 5, id="great letters"),
        pytest.param({"type": "integer", "nullable": True}, "5", 5, id="OpenAPI's nullable"),
        pytest.param({"enum": [1, 2]}, "2", 2, id="an enum of integers"),
        pytest.param({"const": True}, "true", True, id="a constant"),
        pytest.param({"allOf": [{"description": "d"}, INTEGER]}, "5", 5, id="allOf"),
        pytest.param({"allOf": [{"type": ["string", "integer"]}, INTEGER]}, "5", 5, id="allOf that leaves one type"),
        pytest.param({"allOf": [NUMBER, INTEGER]}, "5", 5, id="an integer is a number, too"),
        pytest.param({"$ref": "#/$defs/count"}, "5", 5, id="$ref"),
        pytest.param({"$ref": "#/%24defs/count"}, "5", 5, id="an encoded $ref"),
        pytest.param({"$ref": "#/$defs/maybe"}, "5", 5, id="$ref to alternatives"),
        pytest.param({"type": ["array", "null"], "items": STRING}, '["a", "b"]', ["a", "b"], id="a list in a string"),
        pytest.param({"anyOf": [LIST, NULL]}, '["a"]', ["a"], id="a list in a string, anyOf with null"),
        pytest.param({"anyOf": [LIST, {"type": "array", "items": INTEGER}]}, "[1]", [1], id="one list or the other"),
        pytest.param({"items": STRING}, '["a"]', ["a"], id="items without a type"),
        pytest.param({"$ref": "#/$defs/item"}, '{"a": "b"}', {"a": "b"}, id="an object in a string"),
        pytest.param({"properties": {"a": STRING}}, '{"a": "b"}', {"a": "b"}, id="properties without a type"),
        pytest.param(ITEM, '{"a": "5", "n": "5"}', {"a": "5", "n": 5}, id="a number in a string in a string"),
        pytest.param(ITEM, json.dumps(json.dumps({"a": "b"})), json.dumps(json.dumps({"a": "b"})),
                     id="encoded three times"),
        pytest.param({"type": "array", "items": ITEM}, ['{"a": "b", "all": "true"}'], [{"a": "b", "all": True}],
                     id="items in strings"),
        pytest.param({"type": "array", "items": INTEGER}, ["1", 2], [1, 2], id="numbers in a list"),
        pytest.param({"type": "array", "items": INTEGER}, '["1", "2"]', [1, 2], id="a list of strings in a string"),
        pytest.param({"type": "array", "prefixItems": [INTEGER, STRING], "items": FLAG}, ["1", "2", "true"],
                     [1, "2", True], id="a tuple"),
        pytest.param({"type": "array", "items": [INTEGER, STRING]}, ["1", "2", "3"], [1, "2", "3"],
                     id="a tuple of older drafts"),
        pytest.param({"type": "object", "additionalProperties": INTEGER}, {"k": "5"}, {"k": 5}, id="a map"),
        pytest.param(ITEM, {"a ": "b", " n": "5"}, {"a": "b", "n": 5}, id="white space in names within"),
        pytest.param(ITEM, {"a": "b", "n": None}, {"a": "b"}, id="null within"),
        pytest.param({"type": "array", "items": ITEM}, [{"a": "b", "all": None}], [{"a": "b"}], id="null in items"),
        pytest.param(LIST, "one", ["one"], id="one string where a list is wanted"),
        pytest.param({"type": "array", "items": INTEGER}, 5, [5], id="one number where a list is wanted"),
        pytest.param({"type": "array", "items": ITEM}, {"a": "b"}, [{"a": "b"}], id="one object for a list"),
        pytest.param({"type": "array", "items": ITEM}, '{"a": "b"}', '{"a": "b"}', id="one object in a string"),
        pytest.param({"anyOf": [LIST, NULL]}, "one", ["one"], id="one string for a list or null"),
    ],
)  # fmt: skip
def test_what_the_schema_leaves_no_doubt_of(schema: Any, value: Any, meant: Any) -> None:
    definitions = {"count": INTEGER, "maybe": {"anyOf": [{"$ref": "#/$defs/count"}, NULL]}, "item": ITEM}
    fixed = mended(value, schema, **{"$defs": definitions})
    assert (fixed, type(fixed)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(STRING, "5", id="a string"),
        pytest.param(STRING, '{"a": 1}', id="a string that holds an object"),
        pytest.param(STRING, "", id="an empty string"),
        pytest.param({"type": ["string", "integer"]}, "5", id="a string or an integer"),
        pytest.param({"anyOf": [INTEGER, STRING]}, "5", id="anyOf with a string"),
        pytest.param({"anyOf": [INTEGER, {"enum": ["5"]}]}, "5", id="anyOf with an enum of strings"),
        pytest.param({"anyOf": [INTEGER, {}]}, "5", id="anyOf with anything"),
        pytest.param({"anyOf": [INTEGER, True]}, "5", id="anyOf with true"),
        pytest.param({"anyOf": [LIST, {"$ref": "#/$defs/text"}]}, '["a"]', id="anyOf with a reference to a string"),
        pytest.param({"enum": ["1", 1]}, "1", id="an enum that has both"),
        pytest.param({}, "5", id="anything"),
        pytest.param(True, "5", id="true as a schema"),
        pytest.param({"type": "odd"}, "5", id="a type that nobody knows"),
        pytest.param({"$ref": "#/nowhere"}, "5", id="a reference to nowhere"),
        pytest.param({"$ref": "#/properties/x"}, "5", id="a reference to itself"),
        pytest.param(INTEGER, "5.5", id="a fraction for an integer"),
        pytest.param(INTEGER, "five", id="a word"),
        pytest.param(INTEGER, "05", id="a leading zero"),
        pytest.param(INTEGER, "", id="nothing for an integer"),
        pytest.param(INTEGER, "true", id="true for an integer"),
        pytest.param(INTEGER, True, id="a boolean for an integer"),
        pytest.param(INTEGER, "1, 2", id="two integers"),
        pytest.param(INTEGER, "9" * 5000, id="more digits than Python reads"),
        pytest.param(NUMBER, "NaN", id="not a number"),
        pytest.param(NUMBER, "1e400", id="infinity"),
        pytest.param(FLAG, "yes", id="yes"),
        pytest.param(FLAG, "1", id="one for a boolean"),
        pytest.param(FLAG, 1, id="the number one for a boolean"),
        pytest.param(LIST, '["a", "b', id="a list that was cut"),
        pytest.param(LIST, "a, b", id="a list in a writing of its own"),
        pytest.param(LIST, "a\nb", id="a list line by line"),
        pytest.param(LIST, "", id="nothing for a list"),
        pytest.param(LIST, 5, id="a number for a list of strings"),
        pytest.param(LIST, None, id="null for a list that is required"),
        pytest.param({"type": "array"}, "a", id="one item of a list of anything"),
        pytest.param({"type": "array", "items": ITEM}, {"n": 5}, id="an object that lacks what an item needs"),
        pytest.param({"type": "array", "items": ITEM}, {"a": "b", "other": 1}, id="an object with more than an item"),
        pytest.param({"anyOf": [STRING, LIST]}, "a", id="a string or a list"),
        pytest.param({"anyOf": [ITEM, {"type": "object"}]}, {"n": "5"}, id="an object of one kind or the other"),
        pytest.param({"type": "object", "patternProperties": {"^n": STRING}, "additionalProperties": INTEGER},
                     {"n": "5"}, id="a map with patterns"),
        pytest.param(INTEGER, 5.0, id="an integer with a fraction of nothing"),
        pytest.param(ITEM, {"a": None}, id="null for what is required"),
        pytest.param(ITEM, {"a": "b", "a ": "c"}, id="a name twice"),
        pytest.param({"type": ["object", "null"]}, None, id="null where it may stand"),
    ],
)  # fmt: skip
def test_what_is_in_doubt_stays_byte_for_byte(schema: Any, value: Any) -> None:
    text = '{ "x":' + json.dumps(value) + " }"
    whole = {"type": "object", "properties": {"x": schema}, "required": ["x"], "$defs": {"text": STRING}}
    assert repaired(text, "T", whole) == text


@pytest.mark.parametrize(
    ("schema", "left_out"),
    [
        pytest.param(INTEGER, True, id="an integer"),
        pytest.param(STRING, True, id="a string"),
        pytest.param(LIST, True, id="a list"),
        pytest.param({"enum": ["a", "b"]}, True, id="an enum"),
        pytest.param({"anyOf": [STRING, INTEGER]}, True, id="alternatives without null"),
        pytest.param({"$ref": "#/$defs/count"}, True, id="$ref"),
        pytest.param({"type": ["integer", "null"]}, False, id="a list of types with null"),
        pytest.param({"anyOf": [INTEGER, NULL]}, False, id="anyOf with null"),
        pytest.param({"enum": ["a", None]}, False, id="an enum with null"),
        pytest.param({"type": "string", "nullable": True}, False, id="nullable"),
        pytest.param({}, False, id="anything"),
        pytest.param({"$ref": "#/nowhere"}, False, id="a reference to nowhere"),
    ],
)
def test_null_in_optional_parameters(schema: Any, left_out: bool) -> None:
    root = {"type": "object", "properties": {"x": schema}, "$defs": {"count": INTEGER}}
    text = '{"x":null, "y":null}'
    assert repaired(text, "T", root) == ('{"y": null}' if left_out else text)
    assert repaired(text, "T", {**root, "required": ["x"]}) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param('{}{"a": 1}', {"a": 1}, id="an empty object before it"),
        pytest.param('{} {}\n{"a": 1}', {"a": 1}, id="two empty objects before it"),
        pytest.param('{"a": 1}{}', {"a": 1}, id="an empty object behind it"),
        pytest.param('{"a": 1}{"a": 1}', {"a": 1}, id="the same twice"),
        pytest.param('{"a": 1}\n{"a":1}{"a": 1}', {"a": 1}, id="the same three times"),
        pytest.param('{"a": 1, "b": 2}{"b": 2, "a": 1}', {"a": 1, "b": 2}, id="the same in another order"),
        pytest.param("{}{}", {}, id="nothing twice"),
        pytest.param("[]", {}, id="an empty map of PHP"),
        pytest.param('"[]"', {}, id="an empty map of PHP in a string"),
        pytest.param('{"a": 1}<|endoftext|>', {"a": 1}, id="a control token behind it"),
        pytest.param('{"a": 1} </s> <|im_end|>\n', {"a": 1}, id="two control tokens behind it"),
        pytest.param('{"a": 1}<\uff5ctool\u2581call\u2581end\uff5c>', {"a": 1}, id="a control token of DeepSeek"),
        pytest.param('{"a": "x\n\ty"}', {"a": "x\n\ty"}, id="raw line ends and tabs"),
        pytest.param('{"a": "\x01"}', {"a": "\x01"}, id="another raw control character"),
        pytest.param(json.dumps('{"a": "x\ny"}'), {"a": "x\ny"}, id="encoded twice, with a raw line end"),
        pytest.param(json.dumps(json.dumps(json.dumps({"a": 1}))), {"a": 1}, id="encoded three times"),
        pytest.param(json.dumps('{}{"a": 1}'), {"a": 1}, id="encoded twice, with an empty object before it"),
        pytest.param("{'a': 'it\\'s', 'b': None}", {"a": "it's", "b": None}, id="Python's notation"),
        pytest.param('{"a": True, "b": -1.5}', {"a": True, "b": -1.5}, id="Python's words"),
        pytest.param('{"a": [1, 2,], "b": null,}', {"a": [1, 2], "b": None}, id="last commas"),
    ],
)
def test_texts_with_one_reading(text: str, meant: Any) -> None:
    assert repaired(text, "T", {}) == json.dumps(meant)


@pytest.mark.parametrize(
    "text",
    [
        *(
            '{"a": 1}{"a": 2}',
            '{"a": 1}{"a": true}',
            '{"a": 1}{"a":',
            '{"a": 1}x',
            'x{"a": 1}',
            "{'a': '\\d'}",
            "{'a': '\\u00e9'}",
            "{'a': b}",
            "{'a': open('b')}",
            "{'a': 1, 'a': 2}",
            "{1: 2}",
            "{'a': 1",
            '{"a": 1} []',
        ),
        *('{"a": NaN}', '{"a": Infinity}\x01', '{"a": 1e400, "b": "\x01"}', '{"a": ' + "9" * 5000 + ', "b": "\n"}'),
        *("[" * 100_000, '{"a":' * 100_000, "{}" * 1000 + "{", '"' * 1001, "<|endoftext|>", "\ufeff", "\ud800"),
    ],
)
def test_texts_without_one_reading_stay(text: str) -> None:
    assert repaired(text, "T", SCHEMA) == text


WRITE: dict[str, Any] = {"properties": {"path": STRING, "content": STRING}, "required": ["path"]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param({"arguments": {"path": "a"}}, {"path": "a"}, id="arguments in arguments"),
        pytest.param({"parameters": {"path": "a", "content": "b"}}, {"path": "a", "content": "b"}, id="parameters"),
        pytest.param({"arguments": {"arguments": {"path": "a"}}}, {"path": "a"}, id="twice"),
        pytest.param({"name": "T", "arguments": {"path": "a"}}, {"path": "a"}, id="beside the name of the tool"),
        pytest.param({"arguments": {"content": "a"}}, None, id="without what is required"),
        pytest.param({"arguments": {"path": "a", "other": 1}}, None, id="with what is not known"),
        pytest.param({"path": "a", "arguments": {"path": "b"}}, None, id="beside input"),
        pytest.param({"value": {"path": "a"}}, None, id="another name"),
    ],
)
def test_input_in_a_property_of_its_own(written: Any, meant: Any) -> None:
    """openclaw/openclaw#142304."""
    assert json.loads(repaired(json.dumps(written), "T", WRITE)) == (meant or written)
    schema = {**WRITE, "properties": {**WRITE["properties"], "arguments": {}, "parameters": {}, "value": {}}}
    assert json.loads(repaired(json.dumps(written), "T", schema)) == written


def test_a_list_is_the_one_list_that_is_required() -> None:
    """cecli-dev/cecli#650."""
    todos = {"type": "array", "items": {"type": "string"}}
    schema = {"properties": {"todos": todos, "more": STRING}, "required": ["todos"]}
    assert repaired('["a"]', "T", schema) == '{"todos": ["a"]}'
    assert repaired('["a"]', "T", {**schema, "required": ["todos", "more"]}) == '["a"]'
    assert repaired('["a"]', "T", {**schema, "required": ["more"]}) == '["a"]'


def test_what_needs_no_repair_is_never_encoded_anew() -> None:
    text = '{"n" : 1.10, "e":1E2, "u":"\\u00e9\\ud83d", "z": [ ], "n":2 }'
    assert repaired(text, "T", {"type": "object", "properties": {"n": NUMBER, "u": STRING}}) == text


@pytest.mark.parametrize("depth", [100, 700])
def test_depth(depth: int) -> None:
    schema: Any = STRING
    value: Any = "5"
    for _ in range(depth):
        schema, value = {"type": "object", "properties": {"x": schema}}, {"x": value}
    text = json.dumps(value)
    assert repaired(text, "T", schema) == text
    assert repaired('{"x": "5"}', "T", {"allOf": [schema], "properties": {"x": INTEGER}}) == '{"x": 5}'


def test_alternatives_that_refer_to_each_other_take_no_time() -> None:
    """Each of 60 definitions names the next one twice, which is 2**60 ways."""
    definitions: Any = {
        f"k{n}": {"anyOf": [{"$ref": f"#/$defs/k{n + 1}"}, {"$ref": f"#/$defs/k{n + 1}"}]} for n in range(60)
    }
    root = {"properties": {"x": {"$ref": "#/$defs/k0"}}, "$defs": {**definitions, "k60": INTEGER}}
    assert json.loads(repaired('{"x": "5"}', "T", root)).keys() == {"x"}


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abx") | st.text(max_size=3), inner),
    max_leaves=9,
)


@settings(max_examples=examples(25), deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "edits", "limit", "tags", "range"]), ANY_JSON), OBJECTS | MUTATED)
def test_any_input_for_any_schema(value: dict[str, Any], schema: Any) -> None:
    once = repaired(json.dumps(value), "T", schema)
    assert isinstance(json.loads(once), dict)
    assert json.loads(once).keys() <= value.keys() | {key.strip() for key in value}


@given(st.text(alphabet='{}[]":,ab1 \n\\<|>') | ANY_JSON.map(json.dumps), st.sampled_from(list(REAL.values())))
def test_any_text(text: str, schema: Any) -> None:
    assert isinstance(repaired(text, "T", schema), str)


VALID: list[Any] = [
    (
        "an editor's edits",
        {"path": "5", "edits": [{"old": "[1]", "new": "", "all": True}, {"old": "null", "new": "5"}]},
    ),
    ("pydantic's, with optional fields and definitions", {"limit": None, "filter": {"kind": "one", "value": 0.5}}),
    ("pydantic's, with optional fields and definitions", {"filter": {"kind": "all", "of": []}, "env": {"A ": "1"}}),
    ("pydantic's, with optional fields and definitions", {"limit": 5, "filter": {}, "tags": ["1", "true"]}),
    ("draft 7's, with tuples and conditions", {"range": [1, 2], "mode": "fast"}),
]


@pytest.mark.parametrize(("name", "value"), VALID)
def test_valid_input_is_unchanged(name: str, value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1), json.dumps(value, separators=(",", ":"))):
        assert repaired(text, "T", REAL[name]) == text
