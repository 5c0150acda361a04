"""Which setting says who answers a name, a role or a family. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Generic, NamedTuple, TypeVar

from proxy.models.names import bare
from proxy.models.roles import Role

FAMILIES = {"opus": "OPUS_MODEL", "sonnet": "SONNET_MODEL", "haiku": "HAIKU_MODEL", "fable": "FABLE_MODEL"}
"""Claude families that have a setting of their own."""
JUDGE = "JUDGE_MODEL"
SEARCH = "SEARCH_MODEL"
LONG_CONTEXT = "LONG_CONTEXT_MODEL"
VISION = "VISION_MODEL"
_AGENTS, _MAP, _BACKGROUND = "AGENT_MODELS", "MODEL_MAP", "BACKGROUND_MODEL"
_ROLES = {"subagent": "SUBAGENT_MODEL", "compaction": "COMPACTION_MODEL", "classifier": JUDGE}
MODEL_VARIABLES = (*_ROLES.values(), _BACKGROUND, SEARCH, LONG_CONTEXT, VISION, *FAMILIES.values())
"""Those that name one model."""

T = TypeVar("T")


class Assigned(NamedTuple, Generic[T]):
    """`reason` names the setting, for people."""

    target: T
    reason: str


class Assignments(Generic[T]):
    """The targets of all these settings, each read once."""

    def __init__(
        self,
        models: Mapping[str, str],
        agents: Sequence[tuple[str, str]],
        patterns: Sequence[tuple[str, str]],
        read: Callable[[str, str], T | None],
    ) -> None:
        """`models` by variable; `agents` by the agent's type; `patterns` are globs of names, the first that matches
        counts. `read` gets a variable and what it names, and gives None where that leads nowhere."""
        self._models = {name: target for name, text in models.items() if (target := read(name, text)) is not None}
        self._agents = {
            kind.lower(): target for kind, text in agents if (target := read(f"{_AGENTS} {kind}", text)) is not None
        }
        self._patterns = [
            (bare(pattern).lower(), target)
            for pattern, text in patterns
            if (target := read(f"{_MAP} {pattern}", text)) is not None
        ]

    def __iter__(self) -> Iterator[T]:
        """Every target."""
        yield from self._models.values()
        yield from self._agents.values()
        yield from (target for _, target in self._patterns)

    def of(self, variable: str) -> Assigned[T] | None:
        target = self._models.get(variable)
        return None if target is None else Assigned(target, variable)

    def of_name(self, name: str) -> Assigned[T] | None:
        """That of MODEL_MAP, for a name without its `[1m]`."""
        for pattern, target in self._patterns:
            if fnmatchcase(name.lower(), pattern):
                return Assigned(target, f"{_MAP} {pattern}")
        return None

    def of_role(self, role: Role) -> Assigned[T] | None:
        for kind in role.agent_types:
            if (target := self._agents.get(kind.lower())) is not None:
                return Assigned(target, f"{_AGENTS} {kind}")
        return self.of(_BACKGROUND if role.is_background else _ROLES.get(role.kind, ""))

    def of_family(self, family: str) -> Assigned[T] | None:
        return self.of(FAMILIES.get(family, ""))
