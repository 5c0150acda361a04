"""`python -m proxy.settings` prints `.env.example`, with `--readme` the table of the README."""

from __future__ import annotations

import sys

from proxy.settings.render import env_example, readme_table

if __name__ == "__main__":
    sys.stdout.write(f"{readme_table()}\n" if "--readme" in sys.argv[1:] else env_example())
