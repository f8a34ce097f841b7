"""The container file: linted, and its steps taken one by one where there is no engine.

The image's file system is an overlay over this machine's, so what the steps make lies in memory; the server
then runs in it as the image's user, with the root read-only, in a network of its own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.programs import program

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "Containerfile"


@dataclass
class Image:
    """What the last stage says of itself, and the steps of all stages as a shell script."""

    script: list[str]
    user: str = "0"
    environment: str = ""
    health: str = ""
    command: str = ""


def instructions(text: str) -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [
        (line.split()[0], line.split(maxsplit=1)[1].strip()) for line in joined.splitlines() if line.strip()
    ]


def read(text: str) -> Image:
    image, folder, entry = Image([]), "/", ""
    for word, rest in instructions(text):
        if word == "WORKDIR":
            folder = rest
            image.script.append(f"mkdir -p {rest}")
        elif word == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            image.script.append(
                f"cd {folder} && cp -r {' '.join(f'/context/{one}' for one in sources)} {target}"
            )
        elif word == "RUN":
            image.script.append(f"cd {folder} && {rest}")
        elif word == "USER":
            image.user = rest
        elif word == "ENV":
            image.environment = rest
        elif word == "HEALTHCHECK":
            image.health = shlex.join(json.loads(rest.partition("CMD ")[2]))
        elif word in ("ENTRYPOINT", "CMD"):
            entry += f" {shlex.join(json.loads(rest))}"
    image.command = entry.strip()
    return image


APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
# In $1 an overlay over this machine's root; /context is the folder of the container file, /steps ours.
BUILD = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir up work root data
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" root
cd root
mount --rbind /dev dev && mount -t proc proc proc
rm -rf opt/filehost-dav data source usr/local/bin/python && mkdir -p context steps usr/local/bin
mount --bind "$2" context && mount --bind "$3" steps
ln -s /usr/bin/python3 usr/local/bin/python  # what the base image has
chroot . /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh /steps/build >&2
umount context
# The volume, and the folder that an engine mounts beside a read-only root.
mount --bind "$1/data" data && chown "$4:$4" data && chmod 700 data
mount -t tmpfs tmpfs tmp
mount -o remount,ro,bind "$1/root"
exec unshare --net sh "$3/run" "$4"
"""
RUN = """
set -eu
ip link set lo up
inside() { chroot --userspec="$user:$user" . /bin/sh "/steps/$1"; }
user=$1
chroot --userspec="$user:$user" . /bin/sh /steps/serve >&2 & server=$!
for attempt in $(seq 100); do inside health 2>/dev/null && break; sleep 0.2; done
inside health && echo healthy
inside touch 2>/dev/null || echo read-only
inside who
kill "$server" && wait "$server" && echo ended
inside health 2>/dev/null || echo unhealthy
"""


def test_the_linter_finds_nothing() -> None:
    linter = program("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, CONTAINERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
@pytest.mark.clients
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_its_steps_make_a_healthy_server_that_is_not_root_in_a_read_only_root(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, context)
    shutil.copytree(
        ROOT / "filehost_dav", context / "filehost_dav", ignore=shutil.ignore_patterns("__pycache__")
    )
    image = read(CONTAINERFILE.read_text())
    assert int(image.user) > 0
    place, steps = tmp_path / "place", tmp_path / "steps"
    place.mkdir()
    steps.mkdir()
    clean = f"cd / && exec env -i {image.environment.replace('$PATH', '/usr/local/bin:/usr/bin:/bin')}"
    for name, text in {
        "build": "set -eux\n" + "\n".join(image.script),
        "run": RUN,
        "serve": f"{clean} {image.command}",
        "health": f"{clean} {image.health}",
        "touch": "touch /opt/filehost-dav/forbidden",
        "who": "id -u",
    }.items():
        (steps / name).write_text(text)
    done = subprocess.run(
        [*APART, "sh", "-c", BUILD, "sh", place, context, steps, image.user],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["healthy", "read-only", image.user, "ended", "unhealthy"], done.stderr
    assert '"message": "' in done.stderr or "Listening on http://0.0.0.0:8080/" in done.stderr
