"""The trash of one user: what was deleted, whole, under a name that tells when and what it was.

A journal beside the items keeps where each came from and how large it is, as lines of JSON that are
only ever added; an item without a line is still shown and can be restored by its name.
All methods that take an account need the user's lock.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

from filehost_dav.errors import BadPath
from filehost_dav.paths import LONGEST_NAME, Area, FilePath
from filehost_dav.storage.local.content import LocalContent, content_of
from filehost_dav.storage.local.disk import TRASH, Disk, Found, Spot
from filehost_dav.storage.local.faults import nothing_here
from filehost_dav.storage.local.folders import RESERVED, Folder, remove_tree, size_below
from filehost_dav.storage.local.ledger import Account
from filehost_dav.storage.local.spelling import shown
from filehost_dav.storage.tree import Entry, Trashed

JOURNAL = RESERVED + "journal"
DOOMED = RESERVED + "doomed-"
_ID = re.compile(r"(\d{19})-[0-9a-f]{4}-.+", re.DOTALL)


class Item(NamedTuple):
    """Something in the trash: its name there, when it came (ns), and what the journal says of it."""

    name: str
    deleted: int
    origin: FilePath
    size: int | None


class Trash:
    """One user's trash."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def put(self, account: Account, spot: Spot, found: Found) -> Trashed:
        """Move what is at `spot` into the trash, in constant time. Raises OSError."""
        deleted = self._disk.rules.clock()
        entry = found.as_entry()
        origin = found.path.in_area(Area.FILES)
        name = _item_name(deleted, origin.name)
        size = None if entry.is_folder else entry.size
        with self._disk.corner(TRASH) as folder:
            try:
                self._note(folder, {"id": name, "origin": str(origin), "size": size})
            except OSError as error:
                # Deleting must be possible on a full disk; the item then goes without a line.
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                account.stale = True
            spot.folder.rename_new(spot.name, folder, name)
            account.kept += size or 0
            account.unmeasured += size is None
            if self._disk.rules.syncs_all:
                folder.sync()
        return Trashed(name, origin, deleted, entry, size or 0)

    def items(self) -> list[Item]:
        """All items, the oldest first. Raises OSError."""
        with self._disk.corner(TRASH) as folder:
            facts = self._facts(folder)
            names = sorted(name for name in folder.names() if _ID.fullmatch(name) and shown(name) is not None)
            return [_item(folder, name, facts.get(name, {})) for name in names]

    def listed(self, account: Account) -> list[Trashed]:
        """All items with their sizes, the newest first. Raises OSError."""
        self.measure(account)
        with self._disk.corner(TRASH) as folder:
            return [
                Trashed(item.name, item.origin, item.deleted, found.as_entry(), item.size or 0)
                for item in reversed(self.items())
                if (found := self._spot(folder, item.name, item.origin).look()) is not None
            ]

    def find(self, trash_id: str) -> Item:
        """Raises NotFound, OSError."""
        if not _ID.fullmatch(trash_id) or shown(trash_id) != trash_id:
            raise nothing_here()
        with self._disk.corner(TRASH) as folder:
            if folder.status(trash_id) is None:
                raise nothing_here()
            return _item(folder, trash_id, self._facts(folder).get(trash_id, {}))

    def spot(self, item: Item) -> Spot:
        """Where an item lies. Raises OSError."""
        return self._spot(self._disk.corner(TRASH), item.name, item.origin)

    def open(self, trash_id: str, below: tuple[str, ...]) -> LocalContent:
        """Raises NotFound, IsAFolder, OSError."""
        item = self.find(trash_id)
        if not below:
            with self.spot(item) as spot:
                return content_of(item.origin, spot.folder.open_file(item.name))
        _, folder = self._disk.reach(f"{TRASH}/{self._disk.user}", (item.name, *below[:-1]))
        with folder:
            name = self._disk.on_disk(folder, below[-1])
            return content_of(FilePath((*item.origin.parts, *below)), folder.open_file(name))

    def members(self, trash_id: str, below: tuple[str, ...]) -> Iterator[Entry]:
        """Raises NotFound, NotAFolder, OSError."""
        item = self.find(trash_id)
        _, folder = self._disk.reach(f"{TRASH}/{self._disk.user}", (item.name, *below))
        path = FilePath((*item.origin.parts, *below))
        return (found.as_entry() for found in self._disk.members(folder, path))

    def lineages(self, item: Item) -> set[str]:
        """The ids under which earlier versions of all files in an item are kept. Raises OSError."""
        with self.spot(item) as spot:
            return set(self._lineages_below(spot))

    def measure(self, account: Account) -> None:
        """Find out the sizes of deleted folders: until then they stand under files. Raises OSError."""
        if account.unmeasured > 0:
            account.kept += self.note_sizes()
            account.unmeasured = 0

    def note_sizes(self) -> int:
        """Write down the sizes of deleted folders that were not known yet; bytes in all. Raises OSError."""
        unknown = [item.name for item in self.items() if item.size is None]
        with self._disk.corner(TRASH) as folder:
            return sum(self._measured(folder, name) for name in unknown)

    def date(self, item: Item, deleted: int) -> None:
        """Give an item another time, and so another name; needs the lock. Raises OSError."""
        name = _item_name(deleted, item.origin.name)
        with self._disk.corner(TRASH) as folder:
            self._note(folder, {"id": name, "origin": str(item.origin), "size": item.size})
            folder.rename_new(item.name, folder, name)

    def took_back(self, account: Account, item: Item) -> None:
        """Account for an item that has left the trash for the user's files."""
        account.kept -= item.size or 0
        account.unmeasured -= item.size is None

    def doom(self, account: Account, item: Item) -> int:
        """Take an item out of the trash for good; the bytes it gives back. `clear` removes it from the disk."""
        with self._disk.corner(TRASH) as folder:
            size = item.size
            if size is None:
                size = self._measured(folder, item.name)
                account.kept += size
                account.unmeasured -= 1
            folder.rename_new(item.name, folder, doomed_name())
            account.used -= size
            account.kept -= size
        return size

    def clear(self) -> None:
        """Remove what was doomed; needs no lock. Raises OSError."""
        with self._disk.corner(TRASH) as folder:
            for name in folder.names():
                if name.startswith(DOOMED):
                    remove_tree(folder, name)

    def tidy(self) -> None:
        """Drop the journal's lines about what is no longer here; needs the lock. Raises OSError."""
        with self._disk.corner(TRASH) as folder:
            present = set(folder.names())
            facts = self._facts(folder)
            kept = {name: fact for name, fact in facts.items() if name in present}
            if len(kept) == len(facts):
                return
            fresh = self._disk.temporary()
            file = folder.create(fresh)
            try:
                text = "".join(f"{json.dumps(fact)}\n" for fact in kept.values())
                with os.fdopen(file, "w", encoding="utf-8") as out:
                    out.write(text)
                folder.rename(fresh, folder, JOURNAL)
            except BaseException:
                remove_tree(folder, fresh)
                raise

    def _lineages_below(self, spot: Spot) -> Iterator[str]:
        found = spot.look_closely()
        if found is None:
            return
        if not found.status.is_folder:
            yield from found.lineage
            return
        with spot.folder.folder(spot.name) as folder:
            for name in folder.names():
                yield from self._lineages_below(self._spot(folder, name, found.path))

    def _spot(self, folder: Folder, name: str, origin: FilePath) -> Spot:
        return Spot(self._disk.root, "", folder, name, origin)

    def _measured(self, folder: Folder, name: str) -> int:
        with folder.folder(name) as inner:
            size = size_below(inner)
        self._note(folder, {"id": name, "size": size})
        return size

    def _note(self, folder: Folder, fact: dict[str, Any]) -> None:
        file = folder.open_own(JOURNAL, os.O_WRONLY | os.O_APPEND)
        try:
            # Begins with a line break, so that a line torn by a crash spoils no other.
            os.write(file, f"\n{json.dumps(fact)}".encode())
        finally:
            os.close(file)

    def _facts(self, folder: Folder) -> dict[str, dict[str, Any]]:
        with os.fdopen(folder.open_own(JOURNAL, os.O_RDONLY), encoding="utf-8", errors="replace") as journal:
            lines = journal.read().splitlines()
        facts: dict[str, dict[str, Any]] = {}
        for line in lines:
            try:
                fact = json.loads(line)
                facts.setdefault(fact["id"], {}).update(fact)
            except (ValueError, TypeError, KeyError):
                continue
        return facts


def doomed_name() -> str:
    return DOOMED + secrets.token_hex(8)


def _item_name(deleted: int, name: str) -> str:
    head = f"{deleted:019d}-{secrets.token_hex(2)}-"
    room = LONGEST_NAME - len(head)
    # The end is kept: it has the extension.
    return head + name.encode()[-room:].decode("utf-8", "ignore")


def _item(folder: Folder, name: str, fact: dict[str, Any]) -> Item:
    match = _ID.fullmatch(name)
    deleted = int(match[1]) if match else 0
    size = fact.get("size")
    if not isinstance(size, int):
        status = folder.status(name)
        size = None if status is None or status.is_folder else status.size
    return Item(name, deleted, _origin(name, fact.get("origin")), size)


def _origin(name: str, noted: object) -> FilePath:
    try:
        return FilePath.parse(str(noted)) if noted else FilePath((name[25:],))
    except BadPath:
        return FilePath((name[25:],))
