from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from proxy.models.presets import presets
from proxy.models.prices import Price
from proxy.settings.config import CustomModel
from proxy.settings.problems import looks_like_key
from tests.settings.loading import QWEN, load, problems


def test_custom_models(tmp_path: Path) -> None:
    text = """\ufeff# both forms
- model_id: qwen
  api_base: http://localhost:11434/v1/
- model_id: deepseek
  api_base: https://api.deepseek.com
  api_key_name: QWEN_KEY
  can_stream: false
  max_tokens: 8192
  model_name: deepseek-chat
  api: responses
  context_window: 65536
  vision: false
  headers: {X-Title: "sk-canary"}
  extra_body: {top_k: 20, options: {num_ctx: 4096}}
  max_tokens_field: max_completion_tokens
  think_tags: true
  quirks: [reasoning_content, without_top_p]
  api_key_header: api-key
  efforts: [none, high]
  thinking_style: openrouter
  price: {input: 0.5, cached: 0.1, output: 2}
  # an empty field is none
"""
    small, full = load(tmp_path, dotenv="QWEN_KEY=sk-canary-q\n", models=text.replace("\n", "\r\n")).custom_models
    assert small == CustomModel("qwen", "http://localhost:11434/v1")
    assert small.upstream_name == "qwen"
    assert full == CustomModel(
        "deepseek",
        "https://api.deepseek.com",
        ("QWEN_KEY",),
        ("sk-canary-q",),
        can_stream=False,
        max_tokens=8192,
        model_name="deepseek-chat",
        api="responses",
        context_window=65536,
        vision=False,
        headers={"X-Title": "sk-canary"},
        extra_body={"top_k": 20, "options": {"num_ctx": 4096}},
        max_tokens_field="max_completion_tokens",
        think_tags=True,
        habits=("reasoning_content", "without_top_p"),
        api_key_header="api-key",
        efforts=("none", "high"),
        thinking_style="openrouter",
        price=Price(input=0.5, output=2, cached=0.1),
    )
    assert full.upstream_name == "deepseek-chat"
    assert "canary" not in repr(full)


_FIRST_FIELDS = '"model_id: ..." and "api_base: ..." or "server: ..."'
_OPENROUTER = ("none", "minimal", "low", "medium", "high", "xhigh")


@pytest.mark.parametrize(
    ("server", "model", "fields", "style", "efforts"),
    [
        ("http://localhost:1/v1", "qwen3", "", "effort", ()),
        ("http://localhost:1/v1", "qwen3", "thinking_style: openrouter", "openrouter", _OPENROUTER),
        ("http://localhost:1/v1", "qwen3", "thinking_style: thinking", "thinking", ()),
        ("https://api.groq.com/openai/v1", "openai/gpt-oss-120b", "", "effort", ("low", "medium", "high")),
        ("https://api.groq.com/openai/v1", "qwen/qwen3-32b", "", "effort", ("none",)),
        ("https://api.groq.com/openai/v1", "llama-4", "", "effort", ()),
        ("https://openrouter.ai/api/v1", "x/y", "", "openrouter", _OPENROUTER),
        ("https://openrouter.ai/api/v1", "x/y", "efforts: [low]", "openrouter", ("low",)),
        ("https://openrouter.ai/api/v1", "x/y", "efforts: []", "openrouter", ()),
        ("https://openrouter.ai.evil.test/v1", "x/y", "", "effort", ()),
        ("https://api.deepseek.com/v1", "deepseek-chat", "", "thinking", ("low", "high", "max")),
        ("https://api.deepseek.com/v1", "deepseek-chat", "thinking_style: openrouter", "openrouter", _OPENROUTER),
        ("https://api.moonshot.ai/v1", "kimi-k2.6", "", "thinking", ()),
        ("https://api.z.ai/api/paas/v4", "glm-4.7", "", "thinking", ()),
        ("https://open.bigmodel.cn/api/paas/v4", "GLM-5.3", "", "effort", ("low", "high", "max")),
        ("https://api.mistral.ai/v1", "mistral-large", "", "effort", ()),
    ],
)
def test_how_much_to_think(
    tmp_path: Path, server: str, model: str, fields: str, style: str, efforts: tuple[str, ...]
) -> None:
    models = f"- model_id: m\n  model_name: {model}\n  api_base: {server}\n  {fields}\n"
    (found,) = load(tmp_path, models=models).custom_models
    assert (found.thinking_style, found.efforts) == (style, efforts)


