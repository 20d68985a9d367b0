"""The key store as its user meets it: who may touch it, what its log tells, what newer ones look like.

Whatever is refused is refused with what to do, and leaves the store as it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from customer_key import CustomerKey
from keyferry_cli import (
    DONE,
    FAILURE,
    PASSPHRASE,
    STORE_LOCKED,
    WRONG_KEY,
    Keyferry,
    upload,
)


def digests(folder: Path) -> dict[str, str]:
    files = (each for each in folder.rglob("*") if each.is_file())
    return {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def refused_everywhere(keyferry: Keyferry, *words: str) -> None:
    """By what only reads, what opens and what writes."""
    for arguments in (
        ("key", "list"),
        ("key", "log"),
        ("key", "log", "verify"),
        ("key", "new", "other"),
        ("key", "export", "test", "exported"),
    ):
        keyferry.run(*arguments).expect(STORE_LOCKED).explains(*words)
    assert not (keyferry.home / "exported").exists()


@pytest.mark.parametrize("name", ["", "identity.age", "keys", "journal.jsonl"])
def test_open_to_others(ready, name):
    path = ready.store / name
    mode = path.stat().st_mode & 0o777
    path.chmod(mode | 0o044)
    before = digests(ready.store)
    ready.run("key", "export", "test", "exported").expect(STORE_LOCKED).explains(
        "open to other users", "chmod go-rwx", str(path).rstrip("/")
    )
    assert digests(ready.store) == before
    path.chmod(mode)
    ready.run("key", "export", "test", "exported").expect(DONE)


def test_the_whole_store_open_to_others(ready):
    ready.store.chmod(0o755)
    refused_everywhere(ready, "open to other users", "chmod go-rwx")


def test_foreign_owner(ready):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(ready.store, 12345, -1)
    refused_everywhere(ready, "belongs to user 12345", "chown")


def test_symbolic_link(ready):
    real = ready.home / "elsewhere"
    ready.store.rename(real)
    ready.store.symlink_to(real)
    refused_everywhere(ready, "symbolic link", "real path")
    ready.store = real
    ready.run("key", "list").expect(DONE)


def test_newer_format(ready):
    """Keys still open; nothing is written."""
    manifest = ready.store / "store.toml"
    manifest.write_text(manifest.read_text().replace("format = 1", "format = 2"))
    before = digests(ready.store)
    ready.run("key", "list").expect(DONE)
    ready.run("key", "new", "other").expect(STORE_LOCKED).explains("read-only", "newest keyferry")
    (key,) = json.loads(ready.run("key", "list", "--output", "json").expect(DONE).stdout)
    ready.run("key", "export", key["id"], "exported").expect(DONE)
    assert digests(ready.store) == before


def test_log(ready, key_bucket, source):
    """Who, what and when, newest last; by ring, by key, by time; for people and for programs."""
    ready.run("key", "new", "films").expect(DONE)
    ready.run("key", "rotate", "test").expect(DONE)
    ready.run("key", "export", "test", "k e y").expect(DONE)
    outcome = ready.run("key", "log").expect(DONE)
    assert "not verified" in outcome.stderr and "key log verify" in outcome.stderr
    lines = outcome.stdout.splitlines()[1:]
    assert len(lines) == 5
    assert "store ks-" in lines[0] and "test v1" in lines[1] and "films v1" in lines[2]
    assert "test v2" in lines[3] and f"handed out to {ready.home}/k e y" in lines[4]

    listed = json.loads(ready.run("key", "log", "--output", "json").expect(DONE).stdout)
    assert [each["seq"] for each in listed] == [1, 2, 3, 4, 5]
    for each in listed:
        assert each["time"].endswith("Z") and "T" in each["time"]
        assert each["by"]["uid"] == os.geteuid() and each["by"]["host"]
    assert listed[0]["event"]["type"] == "store-created"
    key = listed[3]["event"]["id"]

    def lines_of(*arguments: str) -> list[int]:
        stdout = ready.run("key", "log", *arguments, "--output", "ndjson").expect(DONE).stdout
        return [json.loads(line)["seq"] for line in stdout.splitlines()]

    assert lines_of("test") == [2, 4, 5]
    assert lines_of(key) == [4, 5]
    assert lines_of("films") == [3]
    assert lines_of("--since", "1h") == [1, 2, 3, 4, 5]
    assert lines_of("--since", listed[3]["time"]) == [4, 5]
    assert lines_of("--since", "2100-01-01") == []
    ready.run("key", "log", "nonesuch").expect(WRONG_KEY).explains("nonesuch")
    ready.run("key", "log", "kf-" + "a" * 26).expect(WRONG_KEY).explains("no key")


def test_log_of_a_locked_store(locked):
    """Showing it needs no passphrase; proving it does."""
    without = {"KEYFERRY_PASSPHRASE": None}
    outcome = locked.run("key", "log", environment=without).expect(DONE)
    assert "test v1" in outcome.stdout and "not verified" in outcome.stderr
    locked.run("key", "log", "verify", environment=without).expect(STORE_LOCKED).explains(
        "passphrase"
    )
    outcome = locked.run("key", "log", "verify").expect(DONE)
    assert "2 entries, each proven" in outcome.stdout
    proof = json.loads(locked.run("key", "log", "verify", "--output", "json").expect(DONE).stdout)
    assert proof["verified"] is True and proof["entries"] == 2
    assert proof["first"]["seq"] == 1 and proof["last"]["seq"] == 2


def test_time_is_shown_where_the_reader_is(ready):
    listed = json.loads(ready.run("key", "log", "--output", "json").expect(DONE).stdout)
    day = listed[0]["time"][:10]
    here = ready.run("key", "log", environment={"TZ": "UTC"}).expect(DONE).stdout
    there = ready.run("key", "log", environment={"TZ": "Asia/Tokyo"}).expect(DONE).stdout
    assert f"{day} {listed[0]['time'][11:19]}" in here
    assert here != there


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_changed_line_of_the_log(ready, line):
    ready.run("key", "new", "films").expect(DONE)
    journal = ready.store / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace('"uid":', '"uid":1')
    journal.write_text("".join(lines))
    # It still reads, so without the identity nothing is amiss.
    ready.run("key", "log").expect(DONE)
    ready.run("key", "log", "verify").expect(STORE_LOCKED).explains(f"line {line} of the journal")


def test_lines_that_were_cut_off(ready):
    ready.run("key", "new", "films").expect(DONE)
    journal = ready.store / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]))
    ready.run("key", "log", "verify").expect(STORE_LOCKED).explains("line 3 of the journal")


def test_a_line_that_cannot_be_read(ready):
    ready.run("key", "new", "films").expect(DONE)
    journal = ready.store / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    lines[1] = "{\n"
    journal.write_text("".join(lines))
    outcome = ready.run("key", "log").expect(DONE)
    assert "line 2 of the journal does not hold" in outcome.stderr
    assert "films" not in outcome.stdout


def test_names_cannot_steer_the_terminal(ready):
    path = ready.home / "a\x1b[2Jb"
    path.write_bytes(CustomerKey().secret)
    ready.run("key", "import", "odd", str(path)).expect(DONE)
    outcome = ready.run("key", "log").expect(DONE)
    assert "\x1b" not in outcome.stdout and "\\u{1b}" in outcome.stdout


def test_import_proven_by_an_object(ready, s3, key_bucket):
    """`--verify` settles doubt by what the key opens, before anything is stored."""
    right, wrong = CustomerKey(), CustomerKey()
    s3.put_object(Bucket=key_bucket, Key="k", Body=b"old", **right.arguments())
    version = s3.put_object(Bucket=key_bucket, Key="k", Body=b"new", **wrong.arguments())
    versions = s3.list_object_versions(Bucket=key_bucket)["Versions"]
    (old,) = [v["VersionId"] for v in versions if v["VersionId"] != version["VersionId"]]
    path = ready.home / "key"
    address = f"s3://{key_bucket}/k"

    def attempt(*arguments: str):
        return ready.run("key", "import", "old", str(path), *arguments)

    path.write_bytes(right.secret)
    attempt("--verify", address).expect(WRONG_KEY).explains("nothing was stored")
    assert attempt("--verify", f"{address}-nonesuch").explains().code == FAILURE
    # A key in a wrapping is taken if it proves to be right, and only then.
    path.write_text(f'"{right.base64}"\n')
    attempt().expect(WRONG_KEY).explains("quotation marks", "--verify")
    attempt("--verify", address).expect(WRONG_KEY)
    assert "old" not in ready.run("key", "list").expect(DONE).stdout
    outcome = attempt("--verify", f"{address}?versionId={old}").expect(DONE)
    assert "proven" in outcome.stderr
    ready.run("key", "export", "old", "exported").expect(DONE)
    assert (ready.home / "exported").read_bytes() == right.secret
    # Of an object under no customer key nothing follows.
    s3.put_object(Bucket=key_bucket, Key="plain", Body=b"x")
    path.write_bytes(wrong.secret)
    outcome = attempt("--verify", f"s3://{key_bucket}/plain")
    assert outcome.explains().code != DONE


def test_children_get_no_passphrase(locked, key_bucket):
    """A `credential_process` sees keyferry's environment, less what is secret in it."""
    source = locked.home / "data"
    source.write_text("x")
    seen = locked.home / "seen"
    access, secret = locked.lab.credentials
    answer = json.dumps({"Version": 1, "AccessKeyId": access, "SecretAccessKey": secret})
    script = locked.home / "credentials.sh"
    script.write_text(f"#!/bin/sh\nenv > {seen}\ncat /proc/$PPID/environ >> {seen}\necho '{answer}'\n")
    script.chmod(0o700)
    config = locked.home / "aws-config"
    config.write_text(f"[default]\ncredential_process = {script}\n")
    environment = {
        "AWS_CONFIG_FILE": str(config),
        "AWS_ACCESS_KEY_ID": None,
        "AWS_SECRET_ACCESS_KEY": None,
    }
    address = f"s3://{key_bucket}/k"
    upload(locked, source, address, environment=environment).expect(DONE)
    text = seen.read_text()
    assert "PATH=" in text
    assert PASSPHRASE not in text, "a child was given the passphrase"
    key = CustomerKey()
    environment["OBJECT_KEY"] = key.base64
    locked.run(
        "upload", str(source), address, "--key", "env:OBJECT_KEY", "--no-wait",
        environment=environment,
    ).expect(DONE)
    assert key.base64 not in seen.read_text(), "a child was given the key"


