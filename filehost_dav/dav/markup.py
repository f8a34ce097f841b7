"""Markup: XML bodies on their way in, and pieces of XML on their way out.

A body is bounded in depth and number of elements, and may have no document type: without one
there is neither an entity to expand nor an external one to fetch. An element keeps the very bytes the
client wrote, so that a property's value comes back with its prefixes, language and mixed content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers.expat import ExpatError, ParserCreate

from filehost_dav.errors import BadBody

_DEEPEST = 64
_MOST = 20_000  # elements

_START_TAG = re.compile(rb"<(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>")
_TAG_NAME = re.compile(r"<[^\s/>]+")
_DECLARATION = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_CODECS: Final = {"utf-16": "utf-16", "iso-8859-1": "latin-1", "us-ascii": "ascii"}
_XML = "http://www.w3.org/XML/1998/namespace"
_PREFIXES: Final = {
    "DAV:": "D",
    "http://owncloud.org/ns": "oc",
    "urn:schemas-microsoft-com:": "Z",
    "SAR:": "S",
    _XML: "xml",
}
_LANG = f"{{{_XML}}}lang"
_TO_ESCAPE = re.compile('[&<>"\r\n\t]')
MULTISTATUS: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus'
    + "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in _PREFIXES.items() if prefix != "xml")
    + ">"
)
"""How every multistatus begins; the prefixes bound here can be used inside."""
END: Final = "</D:multistatus>"

_ESCAPES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}


@dataclass(slots=True)
class Element:
    """One element of a body: its name in Clark notation (`{namespace}local`), and where it stands."""

    name: str
    document: bytes = field(repr=False)
    start: int
    scope: dict[str, str]
    """The namespaces in scope, by prefix (empty: the default namespace)."""
    declared: frozenset[str]
    """The prefixes declared by its own start tag."""
    language: str = ""
    has_language: bool = False
    last_tag: int = 0
    """Where its end tag begins; behind the tag of an empty element."""
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def standalone(self) -> str:
        """The element as it was written, with what it inherits made its own: it means the same anywhere."""
        source = self.document[self.start : self._end()].decode()
        added = "".join(
            f' xmlns{":" if prefix else ""}{prefix}="{escaped(uri)}"'
            for prefix, uri in self.scope.items()
            if prefix not in self.declared and uri and (not prefix or prefix + ":" in source)
        )
        if self.language and not self.has_language:
            added += f' xml:lang="{escaped(self.language)}"'
        name = _TAG_NAME.match(source)
        assert name is not None
        return name[0] + added + source[name.end() :]

    def _end(self) -> int:
        tag = _START_TAG.match(self.document, self.start)
        assert tag is not None
        return tag.end() if tag[0].endswith(b"/>") else self.document.index(b">", self.last_tag) + 1


def parsed(body: bytes) -> Element:
    """The root element of a body. Raises BadBody for what is not well-formed or beyond the bounds."""
    document = _as_utf8(body)
    builder = _Builder(document)
    try:
        builder.parser.Parse(document, True)
    except ExpatError as error:
        raise BadBody(f"The XML of the request is not well-formed (line {error.lineno})") from None
    assert builder.root is not None
    return builder.root


def escaped(text: str) -> str:
    """`text` for element content or an attribute's value; what a parser would normalise is kept."""
    if _TO_ESCAPE.search(text) is None:
        return text
    return _TO_ESCAPE.sub(lambda match: _ESCAPES[match[0]], text)


def split_name(name: str) -> tuple[str, str]:
    """A name in Clark notation as (namespace, local name)."""
    if not name.startswith("{"):
        return "", name
    namespace, _, local = name[1:].rpartition("}")
    return namespace, local


def empty_element(name: str) -> str:
    """`<D:displayname/>`: an element without content, to stand inside a multistatus."""
    namespace, local = split_name(name)
    prefix = _PREFIXES.get(namespace)
    if prefix:
        return f"<{prefix}:{local}/>"
    return f'<x:{local} xmlns:x="{escaped(namespace)}"/>' if namespace else f"<{local}/>"


def response(href: str, propstats: Iterable[tuple[str, str]]) -> str:
    """One response of a multistatus; a propstat is a status (`200 OK`) and the inside of its prop."""
    stats = "".join(
        f"<D:propstat><D:prop>{inside}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"
        for status, inside in propstats
    )
    return f"<D:response><D:href>{href}</D:href>{stats}</D:response>"


class _Builder:
    """Builds the tree from expat's events."""

    def __init__(self, document: bytes) -> None:
        self.root: Element | None = None
        self._document = document
        self._open: list[Element] = []
        self._declared: dict[str, str] = {}
        self._count = 0
        self.parser = parser = ParserCreate("utf-8", namespace_separator="}")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _refuse_doctype(self, *_: object) -> None:
        raise BadBody("The XML of a request may have no document type")

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _DEEPEST or self._count > _MOST:
            raise BadBody("The XML of the request is too deep or has too many elements")
        parent = self._open[-1] if self._open else None
        scope = parent.scope if parent else {}
        language = parent.language if parent else ""
        given = attributes.get(_LANG[1:])
        element = Element(
            _clark(name),
            self._document,
            self.parser.CurrentByteIndex,
            {**scope, **self._declared} if self._declared else scope,
            frozenset(self._declared),
            language if given is None else given,
            given is not None,
        )
        self._declared = {}
        if parent is None:
            self.root = element
        else:
            parent.children.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop().last_tag = self.parser.CurrentByteIndex

    def _text(self, text: str) -> None:
        self._open[-1].text += text


def _clark(name: str) -> str:
    return "{" + name if "}" in name else name


def _as_utf8(body: bytes) -> bytes:
    """The same document in UTF-8, which positions and pieces refer to."""
    try:
        if body.startswith((b"\xff\xfe", b"\xfe\xff")):
            return body.decode("utf-16").encode()
        declared = _DECLARATION.match(body[:200].lstrip(b"\xef\xbb\xbf"))
        encoding = declared[1].decode().lower() if declared else "utf-8"
        if encoding == "utf-8":
            return body
        return body.decode(_CODECS[encoding]).encode()
    except (UnicodeError, KeyError):
        raise BadBody("The encoding of the XML is not understood") from None
