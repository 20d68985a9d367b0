"""An object's key is found by itself: by the catalogue, by the object's tag, by trial.

A tag is a hint and no proof: a missing or forged one is put right. An object that is under none of
the store's keys is called that, and where it took the place of one of ours, a ransom is suspected.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from conftest import make_bucket
from customer_key import CustomerKey
from keyferry_cli import DONE, FAILURE, WRONG_KEY, Keyferry, left_in, upload

FORGED = "kf-aaaaaaaaaaaaaaaaaaaaaaaaaa"


def tags_of(s3, address: str, **more) -> dict[str, str]:
    bucket, key = address.removeprefix("s3://").split("/", 1)
    answer = s3.get_object_tagging(Bucket=bucket, Key=key, **more)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def set_tags(s3, address: str, tags: dict[str, str]) -> None:
    bucket, key = address.removeprefix("s3://").split("/", 1)
    tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
    s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tag_set})


def deny(s3, bucket: str, *actions: str) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def key_id(keyferry: Keyferry, ring: str = "test") -> str:
    shown = keyferry.run("key", "show", ring, "--output", "json").expect(DONE).stdout
    return json.loads(shown)["id"]


def exported(keyferry: Keyferry, ring: str = "test") -> CustomerKey:
    """The ring's active key as other programs use it."""
    path = keyferry.home / f"{ring}.key"
    if not path.exists():
        keyferry.run("key", "export", ring, str(path)).expect(DONE)
    return CustomerKey(path.read_bytes())


def catalogue(keyferry: Keyferry) -> Path:
    return keyferry.store / "catalogue.sqlite"


def forget(keyferry: Keyferry) -> None:
    """A store with the same keys, on a machine that has uploaded nothing."""
    fresh = keyferry.home / "fresh"
    keys = {}
    for entry in json.loads(keyferry.run("key", "list", "--output", "json").stdout):
        path = keyferry.home / f"{entry['id']}.raw"
        keyferry.run("key", "export", entry["id"], str(path)).expect(DONE)
        keys[entry["ring"], entry["version"]] = path
    other = Keyferry(keyferry.home, keyferry.lab)
    other.store = fresh
    other.run("key", "init", "--no-passphrase").expect(DONE)
    for (ring, _), path in sorted(keys.items()):
        other.run("key", "import", ring, str(path)).expect(DONE)
    keyferry.store = fresh


def usage(keyferry: Keyferry, *arguments: str) -> tuple[dict, list[dict]]:
    """The summary and the versions that `key usage` reports."""
    lines = keyferry.run("key", "usage", *arguments, "--output", "ndjson").expect(DONE)
    *items, summary = [json.loads(line) for line in lines.stdout.splitlines()]
    return summary["summary"], items


# Uploads record what they did.


def test_an_upload_is_in_the_catalogue(ready, stored):
    with sqlite3.connect(catalogue(ready)) as database:
        rows = database.execute("SELECT bucket, object, version, key FROM uses").fetchall()
    (row,) = rows
    assert f"s3://{row[0]}/{row[1]}" == stored
    assert len(row[2]) > 4 and row[3] == key_id(ready)
    assert catalogue(ready).stat().st_mode & 0o777 == 0o600
    assert '"key-used"' in (ready.store / "journal.jsonl").read_text()


def test_download_finds_the_key_without_a_tag(ready, s3, stored, source, target):
    set_tags(s3, stored, {"other": "stays"})
    ready.run("download", stored, str(target)).expect(DONE)
    assert target.read_bytes() == source.read_bytes()


def test_deleting_the_catalogue_is_harmless(ready, s3, stored, source, target):
    set_tags(s3, stored, {})
    catalogue(ready).unlink()
    outcome = ready.run("download", stored, str(target)).expect(DONE)
    assert "anew from the journal" in outcome.stderr
    assert target.read_bytes() == source.read_bytes()
    outcome = ready.run("download", stored, str(target)).expect(DONE)
    assert "anew" not in outcome.stderr


def test_a_damaged_catalogue_is_harmless(ready, stored, source, target):
    catalogue(ready).write_bytes(b"SQLite format 3\0" + bytes(5000))
    outcome = ready.run("download", stored, str(target)).expect(DONE)
    assert "anew from the journal" in outcome.stderr
    assert target.read_bytes() == source.read_bytes()