@pytest.mark.parametrize("field", ["habits", "quirks"])
@pytest.mark.parametrize("empty", ["", "  habits:\n", "  quirks:\n"], ids=["alone", "empty habits", "empty quirks"])
def test_habits_under_both_names(tmp_path: Path, field: str, empty: str) -> None:
    listed = "" if f"{field}:" in empty else empty
    (model,) = load(tmp_path, models=f"{QWEN}{listed}  {field}: [prefix, without_top_p]\n").custom_models
    assert model.habits == ("prefix", "without_top_p")


def test_key_variable_that_is_not_set(tmp_path: Path) -> None:
    (model,) = load(tmp_path, models=QWEN + "  api_key_name: QWEN_KEY\n").custom_models
    assert (model.api_key_names, model.api_keys) == (("QWEN_KEY",), ())


def test_empty_fields_are_absent_fields(tmp_path: Path) -> None:
    (model,) = load(
        tmp_path, models=QWEN + "  max_tokens:\n  api_key_name:\n  headers:\n  model_name: ''\n"
    ).custom_models
    assert model == CustomModel("qwen", "http://localhost:1/v1")


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "---\n"])
def test_file_without_entries(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, models=text).custom_models == ()


def test_custom_models_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(QWEN, encoding="utf-8")
    for name in ("mine.yaml", str(tmp_path / "mine.yaml")):
        assert load(tmp_path, {"CUSTOM_MODELS_FILE": name}).custom_models[0].model_id == "qwen"
    (text,) = problems(tmp_path, {"CUSTOM_MODELS_FILE": "other.yaml"})
    assert text.startswith('CUSTOM_MODELS_FILE: "other.yaml" is missing (looked for in ')
    (text,) = problems(tmp_path, {"CUSTOM_MODELS_FILE": "my_custom_models_of_2026.yaml"})
    assert "my_custom_models_of_2026.yaml" in text


def test_custom_provider_needs_an_entry(tmp_path: Path) -> None:
    (text,) = problems(tmp_path, {"PREFERRED_PROVIDER": "custom"})
    assert text.startswith("PREFERRED_PROVIDER: custom needs a model")
    assert "custom_models.yaml" in text
    # A mistake in the file is the only thing to mend.
    (text,) = problems(tmp_path, {"PREFERRED_PROVIDER": "custom"}, models="- model_id: qwen\n")
    assert text == 'custom_models.yaml: entry 1 ("qwen"): api_base is missing; add it'


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("context_windw: 1", 'unknown field "context_windw"; did you mean "context_window"?'),
        ("api_key: sk-canary", 'unknown field "api_key"; did you mean "api_key_name"?'),
        ("zzz: 1", 'unknown field "zzz"'),
        ("1: 1", 'unknown field "1"'),
        ("can_stream: 'true'", "can_stream must be true or false, without quotes"),
        ("vision: 1", "vision must be true or false, without quotes"),
        ("think_tags: on and off", "think_tags must be auto, true or false, without quotes"),
        ("quirks: reasoning_content", "quirks must be a list of names, such as [reasoning_content]"),
        ("quirks: [reasoning_contnt]", 'quirks: "reasoning_contnt" is not known; did you mean "reasoning_content"?'),
        ("habits: reasoning_content", "habits must be a list of names, such as [reasoning_content]"),
        ("habits: [prefx]", 'habits: "prefx" is not known; did you mean "prefix"?'),
        (
            "habits: [prefix]\n  quirks: [no_summary]",
            "habits and quirks are the same list; put all into habits",
        ),
        ("efforts: low", "efforts must be a list of efforts, such as [low, medium, high]"),
        ("efforts: [low, mediun]", 'efforts: "mediun" is not known; did you mean "medium"?'),
        ("efforts: [{}]", 'efforts: "{}" is not known'),
        (
            "thinking_style: openruter",
            'thinking_style must be effort, openrouter or thinking; did you mean "openrouter"?',
        ),
        ("thinking_style: effort", "thinking_style: effort needs efforts; add those that the server takes"),
        ("api_key_header: api-key", "api_key_header needs api_key_name, the variable that holds the key"),
        (
            "api_key_header: 'x y'\n  api_key_name: QWEN_KEY",
            'api_key_header: "x y" is not the name of an HTTP header',
        ),
        ("max_tokens: '8192'", "max_tokens must be a whole number above 0"),
        ("max_tokens: 0", "max_tokens must be a whole number above 0"),
        ("max_tokens: true", "max_tokens must be a whole number above 0"),
        ("context_window: 1.5", "context_window must be a whole number above 0"),
        ("price: 0.5", "price must be prices in USD per million tokens, such as {input: 0.5, cached: 0.1, output: 2}"),
        ("price: {input: 1}", "price: output must be there; add what a million tokens cost in USD"),
        ("price: {input: 1, output: '2'}", "price: output must be a number, 0 or more: USD per million tokens"),
        ("price: {input: true, output: 2}", "price: input must be a number, 0 or more: USD per million tokens"),
        ("price: {input: .inf, output: 2}", "price: input must be a number, 0 or more: USD per million tokens"),
        ("price: {input: 1, output: -2}", "price: output must be a number, 0 or more: USD per million tokens"),
        ("price: {input: 1, output: 2, cach: 1}", 'price: unknown field "cach"; did you mean "cached"?'),
        ("model_name: 4", "model_name must be text (in quotes)"),
        (r'model_name: "a\nb"', "model_name must be one line without control characters"),
        (r'model_name: "a\ud83d"', "model_name must be one line without control characters"),
        ("api: chats", 'api must be chat or responses; did you mean "chat"?'),
        ("api: 1", "api must be chat or responses"),
        (
            "max_tokens_field: max_tokns",
            'max_tokens_field must be max_tokens or max_completion_tokens; did you mean "max_tokens"?',
        ),
        ("headers: [a]", "headers must be header names with their values"),
        ("headers: {X-Version: 2}", 'headers: the value of "X-Version" must be text (in quotes)'),
        ("headers: {'X Y': a}", 'headers: "X Y" is not the name of an HTTP header'),
        (
            'headers: {Authorization: "canary\\n"}',
            'headers: the value of "Authorization" contains a character that cannot stand in a header',
        ),
        ("extra_body: text", "extra_body must be field names with their values"),
        (
            "extra_body: {since: 2026-01-01}",
            "extra_body holds a value that JSON does not know (a date?); put it in quotes",
        ),
        (
            r'extra_body: {half: "\ud83d"}',
            "extra_body holds a value that JSON does not know (a date?); put it in quotes",
        ),
        (
            "api_key_name: sk-canary",
            "api_key_name must be the name of an environment variable, not the key itself; "
            "put the key into .env as SOME_NAME=... and write SOME_NAME here",
        ),
    ],
)
def test_problem_of_one_field(tmp_path: Path, extra: str, text: str) -> None:
    models = f"- {{model_id: a, api_base: 'http://a'}}\n{QWEN}  {extra}\n"
    assert problems(tmp_path, models=models) == (f'custom_models.yaml: entry 2 ("qwen"): {text}',)


