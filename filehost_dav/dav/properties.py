"""Live properties: what the server itself knows of a resource, as XML.

Each is one row of a table: a piece of XML with at most one place for a value, and how the value is had
from the Entry. Templates of whole listings are joined from the same pieces, so that a property looks the
same wherever it appears; the prefixes are those that `markup` binds in every answer. A property that needs
more than the Entry (locks, quota, checksums) is a row of the second table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from filehost_dav.dav.markup import escaped
from filehost_dav.dav.media import media_type
from filehost_dav.dav.times import http_date, iso_date
from filehost_dav.storage.tree import Entry, Usage

DAV: Final = "{DAV:}"
OWNCLOUD: Final = "{http://owncloud.org/ns}"
MICROSOFT: Final = "{urn:schemas-microsoft-com:}"
SARDINE: Final = "{SAR:}"

Value = Callable[[Entry], str | int]

_SUPPORTED_LOCKS: Final = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


@dataclass(frozen=True, slots=True)
class Live:
    """A property that an Entry tells. `on_file` and `on_folder` are its XML, with `%s` for the value; None
    where such a resource has no such property. `in_allprop`: whether `allprop` shows it.
    """

    on_file: str | None
    on_folder: str | None
    value: Value | None = None
    in_allprop: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What only some requests need to know beside the Entry: `locks` is the inside of lockdiscovery."""

    locks: str = ""
    usage: Usage | None = None
    checksums: Mapping[str, str] | None = None


Render = Callable[[bool, Around], str | None]
"""From whether it is a folder, and what is around, to the XML; None where there is no such property."""


def _display_name(entry: Entry) -> str:
    return escaped(entry.path.name)


def _media_type(entry: Entry) -> str:
    return escaped(media_type(entry.path.extension))


def _modified(entry: Entry) -> str:
    return http_date(entry.modified)


def _created(entry: Entry) -> str:
    return iso_date(entry.created)


def _modified_seconds(entry: Entry) -> int:
    return entry.modified // 1_000_000_000


def _on_both(xml: str, value: Value | None = None, *, in_allprop: bool = False) -> Live:
    return Live(xml, xml, value, in_allprop)


LIVE: Final[Mapping[str, Live]] = {
    DAV + "resourcetype": Live(
        "<D:resourcetype/>", "<D:resourcetype><D:collection/></D:resourcetype>", in_allprop=True
    ),
    DAV + "displayname": _on_both("<D:displayname>%s</D:displayname>", _display_name, in_allprop=True),
    DAV + "getlastmodified": _on_both("<D:getlastmodified>%s</D:getlastmodified>", _modified, in_allprop=True),
    DAV + "creationdate": _on_both("<D:creationdate>%s</D:creationdate>", _created, in_allprop=True),
    DAV + "getcontentlength": Live(
        "<D:getcontentlength>%s</D:getcontentlength>", None, attrgetter("size"), in_allprop=True
    ),
    DAV + "getcontenttype": Live("<D:getcontenttype>%s</D:getcontenttype>", None, _media_type, in_allprop=True),
    DAV + "getetag": _on_both("<D:getetag>%s</D:getetag>", attrgetter("etag"), in_allprop=True),
    DAV + "supportedlock": _on_both(f"<D:supportedlock>{_SUPPORTED_LOCKS}</D:supportedlock>", in_allprop=True),
    DAV + "lastmodified": _on_both("<D:lastmodified>%s</D:lastmodified>", _modified_seconds),
    SARDINE + "lastmodified": _on_both("<S:lastmodified>%s</S:lastmodified>", _modified),
    MICROSOFT + "Win32LastModifiedTime": _on_both(
        "<Z:Win32LastModifiedTime>%s</Z:Win32LastModifiedTime>", _modified
    ),
    OWNCLOUD + "id": _on_both("<oc:id>%s</oc:id>", attrgetter("id")),
    OWNCLOUD + "fileid": _on_both("<oc:fileid>%s</oc:fileid>", attrgetter("id")),
    OWNCLOUD + "size": Live("<oc:size>%s</oc:size>", None, attrgetter("size")),
    OWNCLOUD + "permissions": Live(
        "<oc:permissions>RGDNVW</oc:permissions>",
        "<oc:permissions>RGDNVCK</oc:permissions>",
    ),
}
"""What an Entry tells, by name in Clark notation."""

SETTABLE: Final = frozenset(
    {
        DAV + "getlastmodified",
        DAV + "lastmodified",
        SARDINE + "lastmodified",
        MICROSOFT + "Win32LastModifiedTime",
    }
)
"""The live properties that a client may set: all of them are the time of modification."""


def _lock_discovery(_is_folder: bool, around: Around) -> str:
    return f"<D:lockdiscovery>{around.locks}</D:lockdiscovery>" if around.locks else "<D:lockdiscovery/>"


def _quota(name: str, figure: Callable[[Usage], int]) -> Render:
    def render(is_folder: bool, around: Around) -> str | None:
        if not is_folder or around.usage is None:
            return None
        return f"<D:{name}>{figure(around.usage)}</D:{name}>"

    return render


def _checksums(_is_folder: bool, around: Around) -> str | None:
    # Those that are kept since the upload; to compute any here would read whole folders for one listing.
    if not around.checksums:
        return None
    kept = " ".join(
        f"{name.upper()}:{digest}" for name, digest in sorted(around.checksums.items(), reverse=True)
    )
    return f"<oc:checksums><oc:checksum>{kept}</oc:checksum></oc:checksums>"


LOCK_DISCOVERY: Final = DAV + "lockdiscovery"
CHECKSUMS: Final = OWNCLOUD + "checksums"
# RFC 4331 section 2: outside of allprop, since telling them may take time. `quota` and `quotaused` are what
# Finder asked for before there was an RFC, in blocks of 512 bytes.
QUOTA: Final[Mapping[str, Render]] = {
    DAV + "quota-available-bytes": _quota("quota-available-bytes", lambda usage: usage.available),
    DAV + "quota-used-bytes": _quota("quota-used-bytes", lambda usage: usage.used),
    DAV + "quota": _quota("quota", lambda usage: (usage.used + usage.available) // 512),
    DAV + "quotaused": _quota("quotaused", lambda usage: usage.used // 512),
}
AROUND: Final[Mapping[str, Render]] = {
    LOCK_DISCOVERY: _lock_discovery,
    CHECKSUMS: _checksums,
    **QUOTA,
}
"""What takes more than the Entry to tell."""

ALLPROP: Final[Sequence[str]] = (*(name for name, live in LIVE.items() if live.in_allprop), LOCK_DISCOVERY)
"""What `allprop` shows, beside the dead properties: those of RFC 4918, and no costly ones."""


def is_live(name: str) -> bool:
    """Whether the server itself keeps this property; every other is a client's own, a dead one."""
    return name in LIVE or name in AROUND
