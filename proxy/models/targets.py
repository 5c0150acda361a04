"""From a name, in a request or a setting, to the vendor and model that it means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from proxy.models import vendors
from proxy.models.catalog import Catalog
from proxy.models.names import CLAUDE_MODELS, EFFORTS, bare, claude_family, effort_problem, with_effort
from proxy.models.vendors import CUSTOM, vendor
from proxy.protocol.errors import ApiError
from proxy.settings.config import Config, CustomModel
from proxy.settings.problems import hint, quoted

REQUESTED_NAME = ""
"""The model of the target `anthropic`: whatever the request names."""


class Target(NamedTuple):
    provider: str
    model: str
    custom: CustomModel | None = None
    default: bool = False
    """Whether nobody wrote the name: then it is no news to anybody that the model was shut down."""
    effort: str | None = None


class Targets:
    """Finds targets of single names; `problems` collects what is wrong with those of settings."""

    def __init__(self, config: Config, catalog: Catalog, today: Callable[[], date]) -> None:
        self.problems: list[str] = []
        self._config = config
        self._catalog = catalog
        self._today = today
        self._claude_is_theirs = vendor(config.preferred_provider).owns_claude
        self._customs = {bare(each.model_id).lower(): custom_target(each) for each in config.custom_models}
        self._names = {name: row.name for row in vendors.VENDORS for name in catalog.names(row.name)}

    def find(self, name: str) -> Target | None:
        """Where a name goes that is not a Claude name; None if that cannot be said. Raises as `explicit` does."""
        return self.explicit(name) or self.named(name)

    def explicit(self, name: str) -> Target | None:
        """Where a custom model's id or a name with a prefix goes; None for other names.

        Raises ApiError (404) for `custom/` and no custom model's id.
        """
        if custom := self._customs.get(name.lower()):
            return custom
        name, effort = with_effort(name)
        if effort and (custom := self._customs.get(name.lower())):
            return custom._replace(effort=effort)
        prefix, _, rest = name.partition("/")
        named = next((row for row in vendors.VENDORS if prefix.lower() in row.prefixes), None) if rest else None
        if named is None:
            return None
        if named.name != CUSTOM:
            return Target(named.name, rest, effort=effort)
        if custom := self._customs.get(rest.lower()):
            return custom._replace(effort=effort)
        raise self.unknown(name)

    def named(self, name: str) -> Target | None:
        """Where a name goes that a vendor has or could have; None for other names."""
        name, effort = with_effort(name)
        if own := self._names.get(name.lower()):
            return Target(own, name.lower(), effort=effort)
        shaped = (row.name for row in vendors.VENDORS if row.has_shape_of(name))
        return next((Target(row, name, effort=effort) for row in shaped), None)

    def listed(self, variable: str, value: str) -> tuple[Target, ...]:
        """Where a setting points: one target, or several with commas between, best first. Notes problems."""
        found: list[Target] = []
        for name in filter(None, map(str.strip, value.split(","))):
            target = self.setting(variable, name)
            if target is not None and target not in found:
                found.append(target)
        return tuple(found)

    def setting(self, variable: str, value: str) -> Target | None:
        """Where one name in a setting points; notes a problem if that is nowhere."""
        whole = bare(value)
        if problem := effort_problem(whole):
            self.problems.append(f"{variable}: {problem}")
            return None
        try:
            target = self.find(whole)
        except ApiError:
            self._misplaced(variable, whole)
            return None
        if target:
            return target._replace(default=variable.partition(" ")[0] not in self._config.written)
        if problem := _nameless(whole):
            self.problems.append(f"{variable}: {problem}")
            return None
        return self._claude_setting(*with_effort(whole)) or self._any_setting(variable, *with_effort(whole))

    def _claude_setting(self, name: str, effort: str | None) -> Target | None:
        """Where `anthropic` and Claude names point; None for other names."""
        owner = next(row for row in vendors.VENDORS if row.owns_claude)
        if name.lower() in owner.prefixes:
            return Target(owner.name, REQUESTED_NAME, effort=effort)
        if claude_family(name) is not None and self._claude_is_theirs:
            return Target(owner.name, name, effort=effort)
        return None

    def _any_setting(self, variable: str, name: str, effort: str | None) -> Target | None:
        """Where a name points that nothing is known of: the vendor's address may lead to a server with names of any
        kind."""
        if claude_family(name) is not None:
            owner = next(row for row in vendors.VENDORS if row.owns_claude)
            remedy = f"write {owner.prefixes[0]}/{name} to have {owner.title} answer, or name another model"
            self.problems.append(f"{variable}: {quoted(name)} is itself a Claude name; {remedy}")
            return None
        anybody = next((row.name for row in vendors.VENDORS if row.own_names), None)
        if self._config.preferred_provider == CUSTOM or anybody is None:
            self._misplaced(variable, name)
            return None
        return Target(anybody, name, effort=effort)

    def _misplaced(self, variable: str, name: str) -> None:
        self.problems.append(f"{variable}: {quoted(name)} {self._suggestions(name)}")

    def unknown(self, name: str) -> ApiError:
        """The refusal of a name, with what could be meant."""
        return ApiError(404, f"model: {clipped(name)} {self._suggestions(name)}")

    def _suggestions(self, name: str) -> str:
        customs = [custom.model_id for custom in self._config.custom_models]
        today = self._today()
        alive = [each for each, owner in self._names.items() if not self._catalog.is_retired(owner, each, today)]
        near = hint(name, [*customs, *(f"custom/{each}" for each in customs), *alive, *CLAUDE_MODELS])
        shapes = [f"a name of {row.title}'s ({', '.join(row.examples)})" for row in vendors.VENDORS if row.examples]
        prefixes = [f"{row.prefixes[0]}/" for row in vendors.VENDORS if row.name != CUSTOM]
        return (
            f"is not known here{near or '.'} These could be meant: a Claude name (claude-...), {', '.join(shapes)}, "
            f"any name after {', '.join(prefixes)}, "
            f"or a custom model ({', '.join(customs[:20]) or 'none is configured'})."
        )


def _nameless(name: str) -> str | None:
    """What is wrong with a prefix or an effort that no model's name goes with, or None."""
    if name.startswith("@") and name[1:].lower() in EFFORTS:
        return f"{quoted(name)} names no model; write one before the @"
    prefix, slash, rest = with_effort(name)[0].partition("/")
    if slash and not rest and any(prefix.lower() in row.prefixes for row in vendors.VENDORS):
        return f"{quoted(name)} names no model; write one after the slash"
    return None


def custom_target(custom: CustomModel) -> Target:
    return Target(CUSTOM, custom.upstream_name, custom)


def clipped(name: str) -> str:
    """For a message: as JSON writes it, not endlessly long, without the quotes."""
    return quoted(name)[1:-1]
