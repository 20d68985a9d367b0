"""Endpoints without TLS: refused, unless they are on this machine and that was allowed."""

from __future__ import annotations

import pytest

from keyferry_cli import DONE, FAILURE


@pytest.mark.parametrize("server", ["ceph", "seaweedfs"])
def test_plaintext_is_refused_unless_it_is_allowed(request, keyferry, server):
    pair = request.getfixturevalue(server)
    ready, bucket = keyferry(pair), pair.new_bucket()
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


def test_plaintext_to_another_machine_is_refused(keyferry, seaweedfs):
    ready = keyferry(seaweedfs)
    elsewhere = {
        "KEYFERRY_ENDPOINT_URL": "http://192.0.2.1:9000",
        "KEYFERRY_ALLOW_PLAINTEXT_LOOPBACK": "1",
    }
    ready.run("ls", "s3://bucket", environment=elsewhere).expect(FAILURE).explains("use `https://`")
