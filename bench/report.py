"""A run as text, with the machine and the versions, and the files that keep the last one."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
import textwrap
from importlib.metadata import version
from pathlib import Path

from bench.measures import translation_ms
from bench.results import BASE, Found, Ratios, medians, spreads
from bench.servers import ROOT

_PACKAGES = ("flask", "waitress", "greenlet", "httpx2", "openai", "google-genai", "requests")
_RESULTS = ROOT / "bench" / "RESULTS.md"
_RATIOS = ROOT / "bench" / "ratios.json"
_GENERATED = re.compile(r"(?<=<!-- generated -->\n).*(?=<!-- end -->)", re.DOTALL)


def report(found: Found) -> str:
    """Medians, and where there is a relay ratios to it."""
    rounds = len(next(iter(found.values())))
    json_alone, translation = translation_ms()
    versions = [f"{name} {version(name)}" for name in _PACKAGES]
    head = (
        f"Medians of {rounds} round{'s' * (rounds > 1)} of `python -m bench` at {_commit()}, {datetime.date.today()}, "
        f"on {_machine()}. Python {platform.python_version()}, {', '.join(versions)}."
    )
    parts = [
        textwrap.fill(head, 120, break_on_hyphens=False),
        medians(found),
        f"Translation of the request of 76 kB: {translation:.2f} ms; of its JSON alone: {json_alone:.2f} ms.",
    ]
    if BASE in found:
        parts += ["Ratios to the relay, with the least and the greatest of all rounds:", spreads(found)]
    return "\n\n".join(parts)


def write(text: str, ratios: Ratios) -> None:
    """Puts the text between the marks of RESULTS.md, and the ratios into their file."""
    page = _RESULTS.read_text(encoding="utf-8")
    _RESULTS.write_text(replaced(page, text), encoding="utf-8")
    _RATIOS.write_text(json.dumps(ratios, indent=1) + "\n", encoding="utf-8")


def replaced(page: str, text: str) -> str:
    """The page with another text between its marks. Raises ValueError where it has none."""
    new, count = _GENERATED.subn(lambda _: f"\n{text}\n\n", page)
    if count != 1:
        raise ValueError("the page has no place for what is generated")
    return new


def committed() -> Ratios:
    """Those of the last `write`. Raises SystemExit where there are none."""
    if not _RATIOS.exists():
        raise SystemExit(f"{_RATIOS.name} is missing: `python -m bench --write` makes it")
    ratios: Ratios = json.loads(_RATIOS.read_text(encoding="utf-8"))
    return ratios


def _machine() -> str:
    described = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return f"{os.cpu_count()} cores ({described[1] if described else platform.machine()})"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
