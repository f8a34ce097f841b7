"""A directory on loopback: the distribution's slapd with a few people, as no service."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from testbed.processes import free_port

BASE = "dc=example,dc=org"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "password-of-the-admin"
PASSWORD = "password in the directory"
_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
loglevel stats
{tls}
allow bind_anon_dn
database mdb
suffix {base}
rootdn {admin}
rootpw {password}
directory {folder}
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""
_PEOPLE = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people
"""
_PERSON = """
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
userPassword: {password}
"""


@dataclass
class Slapd:
    """A running one. `binds` counts the sign-ins that it was asked for."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def binds(self) -> int:
        """Sign-ins of people so far."""
        return len(re.findall(r'BIND dn="uid=[^"]*" method=', (self.folder / "log").read_text()))

    @property
    def steps(self) -> list[str]:
        """What it was asked for so far, as verbs: BIND, SRCH, UNBIND…"""
        log = (self.folder / "log").read_text()
        return re.findall(r"op=\d+ (BIND(?=.* method=)|SRCH(?= base=)|UNBIND)", log)

    def add(self, uid: str, password: str = PASSWORD) -> None:
        self._change("ldapadd", _PERSON.format(uid=uid, base=BASE, password=password))

    def set_password(self, uid: str, password: str) -> None:
        entry = f"dn: uid={uid},ou=people,{BASE}"
        change = f"{entry}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
        self._change("ldapmodify", change)

    def _change(self, command: str, ldif: str) -> None:
        given = [command, "-x", "-H", self.url, "-D", ADMIN, "-w", ADMIN_PASSWORD]
        subprocess.run(given, input=ldif.encode(), check=True, capture_output=True, timeout=20)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def directory(folder: Path, *, certificate: tuple[Path, Path] | None = None, port: int = 0) -> Iterator[Slapd]:
    """A fresh directory with anna in it. `certificate` is a chain and its key."""
    program = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("slapd is not installed")
    (folder / "db").mkdir(parents=True)
    tls = f"TLSCertificateFile {certificate[0]}\nTLSCertificateKeyFile {certificate[1]}" if certificate else ""
    config = _CONFIG.format(base=BASE, admin=ADMIN, password=ADMIN_PASSWORD, folder=folder / "db", tls=tls)
    (folder / "slapd.conf").write_text(config)
    port = port or free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-f", folder / "slapd.conf", "-h", f"ldap://127.0.0.1:{port}", "-d", "256"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    running = Slapd(folder, port, process)
    try:
        _wait(port, process, folder / "log")
        running._change("ldapadd", _PEOPLE)
        running.add("anna")
        yield running
    finally:
        if process.poll() is None:
            running.stop()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"slapd does not start:\n{log.read_text()}") from None
            time.sleep(0.05)
