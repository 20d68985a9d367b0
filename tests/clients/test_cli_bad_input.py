"""What bad input gets: a clear message, a hint, the right exit code, and nothing lost.

After each of these nothing stands under the final name, neither a file nor an object.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from answering_server import AnsweringServer
from conftest import make_bucket
from customer_key import CustomerKey
from keyferry_cli import (
    DONE,
    FAILURE,
    INTERRUPTED,
    PASSPHRASE,
    STORE_LOCKED,
    USAGE,
    WRONG_KEY,
    Keyferry,
    Outcome,
    refuse_internal_text,
)
from lab_process import FIRST_REGION, SECOND_REGION

MIB = 1024 * 1024


@pytest.fixture
def source(ready) -> Path:
    path = ready.home / "source.bin"
    path.write_bytes(random.Random(1).randbytes(300_000))
    return path


@pytest.fixture
def stored(ready, key_bucket, source) -> str:
    """The address of an object under the ring `test`."""
    address = f"s3://{key_bucket}/stored"
    ready.run("upload", str(source), address, "--key", "test", "--no-wait").expect(DONE)
    return address


def upload(keyferry: Keyferry, path, address: str, *more: str, **options) -> Outcome:
    return keyferry.run(
        "upload", str(path), address, "--key", "test", "--no-wait", *more, **options
    )


def nothing_in(s3, bucket: str) -> None:
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def left_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def target(ready) -> Path:
    """Where a download would go: a file in a folder of its own."""
    folder = ready.home / "target"
    folder.mkdir()
    return folder / "file"


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

    def start(status: int, code: str, message: str) -> dict[str, str | None]:
        server = AnsweringServer(tmp_path, status, code, message)
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
    """The right one opens the store; a wrong one, or none without a terminal, is said to be that."""
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


def test_missing_source(ready, key_bucket, s3):
    missing = ready.home / "missing"
    outcome = upload(ready, missing, f"s3://{key_bucket}/k")
    assert outcome.code in (FAILURE, USAGE)
    assert str(missing) in outcome.stderr
    nothing_in(s3, key_bucket)


def test_source_that_is_a_folder(ready, key_bucket, s3):
    outcome = upload(ready, ready.home, f"s3://{key_bucket}/k")
    assert outcome.code in (FAILURE, USAGE)
    assert str(ready.home) in outcome.stderr
    nothing_in(s3, key_bucket)


def test_target_folder_missing(ready, stored):
    target = ready.home / "no" / "such" / "folder" / "file"
    outcome = ready.run("download", stored, str(target))
    outcome.expect(FAILURE).explains(str(target.parent))
    assert not (ready.home / "no").exists()


def test_empty_file(ready, s3, key_bucket):
    """No error at all: an empty object, and an empty file again."""
    path = ready.home / "empty"
    path.touch()
    upload(ready, path, f"s3://{key_bucket}/k").expect(DONE)
    target = ready.home / "down"
    ready.run("download", f"s3://{key_bucket}/k", str(target)).expect(DONE)
    assert target.read_bytes() == b""
    (found,) = s3.list_objects_v2(Bucket=key_bucket)["Contents"]
    assert found["Size"] == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB; needs root, as CI has."""
    mount = tmp_path / "small"
    mount.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount)],
        check=True, capture_output=True,
    )
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("size", [6 * MIB, 40 * MIB])
def test_disk_full_while_downloading(ready, s3, key_bucket, small_disk, size):
    path = ready.home / "big"
    path.write_bytes(random.Random(2).randbytes(size))
    address = f"s3://{key_bucket}/big"
    upload(ready, path, address).expect(DONE)
    kept = small_disk / "kept"
    kept.write_text("kept")
    outcome = ready.run("download", address, str(small_disk / "file"))
    outcome.expect(FAILURE).explains("full")
    assert left_in(small_disk) == ["kept"], "nothing is left of the download"
    outcome = ready.run("download", address, str(kept))
    outcome.expect(FAILURE)
    assert kept.read_text() == "kept"


@pytest.mark.parametrize("change", ["append", "rewrite", "truncate"])
def test_source_changing_while_read(ready, s3, key_bucket, change):
    """The upload fails and leaves no object that is neither the old nor the new content."""
    path = ready.home / "changing"
    path.write_bytes(random.Random(3).randbytes(96 * MIB))
    process = subprocess.Popen(
        ready.command(
            "upload", str(path), f"s3://{key_bucket}/k", "--key", "test", "--no-wait",
            "--part-size", "5MiB", "--concurrency", "1",
        ),
        env=ready.environment, cwd=ready.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )
    changed = threading.Event()

    def alter() -> None:
        folder = Path(f"/proc/{process.pid}/fd")
        while process.poll() is None and not changed.is_set():
            try:
                opened = any(os.readlink(each) == str(path) for each in folder.iterdir())
            except OSError:
                continue
            if opened:
                time.sleep(0.05)
                if change == "append":
                    with path.open("ab") as file:
                        file.write(b"more")
                elif change == "rewrite":
                    with path.open("r+b") as file:
                        file.seek(90 * MIB)
                        file.write(b"other")
                else:
                    os.truncate(path, 60 * MIB)
                changed.set()

    thread = threading.Thread(target=alter)
    thread.start()
    stdout, stderr = process.communicate(timeout=120)
    thread.join()
    assert changed.is_set(), "the source could not be changed in time"
    outcome = Outcome(process.returncode, stdout, stderr)
    refuse_internal_text(outcome)
    outcome.expect(FAILURE).explains("changed")
    nothing_in(s3, key_bucket)


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_more_than_ten_thousand_parts(ready, s3, key_bucket):
    """userguide/qfacts.html: 10,000 parts. Refused before anything is sent."""
    path = sparse(ready.home / "sparse", 10_001 * 5 * MIB)
    started = time.monotonic()
    outcome = upload(ready, path, f"s3://{key_bucket}/k", "--part-size", "5MiB")
    assert outcome.code in (USAGE, FAILURE)
    outcome.explains("10,000")
    assert time.monotonic() - started < 20
    nothing_in(s3, key_bucket)


