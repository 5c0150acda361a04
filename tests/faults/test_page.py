"""docs/reliability.md is the table in plain words."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.pages import ROOT
from tests.faults.fault import Fault
from tests.faults.page import page
from tests.faults.table import FAULTS


def test_the_page_is_the_rendered_one() -> None:
    assert (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8") == page()


def test_command() -> None:
    command = [sys.executable, "-m", "tests.faults"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert done.stdout.decode() == page()


def test_every_row_is_named() -> None:
    words = " ".join(page().split())
    assert [fault.name for fault in FAULTS.values() if fault.name not in words] == []


def test_names_are_for_users() -> None:
    def reads_well(fault: Fault) -> bool:
        return fault.name[0] == fault.name[0].upper() and not fault.name.endswith(".") and "|" not in fault.name

    assert [fault.name for fault in FAULTS.values() if not reads_well(fault)] == []
