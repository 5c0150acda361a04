"""What OpenAI-compatible servers refuse on chat of the limits: of the output, of the window, and of their names."""

from __future__ import annotations

from typing import Any

from tests.fakes.openai.rules import estimate_tokens
from tests.fakes.refusal import Refusal, openai_error


def flat(message: str, type_: str, code: str | int, status: int = 400) -> Refusal:
    """The error without an `error` around it that vLLM and Mistral send."""
    return Refusal(status, {"object": "error", "message": message, "type": type_, "param": None, "code": code})


def max_completion_tokens_unknown(body: dict[str, Any], window: int) -> Refusal | None:
    value = body.get("max_completion_tokens")
    if value is None:
        return None
    detail = {
        "type": "extra_forbidden",
        "loc": ["body", "max_completion_tokens"],
        "msg": "Extra inputs are not permitted",
    }
    return Refusal(422, {"detail": [{**detail, "input": value}]})


def max_tokens_unknown(body: dict[str, Any], window: int) -> Refusal | None:
    if body.get("max_tokens") is None:
        return None
    text = "Unsupported parameter: 'max_tokens' is not supported with this model."
    return openai_error(f"{text} Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter")


def vllm_overflow(body: dict[str, Any], window: int) -> Refusal | None:
    prompt, wanted = estimate_tokens(body), output_limit(body)
    if prompt + wanted <= window:
        return None
    if prompt >= window:
        text = (
            f"This model's maximum context length is {window} tokens. However, you requested {wanted} output tokens "
            f"and your prompt contains at least {prompt} input tokens, for a total of at least {prompt + wanted} "
            "tokens. Please reduce the length of the input prompt or the number of requested output tokens. "
            f"(parameter=input_tokens, value={prompt})"
        )
        return flat(text, "BadRequestError", 400)
    text = (
        f"'max_tokens' or 'max_completion_tokens' is too large: {wanted}. This model's maximum context length is "
        f"{window} tokens and your request has {prompt} input tokens ({wanted} > {window} - {prompt})."
    )
    return flat(text, "BadRequestError", 400)


def llamacpp_overflow(body: dict[str, Any], window: int) -> Refusal | None:
    prompt = estimate_tokens(body)
    if prompt <= window:
        return None
    text = "the request exceeds the available context size. try increasing the context size or enable context shift"
    error = {"code": 400, "message": text, "type": "exceed_context_size_error"}
    return Refusal(400, {"error": {**error, "n_prompt_tokens": prompt, "n_ctx": window}})


def output_limit(body: dict[str, Any]) -> int:
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 0)
