"""How a fake says no: the answer of the real server, and the exception that carries it out of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error: its status and its JSON body, in whatever shape the server gives it."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        inner = self.body.get("error", self.body)
        return str(inner.get("message", inner) if isinstance(inner, dict) else inner)

    @property
    def code(self) -> Any:
        inner = self.body.get("error")
        return inner.get("code") if isinstance(inner, dict) else None


class Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def openai_error(
    message: str,
    param: str | None = None,
    code: str | None = None,
    *,
    status: int = 400,
    type: str = "invalid_request_error",
) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": type, "param": param, "code": code}})


def refuse(message: str, param: str | None = None, code: str | None = None, *, status: int = 400) -> NoReturn:
    raise Refused(openai_error(message, param, code, status=status))
