"""The settings, section by section, with their defaults and the reason of each.

Sizes are in bytes and durations in seconds once read; None stands for `none`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filehost_dav.config.setting import (
    choice,
    duration,
    duration_or_none,
    flag,
    folders,
    number,
    patterns,
    place,
    secret,
    size,
    size_or_none,
    text,
    words,
)
from filehost_dav.paths import FilePath
from filehost_dav.policy.patterns import MARKERS, REFUSED, SIDE, STAGING
from filehost_dav.policy.roles import DEFAULT_EXTENSIONS
from filehost_dav.policy.signatures import CHECKED


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens, and how it spreads its work."""

    host: str = text("127.0.0.1", "Address to listen on; 0.0.0.0 or :: for every one of this machine.")
    port: int = number(8080, "TCP port; 0 takes a free one.", most=65535)
    unix: Path | None = place("", "Unix socket to listen on instead, for a proxy on this machine.")
    proxies: tuple[str, ...] = words(
        (),
        "Addresses and networks of reverse proxies, whose Forwarded and X-Forwarded-* headers are believed; "
        "unix is whoever connects through the Unix socket.",
    )
    workers: int = number(0, "Processes; 0 is one per processor (always one on Windows).", most=256)
    threads: int = number(
        2000, "Requests each process has open at once, most of them waiting for a client.", least=8, most=10000
    )
    send_files: str = choice(
        "directly",
        ("directly", "x-accel-redirect", "x-sendfile"),
        "Who sends whole files: this server, or the proxy before it, which must be able to read data/files "
        "(x-accel-redirect: nginx; x-sendfile: Apache, lighttpd). nginx can also fetch them from an object "
        "store: see docs/growing.md.",
    )
    send_files_prefix: str = text(
        "/filehost-files/",
        "The internal location of nginx that stands for data/files, or for the store, for x-accel-redirect.",
    )


