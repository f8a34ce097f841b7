"""PROPFIND (RFC 4918 9.1): the properties of a resource, or of a folder and its members.

A folder that is known not to have changed since it was last listed is answered from memory; otherwise
every member is looked at, and only what changed is rendered again. Large folders are sent piece by
piece, so that the first byte leaves early and memory stays bounded. Without a Depth header it is 1, as
SabreDAV does: a client that leaves it out does not expect its whole tree.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice

from filehost_dav.dav.answer import XML, Answer, Headers
from filehost_dav.dav.bodies import LARGEST_DOCUMENT, body_of, read_whole
from filehost_dav.dav.guards import require_lists
from filehost_dav.dav.markup import END, MULTISTATUS
from filehost_dav.dav.plan import plan_of
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.propfind_compression import accepts_gzip, compressed, compressed_parts
from filehost_dav.dav.propfind_listing import PIECE, Draft, Listed, Listing, Piece, make_pieces
from filehost_dav.dav.propfind_rendering import Renderer, renderer_of
from filehost_dav.dav.propfind_resource import Resources, extras_of
from filehost_dav.dav.request import Request, depth
from filehost_dav.dav.statuses import Refusal
from filehost_dav.errors import NotAFolder, NotFound
from filehost_dav.storage.tree import Entry, Span

_WHOLE = 3  # parts: the head, a piece, and the end; such an answer is sent with its length
_WORTH_COMPRESSING = 1400  # bytes; what fits into one packet gains nothing
_END = END.encode()
_BEGINNING = MULTISTATUS.encode()


def propfind(request: Request) -> Answer:
    """207. Raises NotFound; Refusal (403, propfind-finite-depth) for a whole tree where that is not allowed."""
    # Read in any case: a body left on the wire would cost the connection at each 404.
    body = read_whole(body_of(request.environ), LARGEST_DOCUMENT)
    wanted = depth(request, default="1")
    if wanted == "infinity" and not request.services.whole_trees:
        raise Refusal(403, "A whole tree cannot be listed in one request", condition="propfind-finite-depth")
    renderer = renderer_of(plan_of(body))
    conditions = Preconditions.of(request.environ)
    if wanted == "1":
        return _with_members(request, renderer, conditions)
    entry = request.home.stat(request.path)
    require_lists(request, conditions, entry)
    if wanted == "infinity" and entry.is_folder:
        return _answer(request, _whole_tree(request, renderer, entry))
    return _alone(request, renderer, entry)


def _alone(request: Request, renderer: Renderer, entry: Entry) -> Answer:
    resources = Resources(request, renderer, extras_of(request, renderer, members=False))
    return _answer(request, [_BEGINNING + resources.own(entry) + _END])


def _with_members(request: Request, renderer: Renderer, conditions: Preconditions) -> Answer:
    key = _key(request, renderer)
    request.services.listings.await_maker(key)
    # Read before all that it vouches for, the folder's own entry included.
    generation = request.home.generation(request.path)
    known = request.services.listings.get(key)
    if known is not None and not conditions.lists and _still_holds(request, renderer, known, generation):
        return _from_memory(request, known)
    entry = request.home.stat(request.path)
    require_lists(request, conditions, entry)
    if not entry.is_folder:
        return _alone(request, renderer, entry)
    return _answer(request, _listed(request, renderer, entry, generation))


def _still_holds(request: Request, renderer: Renderer, known: Listing, generation: Hashable | None) -> bool:
    """Whether nothing whatever has changed since the listing was made."""
    if generation is None or known.generation != generation:
        return False
    return _same_records(request, renderer, known)


def _same_records(request: Request, renderer: Renderer, known: Listing) -> bool:
    if not (renderer.shows_dead or renderer.shows_locks):
        return True
    generation = request.services.database.generation()
    if generation is not None and generation == known.records and not known.extras.have_locks():
        return True
    return extras_of(request, renderer, members=True) == known.extras


def _listed(request: Request, renderer: Renderer, entry: Entry, generation: Hashable | None) -> Iterator[bytes]:
    """The answer made by looking at every member, and remembered for the next time."""
    records = request.services.database.generation()  # before the records that it vouches for
    extras = extras_of(request, renderer, members=True)
    resources = Resources(request, renderer, extras)
    scan = request.home.scan(request.path) or Listed(request.home.list(request.path))
    head = _BEGINNING + resources.own(entry)
    if resources.can_be_remembered:
        key = _key(request, renderer)
        former = request.services.listings.get(key)
        known = former.pieces if former is not None and former.view == scan.view else ()
        listing = Listing(head, known, scan.view, extras, generation, records)
        pieces = _kept(request, key, listing, make_pieces(scan, resources.member, extras.names(), known))
    else:
        pieces = make_pieces(scan, resources.member, (), ())
    return _texts(head, pieces)


def _texts(head: bytes, pieces: Iterable[Piece]) -> Iterator[bytes]:
    yield head
    for piece in pieces:
        yield piece.data
    yield _END


def _kept(request: Request, key: Hashable, listing: Listing, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces, which are remembered as those of `listing` once all of them have been made."""
    listings = request.services.listings
    if not listings.claim(key):
        yield from pieces
        return
    try:
        draft = Draft(listing.pieces, partial(listings.grant, key))
        for piece in pieces:
            draft.add(piece)
            yield piece
        if draft.pieces is not None:
            same = request.home.generation(request.path) == listing.generation
            generation = listing.generation if same else None
            listings.keep(key, replace(listing, pieces=draft.pieces, generation=generation))
    finally:
        listings.give_up(key)


