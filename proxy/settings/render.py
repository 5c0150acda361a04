"""The table of settings as text: `.env.example` and the README's table."""

from __future__ import annotations

import itertools
import textwrap

from proxy.settings.table import Setting, settings

_WIDTH = 120
_HEAD = (
    "Copy this file to .env and take the # away where you set something. Variables of the real environment win over it."
)
_BEGIN = "<!-- settings: made by python -m proxy.settings --readme -->"
_END = "<!-- end of settings -->"


def env_example() -> str:
    """The text of `.env.example`: every setting with its help, commented out."""
    lines = [f"# {_HEAD}"]
    for section, rows in itertools.groupby(settings(), lambda row: row.section):
        lines += ["", f"# --- {section}"]
        for row in rows:
            words = f"{row.help}. {row.detail}".rstrip()
            lines += textwrap.wrap(words, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
            lines.append(f"#{row.variable}={row.default or row.example}")
    return "\n".join([*lines, ""])


def readme_table() -> str:
    """The README's table with the comments around it."""
    lines = [_BEGIN, "| variable | default | meaning |", "|---|---|---|"]
    lines += [f"| `{row.variable}` | {_default(row)} | {row.help} |" for row in settings()]
    return "\n".join([*lines, _END])


def _default(row: Setting) -> str:
    return f"`{row.default}`" if row.default else row.default_text
