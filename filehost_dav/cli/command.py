"""The command itself: its sub-commands, loaded only when used, and how its errors are shown.

Exit codes: 0 done, 1 not done (the message says why and what helps), 2 wrong usage, 78 the
configuration cannot be used (EX_CONFIG, so that systemd need not try again).
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

import click

from filehost_dav import __version__
from filehost_dav.errors import ConfigError, FilehostError

BAD_CONFIG: Final = 78
# Command → where it is (`module` or `module:name`), its help in one line (so that --help loads nothing).
_COMMANDS: Final = {
    "serve": ("serving", "Serve files until stopped."),
    "check": ("check", "Check settings, folders, records and files; show the limits."),
    "status": ("status", "Users, room, locks and sessions, in numbers."),
    "user": ("users", "Add, change and remove users."),
    "app-password": ("app_passwords", "One password per device: add, list, revoke."),
    "sessions": ("sessions", "Browsers that are signed in: list, revoke."),
    "bans": ("bans", "Who must wait after failed sign-ins: list, clear."),
    "locks": ("locks", "Locks that clients hold: list, break."),
    "trash": ("trash", "Deleted files: list, restore, purge."),
    "backup": ("backups:backup", "Copy everything to another folder, while the server runs."),
    "restore": ("backups:restore", "Fill an empty data folder from a backup."),
    "rollback": ("rollback", "Go back to the records from before an upgrade."),
    "import": ("moving:import_", "Take a folder's files into one user's files."),
    "migrate": ("moving:migrate", "Copy all files to a bucket, or back to plain folders."),
    "migrate-records": ("moving:records", "Copy the records to PostgreSQL."),
    "rebuild": ("moving:rebuild", "Make the records of files anew from a bucket alone."),
    "export": ("backups:export", "Copy one user's files to a folder, as plain files."),
    "doctor": ("doctor", "A report to attach to a question; it holds no secret."),
    "completion": ("completion", "Completion for bash, zsh and fish."),
}


class _Commands(click.Group):
    """Sub-commands by name; each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(
            importlib.import_module(f"filehost_dav.cli.{module}"), name or "command"
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.secho(problem, fg="red", err=True)
            sys.exit(BAD_CONFIG)
        except FilehostError as error:
            raise click.ClickException(error.message) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="filehost-dav")
def main() -> None:
    """A WebDAV file server with a private folder for each user."""