def test_passphrases_in_the_environment_are_any_text(keyferry):
    """Handed on byte by byte, however odd."""
    for number, passphrase in enumerate(("a=b c,d:e 1", "ünïcødé 鍵", "x" * 3000, "y" * 5000)):
        keyferry.store = keyferry.home / f"store{number}"
        environment = {"KEYFERRY_PASSPHRASE": passphrase}
        keyferry.run("key", "init", environment=environment).expect(DONE)
        keyferry.run("key", "new", "r", environment=environment).expect(DONE)
        secret = keyferry.home / "passphrase"
        secret.write_text(passphrase)
        keyferry.run(
            "--passphrase-file", str(secret), "key", "export", "r", "-",
            environment={"KEYFERRY_PASSPHRASE": None},
        ).expect(DONE)


def test_without_privileges(ready, tmp_path):
    """A process that nobody may inspect still reads its own descriptors and environment."""
    if os.geteuid() != 0:
        pytest.skip("the other tests run without privileges already")
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == 0 and folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    home = tmp_path / "nobody"
    home.mkdir()
    key = CustomerKey()
    (home / "key").write_bytes(key.secret)
    for each in (home, home / "key"):
        os.chown(each, 65534, 65534)
    program = ready.command()[0]
    environment = {"HOME": str(home), "KEYFERRY_STORE": "store", "KEYFERRY_PASSPHRASE": "p p"}

    def as_nobody(script: str, **more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["/bin/sh", "-ec", script, program], cwd=home, env=environment | more,
            user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=120,
        )

    made = as_nobody('"$0" key init && "$0" key import fd --fd 7 7< key && "$0" key log')
    assert made.returncode == 0, made.stderr
    made = as_nobody('"$0" key import env --env K', K=CustomerKey().base64)
    assert made.returncode == 0, made.stderr
    # Another process of the same user can look into an ordinary process, and not into keyferry.
    peek = "sleep 1; cat /proc/$!/environ > peeked && code=0 || code=$?; kill $!; exit $code"
    ordinary = as_nobody(f"sleep 30 & {peek}")
    assert ordinary.returncode == 0, ordinary.stderr
    waiting = 'mkfifo fifo; exec 9<> fifo; "$0" key import x - < fifo & '
    hidden = as_nobody(waiting + peek)
    assert hidden.returncode != 0 and "ermission denied" in hidden.stderr, hidden.stderr
