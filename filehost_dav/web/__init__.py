"""The page for people with only a browser; it speaks WebDAV itself."""
