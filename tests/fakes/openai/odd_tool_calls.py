"""Odd streams: tool calls whose pieces are numbered, named or ordered in ways of their own."""

from __future__ import annotations

from tests.fakes.openai.odd_base import OddStream, call, calls, chunk, final, odd, text
from tests.fakes.openai.replies import DONE

_READ_A = ("tool", "Read", {"file_path": "a.py"})
_READ_B = ("tool", "Read", {"file_path": "b.py"})
_GREP = ("tool", "Grep", {"pattern": "x"})
_A = '{"file_path": "a.py"}'
_B = '{"file_path": "b.py"}'
_X = '{"pattern": "x"}'
_END = (final("tool_calls"), DONE)


def _start(number: int, id: str, name: str = "Read", arguments: str = "") -> dict[str, object]:
    return calls(call(index=number, id=id, name=name, arguments=arguments))


def _more(number: int, arguments: str) -> dict[str, object]:
    return chunk({"tool_calls": [{"index": number, "function": {"arguments": arguments}}]})


NUMBERING: tuple[OddStream, ...] = (
    odd(
        "index_missing",
        "Gemini's OpenAI endpoint",
        [
            calls(call(id="call_1", name="Read", arguments=_A)),
            calls(call(id="call_2", name="Grep", arguments=_X)),
            *_END,
        ],
        _READ_A,
        _GREP,
    ),
    odd(
        "index_missing_in_one_chunk",
        "Gemini's OpenAI endpoint, parallel calls",
        [
            calls(call(id="call_1", name="Read", arguments=_A), call(id="call_2", name="Read", arguments=_B)),
            *_END,
        ],
        _READ_A,
        _READ_B,
    ),
    odd(
        "index_missing_in_pieces",
        "gateways in front of Gemini",
        [
            calls(call(id="call_1", name="Read", arguments="")),
            chunk({"tool_calls": [{"function": {"arguments": '{"file_path": '}}]}),
            chunk({"tool_calls": [{"index": None, "id": None, "function": {"arguments": '"a.py"}'}}]}),
            calls(call(id="call_2", name="Grep", arguments=_X)),
            *_END,
        ],
        _READ_A,
        _GREP,
    ),
    odd(
        "index_and_id_missing",
        "local servers; a new name is a new call",
        [calls(call(name="Read", arguments=_A)), calls(call(name="Grep", arguments=_X)), *_END],
        _READ_A,
        _GREP,
    ),
    odd(
        "same_index_new_id",
        "lmdeploy and old vLLM (InternLM/lmdeploy#3412), Ollama behind gateways",
        [
            _start(0, "call_1"),
            chunk({"tool_calls": [{"index": 0, "id": "", "function": {"arguments": _A}}]}),
            _start(0, "call_2"),
            chunk({"tool_calls": [{"index": 0, "id": "", "function": {"arguments": _B}}]}),
            *_END,
        ],
        _READ_A,
        _READ_B,
    ),
    odd(
        "same_index_numbered_ids",
        "sglang (InternLM/lmdeploy#3412): ids that come again in every answer",
        [
            _start(0, "0"),
            chunk({"tool_calls": [{"index": 0, "id": "0", "function": {"name": None, "arguments": _A}}]}),
            _start(0, "1", "Grep"),
            chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": None, "arguments": _X}}]}),
            *_END,
        ],
        _READ_A,
        _GREP,
    ),
    odd(
        "same_index_whole_calls",
        "Ollama: every call whole, all at index 0",
        [_start(0, "call_1", "Read", _A), _start(0, "call_2", "Grep", _X), *_END],
        _READ_A,
        _GREP,
    ),
    odd(
        "first_call_at_index_1",
        "LiteLLM's bridge from Responses",
        [_start(1, "call_1"), _more(1, _A), *_END],
        _READ_A,
    ),
    odd(
        "index_with_gaps",
        "LiteLLM's bridge from Responses: text and reasoning items are counted too",
        [text("so"), _start(2, "call_1", "Read", _A), _start(5, "call_2", "Grep", _X), *_END],
        ("text", "so"),
        _READ_A,
        _GREP,
    ),
    odd(
        "several_calls_in_one_chunk",
        "saberjack/SHTUCodeProxy#1",
        [
            calls(
                call(index=0, id="call_1", name="Read", arguments=_A),
                call(index=1, id="call_2", name="Read", arguments=_B),
                call(index=2, id="call_3", name="Grep", arguments=_X),
            ),
            *_END,
        ],
        _READ_A,
        _READ_B,
        _GREP,
    ),
    odd(
        "three_parallel_calls",
        "OpenAI",
        [
            _start(0, "call_1"),
            _more(0, '{"file_path": '),
            _more(0, '"a.py"}'),
            _start(1, "call_2"),
            _more(1, _B),
            _start(2, "call_3", "Grep"),
            _more(2, '{"pattern"'),
            _more(2, ': "x"}'),
            *_END,
        ],
        _READ_A,
        _READ_B,
        _GREP,
    ),
    odd(
        "interleaved",
        "parallel calls of gateways (headroomlabs-ai/headroom#2890)",
        [
            _start(0, "call_1"),
            _start(1, "call_2", "Grep"),
            _more(0, '{"file_path"'),
            _more(1, '{"pattern"'),
            _more(0, ': "a.py"}'),
            _more(1, ': "x"}'),
            *_END,
        ],
        _READ_A,
        _GREP,
    ),
)

