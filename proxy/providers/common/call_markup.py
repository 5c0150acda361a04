"""The forms in which models write tool calls when nobody makes calls of them: text -> text and calls. Pure.

Each model family has a form of its own, which its server's parser should have read. The tables here have one row for
each, with who writes it. Marks around a call, such as `<tool_call>`, may be missing, doubled or left open: what counts
is a complete call of a tool that is offered. All else is text, as it stands.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from proxy.providers.common.gemma_calls import gemma_object
from proxy.providers.common.python_notation import LENGTH_MAX

_NAME = r"[\"']?(?P<name>[^\s<>{}\[\]\"'=(),|\uff5c]{1,200})[\"']?"
_PREFIX = r"(?:[|\uff5c]\w+[|\uff5c]|\w+:)?"
_FENCE = r"(?:```(?:json)?\s*)?"
_MINIMAX_MARK = "]<]minimax[>["
"""Stands before every tag of MiniMax M3."""
MARKS = (
    *("<tool_call>", "<tool_calls>", "<function=", "<function name=", "<function_call", "<functioncall>", "<TOOLCALL>"),
    *("<invoke name=", "<minimax:tool_call>", "<seed:tool_call>", "<longcat_tool_call>", _MINIMAX_MARK),
    *("<function_calls>", "<atem:function_calls>", "<start_function_call>", "[TOOL_CALLS]"),
    *("<|tool_call", "<|tools_prefix|>", "<|python_tag|>", "<|function_call|>", "<|START_ACTION|>", "<|action_start|>"),
    *("<\uff5ctool\u2581call", "<\uff5ctool_call", "<\uff5cDSML\uff5c", "<|DSML|", "<|open|>"),
    *("<|channel|>commentary to=", "<|channel|>analysis to=", "<|start|>assistant", "```tool_code"),
)
"""With one of these every form begins."""
MARK = re.compile("|".join(map(re.escape, MARKS)))
_TAG = r"(?:\w+:)?(?:tool_calls?|function_?calls?|TOOLCALL|longcat_tool_call)"
_BEFORE = re.compile(
    rf"\s*(?:<{_TAG}>|<[|\uff5c]DSML[|\uff5c]\s*(?:function_calls|tool_calls|calls)>|<\|tool_calls_section_begin\|>"
    r"|<\uff5ctool[\u2581_]calls?[\u2581_]begin\uff5c>(?:function<\uff5ctool[\u2581_]sep\uff5c>)?|<\|open\|>tools<\|sep\|>)\s*"
)
_BEHIND = re.compile(
    rf"(?:\s*(?:</(?:{_TAG}|function|s)>|</[|\uff5c]DSML[|\uff5c]\s*\w+>|<\|tool_calls?(?:_section)?_end\|>"
    r"|<\uff5ctool[\u2581_]calls?[\u2581_]end\uff5c>|<\uff5cend\u2581of\u2581sentence\uff5c>|<\|/tool_call\|>|<tool_call\|>"
    r"|<end_function_call>|<\|(?:END_ACTION|tools_suffix|action_end|call|end|eom_id|eot_id|im_end)\|>"
    r"|<\|close\|>tools(?:<\|sep\|>)?|```(?![a-z])|[;,](?=\s*[<{\[])))*\s*"
)
"""Marks before and behind calls, which say nothing more."""
_NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"<\|tool_call_begin\|>\s*{_NAME}\s*<\|tool_call_argument_begin\|>\s*",  # Kimi K2
        rf"<\uff5ctool\u2581call\u2581begin\uff5c>(?:function<\uff5ctool\u2581sep\uff5c>)?{_NAME}"  # DeepSeek
        rf"(?:<\uff5ctool\u2581sep\uff5c>)?\s*{_FENCE}",
        rf"\[TOOL_CALLS\]\s*{_NAME}\s*(?:\[CALL_ID\]\w*)?\s*(?:\[ARGS\])?\s*(?=\{{)",  # Mistral since 2025
        rf"<function={_NAME}\s*>\s*(?=\{{)",  # Llama 3.1, Functionary
        rf"(?:<\|start\|>assistant|<\|channel\|>\w+){{1,2}} to={_NAME}[^{{}}\n]{{0,80}}?<\|message\|>\s*",  # gpt-oss
        rf"<tool_call>\s*{_NAME}\s*\n{_FENCE}(?=\{{)",  # Hunyuan
    )
)
"""A name with the input behind it as JSON."""
_ENVELOPE = re.compile(
    r"(?:<tool_calls?>|<\|tool_calls?\|>|<\|python_tag\|>|\[TOOL_CALLS\]|<TOOLCALL>|<\|START_ACTION\|>|<longcat_tool_call>"
    r"|<\|action_start\|>(?:<\|plugin\|>)?|<\|tool_call_start\|>|<\|tools_prefix\|>|<\|?function_?calls?\|?>)\s*"
    + _FENCE
)
"""Before JSON that has the name inside: Hermes, Qwen, Granite, Phi, Llama 3, Mistral, Nemotron, Command, InternLM."""
_GEMMA = re.compile(rf"(?:<start_function_call>|<\|tool_call>)\s*call:{_NAME}\s*(?=\{{)")
_PYTHONIC = re.compile(r"(?:<\|tool_call_start\|>|<\|python_tag\|>)?\s*(?=\[\s*[A-Za-z_][\w.]*\()")
"""LFM, Llama 4: `[Read(path="a")]`."""
_TOOL_CODE = re.compile(r"```tool_code\s*\n(.*?)(?:\n\s*```|```|\Z)", re.DOTALL)
"""Gemma 3, and Gemini where it forgets its API: `print(default_api.Read(path="a"))`."""
_PYTHONIC_END = re.compile(r"\)\s*\]")
_INPUTS = ("arguments", "parameters", "args", "input", "tool_input")
_NAMES = ("name", "tool_name", "function", "tool")
_TRIES = 16
"""Marks that begin no call, after which the rest is text; brackets that may close a list."""
_BETWEEN = re.compile(r"\s*[;,]?\s*")

_JSON = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class _Tags:
    """A form of nested tags: how a call opens, one parameter of it, and how it closes."""

    call: re.Pattern[str]
    parameter: re.Pattern[str]
    close: re.Pattern[str]


def _tags(call: str, parameter: str, close: str) -> _Tags:
    """The value ends at the closing tag behind which another parameter, the end of the call or of the text follows."""
    begin = parameter.partition("(?P<value>")[0].replace("?P<key>", "?:").replace("?P<type>", "?:")
    whole = rf"\s*{parameter}(?=\s*(?:{begin}|{close}|\Z))"
    return _Tags(re.compile(call), re.compile(whole, re.DOTALL), re.compile(rf"\s*(?:{close})"))


_VALUE = r"(?P<value>.*?)"
_TAGGED = (
    _tags(  # Qwen coder, Seed-OSS, Nemotron
        rf"<function={_NAME}\s*>",
        rf"<parameter=[\"']?(?P<key>[^>\"']+)[\"']?>{_VALUE}</parameter>",
        r"</function>|</tool_call>",
    ),
    _tags(  # MiniMax M2, DeepSeek V3.2, models that have learned from Claude
        rf"<{_PREFIX}invoke name={_NAME}\s*>",
        rf"<{_PREFIX}parameter name=[\"'](?P<key>[^\"']+)[\"'](?P<type>[^>]*)>{_VALUE}</{_PREFIX}parameter>",
        rf"</{_PREFIX}invoke>",
    ),
    _tags(  # MiniMax M3
        rf"<invoke name={_NAME}\s*>", rf"<(?P<key>[\w.-]+)>{_VALUE}</(?P=key)>", "</invoke>"
    ),
    _tags(  # MiniCPM
        rf"<function name={_NAME}\s*>",
        rf"<param(?:eter)? name=[\"'](?P<key>[^\"']+)[\"']>{_VALUE}</param(?:eter)?>",
        "</function>",
    ),
    _tags(  # GLM, LongCat
        rf"<(?:longcat_)?tool_call>\s*{_NAME}\s*(?=<(?:longcat_)?arg_key>|</(?:longcat_)?tool_call>)",
        rf"<(?:longcat_)?arg_key>(?P<key>[^<]+)</(?:longcat_)?arg_key>\s*"
        rf"<(?:longcat_)?arg_value>{_VALUE}</(?:longcat_)?arg_value>",
        "</(?:longcat_)?tool_call>",
    ),
    _tags(  # Kimi K3
        rf"<\|open\|>(?:tools)?call tool={_NAME}[^<]*<\|sep\|>",
        rf"<\|open\|>argument key=\"(?P<key>[^\"]+)\"(?P<type>[^<]*)<\|sep\|>{_VALUE}<\|close\|>argument(?:<\|sep\|>)?",
        r"<\|close\|>call(?:<\|sep\|>)?",
    ),
)


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as the model wrote it. `name` is the client's; values of tags are strings, whatever was meant."""

    name: str
    input: dict[str, Any]


