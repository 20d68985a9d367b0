"""`key export --for PROGRAM` prints what works: each text is run as it is, words in capitals aside.

The key's path has spaces and both kinds of quotation marks.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import stat
import subprocess

import pytest

from customer_key import CustomerKey
from keyferry_cli import DONE, USAGE, Keyferry, left_in
from lab_process import FIRST_REGION

CONTENT = random.Random(5).randbytes(123_457)


def export(keyferry: Keyferry, program: str) -> tuple[str, bytes]:
    """The instructions and the key."""
    folder = keyferry.home / "it's a \"key\""
    folder.mkdir()
    path = folder / "k&y"
    text = keyferry.run("key", "export", "test", str(path), "--for", program).expect(DONE).stdout
    for each in folder.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    key = path.read_bytes()
    assert len(key) == 32
    return text, key


def run(keyferry: Keyferry, script: str, **words: str) -> subprocess.CompletedProcess:
    """A POSIX shell reads what was printed, with the reader's own words in place of the capitals."""
    for word, meant in words.items():
        script = script.replace(word, meant)
    finished = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        env=keyferry.environment
        | {
            "RCLONE_CONFIG": str(keyferry.home / "rclone.conf"),
            # s3sync trusts the system's authorities only.
            "SSL_CERT_FILE": keyferry.lab.ca_bundle,
        },
        cwd=keyferry.home, capture_output=True, text=True, timeout=180,
    )
    assert finished.returncode == 0, f"{script}\n{finished.stderr}\n{finished.stdout}"
    return finished


def commands(text: str) -> list[str]:
    """The commands between the comments."""
    found: list[str] = []
    block: list[str] = []
    for line in text.splitlines() + ["#"]:
        if line.startswith("#"):
            found += ["\n".join(block)] if block else []
            block = []
        else:
            block.append(line)
    return found


@pytest.fixture
def data(ready):
    path = ready.home / "data"
    path.write_bytes(CONTENT)
    return path


def downloads(keyferry: Keyferry, address: str) -> None:
    target = keyferry.home / "read back"
    target.unlink(missing_ok=True)
    keyferry.run("download", address, str(target), "--key", "test").expect(DONE)
    assert target.read_bytes() == CONTENT


def test_awscli(ready, key_bucket, data):
    text, _ = export(ready, "awscli")
    copy, copy_within, get = commands(text)
    run(ready, copy, SOURCE="data", DESTINATION=f"s3://{key_bucket}/up")
    downloads(ready, f"s3://{key_bucket}/up")
    run(
        ready, copy_within, SOURCE=f"s3://{key_bucket}/up", DESTINATION=f"s3://{key_bucket}/again"
    )
    downloads(ready, f"s3://{key_bucket}/again")
    run(ready, get, **{"BUCKET": key_bucket, "--key KEY": "--key again", "FILE": "down"})
    assert (ready.home / "down").read_bytes() == CONTENT


def test_rclone(ready, key_bucket, data):
    text, _ = export(ready, "rclone")
    (copy,) = commands(text)
    run(ready, copy, SOURCE="data", DESTINATION=f"lab:{key_bucket}/up")
    downloads(ready, f"s3://{key_bucket}/up")
    run(ready, copy, SOURCE=f"lab:{key_bucket}/up", DESTINATION="down")
    assert (ready.home / "down").read_bytes() == CONTENT


def test_boto3(ready, key_bucket, data):
    text, _ = export(ready, "boto3")
    words = {'"FILE"': '"data"', '"BUCKET"': f'"{key_bucket}"', '"KEY"': '"up"'}
    for word, meant in words.items():
        text = text.replace(word, meant)
    program = ready.home / "program.py"
    program.write_text(text + "assert content == Path('data').read_bytes()\n")
    data.write_bytes(CONTENT)
    run(ready, f"python {program.name}")
    downloads(ready, f"s3://{key_bucket}/up")


def curl_version() -> tuple[int, int]:
    words = subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout.split()
    major, minor, *_ = words[1].split(".")
    return int(major), int(minor)


