"""The AWS CLI and keyferry read what the other wrote.

The key file is the one that `keyferry key export` writes: 32 raw bytes for `fileb://`.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess

import pytest

from keyferry_cli import DONE, WRONG_KEY, Keyferry

MIB = 1024 * 1024
SIZES = {"empty": 0, "single": 100_003, "multipart": 20 * MIB + 11}


def aws(keyferry: Keyferry, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    finished = subprocess.run(
        ["aws", *arguments],
        capture_output=True,
        text=True,
        env=keyferry.environment,
        cwd=keyferry.home,
        timeout=180,
    )
    if check:
        assert finished.returncode == 0, finished.stderr
    return finished


def make_file(keyferry: Keyferry, size: int):
    path = keyferry.home / "data"
    path.write_bytes(random.Random(size).randbytes(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def exported(keyferry: Keyferry) -> str:
    path = keyferry.home / "exported.key"
    keyferry.run("key", "export", "test", str(path)).expect(DONE)
    assert path.stat().st_size == 32
    assert path.stat().st_mode & 0o777 == 0o600
    return str(path)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_aws_downloads_what_keyferry_uploaded(ready, key_bucket, size):
    path, expected = make_file(ready, size)
    address = f"s3://{key_bucket}/folder/name with space.bin"
    ready.run("upload", str(path), address, "--key", "test", "--no-wait").expect(DONE)
    target = ready.home / "downloaded"
    key_file = exported(ready)
    aws(
        ready, "s3", "cp", address, str(target), "--sse-c", "AES256", "--sse-c-key",
        f"fileb://{key_file}", "--no-progress",
    )
    assert digest(target) == expected


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_keyferry_downloads_what_aws_uploaded(ready, key_bucket, size):
    path, expected = make_file(ready, size)
    address = f"s3://{key_bucket}/from-aws"
    key_file = exported(ready)
    aws(
        ready, "s3", "cp", str(path), address, "--sse-c", "AES256", "--sse-c-key",
        f"fileb://{key_file}", "--no-progress",
    )
    target = ready.home / "downloaded"
    ready.run("download", address, str(target), "--key", "test").expect(DONE)
    assert digest(target) == expected
    # Without a key id tag the key is found among those of the store.
    target.unlink()
    ready.run("download", address, str(target)).expect(DONE)
    assert digest(target) == expected


def test_a_key_made_elsewhere(ready, key_bucket):
    """`openssl rand 32`, used by the AWS CLI first and imported later."""
    key_file = ready.home / "elsewhere.key"
    key_file.write_bytes(random.Random(7).randbytes(32))
    path, expected = make_file(ready, 12345)
    address = f"s3://{key_bucket}/elsewhere"
    aws(
        ready, "s3", "cp", str(path), address, "--sse-c", "AES256", "--sse-c-key",
        f"fileb://{key_file}", "--no-progress",
    )
    target = ready.home / "downloaded"
    ready.run("download", address, str(target)).expect(WRONG_KEY).explains()
    assert not target.exists()
    ready.run("key", "import", "elsewhere", str(key_file)).expect(DONE)
    ready.run("download", address, str(target), "--key", "elsewhere").expect(DONE)
    assert digest(target) == expected


def test_the_tag_names_the_key(ready, key_bucket):
    path, _ = make_file(ready, 10)
    ready.run("upload", str(path), f"s3://{key_bucket}/k", "--key", "test", "--no-wait").expect(
        DONE
    )
    found = aws(ready, "s3api", "get-object-tagging", "--bucket", key_bucket, "--key", "k")
    tags = {each["Key"]: each["Value"] for each in json.loads(found.stdout)["TagSet"]}
    listed = ready.run("key", "list", "--output", "json").expect(DONE).stdout
    assert tags["keyferry-key"] in listed


def test_wrong_key_for_aws(ready, key_bucket):
    path, _ = make_file(ready, 10)
    address = f"s3://{key_bucket}/k"
    ready.run("upload", str(path), address, "--key", "test", "--no-wait").expect(DONE)
    wrong = ready.home / "wrong.key"
    wrong.write_bytes(b"\x01" * 32)
    finished = aws(
        ready, "s3", "cp", address, "-", "--sse-c", "AES256", "--sse-c-key", f"fileb://{wrong}",
        check=False,
    )
    assert finished.returncode != 0
    assert "403" in finished.stderr or "Forbidden" in finished.stderr


def test_rekeyed_by_aws(ready, key_bucket):
    """`aws s3 cp` within S3 from one key to another; keyferry reads the result."""
    path, expected = make_file(ready, 54321)
    source, target = f"s3://{key_bucket}/before", f"s3://{key_bucket}/after"
    ready.run("upload", str(path), source, "--key", "test", "--no-wait").expect(DONE)
    new = ready.home / "new.key"
    new.write_bytes(random.Random(8).randbytes(32))
    ready.run("key", "import", "new", str(new)).expect(DONE)
    aws(
        ready, "s3", "cp", source, target, "--no-progress",
        "--sse-c-copy-source", "AES256", "--sse-c-copy-source-key", f"fileb://{exported(ready)}",
        "--sse-c", "AES256", "--sse-c-key", f"fileb://{new}",
    )
    down = ready.home / "down"
    ready.run("download", target, str(down), "--key", "new").expect(DONE)
    assert digest(down) == expected


def test_everyday_commands(ready, key_bucket):
    """ls, sync, mv and rm against the lab."""
    folder = ready.home / "tree"
    (folder / "sub dir").mkdir(parents=True)
    for name in ("a.txt", "sub dir/b+c.txt", "sub dir/ü%.txt"):
        (folder / name).write_text(name)
    aws(ready, "s3", "sync", str(folder), f"s3://{key_bucket}/tree", "--no-progress")
    listed = aws(ready, "s3", "ls", "--recursive", f"s3://{key_bucket}/tree/").stdout
    assert "sub dir/b+c.txt" in listed and "ü%.txt" in listed
    back = ready.home / "back"
    aws(ready, "s3", "sync", f"s3://{key_bucket}/tree", str(back), "--no-progress")
    assert (back / "sub dir/ü%.txt").read_text() == "sub dir/ü%.txt"
    aws(ready, "s3", "mv", f"s3://{key_bucket}/tree/a.txt", f"s3://{key_bucket}/moved.txt")
    aws(ready, "s3", "rm", "--recursive", f"s3://{key_bucket}/tree")
    listed = aws(ready, "s3", "ls", "--recursive", f"s3://{key_bucket}").stdout
    assert [line.split()[-1] for line in listed.splitlines()] == ["moved.txt"]
