"""A customer key as boto3 arguments and as request headers.

userguide/specifying-s3-c-encryption.html: the algorithm, the base64 of the 256-bit key, and the
base64 of the MD5 of the key, under `x-amz-server-side-encryption-customer-*`; a copy source's key
goes under `x-amz-copy-source-server-side-encryption-customer-*`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

PREFIX = "x-amz-server-side-encryption-customer-"
COPY_SOURCE_PREFIX = "x-amz-copy-source-server-side-encryption-customer-"


@dataclass(frozen=True)
class CustomerKey:
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def base64(self) -> str:
        return base64.b64encode(self.secret).decode()

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.secret).digest()).decode()

    def arguments(self) -> dict[str, str]:
        """For boto3; given with its MD5, botocore sends the key as it is."""
        return {
            "SSECustomerAlgorithm": "AES256",
            "SSECustomerKey": self.base64,
            "SSECustomerKeyMD5": self.md5,
        }

    def source_arguments(self) -> dict[str, str]:
        return {f"CopySource{name}": value for name, value in self.arguments().items()}

    def headers(self, prefix: str = PREFIX) -> dict[str, str]:
        return {
            f"{prefix}algorithm": "AES256",
            f"{prefix}key": self.base64,
            f"{prefix}key-MD5": self.md5,
        }

    def spellings(self) -> list[bytes]:
        """Every form in which a leaked key could show in a file or a log."""
        text = self.base64
        return [
            self.secret,
            self.secret.hex().encode(),
            self.secret.hex().upper().encode(),
            text.encode(),
            text.rstrip("=").encode(),
            base64.urlsafe_b64encode(self.secret).rstrip(b"="),
            ", ".join(str(byte) for byte in self.secret).encode(),
        ]
