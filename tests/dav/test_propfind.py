"""PROPFIND: what a listing tells, in the form that clients can read."""

from __future__ import annotations

import gzip
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from harness.dav import Answer
from harness.examples import examples
from harness.inprocess import InProcess, at_once, prop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filehost_dav.dav.application import build
from filehost_dav.errors import Unavailable
from filehost_dav.policy.roles import Policy

DAV = "{DAV:}"
OC = "{http://owncloud.org/ns}"
WIN = "{urn:schemas-microsoft-com:}"
ALL_NAMES = (
    *(DAV + name for name in ("resourcetype", "displayname", "getlastmodified", "creationdate", "getetag")),
    *(DAV + name for name in ("getcontentlength", "getcontenttype", "supportedlock", "lockdiscovery")),
    *(
        DAV + name
        for name in ("quota-available-bytes", "quota-used-bytes", "quota", "quotaused", "lastmodified")
    ),
    *(OC + name for name in ("id", "fileid", "size", "permissions", "checksums")),
    WIN + "Win32LastModifiedTime",
    "{SAR:}lastmodified",
)
IN_ALLPROP = {
    DAV + name for name in ("resourcetype", "displayname", "getlastmodified", "creationdate", "getetag")
}
IN_ALLPROP |= {DAV + "supportedlock", DAV + "lockdiscovery"}
DEAD = '<D:set><D:prop><x:a xmlns:x="urn:x">1</x:a></D:prop></D:set>'
LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
OF_FILES = {DAV + "getcontentlength", DAV + "getcontenttype"}


def statuses(answer: Answer, path: str) -> dict[str, list[str]]:
    """Of one response: status → names of the properties, in the order of the answer."""
    assert answer.status == 207, answer.body
    for response in ET.fromstring(answer.body):
        if response.findtext(DAV + "href") == path:
            return {
                (stat.findtext(DAV + "status") or "").split(" ", 1)[1]: [
                    e.tag for e in stat.find(DAV + "prop") or ()
                ]
                for stat in response.findall(DAV + "propstat")
            }
    raise AssertionError(f"no response for {path}: {answer.body!r}")


def hrefs(answer: Answer) -> list[str]:
    assert answer.status == 207, answer.body
    return [response.findtext(DAV + "href") or "" for response in ET.fromstring(answer.body)]


@pytest.fixture
def files(dav: InProcess) -> Path:
    files = dav.files("ann")
    (files / "folder" / "sub").mkdir(parents=True)
    (files / "folder" / "note.txt").write_bytes(b"12345")
    os.utime(files / "folder" / "note.txt", (784_903_526, 784_903_526))
    return files


