"""The commands on the pages about clients do what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.drives import wait_until
from harness.server import REPOSITORY, Account, Server

pytestmark = pytest.mark.clients

PAGES = REPOSITORY / "docs" / "clients"
COMMANDS = re.compile(r"<!-- test -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def office(start_server: Callable[..., Server]) -> tuple[Server, Account]:
    server = start_server(FILEHOST_SERVER_WORKERS="2")
    return server, server.add_user("alice", password="the password")


@pytest.fixture
def run(office: tuple[Server, Account], tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Run commands of a page: against this server, with every place of theirs below a temporary folder."""
    server, _ = office
    for parent in [tmp_path, *tmp_path.parents][:4]:
        parent.chmod(0o755)
    places = {"https://files.example.com": server.url, "/etc/davfs2": str(tmp_path), "/mnt": str(tmp_path)}

    def run(commands: str, **settings: str) -> None:
        for written, place in {**places, **settings}.items():
            commands = commands.replace(written, place)
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        command = ["bash", "-ec", commands]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, commands + done.stdout + done.stderr

    yield run
    for place in ("files", "Files"):
        if os.path.ismount(tmp_path / place):
            subprocess.run(["umount", "-l", str(tmp_path / place)], check=False, timeout=60)


def commands_of(page: str) -> list[str]:
    found = COMMANDS.findall((PAGES / page).read_text())
    assert found, page
    return found


def test_the_page_of_rclone(
    office: tuple[Server, Account], run: Callable[..., None], program: Callable[[str], str], tmp_path: Path
) -> None:
    server, account = office
    program("rclone")
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "a.txt").write_bytes(b"words")
    first = server.files(account) / "first.txt"
    *mounting, unmounting = commands_of("rclone.md")
    for commands in mounting:
        run(commands)
    wait_until(lambda: first.exists() and first.read_bytes() == b"Dear reader\n")
    run(unmounting)
    assert (first.parent / "Documents" / "a.txt").read_bytes() == b"words"


def test_the_page_of_davfs2(
    office: tuple[Server, Account], run: Callable[..., None], program: Callable[[str], str], tmp_path: Path
) -> None:
    server, account = office
    program("mount.davfs")
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("mounting needs root and /dev/fuse")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o770)
    subprocess.run(["chgrp", "davfs2", str(tmp_path / "cache")], check=True)
    settings = f"secrets {tmp_path}/secrets\ncache_dir {tmp_path}/cache\nask_auth 0\n"
    (tmp_path / "davfs2.conf").write_text(settings)
    (tmp_path / "secrets").touch(mode=0o600)
    for commands in commands_of("davfs2.md"):
        run(commands, **{"uid=alice,gid=alice": f"uid=0,gid=0,conf={tmp_path}/davfs2.conf"})
    assert (server.files(account) / "first.txt").read_bytes() == b"Dear reader\n"


def test_every_page_is_in_the_table_and_says_how_it_was_tested() -> None:
    table = (PAGES / "README.md").read_text()
    for page in PAGES.glob("*.md"):
        if page.name != "README.md":
            assert f"]({page.name})" in table
            assert page.read_text().rstrip().endswith("*"), page.name


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
