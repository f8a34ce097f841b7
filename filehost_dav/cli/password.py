"""A password from the person at the terminal, or from standard input where that is none."""

from __future__ import annotations

import sys

import click


def read_password(*, confirm: bool = False) -> str:
    """Never empty. `confirm` asks a person to type it twice."""
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("A password is needed, on standard input or at the prompt")
    return password