@pytest.mark.usefixtures("files")
class TestWhatIsAsked:
    def test_everything_is_what_the_rfc_names_and_nothing_costly(self, dav: InProcess) -> None:
        for body in ("", '<propfind xmlns="DAV:"><allprop/></propfind>'):
            answer = dav.propfind("ann", "/folder/", body)
            assert set(statuses(answer, "/folder/")["200 OK"]) == IN_ALLPROP
            assert set(statuses(answer, "/folder/sub/")["200 OK"]) == IN_ALLPROP
            assert set(statuses(answer, "/folder/note.txt")["200 OK"]) == IN_ALLPROP | OF_FILES
            assert "HTTP/1.1 404" not in answer.body.decode()

    def test_include_adds_to_everything(self, dav: InProcess) -> None:
        body = (
            '<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:quota-used-bytes/><D:getetag/>'
            '<x:none xmlns:x="urn:x"/></D:include></D:propfind>'
        )
        found = statuses(dav.propfind("ann", "/folder/", body, "0"), "/folder/")
        assert found["200 OK"].count(DAV + "getetag") == 1
        assert DAV + "quota-used-bytes" in found["200 OK"]
        assert found["404 Not Found"] == ["{urn:x}none"]

    def test_names_are_told_without_values(self, dav: InProcess) -> None:
        dav.proppatch("ann", "/folder/note.txt", DEAD)
        answer = dav.propfind("ann", "/folder/", '<propfind xmlns="DAV:"><propname/></propfind>')
        for path, extra in (("/folder/", DAV + "quota"), ("/folder/note.txt", "{urn:x}a")):
            found = statuses(answer, path)
            assert list(found) == ["200 OK"]
            assert {*IN_ALLPROP, extra, OC + "id"} <= set(found["200 OK"])
        texts = [
            element.text for element in ET.fromstring(answer.body).iter(DAV + "prop") for element in element
        ]
        assert texts == [None] * len(texts)

    def test_what_there_is_comes_first_and_what_there_is_not_is_named(self, dav: InProcess) -> None:
        answer = dav.propfind("ann", "/folder/", prop("{urn:x}none", DAV + "getcontentlength", DAV + "getetag"))
        assert list(statuses(answer, "/folder/note.txt").items()) == [
            ("200 OK", [DAV + "getcontentlength", DAV + "getetag"]),
            ("404 Not Found", ["{urn:x}none"]),
        ]
        assert statuses(answer, "/folder/sub/")["404 Not Found"] == ["{urn:x}none", DAV + "getcontentlength"]
        assert list(statuses(dav.propfind("ann", "/folder/", prop("{urn:x}none")), "/folder/")) == [
            "404 Not Found"
        ]

    def test_asking_for_nothing_is_answered_with_nothing(self, dav: InProcess) -> None:
        answer = dav.propfind("ann", "/folder/", '<propfind xmlns="DAV:"><prop/></propfind>', "0")
        assert statuses(answer, "/folder/") == {"200 OK": []}

    def test_any_name_comes_back_as_it_was_asked(self, dav: InProcess) -> None:
        names = ["{urn:100%s%%}a", '{a&"<b}c', "{urn:x}é", "{urn:x}_.-1", "{DAV:}unknown"]
        answer = dav.propfind("ann", "/folder/", prop(*names).replace("</D:prop>", "<plain/></D:prop>"))
        for path in ("/folder/", "/folder/note.txt"):
            assert statuses(answer, path) == {"404 Not Found": [*names, "plain"]}


