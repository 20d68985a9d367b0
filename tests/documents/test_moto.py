"""Every document installed by boto3 in moto and read back as it was."""

from __future__ import annotations

import copy

import pytest
from moto import mock_aws

from comparison import differences
from emitted import EVERY, RICH, Document
from moto_aws import Aws


def round_trip(documents: dict[Document, dict]) -> dict[Document, dict]:
    aws = Aws(documents)
    aws.make_buckets()
    aws.install()
    return aws.read_back()


@pytest.mark.parametrize("plan", EVERY, ids=str)
@mock_aws
def test_moto_gives_back_what_was_installed(plan):
    documents = plan.documents()
    assert differences(documents, round_trip(documents)) == []


@mock_aws
def test_a_changed_document_is_found():
    documents = RICH.documents()
    aws = Aws(copy.deepcopy(documents))
    for document, content in aws.documents.items():
        if document.kind == "replication":
            content["Rules"][0]["Destination"]["StorageClass"] = "GLACIER"
    aws.make_buckets()
    aws.install()
    found = differences(documents, aws.read_back())
    assert found and all("kind='replication'" in each for each in found)
