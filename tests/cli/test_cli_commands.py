"""The commands on real records: what they change, what they print, and how they fail."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Protocol

import click
import pytest
from click.testing import CliRunner

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.sessions import Sessions
from filehost_dav.accounts.throttle import Patience, Throttle
from filehost_dav.accounts.users import ANY_TYPE, User, Users
from filehost_dav.cli import main
from filehost_dav.paths import FilePath
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.locks import LockStore, Wish
from filehost_dav.storage.local import LocalStorage

ROOT = Path(__file__).resolve().parents[2]


class Machine(Protocol):
    """The command line on one data folder."""

    data: Path
    database: SqliteDatabase
    users: list[User]

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0, **settings: str) -> str: ...

    def json(self, *arguments: str, code: int = 0) -> Any: ...


def is_password(machine: Machine, name: str, password: str) -> bool:
    database = machine.database
    account = Users(database, lambda: 0).find(name)
    database.close()
    assert account is not None
    return Passwords(Cost(64 * 1024, 1)).verify(password, account.password)[0]


def test_a_user_is_added_with_the_password_from_standard_input(machine: Machine) -> None:
    assert machine("user", "add", "anna", stdin="geheim ☃\n") == "User anna added\n"
    assert machine.users == [User("anna")]
    assert is_password(machine, "anna", "geheim ☃")


def test_quota_and_types_are_the_user_s_own(machine: Machine) -> None:
    machine("user", "add", "anna", "--quota", "10GiB", "--extensions", ".TXT,pdf", stdin="x")
    machine("user", "add", "bert", "--extensions", "*", stdin="x")
    assert machine.users == [
        User("anna", quota=10 * 2**30, extensions=frozenset({"txt", "pdf"})),
        User("bert", extensions=ANY_TYPE),
    ]


def test_a_setting_of_a_user_is_changed_alone(machine: Machine) -> None:
    machine("user", "add", "anna", "--quota", "1GiB", "--extensions", "txt", stdin="x")
    assert machine("user", "set", "anna", "--quota", "2GiB") == "User anna: quota 2.0 GiB, types txt\n"
    machine("user", "set", "anna", "--extensions", "default")
    assert machine.users == [User("anna", quota=2 * 2**30)]
    machine("user", "set", "anna", "--quota", "none")
    assert machine.users == [User("anna")]


def test_a_password_is_changed(anna: Machine) -> None:
    anna("user", "passwd", "anna", stdin="other\n")
    assert is_password(anna, "anna", "other")
    assert not is_password(anna, "anna", "secret")


def test_a_user_is_disabled_and_enabled(anna: Machine) -> None:
    anna("user", "disable", "anna")
    assert anna.json("user", "list")[0]["disabled"] is True
    anna("user", "enable", "anna")
    assert anna.json("user", "list")[0]["disabled"] is False


def test_users_are_listed_for_people_and_for_scripts(anna: Machine) -> None:
    anna("user", "add", "bert", "--quota", "1GiB", "--extensions", "txt", stdin="x")
    assert anna("user", "list") == (
        "NAME  DISABLED  QUOTA    EXTENSIONS  CODES\n"
        "anna  no        -        -           no\n"
        "bert  no        1.0 GiB  txt         no\n"
    )  # fmt: skip
    assert anna.json("user", "list")[1] == {
        "name": "bert",
        "disabled": False,
        "quota": 2**30,
        "extensions": ["txt"],
        "codes": False,
    }


def test_a_removed_user_s_files_stay_and_it_says_where(anna: Machine) -> None:
    file = anna.data / "files" / "anna" / "a.txt"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    assert str(file.parent) in anna("user", "remove", "anna")
    assert file.read_text() == "x"
    assert anna.users == []


def test_a_removed_user_s_files_are_deleted_when_told(anna: Machine) -> None:
    LocalStorage(anna.data).tree("anna").make_folder(FilePath.parse("/a"))
    anna("user", "remove", "anna", "--delete-files")
    assert not list(anna.data.glob("*/anna"))


APACHE = (
    "# users\n\nanna:$apr1$z10E2nQ1$jKiKMlnlT7DhBm6VrGgD7/\n"
    "bert:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
    "old:9kZ1wENGwXsok\nplain:secret\n../x:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nnothing\n"
)


def test_users_of_apache_are_imported_and_the_rest_is_named(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(APACHE)
    output = machine("user", "import", str(file), code=1)
    assert [user.name for user in machine.users] == ["anna", "bert"]
    assert is_password(machine, "anna", "secret")
    for line in (5, 6, 7, 8):
        assert f"{file}:{line}: " in output
    assert "Error: 4 left out" in output
    assert "9kZ1" not in output


FAILURES = [
    (("user", "add", "anna"), "secret", 1, "There is a user anna already"),
    (("user", "add", "ANNA"), "secret", 1, "There is a user anna already"),
    (("user", "add", "../x"), "secret", 1, "A name is made of letters, digits"),
    (("user", "add", "bert"), "", 2, "A password is needed"),
    (("user", "add", "bert", "--quota", "lots"), "x", 2, "such as 500 MB or 10 GiB"),
    (("user", "passwd", "bert"), "x", 1, "There is no user bert"),
    (("user", "disable", "bert"), "", 1, "There is no user bert"),
    (("user", "remove", "bert"), "", 1, "There is no user bert"),
    (("user", "set", "bert"), "", 1, "There is no user bert"),
    (("sessions", "list", "bert"), "", 1, "There is no user bert"),
    (("app-password", "add", "bert", "phone"), "", 1, "There is no user bert"),
    (("app-password", "revoke", "anna", "phone"), "", 1, "anna has no app password phone"),
    (("app-password", "add", "anna", "x", "--expires", "soon"), "", 2, "such as 30 s, 5 min, 12 h or 90 d"),
    (("app-password", "add", "anna", "x", "--folder", "/../x"), "", 2, "may not be empty, '.' or '..'"),
    (("locks", "break", "anna", "/a.txt"), "", 1, "/a.txt is not locked"),
    (("bans", "clear"), "", 2, "Say whose failures to forget, or --all"),
    (("sessions", "revoke", "anna"), "", 2, "Say which session to end, or --all"),
    (("trash", "purge", "anna"), "", 2, "Say which item to delete for good, or --all"),
    (("nonsense",), "", 2, "No such command 'nonsense'"),
]


@pytest.mark.parametrize(("arguments", "stdin", "code", "message"), FAILURES, ids=lambda value: str(value)[:40])
def test_a_command_that_cannot_be_done_says_why(
    anna: Machine, arguments: tuple[str, ...], stdin: str, code: int, message: str
) -> None:
    assert message in anna(*arguments, stdin=stdin, code=code)
    assert [user.name for user in anna.users] == ["anna"]


@pytest.mark.parametrize(
    "command", ["user list", "bans list", "locks list", "sessions list", "trash list anna"]
)
def test_a_mistyped_folder_does_not_become_a_new_server(machine: Machine, command: str) -> None:
    assert "There is no server's data in" in machine(*command.split(), code=1)
    assert not machine.data.exists()


def test_a_data_folder_that_cannot_be_is_said_in_words(machine: Machine, tmp_path: Path) -> None:
    machine.data = tmp_path / "file" / "data"
    (tmp_path / "file").write_text("x")
    assert f"Error: {machine.data}: Not a directory\n" == machine("user", "add", "anna", stdin="x", code=1)


def test_records_that_are_no_database_are_said_in_words(machine: Machine) -> None:
    machine.data.mkdir()
    (machine.data / "state.sqlite3").write_bytes(b"x" * 5000)
    assert "records cannot be opened: file is not a database" in machine("user", "list", code=1)


def test_a_password_is_never_an_argument(anna: Machine) -> None:
    for command in ("add", "passwd"):
        assert "Got unexpected extra argument" in anna("user", command, "bert", "secret", code=2)


def test_an_app_password_is_made_listed_and_revoked(anna: Machine) -> None:
    secret = anna("app-password", "add", "anna", "phone", "--read-only", "--folder", "/Scans").strip()
    assert len(secret) == 29
    (row,) = anna.json("app-password", "list", "anna")
    assert (row["device"], row["read_only"], row["folder"]) == ("phone", True, "/Scans")
    assert secret not in json.dumps(row)
    assert "phone" in anna("app-password", "list", "anna")
    anna("app-password", "revoke", "anna", "phone")
    assert anna("app-password", "list", "anna") == "anna has no app passwords\n"


def test_bans_are_listed_and_cleared(anna: Machine) -> None:
    database = anna.database
    throttle = Throttle(database, Patience(), lambda: 4_000_000_000)
    for _ in range(6):
        throttle.failed("anna", "192.0.2.1")
    database.close()
    (row,) = anna.json("bans", "list")
    assert (row["who"], row["failures"]) == ("user anna at 192.0.2.1", 6)
    anna("bans", "clear", "anna")
    assert anna("bans", "list") == "Nobody has to wait\n"


@pytest.mark.parametrize("command", ["enable", "passwd"])
def test_with_a_new_beginning_nobody_waits_for_what_was(anna: Machine, command: str) -> None:
    database = anna.database
    throttle = Throttle(database, Patience(), lambda: 4_000_000_000)
    for name in ("anna", "bert"):
        for _ in range(6):
            throttle.failed(name, "192.0.2.1")
    database.close()
    anna("user", command, "anna", stdin="new")
    assert {row["who"] for row in anna.json("bans", "list")} == {"user bert at 192.0.2.1"}


def test_sessions_are_listed_and_ended(anna: Machine) -> None:
    database = anna.database
    sessions = Sessions(database)
    for agent in ("Firefox", "Safari"):
        sessions.open("anna", agent=agent, address="192.0.2.1")
    database.close()
    rows = anna.json("sessions", "list")
    assert {row["browser"] for row in rows} == {"Firefox", "Safari"}
    anna("sessions", "revoke", "anna", str(rows[0]["id"]))
    assert len(anna.json("sessions", "list", "anna")) == 1
    anna("sessions", "revoke", "anna", "--all")
    assert anna("sessions", "list") == "No browser is signed in\n"


def test_locks_are_listed_and_broken(anna: Machine) -> None:
    database = anna.database
    LockStore(database).acquire("anna", Wish(FilePath.parse("/a.docx"), False, True, "anna", "", 600))
    database.close()
    (row,) = anna.json("locks", "list")
    assert (row["user"], row["path"], row["scope"], row["depth"]) == ("anna", "/a.docx", "exclusive", "0")
    anna("locks", "break", "anna", "/a.docx")
    assert anna("locks", "list") == "Nothing is locked\n"


def test_the_trash_is_listed_restored_and_purged(anna: Machine) -> None:
    tree = LocalStorage(anna.data).tree("anna")
    for name in ("/a", "/b"):
        tree.make_folder(FilePath.parse(name))
        tree.make_folder(FilePath.parse(name + "/x"))
        tree.delete(FilePath.parse(name))
    items = {row["path"]: str(row["id"]) for row in anna.json("trash", "list", "anna")}
    assert set(items) == {"/a", "/b"}
    assert anna("trash", "restore", "anna", items["/a"], "--to", "/c") == "Restored as /c\n"
    assert tree.stat(FilePath.parse("/c")).is_folder
    assert anna("trash", "purge", "anna", "--all") == "1 deleted for good\n"
    assert anna("trash", "list", "anna") == "The trash of anna is empty\n"


def test_escape_sequences_in_names_do_not_reach_the_terminal(anna: Machine) -> None:
    database = anna.database
    Sessions(database).open("anna", agent="\x1b[31mred\x1b]0;x\x07", address="192.0.2.1")
    database.close()
    assert not set("\x1b\x07") & set(anna("sessions", "list"))


def test_mistakes_in_the_configuration_are_all_shown_and_have_their_own_code(
    machine: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "f.toml"
    file.write_text("[server]\nprot = 1\n[log]\nformat = 7\n")
    output = machine("user", "list", "--config", str(file), code=78)
    assert output.count(str(file)) == 2


@pytest.mark.parametrize(
    "command", [["--help"], ["user", "--help"], ["serve", "--help"], ["user", "add", "-h"]]
)
def test_help_explains(command: list[str]) -> None:
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0
    assert "Usage: " in result.output


COMMANDS = main.list_commands(click.Context(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_stands_in_the_readme(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert result.output.count("\n") > 5
    command = main.get_command(click.Context(main), name)
    for inner in getattr(command, "commands", {}):
        assert CliRunner().invoke(main, [name, inner, "--help"]).exit_code == 0
    assert re.search(rf"filehost-dav {name}\b|`{name}`", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_made_for_each_shell(shell: str) -> None:
    assert "_FILEHOST_DAV_COMPLETE" in CliRunner().invoke(main, ["completion", shell]).output
