"""`keyferry verify --report` and `--repair`, over buckets in which things really went wrong."""

from __future__ import annotations

import base64
import csv
import io
import json
import signal
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

from conftest import set_blocked_encryption
from keyferry_cli import DONE, FAILURE, INTERRUPTED, REPLICATION_FAILED, STORE_LOCKED, USAGE, WRONG_KEY, Keyferry
from replication_status import wait_for
from test_cli_verify_outcomes import Pair, pair, pair_lab  # noqa: F401

ODD = "names/a b+%,\"&<script>alert(1)</script>'.bin"
FORMATS = ["html", "xml", "ndjson", "json", "txt"]


def failed(pair: Pair, *keys: str) -> dict[str, str]:
    """Objects whose replication failed, since the destination blocked customer keys; it no longer does."""
    set_blocked_encryption(pair.osaka, pair.replica, "SSE-C")
    versions = {key: pair.put(key) for key in keys}
    for key in keys:
        wait_for(lambda key=key: status(pair, key) == "FAILED", f"the failure of {key}")
    set_blocked_encryption(pair.osaka, pair.replica, "NONE")
    return versions


def status(pair: Pair, key: str) -> str | None:
    report = json.loads(
        pair.keyferry.run(
            *("verify", f"s3://{pair.source}/{key}", "--wait", "0s", "--output", "json"),
        ).stdout
    )["report"]
    return report["source"]["view"]["status"]


def verify(pair: Pair, *arguments: str):
    return pair.keyferry.run("verify", f"s3://{pair.source}/", "--wait", "20s", *arguments)


def versions(pair: Pair, key: str) -> list[str]:
    listed = pair.tokyo.list_object_versions(Bucket=pair.source, Prefix=key)
    return [version["VersionId"] for version in listed["Versions"] if version["Key"] == key]


def test_every_format_says_the_same(pair, tmp_path):
    failed(pair, "lost/one", "lost/two", ODD)
    for number in range(5):
        pair.put(f"fine/{number}")
    paths = {extension: tmp_path / f"run.{extension}" for extension in FORMATS}
    options = [option for path in paths.values() for option in ("--report", str(path))]
    done = verify(pair, *options).expect(REPLICATION_FAILED)
    for path in paths.values():
        assert f"report written to {path}" in done.stderr

    lines = [json.loads(line) for line in paths["ndjson"].read_text().splitlines()]
    assert [line["type"] for line in lines] == ["run"] + ["object"] * 8 + ["summary"]
    summary = lines[-1]
    assert summary["verdicts"] == {"verified": 5, "failed": 3}
    assert (summary["conclusion"], summary["complete"]) == ("refuted", True)
    assert json.loads(paths["json"].read_text())["summary"] == summary

    suites = ElementTree.parse(paths["xml"]).getroot()
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("8", "3", "0")
    broken = {case.get("name").partition(" version ")[0]: case.find("failure")
              for case in suites.iter("testcase") if case.find("failure") is not None}
    assert set(broken) == {"lost/one", "lost/two", ODD}
    assert all(failure.get("type") == "failed" for failure in broken.values())

    page = paths["html"].read_text()
    assert "<h1>Not verified: 3 of 8 objects are not as they should be.</h1>" in page
    assert page.count("<script") == 1 and "&lt;script&gt;alert(1)" in page
    assert paths["txt"].read_text().startswith("Not verified: 3 of 8 objects")

    # No report holds the key, in any spelling.
    exported = tmp_path / "exported.key"
    pair.keyferry.run("key", "export", "test", str(exported)).expect(DONE)
    key = exported.read_bytes()
    spellings = [key, key.hex().encode(), base64.b64encode(key), key.hex().upper().encode()]
    for path in paths.values():
        content = path.read_bytes()
        assert not any(spelling in content for spelling in spellings), path


