"""Endpoints without TLS: refused, unless they are on this machine and that was allowed."""

from __future__ import annotations

from keyferry_cli import DONE, FAILURE, Keyferry
from server_pair import Pair


def refused_unless_allowed(ready: Keyferry, pair: Pair, bucket: str) -> None:
    path = ready.home / "data"
    path.write_bytes(b"content")
    plain = {"KEYFERRY_ENDPOINT_URL": pair.west.http}
    upload = ("upload", str(path), f"s3://{bucket}/data", "--key", "test", "--no-wait")
    ready.run(*upload, environment=plain).expect(FAILURE).explains(
        "a customer key travels over TLS only", "--allow-plaintext-loopback"
    )
    allowed = plain | {"KEYFERRY_ALLOW_PLAINTEXT_LOOPBACK": "1"}
    ready.run(*upload, environment=allowed).expect(DONE)

    replica = ("--replica", bucket, "--replica-endpoint-url", pair.east.http)
    verify = ("verify", f"s3://{bucket}/data", *replica, "--level", "deep", "--wait", "60s")
    ready.run(*verify).expect(FAILURE).explains("a customer key travels over TLS only")
    ready.run(*verify, environment=allowed).expect(DONE)
