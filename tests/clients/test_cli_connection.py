"""Bad input on the way to S3: addresses, regions, credentials, certificates, blocked buckets.

After each of these nothing stands under the final name, neither a file nor an object.
"""

from __future__ import annotations


import pytest

from answering_server import AnsweringServer
from conftest import make_bucket
from keyferry_cli import DONE, FAILURE, USAGE, left_in, nothing_in, upload
from lab_process import FIRST_REGION, SECOND_REGION

MIB = 1024 * 1024


def test_unknown_bucket(ready, source, target):
    for outcome in (
        upload(ready, source, "s3://no-such-bucket-here/k"),
        ready.run("download", "s3://no-such-bucket-here/k", str(target)),
        ready.run("verify", "s3://no-such-bucket-here/k"),
    ):
        outcome.expect(FAILURE).explains("no-such-bucket-here")
    assert left_in(target.parent) == []


def test_unknown_object(ready, key_bucket, target):
    outcome = ready.run("download", f"s3://{key_bucket}/none", str(target))
    outcome.expect(FAILURE).explains("none")
    assert left_in(target.parent) == []


@pytest.mark.parametrize(
    "address", ["bucket/key", "s3://", "s3:///key", "s3://Bad_Bucket/key", "http://bucket/key"]
)
def test_addresses_that_are_none(ready, source, address):
    outcome = upload(ready, source, address)
    outcome.expect(USAGE)
    assert "bucket" in outcome.stderr or "s3://" in outcome.stderr


def test_bucket_of_another_region(ready, s3_second, source, target):
    """With only one region's endpoint known, the answer names the right region."""
    far = make_bucket(s3_second, customer_keys=True)
    environment = {"KEYFERRY_ENDPOINT_URL": None}
    outcome = upload(ready, source, f"s3://{far}/k", environment=environment)
    outcome.expect(FAILURE).explains(SECOND_REGION)
    nothing_in(s3_second, far)
    outcome = ready.run("download", f"s3://{far}/k", str(target), environment=environment)
    outcome.expect(FAILURE).explains(SECOND_REGION)
    assert left_in(target.parent) == []


def test_wrong_region_option(ready, key_bucket, source, s3):
    """Every endpoint known, but the region given is not the bucket's: named, or followed."""
    outcome = upload(ready, source, f"s3://{key_bucket}/k", "--region", SECOND_REGION)
    if outcome.code == DONE:
        assert s3.list_objects_v2(Bucket=key_bucket)["KeyCount"] == 1
    else:
        outcome.expect(FAILURE).explains(FIRST_REGION)
        nothing_in(s3, key_bucket)