def test_a_missing_tag_is_made_up_for(ready, s3, stored, source, target):
    """By another store with the same key, which knows nothing of the object."""
    set_tags(s3, stored, {"other": "stays"})
    ready.run("key", "new", "decoy").expect(DONE)
    forget(ready)
    ready.run("download", stored, str(target)).expect(DONE)
    assert target.read_bytes() == source.read_bytes()
    assert tags_of(s3, stored) == {"other": "stays", "keyferry-key": key_id(ready)}
    assert '"key-found"' in (ready.store / "journal.jsonl").read_text()


@pytest.mark.parametrize("known", [True, False], ids=["in the catalogue", "unknown"])
@pytest.mark.parametrize("forgery", ["decoy", FORGED, "no key id"])
def test_a_forged_tag_is_corrected(ready, s3, stored, source, target, known, forgery):
    ready.run("key", "new", "decoy").expect(DONE)
    if not known:
        forget(ready)
    named = key_id(ready, "decoy") if forgery == "decoy" else forgery
    set_tags(s3, stored, {"first": "1", "keyferry-key": named, "last": "2"})
    outcome = ready.run("download", stored, str(target)).expect(DONE)
    assert target.read_bytes() == source.read_bytes()
    if known and forgery == "no key id":
        return  # The catalogue led to the key, and nobody looked at the tag.
    assert "corrected" in outcome.stderr and named in outcome.stderr
    assert tags_of(s3, stored) == {"first": "1", "keyferry-key": key_id(ready), "last": "2"}
    outcome = ready.run("download", stored, str(target)).expect(DONE)
    assert "warning" not in outcome.stderr


def test_a_tag_that_cannot_be_corrected_is_a_warning(ready, s3, key_bucket, stored, source, target):
    set_tags(s3, stored, {"keyferry-key": FORGED})
    deny(s3, key_bucket, "s3:PutObjectTagging", "s3:PutObjectVersionTagging")
    outcome = ready.run("download", stored, str(target)).expect(DONE)
    assert "cannot be corrected" in outcome.stderr
    assert target.read_bytes() == source.read_bytes()


def test_older_keys_of_a_ring_are_found(ready, s3, stored, source, target):
    """After a rotation, also where the ring is named or configured."""
    ready.run("key", "rotate", "test").expect(DONE)
    set_tags(s3, stored, {})
    forget(ready)
    config = ready.home / "config.toml"
    config.write_text('key = "test"\n')
    for arguments in ([], ["--key", "test"], ["--config", str(config)]):
        ready.run("download", stored, str(target), *arguments).expect(DONE)
        assert target.read_bytes() == source.read_bytes()
    ready.run("key", "new", "other").expect(DONE)
    outcome = ready.run("download", stored, str(target), "--key", "other")
    outcome.expect(WRONG_KEY).explains("ring `other`")


# Uploads that cannot be tagged.


def test_ten_other_tags(ready, s3, key_bucket, source, target):
    address = f"s3://{key_bucket}/full"
    tags = [argument for n in range(10) for argument in ("--tag", f"t{n}={n}")]
    outcome = upload(ready, source, address, *tags).expect(DONE)
    assert "catalogue" in outcome.stderr
    assert len(tags_of(s3, address)) == 10 and "keyferry-key" not in tags_of(s3, address)
    ready.run("download", address, str(target)).expect(DONE)
    assert target.read_bytes() == source.read_bytes()
    forget(ready)
    ready.run("download", address, str(target)).expect(DONE)
    assert len(tags_of(s3, address)) == 10


@pytest.mark.parametrize("size", [1000, 9_000_000])
def test_tagging_denied(ready, s3, key_bucket, target, size):
    deny(s3, key_bucket, "s3:PutObjectTagging")
    path = ready.home / "content"
    path.write_bytes(b"x" * size)
    address = f"s3://{key_bucket}/untagged"
    outcome = upload(ready, path, address, "--part-size", "5MiB").expect(DONE)
    assert "s3:PutObjectTagging" in outcome.stderr and "catalogue" in outcome.stderr
    ready.run("download", address, str(target)).expect(DONE)
    assert target.read_bytes() == path.read_bytes()


