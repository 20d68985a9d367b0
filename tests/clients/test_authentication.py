"""Signature Version 4, presigned URLs, Regions and virtual hosts.

API/sig-v4-authenticating-requests.html, sig-v4-header-based-auth.html, sigv4-streaming.html,
sigv4-query-string-auth.html, API/ErrorResponses.html, userguide/VirtualHosting.html.
"""

import datetime
import hashlib
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from conftest import client, make_bucket
from lab_process import FIRST_REGION, SECOND_REGION
from signed_request import UNSIGNED, _hmac, exchange, send, sign, target


@pytest.fixture
def stored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    return bucket


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def test_own_signature_is_accepted(lab, stored):
    assert send(lab, "GET", stored, "k").body == b"data"
    assert send(lab, "GET", stored, "k", payload_hash=UNSIGNED).body == b"data"


def test_unknown_access_key(lab, stored):
    """403 InvalidAccessKeyId"""
    credentials = ("AKIAIOSFODNN7EXAMPLE", lab.credentials[1])
    answer = send(lab, "GET", stored, "k", credentials=credentials)
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


def test_wrong_secret(lab, stored):
    """403 SignatureDoesNotMatch"""
    answer = send(lab, "GET", stored, "k", credentials=(lab.credentials[0], "x" * 40))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_session_token_that_is_none(lab, stored):
    """400 InvalidToken"""
    answer = send(lab, "GET", stored, "k", headers={"x-amz-security-token": "made up"})
    assert (answer.status, answer.code) == (400, "InvalidToken")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_skewed_clock(lab, stored, minutes):
    """403 RequestTimeTooSkewed beyond 15 minutes"""
    when = now() + datetime.timedelta(minutes=minutes)
    answer = send(lab, "GET", stored, "k", when=when)
    assert (answer.status, answer.code) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("minutes", [-13, 13])
def test_clock_within_bounds(lab, stored, minutes):
    when = now() + datetime.timedelta(minutes=minutes)
    assert send(lab, "GET", stored, "k", when=when).status == 200


def test_scope_of_another_region(lab, stored):
    """400 AuthorizationHeaderMalformed, with the Region that was expected"""
    answer = send(lab, "GET", stored, "k", signing_region="eu-west-1")
    assert (answer.status, answer.code) == (400, "AuthorizationHeaderMalformed")
    assert answer.text("Region") == FIRST_REGION


def test_scope_of_another_service(lab, stored):
    headers = {"Host": urlsplit(lab.endpoints[FIRST_REGION]).netloc}
    sign("GET", f"/{stored}/k", {}, headers, UNSIGNED, lab.credentials, FIRST_REGION, now())
    headers["Authorization"] = headers["Authorization"].replace("/s3/", "/sqs/")
    answer = exchange(lab, "GET", f"/{stored}/k", headers, b"")
    assert answer.status in (400, 403)
    assert answer.code in ("AuthorizationHeaderMalformed", "SignatureDoesNotMatch")


def test_anonymous(lab, stored):
    """403 AccessDenied"""
    headers = {"Host": urlsplit(lab.endpoints[FIRST_REGION]).netloc}
    for method, path in (("GET", f"/{stored}/k"), ("GET", f"/{stored}"), ("PUT", f"/{stored}/n")):
        answer = exchange(lab, method, path, dict(headers), b"")
        assert (answer.status, answer.code) == (403, "AccessDenied")


@pytest.mark.parametrize(
    "value", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a", "Bearer token", "AWS a:b"]
)
def test_malformed_authorization(lab, stored, value):
    """400 AuthorizationHeaderMalformed, InvalidArgument or InvalidRequest, by what is missing;
    never served."""
    headers = {
        "Host": urlsplit(lab.endpoints[FIRST_REGION]).netloc,
        "x-amz-date": now().strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-content-sha256": UNSIGNED,
        "Authorization": value,
    }
    answer = exchange(lab, "GET", f"/{stored}/k", headers, b"")
    assert answer.status in (400, 403)
    assert answer.code in (
        "AuthorizationHeaderMalformed",
        "InvalidArgument",
        "InvalidRequest",
        "AccessDenied",
        "MissingSecurityHeader",
    )


