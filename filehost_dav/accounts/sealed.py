"""Sealed texts: what the server gives a browser to bring back, so that nothing need be kept meanwhile.

The text can be read by whoever holds it; it cannot be changed, used for another purpose or used later.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seal:
    """For one purpose. `key` is secret and the same in all of a server's processes."""

    key: bytes
    purpose: str

    def close(self, text: str, until: int) -> str:
        """`text`, to be opened before `until` (seconds since the epoch)."""
        content = f"{until}.{urlsafe_b64encode(text.encode()).decode()}"
        return f"{content}.{self._mark(content)}"

    def open(self, sealed: str, now: float) -> str | None:
        """The text, None when it is not ours or too old."""
        content, _, mark = sealed.rpartition(".")
        if not hmac.compare_digest(mark.encode("utf-8", "surrogatepass"), self._mark(content).encode()):
            return None
        until, _, text = content.partition(".")
        return urlsafe_b64decode(text).decode() if now < int(until) else None

    def _mark(self, content: str) -> str:
        sealed = f"{self.purpose}\0{content}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, sealed, "sha256").hex()
