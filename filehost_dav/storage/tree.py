"""Tree: the contract of one user's files, which every storage keeps.

A Tree belongs to one user: obtained once, it cannot reach another user's bytes. Values go in
and values come out; no write handle is ever handed out. A change is whole or nothing, durable
when the call returns, and its condition holds at the instant of the commit, not only before.

In Area.SIDE and Area.STAGING the folders above a new resource are made when they are missing, so that
there is no ParentMissing; copy and move work from any area to any other.

Whatever the storage, these errors mean the same: NotFound, NotAFolder, IsAFolder, Exists,
ParentMissing, IntoItself, ConditionFailed, Locked (from a condition), Truncated,
ChecksumMismatch, TooLarge, QuotaExceeded, Full, Unavailable.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from filehost_dav.paths import FilePath
from filehost_dav.state.database import Statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A snapshot of one resource.

    `size` in bytes (0 for folders); `modified` and `created` in nanoseconds since the epoch;
    `etag` as it goes on the wire, quotes included: strong, new at every write, the same after
    MOVE and after a client sets only the time; `id` survives MOVE and overwriting.
    """

    path: FilePath
    is_folder: bool
    size: int
    modified: int
    created: int
    etag: str
    id: str


class Written(NamedTuple):
    """The outcome of a change: what is there now, and whether nothing was there before."""

    entry: Entry
    created: bool


class Usage(NamedTuple):
    """Bytes. `limit` is None without a quota; `available` never exceeds what the disk has."""

    used: int
    limit: int | None
    available: int


class Totals(NamedTuple):
    """Of all users together: bytes of files, bytes of trash and versions, entries in the trash."""

    used: int
    kept: int
    trashed: int


class Trashed(NamedTuple):
    """A deleted file or folder. `deleted` in nanoseconds since the epoch; `size` with all members."""

    id: str
    origin: FilePath
    deleted: int
    entry: Entry
    size: int


class Version(NamedTuple):
    """An earlier content of a file. `replaced` is when it was overwritten, in nanoseconds since the epoch."""

    id: str
    path: FilePath
    replaced: int
    size: int
    modified: int
    etag: str


def _anything(_present: Entry | None) -> None:
    """The condition that always holds."""


def _any_name() -> None:
    """Every new name is welcome."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold at the instant of commit.

    `absent`: nothing may be at the target (`If-None-Match: *`, `Overwrite: F`), else ConditionFailed.
    `holds`: called with what is at the target (None: nothing), inside the critical section of the
    commit; raises ConditionFailed or Locked. It must be quick and may be called more than once.
    `asks`: what it will ask of the records, so that a storage which keeps the tree there can ask it
    together with its own questions.
    `new`: called at the commit, and not always before, when nothing is at the target; raises Refused.
    """

    absent: bool = False
    holds: Callable[[Entry | None], None] = field(default=_anything)
    asks: tuple[Statement, ...] = ()
    new: Callable[[], None] = field(default=_any_name)


ANYTHING = Condition()
ABSENT = Condition(absent=True)


class Metadata(NamedTuple):
    """What a sender says of its body (RFC 9110 section 8, as far as it is stored or checked).

    `modified`: the time to give the file, in nanoseconds since the epoch; None: the time of the commit.
    `checksums`: what the bytes must have (lower-case algorithm → lower-case hex).
    `expected`: about how many bytes a body without a length will have.
    """

    modified: int | None = None
    checksums: Mapping[str, str] = MappingProxyType({})
    expected: int | None = None


NO_METADATA = Metadata()


@runtime_checkable
class Body(Protocol):
    """Bytes on their way in. Reading past a broken end raises Truncated (BadBody if malformed)."""

    length: int | None
    """Bytes announced; None when the end is found only by reading (chunked)."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the start of `buffer`; the number of bytes, 0 only at the complete end."""


@runtime_checkable
class DirectBody(Body, Protocol):
    """A body whose bytes can go to a file without passing through this process."""

    def splice(self, descriptor: int, most: int, /) -> int:
        """Move up to `most` bytes to the file at its offset; how many, 0 only at the complete end."""