@pytest.fixture
def full_store(ready, tmp_path, key_bucket, source):
    """The store on a file system without room, and read-only afterwards; needs root, as CI has.

    Its ring is in use already: what is asked before the first upload is in the journal.
    """
    upload(ready, source, f"s3://{key_bucket}/first").expect(DONE)
    mount = tmp_path / "full"
    mount.mkdir()
    if os.geteuid() != 0:
        pytest.fail("mounting a small file system needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=True)
    shutil.copytree(ready.store, mount / "store")
    ready.store = mount / "store"
    filler = mount / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_full_disk_keeps_nobody_from_uploading(ready, key_bucket, source, target, full_store):
    address = f"s3://{key_bucket}/k"
    outcome = upload(ready, source, address).expect(DONE)
    assert "cannot record" in outcome.stderr and "No space left" in outcome.stderr
    ready.run("download", address, str(target)).expect(DONE)
    assert target.read_bytes() == source.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(full_store)], check=True)
    outcome = ready.run("download", address, str(target)).expect(DONE)
    assert "read-only" in outcome.stderr.lower()
    assert target.read_bytes() == source.read_bytes()
    summary, _ = usage(ready, address)
    assert summary["keys"][0]["current"] == 1


# Objects under none of our keys.


def test_a_foreign_object(ready, s3, key_bucket, target):
    s3.put_object(Bucket=key_bucket, Key="foreign", Body=b"x", **CustomerKey().arguments())
    outcome = ready.run("download", f"s3://{key_bucket}/foreign", str(target)).expect(WRONG_KEY)
    outcome.explains("none of the store's keys", "1 tried", "no tag", "key import")
    assert "ransom" not in outcome.stderr
    assert left_in(target.parent) == []


def test_a_foreign_object_that_claims_to_be_ours(ready, s3, key_bucket, target):
    tagging = f"keyferry-key={key_id(ready)}"
    s3.put_object(
        Bucket=key_bucket, Key="k", Body=b"x", Tagging=tagging, **CustomerKey().arguments()
    )
    outcome = ready.run("download", f"s3://{key_bucket}/k", str(target)).expect(WRONG_KEY)
    outcome.explains("its tag names", key_id(ready))


@pytest.mark.parametrize("how", ["recorded", "unknown", "versions not listed"])
def test_ransom(ready, s3, key_bucket, stored, source, target, how):
    """CopyObject of an object onto itself under a key of the attacker's."""
    if how == "unknown":
        forget(ready)
    key, theirs = exported(ready), CustomerKey()
    bucket, name = stored.removeprefix("s3://").split("/", 1)
    ours = s3.head_object(Bucket=bucket, Key=name, **key.arguments())["VersionId"]
    s3.copy_object(
        Bucket=bucket, Key=name, CopySource={"Bucket": bucket, "Key": name},
        **key.source_arguments(), **theirs.arguments(),
    )
    if how == "versions not listed":
        deny(s3, bucket, "s3:ListBucketVersions")
    # An object whose name goes on is another one.
    s3.put_object(Bucket=bucket, Key=f"{name}-2", Body=b"x", **key.arguments())
    for command in (["download", stored, str(target)], ["verify", stored]):
        outcome = ready.run(*command).expect(WRONG_KEY)
        outcome.explains("ransom", f"keyferry download --version-id {ours} '{stored}'")
        assert left_in(target.parent) == []
    ready.run("download", "--version-id", ours, stored, str(target)).expect(DONE)
    assert target.read_bytes() == source.read_bytes()


def test_ransom_without_versions(ready, s3, source, target):
    bucket = make_bucket(s3, customer_keys=True)
    address = f"s3://{bucket}/k"
    upload(ready, source, address).expect(DONE)
    s3.copy_object(
        Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k"},
        **exported(ready).source_arguments(), **CustomerKey().arguments(),
    )
    outcome = ready.run("download", address, str(target)).expect(WRONG_KEY)
    outcome.explains("ransom", "replica")


# What needs which key.


@pytest.fixture
def various(ready, s3, key_bucket, source) -> str:
    """Versions under two keys of a ring and one of another, under a foreign key and under none;
    open uploads; a delete marker on top of one of ours."""
    for name in ("a", "b", "prefix/c"):
        upload(ready, source, f"s3://{key_bucket}/{name}").expect(DONE)
    ready.run("key", "rotate", "test").expect(DONE)
    upload(ready, source, f"s3://{key_bucket}/a").expect(DONE)
    s3.delete_object(Bucket=key_bucket, Key="b")
    ready.run("key", "new", "other").expect(DONE)
    other, foreign = exported(ready, "other"), CustomerKey()
    s3.put_object(Bucket=key_bucket, Key="odd name + %", Body=b"x", **other.arguments())
    s3.put_object(Bucket=key_bucket, Key="foreign", Body=b"x", **foreign.arguments())
    s3.put_object(Bucket=key_bucket, Key="plain", Body=b"x")
    for key, more in ((other, {"ChecksumAlgorithm": "CRC32"}), (other, {}), (foreign, {})):
        s3.create_multipart_upload(Bucket=key_bucket, Key="open", **key.arguments(), **more)
    s3.create_multipart_upload(Bucket=key_bucket, Key="plain open")
    return f"s3://{key_bucket}"


