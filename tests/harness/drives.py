"""A user's folder mounted as a drive by real programs: davfs2, and rclone with its cache."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.server import Account, Server

WRITTEN_BACK = 30.0  # seconds a drive may take to send what programs wrote


@contextlib.contextmanager
def davfs2(
    server: Server, account: Account, mounter: str, folder: Path, certificate: Path | None = None
) -> Iterator[Path]:
    """The drive of davfs2, mounted in `folder`; over TLS with this certificate. Needs root and /dev/fuse."""
    place = folder / "drive"
    place.mkdir()
    # davfs2 gives up root and must still reach its cache; every start of pytest closes its own
    # temporary folders to others.
    with tempfile.TemporaryDirectory(prefix="davfs2-") as apart:
        cache, secrets, settings = Path(apart, "cache"), Path(apart, "secrets"), Path(apart, "davfs2.conf")
        Path(apart).chmod(0o755)
        cache.mkdir()
        shutil.chown(cache, group="davfs2")
        cache.chmod(0o770)
        secrets.write_text(f'{server.url}/ {account.name} "{account.password}"\n')
        secrets.chmod(0o600)
        lines = [f"secrets {secrets}", f"cache_dir {cache}", "delay_upload 1", "ask_auth 0", "use_locks 1"]
        if certificate is not None:
            # A copy: it is read as the user of davfs2, who may not look into our folders.
            copy = Path(shutil.copy(certificate, apart))
            copy.chmod(0o644)
            lines.append(f"trust_ca_cert {copy}")
        settings.write_text("\n".join(lines) + "\n")
        options = f"conf={settings},uid=0,gid=0"
        subprocess.run([mounter, "-o", options, server.url + "/", str(place)], check=True, timeout=30)
        try:
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=True, timeout=60)


@contextlib.contextmanager
def rclone_mount(server: Server, account: Account, rclone: str, folder: Path) -> Iterator[Path]:
    """The drive of `rclone mount`, which sends a file a second after it is closed.

    Not at once: rclone loses a rename that comes while it sends the file.
    """
    place = folder / "drive"
    place.mkdir()
    options = ["--vfs-cache-mode", "full", "--vfs-write-back", "1s", "--dir-cache-time", "1s"]
    mounting = subprocess.Popen(
        [rclone, "mount", *options, "dav:", str(place)],
        env=rclone_environment(server, account, rclone, folder),
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: os.path.ismount(place))
        yield place
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(place)], check=False, timeout=30)
        mounting.wait(30)


def rclone_environment(
    server: Server, account: Account, rclone: str, folder: Path, vendor: str = "owncloud"
) -> dict[str, str]:
    """The environment in which rclone knows the remote `dav:`, and nothing of its user."""
    obscured = subprocess.run([rclone, "obscure", account.password], capture_output=True, text=True, check=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RCLONE_CONFIG": str(folder / "rclone.conf"),
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": server.url,
        "RCLONE_CONFIG_DAV_VENDOR": vendor,
        "RCLONE_CONFIG_DAV_USER": account.name,
        "RCLONE_CONFIG_DAV_PASS": obscured.stdout.strip(),
        "RCLONE_WEBDAV_PACER_MIN_SLEEP": "0",
    }


def wait_until(holds: Callable[[], bool], what: str = "what was waited for") -> None:
    """Raises AssertionError when it does not come to hold in time."""
    end = time.monotonic() + WRITTEN_BACK
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen in time"
        time.sleep(0.1)
