"""What keyferry does against a server, one operation after the other, and what came of each."""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from keyferry_cli import DONE, NOT_CONFIRMED, REPLICATION_FAILED, WRONG_KEY, Keyferry, Outcome

MIB = 1 << 20
NOT_TRIED = "–"


class NotTried(Exception):
    """What the operation needs is not there."""


@dataclass
class Cell:
    """One field of the table."""

    text: str
    note: str | None = None


@dataclass
class Trial:
    """A server, and what earlier operations left on it."""

    keyferry: Keyferry
    bucket: str
    # Arguments that say where replicas are; None where nothing replicates.
    replica: list[str] | None
    there: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.home: Path = self.keyferry.home
        for name, size in (("small", 100_000), ("large", 11 * MIB)):
            (self.home / name).write_bytes(random.Random(size).randbytes(size))
        folder = self.home / "folder"
        folder.mkdir()
        for number in range(5):
            (folder / f"file {number}").write_bytes(random.Random(number).randbytes(5_000 * number))
        # A store as another machine has it: the same keys, and no record of what they opened.
        self.other_store = self.home / "other-store"
        shutil.copytree(self.keyferry.store, self.other_store)

    def at(self, name: str) -> str:
        return f"s3://{self.bucket}/matrix/{name}"

    def run(self, *arguments: str, **more) -> Outcome:
        return self.keyferry.run(*arguments, **more)

    def needs(self, name: str) -> None:
        if name not in self.there:
            raise NotTried

    def upload(self, name: str, *more: str) -> Outcome:
        found = self.run(
            *("upload", str(self.home / name), self.at(name), "--key", "test", "--no-wait"),
            *("--tag", "colour=blue", "--metadata", "shape=round", "--part-size", "5MiB"),
            *("--receipt", str(self.home / f"{name}.receipt"), *more),
        )
        if found.code == DONE:
            self.there.add(name)
        return found

    def download(self, name: str, *more: str) -> Outcome:
        self.needs(name)
        target = self.home / "down"
        target.unlink(missing_ok=True)
        found = self.run("download", self.at(name), str(target), *more)
        if found.code == DONE and target.read_bytes() != (self.home / name).read_bytes():
            found.stderr += "error: the content is not what was uploaded\n"
            found.code = -1
        return found

    def verify(self, name: str, level: str) -> Outcome:
        self.needs(name)
        if self.replica is None:
            raise NotTried
        receipt = str(self.home / f"{name}.receipt")
        return self.run(
            "verify", "--receipt", receipt, *self.replica, "--level", level, "--wait", "60s"
        )


def upload_small(trial: Trial) -> Outcome:
    return trial.upload("small")


def upload_large(trial: Trial) -> Outcome:
    return trial.upload("large")


def upload_folder(trial: Trial) -> Outcome:
    folder = str(trial.home / "folder")
    found = trial.run("upload", "-r", folder, trial.at("folder/"), "--key", "test", "--no-wait")
    if found.code == DONE:
        trial.there.add("folder")
    return found


def keep_what_is_there(trial: Trial, *how: str) -> Outcome | Cell:
    trial.needs("small")
    found = trial.run(
        *("upload", str(trial.home / "small"), trial.at("small"), "--key", "test", "--no-wait"),
        *how,
    )
    if found.code == DONE:
        return Cell("no", "the server does not judge `If-None-Match`, and the object is overwritten")
    return Cell("yes") if "exists" in found.stderr else found


def ask_before_overwriting(trial: Trial) -> Outcome | Cell:
    return keep_what_is_there(trial, "--overwrite", "never")


def let_the_server_refuse(trial: Trial) -> Outcome | Cell:
    """However many try at once."""
    return keep_what_is_there(trial, "--if-none-match")


def with_tags_and_metadata(trial: Trial) -> Cell:
    trial.needs("large")
    s3 = trial.keyferry.lab.client()
    tags = s3.get_object_tagging(Bucket=trial.bucket, Key="matrix/large")["TagSet"]
    named = {tag["Key"] for tag in tags}
    return Cell("yes" if {"colour", "keyferry-key"} <= named else "no")


def download_small(trial: Trial) -> Outcome:
    return trial.download("small")


def download_large(trial: Trial) -> Outcome:
    return trial.download("large")


def download_folder(trial: Trial) -> Outcome:
    trial.needs("folder")
    return trial.run("download", "-r", trial.at("folder/"), str(trial.home / "down-folder"))


def find_the_key(trial: Trial) -> Outcome:
    """By the object's tag: nothing on this machine knows it."""
    own, trial.keyferry.store = trial.keyferry.store, trial.other_store
    try:
        return trial.download("large")
    finally:
        trial.keyferry.store = own


def refuse_another_key(trial: Trial) -> Cell | Outcome:
    trial.needs("small")
    trial.run("key", "new", "other").expect(DONE)
    found = trial.download("small", "--key", "other")
    return Cell("yes") if found.code == WRONG_KEY else found


def list_objects(trial: Trial) -> Outcome:
    found = trial.run("ls", "-l", f"s3://{trial.bucket}/matrix/")
    if found.code == DONE and "small" in trial.there and "kf-" not in found.stdout:
        found.code, found.stderr = -1, "error: no key is named\n"
    return found


def sync_nothing(trial: Trial) -> Outcome:
    trial.needs("folder")
    found = trial.run(
        *("sync", str(trial.home / "folder"), trial.at("folder"), "--key", "test", "--no-wait")
    ).expect(DONE)
    if "unchanged   5" not in found.stdout:
        found.code, found.stderr = -1, f"error: {found.stdout}\n"
    return found


