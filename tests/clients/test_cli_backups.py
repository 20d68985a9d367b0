"""Backups, restores, shares and recovery sheets: by keyferry, and by stock `age` and `tar` alone."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from conftest import fresh_name, make_bucket
from keyferry_cli import DONE, FINDINGS, PASSPHRASE, STORE_LOCKED, USAGE, Keyferry, upload
from lab_process import SECOND_REGION

OWN = "the backup's own"
GATED = {"KEYFERRY_ACCEPT_LOSS_RISK": None}
UNPROTECTED = {"KEYFERRY_PASSPHRASE": OWN}


@pytest.fixture
def own(ready) -> str:
    """A file with a passphrase for the backups of a store that has none."""
    path = ready.home / "own-passphrase"
    path.write_text(OWN + "\n")
    return str(path)


def back_up(keyferry: Keyferry, to, own: str):
    return keyferry.run("key", "backup", str(to), "--backup-passphrase-file", own).expect(DONE)


def proven(keyferry: Keyferry, place):
    return keyferry.run("key", "restore", "--test", str(place), environment=UNPROTECTED)




def listed(keyferry: Keyferry) -> list[dict]:
    answer = keyferry.run("key", "list", "--output", "json").expect(DONE)
    return json.loads(answer.stdout)


def elsewhere(keyferry: Keyferry) -> Keyferry:
    """The same user with another place for a store."""
    other = Keyferry(keyferry.home, keyferry.lab)
    other.store = keyferry.home / "new"
    return other


@pytest.fixture(params=["folder", "file.tar", "bucket"])
def place(request, ready, s3_second) -> str:
    if request.param == "bucket":
        return f"s3://{make_bucket(s3_second, versioning='Enabled')}/keys/photos"
    return str(ready.home / request.param)


def test_a_backup_is_tested_and_restored(ready, own, place):
    back_up(ready, place, own)
    tested = proven(ready, place).expect(DONE)
    assert "1 key" in tested.stdout
    ready.run("key", "new", "more").expect(DONE)
    again = ready.run("key", "backup", place, "--output", "json").expect(DONE)
    report = json.loads(again.stdout)
    # The new key, and the journal, which has grown.
    assert (report["documents_sent"], report["keys"]) == (2, 2)
    new = elsewhere(ready)
    new.run("key", "restore", place, environment=UNPROTECTED).expect(DONE)
    assert listed(new) == listed(ready)
    shutil.rmtree(ready.store / "keys" / "more")
    ready.run("key", "restore", place).expect(DONE)
    exported = str(ready.home / "more.key")
    ready.run("key", "export", "more", exported).expect(DONE)


def test_a_bucket_is_written_once_and_never_over_anything_else(ready, own, s3_second):
    bucket = make_bucket(s3_second, versioning="Enabled")
    s3_second.put_object(Bucket=bucket, Key="taken/letter", Body=b"dear")
    ready.run(
        "key", "backup", f"s3://{bucket}/taken", "--backup-passphrase-file", own
    ).expect(USAGE).explains("letter")
    place = f"s3://{bucket}/keys"
    back_up(ready, place, own)
    ready.run("key", "backup", place).expect(DONE)
    versions = s3_second.list_object_versions(Bucket=bucket, Prefix="keys/keys/")["Versions"]
    assert len(versions) == 1, "a key file is sent once"
    stored = s3_second.get_object(Bucket=bucket, Key=versions[0]["Key"])["Body"].read()
    assert stored in [path.read_bytes() for path in (ready.store / "keys").rglob("*.age")]
    s3_second.put_object(Bucket=bucket, Key=versions[0]["Key"], Body=b"somebody's")
    ready.run("key", "backup", place).expect(STORE_LOCKED).explains(Path(versions[0]["Key"]).name)
    proven(ready, place).expect(STORE_LOCKED).explains(Path(versions[0]["Key"]).name)
    ready.run("key", "backup", f"s3://{fresh_name()}/x", "--backup-passphrase-file", own).explains()


def test_the_first_upload_waits_for_a_tested_backup(ready, own, key_bucket, source):
    def attempt(*more):
        return upload(ready, source, f"s3://{key_bucket}/k", *more, environment=GATED)

    attempt().expect(FINDINGS).explains("key backup TO", "restore --test TO", "--accept-loss-risk")
    place = str(ready.home / "backup")
    back_up(ready, place, own)
    attempt().expect(FINDINGS).explains(f"key restore --test {place}")
    wrong = ready.run("key", "restore", "--test", place, environment={"KEYFERRY_PASSPHRASE": "x"})
    wrong.expect(STORE_LOCKED).explains("passphrase")
    attempt().expect(FINDINGS)
    proven(ready, place).expect(DONE)
    assert "warning" not in attempt().expect(DONE).stderr

    ready.run("key", "rotate", "test").expect(DONE)
    warned = attempt().expect(DONE)
    assert warned.stderr.count("no backup holds key") == 1
    ready.run("key", "backup", place).expect(DONE)
    assert "warning" not in attempt().expect(DONE).stderr


def test_the_risk_is_accepted_once_a_ring(ready, key_bucket, source):
    address = f"s3://{key_bucket}/k"
    accepted = upload(ready, source, address, "--accept-loss-risk", environment=GATED)
    assert "no backup holds key" in accepted.expect(DONE).stderr
    upload(ready, source, address, environment=GATED).expect(DONE)
    journal = (ready.store / "journal.jsonl").read_text()
    assert journal.count("loss-risk-accepted") == 1
    ready.run("key", "new", "other").expect(DONE)
    ready.run(
        "upload", str(source), address, "--key", "other", "--no-wait", environment=GATED
    ).expect(FINDINGS)
    key = ready.home / "own.key"
    key.write_bytes(os.urandom(32))
    ready.run(
        "upload", str(source), address, "--key", f"file:{key}", "--no-wait", environment=GATED
    ).expect(DONE)


def test_an_unprotected_store_leaves_no_open_identity(ready):
    place = ready.home / "backup"
    ready.run("key", "backup", str(place)).expect(USAGE).explains("--backup-passphrase-file")
    assert not any(place.rglob("*.age"))


def test_an_older_store_is_read_only(ready, key_bucket, source):
    older = ready.home / "older"
    shutil.copytree(ready.store, older)
    ready.run("key", "rotate", "test").expect(DONE)
    shutil.rmtree(ready.store)
    shutil.copytree(older, ready.store)
    outcome = upload(ready, source, f"s3://{key_bucket}/k")
    outcome.expect(STORE_LOCKED).explains("older than it was", "key restore")


def test_shares_give_the_store_a_new_passphrase(locked):
    out = locked.home / "shares"
    new = locked.home / "new-passphrase"
    new.write_text("remembered\n")
    locked.run("key", "shares", "--shares", "5", "--threshold", "3", "--out", str(out)).expect(DONE)
    files = sorted(out.iterdir())
    assert len(files) == 5 and all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    options = ("--new-passphrase-file", str(new))
    few = locked.run("key", "restore-identity", *map(str, files[:2]), *options)
    few.expect(STORE_LOCKED).explains("it takes 3")
    damaged = locked.home / "damaged"
    text = files[2].read_text()
    at = text.index("kfs1") + 30
    wrong = "q" if text[at] != "q" else "p"
    damaged.write_text(text[:at] + wrong + text[at + 1 :])
    locked.run("key", "restore-identity", str(files[0]), str(files[1]), str(damaged), *options).expect(
        STORE_LOCKED
    ).explains("miscopied", "damaged")
    locked.run(
        "key", "restore-identity", str(files[4]), str(files[0]), "-", *options,
        stdin=files[2].read_bytes(),
    ).expect(DONE)
    locked.run("key", "export", "test", str(locked.home / "k")).expect(STORE_LOCKED)
    locked.run(
        "key", "export", "test", str(locked.home / "k"),
        environment={"KEYFERRY_PASSPHRASE": "remembered"},
    ).expect(DONE)


def age_decrypt(passphrase: str, source: Path, target: Path) -> None:
    """`age -d -o target source`, the passphrase typed on a terminal as age demands it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("age", ["age", "-d", "-o", str(target), str(source)])
    said = b""
    deadline = time.monotonic() + 60
    while b"passphrase" not in said.lower():
        assert time.monotonic() < deadline, said
        if select.select([terminal], [], [], 1)[0]:
            said += os.read(terminal, 1024)
    # It prompts first and turns to reading unseen afterwards: what is typed in between may be lost.
    time.sleep(0.5)
    os.write(terminal, passphrase.encode() + b"\n")
    while True:
        try:
            if not os.read(terminal, 1024):
                break
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def opened_by_age(folder: Path, identity: Path) -> dict[str, bytes]:
    """Every key of a backup, by MD5."""
    keys = {}
    for path in (folder / "keys").rglob("*.age"):
        plain = subprocess.run(
            ["age", "-d", "-i", str(identity), str(path)], check=True, capture_output=True
        )
        fields = json.loads(plain.stdout)
        key = base64.b64decode(fields["key"])
        assert base64.b64encode(hashlib.md5(key).digest()).decode() == fields["md5"]
        keys[fields["md5"]] = key
    return keys


