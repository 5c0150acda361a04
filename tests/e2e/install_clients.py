"""Installs the two releases of Claude Code that the tests drive: the newest on npm, and an older one still in use.

Run it from anywhere: `python tests/e2e/install_clients.py`. What is there already is left alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

CLIENTS = Path(__file__).parent / ".clients"
_PACKAGE = "@anthropic-ai/claude-code"
_OLDER = "2.1.197"


def main() -> None:
    """Raises SystemExit where npm is missing, and subprocess.CalledProcessError where it fails."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed; it comes with Node.js")
    newest = subprocess.run(
        [npm, "view", _PACKAGE, "version"], check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()
    for name, version in (("new", newest), ("old", _OLDER)):
        directory = CLIENTS / name
        if _installed(directory) != version:
            # By its exact version: of a range npm takes an older release where Node.js is older than `engines` asks.
            directory.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [npm, "install", "--no-audit", "--no-fund", "--prefix", str(directory), f"{_PACKAGE}@{version}"],
                check=True,
            )
        print(f"{name}: Claude Code {version} in {directory}")
    (CLIENTS / ".gitignore").write_text("*\n", encoding="utf-8")


def _installed(directory: Path) -> str | None:
    try:
        text = (directory / "node_modules" / _PACKAGE / "package.json").read_text(encoding="utf-8")
    except OSError:
        return None
    return str(json.loads(text)["version"])


if __name__ == "__main__":
    main()
