"""Names that are an allowed name with one decoration: what programs write before they rename it.

`report.pdf.XyZabc`, `report.pdf~`, `db.kdbx.1a2b3c.tmp`: the base must be of an allowed type, and what
looks like a random ending must not be a type of its own, so that `report.pdf.exe` stays refused.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache
from typing import Final

from filehost_dav.paths import extension_of

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# Each with the programs that are known to write it.
_DECORATIONS: Final = tuple(
    re.compile(rf"(?P<base>.+){ending}", re.DOTALL)
    for ending in (
        r"~",  # vim, Emacs, Kate, gedit: the old content while the new is written
        r"\.(?:tmp|temp|__tmp)",  # KeePassXC, Node, VS Code, Floccus, sync programs
        r"\.(?:part|partial|filepart|crdownload|download|opdownload)",  # browsers and downloaders
        r"\.lock",  # Floccus
        r"\.tacitpart",  # FolderSync
        r"\.kate-swp",  # Kate
        r"\.sw[a-p]",  # vim, when the name itself begins with a dot
        r"_exiftool_tmp",  # ExifTool
        r"~ttxpart~",  # Autosync
        r"\.[0-9a-z]{4,8}\.tmp",  # KeePass
        r"\.[0-9]{6,13}",  # Node's write-file-atomic, KeeWeb
        rf"-{_UUID}",  # Cyberduck
    )
)

# QSaveFile, mkstemp, GLib, rsync: six letters, sometimes up to eight.
_RANDOM = re.compile(r"(?P<base>.+)\.(?P<ending>[0-9a-z]{6,8})", re.DOTALL)

# Real types of six to eight letters that no table of media types lists.
_REAL_TYPES: Final = frozenset(
    (  # noqa: SIM905 - words read better in lines than in a column
        "appimage asciidoc backup bundle coffee command config csproj desktop diagcab diagcfg diagpkg docker "
        "fileloc flatpak gadget geojson gradle groovy inetloc jnilib joblib jsonld keynote keytab kotlin "
        "library markdown nuspec numbers onepkg onetoc2 package parquet pickle pkpass plugin podspec prefpane "
        "profile project ps1xml scptd script service settings socket sqlite sqlite3 svelte target template "
        "terminal textile torrent vcproj vcxproj webapp webloc website workbook workflow xcconfig "
    ).split()
)


def is_derived(name: str, extensions: Set[str]) -> bool:
    """Whether `name` is a name of one of the types `extensions` with one decoration."""
    name = name.casefold()
    bases = [found["base"] for pattern in _DECORATIONS if (found := pattern.fullmatch(name))]
    random = _RANDOM.fullmatch(name)
    if random and not is_real_type(random["ending"]):
        bases.append(random["base"])
    return any(extension_of(base) in extensions for base in bases)


def is_real_type(extension: str) -> bool:
    """Whether `extension` (casefolded, no dot) is in use for a type of files."""
    return extension in _REAL_TYPES or extension in _listed_types()


@cache
def _listed_types() -> frozenset[str]:
    # Here because both tables take milliseconds to load, which only an odd name needs to pay.
    import mimetypes  # noqa: PLC0415

    from puremagic.main import extension_only_array, magic_header_array  # noqa: PLC0415

    # Without files of the machine: what is accepted must not depend on what is installed.
    media = mimetypes.MimeTypes(filenames=())
    names = [extension for table in media.types_map for extension in table]
    names += [row.extension for rows in (magic_header_array, extension_only_array) for row in rows]
    return frozenset(name.lstrip(".").casefold() for name in names)
