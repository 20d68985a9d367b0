"""Bad input about files: missing, full, changing, too large, interrupted.

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

from keyferry_cli import (
    DONE,
    FAILURE,
    INTERRUPTED,
    USAGE,
    Outcome,
    left_in,
    nothing_in,
    refuse_internal_text,
    upload,
)

MIB = 1024 * 1024


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
        pytest.fail("mounting a small file system needs root")
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
    """130, and `--resume` goes on: no parts are left behind that."""
    path = ready.home / "big"
    path.write_bytes(b"x" * (256 * MIB))
    arguments = (
        "upload", str(path), f"s3://{key_bucket}/k", "--key", "test", "--no-wait",
        "--part-size", "5MiB", "--concurrency", "1",
    )
    process = subprocess.Popen(
        ready.command(*arguments),
        env=ready.environment, cwd=ready.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )
    interrupt_when(process, lambda: s3.list_multipart_uploads(Bucket=key_bucket).get("Uploads"))
    stdout, stderr = process.communicate(timeout=60)
    outcome = Outcome(process.returncode, stdout, stderr)
    refuse_internal_text(outcome)
    outcome.expect(INTERRUPTED)
    assert "Versions" not in s3.list_object_versions(Bucket=key_bucket)
    outcome.explains("--resume")
    ready.run(*arguments, "--resume").expect(DONE)
    versions = s3.list_object_versions(Bucket=key_bucket)["Versions"]
    assert [version["Size"] for version in versions] == [256 * MIB]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=key_bucket)


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
