"""`keyferry lab up` as a program: exports, signals, persistence, and what it lets out."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from conftest import client, make_bucket
from customer_key import CustomerKey
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess
from replication_status import wait_for_status
from s3_error import refused
from signed_request import send

MIB = 1024 * 1024


@pytest.fixture
def start_lab():
    """Starts labs, and leaves none behind when the test fails."""
    started = []

    def start(*arguments: str, **options) -> LabProcess:
        process = LabProcess(*arguments, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def test_exports_are_for_a_shell(lab):
    """stdout holds nothing but lines that a shell evaluates."""
    script = "".join(lab.stdout_lines) + '\nprintf %s "$AWS_ENDPOINT_URL_S3"'
    found = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == lab.endpoints[FIRST_REGION]
    assert found.stderr == ""


def test_exports_are_complete(lab):
    exports = lab.exports
    assert lab.endpoints.keys() == {FIRST_REGION, SECOND_REGION}
    assert all(url.startswith("https://127.0.0.1:") for url in lab.endpoints.values())
    assert exports["AWS_REGION"] == exports["AWS_DEFAULT_REGION"] == FIRST_REGION
    assert Path(exports["AWS_CA_BUNDLE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert exports["RCLONE_CA_CERT"] == exports["AWS_CA_BUNDLE"]
    assert exports["RCLONE_CONFIG_LAB_TYPE"] == "s3"
    assert exports["RCLONE_CONFIG_LAB_ENDPOINT"] == lab.endpoints[FIRST_REGION]


def test_only_loopback_is_bound(lab):
    """The lab is reachable from this machine only."""
    ports = {url.rsplit(":", 1)[1] for url in lab.endpoints.values()}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, port = line.split()[1].split(":")
            if line.split()[3] == "0A" and str(int(port, 16)) in ports:
                assert address == "0100007F" or address.endswith("01000000"), line


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_well(start_lab, how):
    process = start_lab("--empty")
    client(process).list_buckets()
    ca = Path(process.ca_bundle)
    assert process.stop(how) == 0
    # The temporary folder goes with it.
    assert not ca.exists()


def test_two_labs_do_not_meet(lab, start_lab):
    other = start_lab("--empty")
    assert set(other.endpoints.values()).isdisjoint(lab.endpoints.values())
    assert other.credentials != lab.credentials
    answer = send(other, "GET", credentials=lab.credentials)
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


def fill(process: LabProcess, key: CustomerKey) -> tuple[str, str]:
    """A bucket with a sealed object of several parts, and an upload under way."""
    s3 = client(process)
    bucket = make_bucket(s3, versioning="Enabled", customer_keys=True)
    target = {"Bucket": bucket, "Key": "k"}
    upload = s3.create_multipart_upload(**target, **key.arguments())["UploadId"]
    parts = []
    for number, part in enumerate((b"1" * (5 * MIB), b"2" * 100), 1):
        answer = s3.upload_part(
            UploadId=upload, PartNumber=number, Body=part, **target, **key.arguments()
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(
        UploadId=upload, MultipartUpload={"Parts": parts}, **target, **key.arguments()
    )
    s3.put_object(Bucket=bucket, Key="gone", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="gone")
    open_upload = s3.create_multipart_upload(Bucket=bucket, Key="open", **key.arguments())
    s3.upload_part(
        Bucket=bucket, Key="open", UploadId=open_upload["UploadId"], PartNumber=1, Body=b"open",
        **key.arguments(),
    )
    return bucket, open_upload["UploadId"]


def test_a_folder_persists(tmp_path, start_lab):
    """With --dir everything is there again after a stop."""
    folder = tmp_path / "lab"
    key = CustomerKey()
    process = start_lab("--empty", "--dir", str(folder))
    bucket, upload = fill(process, key)
    process.stop()
    process = start_lab("--empty", "--dir", str(folder))
    s3 = client(process)
    found = s3.get_object(Bucket=bucket, Key="k", **key.arguments())
    assert found["Body"].read() == b"1" * (5 * MIB) + b"2" * 100
    with refused(403, "AccessDenied"):
        s3.get_object(Bucket=bucket, Key="k", **CustomerKey().arguments())
    with refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="gone")
    assert len(s3.list_object_versions(Bucket=bucket, Prefix="gone")["Versions"]) == 1
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    target = {"Bucket": bucket, "Key": "open", "UploadId": upload}
    (part,) = s3.list_parts(**target, **key.arguments())["Parts"]
    s3.complete_multipart_upload(
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        **target,
        **key.arguments(),
    )
    found = s3.get_object(Bucket=bucket, Key="open", **key.arguments())
    assert found["Body"].read() == b"open"


def test_a_killed_lab_opens_again(tmp_path, start_lab):
    """A kill may take the last writes with it, but leaves no object without its content."""
    folder = tmp_path / "lab"
    key = CustomerKey()
    process = start_lab("--dir", str(folder))
    s3 = client(process)
    for number in range(50):
        s3.put_object(
            Bucket="lab-tokyo", Key=f"k{number}", Body=b"%d" % number * 30_000, **key.arguments()
        )
    process.stop(signal.SIGKILL)
    process = start_lab("--dir", str(folder))
    s3 = client(process)
    for each in s3.list_objects_v2(Bucket="lab-tokyo").get("Contents", []):
        found = s3.get_object(Bucket="lab-tokyo", Key=each["Key"], **key.arguments())
        assert found["Body"].read() == each["Key"].removeprefix("k").encode() * 30_000
    s3.put_object(Bucket="lab-tokyo", Key="after", Body=b"x", **key.arguments())
    wait_for_status(s3, "lab-tokyo", "after", "COMPLETED", **key.arguments())


def test_replication_goes_on_after_a_restart(tmp_path, start_lab):
    """What was PENDING when the lab stopped ends as COMPLETED after it is back."""
    folder = tmp_path / "lab"
    process = start_lab("--dir", str(folder))
    s3 = client(process)
    key = CustomerKey()
    names = [f"k{number}" for number in range(40)]
    for name in names:
        s3.put_object(Bucket="lab-tokyo", Key=name, Body=b"x" * 200_000, **key.arguments())
    process.stop()
    process = start_lab("--dir", str(folder))
    s3 = client(process)
    far = client(process, SECOND_REGION)
    for name in names:
        wait_for_status(s3, "lab-tokyo", name, "COMPLETED", **key.arguments())
        found = far.get_object(Bucket="lab-osaka", Key=name, **key.arguments())
        assert found["Body"].read() == b"x" * 200_000


PLAINTEXT = b"this sentence must never be found on the disk of the lab " * 3000


def files_holding(folder: Path, needles: list[bytes]) -> list[tuple[Path, bytes]]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [(path, needle) for needle in needles if needle in data]
    return found


def test_neither_keys_nor_plaintext_reach_disk_or_log(tmp_path, start_lab):
    """userguide/ServerSideEncryptionCustomerKeys.html: S3 does not store the key. At the highest
    log level, through every operation with a key, good and bad, no key is written anywhere."""
    folder = tmp_path / "lab"
    process = start_lab(
        "--dir",
        str(folder),
        environment={
            "RUST_LOG": "trace",
            "KEYFERRY_LOG": "trace",
            "KEYFERRY_VERBOSE": "3",
            "RUST_BACKTRACE": "1",
        },
    )
    key, other, failing = CustomerKey(), CustomerKey(), CustomerKey()
    s3 = client(process)
    address = {"Bucket": "lab-tokyo", "Key": "k"}
    s3.put_object(Body=PLAINTEXT, **address, **key.arguments())
    s3.get_object(**address, **key.arguments())["Body"].read()
    s3.head_object(**address, **key.arguments())
    s3.get_object_attributes(ObjectAttributes=["ETag"], **address, **key.arguments())
    s3.copy_object(
        Bucket="lab-tokyo", Key="copy", CopySource=address, **key.source_arguments(),
        **other.arguments(),
    )
    target = {"Bucket": "lab-tokyo", "Key": "parts"}
    target["UploadId"] = s3.create_multipart_upload(**target, **key.arguments())["UploadId"]
    part = s3.upload_part(PartNumber=1, Body=PLAINTEXT, **target, **key.arguments())
    s3.upload_part_copy(
        PartNumber=2, CopySource=address, **target, **key.arguments(), **key.source_arguments()
    )
    s3.list_parts(**target, **key.arguments())
    s3.complete_multipart_upload(
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        **target,
        **key.arguments(),
    )
    # What is refused is logged too: wrong, malformed, over plain http, unsigned.
    for headers, scheme in (
        (failing.headers(), "https"),
        (failing.headers() | {"x-amz-server-side-encryption-customer-algorithm": "X"}, "https"),
        (failing.headers() | {"x-amz-server-side-encryption-customer-key-MD5": "X"}, "https"),
        (failing.headers(), "http"),
    ):
        answer = send(process, "GET", "lab-tokyo", "k", headers=headers, scheme=scheme)
        assert answer.status in (400, 403)
        credentials = ("nobody", "x")
        answer = send(
            process, "PUT", "lab-tokyo", "k", headers=headers, scheme=scheme, body=b"x",
            credentials=credentials,
        )
        assert answer.status in (400, 403)
    wait_for_status(s3, "lab-tokyo", "k", "COMPLETED", **key.arguments())
    needles = [each for used in (key, other, failing) for each in used.spellings()]
    on_disk = files_holding(folder, [*needles, PLAINTEXT[:40]])
    assert process.stop() == 0
    log = process.stderr_text()
    assert not on_disk, on_disk[0][0]
    assert not files_holding(folder, [*needles, PLAINTEXT[:40]])
    for needle in needles:
        if needle.isascii():
            assert needle.decode() not in log, "the log holds a customer key"
    secret = process.credentials[1]
    assert secret not in log, "the log holds the secret access key"
    assert PLAINTEXT[:40].decode() not in log


def test_unusable_folders_are_explained(tmp_path):
    from keyferry_cli import FAILURE, Outcome, refuse_internal_text
    from lab_process import binary, clean_environment

    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    finished = subprocess.run(
        [str(binary()), "lab", "up", "--empty", "--dir", str(blocked)],
        capture_output=True, text=True, timeout=30, env=clean_environment(tmp_path),
    )
    outcome = Outcome(finished.returncode, finished.stdout, finished.stderr)
    refuse_internal_text(outcome)
    outcome.expect(FAILURE)
    assert str(blocked) in outcome.stderr
    assert outcome.stdout == ""
