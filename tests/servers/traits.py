"""What a server does with customer keys, asked with boto3: no keyferry in between."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from botocore.exceptions import ClientError

from checksum import checksum
from customer_key import CustomerKey

PART = 5 << 20
MD5 = "x-amz-server-side-encryption-customer-key-md5"
WRONG_CRC = "AAAAAAAAAAA="


def status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def answer(call, **arguments) -> str:
    """The HTTP status of a request."""
    try:
        return str(call(**arguments)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return str(status(error))


def confirmed(said: dict) -> str:
    return "yes" if MD5 in said["ResponseMetadata"]["HTTPHeaders"] else "no"


@dataclass
class Probed:
    """A server with a bucket to try things in."""

    s3: object
    bucket: str

    def __post_init__(self) -> None:
        self.key = CustomerKey()
        self.content = secrets.token_bytes(PART)
        self.put = self.s3.put_object(
            **self.at("one"), Body=b"content", Tagging="a=b", **self.key.arguments()
        )
        begun = self.s3.create_multipart_upload(
            **self.at("parts"), Tagging="a=b", **self.key.arguments()
        )
        self.begun, parts = begun, []
        for number, body in ((1, self.content), (2, b"end")):
            self.part = self.s3.upload_part(
                **self.at("parts"),
                UploadId=begun["UploadId"],
                PartNumber=number,
                Body=body,
                **self.key.arguments(),
            )
            parts.append({"PartNumber": number, "ETag": self.part["ETag"]})
        self.completed = self.s3.complete_multipart_upload(
            **self.at("parts"), UploadId=begun["UploadId"], MultipartUpload={"Parts": parts}
        )

    def at(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": name}

    def key_answers(self) -> str:
        """GET with the right key, with another, and with none."""
        get, key = self.s3.get_object, self.key.arguments()
        return " / ".join(
            answer(get, **self.at("one"), **arguments)
            for arguments in (key, CustomerKey().arguments(), {})
        )

    def confirmations(self) -> str:
        names = {
            "PutObject": self.put,
            "CreateMultipartUpload": self.begun,
            "UploadPart": self.part,
        }
        silent = [name for name, said in names.items() if confirmed(said) == "no"]
        if len(silent) == len(names):
            return "never"
        return f"yes, not by {', '.join(silent)}" if silent else "yes"

    def wrong_checksum(self) -> str:
        said = answer(
            self.s3.put_object,
            **self.at("wrong"),
            Body=b"content",
            ChecksumCRC64NVME=WRONG_CRC,
            **self.key.arguments(),
        )
        return "refused" if said == "400" else "ignored"

    def checksum_kept(self) -> str:
        self.s3.put_object(
            **self.at("sum"),
            Body=b"content",
            ChecksumCRC64NVME=checksum("CRC64NVME", b"content"),
            **self.key.arguments(),
        )
        head = self.s3.head_object(
            **self.at("sum"), ChecksumMode="ENABLED", **self.key.arguments()
        )
        return "yes" if head.get("ChecksumCRC64NVME") == checksum("CRC64NVME", b"content") else "no"

    def tags_of_parts(self) -> str:
        try:
            tags = self.s3.get_object_tagging(**self.at("parts")).get("TagSet")
        except ClientError as error:
            return f"answered with {status(error)}"
        return "kept" if tags else "lost"

    def entity_tag_of_parts(self) -> str:
        return "named" if self.completed.get("ETag", "").strip('"') else "empty"

    def part_numbers(self) -> str:
        head = self.s3.head_object(**self.at("parts"), PartNumber=1, **self.key.arguments())
        return "yes" if head["ContentLength"] == len(self.content) else "ignored"

    def copied(self, source: str, target: str, **source_key) -> str:
        key = CustomerKey()
        try:
            said = self.s3.copy_object(
                **self.at(target), CopySource=self.at(source), **source_key, **key.arguments()
            )
        except ClientError as error:
            return f"refused with {status(error)}"
        without = answer(self.s3.head_object, **self.at(target))
        if without == "200":
            return "stored unencrypted"
        return "yes" if confirmed(said) == "yes" else "yes, not confirmed"

    def copy_between_keys(self) -> str:
        return self.copied("one", "copy", **self.key.source_arguments())

    def copy_from_plain(self) -> str:
        self.s3.put_object(**self.at("plain"), Body=b"plain")
        return self.copied("plain", "encrypted")

    def copy_part(self) -> str:
        key = CustomerKey()
        begun = self.s3.create_multipart_upload(**self.at("parts-copy"), **key.arguments())
        upload = {"UploadId": begun["UploadId"]}
        said = answer(
            self.s3.upload_part_copy,
            **self.at("parts-copy"),
            **upload,
            PartNumber=1,
            CopySource=self.at("one"),
            **self.key.source_arguments(),
            **key.arguments(),
        )
        self.s3.abort_multipart_upload(**self.at("parts-copy"), **upload)
        return "yes" if said == "200" else f"refused with {said}"

    def conditional_write(self) -> str:
        said = answer(
            self.s3.put_object,
            **self.at("one"),
            Body=b"other",
            IfNoneMatch="*",
            **self.key.arguments(),
        )
        return "yes" if said == "412" else "ignored"

    def replication_status(self) -> str:
        head = self.s3.head_object(**self.at("one"), **self.key.arguments())
        return "yes" if "ReplicationStatus" in head else "no"


# Title, and what tells. What others look at comes before what writes over it.
TRAITS = [
    ("GET with the right / another / no key", Probed.key_answers),
    ("writes confirm the key that they used", Probed.confirmations),
    ("a wrong checksum of an upload", Probed.wrong_checksum),
    ("stored checksums are told", Probed.checksum_kept),
    ("tags of an upload in parts", Probed.tags_of_parts),
    ("entity tag of an upload in parts", Probed.entity_tag_of_parts),
    ("HEAD of one part", Probed.part_numbers),
    ("CopyObject from one customer key to another", Probed.copy_between_keys),
    ("CopyObject from plain to a customer key", Probed.copy_from_plain),
    ("UploadPartCopy from one customer key to another", Probed.copy_part),
    ("conditional writes (If-None-Match)", Probed.conditional_write),
    ("replication status of an object", Probed.replication_status),
]
