"""The table of settings as text: `.env.example` and `docs/settings.md`."""

from __future__ import annotations

import itertools
import textwrap

from proxy.settings.table import Setting, settings

_WIDTH = 120
_HEAD = (
    "Copy this file to .env and take the # away where you set something. Variables of the real environment win over it."
)
_REFERENCE_HEAD = """# Settings

Made by `python -m proxy.settings --reference`. Each can stand in the environment, in `.env` in the directory in which
the proxy is started, or, but for keys, be given as a flag: `--port 8083` for `PORT=8083`. Flags win over the
environment, which wins over `.env`.
"""


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


def reference() -> str:
    """The text of `docs/settings.md`: every setting with its default and its help, by section."""
    lines = [_REFERENCE_HEAD]
    for section, rows in itertools.groupby(settings(), lambda row: row.section):
        lines += [f"## {section}", ""]
        for row in rows:
            words = f"- **`{row.variable}`** ({_default(row)}): {row.help}. {row.detail}".rstrip()
            lines += textwrap.wrap(
                words, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            )
        lines.append("")
    return "\n".join(lines)


def _default(row: Setting) -> str:
    return f"`{row.default}`" if row.default else row.default_text or "not set"
