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
"""Those that name one model, or a list of them."""
PURPOSES = {
    "SUBAGENT_MODEL": "sub-agents",
    _BACKGROUND: "background",
    "COMPACTION_MODEL": "compaction",
    JUDGE: "judge",
    SEARCH: "web search",
    LONG_CONTEXT: "long context",
    VISION: "pictures",
}
"""What the settings that are of no family are for, in words for people."""

T = TypeVar("T")


class Assigned(NamedTuple, Generic[T]):
    """Targets of one setting, best first. `reason` names the setting, for people."""

    targets: tuple[T, ...]
    reason: str


class Assignments(Generic[T]):
    """The targets of all these settings, each read once."""

    def __init__(
        self,
        models: Mapping[str, str],
        agents: Sequence[tuple[str, str]],
        patterns: Sequence[tuple[str, str]],
        read: Callable[[str, str], tuple[T, ...]],
    ) -> None:
        """`models` by variable; `agents` by the agent's type; `patterns` are globs of names, the first that matches
        counts. `read` gets a variable and what it names, and gives no target where that leads nowhere."""
        self._models = {name: targets for name, text in models.items() if (targets := read(name, text))}
        self._agents = {kind.lower(): targets for kind, text in agents if (targets := read(f"{_AGENTS} {kind}", text))}
        self._patterns = [
            (bare(pattern).lower(), targets)
            for pattern, text in patterns
            if (targets := read(f"{_MAP} {pattern}", text))
        ]

    def __iter__(self) -> Iterator[T]:
        """Every target."""
        lists = (*self._models.values(), *self._agents.values(), *(targets for _, targets in self._patterns))
        for targets in lists:
            yield from targets

    def settings(self) -> Iterator[Assigned[T]]:
        """Each setting with its targets."""
        for name, targets in self._models.items():
            yield Assigned(targets, name)
        for kind, targets in self._agents.items():
            yield Assigned(targets, f"{_AGENTS} {kind}")
        for pattern, targets in self._patterns:
            yield Assigned(targets, f"{_MAP} {pattern}")

    def of(self, variable: str) -> Assigned[T] | None:
        targets = self._models.get(variable)
        return Assigned(targets, variable) if targets else None

    def of_name(self, name: str) -> Assigned[T] | None:
        """That of MODEL_MAP, for a name without its `[1m]`."""
        for pattern, targets in self._patterns:
            if fnmatchcase(name.lower(), pattern):
                return Assigned(targets, f"{_MAP} {pattern}")
        return None

    def of_role(self, role: Role) -> Assigned[T] | None:
        for kind in role.agent_types:
            if targets := self._agents.get(kind.lower()):
                return Assigned(targets, f"{_AGENTS} {kind}")
        return self.of(_BACKGROUND if role.is_background else _ROLES.get(role.kind, ""))

    def of_family(self, family: str) -> Assigned[T] | None:
        return self.of(FAMILIES.get(family, ""))