def test_all_is_well(pair, tmp_path):
    pair.put("fine", 2000)
    page, junit = tmp_path / "fine.html", tmp_path / "fine.xml"
    verify(pair, "--level", "deep", "--report", str(page), "--report", str(junit)).expect(DONE)
    assert "<h1>Verified: the object arrived.</h1>" in page.read_text()
    assert "Every byte was read with the key" in page.read_text()
    # The same of an object by itself, over the older report.
    pair.keyferry.run(
        *("verify", f"s3://{pair.source}/fine", "--report", str(page), "--report", str(junit)),
    ).expect(DONE)
    assert "that the replica decrypts is not proven" in page.read_text()
    assert ElementTree.parse(junit).getroot().get("tests") == "1"


def test_reports_that_cannot_be_written(pair, tmp_path):
    """Said before anything is asked of S3."""
    for name, words in [
        ("run.pdf", [".html", "junit"]),
        ("run", [".html", "junit"]),
        ("no/folder/run.html", ["folder"]),
    ]:
        done = verify(pair, "--report", str(tmp_path / name))
        assert done.code in (FAILURE, USAGE)
        done.explains(*words)
    twice = str(tmp_path / "run.html")
    verify(pair, "--report", twice, "--report", twice).expect(USAGE).explains("once")
    assert not list(tmp_path.glob("*run*"))


def test_a_run_that_proves_nothing_leaves_no_older_report(pair, tmp_path):
    page, junit = tmp_path / "run.html", tmp_path / "run.xml"
    options = ["--report", str(page), "--report", str(junit)]
    pair.put("fine")
    verify(pair, *options).expect(DONE)
    for asked in ["nothing-here/", "no-such-object"]:
        pair.keyferry.run("verify", f"s3://{pair.source}/{asked}", *options).expect(FAILURE)
        assert "<h1>Nothing was verified: " in page.read_text()
        suites = ElementTree.parse(junit).getroot()
        assert (suites.get("tests"), suites.get("errors")) == ("1", "1")


def test_what_failed_is_copied_onto_itself_and_arrives(pair):
    before = failed(pair, "lost/one", ODD)
    tags = pair.tokyo.get_object_tagging(Bucket=pair.source, Key=ODD)["TagSet"]
    # Without a terminal nobody can say yes, and nothing happens.
    verify(pair, "--repair").expect(USAGE).explains("--yes", "manifest")
    assert {key: versions(pair, key) for key in before} == {key: [id] for key, id in before.items()}

    done = verify(pair, "--repair", "--yes").expect(REPLICATION_FAILED)
    assert "2 objects got a new version that replicates, of 2" in done.stderr
    for key, old in before.items():
        new, still_there = versions(pair, key)
        assert still_there == old != new
    assert pair.tokyo.get_object_tagging(Bucket=pair.source, Key=ODD)["TagSet"] == tags
    verify(pair).expect(DONE)
    # What is well is not touched.
    done = verify(pair, "--repair", "--yes").expect(DONE)
    assert "nothing to repair" in done.stderr
    assert all(len(versions(pair, key)) == 2 for key in before)


def test_while_the_cause_is_there_nothing_is_copied(pair):
    set_blocked_encryption(pair.osaka, pair.replica, "SSE-C")
    pair.put("refused")
    pair.put("refused-too")
    for key in ("refused", "refused-too"):
        wait_for(lambda key=key: status(pair, key) == "FAILED", "the failure")
    # What is the same for both is said once, with the command that mends it.
    said = verify(pair).expect(REPLICATION_FAILED).stdout
    assert said.count("replication failed: ") == 2, said
    assert said.count("blocks SSE-C") == 1 and said.count("because    as above") == 1, said
    assert said.count("  mend ") == said.count("put-bucket-encryption") == 1, said
    done = verify(pair, "--repair", "--yes").expect(REPLICATION_FAILED)
    assert "not repaired: 2 objects: the cause is still there" in done.stderr
    assert len(versions(pair, "refused")) == 1


def test_an_older_version_never_comes_back(pair):
    failed(pair, "twice")
    second = pair.put("twice", 2000)
    pair.arrived("twice")
    done = verify(pair, "--all-versions", "--repair", "--yes").expect(REPLICATION_FAILED)
    assert "there is a newer version" in done.stderr
    assert versions(pair, "twice")[0] == second


