"""`python -m proxy.settings` prints `.env.example`, with `--reference` `docs/settings.md`."""

from __future__ import annotations

import sys

from proxy.settings.render import env_example, reference

if __name__ == "__main__":
    sys.stdout.write(reference() if "--reference" in sys.argv[1:] else env_example())