def _whole_tree(request: Request, renderer: Renderer, entry: Entry) -> Iterator[bytes]:
    """Folder after folder, in bounded memory however many there are; nothing of it is remembered."""
    own = Resources(request, renderer, extras_of(request, renderer, members=False)).own(entry)
    yield _BEGINNING + own
    folders = [entry.path]
    while folders:
        here = replace(request, path=folders.pop())
        resources = Resources(here, renderer, extras_of(here, renderer, members=True))
        with suppress(NotFound, NotAFolder):  # gone since its own folder was listed
            members = here.home.list(here.path)
            while block := list(islice(members, PIECE)):
                folders += [member.path for member in block if member.is_folder]
                yield b"".join(map(resources.member, block))
    yield _END


def _key(request: Request, renderer: Renderer) -> Hashable:
    return (request.user, request.prefix, request.path, renderer)


def _from_memory(request: Request, known: Listing) -> Answer:
    parts = known.parts(_END)
    length = sum(part.length if isinstance(part, Span) else len(part) for part in parts)
    if length >= _WORTH_COMPRESSING and accepts_gzip(request.environ):
        if known.zipped is None:
            known.zipped = compressed(_texts(known.head, known.pieces))
        return Answer("207 Multi-Status", _headers(zipped=True), known.zipped)
    texts = [part for part in parts if isinstance(part, bytes)]
    if len(texts) == len(parts):
        return Answer("207 Multi-Status", _headers(), b"".join(texts))
    return Answer("207 Multi-Status", [*_headers(), ("Content-Length", str(length))], parts)


def _answer(request: Request, parts: Iterable[bytes]) -> Answer:
    """With a length where the first parts are all, else sent as it is made; compressed for those who can."""
    parts = iter(parts)
    begun = list(islice(parts, _WHOLE))
    zipped = accepts_gzip(request.environ)
    if not begun[-1].endswith(_END):
        rest = _resumed(begun, parts)
        return Answer("207 Multi-Status", _headers(zipped=zipped), compressed_parts(rest) if zipped else rest)
    if zipped and sum(map(len, begun)) >= _WORTH_COMPRESSING:
        return Answer("207 Multi-Status", _headers(zipped=True), compressed(begun))
    return Answer("207 Multi-Status", _headers(), b"".join(begun))


def _resumed(begun: list[bytes], parts: Iterator[bytes]) -> Iterator[bytes]:
    # A generator: whoever sends it can close it, and with it the scan.
    yield from begun
    yield from parts


def _headers(*, zipped: bool = False) -> Headers:
    headers = [*XML, ("Vary", "Accept-Encoding")]
    return [*headers, ("Content-Encoding", "gzip")] if zipped else headers