NAMING: tuple[OddStream, ...] = (
    odd(
        "empty_id_and_name_later",
        "vLLM, DashScope, GLM (anomalyco/opencode#37841)",
        [
            _start(0, "call_1", "Read", '{"file_path"'),
            calls(call(index=0, id="", name="", arguments=': "a.py"')),
            calls(call(index=0, id=None, name=None, arguments="}")),
            *_END,
        ],
        _READ_A,
    ),
    odd(
        "id_repeated",
        "sglang",
        [
            _start(0, "call_1"),
            chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": None, "arguments": _A}}]}),
            *_END,
        ],
        _READ_A,
    ),
    odd(
        "id_never_sent",
        "vLLM (vllm-project/vllm#18412)",
        [calls(call(index=0, name="Read", arguments="")), _more(0, _A), *_END],
        _READ_A,
    ),
    odd(
        "ids_never_sent_in_parallel",
        "vLLM (vllm-project/vllm#18412)",
        [
            calls(call(index=0, id=None, name="Read", arguments=_A)),
            calls(call(index=1, id=None, name="Grep", arguments=_X)),
            *_END,
        ],
        _READ_A,
        _GREP,
    ),
    odd(
        "id_before_name",
        "bridges (pipecat-ai/pipecat#4987), vmlx (jjang-ai/vmlx#244)",
        [
            calls(call(index=0, id="call_1", name="", arguments="")),
            calls(call(index=0, name="Read", arguments="")),
            _more(0, _A),
            *_END,
        ],
        _READ_A,
    ),
    odd(
        "arguments_before_name",
        "vercel/ai#14722",
        [
            chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"arguments": '{"file_path"'}}]}),
            calls(call(index=0, name="Read", arguments=': "a.py"}')),
            *_END,
        ],
        _READ_A,
    ),
    odd(
        "name_at_the_very_end",
        "bridges: the call can only begin when it is over",
        [
            chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"arguments": _A}}]}),
            calls(call(index=0, name="Read"), finish="tool_calls"),
            DONE,
        ],
        _READ_A,
    ),
    odd(
        "name_repeated",
        "vLLM (vllm-project/vllm#14951), MiniMax on NVIDIA NIM",
        [
            _start(0, "call_1", "Read", '{"file_path"'),
            _start(0, "call_1", "Read", ': "a.py"'),
            _start(0, "call_1", "Read", "}"),
            *_END,
        ],
        _READ_A,
    ),
    odd(
        "name_in_pieces",
        "Gemini behind gateways (continuedev/continue#5849)",
        [_start(0, "call_1", "Re"), calls(call(index=0, name="ad", arguments="")), _more(0, _A), *_END],
        _READ_A,
    ),
)

