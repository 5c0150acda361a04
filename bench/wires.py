"""What the upstream says on each wire, as text that is written once: its answers have to cost next to nothing."""

from __future__ import annotations

from dataclasses import dataclass

SAID = "hello %(now).6f "
"""A delta, with the moment at which it is sent. No JSON has to escape it."""
COUNT = "%(count)d"
"""How many have been sent with it."""
ALL = "<all>"
"""Stands where a wire repeats, or says at once, what the answer says."""


@dataclass(frozen=True, slots=True)
class Wire:
    begin: str
    """What comes before the first delta of a stream."""
    delta: str
    end: str
    whole: str
    """The answer that is not streamed, as JSON."""


def _named(*events: str) -> str:
    """Events whose type, which stands first in their JSON, is their name as well."""
    return "".join("event: {}\ndata: {}\n\n".format(event.split('"', 4)[3], event) for event in events)


_CHUNK = (
    'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench","choices":'
    '[{"index":0,"delta":%s,"finish_reason":%s}]%s}\n\n'
)
_CHAT_USAGE = ',"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}'
CHAT = Wire(
    begin="",
    delta=_CHUNK % (f'{{"content":"{SAID}"}}', "null", ""),
    end=_CHUNK % ("{}", '"stop"', _CHAT_USAGE) + "data: [DONE]\n\n",
    whole='{"id":"chatcmpl-bench","object":"chat.completion","created":1790000000,"model":"bench","choices":[{"index":0,'
    f'"message":{{"role":"assistant","content":"{ALL}"}},"finish_reason":"stop"}}]{_CHAT_USAGE}}}',
)

_PART = f'{{"type":"output_text","annotations":[],"logprobs":[],"text":"{ALL}"}}'
_ITEM = '{"id":"msg_bench","type":"message","status":"%s","content":[%s],"role":"assistant"}'
_RESPONSE = (
    '{"id":"resp_bench","object":"response","created_at":1790000000,"status":"%s","error":null,"incomplete_details":null,'
    '"instructions":null,"model":"bench","output":[%s],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto",'
    '"tools":[],"top_p":1.0,"usage":%s}'
)
_COMPLETED = _RESPONSE % (
    "completed",
    _ITEM % ("completed", _PART),
    '{"input_tokens":9,"input_tokens_details":{"cached_tokens":0},"output_tokens":9,"output_tokens_details":'
    '{"reasoning_tokens":0},"total_tokens":18}',
)
_PLACE = '"item_id":"msg_bench","output_index":0,"content_index":0'
RESPONSES = Wire(
    begin=_named(
        f'{{"type":"response.created","sequence_number":0,"response":{_RESPONSE % ("in_progress", "", "null")}}}',
        f'{{"type":"response.in_progress","sequence_number":1,"response":{_RESPONSE % ("in_progress", "", "null")}}}',
        '{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":'
        f"{_ITEM % ('in_progress', '')}}}",
        f'{{"type":"response.content_part.added","sequence_number":3,{_PLACE},"part":{_PART.replace(ALL, "")}}}',
    ),
    delta=_named(
        f'{{"type":"response.output_text.delta","sequence_number":4,{_PLACE},"delta":"{SAID}","logprobs":[],'
        '"obfuscation":"x7Qe"}'
    ),
    end=_named(
        f'{{"type":"response.output_text.done","sequence_number":5,{_PLACE},"text":"{ALL}","logprobs":[]}}',
        f'{{"type":"response.content_part.done","sequence_number":6,{_PLACE},"part":{_PART}}}',
        '{"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":'
        f"{_ITEM % ('completed', _PART)}}}",
        f'{{"type":"response.completed","sequence_number":8,"response":{_COMPLETED}}}',
    ),
    whole=_COMPLETED,
)

_CANDIDATE = (
    '{"candidates":[{"content":{"parts":[{"text":"%s"}],"role":"model"}%s,"index":0}],"usageMetadata":'
    '{"promptTokenCount":9,"candidatesTokenCount":%s,"totalTokenCount":18,"promptTokensDetails":[{"modality":"TEXT",'
    '"tokenCount":9}]},"modelVersion":"bench","responseId":"bench"}'
)
_STOP = ',"finishReason":"STOP"'
GEMINI = Wire(
    begin="",
    delta=f"data: {_CANDIDATE % (SAID, '', COUNT)}\r\n\r\n",
    end=f"data: {_CANDIDATE % ('', _STOP, 9)}\r\n\r\n",
    whole=_CANDIDATE % (ALL, _STOP, 9),
)

_MESSAGE = (
    '{"id":"msg_bench","type":"message","role":"assistant","model":"claude-opus-5-5","content":[%s],"stop_reason":%s,'
    '"stop_sequence":null,"stop_details":null,"usage":%s}'
)
_USAGE = '{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":9}'
MESSAGES = Wire(
    begin=_named(
        f'{{"type":"message_start","message":{_MESSAGE % ("", "null", _USAGE)}}}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    ),
    delta=_named(f'{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{SAID}"}}}}'),
    end=_named(
        '{"type":"content_block_stop","index":0}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},"usage":'
        f"{_USAGE}}}",
        '{"type":"message_stop"}',
    ),
    whole=_MESSAGE % (f'{{"type":"text","text":"{ALL}"}}', '"end_turn"', _USAGE),
)
