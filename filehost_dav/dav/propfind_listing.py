"""Listing: the responses of a folder's members, cut into pieces, and made anew from what still holds.

Every member is looked at each time (its stamp tells whether it changed), but only those that changed are
described and rendered again. Pieces in which nothing changed are taken over as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from filehost_dav.dav.answer import Part
from filehost_dav.dav.propfind_extras import Extras
from filehost_dav.dav.propfind_sheet import Passage, Sheet
from filehost_dav.storage.tree import Entry, Scan

FIRST_PIECE: Final = 100  # members; small, so that the first byte leaves early
PIECE: Final = 128  # members, about 64 KiB: each client of a large folder holds one
_CHANGING = -1  # in place of a stamp: no stamp is ever equal to it
_SMALL: Final = 2  # pieces; so few are not worth a sheet
_PER_MEMBER: Final = 140  # bytes of memory that a member takes beside its response
_ZIPPED: Final = 10  # a listing shrinks to a tenth at least, and is kept in both forms

Row = tuple[str, int | None, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """The responses of some members, one behind the other; `ends` says where each one ends."""

    names: Sequence[str]
    stamps: Sequence[int]
    ends: array[int]
    text: bytes | Passage

    @property
    def data(self) -> bytes:
        return self.text if isinstance(self.text, bytes) else self.text.read()

    @property
    def memory(self) -> int:
        """Roughly the bytes it takes."""
        return (self.ends[-1] if self.ends else 0) + _PER_MEMBER * len(self.names)


@dataclass(slots=True, eq=False)
class Listing:
    """A whole answer: the folder's own response with all that precedes it, and its members' in pieces.

    It answers for as long as the folder's `generation` and the records' stay what they were; the pieces
    can be built upon as long as `view` does. `zipped` is the whole of it in gzip, once somebody asked.
    """

    head: bytes
    pieces: Sequence[Piece]
    view: Hashable
    extras: Extras
    generation: Hashable | None
    records: int | None
    zipped: bytes | None = None

    @property
    def memory(self) -> int:
        """Roughly the bytes it takes, or will once somebody asks for it in gzip."""
        memory = len(self.head) + sum(piece.memory for piece in self.pieces)
        return memory + memory // _ZIPPED

    def parts(self, end: bytes) -> tuple[Part, ...]:
        """The whole answer, closed by `end`, in as few parts as can be."""
        parts: list[bytes | Passage] = [self.head]
        for piece in self.pieces:
            last, text = parts[-1], piece.text
            joined = None
            if isinstance(last, Passage) and isinstance(text, Passage):
                joined = last.joined(text)
            if joined is None:
                parts.append(text)
            else:
                parts[-1] = joined
        parts.append(end)
        return tuple(part.as_span() if isinstance(part, Passage) else part for part in parts)


class Draft:
    """The pieces of a listing that is being made, as they will be remembered: those of a large one on a sheet.

    As long as they are the former ones, in order, they stay where they are. `room` grants bytes of memory;
    without them, the listing goes out all the same, unremembered.
    """

    def __init__(
        self, former: Sequence[Piece], room: Callable[[int], bool], new_sheet: Callable[[], Sheet] = Sheet
    ) -> None:
        self._former = former
        self._new_sheet = new_sheet
        self._room = room
        self._sheet: Sheet | None = None
        self.pieces: list[Piece] | None = []
        """None when there was no room for them."""

    def add(self, piece: Piece) -> None:
        if self.pieces is None:
            return
        try:
            fits = self._room(piece.memory)
            if fits:
                self._take(piece, self.pieces)
        except OSError:
            fits = False  # no memory or no descriptor left
        if not fits:
            self.pieces = self._sheet = None

    def _take(self, piece: Piece, pieces: list[Piece]) -> None:
        count = len(pieces)
        pieces.append(piece)
        if self._sheet is not None:
            pieces[-1] = _written(piece, self._sheet)
        elif count >= _SMALL and not (count < len(self._former) and self._former[count] is piece):
            sheet = self._sheet = self._new_sheet()
            pieces[:] = [_written(one, sheet) for one in pieces]


def _written(piece: Piece, sheet: Sheet) -> Piece:
    return replace(piece, text=sheet.append(piece.data))


def make_pieces(
    scan: Scan, render: Callable[[Entry], bytes], changing: Collection[str], former: Sequence[Piece]
) -> Iterator[Piece]:
    """The members of a folder as pieces. `former` are the last ones, made with an equal view.

    `changing` names the members whose response depends on more than their stamp tells.
    """
    rows = iter(scan)
    maker = _Maker(scan, render, changing, former)
    for piece in former:
        block = list(islice(rows, len(piece.names)))
        if not block:
            return
        yield piece if _holds(piece, block, changing) else maker.piece(block)
    size = PIECE if former else FIRST_PIECE
    while block := list(islice(rows, size)):
        yield maker.piece(block)
        size = PIECE


def _holds(piece: Piece, block: Sequence[Row], changing: Collection[str]) -> bool:
    names = [row[0] for row in block]
    return (
        names == piece.names
        and [row[1] for row in block] == piece.stamps
        and (not changing or not any(name in changing for name in names))
    )


class _Maker:
    """Makes pieces, with what the former ones still know of single members."""

    def __init__(
        self,
        scan: Scan,
        render: Callable[[Entry], bytes],
        changing: Collection[str],
        former: Sequence[Piece],
    ) -> None:
        self._scan = scan
        self._render = render
        self._changing = changing
        self._former = former
        self._places: dict[str, tuple[Piece, int]] | None = None
        self._open: tuple[Piece, bytes] | None = None

    def piece(self, block: Sequence[Row]) -> Piece:
        stamps: list[int] = []
        responses: list[bytes] = []
        ends = array("Q")
        end = 0
        for name, stamp, facts in block:
            response = self._known(name, stamp) if self._former else None
            if response is None:
                entry = self._scan.describe(name, facts)
                response = b"" if entry is None else self._render(entry)
            end += len(response)
            responses.append(response)
            ends.append(end)
            stamps.append(_CHANGING if stamp is None or name in self._changing else stamp)
        return Piece([row[0] for row in block], stamps, ends, b"".join(responses))

    def _known(self, name: str, stamp: int | None) -> bytes | None:
        if stamp is None or name in self._changing:
            return None
        if self._places is None:
            self._places = {
                known: (piece, index) for piece in self._former for index, known in enumerate(piece.names)
            }
        place = self._places.get(name)
        if place is None or place[0].stamps[place[1]] != stamp:
            return None
        piece, index = place
        # One piece after the other, mostly: its text is fetched once.
        if self._open is None or self._open[0] is not piece:
            self._open = (piece, piece.data)
        return self._open[1][piece.ends[index - 1] if index else 0 : piece.ends[index]]


class Listed:
    """A Scan over `Tree.list`, for trees that have no quicker one: every member is described each time."""

    view: Hashable = None

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Row]:
        return ((entry.path.name, None, entry) for entry in self._entries)

    def describe(self, _name: str, facts: Entry) -> Entry | None:
        return facts