@pytest.mark.parametrize("key", ["gsk_canaryCanaryCanary0123", "abcdef0123456789abcdef0123456789", "AIzaCanary-x"])
def test_key_in_place_of_its_variable(tmp_path: Path, key: str) -> None:
    assert looks_like_key(key)
    (text,) = problems(tmp_path, models=QWEN + f"  api_key_name: {key}\n")
    assert "api_key_name must be the name of an environment variable" in text
    assert key not in text


@pytest.mark.parametrize("name", ["qwen3-coder-480b-a35b-instruct", "org/model:free", "Modell-\u00e4"])
def test_model_ids_are_shown(tmp_path: Path, name: str) -> None:
    (text,) = problems(tmp_path, models=f"- model_id: {name}\n")
    assert "api_base is missing" in text
    assert name.encode("unicode_escape").decode().replace("\\xe4", "\\u00e4") in text


@pytest.mark.parametrize(
    ("models", "texts"),
    [
        ("models: []\n", ['must be a list; begin each entry with "- model_id: ..."']),
        ("just text\n", ['must be a list; begin each entry with "- model_id: ..."']),
        ("- text\n- [1]\n", [f"entry {n}: must hold {_FIRST_FIELDS}" for n in (1, 2)]),
        ("- {}\n", ["entry 1: model_id is missing; add it", "entry 1: api_base is missing; add it"]),
        ("- {model_id: 5, api_base: 'http://a'}\n", ["entry 1: model_id must be text (in quotes)"]),
        (
            QWEN + QWEN.replace("qwen", "QWEN"),
            [
                'entry 2 ("QWEN"): model_id is taken by an entry above; '
                "give it another one, and the server's name for the model as model_name"
            ],
        ),
        (
            "- model_id: qwen\n  api_base: localhost:8000\n",
            [
                'entry 1 ("qwen"): api_base: "localhost:8000" is not an http(s) address; give one like https://host:port/v1'
            ],
        ),
        (
            "- model_id: qwen\n  api_base: http://a/v1/chat/completions\n",
            [
                'entry 1 ("qwen"): api_base: must not end in "/chat/completions", which is appended to it; '
                "leave that out"
            ],
        ),
    ],
)
def test_problem_of_the_file(tmp_path: Path, models: str, texts: list[str]) -> None:
    assert problems(tmp_path, models=models) == tuple(f"custom_models.yaml: {text}" for text in texts)