Known = Callable[[str], str | None]
"""The client's name of the offered tool that a model called so; None where there is none."""
_Found = tuple[list[WrittenCall], int]
"""Calls, and where the text goes on."""


def read_calls(text: str, known: Known, *, cut: bool = False) -> list[str | WrittenCall]:
    """The text in pieces, in order; what is no complete call of a known tool stays text.

    At the end of a text that was not `cut`, a call may lack its closing tag.
    """
    original, text = text, text.replace(_MINIMAX_MARK, "")
    parts: list[str | WrittenCall] = []
    begin = at = failed = 0
    while failed < _TRIES and (mark := MARK.search(text, at)):
        found = _calls_at(text, mark.start(), known, cut)
        if found is None:
            at, failed = mark.end(), failed + 1
            continue
        calls, at = found
        parts += [text[begin : mark.start()], *calls]
        begin = at
    if not parts:
        return [original]
    return [part for part in (*parts, text[begin:]) if not isinstance(part, str) or part.strip()]


def calls_at_end(text: str, known: Known) -> list[WrittenCall]:
    """The calls with which the text ends; none where anything follows them.

    Models call tools while they still think, and end there (vllm-project/vllm#39056).
    """
    calls: list[WrittenCall] = []
    for part in reversed(read_calls(re.sub(r"\s*</think>\s*\Z", "", text), known) if MARK.search(text) else []):
        if isinstance(part, str):
            break
        calls.insert(0, part)
    return calls


