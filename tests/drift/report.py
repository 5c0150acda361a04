"""What a day shows beside the recorded one, and the file that holds the recorded one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.drift.shapes import CATEGORIES, Shape


@dataclass(frozen=True, slots=True)
class Baseline:
    """`client` is the version that was recorded."""

    client: str
    shape: Shape

    def to_json(self) -> str:
        """One name a line, sorted, so that a new recording is a readable diff."""
        names = {category: sorted(self.shape[category]) for category in CATEGORIES}
        return json.dumps({"client": self.client, **names}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Baseline:
        """Raises ValueError where it is no recording; a category that it lacks is empty."""
        read = json.loads(text)
        if not isinstance(read, dict) or not isinstance(read.get("client"), str):
            raise ValueError("no recording of a client")
        return cls(read["client"], {category: frozenset(read.get(category, ())) for category in CATEGORIES})


@dataclass(frozen=True, slots=True)
class Report:
    """`new` is in today's shape only, `gone` in the recorded one only."""

    recorded: str
    today: str
    new: Shape
    gone: Shape

    @property
    def has_news(self) -> bool:
        return any(self.new.values())

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Claude Code {self.today} beside the recorded {self.recorded}"
        for title, sign, names in (("new", "+", self.new), ("gone", "-", self.gone)):
            for category in CATEGORIES:
                if names[category]:
                    yield f"{title} {category}:"
                    yield from (f"  {sign} {name}" for name in sorted(names[category]))
        if not self.has_news:
            yield "nothing new"


def compare(recorded: Baseline, today: Baseline) -> Report:
    old, new = recorded.shape, today.shape
    return Report(
        recorded.client,
        today.client,
        {category: new[category] - old[category] for category in CATEGORIES},
        {category: old[category] - new[category] for category in CATEGORIES},
    )