def test_curl(ready, s3, key_bucket, data):
    address = f"s3://{key_bucket}/up"
    ready.run("upload", str(data), address, "--key", "test", "--no-wait").expect(DONE)
    text, key = export(ready, "curl")
    signing, presigned = commands(text)
    endpoint = ready.lab.endpoints[FIRST_REGION]
    trust = f"--cacert '{ready.lab.ca_bundle}'"
    arguments = CustomerKey(key).arguments()
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": key_bucket, "Key": "up", **arguments}
    )
    run(ready, presigned, **{"FILE URL": f"down {trust} '{url}'"})
    assert (ready.home / "down").read_bytes() == CONTENT
    # github.com/curl/curl/pull/14370: before 8.10 curl sorts `...-key-md5` before `...-key`.
    if curl_version() >= (8, 10):
        (ready.home / "down").unlink()
        run(
            ready,
            signing,
            **{
                "https://BUCKET.s3.REGION.amazonaws.com/KEY": f"{trust} {endpoint}/{key_bucket}/up",
                "REGION": FIRST_REGION,
                "FILE": "down",
            },
        )
        assert (ready.home / "down").read_bytes() == CONTENT


@pytest.mark.skipif(shutil.which("s3sync") is None, reason="s3sync takes minutes to build")
def test_s3sync(ready, key_bucket):
    folder = ready.home / "tree"
    folder.mkdir()
    (folder / "up").write_bytes(CONTENT)
    text, _ = export(ready, "s3sync")
    up, down = commands(text)
    endpoint = ready.lab.endpoints[FIRST_REGION]
    run(
        ready,
        up,
        **{
            "FOLDER": f"--target-endpoint-url {endpoint} --target-force-path-style tree",
            "BUCKET/PREFIX": f"{key_bucket}/p/",
        },
    )
    downloads(ready, f"s3://{key_bucket}/p/up")
    run(
        ready,
        down,
        **{
            "FOLDER": "back",
            "s3://BUCKET/PREFIX":
                f"--source-endpoint-url {endpoint} --source-force-path-style"
                f" s3://{key_bucket}/p/",
        },
    )
    assert (ready.home / "back" / "up").read_bytes() == CONTENT


def test_s3sync_is_given_the_key_by_its_environment(ready):
    """What the text says, for where s3sync is not installed."""
    text, key = export(ready, "s3sync")
    up, down = commands(text)
    for command, side in ((up, "TARGET"), (down, "SOURCE")):
        found = run(ready, command.replace("s3sync ", "env #")).stdout.splitlines()
        assert f"{side}_SSE_C=AES256" in found
        assert f"{side}_SSE_C_KEY={base64.b64encode(key).decode()}" in found
        md5 = base64.b64encode(hashlib.md5(key).digest()).decode()
        assert f"{side}_SSE_C_KEY_MD5={md5}" in found


@pytest.mark.parametrize("program", ["awscli", "rclone", "boto3", "s3sync", "curl"])
def test_no_text_holds_the_key(ready, program):
    text, key = export(ready, program)
    for spelling in CustomerKey(key).spellings():
        assert spelling not in text.encode()


def test_refusals_write_nothing(ready):
    ready.run("key", "export", "test", "-", "--for", "curl").expect(USAGE).explains("file")
    outcome = ready.run("key", "export", "test", "a$b", "--for", "awscli")
    outcome.expect(USAGE).explains("$")
    (ready.home / "k.headers").write_text("precious")
    ready.run("key", "export", "test", "k", "--for", "curl").expect(USAGE).explains("k.headers")
    assert (ready.home / "k.headers").read_text() == "precious"
    assert not {"k", "a$b"} & set(left_in(ready.home))


def test_the_log_names_every_file(ready):
    ready.run("key", "export", "test", "k", "--for", "curl", "--output", "json").expect(DONE)
    listed = json.loads(ready.run("key", "log", "--output", "json").expect(DONE).stdout)
    exported = [each["event"]["to"] for each in listed if each["event"]["type"] == "key-exported"]
    home = ready.home
    assert exported == [f"{home}/k", f"request headers in {home}/k.headers"]