def test_a_manifest_lists_what_failed(pair, tmp_path):
    before = failed(pair, "lost/one", ODD)
    pair.put("fine")
    manifest = tmp_path / "list.csv"
    done = verify(pair, f"--repair=manifest={manifest}").expect(REPLICATION_FAILED)
    rows = list(csv.reader(io.StringIO(manifest.read_text())))
    listed = {urllib.parse.unquote(key): (bucket, version) for bucket, key, version in rows}
    assert listed == {key: (pair.source, version) for key, version in before.items()}
    assert all(len(versions(pair, key)) == 1 for key in before)

    # The commands are such that a shell and the AWS CLI take them.
    commands = done.stdout[done.stdout.index("ETAG="):]
    shell = tmp_path / "aws"
    shell.write_text('#!/bin/sh\nprintf \'%s\\n\' "$@" >> "$CALLS"; echo "----" >> "$CALLS"\necho \'"e7a9"\'\n')
    shell.chmod(0o755)
    calls = tmp_path / "calls"
    subprocess.run(
        ["bash", "-eu", "-c", commands], check=True, stdout=subprocess.DEVNULL,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(calls),
             "BATCH_ROLE": "arn:aws:iam::111122223333:role/batch"},
    )
    put, _, create, _ = calls.read_text().split("----\n")
    assert put.split("\n")[:2] == ["s3api", "put-object"] and str(manifest) in put
    words = create.split("\n")
    assert words[:2] == ["s3control", "create-job"]
    value = {word: json.loads(words[words.index(word) + 1])
             for word in ["--operation", "--manifest", "--report"]}
    assert value["--operation"] == {"S3ReplicateObject": {}}
    assert value["--manifest"]["Location"] == {
        "ObjectArn": f"arn:aws:s3:::{pair.source}/keyferry-repair/manifest.csv", "ETag": "e7a9",
    }
    # An earlier list is not written over.
    verify(pair, f"--repair=manifest={manifest}").expect(USAGE).explains("exists")
    verify(pair, "--repair=magic").expect(USAGE)