@pytest.mark.skipif(not shutil.which("age"), reason="needs `age`")
def test_stock_tools_open_a_backup_as_its_readme_says(locked):
    locked.run("key", "new", "more").expect(DONE)
    file = locked.home / "keys.tar"
    locked.run("key", "backup", str(file)).expect(DONE)
    unpacked = locked.home / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "xf", str(file)], cwd=unpacked, check=True)
    readme = (unpacked / "README.txt").read_text()
    assert "age -d -o identity.txt identity.age" in readme
    identity = unpacked / "identity.txt"
    age_decrypt(PASSPHRASE, unpacked / "identity.age", identity)
    keys = opened_by_age(unpacked, identity)
    assert sorted(keys) == sorted(entry["md5"] for entry in listed(locked))
    # The command line at the end of the text, as it stands there.
    line = next(line for line in readme.splitlines() if "base64 -d" in line)
    one = next((unpacked / "keys").rglob("*.age")).relative_to(unpacked)
    subprocess.run(line.replace("keys/RING/ID.age", str(one)), shell=True, check=True, cwd=unpacked)
    assert (unpacked / "key.bin").read_bytes() in keys.values()
    journal = next((unpacked / "journal").iterdir())
    lines = subprocess.run(
        ["age", "-d", "-i", str(identity), str(journal)], check=True, capture_output=True
    ).stdout.splitlines()
    assert json.loads(lines[0])["event"]["type"] == "store-created"
    # And the folder that tar made is a backup, too.
    locked.run("key", "restore", "--test", str(unpacked)).expect(DONE)