def read_bare(text: str, known: Known) -> list[WrittenCall]:
    """The calls that the text is, as bare JSON or in Python's form; none where it is anything else or more."""
    body = re.sub(r"^\s*```(?:json)?|```\s*$", "", text).strip()
    found = _json_calls(body, 0, known, strict=True) or _pythonic(body, 0, known)
    return found[0] if found and not body[found[1] :].strip() else []


def _calls_at(text: str, start: int, known: Known, cut: bool) -> _Found | None:
    """The calls of one mark, and of those that follow it directly."""
    at: int | None = start
    while at is not None:
        found = _tagged(text, at, known, cut)
        for read in (_named, _gemma, _envelope, _pythonic, _tool_code):
            found = found or read(text, at, known)
        if found:
            calls, end = found
            return calls, _behind(_BEHIND, text, end)
        before = _BEFORE.match(text, at)
        at = before.end() if before else None
    return None


def _behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _named(text: str, at: int, known: Known) -> _Found | None:
    for pattern in _NAMED:
        if (found := pattern.match(text, at)) and (name := known(found["name"])):
            value, end = _value(text, found.end())
            if isinstance(value, dict):
                return [WrittenCall(name, value)], end
    return None


def _envelope(text: str, at: int, known: Known) -> _Found | None:
    found = _ENVELOPE.match(text, at)
    return _json_calls(text, found.end(), known) if found else None


def _json_calls(text: str, at: int, known: Known, *, strict: bool = False) -> _Found | None:
    """One or more JSON values in a row, each a call or a list of calls."""
    calls: list[WrittenCall] = []
    end = at
    while text[at : at + 1] in ("{", "["):
        value, behind = _value(text, at)
        members = value if isinstance(value, list) else [value]
        read = [_call_of(member, known, strict) for member in members]
        if not read or None in read:
            break
        calls += [call for call in read if call]
        end = behind
        at = _behind(_BETWEEN, text, end)
    return (calls, end) if calls else None


