"""moto answers like S3 and stores plaintext: keyferry has to notice, and to say so."""

from __future__ import annotations

import pytest

from customer_key import CustomerKey
from keyferry_cli import DONE, FAILURE

MIB = 1 << 20


@pytest.fixture
def ready(keyferry, moto):
    return keyferry(moto)


@pytest.fixture
def bucket(moto):
    return moto.new_bucket()


def test_an_upload_is_not_called_encrypted(ready, moto, bucket):
    path = ready.home / "data"
    path.write_bytes(b"confidential")
    found = ready.run("upload", str(path), f"s3://{bucket}/data", "--key", "test", "--no-wait")
    found.expect(FAILURE).explains("may hold a plaintext copy", "delete what it stored")
    # It was right to warn.
    assert moto.client().get_object(Bucket=bucket, Key="data")["Body"].read() == b"confidential"


def test_an_upload_in_parts_sends_no_content(ready, moto, bucket):
    path = ready.home / "data"
    path.write_bytes(bytes(6 * MIB))
    found = ready.run(
        *("upload", str(path), f"s3://{bucket}/data", "--key", "test", "--no-wait"),
        *("--part-size", "5MiB"),
    )
    found.expect(FAILURE).explains("no content was sent")
    s3 = moto.client()
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize("command", ["download", "verify"])
def test_an_object_that_anybody_can_read(ready, moto, bucket, command):
    """Stored with the headers of a customer key, and given out without one."""
    key = CustomerKey()
    (ready.home / "key").write_bytes(key.secret)
    moto.client().put_object(Bucket=bucket, Key="data", Body=b"open", **key.arguments())
    address, replica = f"s3://{bucket}/data", f"{bucket}-replica"
    moto.client().create_bucket(Bucket=replica)
    more = {"download": [str(ready.home / "down")], "verify": ["--replica", replica]}[command]
    found = ready.run(command, address, *more, "--key", f"file:{ready.home / 'key'}")
    assert found.code != DONE
    said = found.stderr + found.stdout
    assert "not encrypted under a customer key" in said or "without its key" in said, said


def test_a_listing_says_that_no_key_is_needed(ready, moto, bucket):
    moto.client().put_object(Bucket=bucket, Key="data", Body=b"open", **CustomerKey().arguments())
    found = ready.run("ls", "-l", f"s3://{bucket}").expect(DONE)
    assert "no customer key" in found.stdout, found.stdout


def test_its_control_plane(ready, moto, bucket):
    """What is asked of every bucket, of a server that knows all of the requests."""
    found = ready.run("verify", f"s3://{bucket}/nothing", "--key", "test")
    found.expect(FAILURE).explains("is not there")