ARGUMENTS: tuple[OddStream, ...] = (
    odd(
        "arguments_object",
        "Ollama and some proxies",
        [calls(call(index=0, id="call_1", name="Read", arguments={"file_path": "a.py"})), *_END],
        _READ_A,
    ),
    odd(
        "arguments_null",
        "servers in front of tools without parameters",
        [calls(call(index=0, id="call_1", name="List", arguments=None)), *_END],
        ("tool", "List", {}),
    ),
    odd(
        "arguments_empty",
        "vLLM and OpenAI for tools without parameters (vercel/ai#6687)",
        [_start(0, "call_1", "List", ""), *_END],
        ("tool", "List", {}),
    ),
    odd(
        "arguments_null_at_first",
        "vLLM (vllm-project/vllm#9693)",
        [calls(call(index=0, id="call_1", name="Read", arguments=None)), _more(0, _A), *_END],
        _READ_A,
    ),
    odd(
        "arguments_in_one_piece",
        "Ollama, Mistral",
        [_start(0, "call_1", "Read", _A), *_END],
        _READ_A,
    ),
    odd(
        "arguments_torn_inside_escapes",
        "every server that streams token by token",
        [
            _start(0, "call_1", "Write"),
            *(_more(0, piece) for piece in ('{"content": "a\\', "nb \\ud83d", "\\ude", '00 \\"', 'q\\" é"}')),
            *_END,
        ],
        ("tool", "Write", {"content": 'a\nb \U0001f600 "q" é'}),
    ),
    odd(
        "arguments_cumulative",
        "saberjack/SHTUCodeProxy#1: each delta repeats all of them so far",
        [
            _start(0, "call_1"),
            *(_more(0, _A[:end]) for end in (5, 13, len(_A))),
            *_END,
        ],
        _READ_A,
    ),
    odd(
        "arguments_like_cumulative",
        "no server so far, but any may: a nested object begins as its parent did and is the next piece all the same",
        [_start(0, "call_1", "Set"), _more(0, '{"a":'), _more(0, '{"a":1}}'), *_END],
        ("tool", "Set", {"a": {"a": 1}}),
    ),
    odd(
        "final_message_repeats_call",
        "saberjack/SHTUCodeProxy#1: the last chunk carries the whole message",
        [
            _start(0, "call_1"),
            _more(0, _A),
            {
                **final(None),
                "choices": [
                    {
                        "index": 0,
                        "delta": {},
                        "message": {
                            "role": "assistant",
                            "content": None,
                            "tool_calls": [call(index=0, id="call_1", name="Read", arguments=_A)],
                        },
                        "finish_reason": "tool_calls",
                    }
                ],
            },
            DONE,
        ],
        _READ_A,
    ),
    odd(
        "function_null",
        "endolith/open-interpreter#262",
        [_start(0, "call_1"), chunk({"tool_calls": [{"index": 0, "function": None}]}), _more(0, _A), *_END],
        _READ_A,
    ),
)

ORDER: tuple[OddStream, ...] = (
    odd(
        "text_after_tool",
        "Kimi K2.5 (musistudio/claude-code-router#1356)",
        [text("before"), _start(0, "call_1"), _more(0, _A), text("after"), *_END],
        ("text", "before"),
        _READ_A,
        ("text", "after"),
    ),
    odd(
        "text_and_call_in_one_chunk",
        "Gemma on Vertex, by LiteLLM's account",
        [
            chunk({"content": "look", "tool_calls": [call(index=0, id="call_1", name="Read", arguments=_A)]}),
            *_END,
        ],
        ("text", "look"),
        _READ_A,
    ),
    odd(
        "call_and_finish_in_one_chunk",
        "Gemini's OpenAI endpoint",
        [calls(call(index=0, id="call_1", name="Read", arguments=_A), finish="tool_calls"), DONE],
        _READ_A,
    ),
    odd(
        "empty_content_beside_calls",
        "vLLM: content is an empty string or null on every tool delta",
        [
            chunk({"content": "", "tool_calls": [call(index=0, id="call_1", name="Read", arguments="")]}),
            chunk({"content": None, "tool_calls": [{"index": 0, "function": {"arguments": _A}}]}),
            *_END,
        ],
        _READ_A,
    ),
)

TOOL_CALLS = (*NUMBERING, *NAMING, *ARGUMENTS, *ORDER)