def test_changed_after_signing(lab, s3, stored):
    """403 SignatureDoesNotMatch for another path, query, header or method"""
    host = urlsplit(lab.endpoints[FIRST_REGION]).netloc
    s3.put_object(Bucket=stored, Key="other", Body=b"other")

    def signed():
        headers = {"Host": host, "x-amz-meta-a": "1"}
        sign("GET", f"/{stored}/k", {}, headers, UNSIGNED, lab.credentials, FIRST_REGION, now())
        return headers

    assert exchange(lab, "GET", f"/{stored}/k", signed(), b"").status == 200
    for method, path, change in (
        ("GET", f"/{stored}/other", {}),
        ("GET", f"/{stored}/k?versionId=null", {}),
        ("DELETE", f"/{stored}/k", {}),
        ("GET", f"/{stored}/k", {"x-amz-meta-a": "2"}),
    ):
        answer = exchange(lab, method, path, signed() | change, b"")
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch"), (method, path)
    assert s3.get_object(Bucket=stored, Key="k")["Body"].read() == b"data"


def chunk_signed(signature, chunks):
    """An aws-chunked body whose chunk signatures follow from each other."""
    empty = hashlib.sha256(b"").hexdigest()
    previous = signature.value
    body = b""
    for chunk in [*chunks, b""]:
        to_sign = "\n".join(
            [
                "AWS4-HMAC-SHA256-PAYLOAD",
                signature.time,
                signature.scope,
                previous,
                empty,
                hashlib.sha256(chunk).hexdigest(),
            ]
        )
        previous = _hmac(signature.key, to_sign).hex()
        body += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), previous.encode(), chunk)
    return body


def put_in_signed_chunks(lab, bucket, chunks, change=None):
    size = str(sum(map(len, chunks)))
    headers = {
        "Host": urlsplit(lab.endpoints[FIRST_REGION]).netloc,
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": size,
    }
    signature = sign(
        "PUT",
        f"/{bucket}/chunks",
        {},
        headers,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        lab.credentials,
        FIRST_REGION,
        now(),
    )
    body = chunk_signed(signature, chunks)
    return exchange(lab, "PUT", f"/{bucket}/chunks", headers, change(body) if change else body)


def test_signed_chunks(lab, s3, bucket):
    """sigv4-streaming.html"""
    chunks = [b"a" * 65536, b"b" * 65536, b"c" * 100]
    answer = put_in_signed_chunks(lab, bucket, chunks)
    assert answer.status == 200, answer.body
    assert s3.get_object(Bucket=bucket, Key="chunks")["Body"].read() == b"".join(chunks)


def test_changed_chunk(lab, s3, bucket):
    """403 SignatureDoesNotMatch, and nothing is stored"""
    chunks = [b"a" * 65536, b"b" * 100]
    answer = put_in_signed_chunks(lab, bucket, chunks, lambda body: body.replace(b"bbb", b"bxb"))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.fixture
def pool(lab):
    return urllib3.PoolManager(ca_certs=lab.ca_bundle)


def test_presigned(s3, pool, stored):
    get = s3.generate_presigned_url("get_object", Params={"Bucket": stored, "Key": "k"})
    assert pool.request("GET", get).data == b"data"
    put = s3.generate_presigned_url("put_object", Params={"Bucket": stored, "Key": "new name+%"})
    assert pool.request("PUT", put, body=b"by url").status == 200
    assert s3.get_object(Bucket=stored, Key="new name+%")["Body"].read() == b"by url"


def test_presigned_overrides(s3, pool, stored):
    """API/API_GetObject.html: overrides need a signed request, presigned ones included."""
    url = s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": stored, "Key": "k", "ResponseContentType": "text/plain"},
    )
    assert pool.request("GET", url).headers["content-type"] == "text/plain"


def test_presigned_for_another_method(s3, pool, stored):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": stored, "Key": "k"})
    answer = pool.request("DELETE", url)
    assert answer.status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer.data
    assert pool.request("GET", url).status == 200


