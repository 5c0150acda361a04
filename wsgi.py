"""The app for other servers: `waitress-serve wsgi:app`."""

import atexit
import sys

from proxy.cli import make_app
from proxy.logs import configure_logging
from proxy.replaying.recorded import start_recording
from proxy.server.hangup import on_hangup
from proxy.server.process import set_waitress_defaults
from proxy.settings.config import ConfigError
from proxy.settings.files import SettingsFiles
from proxy.usage.ledger import Ledger
from proxy.web.ledger import use_ledger
from proxy.web.reload import Reload

try:
    files = SettingsFiles()
    config = files.load()
    configure_logging(config)
    set_waitress_defaults(config)
    app = make_app(config)
    ledger = Ledger(config.usage_db)
    use_ledger(app, ledger)
    atexit.register(ledger.close)
    if recordings := start_recording(app, config):
        atexit.register(recordings.close)
except ConfigError as error:
    print(error, file=sys.stderr)
    raise SystemExit(2) from None
reload = Reload(app, files)
reload.start()
on_hangup(reload.ask)