def _call_of(value: Any, known: Known, strict: bool) -> WrittenCall | None:
    """A call from an object of any of the usual keys; `strict`: nothing may stand beside name and input."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("function"), dict):
        value = value["function"]
    key = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
    if key is None:  # Apertus: {"Read": {...}}
        (given, given_input), *others = value.items() if value else [("", None)]
        name = None if others or strict else known(given)
        return WrittenCall(name, given_input) if name and isinstance(given_input, dict) else None
    inputs = [each for each in _INPUTS if each in value]
    if strict and (not inputs or not value.keys() <= {key, *inputs, "type", "id"}):
        return None
    given_input = value[inputs[0]] if inputs else {}
    if isinstance(given_input, str):
        given_input = _value(given_input, 0)[0] if given_input.strip() else {}
    name = known(value[key])
    return WrittenCall(name, given_input) if name and isinstance(given_input, dict) else None


def _value(text: str, at: int) -> tuple[Any, int]:
    """The JSON value at a place and where it ends; None for one that cannot be read."""
    try:
        return _JSON.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at


def _gemma(text: str, at: int, known: Known) -> _Found | None:
    found = _GEMMA.match(text, at)
    if not found or not (name := known(found["name"])):
        return None
    value, end = gemma_object(text, found.end())
    return None if value is None else ([WrittenCall(name, value)], end)


def _tagged(text: str, at: int, known: Known, cut: bool) -> _Found | None:
    for tags in _TAGGED:
        found = tags.call.match(text, at)
        if not found or not (name := known(found["name"])):
            continue
        values: dict[str, Any] = {}
        end = found.end()
        while parameter := tags.parameter.match(text, end):
            values[parameter["key"].strip()] = _tag_value(parameter)
            end = parameter.end()
        if close := tags.close.match(text, end):
            return [WrittenCall(name, values)], close.end()
        if values and not cut and not text[end:].strip():
            return [WrittenCall(name, values)], len(text)
    return None


def _tag_value(parameter: re.Match[str]) -> Any:
    value = parameter["value"]
    kind = parameter.groupdict().get("type") or ""
    if 'string="false"' in kind or ("type=" in kind and 'type="string"' not in kind):
        decoded, end = _value(value.strip(), 0)
        if end == len(value.strip()):
            return decoded
    return value.removeprefix("\n").removesuffix("\n")


def _pythonic(text: str, at: int, known: Known) -> _Found | None:
    found = _PYTHONIC.match(text, at)
    if not found or len(text) > LENGTH_MAX:
        return None
    for end in _ends(text, found.end()):
        try:
            tree = ast.parse(text[found.end() : end], mode="eval").body
            calls = [_python_call(each, known) for each in tree.elts] if isinstance(tree, ast.List) else []
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        read = [call for call in calls if call]
        return (read, end) if read and len(read) == len(calls) else None
    return None


def _tool_code(text: str, at: int, known: Known) -> _Found | None:
    found = _TOOL_CODE.match(text, at)
    if not found or len(text) > LENGTH_MAX:
        return None
    try:
        lines = [line.value for line in ast.parse(found[1]).body if isinstance(line, ast.Expr)]
        calls = [_python_call(_printed(line), known) for line in lines]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    read = [call for call in calls if call]
    return (read, found.end()) if read and len(read) == len(calls) else None


def _printed(node: ast.expr) -> ast.expr:
    is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    return node.args[0] if is_print and isinstance(node, ast.Call) and len(node.args) == 1 else node


def _ends(text: str, at: int) -> Iterator[int]:
    for number, found in enumerate(_PYTHONIC_END.finditer(text, at)):
        if number == _TRIES:
            return
        yield found.end()


def _python_call(node: ast.expr, known: Known) -> WrittenCall | None:
    if not isinstance(node, ast.Call) or node.args or any(word.arg is None for word in node.keywords):
        return None
    name = known(ast.unparse(node.func))
    values = {word.arg or "": ast.literal_eval(word.value) for word in node.keywords}
    json.dumps(values)
    return WrittenCall(name, values) if name else None