def test_presigned_and_expired(s3, pool, stored):
    """sigv4-query-string-auth.html: X-Amz-Expires; 403 AccessDenied, "Request has expired"."""
    import time

    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": stored, "Key": "k"}, ExpiresIn=1
    )
    time.sleep(2.2)
    answer = pool.request("GET", url)
    assert answer.status == 403
    assert b"<Code>AccessDenied</Code>" in answer.data


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Amz-Expires", "604801"), ("X-Amz-Expires", "-1"), ("X-Amz-Expires", "soon")],
)
def test_presigned_with_false_parameters(s3, lab, stored, name, value):
    """400 AuthorizationQueryParametersError: Expires is at most seven days."""
    url = s3.generate_presigned_url("get_object", Params={"Bucket": stored, "Key": "k"})
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {name: value}
    answer = exchange(lab, "GET", target(parts.path, query), {"Host": parts.netloc}, b"")
    assert answer.status in (400, 403)
    assert answer.code in ("AuthorizationQueryParametersError", "SignatureDoesNotMatch")


def test_presigned_and_tampered(s3, pool, stored):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": stored, "Key": "k"})
    answer = pool.request("GET", url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"))
    assert answer.status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer.data


def test_bucket_of_another_region(lab, s3, s3_second):
    """301 PermanentRedirect to the Region in x-amz-bucket-region; HEAD says it in its headers."""
    far = make_bucket(s3_second)
    s3_second.put_object(Bucket=far, Key="k", Body=b"x")
    for method, key, query in (
        ("GET", "k", {}),
        ("PUT", "n", {}),
        ("DELETE", "k", {}),
        ("GET", "", {"list-type": "2"}),
        ("GET", "", {"versioning": ""}),
        ("GET", "", {"encryption": ""}),
    ):
        answer = send(lab, method, far, key, query)
        assert (answer.status, answer.code) == (301, "PermanentRedirect"), (method, key, query)
        assert answer.headers["x-amz-bucket-region"] == SECOND_REGION
    for key in ("", "k"):
        answer = send(lab, "HEAD", far, key)
        assert (answer.status, answer.body) == (301, b"")
        assert answer.headers["x-amz-bucket-region"] == SECOND_REGION
    assert s3_second.get_object(Bucket=far, Key="k")["Body"].read() == b"x"


def test_virtual_host(lab, s3, stored):
    """userguide/VirtualHosting.html: the bucket as the first label of the Host header."""
    for host in (f"{stored}.localhost", f"{stored}.s3.{FIRST_REGION}.localhost"):
        answer = send(lab, "GET", stored, "k", virtual_host=host)
        assert (answer.status, answer.body) == (200, b"data"), host
        answer = send(lab, "GET", stored, "", {"list-type": "2"}, virtual_host=host)
        assert b"<Key>k</Key>" in answer.body
        answer = send(lab, "PUT", stored, "folder/ü +%", body=b"x", virtual_host=host)
        assert answer.status == 200
        assert s3.get_object(Bucket=stored, Key="folder/ü +%")["Body"].read() == b"x"


def test_virtual_host_of_a_missing_bucket(lab):
    answer = send(lab, "GET", "none", "k", virtual_host="no-such-bucket-here.localhost")
    assert (answer.status, answer.code) == (404, "NoSuchBucket")


def test_path_style_on_localhost(lab, stored):
    answer = send(lab, "GET", "", f"{stored}/k", virtual_host="localhost")
    assert (answer.status, answer.body) == (200, b"data")


def test_tls_is_verified_against_the_labs_authority(lab):
    """The certificate names the address and hangs on the exported authority, no other."""
    from botocore.exceptions import SSLError

    import boto3

    with pytest.raises(SSLError):
        boto3.client(
            "s3",
            region_name=FIRST_REGION,
            endpoint_url=lab.endpoints[FIRST_REGION],
            aws_access_key_id=lab.credentials[0],
            aws_secret_access_key=lab.credentials[1],
        ).list_buckets()


def test_each_region_serves_its_own_name(lab):
    for region in (FIRST_REGION, SECOND_REGION):
        client(lab, region).list_buckets()


def test_unknown_operation(lab, bucket):
    """API/ErrorResponses.html: 501 NotImplemented (or 405 MethodNotAllowed), never a crash."""
    answer = send(lab, "POST", bucket, "k")
    assert answer.status in (400, 405, 501)
    assert answer.code
    answer = send(lab, "GET", bucket, query={"inventory": ""})
    assert answer.status in (404, 501)
    assert answer.code
