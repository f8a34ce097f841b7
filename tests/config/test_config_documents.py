"""The file, the README's table and the code say the same. To write the documents anew:

FILEHOST_TEST_WRITE=1 pytest tests/config/test_config_documents.py
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from filehost_dav.config import Config, load
from filehost_dav.config.document import as_file, as_table

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "config" / "filehost.toml"
README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def test_the_file_in_config_holds_every_setting_as_the_code_has_it() -> None:
    _keep(FILE, as_file())
    assert FILE.read_text() == as_file()


def test_the_table_in_the_readme_is_the_code_s() -> None:
    text = README.read_text()
    current = TABLE.sub(lambda found: found[1] + as_table() + found[2], text)
    _keep(README, current)
    assert TABLE.search(text)
    assert text == current


def test_the_file_as_it_is_gives_the_defaults() -> None:
    assert load(FILE, {}) == Config()


def test_the_file_with_everything_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "filehost.toml"
    file.write_text(re.sub(r"^#(?=\w+ = |    \"|\])", "", FILE.read_text(), flags=re.MULTILINE))
    assert tomllib.loads(file.read_text())["server"]["port"] == Config().server.port
    assert load(file, {}) == Config()


def _keep(file: Path, text: str) -> None:
    if os.environ.get("FILEHOST_TEST_WRITE"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