def test_a_run_that_goes_on_reports_and_repairs_all_of_it(pair, tmp_path):
    """What the first part found is kept beside the state, and is not forgotten by the second part."""
    failed(pair, "a/lost", "b/lost")
    pair.put("c/fine")
    pair.arrived("c/fine")
    fault = ("lab", "fault")
    pair.keyferry.run(*fault, "stall", "--bucket", pair.source).expect(DONE)
    pair.put("d/late")
    state, report = tmp_path / "state.json", tmp_path / "run.ndjson"
    results = tmp_path / "state.json.results"
    asked = ["verify", f"s3://{pair.source}/", "--state", str(state), "--report", str(report)]
    with subprocess.Popen(
        pair.keyferry.command(*asked, "--wait", "10m"),
        env=pair.keyferry.environment, cwd=pair.keyferry.home,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as first:
        wait_for(lambda: state.exists() and json.loads(state.read_text())["results"] > 1000, "the state")
        first.send_signal(signal.SIGINT)
        said = first.stderr.read()
    assert first.returncode == INTERRUPTED, said
    assert "the same command goes on" in said
    assert results.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(lines) == 5
    # The report says why it is not complete.
    assert not lines[-1]["complete"] and "interrupted" in lines[-1]["error"]["message"]
    assert "same command" in lines[-1]["error"]["hint"]

    # A result that came after the state was last written is found again, not told twice.
    with results.open("a") as more:
        more.write('{"half a li')
    older = report.read_text()
    pair.keyferry.run(*(word if word != f"s3://{pair.source}/" else f"{word}a/" for word in asked)).expect(
        USAGE
    ).explains("another verification")
    assert report.read_text() == older

    pair.keyferry.run(*fault, "clear", "--bucket", pair.source).expect(DONE)
    page = tmp_path / "run.html"
    done = pair.keyferry.run(*asked, "--wait", "30s", "--report", str(page), "--repair", "--yes")
    assert "going on with an earlier run" in done.stderr
    done.expect(REPLICATION_FAILED)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert len({line["version_id"] for line in lines[1:-1]}) == 4 == len(lines) - 2
    summary = lines[-1]
    assert summary["complete"] and summary["error"] is None
    assert summary["total"] == 4 == sum(summary["conclusions"].values())
    assert "before this run was continued" not in page.read_text()
    assert "2 objects got a new version that replicates, of 2" in done.stderr
    assert not state.exists() and not results.exists()
    # A file of somebody else in the place of the results is left alone.
    results.write_text("mine")
    pair.keyferry.run(*asked).expect(USAGE).explains("results")
    assert results.read_text() == "mine"


def test_a_run_that_looked_at_nothing_leaves_an_older_report(pair, tmp_path):
    pair.put("fine")
    page, new = tmp_path / "run.html", tmp_path / "new.xml"
    verify(pair, "--report", str(page)).expect(DONE)
    older = page.read_text()
    options = ["--report", str(page), "--report", str(new)]
    # A command line that makes no sense.
    (tmp_path / "state").write_text("no state")
    verify(pair, *options, "--state", str(tmp_path / "state")).expect(USAGE)
    assert page.read_text() == older and not new.exists()
    # Credentials that S3 does not know.
    wrong = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7NOTHERE"}
    done = pair.keyferry.run("verify", f"s3://{pair.source}/", *options, environment=wrong)
    done.expect(FAILURE)
    assert page.read_text() == older and "left as it was" in done.stderr
    # The new one tells why.
    message = done.stderr.partition("error: ")[2].partition("\n")[0]
    assert message[:30] in ElementTree.parse(new).getroot().find(".//error").get("message")


def test_a_prefix_that_was_taken_for_an_object(pair):
    pair.put("photos/one")
    pair.put("photos/two")
    done = pair.keyferry.run("verify", f"s3://{pair.source}/photos").expect(FAILURE)
    done.explains("2 objects lie below `photos/`", "-r")


def test_that_no_key_opens_a_prefix_is_told_once(pair, tmp_path):
    for number in range(3):
        pair.put(f"sealed/{number}")
    home = tmp_path / "elsewhere"
    home.mkdir()
    elsewhere = Keyferry(home, pair.lab)
    done = elsewhere.run("verify", f"s3://{pair.source}/").expect(STORE_LOCKED)
    assert done.stdout.count("no key is at hand") == 2 and "2 more objects" in done.stdout
    done.explains("there is no key store", "3 objects are under customer keys", "--store")

    # A store that has other keys: the objects' tag names the one that is needed.
    done = elsewhere.with_ring("other").run("verify", f"s3://{pair.source}/").expect(WRONG_KEY)
    assert done.stdout.count("its tag names the key `kf-") == 2 and "2 more objects" in done.stdout


def test_an_interrupted_upload_names_the_command_that_goes_on(pair):
    pair.keyferry.run("lab", "fault", "stall", "--bucket", pair.source).expect(DONE)
    path = pair.keyferry.home / "content"
    path.write_bytes(b"late")
    address = f"s3://{pair.source}/late"
    with subprocess.Popen(
        pair.keyferry.command("upload", str(path), address, "--key", "test", "--wait", "10m"),
        env=pair.keyferry.environment, cwd=pair.keyferry.home,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as uploading:
        assert "uploaded" in uploading.stdout.readline()
        uploading.send_signal(signal.SIGINT)
        said = uploading.stderr.read()
    assert uploading.returncode == INTERRUPTED, said
    assert f"`keyferry verify '{address}' --version-id '" in said
    pair.keyferry.run("lab", "fault", "clear", "--bucket", pair.source).expect(DONE)


def test_what_holds_of_content_that_differs_is_counted(pair, tmp_path):
    pair.keyferry.run("lab", "fault", "corrupt", "--bucket", pair.source).expect(DONE)
    pair.put("corrupt")
    pair.arrived("corrupt")
    pair.keyferry.run("lab", "fault", "clear", "--bucket", pair.source).expect(DONE)
    report = tmp_path / "run.txt"
    verify(pair, "--level", "deep", "--report", str(report)).expect(REPLICATION_FAILED)
    proven = report.read_text().partition("Proven, of 1 object")[2].splitlines()[1:5]
    assert [line.split()[:2] for line in proven] == [
        ["1", "status"], ["1", "equal"], ["0", "sample"], ["0", "deep"],
    ]