@pytest.mark.usefixtures("files")
class TestValues:
    @pytest.mark.parametrize("name", ALL_NAMES)
    def test_a_property_looks_the_same_alone_listed_and_beside_a_dead_one(
        self, dav: InProcess, name: str
    ) -> None:
        dav.propfind("ann", "/", depth="0")
        alone = dav.propfind("ann", "/folder/note.txt", prop(name), "0")
        listed = dav.propfind("ann", "/folder/", prop(name))
        dav.proppatch("ann", "/folder/note.txt", DEAD)
        beside = dav.propfind("ann", "/folder/", prop(name, "{urn:x}a"))
        values = [_values(answer, "/folder/note.txt").get(name) for answer in (alone, listed, beside)]
        assert values[0] == values[1] == values[2]
        assert "{urn:x}a" in _values(beside, "/folder/note.txt")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            (DAV + "resourcetype", None),
            (DAV + "displayname", "note.txt"),
            (DAV + "getcontentlength", "5"),
            (DAV + "getlastmodified", "Tue, 15 Nov 1994 12:45:26 GMT"),
            (DAV + "lastmodified", "784903526"),
            (DAV + "getcontenttype", "text/plain; charset=utf-8"),
            (WIN + "Win32LastModifiedTime", "Tue, 15 Nov 1994 12:45:26 GMT"),
            ("{SAR:}lastmodified", "Tue, 15 Nov 1994 12:45:26 GMT"),
            (OC + "size", "5"),
            (OC + "permissions", "RGDNVW"),
        ],
    )
    def test_a_file_tells(self, dav: InProcess, name: str, value: str | None) -> None:
        found = dav.propfind("ann", "/folder/note.txt", prop(name), "0").responses()["/folder/note.txt"]
        assert found[name].text == value
        assert found[name].attrib == {}

    def test_the_tag_is_the_header_s(self, dav: InProcess) -> None:
        found = dav.propfind("ann", "/folder/").responses()
        tag = dav("ann", "HEAD", "/folder/note.txt").etag
        assert found["/folder/note.txt"][DAV + "getetag"].text == tag
        assert tag.startswith('"')
        assert tag.endswith('"')

    def test_a_folder_says_so(self, dav: InProcess) -> None:
        found = dav.propfind("ann", "/folder/").responses()
        for path in ("/folder/", "/folder/sub/"):
            assert [child.tag for child in found[path][DAV + "resourcetype"]] == [DAV + "collection"]

    def test_quota_is_the_users_own(self, dav: InProcess) -> None:
        names = [DAV + "quota-used-bytes", DAV + "quota-available-bytes", DAV + "quotaused"]
        found = dav.propfind("ann", "/", prop(*names), "0").responses()["/"]
        usage = dav.home("ann").usage()
        assert int(found[names[0]].text or "") == usage.used == 5
        assert int(found[names[1]].text or "") == pytest.approx(usage.available, rel=0.1)
        assert found[names[2]].text == "0"
        assert dav.propfind("bob", "/", prop(names[0]), "0").responses()["/"][names[0]].text == "0"

    def test_locks_are_told_of_what_they_cover(self, dav: InProcess) -> None:
        token = dav("ann", "LOCK", "/folder/note.txt", LOCK).lock_token
        found = dav.propfind("ann", "/folder/").responses()
        assert token in ET.tostring(found["/folder/note.txt"][DAV + "lockdiscovery"], "unicode")
        assert len(found["/folder/sub/"][DAV + "lockdiscovery"]) == 0
        dav("ann", "UNLOCK", "/folder/note.txt", headers={"Lock-Token": f"<{token}>"})
        token = dav("ann", "LOCK", "/folder/", LOCK, {"Depth": "infinity"}).lock_token
        found = dav.propfind("ann", "/folder/").responses()
        for path in ("/folder/", "/folder/sub/", "/folder/note.txt"):
            assert token in ET.tostring(found[path][DAV + "lockdiscovery"], "unicode")
        root = found["/folder/note.txt"][DAV + "lockdiscovery"].findtext(f".//{DAV}lockroot/{DAV}href")
        assert root == "/folder/"
        dav("ann", "UNLOCK", "/folder/", headers={"Lock-Token": f"<{token}>"})
        assert token not in dav.propfind("ann", "/folder/").body.decode()


@pytest.mark.usefixtures("files")
class TestDepth:
    def test_a_missing_depth_is_one(self, dav: InProcess) -> None:
        assert len(hrefs(dav.propfind("ann", "/folder/", depth=None))) == 3
        assert hrefs(dav.propfind("ann", "/folder/", depth="0")) == ["/folder/"]
        assert hrefs(dav.propfind("ann", "/folder/note.txt", depth="1")) == ["/folder/note.txt"]

    def test_a_whole_tree_is_refused_by_name(self, dav: InProcess) -> None:
        answer = dav.propfind("ann", "/", depth="infinity")
        assert answer.status == 403
        assert ET.fromstring(answer.body).find(DAV + "propfind-finite-depth") is not None

    def test_a_whole_tree_is_listed_where_that_is_allowed(self, dav: InProcess, files: Path) -> None:
        (files / "folder" / "sub" / "deep").mkdir()
        (files / "folder" / "sub" / "deep" / "x.txt").write_text("x")
        dav.proppatch("ann", "/folder/sub/deep/x.txt", DEAD)
        dav.application = build(dav.database, whole_trees=True)
        answer = dav.propfind("ann", "/", depth="infinity")
        assert len(hrefs(answer)) == len(set(hrefs(answer)))
        assert set(hrefs(answer)) == {
            "/",
            "/folder/",
            "/folder/note.txt",
            "/folder/sub/",
            "/folder/sub/deep/",
            "/folder/sub/deep/x.txt",
        }
        assert "{urn:x}a" in answer.responses()["/folder/sub/deep/x.txt"]
        assert hrefs(dav.propfind("ann", "/folder/note.txt", depth="infinity")) == ["/folder/note.txt"]
        assert dav.propfind("ann", "/none/", depth="infinity").status == 404

    @pytest.mark.parametrize("depth", ["2", "-1", "one", "0,1", ""])
    def test_any_other_depth_is_refused(self, dav: InProcess, depth: str) -> None:
        assert dav.propfind("ann", "/", depth=depth or "?").status == 400


