"""`python -m proxy check`: who answers what, and whether that works."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import Flask

from proxy.checking.check import Checks, Report
from proxy.checking.learned import learned_fields
from proxy.checking.targets import Assignment, assignments, configured, named
from proxy.commands.screen import Progress, Screen, columns
from proxy.protocol.errors import ApiError
from proxy.settings.custom_models_file import NotWritten, complete_entry
from proxy.web.services import Services


def check(app: Flask, *, target: str | None, seconds: float, as_json: bool, writes: bool) -> int:
    """Returns the exit code: 0 all that matters works, 1 something does not, 2 `target` is no name."""
    services: Services = app.extensions["proxy"]
    screen, progress = Screen(), Progress()
    try:
        routes = configured(services) if target is None else named(services, target)
    except ApiError as error:
        Screen(sys.stderr).line(error.message)
        return 2
    rows = assignments(services)
    if not as_json:
        _print_assignments(screen, rows, services.config.warnings)
    checks = Checks(app, routes, seconds, progress.say)
    reports: list[Report] = []
    try:
        for report in checks:
            reports.append(report)
            progress.clear()
            if not as_json:
                _print_report(screen, report)
    except KeyboardInterrupt:
        return 130
    finally:
        checks.stop()
        progress.clear()
    written = [_written(services, report) for report in reports] if writes else [{} for _ in reports]
    if as_json:
        screen.line(json.dumps(_as_json(rows, reports, written), indent=2))
    else:
        _print_end(screen, reports, written if writes else None)
    return 0 if all(report.works for report in reports) else 1


def _print_assignments(screen: Screen, rows: Sequence[Assignment], warnings: Sequence[str]) -> None:
    screen.title("Who answers what")
    lines = []
    for row in rows:
        lines.append((f"  {row.name}", row.targets[0] if row.targets else row.otherwise, row.setting))
        lines += [("", f"then {each}", "") for each in row.targets[1:]]
    widths = columns(lines)
    for line in lines:
        screen.row(line, widths)
    for warning in warnings:
        screen.finding("warn", "settings", warning, "")


def _print_report(screen: Screen, report: Report) -> None:
    screen.line()
    screen.title(report.route.target)
    for each in report.findings:
        screen.finding(each.status, each.name, each.words, each.remedy)


def _print_end(screen: Screen, reports: Sequence[Report], written: Sequence[dict[str, Any]] | None) -> None:
    screen.line()
    for report, fields in zip(reports, written or (), strict=False):
        if "problem" in fields:
            screen.finding("warn", "--write", fields["problem"], "")
        elif fields:
            said = ", ".join(f"{name}: {json.dumps(value)}" for name, value in fields.items())
            screen.finding("ok", "--write", f"{report.route.target} has now {said}", "")
    if written is not None and not any(written):
        screen.line("Nothing had to be written.")
    broken = [report.route.target for report in reports if not report.works]
    if broken:
        screen.verdict(
            "fail",
            f"{len(broken)} of {len(reports)} targets: something that matters does not work: {', '.join(broken)}",
        )
    else:
        screen.verdict("ok", f"All that matters works ({len(reports)} of {len(reports)} targets).")


def _written(services: Services, report: Report) -> dict[str, Any]:
    """The fields that the report's entry got; `problem` where it could not be written."""
    custom, fields = report.route.custom, learned_fields(report)
    if custom is None or not fields:
        return {}
    try:
        return complete_entry(services.config.custom_models_file, custom.model_id, fields)
    except NotWritten as error:
        return {"problem": str(error)}


def _as_json(
    rows: Sequence[Assignment], reports: Sequence[Report], written: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "works": all(report.works for report in reports),
        "assignments": [asdict(row) for row in rows],
        "targets": [
            {
                "target": report.route.target,
                "server": report.server,
                "works": report.works,
                "findings": [asdict(each) for each in report.findings],
                "window": report.window._asdict() if report.window is not None else None,
                "learned": learned_fields(report),
                "written": fields,
            }
            for report, fields in zip(reports, written, strict=True)
        ],
    }
