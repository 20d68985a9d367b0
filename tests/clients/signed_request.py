"""Requests signed and sent without an SDK.

SDKs compute key digests, add checksums, follow redirects and refuse malformed input before it
leaves. What a server answers to such input can only be seen below them.
API/sig-v4-header-based-auth.html is the recipe.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import http.client
import ssl
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from lab_process import FIRST_REGION, LabProcess

UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def _error_text(self, name: str) -> str | None:
        if not self.body.lstrip().startswith(b"<"):
            return None
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            if element.tag.rpartition("}")[2] == name:
                return element.text
        return None

    @property
    def code(self) -> str | None:
        return self._error_text("Code")

    @property
    def message(self) -> str | None:
        return self._error_text("Message")

    def text(self, name: str) -> str | None:
        """The text of the first element `name` of an XML answer."""
        return self._error_text(name)


def _encode(text: str, safe: str = "") -> str:
    return quote(text, safe=safe + "-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret: str, date: str, region: str) -> bytes:
    key = _hmac(f"AWS4{secret}".encode(), date)
    for part in (region, "s3", "aws4_request"):
        key = _hmac(key, part)
    return key


@dataclass
class Signature:
    """What later chunk signatures build on."""

    key: bytes
    scope: str
    time: str
    value: str


def sign(
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
    payload_hash: str,
    credentials: tuple[str, str],
    region: str,
    when: datetime.datetime,
) -> Signature:
    """Add `Authorization` and the headers it needs to `headers`."""
    time = when.strftime("%Y%m%dT%H%M%SZ")
    date = time[:8]
    headers["x-amz-date"] = time
    headers["x-amz-content-sha256"] = payload_hash
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(query.items())),
            "".join(f"{name}:{lowered[name]}\n" for name in sorted(lowered)),
            names,
            payload_hash,
        ]
    )
    scope = f"{date}/{region}/s3/aws4_request"
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = signing_key(credentials[1], date, region)
    value = _hmac(key, to_sign).hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials[0]}/{scope}, "
        f"SignedHeaders={names}, Signature={value}"
    )
    return Signature(key, scope, time, value)


def exchange(
    lab: LabProcess,
    method: str,
    target: str,
    headers: dict[str, str],
    body: bytes,
    region: str = FIRST_REGION,
    scheme: str = "https",
) -> Response:
    """One HTTP exchange; `headers` and `target` go out as they are."""
    port = urlsplit(lab.endpoints[region]).port
    if scheme == "https":
        context = ssl.create_default_context(cafile=lab.ca_bundle)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        names = {name.lower() for name in headers}
        for name, value in headers.items():
            connection.putheader(name, value.encode())
        if "content-length" not in names and (body or method in ("PUT", "POST")):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        received = answer.read()
        response = Response(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, received
        )
    finally:
        connection.close()
    _refuse_echoed_keys(headers, response)
    return response


def _refuse_echoed_keys(headers: dict[str, str], response: Response) -> None:
    """A server that sends a customer key back has leaked it (some do)."""
    for name, value in headers.items():
        if name.lower().endswith("-customer-key") and len(value) > 20:
            assert all(value not in shown for shown in response.headers.values()), (
                "the answer's headers hold the customer key"
            )
            if response.status >= 300:
                assert value.encode() not in response.body, "the error text holds the customer key"


def send(
    lab: LabProcess,
    method: str,
    bucket: str = "",
    key: str = "",
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    region: str = FIRST_REGION,
    scheme: str = "https",
    credentials: tuple[str, str] | None = None,
    signing_region: str | None = None,
    payload_hash: str | None = None,
    when: datetime.datetime | None = None,
    virtual_host: str | None = None,
) -> Response:
    """Sign and send; path-style unless `virtual_host` names the host without its port."""
    endpoint = urlsplit(lab.endpoints[region])
    segments = [key] if virtual_host else [bucket, key]
    path = "/" + "/".join(_encode(part, safe="/") for part in segments if part)
    host = f"{virtual_host or endpoint.hostname}:{endpoint.port}"
    sent = {"Host": host, **(headers or {})}
    sign(
        method,
        path,
        query or {},
        sent,
        payload_hash or hashlib.sha256(body).hexdigest(),
        credentials or lab.credentials,
        signing_region or region,
        when or datetime.datetime.now(datetime.timezone.utc),
    )
    return exchange(lab, method, target(path, query), sent, body, region, scheme)


def target(path: str, query: dict[str, str] | None) -> str:
    if not query:
        return path
    return path + "?" + "&".join(
        f"{_encode(name)}={_encode(value)}" if value else _encode(name)
        for name, value in query.items()
    )


def content_md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()
