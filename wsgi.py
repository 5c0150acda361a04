"""The app for other servers: `waitress-serve --threads=256 wsgi:app`."""

import sys

from proxy.cli import make_app
from proxy.logs import configure_logging
from proxy.settings.config import ConfigError, load_config

try:
    config = load_config()
    configure_logging(config)
    app = make_app(config)
except ConfigError as error:
    print(error, file=sys.stderr)
    raise SystemExit(2) from None
