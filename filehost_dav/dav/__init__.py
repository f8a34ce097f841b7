"""WebDAV on WsgiDAV: the only code shaped by it."""
