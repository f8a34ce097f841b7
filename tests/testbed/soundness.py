"""What must be true of rows and bucket at rest, stated without the program's own checker."""

from __future__ import annotations

from filehost_dav.state.database import Database
from filehost_dav.storage.object.blobs import Blobs

RANGE = 1 << 40
REACHABLE = f"""WITH RECURSIVE reached(id) AS (
    SELECT space.id * {RANGE} + n.number FROM space
        JOIN (SELECT 1 AS number UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) AS n ON 1 = 1
    UNION ALL SELECT node.id FROM reached JOIN node ON node.parent = reached.id)"""
COUNTED = f"""WITH RECURSIVE apart(id, root) AS (
    SELECT id, parent % {RANGE} FROM node
        WHERE parent IN (SELECT id * {RANGE} + 4 FROM space UNION SELECT id * {RANGE} + 5 FROM space)
    UNION ALL SELECT node.id, apart.root FROM apart JOIN node ON node.parent = apart.id)
    SELECT space.used,
        (SELECT COALESCE(SUM(size), 0) FROM node WHERE id / {RANGE} = space.id
            AND id NOT IN (SELECT id FROM apart)),
        space.kept,
        (SELECT COALESCE(SUM(size), 0) FROM node WHERE id / {RANGE} = space.id
            AND id IN (SELECT id FROM apart WHERE root = 4))
        + (SELECT COALESCE(SUM(size), 0) FROM version WHERE version.space = space.id)
    FROM space"""
PROBLEMS = {
    "rows that hang nowhere": f"{REACHABLE} SELECT id FROM node WHERE id NOT IN (SELECT id FROM reached)",
    "members of files": """SELECT node.id FROM node JOIN node AS above ON above.id = node.parent
        WHERE above.folder = 0""",
    "files without a content": """SELECT node.id FROM node LEFT JOIN blob ON blob.id = node.blob
        WHERE node.folder = 0 AND (blob.id IS NULL OR blob.state <> 1 OR blob.size <> node.size)""",
    "versions without a content": """SELECT version.id FROM version LEFT JOIN blob ON blob.id = version.blob
        WHERE blob.id IS NULL OR blob.state <> 1 OR blob.size <> version.size""",
    "versions of nothing": "SELECT id FROM version WHERE node NOT IN (SELECT id FROM node)",
    "contents nobody has": """SELECT id FROM blob WHERE state = 1
        AND NOT EXISTS (SELECT 1 FROM node WHERE node.blob = blob.id)
        AND NOT EXISTS (SELECT 1 FROM version WHERE version.blob = blob.id)""",
    "trash that is not there": "SELECT id FROM trash WHERE node NOT IN (SELECT id FROM node)",
}


def problems(database: Database, blobs: Blobs) -> dict[str, object]:
    """Everything wrong; empty when all is well."""
    found: dict[str, object] = {what: rows for what, sql in PROBLEMS.items() if (rows := database.query(sql))}
    counted = [tuple(map(int, row)) for row in database.query(COUNTED)]
    if any(row[0] != row[1] or row[2] != row[3] for row in counted):
        found["usage is not the sum of sizes"] = counted
    return found | _against_bucket(database, blobs)


def _against_bucket(database: Database, blobs: Blobs) -> dict[str, object]:
    rows = database.query("SELECT id, size, state FROM blob")
    needed = {blob: size for blob, size, state in rows if state == 1 and size}
    there = {stored.key.rpartition("/")[2]: stored.size for stored in blobs.list("b/")}
    return {
        what: blobs_
        for what, blobs_ in {
            "lost": sorted(blob for blob, size in needed.items() if there.get(blob) != size),
            "orphans": sorted(set(there) - {blob for blob, _, _ in rows}),
        }.items()
        if blobs_
    }