def copy(trial: Trial, name: str) -> Outcome:
    trial.needs(name)
    return trial.run(
        "cp", trial.at(name), trial.at(f"copy-of-{name}"), "--key", "test", "--no-wait"
    )


def copy_small(trial: Trial) -> Outcome:
    return copy(trial, "small")


def copy_large(trial: Trial) -> Outcome:
    return copy(trial, "large")


def rekey(trial: Trial, name: str) -> Outcome:
    trial.needs(name)
    target = f"rekey-{name}"
    trial.run(
        *("upload", str(trial.home / name), trial.at(target), "--key", "test", "--no-wait"),
        *("--part-size", "5MiB"),
    ).expect(DONE)
    if "rotated" not in trial.there:
        trial.run("key", "new", "next").expect(DONE)
        trial.there.add("rotated")
    return trial.run("rekey", trial.at(target), "--to", "next", "--no-wait", "--yes")


def rekey_small(trial: Trial) -> Outcome:
    return rekey(trial, "small")


def rekey_large(trial: Trial) -> Outcome:
    return rekey(trial, "large")


def verify_small_equal(trial: Trial) -> Outcome:
    return trial.verify("small", "equal")


def verify_large_equal(trial: Trial) -> Outcome:
    return trial.verify("large", "equal")


def verify_small_deep(trial: Trial) -> Outcome:
    return trial.verify("small", "deep")


def verify_large_deep(trial: Trial) -> Outcome:
    return trial.verify("large", "deep")


def download_replica(trial: Trial) -> Outcome:
    if trial.replica is None:
        raise NotTried
    return trial.download("small", "--from", "replica", *trial.replica)


def remove(trial: Trial) -> Outcome:
    trial.needs("folder")
    return trial.run("rm", "-r", trial.at("folder/"), "--yes")


def remove_versions(trial: Trial) -> Outcome:
    trial.needs("folder")
    found = trial.run("rm", "-r", trial.at("folder/"), "--versions", "--yes")
    left = trial.run("ls", "--versions", trial.at("folder/"))
    if found.code == DONE and "file" in left.stdout:
        found.code, found.stderr = -1, "error: versions are left\n"
    return found


# Title, and what is done. Each finds what those before it left.
OPERATIONS = [
    ("upload of one piece", upload_small),
    ("upload in parts", upload_large),
    ("upload of a folder", upload_folder),
    ("tags and metadata of an upload in parts", with_tags_and_metadata),
    ("download of one piece", download_small),
    ("download of parts", download_large),
    ("download of a folder", download_folder),
    ("finding the key by the object alone", find_the_key),
    ("refusing another key", refuse_another_key),
    ("ls", list_objects),
    ("sync that has nothing to do", sync_nothing),
    ("verify --level equal, one piece", verify_small_equal),
    ("verify --level deep, one piece", verify_small_deep),
    ("verify --level equal, parts", verify_large_equal),
    ("verify --level deep, parts", verify_large_deep),
    ("download from the replica", download_replica),
    ("cp of one piece", copy_small),
    ("cp of parts", copy_large),
    ("rekey of one piece", rekey_small),
    ("rekey of parts", rekey_large),
    ("upload --overwrite never", ask_before_overwriting),
    ("upload --if-none-match", let_the_server_refuse),
    ("rm", remove),
    ("rm --versions", remove_versions),
]


def tried(trial: Trial, operation) -> Cell:
    try:
        found = operation(trial)
    except NotTried:
        return Cell(NOT_TRIED)
    return found if isinstance(found, Cell) else cell(found, trial)


def cell(found: Outcome, trial: Trial) -> Cell:
    """`yes` or `no`, with what keyferry said about it."""
    said = found.stdout.splitlines()
    if found.code == DONE:
        about = [line for line in said if "not verified:" in line or "no checksum that" in line]
        if "could be verified" in found.stderr or about:
            return Cell("yes", "not verified: the server keeps no checksum to verify it with")
        return Cell("yes")
    lines = found.stderr.splitlines()
    causes = [line.removeprefix("error:").strip() for line in lines if line.startswith("error:")]
    # Which of several fails first is up to chance.
    causes = [re.sub(r"file \d", "file N", cause) for cause in causes]
    causes += [line.split("failed:", 1)[1].strip() for line in lines if ": failed:" in line]
    because = [line.strip().removeprefix("because").strip() for line in said if "because" in line]
    if said and because:
        causes = [f"{said[0].split(': s3://')[0]}: {'; '.join(because)}"]
    verdict = {NOT_CONFIRMED: "not proven", REPLICATION_FAILED: "differs"}.get(found.code, "no")
    return Cell(verdict, plain(causes[0] if causes else found.stderr.strip(), trial))


def plain(text: str, trial: Trial) -> str:
    """Without what is another each time."""
    text = text.replace(trial.bucket, "BUCKET").replace("matrix/", "")
    text = text.replace(f"{trial.home}/", "")
    text = re.sub(r" \(request [^)]*\)", "", text)
    text = re.sub(r" version `[^`]*`", "", text)
    text = re.sub(r"digest \S+, \S+ claimed", "another digest", text)
    text = re.sub(r"\d+ bytes differ, the first at offset \d+", "bytes differ", text)
    return re.sub(r"kf-[a-z2-7]{26}", "KEY", text)