class TestNames:
    @pytest.mark.parametrize(
        ("name", "href"),
        [
            ("a b.txt", "/a%20b.txt"),
            ("50%.txt", "/50%25.txt"),
            ("a&b<c>'\"d.txt", "/a&b%3Cc%3E'%22d.txt"),
            ("what?;v=1#x.txt", "/what%3F;v=1%23x.txt"),
            ("e\u0301.txt", "/%C3%A9.txt"),
            ("日本語.txt", "/%E6%97%A5%E6%9C%AC%E8%AA%9E.txt"),
            ("🎈.txt", "/%F0%9F%8E%88.txt"),
            ("%s%d%%.txt", "/%25s%25d%25%25.txt"),
            ("Icon\r", "/Icon%0D"),
        ],
    )
    def test_a_name_is_listed_as_a_url_and_as_text(self, dav: InProcess, name: str, href: str) -> None:
        (dav.files("ann") / name).write_text("x")
        answer = dav.propfind("ann", "/")
        assert sorted(hrefs(answer)) == ["/", href]
        names = {found[DAV + "displayname"].text for found in answer.responses().values()}
        assert name.replace("e\u0301", "é") in names
        assert hrefs(dav.propfind("ann", href, depth="0")) == [href]

    def test_what_xml_cannot_carry_never_breaks_a_listing(self, dav: InProcess) -> None:
        files = dav.files("ann")
        (files / "good.txt").write_text("x")
        for name in (
            b"\xff\xfe.txt",
            b"a\x01b.txt",
            b"bell\x07",
            b"tab\t.txt",
            b"\xed\xa0\x80",
            b"\xef\xbf\xbf",
        ):
            (Path(os.fsdecode(bytes(files) + b"/" + name))).write_text("x")
        os.mkfifo(files / "pipe")
        (files / "link").symlink_to("/etc")
        for _ in range(2):
            assert sorted(hrefs(dav.propfind("ann", "/"))) == ["/", "/good.txt"]

    def test_the_mount_precedes_every_href(self, dav: InProcess) -> None:
        (dav.files("ann") / "a&b.txt").write_text("x")
        (dav.files("ann") / "sub").mkdir()
        answer = dav.propfind("ann", "/", prefix="/remote.php/dav/files/ann &co")
        base = "/remote.php/dav/files/ann%20%26co"
        assert sorted(hrefs(answer)) == [base + "/", base + "/a&b.txt", base + "/sub/"]

    @settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(name=st.text(min_size=1, max_size=40))
    def test_any_name_on_disk_leaves_a_listing_that_parses(self, dav: InProcess, name: str) -> None:
        try:
            (dav.files("ann") / name.replace("/", "_")).write_text("x")
        except (OSError, ValueError):
            return
        assert "/" in hrefs(dav.propfind("ann", "/"))


