"""PROPPATCH: every property is told about, all change or none, and values come back as they were written."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from harness.dav import Answer
from harness.examples import examples
from harness.inprocess import InProcess, prop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filehost_dav.state.properties import LONGEST, MOST

DAV = "{DAV:}"
WIN = "{urn:schemas-microsoft-com:}"
LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'


def set_(inner: str) -> str:
    return f'<D:set xmlns:x="urn:x" xmlns:Z="urn:schemas-microsoft-com:"><D:prop>{inner}</D:prop></D:set>'


def remove(inner: str) -> str:
    return f'<D:remove xmlns:x="urn:x"><D:prop>{inner}</D:prop></D:remove>'


def outcome(answer: Answer) -> dict[str, str]:
    """Name of each property → status."""
    assert answer.status == 207, answer.body
    return {
        found.tag: (stat.findtext(DAV + "status") or "").split(" ", 1)[1]
        for stat in ET.fromstring(answer.body).iter(DAV + "propstat")
        for found in stat.find(DAV + "prop") or ()
    }


def value(dav: InProcess, name: str, path: str = "/a.txt", user: str = "ann") -> ET.Element | None:
    return dav.propfind(user, path, prop(name), "0").responses()[path].get(name)


@pytest.fixture
def file(dav: InProcess) -> Path:
    file = dav.files("ann") / "a.txt"
    file.write_text("content")
    return file


@pytest.mark.usefixtures("file")
class TestDeadProperties:
    def test_set_and_removed_in_their_order(self, dav: InProcess) -> None:
        inner = set_("<x:a>1</x:a><x:b>2</x:b>") + remove("<x:a/>") + set_("<x:a>3</x:a>") + remove("<x:b/>")
        assert outcome(dav.proppatch("ann", "/a.txt", inner)) == {"{urn:x}a": "200 OK", "{urn:x}b": "200 OK"}
        found = value(dav, "{urn:x}a")
        assert found is not None
        assert found.text == "3"
        assert value(dav, "{urn:x}b") is None

    def test_removing_what_is_not_there_is_no_error(self, dav: InProcess) -> None:
        assert outcome(dav.proppatch("ann", "/a.txt", remove("<x:none/>"))) == {"{urn:x}none": "200 OK"}

    def test_they_are_part_of_everything(self, dav: InProcess) -> None:
        dav.proppatch("ann", "/a.txt", set_("<x:a>1</x:a>"))
        assert "{urn:x}a" in dav.propfind("ann", "/").responses()["/a.txt"]
        assert "{urn:x}a" not in dav.propfind("ann", "/").responses()["/"]

    def test_a_value_comes_back_byte_for_byte(self, dav: InProcess) -> None:
        written = (
            '<x:a xmlns:x="urn:x" xml:lang="de-AT" b="&quot;>">Grüße <y:i xmlns:y="urn:y">mixed</y:i>\r\n'
            "\t<![CDATA[<&>]]>&#x263A;<!-- kept --></x:a>"
        )
        dav.proppatch("ann", "/a.txt", set_(written))
        for body in ("", prop("{urn:x}a")):
            assert written.encode() in dav.propfind("ann", "/a.txt", body, "0").body

    @settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        text=st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff")),
        attribute=st.text(st.characters(whitelist_categories=["L", "N", "P", "Zs"])),
        inside=st.booleans(),
    )
    def test_any_value_comes_back(self, dav: InProcess, text: str, attribute: str, inside: bool) -> None:
        element = ET.Element("{urn:x}any", {"{urn:y}b": attribute})
        (ET.SubElement(element, "c") if inside else element).text = text
        assert outcome(dav.proppatch("ann", "/a.txt", set_(ET.tostring(element, "unicode"))))
        found = value(dav, "{urn:x}any")
        assert found is not None
        assert ET.tostring(found) == ET.tostring(element)

    @settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        inner=st.lists(
            st.sampled_from(["<a>", "</a>", "<D:set>", "<D:prop/>", "x", "<x:y/>", "&lt;", "<!--", "]]>"])
        )
    )
    def test_no_body_is_ever_a_fault_of_the_server(self, dav: InProcess, inner: list[str]) -> None:
        assert dav.proppatch("ann", "/a.txt", "".join(inner)).status in (207, 400)

    def test_too_long_or_too_many_is_told_and_changes_nothing(self, dav: InProcess) -> None:
        answer = dav.proppatch("ann", "/a.txt", set_(f"<x:a>{'y' * LONGEST}</x:a><x:b/>"))
        assert outcome(answer) == {"{urn:x}a": "507 Insufficient Storage", "{urn:x}b": "424 Failed Dependency"}
        many = set_("".join(f"<x:p{number}/>" for number in range(MOST + 1)))
        told = set(outcome(dav.proppatch("ann", "/a.txt", many + remove("<x:gone/>"))).values())
        assert told == {"507 Quota exceeded", "424 Failed Dependency"}
        assert value(dav, "{urn:x}p0") is None

    def test_no_user_sees_or_touches_another_s(self, dav: InProcess) -> None:
        (dav.files("bob") / "a.txt").write_text("his")
        dav.proppatch("ann", "/a.txt", set_("<x:a>hers</x:a>"))
        assert value(dav, "{urn:x}a", user="bob") is None
        dav.proppatch("bob", "/a.txt", remove("<x:a/>"))
        assert value(dav, "{urn:x}a") is not None

    def test_they_go_where_their_file_goes(self, dav: InProcess) -> None:
        folder = dav.files("ann") / "folder"
        (folder / "x" / "folder").mkdir(parents=True)
        (folder / "x" / "folder" / "f.txt").write_text("1")
        for path in ("/folder/", "/folder/x/folder/f.txt"):
            dav.proppatch("ann", path, set_("<x:a>1</x:a>"))
        assert dav("ann", "COPY", "/folder/", headers={"Destination": "/copy"}).status == 201
        assert dav("ann", "MOVE", "/folder/", headers={"Destination": "/moved"}).status == 201
        for path in ("/copy/", "/copy/x/folder/f.txt", "/moved/", "/moved/x/folder/f.txt"):
            assert value(dav, "{urn:x}a", path) is not None
        assert dav("ann", "DELETE", "/moved/").status == 204
        assert dav("ann", "MKCOL", "/moved/").status == 201
        assert value(dav, "{urn:x}a", "/moved/") is None
        assert value(dav, "{urn:x}a", "/copy/") is not None


class TestTimes:
    @pytest.mark.parametrize(
        ("element", "name"),
        [
            ("<D:lastmodified>784903526</D:lastmodified>", DAV + "lastmodified"),
            (
                "<D:getlastmodified>Tue, 15 Nov 1994 12:45:26 GMT</D:getlastmodified>",
                DAV + "getlastmodified",
            ),
            (
                "<Z:Win32LastModifiedTime>Tue, 15 Nov 1994 12:45:26 GMT</Z:Win32LastModifiedTime>",
                WIN + "Win32LastModifiedTime",
            ),
            (
                '<S:lastmodified xmlns:S="SAR:">Tue, 15 Nov 1994 12:45:26 GMT</S:lastmodified>',
                "{SAR:}lastmodified",
            ),
        ],
    )
    def test_a_client_may_set_the_time_and_the_tag_stays(
        self, dav: InProcess, file: Path, element: str, name: str
    ) -> None:
        tag = dav("ann", "HEAD", "/a.txt").etag
        assert outcome(dav.proppatch("ann", "/a.txt", set_(element))) == {name: "200 OK"}
        assert int(file.stat().st_mtime) == 784_903_526
        answer = dav("ann", "HEAD", "/a.txt")
        assert answer["Last-Modified"] == "Tue, 15 Nov 1994 12:45:26 GMT"
        assert answer.etag == tag

    def test_windows_gets_its_other_properties_back(self, dav: InProcess, file: Path) -> None:
        inner = set_(
            "<Z:Win32CreationTime>Mon, 14 Nov 1994 12:45:26 GMT</Z:Win32CreationTime>"
            "<Z:Win32LastAccessTime>Mon, 14 Nov 1994 12:45:26 GMT</Z:Win32LastAccessTime>"
            "<Z:Win32LastModifiedTime>Tue, 15 Nov 1994 12:45:26 GMT</Z:Win32LastModifiedTime>"
            "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>"
        )
        assert set(outcome(dav.proppatch("ann", "/a.txt", inner)).values()) == {"200 OK"}
        assert int(file.stat().st_mtime) == 784_903_526
        found = dav.propfind("ann", "/a.txt", depth="0").responses()["/a.txt"]
        assert found[WIN + "Win32FileAttributes"].text == "00000020"
        assert found[WIN + "Win32CreationTime"].text == "Mon, 14 Nov 1994 12:45:26 GMT"

    @pytest.mark.parametrize("moment", ["99999999999", "-99999999999", "9999-12-31T23:59:59Z", "0", "-1.5"])
    def test_no_time_is_a_fault_of_the_server(self, dav: InProcess, file: Path, moment: str) -> None:
        dav.proppatch("ann", "/a.txt", set_(f"<D:lastmodified>{moment}</D:lastmodified>"))
        assert dav.propfind("ann", "/").status == 207
        assert dav("ann", "HEAD", "/a.txt").status == 200
        assert file.exists()

    def test_the_zero_of_windows_is_no_time(self, dav: InProcess, file: Path) -> None:
        before = file.stat().st_mtime_ns
        zero = "<Z:Win32LastModifiedTime>Mon, 01 Jan 1601 00:00:00 GMT</Z:Win32LastModifiedTime>"
        assert set(outcome(dav.proppatch("ann", "/a.txt", set_(zero))).values()) == {"200 OK"}
        assert file.stat().st_mtime_ns == before

    def test_a_time_that_is_none_changes_nothing(self, dav: InProcess, file: Path) -> None:
        before = file.stat().st_mtime_ns
        answer = dav.proppatch("ann", "/a.txt", set_("<x:a/><D:lastmodified>soon</D:lastmodified>"))
        assert outcome(answer) == {"{urn:x}a": "424 Failed Dependency", DAV + "lastmodified": "409 Conflict"}
        assert file.stat().st_mtime_ns == before
        assert value(dav, "{urn:x}a") is None

    def test_a_time_is_taken_back_when_the_rest_fails(self, dav: InProcess, file: Path) -> None:
        before = int(file.stat().st_mtime)
        many = set_(
            "<D:lastmodified>784903526</D:lastmodified>"
            + "".join(f"<x:p{number}/>" for number in range(MOST + 1))
        )
        assert outcome(dav.proppatch("ann", "/a.txt", many))[DAV + "lastmodified"] == "424 Failed Dependency"
        assert int(file.stat().st_mtime) == before


class TestChecksums:
    """rclone sets the time and repeats the checksum that it was told."""

    SHA1 = "040f06fd774092478d450774f5ba30c5da78acc8"  # of "content"

    @staticmethod
    def touched(checksum: str) -> str:
        return set_(
            "<D:lastmodified>784903526</D:lastmodified>"
            '<oc:checksums xmlns:oc="http://owncloud.org/ns"><oc:checksum>'
            f"{checksum}</oc:checksum></oc:checksums>"
        )

    @pytest.mark.parametrize("checksum", [f"SHA1:{SHA1}", f"sha1:{SHA1.upper()}", ""])
    def test_the_one_it_has_is_no_change(self, dav: InProcess, checksum: str) -> None:
        dav("ann", "PUT", "/a.txt", "content", {"OC-Checksum": f"SHA1:{self.SHA1}"})
        assert set(outcome(dav.proppatch("ann", "/a.txt", self.touched(checksum))).values()) == {"200 OK"}
        assert int((dav.files("ann") / "a.txt").stat().st_mtime) == 784_903_526
        found = value(dav, "{http://owncloud.org/ns}checksums")
        assert found is not None
        assert f"SHA1:{self.SHA1}" in (found[0].text or "")

    @pytest.mark.parametrize("checksum", ["SHA1:" + "0" * 40, "CRC7:1", "SHA1"])
    def test_another_is_refused_and_changes_nothing(self, dav: InProcess, checksum: str) -> None:
        dav("ann", "PUT", "/a.txt", "content", {"OC-Checksum": f"SHA1:{self.SHA1}"})
        told = outcome(dav.proppatch("ann", "/a.txt", self.touched(checksum)))
        assert sorted(told.values()) == ["409 Conflict", "424 Failed Dependency"]
        assert int((dav.files("ann") / "a.txt").stat().st_mtime) != 784_903_526


@pytest.mark.usefixtures("file")
class TestRefusals:
    @pytest.mark.parametrize(
        "name",
        ["getetag", "resourcetype", "getcontentlength", "lockdiscovery", "quota-used-bytes", "creationdate"],
    )
    def test_what_the_server_keeps_is_protected(self, dav: InProcess, name: str) -> None:
        for inner in (set_(f"<x:a/><D:{name}>1</D:{name}>"), remove(f"<x:a/><D:{name}/>")):
            assert outcome(dav.proppatch("ann", "/a.txt", inner)) == {
                "{urn:x}a": "424 Failed Dependency",
                DAV + name: "403 Forbidden",
            }
        assert value(dav, "{urn:x}a") is None

    def test_a_lock_must_be_named(self, dav: InProcess) -> None:
        token = dav("ann", "LOCK", "/a.txt", LOCK).lock_token
        assert dav.proppatch("ann", "/a.txt", set_("<x:a/>")).status == 423
        assert dav.proppatch("ann", "/a.txt", set_("<x:a/>"), If=f"(<{token}>)").status == 207
        assert dav.proppatch("ann", "/a.txt", set_("<x:a/>"), If="(<urn:uuid:other>)").status == 412

    def test_a_missing_resource_is_not_found(self, dav: InProcess) -> None:
        assert dav.proppatch("ann", "/none", set_("<x:a/>")).status == 404

    def test_depth_is_ignored(self, dav: InProcess) -> None:
        for depth in ("0", "1", "infinity"):
            assert dav.proppatch("ann", "/a.txt", set_("<x:a/>"), Depth=depth).status == 207

    @pytest.mark.parametrize(
        "body", ["", "x", '<propertyupdate xmlns="DAV:"/>', '<propfind xmlns="DAV:"><prop/></propfind>']
    )
    def test_what_is_no_propertyupdate_is_refused(self, dav: InProcess, body: str) -> None:
        assert dav("ann", "PROPPATCH", "/a.txt", body).status == 400
