"""How models of each family write a tool call, and the input that they mean."""

from __future__ import annotations

from typing import Any

from proxy.providers.common.tool_names import NameRules, ToolNames

NAMES = ToolNames(["get_weather", "Write"], NameRules("a-zA-Z0-9_-", "", 64, 55))
JSON = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}'
CITY = '{"city": "Paris"}'
D = "\uff5cDSML\uff5c"
M = "]<]minimax[>["
BOTH: dict[str, Any] = {"city": "Paris", "days": 3}
STRINGS: dict[str, Any] = {"city": "Paris", "days": "3"}
"""Tags have no types; what the schema wants is made of them later."""
ONE: dict[str, Any] = {"city": "Paris"}
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    # where nothing else is said: as the families' chat templates have it, and parsers such as mlx_vlm.tools, 2026-11
    "Hermes, Qwen": (f"<tool_call>\n{JSON}\n</tool_call>", BOTH),
    "Hermes, never closed": (f"<tool_call>\n{JSON}", BOTH),
    "input as a string": (
        '<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>',
        ONE,
    ),
    "Qwen coder": (
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
        STRINGS,
    ),
    "Qwen coder, without its mark": (
        "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
        ONE,
    ),
    "Qwen coder, a closing tag in a value": (
        "<function=get_weather>\n<parameter=city>\na</parameter>\nb\n</parameter>\n</function>",
        {"city": "a</parameter>\nb"},
    ),
    "Seed": (
        "<seed:tool_call>\n<function=get_weather><parameter=city>Paris</parameter></function></seed:tool_call>",
        ONE,
    ),
    "GLM": (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
        "<arg_key>days</arg_key><arg_value>3</arg_value>\n</tool_call>",
        STRINGS,
    ),
    "GLM, no input": ("<tool_call>get_weather\n</tool_call>", {}),
    "LongCat": (
        "<longcat_tool_call>get_weather<longcat_arg_key>city</longcat_arg_key>"
        "<longcat_arg_value>Paris</longcat_arg_value></longcat_tool_call>",
        ONE,
    ),
    "Kimi K2": (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        f"{CITY}<|tool_call_end|><|tool_calls_section_end|>",
        ONE,
    ),
    "Kimi K3": (  # can1357/oh-my-pi#8495
        '<|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|><|open|>argument key="city" '
        'type="string"<|sep|>Paris<|close|>argument<|sep|><|open|>argument key="days" type="number"<|sep|>3'
        "<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>",
        BOTH,
    ),
    "DeepSeek V3": (
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function<\uff5ctool\u2581sep\uff5c>"
        f"get_weather\n```json\n{CITY}\n```<\uff5ctool\u2581call\u2581end\uff5c><\uff5ctool\u2581calls\u2581end\uff5c>",
        ONE,
    ),
    "DeepSeek V3.1": (
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>get_weather<\uff5ctool\u2581sep\uff5c>"
        f"{CITY}<\uff5ctool\u2581call\u2581end\uff5c><\uff5ctool\u2581calls\u2581end\uff5c><\uff5cend\u2581of\u2581sentence\uff5c>",
        ONE,
    ),
    "DeepSeek V3.2": (  # sgl-project/sglang#40237
        f'<{D}function_calls>\n<{D}invoke name="get_weather">\n<{D}parameter name="city" string="true">Paris'
        f'</{D}parameter>\n<{D}parameter name="days" string="false">3</{D}parameter>\n</{D}invoke>\n'
        f"</{D}function_calls>",
        BOTH,
    ),
    "DeepSeek's web": (  # kittors/deepseek-web-api#11
        '<|DSML|tool_calls>\n<|DSML|invoke name="get_weather">\n<|DSML|parameter name="city" string="true">Paris'
        "</|DSML|parameter>\n</|DSML|invoke>\n</|DSML|tool_calls>",
        ONE,
    ),
    "MiniMax M1": (f"<tool_calls>\n{JSON}\n</tool_calls>", BOTH),
    "MiniMax M2": (
        '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n'
        '<parameter name="days">3</parameter>\n</invoke>\n</minimax:tool_call>',
        STRINGS,
    ),
    "MiniMax M3": (
        f'{M}<tool_call>{M}<invoke name="get_weather">{M}<city>Paris{M}</city>{M}</invoke>{M}</tool_call>',
        ONE,
    ),
    "as Claude's": (
        '<function_calls>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n</invoke>\n'
        "</function_calls>",
        ONE,
    ),
    "MiniCPM": ('<function name="get_weather"><param name="city">Paris</param></function>', ONE),
    "Step 3": (
        "<\uff5ctool_calls_begin\uff5c><\uff5ctool_call_begin\uff5c>function<\uff5ctool_sep\uff5c>"
        '<steptml:invoke name="get_weather"><steptml:parameter name="city">Paris</steptml:parameter></steptml:invoke>'
        "<\uff5ctool_call_end\uff5c><\uff5ctool_calls_end\uff5c>",
        ONE,
    ),
    "Mistral": (f"[TOOL_CALLS][{JSON}]</s>", BOTH),
    "Mistral since 2025": (f"[TOOL_CALLS]get_weather[ARGS]{CITY}", ONE),
    "Magistral": (f"[TOOL_CALLS]get_weather[CALL_ID]abc123def[ARGS]{CITY}", ONE),
    "Llama 3.1": (f'<|python_tag|>{{"type": "function", "name": "get_weather", "parameters": {CITY}}}<|eom_id|>', ONE),
    "Llama 3.1, tagged": (f"<function=get_weather>{CITY}</function>", ONE),
    "LFM": ('<|tool_call_start|>[get_weather(city="Paris", days=3)]<|tool_call_end|>', BOTH),
    "Gemma 4": ('<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:3}<tool_call|>', BOTH),
    "FunctionGemma": ("<start_function_call>call:get_weather{city:<escape>Paris<escape>}<end_function_call>", ONE),
    "Granite": (f"<|tool_call|>[{JSON}]", BOTH),
    "Phi 4": (f"<|tool_call|>[{JSON}]<|/tool_call|>", BOTH),
    "gpt-oss": (
        f"<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{CITY}<|call|>",
        ONE,
    ),
    "gpt-oss, doubled": (
        f"<|channel|>commentary to=functions.get_weather<|channel|>commentary json<|message|>{CITY}",
        ONE,
    ),
    "Command A": (
        f'<|START_ACTION|>[\n {{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {CITY}}}\n]'
        "<|END_ACTION|>",
        ONE,
    ),
    "InternLM": (f'<|action_start|><|plugin|>\n{{"name": "get_weather", "parameters": {CITY}}}<|action_end|>', ONE),
    "Nemotron": (f"<TOOLCALL>[{JSON}]</TOOLCALL>", BOTH),
    "Hunyuan": (f"<tool_calls>\n<tool_call>get_weather\n```json\n{CITY}\n```</tool_call>\n</tool_calls>", ONE),
    "Apertus": (f'<|tools_prefix|>[{{"get_weather": {CITY}}}]<|tools_suffix|>', ONE),
    "Gemma 3": ('```tool_code\nget_weather(city="Paris", days=3)\n```', BOTH),
    "Gemini, in its text": ("```tool_code\nprint(default_api.get_weather(city='Paris'))\n```", ONE),
    "xLAM": (f"<functioncall> {JSON}", BOTH),
}
