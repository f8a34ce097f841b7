"""What a PROPFIND body asks for."""

from __future__ import annotations

import pytest

from filehost_dav.dav.plan import EVERYTHING, Kind, Plan, plan_of
from filehost_dav.errors import BadBody

WINDOWS = b""
OWNCLOUD = b"""<?xml version="1.0" ?>
<d:propfind xmlns:d="DAV:"><d:prop><getlastmodified xmlns="DAV:"/><checksums xmlns="http://owncloud.org/ns"/></d:prop>M
</d:propfind>"""


@pytest.mark.parametrize(
    ("body", "plan"),
    [
        (WINDOWS, EVERYTHING),
        (b" \r\n", EVERYTHING),
        (b'<propfind xmlns="DAV:"><allprop/></propfind>', EVERYTHING),
        (b'<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>', Plan(Kind.NAMES)),
        (OWNCLOUD, Plan(Kind.SOME, ("{DAV:}getlastmodified", "{http://owncloud.org/ns}checksums"))),
        (b'<propfind xmlns="DAV:"><prop/></propfind>', Plan(Kind.SOME)),
        (b'<propfind xmlns="DAV:"><prop><a xmlns=""/><a xmlns=""/></prop></propfind>', Plan(Kind.SOME, ("a",))),
        (
            b'<propfind xmlns="DAV:"><allprop/><include><a/><x:b xmlns:x="a b"/></include></propfind>',
            Plan(Kind.ALL, ("{DAV:}a", "{a b}b")),
        ),
        (b'<propfind xmlns="DAV:"><x:new xmlns:x="urn:x"/><propname/></propfind>', Plan(Kind.NAMES)),
        (b"\xef\xbb\xbf" + b'<propfind xmlns="DAV:"><propname/></propfind>', Plan(Kind.NAMES)),
        ('<propfind xmlns="DAV:"><prop><é/></prop></propfind>'.encode("utf-16"), Plan(Kind.SOME, ("{DAV:}é",))),
        (
            b'<?xml version="1.0" encoding="ISO-8859-1"?>'
            b'<propfind xmlns="DAV:"><prop><\xe9/></prop></propfind>',
            Plan(Kind.SOME, ("{DAV:}é",)),
        ),
    ],
)
def test_a_body_becomes_a_plan(body: bytes, plan: Plan) -> None:
    assert plan_of(body) == plan
    assert plan_of(body) == plan


@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b"<",
        b'<propfind xmlns="DAV:">',
        b'<propfind xmlns="DAV:"/>',
        b"<propfind><allprop/></propfind>",
        b'<prop xmlns="DAV:"/>',
        b'<propfind xmlns="DAV:"><allprop/><propname/></propfind>',
        b'<propfind xmlns="DAV:"><allprop/><prop/></propfind>',
        b'<propfind xmlns="DAV:"><prop/><prop/></propfind>',
        b'<propfind xmlns="DAV:"><propname/><include/></propfind>',
        b'<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>',
        b'<D:propfind xmlns:D="DAV:"><D:prop><bar:foo/></D:prop></D:propfind>',
        b'<!DOCTYPE a><propfind xmlns="DAV:"><allprop/></propfind>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><propfind xmlns="DAV:"><allprop>&b;</allprop></propfind>',
        b'<propfind xmlns="DAV:"><prop>' + b"<a>" * 100 + b"</a>" * 100 + b"</prop></propfind>",
        b'<propfind xmlns="DAV:"><prop>' + b"".join(b"<a%d/>" % n for n in range(2000)) + b"</prop></propfind>",
        b'<propfind xmlns="DAV:"><prop>' + b"<a/>" * 30_000 + b"</prop></propfind>",
        b'<?xml version="1.0" encoding="koi8-r"?><propfind xmlns="DAV:"><allprop/></propfind>',
        b'<?xml version="1.0" encoding="us-ascii"?><propfind xmlns="DAV:"><prop>\xe9</prop></propfind>',
        b"\xff\xfe<",
        b"\x00\x01\x02",
        b'<propfind xmlns="DAV:"><prop><x:a xmlns:x="a}b"/></prop></propfind>',
    ],
)
def test_what_is_no_propfind_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        plan_of(body)
