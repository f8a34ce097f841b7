"""Elements keep the bytes that the client wrote, and mean the same wherever they are put."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from filehost_dav.dav.markup import END, MULTISTATUS, empty_element, escaped, parsed, split_name


def inner(text: str) -> str:
    """The first property of a PROPPATCH, standing alone."""
    root = parsed(text.encode())
    return root.children[0].children[0].children[0].standalone()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('<x:a xmlns:x="urn:x">1</x:a>', '<x:a xmlns:x="urn:x">1</x:a>'),
        ('<a xmlns="urn:x"/>', '<a xmlns="urn:x"/>'),
        ('<a xmlns=""><b/></a>', '<a xmlns=""><b/></a>'),
        ("<a/>", "<a/>"),
        ("<D:a/>", '<D:a xmlns:D="DAV:"/>'),
        ("<a><D:b/></a>", '<a xmlns:D="DAV:"><D:b/></a>'),
        ("<a>D:b</a>", '<a xmlns:D="DAV:">D:b</a>'),
        ('<a b=">" c=\'"/>\'>x</a>', '<a b=">" c=\'"/>\'>x</a>'),
        ('<a xml:lang="fr">x</a>', '<a xml:lang="fr">x</a>'),
        ("<a>one <b>two</b> three\r\n<!-- four --><?five six?><![CDATA[</a>]]>&#233;</a >", None),
        ("<a\n>x</a>", "<a\n>x</a>"),
    ],
)
def test_an_element_stands_alone_as_it_was_written(written: str, kept: str | None) -> None:
    text = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{written}</D:prop></D:set></D:propertyupdate>'
    assert inner(text) == (written if kept is None else kept)


def test_what_an_element_inherits_is_made_its_own() -> None:
    text = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns="urn:&quot;&lt;" xmlns:u="urn:unused" xml:lang="de">'
        '<D:set><D:prop xml:lang="en"><a><b/></a></D:prop></D:set></D:propertyupdate>'
    )
    assert inner(text) == '<a xmlns="urn:&quot;&lt;" xml:lang="en"><b/></a>'


def test_an_inner_declaration_wins() -> None:
    text = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:outer"><D:set><D:prop xmlns:x="urn:inner">'
        "<x:a/></D:prop></D:set></D:propertyupdate>"
    )
    assert ET.fromstring(inner(text)).tag == "{urn:inner}a"


@pytest.mark.parametrize(
    "name",
    [
        "{DAV:}displayname",
        "{urn:x}a",
        "plain",
        "{http://owncloud.org/ns}id",
        "{a&b<\"'>}c",
        "{http://www.w3.org/XML/1998/namespace}lang",
    ],
)
def test_a_name_survives_the_way_out(name: str) -> None:
    assert ET.fromstring(MULTISTATUS + empty_element(name) + END)[0].tag == name
    namespace, local = split_name(name)
    assert name == (f"{{{namespace}}}{local}" if namespace else local)


def test_text_survives_the_way_out() -> None:
    text = "a & b < c > \" ' \r\n\t Icon\r"
    assert ET.fromstring(f"<a>{escaped(text)}</a>").text == text
    assert ET.fromstring(f'<a b="{escaped(text)}"/>').get("b") == text