@pytest.mark.parametrize(
    ("models", "line"),
    [
        ("- model_id: a\n  headers: sk-canary: x\n", 2),
        ("- model_id: a\n\tapi_base: http://a\n", 2),
        ("- model_id: a\n- 'open sk-canary\n", 3),
        ("- model_id: *sk-canary\n", 1),
        ("- !sk-canary 1\n", 1),
        ("- {? [sk-canary] : 1}\n", 1),
        ("- model_id: a\n  api_base: http://a\n  model_id: b\n  api_base: http://b\n", 3),
        ("- model_id: a\n  headers: {sk-canary01: a, sk-canary01: b}\n", 2),
        ("- {since: 2026-13-45}\n", None),
        ("- \x01\n", None),
    ],
)
def test_yaml_syntax(tmp_path: Path, models: str, line: int | None) -> None:
    (text,) = problems(tmp_path, models=models)
    assert text.startswith(
        f"custom_models.yaml: line {line}: not valid YAML" if line else "custom_models.yaml: not valid"
    )
    assert "canary" not in text


def test_a_tab_is_named(tmp_path: Path) -> None:
    (text,) = problems(tmp_path, models="- model_id: a\n\tapi_base: http://a\n")
    assert r"found character '\t'" in text
    assert "no tabs" in text


@pytest.mark.parametrize(
    ("models", "line"),
    [
        ("[" * 2000 + "]" * 2000, 1),
        (QWEN + "  extra_body: {a: " + "[" * 900 + "]" * 900 + "}\n", 3),
        ("\n".join("  " * depth + "a:" for depth in range(500)), 50),
        ("- " * 900 + "x", 1),
    ],
    ids=["lists", "in a field", "objects", "list of lists"],
)
def test_yaml_that_is_nested_deeply(tmp_path: Path, models: str, line: int) -> None:
    (text,) = problems(tmp_path, models=models)
    assert text.startswith(f"custom_models.yaml: line {line}: not valid YAML: nested too deeply")


@pytest.mark.parametrize(
    "models",
    [
        "&a [*a]\n",
        QWEN + "  extra_body: &a {b: *a}\n",
        QWEN
        + "  habits: &a [x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"  f{n}: &{there} [{', '.join([f'*{here}'] * 9)}]\n"
            for n, (here, there) in enumerate(pairwise("abcdefghij"))
        ),
    ],
    ids=["list", "field", "billions"],
)
def test_aliases_that_unfold_without_end(tmp_path: Path, models: str) -> None:
    (text,) = problems(tmp_path, models=models)
    assert text == "custom_models.yaml: its aliases (*name) unfold without end; write out what they stand for"


def test_yaml_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "custom_models.yaml").write_bytes(QWEN.encode("utf-16"))
    assert problems(tmp_path) == ("custom_models.yaml: is not UTF-8 text; save it as UTF-8",)


@pytest.mark.parametrize("name", presets())
def test_a_named_server_needs_no_address(name: str, tmp_path: Path) -> None:
    preset = presets()[name]
    text = f"- model_id: m\n  server: {name}\n" + (f"  api_base: {_AZURE}\n" if preset.blank else "")
    key = preset.fields.get("api_key_name")
    (model,) = load(tmp_path, dotenv=f"{key or 'NONE'}=sk-canary\n", models=text).custom_models
    assert model.api_base == (_AZURE if preset.blank else preset.fields["api_base"])
    assert (model.api_key_names, model.api_keys) == (((key,), ("sk-canary",)) if key else ((), ()))
    assert model.api_key_header == preset.fields.get("api_key_header", "Authorization")


_AZURE = "https://mine.openai.azure.com/openai/v1"


def test_the_entry_wins_over_the_named_server(tmp_path: Path) -> None:
    text = "- model_id: m\n  server: groq\n  api_base: http://localhost:1/v1\n  api_key_name: MY_KEY\n"
    (model,) = load(tmp_path, models=text).custom_models
    assert (model.api_base, model.api_key_names) == ("http://localhost:1/v1", ("MY_KEY",))


def test_what_is_known_of_a_named_server_is_known_here_too(tmp_path: Path) -> None:
    (model,) = load(tmp_path, models="- model_id: deepseek-chat\n  server: deepseek\n").custom_models
    assert (model.thinking_style, model.efforts) == ("thinking", ("low", "high", "max"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("server: grok", 'server must be one of ollama, lmstudio, llamacpp, vllm, groq, .*did you mean "groq"'),
        ("server: 5", "server must be one of"),
        ("server: azure", "write api_base: https://RESOURCE.openai.azure.com/openai/v1 beside it, RESOURCE replaced"),
        ("server:", "api_base is missing"),
    ],
)
def test_servers_that_cannot_be_named(fields: str, words: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, models=f"- model_id: m\n  {fields}\n")
    assert re.search(words, problem), problem
