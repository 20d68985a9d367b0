"""The Terraform format: formatted, valid against the provider's schema, and planning the same
documents as the JSON format.

Terraform itself does the work, with the provider of `terraform_provider.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sites
import terraform_plan
from comparison import differences
from emitted import EVERY, RICH, Emitted

every_plan = pytest.mark.parametrize("plan", EVERY, ids=str)


def copied(plan: Emitted, folder: Path) -> Path:
    """Terraform writes beside what it reads."""
    for path in plan.files("terraform"):
        assert path.suffix == ".tf", path
        shutil.copy(path, folder)
    return folder


def faults(
    plan: Emitted, folder: Path, variables: dict[str, str] | None = None, without: tuple = ()
) -> list[str]:
    documents = {
        document: content
        for document, content in plan.documents().items()
        if document.kind not in without
    }
    roles = sites.roles(documents)
    role_arns = {name: arn for name, (_, arn) in roles.items()}
    resources = terraform_plan.planned(folder, role_arns, variables)
    buckets_of_roles = {name: bucket for name, (bucket, _) in roles.items()}
    found = terraform_plan.documents(resources, buckets_of_roles, sites.keys(documents))
    return differences(documents, found)


@every_plan
def test_formatted_as_terraform_formats(plan, tmp_path):
    terraform_plan.check_format(copied(plan, tmp_path))


@every_plan
def test_plans_the_documents_of_the_json_format(plan, tmp_path):
    assert faults(plan, copied(plan, tmp_path)) == []


@pytest.mark.parametrize(
    ("variables", "without"),
    [
        ({"create_buckets": "false"}, ()),
        ({"create_user_policies": "false"}, ("uploader", "verifier")),
        ({"profiles": '{"111122223333"="one"}'}, ()),
        ({"assume_role_arns": '{"111122223333"="arn:aws:iam::111122223333:role/r"}'}, ()),
    ],
    ids=lambda value: next(iter(value), None) if isinstance(value, dict) else "",
)
def test_variables_change_what_they_say_and_no_more(tmp_path, variables, without):
    assert faults(RICH, copied(RICH, tmp_path), variables, without) == []


# Each check must be able to fail.


def edit(folder: Path, old: str, new: str) -> None:
    edited = 0
    for path in folder.glob("*.tf"):
        text = path.read_text()
        edited += text.count(old)
        path.write_text(text.replace(old, new))
    assert edited, f"nothing to edit: {old}"


def test_format_finds_a_missing_space(tmp_path):
    folder = copied(RICH, tmp_path)
    edit(folder, "  = ", " = ")
    with pytest.raises(terraform_plan.Refused):
        terraform_plan.check_format(folder)


@pytest.mark.parametrize(
    ("old", "new", "because"),
    [
        ("blocked_encryption_types", "blocked_encryption_type", "Unsupported argument"),
        ("sse_kms_encrypted_objects", "sse_kms_objects", "Unsupported block type"),
        ("replica_kms_key_id", "replica_key", "Missing required argument"),
        ("destination {", "destinations {", "Unsupported block type"),
        ("jsonencode(", "jsonencode((", "Unbalanced parentheses|Missing|Invalid|Unclosed"),
        ("aws_iam_role.", "aws_iam_role.not_", "undeclared resource"),
    ],
)
def test_terraform_refuses(tmp_path, old, new, because):
    folder = copied(RICH, tmp_path)
    edit(folder, old, new)
    with pytest.raises(terraform_plan.Refused, match=because):
        faults(RICH, folder)


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("s3:ReplicateDelete", "s3:ReplicateTags", "role"),
        ('["SSE-C"]', '["NONE"]', "encryption"),
        ("s3.amazonaws.com", "batchoperations.s3.amazonaws.com", "trust"),
        ("kms:Decrypt", "kms:Encrypt", "key-policy"),
    ],
)
def test_comparison_finds_a_changed_document(tmp_path, old, new, differs):
    folder = copied(RICH, tmp_path)
    edit(folder, old, new)
    assert any(f"kind='{differs}'" in each for each in faults(RICH, folder))
