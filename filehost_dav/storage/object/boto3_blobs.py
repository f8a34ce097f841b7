"""Boto3Blobs: blobs in an S3 bucket by Amazon's own library: slower, with every source of credentials it knows.

The library is loaded when first needed, since that takes half a second and 30 MB. Also the place of
the calls that `obstore` lacks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from filehost_dav.errors import Unavailable
from filehost_dav.storage.object.blobs import BLOCK, Lost, Sink, Stored
from filehost_dav.storage.object.bucket import Bucket

_log = logging.getLogger(__name__)
_READ = 8  # seconds an engine may be silent; twice, since it is asked again


class Boto3Blobs:
    """Blobs in an S3 bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._made: Any = None
        self._making = threading.Lock()

    def put(self, key: str, data: bytes | bytearray, notes: Mapping[str, str]) -> None:
        with _answering():
            self._s3.put_object(Body=bytes(data), Metadata=dict(notes), **self._at(key), **self._sealed)

    def writer(self, key: str, part: int, notes: Mapping[str, str]) -> AbstractContextManager[Sink]:
        return self._writer(key, part, notes)

    @contextmanager
    def _writer(self, key: str, part: int, notes: Mapping[str, str]) -> Iterator[Sink]:
        with _answering():
            begun = self._s3.create_multipart_upload(Metadata=dict(notes), **self._at(key), **self._sealed)
        upload = {**self._at(key), "UploadId": begun["UploadId"]}
        parts = _Parts(self._s3, upload, part)
        try:
            yield parts
            parts.finish()
        except BaseException:
            with _answering():
                self._s3.abort_multipart_upload(**upload)
            raise

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        with _answering():
            answer = self._s3.get_object(Range=f"bytes={start}-{start + length - 1}", **self._at(key))
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(BLOCK)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with _answering():
                self._s3.delete_object(**self._at(key))

    def list(self, prefix: str) -> Iterator[Stored]:
        with _answering():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket.name, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield Stored(found["Key"], found["Size"], int(found["LastModified"].timestamp()))

    def notes(self, key: str) -> Mapping[str, str]:
        with _answering():
            found: Mapping[str, str] = self._s3.head_object(**self._at(key))["Metadata"]
            return found

    def abort(self, prefix: str) -> int:
        with _answering():
            found = self._s3.list_multipart_uploads(Bucket=self._bucket.name, Prefix=prefix).get("Uploads", ())
            for upload in found:
                self._s3.abort_multipart_upload(UploadId=upload["UploadId"], **self._at(upload["Key"]))
            return len(found)

    def sign(self, key: str, seconds: int) -> str | None:
        address: str = self._s3.generate_presigned_url("get_object", Params=self._at(key), ExpiresIn=seconds)
        return address

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": key}

    @property
    def _sealed(self) -> dict[str, str]:
        given = {"ServerSideEncryption": self._bucket.encryption, "SSEKMSKeyId": self._bucket.encryption_key}
        return {name: value for name, value in given.items() if value}

    @property
    def _s3(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = _client(self._bucket)
            return self._made


class _Parts:
    """Collects bytes into parts and sends each when it is full."""

    def __init__(self, s3: Any, upload: Mapping[str, str], part: int) -> None:
        self._s3 = s3
        self._upload = upload
        self._part = part
        self._waiting = bytearray()
        self._sent: list[dict[str, Any]] = []

    def write(self, data: memoryview, /) -> object:
        rest = data
        while rest:
            free = self._part - len(self._waiting)
            self._waiting += rest[:free]
            rest = rest[free:]
            if len(self._waiting) == self._part:
                self._send()
        return len(data)

    def settle(self) -> None:
        """Each part is sent when it is full."""

    def finish(self) -> None:
        if self._waiting or not self._sent:
            self._send()
        with _answering():
            self._s3.complete_multipart_upload(MultipartUpload={"Parts": self._sent}, **self._upload)

    def _send(self) -> None:
        body, self._waiting = self._waiting, bytearray()
        number = len(self._sent) + 1
        with _answering():
            answer = self._s3.upload_part(PartNumber=number, Body=body, **self._upload)
        self._sent.append({"PartNumber": number, "ETag": answer["ETag"]})


def _client(bucket: Bucket) -> Any:
    import boto3  # noqa: PLC0415 - see the module
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "virtual" if bucket.hosted else "path"},
        # Older engines refuse, or ignore, the checksums that newer clients add by themselves.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=3,
        read_timeout=_READ,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=64,
        user_agent="filehost-dav",
    )
    session = boto3.session.Session(region_name=bucket.region)
    return session.client("s3", endpoint_url=bucket.endpoint, config=config)


@contextmanager
def _answering() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # noqa: PLC0415 - see the module

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in ("NoSuchKey", "404"):
            raise Lost("The content of this file is missing in the object store") from error
        _log.warning("The object store refuses: %s", code)
        raise Unavailable("The object store refuses the server", retry_after=60) from error
    except (BotoCoreError, HTTPClientError) as error:
        _log.warning("The object store does not answer as it should: %s", type(error).__name__)
        raise Unavailable("The object store does not answer, try again in a moment") from error