class TestBodies:
    @settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_no_body_is_ever_a_fault_of_the_server(self, dav: InProcess, body: bytes) -> None:
        assert dav.propfind("ann", "/", body).status in (207, 400)
        assert dav("ann", "PROPPATCH", "/", body).status == 400

    def test_an_endless_body_is_refused(self, dav: InProcess) -> None:
        assert dav.propfind("ann", "/", b" " * (2 << 20)).status == 413

    def test_a_missing_resource_is_not_found(self, dav: InProcess) -> None:
        for depth in ("0", "1"):
            assert dav.propfind("ann", "/none/", depth=depth).status == 404
            assert dav.propfind("ann", "/a/b/c.txt", depth=depth).status == 404

    def test_an_if_header_that_fails_is_answered(self, dav: InProcess) -> None:
        assert dav.propfind("ann", "/", headers={"If": '(["wrong"])'}).status == 412
        assert dav.propfind("ann", "/", headers={"If": "(Not <urn:x>)"}).status == 207


class TestLargeFolders:
    @pytest.fixture
    def many(self, dav: InProcess) -> InProcess:
        folder = dav.files("ann") / "many"
        folder.mkdir()
        for number in range(700):
            (folder / f"{number:04}.txt").write_bytes(b"x" * (number % 7))
        return dav

    def test_every_member_comes_once_and_in_pieces(self, many: InProcess) -> None:
        for _ in range(3):
            answer = many.propfind("ann", "/many/")
            assert len(hrefs(answer)) == len(set(hrefs(answer))) == 701

    def test_it_is_compressed_for_those_who_can(self, many: InProcess) -> None:
        plain = many.propfind("ann", "/many/")
        assert plain["Vary"] == "Accept-Encoding"
        for accepted in ("gzip", "br, gzip;q=0.5", "GZIP"):
            for _ in range(2):
                zipped = many.propfind("ann", "/many/", headers={"Accept-Encoding": accepted})
                assert zipped["Content-Encoding"] == "gzip"
                assert len(zipped.body) < len(plain.body) / 5
                assert gzip.decompress(zipped.body) == plain.body
        for refused in ("identity", "gzip;q=0", "gzipped", "br"):
            assert many.propfind("ann", "/many/", headers={"Accept-Encoding": refused}).body == plain.body
        small = many.propfind("ann", "/", prop(DAV + "getetag"), headers={"Accept-Encoding": "gzip"})
        assert small.headers["Content-Encoding"] is None

    def test_many_may_ask_at_once(self, many: InProcess) -> None:
        def ask(_number: int) -> None:
            for _ in range(3):
                assert len(hrefs(many.propfind("ann", "/many/"))) == 701

        at_once(4, ask)


def test_files_may_come_and_go_during_a_listing(dav: InProcess) -> None:
    folder = dav.files("ann")
    for number in range(300):
        (folder / f"stays-{number}.txt").touch()

    def work(number: int) -> None:
        for turn in range(40):
            if number:
                name = folder / f"comes-{number}-{turn}.txt"
                name.touch()
                name.rename(name.with_suffix(".gone"))
                name.with_suffix(".gone").unlink()
            else:
                listed = hrefs(dav.propfind("ann", "/"))
                assert sum("stays" in href for href in listed) == 300
                assert len(listed) == len(set(listed))

    at_once(4, work)


def test_a_folder_that_cannot_be_read_is_never_an_empty_listing(dav: InProcess) -> None:
    class Broken:
        """A home whose disk fails."""

        def __init__(self) -> None:
            self._home = dav.home("ann")

        def __getattr__(self, name: str) -> object:
            if name in ("list", "scan"):
                return self._fail
            return getattr(self._home, name)

        def _fail(self, _folder: object) -> object:
            raise Unavailable("The disk does not answer")

    assert dav.propfind("ann", "/", home=Broken()).status == 503  # type: ignore[arg-type]


def test_what_the_policy_hides_or_refuses_stays_as_it_is_listed(dav: InProcess) -> None:
    (dav.files("ann") / "old.exe").write_text("x")
    strict = InProcess(dav.root, Policy(extensions=frozenset({"txt"})))
    assert "/old.exe" in hrefs(strict.propfind("ann", "/"))
    strict.close()


def _values(answer: Answer, path: str) -> dict[str, str]:
    return {name: ET.tostring(found, "unicode") for name, found in answer.responses()[path].items()}
