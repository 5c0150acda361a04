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
    """Raises what `newest_version` raises."""
    for name, version in (("new", newest_version()), ("old", _OLDER)):
        install(name, version)
        print(f"{name}: Claude Code {version} in {CLIENTS / name}")


def newest_version() -> str:
    """Raises SystemExit where npm is missing, and subprocess.CalledProcessError where it fails."""
    return subprocess.run(
        [_npm(), "view", _PACKAGE, "version"], check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()


def install(name: str, version: str) -> None:
    """Has this version in `CLIENTS / name`. Raises what `newest_version` raises."""
    directory = CLIENTS / name
    if _installed(directory) == version:
        return
    # By its exact version: of a range npm takes an older release where Node.js is older than `engines` asks.
    directory.mkdir(parents=True, exist_ok=True)
    (CLIENTS / ".gitignore").write_text("*\n", encoding="utf-8")
    subprocess.run(
        [_npm(), "install", "--no-audit", "--no-fund", "--prefix", str(directory), f"{_PACKAGE}@{version}"],
        check=True,
    )


def _npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed; it comes with Node.js")
    return npm


def _installed(directory: Path) -> str | None:
    try:
        text = (directory / "node_modules" / _PACKAGE / "package.json").read_text(encoding="utf-8")
    except OSError:
        return None
    return str(json.loads(text)["version"])


if __name__ == "__main__":
    main()
