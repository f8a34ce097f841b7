"""davfs2 and programs that save on a mount: the empty file comes first, and moves over the good one."""

from __future__ import annotations

import pytest
from harness.replay import Stage, Step

AGENT = "davfs2/1.6.1 neon/0.32.5"
OLD = b"what was there"
NEW = b"what is there now"
LOCKINFO = (
    '<?xml version="1.0" encoding="utf-8"?>\n<lockinfo xmlns=\'DAV:\'>\n <lockscope><exclusive/></lockscope>\n'
    "<locktype><write/></locktype><owner>root</owner>\n</lockinfo>\n"
)


def lock(path: str, status: int) -> Step:
    return Step("LOCK", path, status, LOCKINFO, {"Depth": "0", "Timeout": "Second-1800"})


def unlock(path: str) -> Step:
    return Step("UNLOCK", path, 204, b"", {"Lock-Token": f"<{{token:{path}}}>"})


def put(path: str, content: bytes, status: int = 204, strict: int | None = None) -> Step:
    headers = {"If": f"<{{url}}{path}> (<{{token:{path}}}>)", "If-Match": f"{{etag:{path}}}"}
    return Step("PUT", path, status, content, headers, strict=strict)


def renamed(source: str, target: str, status: int, *, held: bool = True) -> Step:
    headers = {"Destination": f"{{url}}{target}", "Overwrite": "T"}
    if held:
        headers["If"] = f"<{{url}}{source}> (<{{token:{source}}}>)"
    return Step("MOVE", source, status, b"", headers)


def test_a_new_file(stage: Stage) -> None:
    stage.play(
        AGENT,
        [lock("/x.txt", 201), Step("HEAD", "/x.txt", 200), put("/x.txt", NEW), unlock("/x.txt")],
    )
    stage.holds({"/x.txt": NEW})


def test_d1_a_temporary_file_is_renamed_before_its_content_comes(stage: Stage) -> None:
    stage.put("/x.txt", OLD)
    stage.play(
        AGENT,
        [
            lock("/x.txt.AbCdEf", 201),
            Step("HEAD", "/x.txt.AbCdEf", 200),
            renamed("/x.txt.AbCdEf", "/x.txt", 204),
            lock("/x.txt", 200),
            Step("HEAD", "/x.txt", 200),
            put("/x.txt", NEW),
            unlock("/x.txt"),
        ],
    )
    stage.holds({"/x.txt": NEW})
    assert OLD in stage.versions("/x.txt") | stage.trash()


def test_d1_a_client_that_dies_before_the_content_comes_leaves_the_old_one_restorable(stage: Stage) -> None:
    stage.put("/x.txt", OLD)
    stage.play(AGENT, [lock("/x.txt.AbCdEf", 201), renamed("/x.txt.AbCdEf", "/x.txt", 204)])
    assert OLD in stage.versions("/x.txt") | stage.trash()
    (version,) = stage.client.propfind("/.filehost/versions/x.txt/").paths - {"/.filehost/versions/x.txt/"}
    assert stage.client.copy(version.replace(" ", "%20"), "/x.txt").status == 204
    stage.holds({"/x.txt": OLD})


def test_a_refused_content_leaves_no_empty_file(stage: Stage) -> None:
    program = b"\x7fELF\x02\x01\x01" + b"\0" * 100
    stage.play(
        AGENT,
        [
            lock("/x.txt", 201),
            Step("HEAD", "/x.txt", 200),
            put("/x.txt", program, strict=403),
            unlock("/x.txt"),
        ],
    )
    stage.holds({} if stage.refusing else {"/x.txt": program})


@pytest.mark.parametrize("quota", ["10", "10000"])
def test_a_full_quota_leaves_no_empty_file(stage: Stage, quota: str) -> None:
    account = stage.server.add_user(f"{stage.account.name}q{quota}", "--quota", quota)
    full = Stage(stage.server, account, refusing=stage.refusing)
    full.play(
        AGENT,
        [
            lock("/x.txt", 201),
            Step("HEAD", "/x.txt", 200),
            put("/x.txt", b"too much " * 10_000, 507),
            unlock("/x.txt"),
        ],
    )
    full.holds({})
    full.close()


def test_a_refused_name_is_refused_when_it_is_made(stage: Stage) -> None:
    if stage.refusing:
        stage.play(AGENT, [lock("/evil.sh", 403), Step("HEAD", "/evil.sh", 404)])
        stage.holds({})


@pytest.mark.parametrize("backup", ["/x.txt~", "/.x.txt.swp.txt~"])
def test_vim_renames_the_old_file_and_writes_a_new_one(stage: Stage, backup: str) -> None:
    stage.put("/x.txt", OLD)
    stage.play(
        AGENT,
        [
            lock("/4913", 201),
            unlock("/4913"),
            Step("DELETE", "/4913", 204),
            renamed("/x.txt", backup, 201, held=False),
            lock("/x.txt", 201),
            Step("HEAD", "/x.txt", 200),
            put("/x.txt", NEW),
            unlock("/x.txt"),
            Step("DELETE", backup, 204),
        ],
    )
    stage.holds({"/x.txt": NEW})
    assert stage.trash() == {OLD}


def test_gnome_saves_under_a_name_that_tells_nothing(stage: Stage) -> None:
    stage.put("/x.txt", OLD)
    stage.play(
        AGENT,
        [
            lock("/.goutputstream-A1B2C3", 201),
            Step("HEAD", "/.goutputstream-A1B2C3", 200),
            put("/.goutputstream-A1B2C3", NEW),
            unlock("/.goutputstream-A1B2C3"),
            renamed("/.goutputstream-A1B2C3", "/x.txt", 204, held=False),
        ],
    )
    stage.holds({"/x.txt": NEW})
    assert stage.versions("/x.txt") == {OLD}


def test_libreoffice_on_a_mount_leaves_its_mark_while_the_document_is_open(stage: Stage) -> None:
    stage.put("/x.txt", OLD)
    stage.play(
        AGENT,
        [
            lock("/.~lock.x.txt%23", 201),
            Step("HEAD", "/.~lock.x.txt%23", 200),
            put("/.~lock.x.txt%23", b",alice,pc,24.11.2026 10:15,file:///home/alice;"),
            unlock("/.~lock.x.txt%23"),
        ],
    )
    assert stage.client.names() == {"x.txt", ".~lock.x.txt#"}
    stage.play(AGENT, [Step("DELETE", "/.~lock.x.txt%23", 204)])
    stage.holds({"/x.txt": OLD})
