"""Where the settings of a proxy are that is started in another program's project."""

from __future__ import annotations

import os
from pathlib import Path

from proxy.settings.sources import environment, read_dotenv
from proxy.settings.table import CUSTOM_MODELS_FILE, settings

_CONFIG = "claude-proxy"


def settings_directory() -> Path:
    """The current directory if the settings there are the proxy's, else `~/.config/claude-proxy` or the clone that the
    package is in, whichever has settings, else the current one.

    A `.env` is the proxy's if it says who answers; PORT and OPENAI_API_KEY stand in that of many a project.
    """
    here = Path.cwd()
    if _says_who_answers(here):
        return here
    base = environment(("XDG_CONFIG_HOME",)).get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    places = (Path(base, _CONFIG), Path(__file__).resolve().parents[2])
    return next((place for place in places if os.path.isfile(place / ".env")), here)


def _says_who_answers(directory: Path) -> bool:
    sections = {row.variable: row.section for row in settings()}
    names = {name for name, section in sections.items() if section == sections["PREFERRED_PROVIDER"]}
    return os.path.isfile(directory / CUSTOM_MODELS_FILE) or not names.isdisjoint(read_dotenv(directory / ".env", []))