@pytest.mark.parametrize("part_size", ["4MiB", "6GiB", "0", "-1", "many"])
def test_part_sizes_that_s3_refuses(ready, s3, key_bucket, source, part_size):
    """userguide/qfacts.html: parts of 5 MiB to 5 GiB."""
    outcome = upload(ready, source, f"s3://{key_bucket}/k", f"--part-size={part_size}")
    outcome.expect(USAGE)
    nothing_in(s3, key_bucket)


def test_object_too_large_for_s3(ready, s3, key_bucket, small_disk):
    """userguide/qfacts.html: at most 48.8 TiB. A sparse file stands for it; tmpfs has such."""
    path = sparse(small_disk / "huge", 49 * 1024**4)
    outcome = upload(ready, path, f"s3://{key_bucket}/k")
    assert outcome.code in (USAGE, FAILURE)
    assert "hint:" in outcome.stderr
    nothing_in(s3, key_bucket)


@pytest.mark.parametrize("name", ["x" * 1025, "é" * 513])
def test_names_that_are_too_long(ready, s3, key_bucket, source, name):
    """userguide/object-keys.html: at most 1,024 bytes of UTF-8."""
    outcome = upload(ready, source, f"s3://{key_bucket}/{name}")
    outcome.expect(USAGE)
    assert "1024" in outcome.stderr or "1,024" in outcome.stderr
    nothing_in(s3, key_bucket)


def interrupt_when(process: subprocess.Popen, condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, f"ended too early: {process.communicate()[1]}"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)


def test_interrupted_upload(ready, s3, key_bucket):
    """130, and no parts are left behind."""
    path = ready.home / "big"
    path.write_bytes(b"x" * (256 * MIB))
    process = subprocess.Popen(
        ready.command(
            "upload", str(path), f"s3://{key_bucket}/k", "--key", "test", "--no-wait",
            "--part-size", "5MiB", "--concurrency", "1",
        ),
        env=ready.environment, cwd=ready.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )
    interrupt_when(process, lambda: s3.list_multipart_uploads(Bucket=key_bucket).get("Uploads"))
    stdout, stderr = process.communicate(timeout=60)
    outcome = Outcome(process.returncode, stdout, stderr)
    refuse_internal_text(outcome)
    outcome.expect(INTERRUPTED)
    nothing_in(s3, key_bucket)


def test_interrupted_download(ready, key_bucket, target):
    """130, and nothing under the final name."""
    path = ready.home / "big"
    path.write_bytes(random.Random(4).randbytes(MIB) * 256)
    address = f"s3://{key_bucket}/big"
    upload(ready, path, address).expect(DONE)
    process = subprocess.Popen(
        ready.command("download", address, str(target), "--concurrency", "1"),
        env=ready.environment, cwd=ready.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )
    interrupt_when(process, lambda: left_in(target.parent))
    stdout, stderr = process.communicate(timeout=60)
    outcome = Outcome(process.returncode, stdout, stderr)
    refuse_internal_text(outcome)
    outcome.expect(INTERRUPTED)
    assert left_in(target.parent) == []


def test_existing_file_is_kept_on_request(ready, stored, target):
    target.write_text("precious")
    outcome = ready.run("download", stored, str(target), "--overwrite", "never")
    outcome.expect(FAILURE).explains(str(target))
    assert target.read_text() == "precious"


def test_unknown_commands_and_options(ready):
    for arguments in (("teleport",), ("upload",), ("upload", "a", "s3://b/k", "--nonesuch")):
        ready.run(*arguments).expect(USAGE)


def test_no_log_level_shows_the_key(ready, key_bucket, source, target):
    """At the highest verbosity, with the SDK's own logging asked for."""
    address = f"s3://{key_bucket}/logged"
    environment = {"RUST_LOG": "trace", "KEYFERRY_LOG": "trace", "RUST_BACKTRACE": "full"}
    exported = ready.home / "exported"
    ready.run("key", "export", "test", str(exported)).expect(DONE)
    key = CustomerKey(exported.read_bytes())
    texts = []
    for arguments in (
        ("-vvv", "upload", str(source), address, "--key", "test", "--no-wait"),
        ("-vvv", "download", address, str(target)),
        ("-vvv", "verify", address, "--wait", "1s"),
        ("-vvv", "key", "show", "test"),
        ("-vvv", "key", "list"),
    ):
        finished = subprocess.run(
            ready.command(*arguments),
            env=ready.environment | environment, cwd=ready.home, capture_output=True, timeout=120,
        )
        texts.append(finished.stdout + finished.stderr)
    assert target.read_bytes() == source.read_bytes()
    joined = b"\n".join(texts)
    for needle in key.spellings():
        assert needle not in joined, "the output holds the customer key"
    assert ready.lab.credentials[1].encode() not in joined, "the output holds the secret key"
