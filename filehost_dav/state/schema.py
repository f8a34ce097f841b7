"""The tables of the server's records, as numbered steps that run by themselves at start.

A step, once released, is never edited: a change is a new step. The database remembers how many
steps it has seen; a database from a newer program is refused rather than guessed at.
"""

from __future__ import annotations

from filehost_dav.errors import ConfigError
from filehost_dav.state.database import Database, Transaction

# Tables that hold a user's records, in the column `owner`; emptied when the user is removed.
OWNED = ("lock", "property", "known_network", "app_password", "session", "totp", "recovery_code")

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE account (
            name TEXT PRIMARY KEY, password TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,
            quota BIGINT, extensions TEXT, created BIGINT NOT NULL)""",
        """CREATE TABLE lock (
            token TEXT PRIMARY KEY, owner TEXT NOT NULL, path TEXT NOT NULL, depth TEXT NOT NULL,
            scope TEXT NOT NULL, principal TEXT NOT NULL, info TEXT NOT NULL,
            timeout BIGINT NOT NULL, expires BIGINT NOT NULL)""",
        "CREATE INDEX lock_path ON lock (owner, path)",
        """CREATE TABLE property (
            owner TEXT NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (owner, path, name))""",
    ),
    (  # the folder of each property's resource, so that a listing is one indexed query
        "DROP TABLE property",
        """CREATE TABLE property (
            owner TEXT NOT NULL, path TEXT NOT NULL, folder TEXT NOT NULL,
            name TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (owner, path, name))""",
        "CREATE INDEX property_folder ON property (owner, folder)",
    ),
    (
        """CREATE TABLE session (
            digest TEXT PRIMARY KEY, owner TEXT NOT NULL, password TEXT NOT NULL,
            created BIGINT NOT NULL, seen BIGINT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL)""",
        "CREATE INDEX session_owner ON session (owner)",
    ),
    (
        """CREATE TABLE failure (
            subject TEXT PRIMARY KEY, failures BIGINT NOT NULL, last BIGINT NOT NULL, until BIGINT NOT NULL)""",
        """CREATE TABLE known_network (
            owner TEXT NOT NULL, network TEXT NOT NULL, seen BIGINT NOT NULL, PRIMARY KEY (owner, network))""",
        """CREATE TABLE app_password (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
            read_only INTEGER NOT NULL, folder TEXT, created BIGINT NOT NULL, expires BIGINT,
            used BIGINT, used_from TEXT, UNIQUE (owner, name))""",
    ),
    (
        # The tree of object storage; see storage/object/rows.py.
        """CREATE TABLE space (
            id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, used BIGINT NOT NULL, kept BIGINT NOT NULL,
            next BIGINT NOT NULL, change BIGINT NOT NULL)""",
        """CREATE TABLE node (
            id BIGINT PRIMARY KEY, parent BIGINT, name TEXT NOT NULL, folder BIGINT NOT NULL, blob TEXT,
            size BIGINT NOT NULL, modified BIGINT NOT NULL, created BIGINT NOT NULL, change BIGINT NOT NULL,
            folded TEXT NOT NULL DEFAULT '')""",
        "CREATE UNIQUE INDEX node_name ON node (parent, name)",
        "CREATE INDEX node_folded ON node (parent, folded)",
        "CREATE INDEX node_blob ON node (blob) WHERE blob IS NOT NULL",
        """CREATE TABLE blob (
            id TEXT PRIMARY KEY, space BIGINT NOT NULL, size BIGINT NOT NULL, state BIGINT NOT NULL,
            since BIGINT NOT NULL, sums TEXT NOT NULL)""",
        "CREATE INDEX blob_due ON blob (state, since) WHERE state <> 1",
        "CREATE INDEX blob_arriving ON blob (space) WHERE state = 0",
        """CREATE TABLE trash (
            id TEXT PRIMARY KEY, node BIGINT NOT NULL UNIQUE, space BIGINT NOT NULL,
            deleted BIGINT NOT NULL, origin TEXT NOT NULL)""",
        "CREATE INDEX trash_age ON trash (space, deleted)",
        """CREATE TABLE version (
            id TEXT PRIMARY KEY, node BIGINT NOT NULL, space BIGINT NOT NULL, blob TEXT NOT NULL,
            size BIGINT NOT NULL, modified BIGINT NOT NULL, replaced BIGINT NOT NULL)""",
        "CREATE INDEX version_node ON version (node)",
        "CREATE INDEX version_blob ON version (blob)",
        "CREATE INDEX version_age ON version (space, replaced)",
    ),
    (  # the second step of signing in; `since` is NULL until the secret is confirmed by a code
        """CREATE TABLE totp (
            owner TEXT PRIMARY KEY, secret TEXT NOT NULL, since BIGINT, step BIGINT NOT NULL)""",
        "CREATE TABLE recovery_code (owner TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (owner, digest))",
    ),
    ("CREATE TABLE oidc_state (digest TEXT PRIMARY KEY, used BIGINT NOT NULL)",),
)


def migrate(database: Database, steps: tuple[tuple[str, ...], ...] = STEPS) -> int:
    """Bring the tables to the newest step; how many steps were taken. Raises ConfigError."""
    with database.transaction() as transaction:
        transaction.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        seen = _steps_seen(transaction)
        if seen > len(steps):
            raise ConfigError(
                [f"The database is from a newer version (step {seen}, this program knows {len(steps)})"]
            )
        for statements in steps[seen:]:
            for statement in statements:
                transaction.execute(statement)
        if seen < len(steps):
            transaction.execute("DELETE FROM meta WHERE name = 'schema'")
            transaction.execute("INSERT INTO meta (name, value) VALUES ('schema', ?)", (str(len(steps)),))
        return len(steps) - seen


def _steps_seen(transaction: Transaction) -> int:
    rows = transaction.query("SELECT value FROM meta WHERE name = 'schema'")
    return int(rows[0][0]) if rows else 0
