"""Codes: the second step of signing in, by a telephone's app (TOTP, RFC 6238) or a recovery code.

Each code opens once, whichever process or node is asked: the records remember the last step of time
that did, and a recovery code goes when it is used. Recovery codes are kept as digests. The secret
must be readable to compute with; alone it opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from filehost_dav.accounts.app_passwords import new_secret
from filehost_dav.errors import Exists, NotFound
from filehost_dav.state.database import Database

if TYPE_CHECKING:
    from passlib.totp import TOTP

RECOVERY_CODES: Final = 10
_GROUPS: Final = 3  # of five letters and digits: 75 bits, so that a plain digest keeps them
_RECOVERY: Final = re.compile("[a-z2-9]{5}(-[a-z2-9]{5}){2}")
_TOLERANCE: Final = 30  # seconds that a telephone's clock may be wrong, each way


class Codes:
    """All users' codes. `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, owner: str) -> None:
        """Draw a secret, which counts once it is confirmed. Raises Exists when codes are asked for already."""
        with self._database.transaction(owner) as transaction:
            transaction.execute("DELETE FROM totp WHERE owner = ? AND since IS NULL", (owner,))
            if transaction.query("SELECT 1 FROM totp WHERE owner = ?", (owner,)):
                raise Exists("Codes are asked for already")
            transaction.execute(
                "INSERT INTO totp (owner, secret, since, step) VALUES (?, ?, NULL, -1)", (owner, _new_secret())
            )

    def begun(self, owner: str) -> str | None:
        """The secret that waits to be confirmed, in base 32, as apps take it."""
        rows = self._database.query("SELECT secret FROM totp WHERE owner = ? AND since IS NULL", (owner,))
        return str(rows[0][0]) if rows else None

    def confirm(self, owner: str, code: str) -> list[str] | None:
        """From now on codes are asked for, if this one is right; the recovery codes, shown only now."""
        secret = self.begun(owner)
        step = self._step(secret, code, -1) if secret else None
        if step is None:
            return None
        recovery = [new_secret(_GROUPS) for _ in range(RECOVERY_CODES)]
        with self._database.transaction(owner) as transaction:
            if not transaction.execute(
                "UPDATE totp SET since = ?, step = ? WHERE owner = ? AND secret = ? AND since IS NULL",
                (int(self._clock()), step, owner, secret),
            ):
                return None
            transaction.execute("DELETE FROM recovery_code WHERE owner = ?", (owner,))
            transaction.execute_many(
                "INSERT INTO recovery_code (owner, digest) VALUES (?, ?)",
                [(owner, _digest(one)) for one in recovery],
            )
        return recovery

    def take(self, owner: str, code: str) -> bool:
        """Whether this is a right code that nobody has used; now it is used."""
        if _is_shown(code):
            return self._take_step(owner, code)
        with self._database.transaction(owner) as transaction:
            return bool(
                transaction.execute(
                    "DELETE FROM recovery_code WHERE owner = ? AND digest = ?", (owner, _digest(code))
                )
            )

    def left(self, owner: str) -> int:
        """Recovery codes that are not used yet."""
        ((count,),) = self._database.query("SELECT count(*) FROM recovery_code WHERE owner = ?", (owner,))
        return int(count)

    def end(self, owner: str) -> None:
        """Codes are no longer asked for. Raises NotFound when they were not."""
        with self._database.transaction(owner) as transaction:
            transaction.execute("DELETE FROM recovery_code WHERE owner = ?", (owner,))
            if not transaction.execute("DELETE FROM totp WHERE owner = ? AND since IS NOT NULL", (owner,)):
                raise NotFound(f"{owner} signs in without codes")

    def uri(self, secret: str, owner: str, issuer: str) -> str:
        """What an app reads from the picture."""
        return str(_totp(secret).to_uri(label=owner.replace(":", ""), issuer=issuer.replace(":", "")))

    def _take_step(self, owner: str, code: str) -> bool:
        rows = self._database.query(
            "SELECT secret, step FROM totp WHERE owner = ? AND since IS NOT NULL", (owner,)
        )
        step = self._step(rows[0][0], code, rows[0][1]) if rows else None
        if step is None:
            return False
        with self._database.transaction(owner) as transaction:
            # Of two that bring the same code at the same time, one changes a row.
            return bool(
                transaction.execute(
                    "UPDATE totp SET step = ? WHERE owner = ? AND secret = ? AND step < ?",
                    (step, owner, rows[0][0], step),
                )
            )

    def _step(self, secret: str, code: str, last: int) -> int | None:
        """The step of time whose code this is, if it is near and later than the last one used."""
        from passlib.exc import TokenError  # noqa: PLC0415 - loaded with the first code, not at start

        try:
            found = _totp(secret).match(code, int(self._clock()), window=_TOLERANCE, last_counter=last)
        except TokenError:
            return None
        return int(found.counter)


def looks_like_code(text: str) -> bool:
    """Whether this could be a code, of the app or for recovery, with or without blanks."""
    return _is_shown(text) or _RECOVERY.fullmatch(_bare(text)) is not None


def _is_shown(text: str) -> bool:
    """Whether an app could have shown this: six digits."""
    digits = _bare(text)
    return len(digits) == 6 and digits.isascii() and digits.isdigit()


def _bare(text: str) -> str:
    return "".join(text.split()).lower()


def _new_secret() -> str:
    from passlib.totp import TOTP  # noqa: PLC0415

    return str(TOTP.new().base32_key)


def _totp(secret: str) -> TOTP:
    from passlib.totp import TOTP  # noqa: PLC0415

    return TOTP(secret, format="base32")


def _digest(code: str) -> str:
    return sha256(_bare(code).encode("utf-8", "surrogatepass")).hexdigest()