def test_no_credentials(ready, key_bucket, source, s3):
    outcome = upload(
        ready, source, f"s3://{key_bucket}/k",
        environment={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
    )
    outcome.expect(FAILURE).explains("credentials")
    nothing_in(s3, key_bucket)


def test_wrong_credentials(ready, key_bucket, source, s3):
    for environment in (
        {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
        {"AWS_SECRET_ACCESS_KEY": "x" * 40},
    ):
        outcome = upload(ready, source, f"s3://{key_bucket}/k", environment=environment)
        outcome.expect(FAILURE).explains("credentials")
    nothing_in(s3, key_bucket)


def test_unknown_profile(ready, key_bucket, source):
    outcome = upload(
        ready, source, f"s3://{key_bucket}/k", "--profile", "no-such-profile",
        environment={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
    )
    assert outcome.code in (FAILURE, USAGE)
    outcome.explains("no-such-profile")


@pytest.fixture
def answering(tmp_path):
    """Starts servers that answer one error; an environment that leads there comes back."""
    servers = []

    def start(status: int, code: str, message: str, **headers: str) -> dict[str, str | None]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        server = AnsweringServer(tmp_path, status, code, message, named)
        servers.append(server)
        return {
            "AWS_ENDPOINT_URL_S3": server.url,
            "KEYFERRY_ENDPOINT_URL": f"{FIRST_REGION}={server.url}",
            "AWS_CA_BUNDLE": str(server.ca_bundle),
            "AWS_SESSION_TOKEN": "token",
            "AWS_MAX_ATTEMPTS": "2",
        }

    yield start
    for server in servers:
        server.close()


def test_expired_credentials(ready, source, target, answering):
    """API/ErrorResponses.html: 400 ExpiredToken."""
    environment = answering(400, "ExpiredToken", "The provided token has expired.")
    outcome = upload(ready, source, "s3://bucket/k", environment=environment)
    outcome.expect(FAILURE).explains("expired")
    outcome = ready.run("download", "s3://bucket/k", str(target), environment=environment)
    outcome.expect(FAILURE).explains("expired")
    assert left_in(target.parent) == []


def test_skewed_clock(ready, source, answering):
    """API/ErrorResponses.html: 403 RequestTimeTooSkewed."""
    environment = answering(403, "RequestTimeTooSkewed", "The difference is too large.")
    outcome = upload(ready, source, "s3://bucket/k", environment=environment)
    outcome.expect(FAILURE).explains("clock")


def test_server_that_ignores_customer_keys(ready, source, answering):
    """It stores and does not say that it encrypted: what it has may be plaintext."""
    environment = answering(
        200, "None", "none", ETag='"e1"', x_amz_version_id="v1", x_amz_bucket_region=FIRST_REGION
    )
    outcome = upload(ready, source, "s3://bucket/k", environment=environment)
    assert outcome.code not in (DONE, USAGE)
    outcome.explains("plaintext copy", "delete")


def test_server_that_is_down(ready, key_bucket, source):
    environment = {
        "AWS_ENDPOINT_URL_S3": "https://127.0.0.1:1",
        "KEYFERRY_ENDPOINT_URL": f"{FIRST_REGION}=https://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "2",
    }
    outcome = upload(ready, source, f"s3://{key_bucket}/k", environment=environment)
    outcome.expect(FAILURE).explains("127.0.0.1:1")


def test_untrusted_authority(ready, key_bucket, source, target, s3):
    environment = {"AWS_CA_BUNDLE": None}
    outcome = upload(ready, source, f"s3://{key_bucket}/k", environment=environment)
    outcome.expect(FAILURE).explains("certificate", "--ca-bundle")
    outcome = ready.run("download", f"s3://{key_bucket}/k", str(target), environment=environment)
    outcome.expect(FAILURE).explains("certificate")
    nothing_in(s3, key_bucket)


def test_authority_file_that_is_none(ready, key_bucket, source):
    missing = str(ready.home / "missing.pem")
    outcome = upload(
        ready, source, f"s3://{key_bucket}/k", environment={"AWS_CA_BUNDLE": missing}
    )
    assert outcome.code in (FAILURE, USAGE)
    assert missing in outcome.stderr
    garbage = ready.home / "garbage.pem"
    garbage.write_text("no certificate")
    outcome = upload(
        ready, source, f"s3://{key_bucket}/k", environment={"AWS_CA_BUNDLE": str(garbage)}
    )
    assert outcome.code in (FAILURE, USAGE)
    assert str(garbage) in outcome.stderr


def test_plain_http_is_refused_before_anything_is_sent(ready, key_bucket, source, s3):
    """DESIGN: TLS always for customer keys."""
    url = ready.lab.endpoints[FIRST_REGION].replace("https://", "http://")
    environment = {"AWS_ENDPOINT_URL_S3": None, "KEYFERRY_ENDPOINT_URL": None}
    outcome = upload(
        ready, source, f"s3://{key_bucket}/k", "--endpoint-url", url, environment=environment
    )
    assert outcome.code in (FAILURE, USAGE)
    outcome.explains("http://")
    nothing_in(s3, key_bucket)


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_blocked_customer_keys(ready, s3, bucket, size):
    """The 403 since April 2026 is explained, single and multipart."""
    path = ready.home / "data"
    path.write_bytes(b"x" * size)
    outcome = upload(ready, path, f"s3://{bucket}/k")
    outcome.expect(FAILURE).explains("SSE-C", "BlockedEncryptionTypes")
    nothing_in(s3, bucket)


def test_unknown_commands_and_options(ready):
    for arguments in (("teleport",), ("upload",), ("upload", "a", "s3://b/k", "--nonesuch")):
        ready.run(*arguments).expect(USAGE)
