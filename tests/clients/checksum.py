"""S3's checksums, computed beside the server.

userguide/checking-object-integrity-upload.html: CRCs are sent as the base64 of their big-endian
bytes; a composite checksum is the checksum of the parts' checksums followed by `-` and their
number; a full-object one is that of the whole object.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from awscrt import checksums

DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: checksums.crc32(data).to_bytes(4, "big"),
    "CRC32C": lambda data: checksums.crc32c(data).to_bytes(4, "big"),
    "CRC64NVME": lambda data: checksums.crc64nvme(data).to_bytes(8, "big"),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}

ALGORITHMS = tuple(DIGESTS)
FULL_OBJECT_ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME")
COMPOSITE_ALGORITHMS = ("CRC32", "CRC32C", "SHA1", "SHA256")


def member(algorithm: str) -> str:
    """The name in boto3's arguments and answers."""
    return f"Checksum{algorithm}"


def header(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"


def checksum(algorithm: str, data: bytes) -> str:
    return base64.b64encode(DIGESTS[algorithm](data)).decode()


def composite(algorithm: str, parts: list[bytes]) -> str:
    digest = DIGESTS[algorithm]
    joined = b"".join(digest(part) for part in parts)
    return f"{base64.b64encode(digest(joined)).decode()}-{len(parts)}"