def counts(summary: dict) -> dict[tuple[str, int], tuple[int, int, int]]:
    return {
        (key["ring"], key["version"]): (key["current"], key["noncurrent"], key["open_uploads"])
        for key in summary["keys"]
    }


EXPECTED = {("test", 1): (1, 2, 0), ("test", 2): (1, 0, 0), ("other", 1): (1, 0, 2)}


@pytest.mark.parametrize("known", [True, False], ids=["in the catalogue", "unknown"])
def test_usage(ready, various, known):
    if not known:
        forget(ready)
    summary, items = usage(ready, various)
    assert counts(summary) == EXPECTED
    assert (summary["foreign"], summary["not_customer_key"]) == (2, 2)
    assert summary["undetermined"] == 0
    assert len(items) == 11
    odd = next(item for item in items if item["address"]["key"] == "odd name + %")
    assert odd["key"]["kind"] == "known" and odd["is_latest"]

    # What was found is recorded: the catalogue leads to all of it now.
    _, again = usage(ready, various)
    by = {item["key"]["by"] for item in again if item["type"] == "version" and "by" in item["key"]}
    assert by == {"record"}
    recorded = ready.run("key", "usage", "--output", "json").expect(DONE).stdout
    assert sum(count["versions"] for count in json.loads(recorded)["recorded"]) == 5


def test_usage_of_one_ring_and_of_one_key(ready, various):
    summary, items = usage(ready, "other", various)
    assert counts(summary) == {("other", 1): (1, 0, 2)}
    assert summary["other_keys"] == 4
    old = next(
        key["key_id"]
        for key in usage(ready, "test", various)[0]["keys"]
        if key["version"] == 1
    )
    summary, _ = usage(ready, old, f"{various}/prefix/")
    assert counts(summary) == {("test", 1): (1, 0, 0)}


def test_usage_of_current_versions_only(ready, various):
    summary, _ = usage(ready, various, "--current-only")
    assert counts(summary) == {("test", 1): (1, 0, 0), ("test", 2): (1, 0, 0), ("other", 1): (1, 0, 0)}
    assert summary["foreign"] == 1


def test_usage_as_text_and_json(ready, various):
    outcome = ready.run("key", "usage", various, "--objects").expect(DONE)
    assert "NONCURRENT" in outcome.stdout and "foreign key" in outcome.stdout
    assert f"{various}/prefix/c" in outcome.stdout
    assert "warning" in outcome.stderr
    document = json.loads(ready.run("key", "usage", various, "--output", "json").stdout)
    assert document["address"] == f"{various}/" and document["all_versions"]
    assert len(document["objects"]) == 11
    assert counts(document["summary"]) == EXPECTED


def test_usage_without_permission_is_incomplete(ready, s3, key_bucket, various):
    deny(s3, key_bucket, "s3:GetObjectVersion")
    outcome = ready.run("key", "usage", various, "--output", "json").expect(FAILURE)
    outcome.explains("s3:GetObjectVersion")
    assert json.loads(outcome.stdout)["summary"]["undetermined"] > 0
    deny(s3, key_bucket, "s3:ListBucketVersions")
    ready.run("key", "usage", various).expect(FAILURE).explains("s3:ListBucketVersions")


def test_usage_over_many_pages(ready, s3, key_bucket):
    """More versions than S3 lists at once."""
    key = exported(ready)
    for number in range(1010):
        s3.put_object(
            Bucket=key_bucket, Key=f"k{number % 7}", Body=b"x",
            Tagging=f"keyferry-key={key_id_once(ready)}", **key.arguments(),
        )
    summary, items = usage(ready, f"s3://{key_bucket}")
    assert counts(summary) == {("test", 1): (7, 1003, 0)}
    assert len({item["version_id"] for item in items}) == 1010


_ids: dict[Path, str] = {}


def key_id_once(keyferry: Keyferry) -> str:
    if keyferry.store not in _ids:
        _ids[keyferry.store] = key_id(keyferry)
    return _ids[keyferry.store]
