"""Assertions on what S3 refuses."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(status: int, code: str | tuple[str, ...]):
    """The block must end in S3's error `code` with HTTP `status`.

    For HEAD, whose answer has no body, botocore gives the status as the code.
    """
    with pytest.raises(ClientError) as caught:
        yield caught
    response = caught.value.response
    codes = (code,) if isinstance(code, str) else code
    seen = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
    assert seen[0] == status and seen[1] in codes, (
        f"expected {status} {code}, got {seen}: {response['Error'].get('Message')}"
    )
