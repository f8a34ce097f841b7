"""`filehost-dav completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash  filehost-dav completion bash > /etc/bash_completion.d/filehost-dav
    zsh   filehost-dav completion zsh > "${fpath[1]}/_filehost-dav"
    fish  filehost-dav completion fish > ~/.config/fish/completions/filehost-dav.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    root = context.find_root().command
    click.echo(found(root, {}, "filehost-dav", "_FILEHOST_DAV_COMPLETE").source())
