"""The command `filehost-dav`."""
