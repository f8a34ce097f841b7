"""The whole server as an application for another WSGI server, which then takes the place of our HTTP layer.

waitress-serve --call filehost_dav.wsgi:make
gunicorn 'filehost_dav.wsgi:make()'
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from pathlib import Path

from filehost_dav import app, identities
from filehost_dav.config import load
from filehost_dav.engines import shared_key
from filehost_dav.logs import events
from filehost_dav.logs.lines import shape_of
from filehost_dav.records import open_records, preload


def make(options: Mapping[str, object] | None = None) -> app.Application:
    """The application for this process: one call in each, after its fork. It is closed when the process ends.

    Settings are those of the file that FILEHOST_CONFIG names, of the environment, and `options` (as
    `section.key`). Raises ConfigError.
    """
    file = os.environ.get("FILEHOST_CONFIG")
    config = load(Path(file) if file else None, os.environ, options)
    events.begin(shape_of(config.log.format))
    preload(config)
    identities.check(config)
    records = open_records(config)
    try:
        key = shared_key(records.database)  # nobody hands one from process to process
    finally:
        records.close()
    application = app.application(config, key)
    atexit.register(application.close)
    return application