@dataclass(frozen=True, slots=True)
class Tls:
    """HTTPS without a proxy. Certificates that change on disk are taken into use within seconds."""

    certificate: Path | None = place("", "PEM file with the certificate and its chain.")
    key: Path | None = place("", "PEM file with the private key.")
    self_signed: bool = flag(
        False, "Whether to make a certificate that clients must be told to trust; kept in the data folder."
    )
    redirect_from: str = text(
        "",
        "Address and port of plain HTTP, such as 0.0.0.0:80, where browsers are sent on to https:// and "
        "programs are told to use it.",
    )
    redirect_to: str = text("", "Host that it leads to, files.example.org; empty is the one asked for.")
    hsts: int | None = duration_or_none(
        "none", "How long browsers must use https:// only, once they came that way (Strict-Transport-Security)."
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client may ask, and for how long. Times are without progress, not in total."""

    file_size: int | None = size_or_none("none", "The largest file.")
    requests_per_address: int = number(1500, "Requests of one address at a time, in one process.", least=1)
    requests_per_user: int = number(1200, "Requests of one user at a time, in one process.", least=1)
    uploads_per_user: int = number(
        1000, "Uploads of one user at a time, in one process; a slow one costs little.", least=1
    )
    whole_trees: bool = flag(
        False, "Whether a client may list a tree to any depth in one request (PROPFIND, Depth infinity)."
    )
    connections: int = number(10_000, "Open connections of one process; more wait.", least=16)
    head_size: int = size("64 KiB", "Request line and headers together.")
    head_time: int = duration("20 s", "From the first byte of a request to the end of its headers.")
    idle_time: int = duration(
        "75 s", "How long a connection may lie idle; Finder and Explorer hold theirs a minute."
    )
    handshake_time: int = duration("10 s", "For a TLS handshake.")
    upload_stall: int = duration("60 s", "Between two pieces of an upload.")
    download_stall: int = duration("60 s", "Between two pieces of a download that the client takes.")
    drain_time: int = duration("8 s", "What running requests get to finish in when the server is stopped.")


@dataclass(frozen=True, slots=True)
class Storage:
    """Where files and records are kept."""

    kind: str = choice(
        "local",
        ("local", "object"),
        "Plain files in folders of this machine, or contents in an S3 bucket and names in the database.",
    )
    data: Path = place(
        "data", "Folder for everything the server keeps: users' files in files/<user>/, and its records."
    )
    durability: str = choice(
        "data",
        ("none", "data", "full"),
        "What is on the disk before an upload is answered: whatever the system wrote, contents and names, "
        "or all metadata too.",
    )
    keep_free: int = size("64 MiB", "Room on the disk that uploads leave free (local).")
    watch: bool = flag(
        True,
        "Whether the system is asked to tell of changes in folders (inotify, on Linux), so that a folder "
        "without any is listed from memory (local).",
    )


@dataclass(frozen=True, slots=True)
class Object:
    """The bucket of storage.kind = "object". Credentials come from where AWS tools look: the environment,
    ~/.aws, or the machine's role.
    """

    bucket: str = text("", "Name of the bucket.")
    endpoint: str = text("", "Address of the S3 engine; empty is Amazon's.")
    region: str = text("", "Region of the bucket.")
    hosted: bool = flag(False, "Whether the bucket's name is a part of the host name, as Amazon likes it.")
    encryption: str = text("", "What the engine is asked to encrypt with: AES256 or aws:kms.")
    encryption_key: str = text("", "Key for aws:kms.")
    client: str = choice(
        "obstore",
        ("obstore", "boto3", "folder"),
        "The library that talks to the engine: obstore is fast, boto3 knows every source of credentials; "
        "folder is a plain folder named by bucket, for trying.",
    )
    memory: int = size(
        "32 MiB",
        "Memory of each process for small contents that were used last; they never change, so they are never "
        "out of date.",
    )
    upload_memory: int = size(
        "512 MiB",
        "Memory of each process for uploads on their way. Each holds 8 MiB of it, or a 9,000th of its length "
        "where that is more; those that find none wait for it, and are told to come later after 20 seconds.",
    )
    grace: int = duration(
        "2 d",
        "How long an object stays that no file needs any more. Longer than the time between two backups of the "
        "database, so that each backup finds its objects.",
    )


@dataclass(frozen=True, slots=True)
class Database:
    """The server's own records: users, locks, properties, and the names of object storage."""

    url: str = text(
        "",
        "PostgreSQL to keep them in, as postgresql://user@host/name (the password in PGPASSWORD or ~/.pgpass); "
        "empty is a file in the data folder.",
    )


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what was deleted or replaced is kept."""

    trash: int | None = duration_or_none("30 d", "Deleted files; none keeps them until room is needed.")
    versions_all: int = duration("1 d", "Every earlier content of a file.")
    versions_daily: int | None = duration_or_none(
        "30 d", "After that, the last content of each day; none keeps them until room is needed."
    )
    versions_size: int | None = size_or_none(
        "none", "Room that the earlier contents of one user may take; the oldest go first (local)."
    )
    sweep: int = duration("1 h", "Time between two clearings of what is due.")


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be stored."""

    extensions: tuple[str, ...] = words(
        DEFAULT_EXTENSIONS,
        'Types of files that may be stored; ["*"] allows any. Users can have their own list.',
    )
    names: str = choice(
        "portable",
        ("portable", "ascii"),
        "Names allowed: what Windows, macOS and Linux can all keep, or only ASCII letters, digits and . _ -",
    )
    windows_safe: bool = flag(True, "Whether names that Windows cannot keep are refused.")
    any_name: tuple[FilePath, ...] = folders(
        'Folders of each user in which every name and type is allowed: ["/restic", "/Joplin"], say.'
    )
    content: bool = flag(
        True,
        "Whether a file's content must begin like its type, and not like a program. Not where any type is.",
    )
    content_types: tuple[str, ...] = words(CHECKED, "The types whose content must begin like the type.")
    staging_size: int = size(
        "10 GiB", "Bytes of one user that may wait under the temporary names of a program that saves."
    )
    staging_files: int = number(1000, "Files of one user that may wait there.", least=10)
    staging_age: int = duration(
        "24 h", "How long they may wait; then they go to the trash, a document under its own name."
    )
    side: tuple[str, ...] = patterns(
        SIDE,
        "Names of metadata beside documents: kept, in reach, not listed. * is any text, ? one character, "
        "<hex 6-8> as many hexadecimal digits; a slash at the end is for folders.",
    )
    markers: tuple[str, ...] = patterns(
        MARKERS, "Names that tell who has a document open: as side, but listed, so that others see it."
    )
    staging: tuple[str, ...] = patterns(
        STAGING,
        "Names under which programs save before they rename. An allowed name with a decoration, such as "
        "report.pdf.XyZabc or report.pdf~, needs no pattern.",
    )
    refused: tuple[str, ...] = patterns(REFUSED, "Names that are refused whatever their type.")


@dataclass(frozen=True, slots=True)
class Scan:
    """Scanning uploads for viruses, before they count."""

    clamd: str = text(
        "", "Where clamd listens: a Unix socket such as /run/clamav/clamd.ctl, or an address and port."
    )
    timeout: int = duration("60 s", "How long it may take for each step.")
    unscanned: str = choice(
        "refuse",
        ("refuse", "accept"),
        "What becomes of files that it cannot judge: it is down, or they are larger than its StreamMaxLength.",
    )


@dataclass(frozen=True, slots=True)
class Accounts:
    """Signing in."""

    realm: str = text("Filehost DAV", "The name a client shows when it asks for the password.")
    plain_http: str = choice(
        "local",
        ("local", "anywhere"),
        "Where a password may come from without TLS: this machine only, or anywhere (a trusted network).",
    )
    own_password: bool = flag(
        True,
        "Whether an account's own password opens files over WebDAV, or app passwords alone; the page takes it.",
    )
    quota: int | None = size_or_none("none", "Room of a user who has no quota of their own.")
    remember: int = duration("5 min", "How long a verified password is not computed again.")
    hashes_at_once: int = number(
        2, "Password hashes each process computes at once; each takes argon2_memory.", least=1, most=64
    )
    argon2_memory: int = size("64 MiB", "Memory one password hash takes.")
    argon2_rounds: int = number(3, "Passes over that memory.", least=1, most=64)


@dataclass(frozen=True, slots=True)
class Header:
    """A reverse proxy signs people in and says who in a header; see docs/signing-in.md."""

    name: str = text("", "The header with the user's name, such as Remote-User; empty for none.")
    proxies: tuple[str, ...] = words(
        (),
        "Addresses and networks of the proxies that set it; unix is whoever connects through the Unix socket. "
        "From anybody else it is taken away.",
    )
    make_users: bool = flag(False, "Whether an account is made for whoever has none.")


@dataclass(frozen=True, slots=True)
class Oidc:
    """The page can sign in at a provider of OpenID Connect; see docs/signing-in.md."""

    issuer: str = text("", "The provider's address as it writes it itself; empty for none.")
    client_id: str = text("", "What the provider knows this server as.")
    client_secret: str = secret("The secret agreed with it; better in the environment than here.")
    client_secret_file: Path | None = place("", "File that holds the secret instead.")
    name: str = text("single sign-on", "What the sign-in page calls it.")
    scopes: tuple[str, ...] = words(("openid", "profile"), "What is asked for; openid is needed.")
    claim: str = text(
        "preferred_username",
        "The claim that is the user's name here; nobody may be free to choose it.",
    )
    group: str = text("", "The group whose members may sign in; empty for everybody.")
    group_claim: str = text("groups", "The claim that lists a user's groups.")
    make_users: bool = flag(False, "Whether an account is made for whoever has none.")
    timeout: int = duration("10 s", "How long the provider may take for each answer.")


@dataclass(frozen=True, slots=True)
class Ldap:
    """A directory knows the passwords of users who have none here; see docs/signing-in.md."""

    url: str = text("", "The directory, such as ldaps://directory.example.org; empty for none.")
    starttls: bool = flag(True, "Whether an ldap:// address goes on with TLS (StartTLS).")
    plain: bool = flag(False, "Whether passwords may go to another machine without TLS.")
    authorities: Path | None = place("", "PEM file of the authorities that certify it; empty: the system's.")
    base: str = text("", "Where users are looked for, such as ou=people,dc=example,dc=org.")
    filter: str = text("(uid={user})", "How: (sAMAccountName={user}) in Active Directory.")
    bind_dn: str = text("", "The entry that may search; empty for an anonymous search.")
    bind_password: str = secret("Its password; better in the environment than here.")
    bind_password_file: Path | None = place("", "File that holds the password instead.")
    make_users: bool = flag(False, "Whether an account is made for whoever has none.")
    timeout: int = duration("5 s", "How long the directory may take for each step.")


@dataclass(frozen=True, slots=True)
class Throttle:
    """Failed sign-ins cost time. Each is counted for the user at that address, and, more patiently, for the
    address, its network, and the user anywhere.
    """

    free: int = number(
        5, "Failures of a user at one address before waiting begins, with 1 s, then 2, 4, …", least=1
    )
    longest: int = duration("15 min", "The longest wait.")
    forget: int = duration("1 h", "Time without a failure after which all is forgotten.")


@dataclass(frozen=True, slots=True)
class Log:
    """What the server says on standard output."""

    format: str = choice(
        "auto",
        ("auto", "terminal", "plain", "json"),
        "How a line looks: for people, key=value, or JSON; auto is terminal on a terminal, else plain.",
    )
    requests: str = choice(
        "auto",
        ("auto", "all", "failures", "none"),
        "Requests that get a line; auto is failures on a terminal, else all.",
    )
    audit: Path | None = place(
        "", "File to append to who did what to which file, from where, by which password, as JSON lines."
    )
    audit_reads: bool = flag(False, "Whether what was read goes there too.")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Telling every change of a file to another program."""

    url: str = text("", "Address that gets a JSON message by POST; see docs/deployment.")
    secret: str = secret("Shared with the receiver, to sign the messages.")


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers for a monitoring system, as OpenMetrics."""

    listen: str = text(
        "",
        "Address and port that tells them at /metrics, such as 127.0.0.1:9464; not for the public.",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    server: Server = Server()
    tls: Tls = Tls()
    limits: Limits = Limits()
    storage: Storage = Storage()
    object: Object = Object()
    database: Database = Database()
    keep: Keep = Keep()
    policy: Policy = Policy()
    scan: Scan = Scan()
    accounts: Accounts = Accounts()
    header: Header = Header()
    oidc: Oidc = Oidc()
    ldap: Ldap = Ldap()
    throttle: Throttle = Throttle()
    log: Log = Log()
    webhook: Webhook = Webhook()
    metrics: Metrics = Metrics()