@pytest.mark.skipif(not shutil.which("age-keygen"), reason="needs `age`")
def test_an_age_identity_opens_a_backup_made_for_it(ready):
    mine = ready.home / "mine.txt"
    subprocess.run(["age-keygen", "-o", str(mine)], check=True, capture_output=True)
    recipient = re.search(r"age1[a-z0-9]+", mine.read_text()).group()
    place = ready.home / "backup"
    ready.run("key", "backup", str(place), "--recipient", recipient).expect(DONE)
    ready.run("key", "restore", "--test", str(place)).expect(STORE_LOCKED).explains("--identity")
    ready.run("key", "restore", "--test", str(place), "--identity", str(mine)).expect(DONE)
    identity = place / "identity.txt"
    subprocess.run(
        ["age", "-d", "-i", str(mine), "-o", str(identity), str(place / "identity.age")], check=True
    )
    assert len(opened_by_age(place, identity)) == 1
    new = elsewhere(ready)
    restore = ("key", "restore", str(place), "--identity", str(mine))
    new.run(*restore).expect(USAGE).explains("--no-passphrase")
    new.run(*restore, "--no-passphrase").expect(DONE)
    assert listed(new) == listed(ready)


def scanned(picture: Path) -> list[str]:
    found = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "-Sbinary", str(picture)], check=True, capture_output=True
    )
    return [found.stdout.decode()]


def picture_of(sheet: Path) -> Path:
    picture = sheet.with_suffix(".png")
    if sheet.suffix == ".pdf":
        subprocess.run(
            ["pdftoppm", "-r", "150", "-png", "-singlefile", str(sheet), str(sheet.with_suffix(""))],
            check=True,
        )
    else:
        subprocess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={sheet.parent / 'browser'}", "--window-size=1240,1754",
                f"--screenshot={picture}", sheet.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )
    return picture


@pytest.mark.parametrize("kind, tool", [("pdf", "pdftoppm"), ("svg", "chromium")])
def test_a_recovery_sheet_is_scanned_and_opens_the_store(locked, kind, tool):
    if not (shutil.which("zbarimg") and shutil.which(tool)):
        pytest.skip(f"needs zbarimg and {tool}")
    sheet = locked.home / f"sheet.{kind}"
    locked.run("key", "recovery-sheet", "--out", str(sheet)).expect(DONE)
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert b"AGE-SECRET-KEY" not in sheet.read_bytes()
    [text] = scanned(picture_of(sheet))
    assert text.startswith("-----BEGIN AGE ENCRYPTED FILE-----")
    armored = locked.home / "identity.age"
    armored.write_text(text)
    identity = locked.home / "identity.txt"
    age_decrypt(PASSPHRASE, armored, identity)
    new = locked.home / "new-passphrase"
    new.write_text("remembered\n")
    locked.run(
        "key", "restore-identity", "--identity", str(identity), "--new-passphrase-file", str(new)
    ).expect(DONE)
    locked.run("key", "recovery-sheet", "--out", str(sheet)).expect(USAGE).explains("new file")


def test_an_open_recovery_sheet_must_be_asked_for(ready):
    if not (shutil.which("zbarimg") and shutil.which("pdftoppm")):
        pytest.skip("needs zbarimg and pdftoppm")
    sheet = ready.home / "sheet.pdf"
    ready.run("key", "recovery-sheet", "--out", str(sheet)).expect(USAGE).explains(
        "--sheet-passphrase-file", "--plaintext-identity"
    )
    ready.run("key", "recovery-sheet", "--out", str(sheet), "--plaintext-identity").expect(DONE)
    [text] = scanned(picture_of(sheet))
    assert text == (ready.store / "identity.age").read_text()
