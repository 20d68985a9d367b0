"""Which role, key and region belong to which bucket, read from a cell's own documents."""

from __future__ import annotations

from emitted import Document


def roles(documents: dict[Document, dict]) -> dict[str, tuple[str, str]]:
    """Role name to (source bucket, role ARN)."""
    found = {}
    for document, content in documents.items():
        if document.kind == "replication":
            arn = content["Role"]
            found[arn.rpartition("/")[2]] = (document.bucket, arn)
    return found


def keys(documents: dict[Document, dict]) -> dict[str, str]:
    """Key ARN to the bucket whose default key it is."""
    found = {}
    for document, content in documents.items():
        if document.kind == "encryption":
            for rule in content["Rules"]:
                key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
                if key:
                    found[key] = document.bucket
    return found


def partition(documents: dict[Document, dict]) -> str:
    """All of a plan is in one."""
    [found] = {arn.split(":")[1] for _, arn in roles(documents).values()}
    return found


def account_of(arn: str) -> str:
    return arn.split(":")[4]


def region_of(arn: str) -> str:
    return arn.split(":")[3]


def accounts(documents: dict[Document, dict]) -> dict[str, str]:
    """Bucket to account, as far as the documents tell; else the source's account."""
    found: dict[str, str] = {}
    for document, content in documents.items():
        if document.kind == "replication":
            found[document.bucket] = account_of(content["Role"])
    source = next(iter(found.values()))
    for key, bucket in keys(documents).items():
        found.setdefault(bucket, account_of(key))
    for document, content in documents.items():
        if document.kind == "replication":
            for rule in content["Rules"]:
                destination = rule["Destination"]
                bucket = destination["Bucket"].rpartition(":")[2]
                found.setdefault(bucket, destination.get("Account", source))
    return found