@runtime_checkable
class Content(Protocol):
    """An open file: its size and bytes stay as they were when it was opened. Close it (`with`)."""

    entry: Entry

    def descriptor(self) -> int | None:
        """A file descriptor for sendfile, or None when there is none (object storage)."""

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from offset `start`, in pieces. Raises Truncated when the file shrank."""

    def offload(self) -> str | None:
        """Where a front server may read it by itself (a file's path, a signed address), or None."""

    def close(self) -> None: ...

    def __enter__(self) -> Content: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Span:
    """`length` bytes of `content` from `start`: what the HTTP layer sends by the cheapest means."""

    content: Content
    start: int
    length: int


class Scan(Protocol):
    """One pass over a folder for a reader that remembers what it made of each member.

    Iterating gives `(name, stamp, facts)` and leaves out members that vanish meanwhile. A member
    whose `stamp` is one seen before under the same name, with the same `view`, has not changed since
    in anything that `describe` and `Tree.checksums` tell; a stamp of None promises nothing (changed so
    recently that the clock could not tell a second change). `facts` is for `describe` alone. A folder that
    cannot be read fails when the scan is made, not half way.
    """

    view: Hashable
    """Whatever else `describe` depends on, such as the policy in force."""

    def __iter__(self) -> Iterator[tuple[str, int | None, Any]]: ...

    def describe(self, name: str, facts: Any) -> Entry | None:
        """The member's Entry; None when it is not shown in a listing."""


class Tree(Protocol):
    """One user's files. See the module for what all of it promises."""

    def stat(self, path: FilePath) -> Entry:
        """Raises NotFound."""

    def list(self, folder: FilePath) -> Iterator[Entry]:
        """The members of a folder, in no order, one pass. Members that vanish meanwhile are left out.

        Raises NotFound, NotAFolder.
        """

    def scan(self, folder: FilePath) -> Scan | None:
        """`list` for a reader that remembers; None where `list` is all there is.

        Raises NotFound, NotAFolder.
        """

    def generation(self, folder: FilePath) -> Hashable | None:
        """A value that differs after any change to what `list`, `stat` and `checksums` tell of a folder and
        its members, whoever made it; None where that cannot be told more cheaply than by listing. Never raises.
        """

    def twin(self, path: FilePath) -> str | None:
        """The name in the same folder that differs from `path`'s by upper and lower case alone; None when there
        is none, or when something is at `path` itself. Quick in folders of any size. Never raises.
        """

    def open(self, path: FilePath) -> Content:
        """Raises NotFound, IsAFolder."""

    def write(
        self, path: FilePath, body: Body, *, when: Condition = ANYTHING, metadata: Metadata = NO_METADATA
    ) -> Written:
        """Store the whole body as the file at `path`, replacing a file that is there.

        The bytes must match what `metadata` says of them. The replaced content becomes a version.
        Raises ParentMissing, IsAFolder, ConditionFailed, Truncated, ChecksumMismatch, TooLarge,
        QuotaExceeded, Full.
        """

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        """Raises Exists, ParentMissing."""

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        """Copy a file or folder (`deep=False`: the folder alone). What was at the target goes to the trash,
        or becomes a version when a file replaces a file. All or nothing.

        Raises NotFound, ParentMissing, IntoItself, ConditionFailed, QuotaExceeded, Full.
        """

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        """Rename, in constant time whatever is below. The target as in `copy`.

        Raises NotFound, ParentMissing, IntoItself, ConditionFailed.
        """

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        """Move a file or folder to the trash, in constant time. None where nothing was worth keeping
        (what lies in Area.SIDE, empty files). What is deleted in Area.STAGING goes to the trash too, and its
        origin is the place of that name in Area.FILES. Raises NotFound, ConditionFailed.
        """

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        """Give a file or folder the time `modified` (ns); the ETag stays. Raises NotFound."""

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        """The known checksums of a file that still hold (algorithm → hex, lower case), never computed here.

        Raises NotFound.
        """

    def usage(self) -> Usage: ...

    def trash(self) -> Iterator[Trashed]:
        """What was deleted, the newest first."""

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        """Bring back from the trash to its origin or to `target`. Never overwrites.

        Raises NotFound, Exists (the message proposes a free name), ParentMissing.
        """

    def open_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Content:
        """The content of a trashed file, or of a file below a trashed folder. Raises NotFound, IsAFolder."""

    def list_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Iterator[Entry]:
        """The members of a trashed folder. Raises NotFound, NotAFolder."""

    def purge(self, trash_id: str) -> None:
        """Remove from the trash for good. Raises NotFound."""

    def versions(self, path: FilePath) -> Iterator[Version]:
        """Earlier contents of a file, the newest first."""

    def open_version(self, path: FilePath, version_id: str) -> Content:
        """Raises NotFound."""

    def restore_version(self, path: FilePath, version_id: str) -> Written:
        """Make an earlier content the file's content; today's becomes a version. Raises NotFound."""

    def purge_version(self, path: FilePath, version_id: str) -> None:
        """Raises NotFound."""

    def close(self) -> None:
        """Give back descriptors and connections."""


class StoredTree(Tree, Protocol):
    """A Tree as a storage gives it. What came from another storage keeps its own times there."""

    def date_trashed(self, trash_id: str, deleted: int) -> None:
        """Give something in the trash another time of its deletion (ns); its id may change. Raises NotFound."""

    def date_version(self, path: FilePath, version_id: str, replaced: int) -> None:
        """Give a version another time of its replacement (ns); its id may change. Raises NotFound."""


class Storage(Protocol):
    """All users' trees."""

    def tree(self, user: str) -> StoredTree:
        """The tree of one user (a name that accounts has accepted), made when first asked for."""

    def looking(self, user: str, path: FilePath) -> Iterable[Statement]:
        """What a look at a file or folder asks of the records: nothing, where they do not tell of files."""

    def listing(self, user: str, folder: FilePath) -> Iterable[Statement]:
        """What tells whether a listing of a folder still holds: of the folder, and of what lies beside it."""

    def writing(self, user: str, path: FilePath) -> Iterable[Statement]:
        """What writing a file asks of them before it begins."""

    def remove(self, user: str) -> None:
        """Remove everything a user has, for good."""

    def totals(self) -> Totals:
        """From figures that are kept anyway: as costly as a look at each user. Raises Unavailable."""

    def sweep(self) -> None:
        """Maintenance: orphans of crashes, expired trash and versions. Safe at any time, in any process."""

    def close(self) -> None: ...
