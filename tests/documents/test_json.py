"""The JSON format: complete, well-formed IAM, and in the shapes that the AWS CLI takes."""

from __future__ import annotations

import copy

import pytest

import aws_shapes
import iam_lint
import strict_json
from emitted import CELLS, EVERY, POLICIES, RICH, Document, golden_folder, named

every_plan = pytest.mark.parametrize("plan", EVERY, ids=str)


def test_the_folders_are_the_cells_of_the_matrix():
    folders = {
        f"{profile.parent.name}-{profile.name}"
        for profile in golden_folder().glob("*/*")
        if profile.is_dir()
    }
    assert folders == {str(cell) for cell in CELLS}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_document_for_every_site_and_flow(cell):
    documents = cell.emitted.documents()
    buckets = {each.bucket for each in documents if each.kind == "versioning"}
    assert len(buckets) == 2
    sources = {each.bucket for each in documents if each.kind == "replication"}
    assert sources <= buckets
    assert len(sources) == (2 if cell.direction == "two-way" else 1)
    destinations = buckets if cell.direction == "two-way" else buckets - sources

    def of(kind: str) -> set[str]:
        return {each.bucket for each in documents if each.kind == kind}

    assert of("trust") == of("role") == sources
    assert of("encryption") == buckets
    assert of("key-policy") == (buckets if "kms" in cell.encryption else set())
    assert destinations <= of("bucket-policy") or cell.layout == "same"


@every_plan
def test_iam_documents_lint_clean(plan):
    for document, content in plan.documents().items():
        if document.kind in POLICIES:
            assert iam_lint.unexpected(document.kind, content) == [], document


@every_plan
def test_documents_have_the_shape_of_their_request(plan):
    for document, content in plan.documents().items():
        assert aws_shapes.faults(document.kind, content) == [], document


@every_plan
def test_policies_keep_within_the_size_limits(plan):
    for document, content in plan.documents().items():
        if document.kind in POLICIES:
            size = aws_shapes.size(content)
            assert size <= aws_shapes.LARGEST[document.kind], (document, size)


@every_plan
def test_files_are_indented_and_end_in_a_newline(plan):
    for path in plan.files("json"):
        text = path.read_text()
        assert text.endswith("}\n") and not text.endswith("\n\n"), path
        assert "\t" not in text and not any(line != line.rstrip() for line in text.split("\n")), path


# Each check must be able to fail: one broken document apiece.


@pytest.fixture
def documents() -> dict[str, dict]:
    """One document of each kind."""
    return {
        document.kind: copy.deepcopy(content) for document, content in RICH.documents().items()
    }


def test_lint_finds_an_action_that_does_not_exist(documents):
    documents["role"]["Statement"][0]["Action"] = ["s3:GetReplicationConfigurations"]
    assert iam_lint.unexpected("role", documents["role"])


def test_lint_finds_an_action_on_the_wrong_kind_of_resource(documents):
    documents["role"]["Statement"][0] = {
        "Effect": "Allow",
        "Action": "s3:GetObjectVersionForReplication",
        "Resource": "arn:aws:s3:::a-bucket",
    }
    assert iam_lint.unexpected("role", documents["role"])


def test_lint_finds_a_condition_key_that_does_not_exist(documents):
    documents["role"]["Statement"][0]["Condition"] = {"StringEquals": {"s3:ViaService": "x"}}
    assert iam_lint.unexpected("role", documents["role"])


def test_lint_finds_a_statement_without_effect(documents):
    for kind in documents.keys() & set(POLICIES):
        del documents[kind]["Statement"][0]["Effect"]
        assert iam_lint.unexpected(kind, documents[kind]), kind


def test_lint_expects_nothing_of_one_kind_in_another(documents):
    assert iam_lint.unexpected("role", documents["trust"])
    assert iam_lint.unexpected("role", documents["key-policy"])


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("replication", ("Rules", 0, "Id"), "a-rule"),
        ("replication", ("Rules", 0, "Priority"), "1"),
        ("replication", ("Rules", 0, "Status"), "enabled"),
        ("replication", ("Rules", 0, "Destination", "ReplicaKmsKeyID"), "x"),
        ("replication", ("Rules", 0, "Destination", "AccessControlTranslation"), {"Owner": "x"}),
        ("replication", ("Rules", 0, "Destination"), {}),
        ("encryption", ("Rules", 0, "BlockedEncryptionTypes"), ["NONE"]),
        ("encryption", ("Rules", 0, "BlockedEncryptionTypes"), {"EncryptionType": ["SSEC"]}),
        ("encryption", ("Rules", 0, "BlockedEncryptionTypes"), {"EncryptionTypes": ["NONE"]}),
        ("encryption", ("Rules", 0, "BucketKeyEnabled"), "true"),
        ("versioning", ("Status",), "On"),
    ],
)
def test_shapes_find_a_wrong_member(documents, kind, path, value):
    assert aws_shapes.faults(kind, documents[kind]) == []
    *parents, last = path
    target = documents[kind]
    for each in parents:
        target = target[each]
    target[last] = value
    assert aws_shapes.faults(kind, documents[kind])


def test_a_policy_over_its_limit_is_counted(documents):
    statement = documents["role"]["Statement"]
    statement.extend(statement[0] for _ in range(200))
    assert aws_shapes.size(documents["role"]) > aws_shapes.LARGEST["role"]


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a":NaN}', '{"a":1,}', '{"a":1} x'])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError):
        strict_json.parse(text)


def test_a_document_of_unknown_kind_is_not_passed_over():
    assert named("key-policy-a-b") == Document("key-policy", "a-b")
    with pytest.raises(AssertionError):
        named("keypolicy-a-b")
