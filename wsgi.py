"""The app for other servers: `waitress-serve wsgi:app`."""

import atexit
import sys

from proxy.cli import make_app
from proxy.logs import configure_logging
from proxy.server.process import set_waitress_defaults
from proxy.settings.config import ConfigError, load_config
from proxy.usage.ledger import Ledger
from proxy.web.ledger import use_ledger

try:
    config = load_config()
    configure_logging(config)
    set_waitress_defaults(config)
    app = make_app(config)
    ledger = Ledger(config.usage_db)
    use_ledger(app, ledger)
    atexit.register(ledger.close)
except ConfigError as error:
    print(error, file=sys.stderr)
    raise SystemExit(2) from None
