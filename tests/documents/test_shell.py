"""The shell script: no finding of shellcheck, the documents of the JSON format in every call, and run
for real, twice, with the AWS CLI against moto."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

import shell_script
import sites
from comparison import differences
from emitted import EVERY, OF_REPLICATION, RICH, Cell, Document, Emitted
from moto_aws import Aws

every_plan = pytest.mark.parametrize("plan", EVERY, ids=str)

def script_of(plan: Emitted) -> Path:
    [script] = plan.files("cli")
    assert script.suffix == ".sh", script
    return script


@every_plan
def test_shellcheck_finds_nothing(plan):
    script = script_of(plan)
    assert shell_script.syntax_error(script) == ""
    assert shell_script.findings(script) == ""


def faults(plan: Emitted, script: Path, folder: Path) -> list[str]:
    documents = plan.documents()
    roles = {name: bucket for name, (bucket, _) in sites.roles(documents).items()}
    calls = shell_script.recorded(script, folder)
    return differences(
        documents, shell_script.documents(calls, roles, sites.keys(documents))
    )


@every_plan
def test_calls_carry_the_documents_of_the_json_format(plan, tmp_path):
    assert faults(plan, script_of(plan), tmp_path) == []


@pytest.fixture
def moto_endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    yield f"http://{host}:{port}"
    server.stop()


def environment_of(aws: Aws, folder: Path) -> dict[str, str]:
    """A profile for each account, as the script wants them, and moto as AWS."""
    numbers = sorted(aws.accounts)
    profiles = {
        variable: aws.accounts[numbers[min(index, len(numbers) - 1)]]
        for index, variable in enumerate(shell_script.PROFILE_VARIABLES)
    }
    return {variable: variable for variable in profiles} | {
        "AWS_SHARED_CREDENTIALS_FILE": str(shell_script.write_profiles(folder, profiles)),
        # Neither of the plan's regions: a call that forgets its region fails.
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_PROFILE": shell_script.PROFILE_VARIABLES[0],
        "AWS_ENDPOINT_URL": aws.endpoint,
    }


# A call of the AWS CLI takes a second and more, so the other plans run against the recorder.
@pytest.mark.timeout(500)
def test_the_second_run_changes_nothing(tmp_path, moto_endpoint):
    plan = Cell("sse-kms-bucketkey", "cross", "one-way", "compatible").emitted
    documents = plan.documents()
    aws = Aws(documents, moto_endpoint)
    environment = environment_of(aws, tmp_path)
    for time in ("first", "second"):
        finished = shell_script.run(script_of(plan), tmp_path, environment)
        assert finished.returncode == 0, (time, finished.stdout, finished.stderr)
        assert differences(documents, aws.read_back()) == [], time


@pytest.mark.timeout(300)
def test_what_is_there_is_put_right(tmp_path, moto_endpoint):
    """A trust policy that exists already is not what `create-role` can set."""
    plan = Cell("sse-c", "same", "one-way", "minimal").emitted
    documents = {
        document: content
        for document, content in plan.documents().items()
        if document.kind in OF_REPLICATION
    }
    aws = Aws(documents, moto_endpoint)
    [(name, (bucket, _))] = sites.roles(documents).items()
    trust = json.dumps(documents[Document("trust", bucket)])
    stale = trust.replace("s3.amazonaws.com", "ec2.amazonaws.com")
    assert stale != trust
    iam = aws.of_bucket(bucket).client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=stale)
    environment = environment_of(aws, tmp_path) | {"USER_POLICIES": "0"}
    finished = shell_script.run(script_of(plan), tmp_path, environment)
    assert finished.returncode == 0, finished.stderr
    assert differences(documents, aws.read_back()) == []
    assert iam.list_policies(Scope="Local")["Policies"] == []


# Each check must be able to fail.


def edited(folder: Path, old: str, new: str) -> Path:
    script = Path(shutil.copy(script_of(RICH), folder / "edited.sh"))
    text = script.read_text()
    assert old in text, f"nothing to edit: {old}"
    script.write_text(text.replace(old, new))
    return script


def test_shellcheck_finds_an_unquoted_variable(tmp_path):
    script = edited(tmp_path, "set -euo pipefail\n", "set -euo pipefail\nrm -r $1\n")
    assert "SC2086" in shell_script.findings(script)


def test_bash_finds_an_open_block(tmp_path):
    assert shell_script.syntax_error(edited(tmp_path, "set -euo pipefail\n", "if true; then\n"))


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("s3:ReplicateDelete", "s3:ReplicateTags", "role"),
        ("SSE-C", "NONE", "encryption"),
        ("put-bucket-versioning", "get-bucket-acl", "versioning"),
    ],
)
def test_comparison_finds_a_changed_document(tmp_path, old, new, differs):
    found = faults(RICH, edited(tmp_path, old, new), tmp_path)
    assert any(f"kind='{differs}'" in each for each in found)
