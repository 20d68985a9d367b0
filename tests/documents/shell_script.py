"""The emitted shell script, run with the AWS CLI against moto, or against a recorder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import moto_aws
import strict_json
from emitted import Document, people_document, role_document

TOOLS = Path(sys.executable).parent

# The script picks a profile for each account; these name them.
PROFILE_VARIABLES = ("SOURCE_PROFILE", "DESTINATION_PROFILE")


def tool(name: str) -> str:
    """A tool that the requirements install: `shellcheck`, `aws`."""
    path = TOOLS / name
    assert path.exists(), f"{path} is missing: see tests/documents/README.md"
    return str(path)


def syntax_error(script: Path) -> str:
    return subprocess.run(["bash", "-n", script], capture_output=True, text=True).stderr


def findings(script: Path) -> str:
    """Every check that is not optional, style included."""
    finished = subprocess.run(
        [tool("shellcheck"), "--norc", "--severity=style", "--format=gcc", script],
        capture_output=True,
        text=True,
    )
    assert finished.returncode in (0, 1), finished.stderr
    return finished.stdout


def write_profiles(folder: Path, profiles: dict[str, moto_aws.Account]) -> Path:
    """A credentials file of the AWS CLI."""
    path = folder / "credentials"
    path.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {each.access_key}\n"
            f"aws_secret_access_key = {each.secret_key}\naws_session_token = {each.token}\n"
            for name, each in profiles.items()
        )
    )
    return path


def run(script: Path, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", script],
        cwd=folder,
        env={
            "PATH": f"{TOOLS}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )


# What carries a document, and which option names what it is for.
CARRIERS = {
    "create-role": ("assume-role-policy-document", "role-name", "trust"),
    "update-assume-role-policy": ("policy-document", "role-name", "trust"),
    "put-role-policy": ("policy-document", "role-name", "role"),
    "create-policy": ("policy-document", "policy-name", "managed"),
    "create-policy-version": ("policy-document", "policy-arn", "managed"),
    "put-key-policy": ("policy", "key-id", "key-policy"),
    "put-bucket-policy": ("policy", "bucket", "bucket-policy"),
    "put-bucket-encryption": ("server-side-encryption-configuration", "bucket", "encryption"),
    "put-bucket-versioning": ("versioning-configuration", "bucket", "versioning"),
    "put-bucket-replication": ("replication-configuration", "bucket", "replication"),
}


def recorded(script: Path, folder: Path) -> list[dict]:
    """The calls that the script makes where nothing exists yet."""
    record = folder / "record"
    fake = folder / "bin" / "aws"
    fake.parent.mkdir()
    recorder = Path(__file__).with_name("recording_aws.py")
    fake.write_text(f'#!/bin/sh\nexec "{sys.executable}" -SE "{recorder}" "$@"\n')
    fake.chmod(0o755)
    path = f"{fake.parent}:{os.environ['PATH']}"
    finished = run(script, folder, {"PATH": path, "RECORD": str(record)})
    assert finished.returncode == 0, finished.stderr
    return [strict_json.parse(line) for line in record.read_text().splitlines()]


def documents(
    calls: list[dict], roles: dict[str, str], keys: dict[str, str]
) -> dict[Document, dict]:
    """What the calls install. `roles` and `keys` say which bucket a role or a key belongs to."""
    found: dict[Document, dict] = {}
    for call in calls:
        if call["operation"] not in CARRIERS:
            continue
        carrier, naming, kind = CARRIERS[call["operation"]]
        name = call["options"][naming]
        match naming:
            case "policy-name" | "policy-arn":
                document = people_document(name.rpartition("/")[2])
            case "role-name":
                document = role_document(name, roles, permissions=kind == "role")
            case "key-id":
                document = Document(kind, keys[name])
            case _:
                document = Document(kind, name)
        content = strict_json.parse(call["options"][carrier])
        assert found.setdefault(document, content) == content, f"two contents of {document}"
    return found
