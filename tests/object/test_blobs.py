"""What every store of contents promises to the storage above it."""

from __future__ import annotations

import hashlib
import os
import time

import pytest
from testbed.processes import free_ports
from testbed.seaweedfs import S3

from filehost_dav.errors import Unavailable
from filehost_dav.storage.object.blobs import Blobs, Lost, key_of, new_id
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs

MIB = 1 << 20
NOTES = {"user": "alice", "path": "a%20b.txt"}


def read(blobs: Blobs, key: str, start: int, length: int) -> bytes:
    return b"".join(blobs.stream(key, start, length))


def keys(blobs: Blobs) -> set[str]:
    return {found.key for found in blobs.list("b/")}


def test_a_small_content_is_kept_whole_with_its_notes(blobs: Blobs) -> None:
    key = key_of(new_id())
    blobs.put(key, bytearray(b"hello"), NOTES)
    assert read(blobs, key, 0, 5) == b"hello"
    assert {name: blobs.notes(key)[name] for name in NOTES} == NOTES
    assert [(found.key, found.size) for found in blobs.list("b/")] == [(key, 5)]


@pytest.mark.parametrize("pieces", [1, 20, 33], ids=["one part", "whole parts", "a rest"])
def test_a_large_content_is_kept_in_parts(blobs: Blobs, pieces: int) -> None:
    key, content = key_of(new_id()), os.urandom(pieces * MIB // 2)
    buffer = memoryview(bytearray(MIB // 2))  # one for all, as whoever receives a body has
    with blobs.writer(key, 5 * MIB, NOTES) as sink:
        for start in range(0, len(content), len(buffer)):
            buffer[:] = content[start : start + len(buffer)]
            sink.write(buffer)
    found = hashlib.sha256(read(blobs, key, 0, len(content))).digest()
    assert found == hashlib.sha256(content).digest()
    assert {name: blobs.notes(key)[name] for name in NOTES} == NOTES


@pytest.mark.parametrize("size", [MIB // 2, 300_007], ids=["a part ends with a piece", "within a piece"])
def test_waiting_for_parts_to_be_sent_loses_nothing(blobs: Blobs, size: int) -> None:
    key, content = key_of(new_id()), os.urandom(23 * MIB // 2)
    with blobs.writer(key, 5 * MIB, {}) as sink:
        for start in range(0, len(content), size):
            sink.write(memoryview(content)[start : start + size])
            sink.settle()
    assert read(blobs, key, 0, len(content)) == content


def test_any_range_can_be_read(blobs: Blobs) -> None:
    key, content = key_of(new_id()), os.urandom(3 * MIB)
    blobs.put(key, content, {})
    for start, length in [(0, 1), (1, 2 * MIB), (3 * MIB - 1, 1), (MIB, 2 * MIB)]:
        assert read(blobs, key, start, length) == content[start : start + length]


def test_a_failed_upload_leaves_nothing(blobs: Blobs) -> None:
    key = key_of(new_id())

    def fail() -> None:
        with blobs.writer(key, 5 * MIB, NOTES) as sink:
            for _ in range(11):
                sink.write(memoryview(bytes(MIB)))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert keys(blobs) == set()
    assert blobs.abort(key) == 0


def test_deleting_twice_is_no_error(blobs: Blobs) -> None:
    one, other = key_of(new_id()), key_of(new_id())
    blobs.put(one, b"1", {})
    blobs.put(other, b"2", {})
    blobs.delete([one])
    blobs.delete([one])
    assert keys(blobs) == {other}


def test_more_objects_than_a_page_are_listed(folder_or_obstore: Blobs) -> None:
    made = {key_of(new_id()) for _ in range(1100)}
    for key in made:
        folder_or_obstore.put(key, b"x", {})
    assert keys(folder_or_obstore) == made


@pytest.fixture
def folder_or_obstore(blobs: Blobs) -> Blobs:
    if isinstance(blobs, Boto3Blobs):
        blobs = ObstoreBlobs(blobs._bucket, blobs)
    return blobs


def test_what_is_not_there_is_lost(blobs: Blobs) -> None:
    with pytest.raises(Lost):
        read(blobs, key_of(new_id()), 0, 1)


@pytest.mark.s3
@pytest.mark.parametrize("client", ["obstore", "boto3"])
def test_a_dead_engine_is_unavailable_within_seconds(
    client: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Bucket(bucket.name, f"http://127.0.0.1:{free_ports(1)[0]}")
    control = Boto3Blobs(dead)
    blobs: Blobs = control if client == "boto3" else ObstoreBlobs(dead, control)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        blobs.put(key_of(new_id()), b"x", {})
    assert time.monotonic() - began < 15


@pytest.mark.s3
@pytest.mark.parametrize("client", ["obstore", "boto3"])
def test_wrong_credentials_are_unavailable_and_not_shown(
    client: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a wrong secret")
    control = Boto3Blobs(bucket)
    blobs: Blobs = control if client == "boto3" else ObstoreBlobs(bucket, control)
    with pytest.raises(Unavailable) as refused:
        blobs.put(key_of(new_id()), b"x", {})
    assert "wrong secret" not in caplog.text + refused.value.message


@pytest.mark.s3
@pytest.mark.parametrize("client", ["obstore", "boto3"])
def test_a_killed_upload_is_found_and_given_up(client: str, bucket: Bucket, s3: S3) -> None:
    key = key_of(new_id())
    s3.client().create_multipart_upload(Bucket=bucket.name, Key=key)
    control = Boto3Blobs(bucket)
    blobs: Blobs = control if client == "boto3" else ObstoreBlobs(bucket, control)
    assert blobs.abort(key) == 1
    assert blobs.abort(key) == 0


@pytest.mark.s3
@pytest.mark.parametrize("client", ["obstore", "boto3"])
def test_the_engine_is_asked_to_encrypt(client: str, bucket: Bucket, s3: S3) -> None:
    sealed = Bucket(bucket.name, bucket.endpoint, encryption="AES256")
    control = Boto3Blobs(sealed)
    blobs: Blobs = control if client == "boto3" else ObstoreBlobs(sealed, control)
    key = key_of(new_id())
    blobs.put(key, b"secret", {})
    assert read(blobs, key, 0, 6) == b"secret"
    assert s3.client().head_object(Bucket=bucket.name, Key=key)["ServerSideEncryption"] == "AES256"
