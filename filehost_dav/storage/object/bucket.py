"""Bucket: which bucket of which S3 engine, whatever client library talks to it. No credentials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """`endpoint` and `region` None: Amazon's own, or what the environment says.

    `hosted`: the bucket's name is a part of the host name (Amazon), not of the path (most others).
    `encryption`: what the engine is asked to encrypt with (`AES256`, `aws:kms`), None for its default.
    """

    name: str
    endpoint: str | None = None
    region: str | None = None
    hosted: bool = False
    encryption: str | None = None
    encryption_key: str | None = None
