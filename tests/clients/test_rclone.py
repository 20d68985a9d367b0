"""rclone and keyferry read what the other wrote, with the remote `lab:` of the exports."""

from __future__ import annotations

import base64
import hashlib
import random
import subprocess

import pytest

from keyferry_cli import DONE, Keyferry

MIB = 1024 * 1024
SIZES = {"empty": 0, "single": 100_003, "multipart": 17 * MIB + 5}
PARTS = ("--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")


def rclone(keyferry: Keyferry, *arguments: str, key: bytes | None = None, check: bool = True):
    environment = dict(keyferry.environment)
    environment["RCLONE_CONFIG"] = str(keyferry.home / "rclone.conf")
    options = []
    if key is not None:
        environment["RCLONE_S3_SSE_CUSTOMER_KEY_BASE64"] = base64.b64encode(key).decode()
        options = ["--s3-sse-customer-algorithm", "AES256"]
    finished = subprocess.run(
        ["rclone", *arguments, *options, "--retries", "1", "--low-level-retries", "1"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=keyferry.home,
        timeout=180,
    )
    if check:
        assert finished.returncode == 0, finished.stderr
    return finished


def exported(keyferry: Keyferry) -> bytes:
    path = keyferry.home / "exported.key"
    if not path.exists():
        keyferry.run("key", "export", "test", str(path)).expect(DONE)
    return path.read_bytes()


def make_file(keyferry: Keyferry, size: int):
    path = keyferry.home / "data"
    path.write_bytes(random.Random(size).randbytes(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_rclone_downloads_what_keyferry_uploaded(ready, key_bucket, size):
    path, expected = make_file(ready, size)
    ready.run(
        "upload", str(path), f"s3://{key_bucket}/dir/na me.bin", "--key", "test", "--no-wait"
    ).expect(DONE)
    target = ready.home / "downloaded"
    rclone(ready, "copyto", f"lab:{key_bucket}/dir/na me.bin", str(target), key=exported(ready))
    assert digest(target) == expected


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_keyferry_downloads_what_rclone_uploaded(ready, key_bucket, size):
    path, expected = make_file(ready, size)
    rclone(
        ready, "copyto", str(path), f"lab:{key_bucket}/from-rclone", *PARTS, key=exported(ready)
    )
    target = ready.home / "downloaded"
    ready.run("download", f"s3://{key_bucket}/from-rclone", str(target), "--key", "test").expect(
        DONE
    )
    assert digest(target) == expected


def test_wrong_key_for_rclone(ready, key_bucket):
    path, _ = make_file(ready, 10)
    ready.run("upload", str(path), f"s3://{key_bucket}/k", "--key", "test", "--no-wait").expect(
        DONE
    )
    finished = rclone(ready, "cat", f"lab:{key_bucket}/k", key=b"\x01" * 32, check=False)
    assert path.read_bytes().decode("latin-1") not in finished.stdout
    assert finished.returncode != 0


def test_everyday_commands(ready, bucket):
    """sync, check, lsf and purge without a key."""
    folder = ready.home / "tree"
    (folder / "sub dir").mkdir(parents=True)
    for name in ("a.txt", "sub dir/b+c.txt", "sub dir/ü%.txt"):
        (folder / name).write_text(name)
    rclone(ready, "sync", str(folder), f"lab:{bucket}/tree")
    rclone(ready, "check", str(folder), f"lab:{bucket}/tree")
    listed = rclone(ready, "lsf", "-R", f"lab:{bucket}/tree").stdout.splitlines()
    assert {"a.txt", "sub dir/b+c.txt", "sub dir/ü%.txt"} <= set(listed)
    rclone(ready, "copyto", f"lab:{bucket}/tree/a.txt", f"lab:{bucket}/copy.txt")
    assert rclone(ready, "cat", f"lab:{bucket}/copy.txt").stdout == "a.txt"
    rclone(ready, "purge", f"lab:{bucket}/tree")
    assert rclone(ready, "lsf", "-R", f"lab:{bucket}").stdout.split() == ["copy.txt"]
