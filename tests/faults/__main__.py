"""`python -m tests.faults` prints docs/reliability.md."""

from __future__ import annotations

import sys

from tests.faults.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
