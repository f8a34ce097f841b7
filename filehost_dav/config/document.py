"""The settings as documents: the commented configuration file and the README's table.

Both are written from the settings themselves; a test compares them with the files kept.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from filehost_dav.config.loading import sections, variable
from filehost_dav.config.setting import settings_of

_OPENING = """\
# Settings of Filehost DAV. Every setting is here, commented out, with its default.
#
# Sizes are written "500 MB" (a million bytes each) or "10 GiB" (2^30 bytes each), durations "30 s",
# "5 min", "12 h" or "90 d"; "none" means no limit. An environment variable FILEHOST_<SECTION>_<KEY>
# wins over this file, an option of the command line wins over both.
"""


def as_file() -> str:
    """`filehost.toml` with every setting, its default, its kind and its reason."""
    return _OPENING + "".join(_section(name, section) for name, section in sections())


def as_table() -> str:
    """The settings as a Markdown table."""
    rows = ["| Setting | Default | Environment | What it does |", "|---|---|---|---|"]
    for name, section in sections():
        for setting in settings_of(section):
            written = setting.written
            default = "see `config/filehost.toml`" if "\n" in written else f"`{written}`".replace("|", "\\|")
            reason = setting.reason.replace("|", "\\|")
            rows.append(
                f"| `{name}.{setting.name}` | {default} | `{variable(name, setting.name)}` | {reason} |"
            )
    return "\n".join(rows) + "\n"


def _section(name: str, section: type) -> str:
    lines = ["", *_comment(" ".join((section.__doc__ or "").split())), f"[{name}]"]
    for setting in settings_of(section):
        written = setting.written.replace("\n", "\n#")
        lines += ["", *_comment(f"{setting.reason} ({setting.kind})"), f"#{setting.name} = {written}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, 100):
        yield f"# {line}"
