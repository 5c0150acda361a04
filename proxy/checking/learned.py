"""What a check found out, as fields of a custom model's entry."""

from __future__ import annotations

from typing import Any

from proxy.checking.check import Report
from proxy.models.habits import names_of
from proxy.models.servers import known_habits


def learned_fields(report: Report) -> dict[str, Any]:
    """By the names of the custom models file; none for a vendor's model."""
    custom, habits = report.route.custom, report.habits
    if custom is None:
        return {}
    # A list in the entry stands in place of what is known of the server, so it has to hold that, too.
    known = known_habits(custom.api_base, custom.upstream_name)
    names = [each for each in names_of(habits) if each != "no_images"]
    fields: dict[str, Any] = {}
    if set(names) - {*custom.habits, *known}:
        fields["habits"] = list(dict.fromkeys((*known, *names) if not custom.habits else names))
    if report.window is not None and not report.window.is_limit_only:
        fields["context_window"] = report.window.tokens
    if habits.no_images:
        fields["vision"] = False
    if habits.token_field is not None:
        fields["max_tokens_field"] = habits.token_field
    if habits.output_limit is not None:
        fields["max_tokens"] = habits.output_limit
    return fields
