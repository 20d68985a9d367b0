"""Bad input about keys: wrong, missing, truncated, damaged, shown.

After each of these nothing stands under the final name, and no key is lost.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_key import CustomerKey
from keyferry_cli import (
    DONE,
    FAILURE,
    PASSPHRASE,
    STORE_LOCKED,
    USAGE,
    WRONG_KEY,
    Keyferry,
    left_in,
    nothing_in,
    upload,
)

MIB = 1024 * 1024


def test_wrong_key(ready, stored, target):
    ready.run("key", "new", "other").expect(DONE)
    outcome = ready.run("download", stored, str(target), "--key", "other")
    outcome.expect(WRONG_KEY).explains("key")
    assert left_in(target.parent) == []


def test_wrong_key_keeps_the_file_that_was_there(ready, stored, target):
    ready.run("key", "new", "other").expect(DONE)
    target.write_text("precious")
    ready.run("download", stored, str(target), "--key", "other").expect(WRONG_KEY)
    assert target.read_text() == "precious"
    assert left_in(target.parent) == ["file"]


def test_missing_key(ready, s3, key_bucket, target):
    """An object under a key that no ring has, and no tag names."""
    s3.put_object(Bucket=key_bucket, Key="foreign", Body=b"x", **CustomerKey().arguments())
    outcome = ready.run("download", f"s3://{key_bucket}/foreign", str(target))
    outcome.expect(WRONG_KEY).explains("key")
    assert left_in(target.parent) == []


def test_unknown_ring(ready, key_bucket, source, s3, target, stored):
    outcome = ready.run(
        "upload", str(source), f"s3://{key_bucket}/k", "--key", "nonesuch", "--no-wait"
    )
    outcome.expect(WRONG_KEY).explains("nonesuch")
    outcome = ready.run("download", stored, str(target), "--key", "nonesuch")
    outcome.expect(WRONG_KEY).explains("nonesuch")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=key_bucket)["Contents"]] == ["stored"]


def test_object_without_a_customer_key(ready, s3, key_bucket, target):
    """Superfluous: the object is readable without any key, and that is said."""
    s3.put_object(Bucket=key_bucket, Key="plain", Body=b"plain")
    outcome = ready.run("download", f"s3://{key_bucket}/plain", str(target), "--key", "test")
    assert outcome.code in (FAILURE, WRONG_KEY)
    outcome.explains("SSE-C")
    assert left_in(target.parent) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 16, b"\x01" * 31, b"\x01" * 33, b"\x01" * 48, b"a" * 63 + b"\n"],
    ids=["empty", "16", "31", "33", "48", "63-hex"],
)
def test_truncated_key_file(ready, content):
    """`key import` of what is no key."""
    path = ready.home / "bad.key"
    path.write_bytes(content)
    outcome = ready.run("key", "import", "imported", str(path))
    assert outcome.code in (FAILURE, WRONG_KEY), outcome.stderr
    outcome.explains(str(path))
    listed = ready.run("key", "list").expect(DONE).stdout
    assert "imported" not in listed


def test_missing_key_file(ready):
    path = ready.home / "missing.key"
    outcome = ready.run("key", "import", "imported", str(path))
    assert outcome.code in (FAILURE, USAGE)
    assert str(path) in outcome.stderr


def key_files(keyferry: Keyferry) -> list[Path]:
    return sorted((keyferry.store / "keys").rglob("*.age"))


def test_truncated_key_in_the_store(ready, stored, target):
    """The damaged key is named; the others stay usable."""
    ready.run("key", "new", "healthy").expect(DONE)
    (damaged,) = [each for each in key_files(ready) if each.parent.name == "test"]
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-20])
    outcome = ready.run("download", stored, str(target), "--key", "test")
    outcome.expect(STORE_LOCKED).explains(damaged.stem)
    assert left_in(target.parent) == []
    ready.run("key", "export", "healthy", str(ready.home / "healthy.key")).expect(DONE)


def test_passphrases(locked, key_bucket):
    """The right one opens the store; a wrong one, or none and no terminal, is said to be that."""
    path = locked.home / "f"
    path.write_text("x")
    address = f"s3://{key_bucket}/k"
    upload(locked, path, address).expect(DONE)
    target = locked.home / "target" / "file"
    target.parent.mkdir()
    for passphrase in ("not the passphrase", None):
        environment = {"KEYFERRY_PASSPHRASE": passphrase}
        outcome = locked.run("download", address, str(target), environment=environment)
        outcome.expect(STORE_LOCKED).explains("passphrase")
        assert left_in(target.parent) == []
    secret = locked.home / "passphrase"
    secret.write_text(f"{PASSPHRASE}\n")
    locked.run(
        "download", address, str(target), "--passphrase-file", str(secret),
        environment={"KEYFERRY_PASSPHRASE": None},
    ).expect(DONE)
    assert target.read_text() == "x"


def test_no_store(keyferry, key_bucket):
    path = keyferry.home / "f"
    path.write_text("x")
    outcome = upload(keyferry, path, f"s3://{key_bucket}/k")
    assert outcome.code in (STORE_LOCKED, FAILURE)
    outcome.explains("key init")


def test_key_on_the_command_line(ready, source, key_bucket, s3):
    """Keys are never taken from argv, and not repeated either."""
    key = CustomerKey()
    for text in (key.base64, key.secret.hex()):
        outcome = ready.run(
            "upload", str(source), f"s3://{key_bucket}/k", "--key", text, "--no-wait"
        )
        outcome.expect(USAGE)
        assert text not in outcome.stderr + outcome.stdout
    nothing_in(s3, key_bucket)
