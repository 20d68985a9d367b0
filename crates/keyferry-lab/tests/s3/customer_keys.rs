//! Customer keys on every operation that takes them: what right, wrong, missing, superfluous
//! and malformed keys get.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ObjectAttributes, ServerSideEncryption};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Digest as _;

use crate::support::{Key, World, answer, pattern, put, refusal, refused};
use crate::with_key;

type Answer = (u16, Option<String>);

/// The headers of a key, each of which may be missing or wrong.
#[derive(Clone)]
pub(crate) struct Headers {
    algorithm: Option<String>,
    key: Option<String>,
    md5: Option<String>,
}

impl Headers {
    pub(crate) fn of(key: &Key) -> Self {
        Self {
            algorithm: Some("AES256".to_owned()),
            key: Some(key.base64()),
            md5: Some(key.md5()),
        }
    }

    fn none() -> Self {
        Self {
            algorithm: None,
            key: None,
            md5: None,
        }
    }
}

/// Sends an operation with these headers on `plain` or `sealed`, two objects of a bucket.
pub(crate) async fn send(
    client: &Client,
    operation: &str,
    object: &str,
    headers: Headers,
) -> Answer {
    macro_rules! with {
        ($builder:expr) => {
            refused(
                $builder
                    .bucket("keys")
                    .key(object)
                    .set_sse_customer_algorithm(headers.algorithm)
                    .set_sse_customer_key(headers.key)
                    .set_sse_customer_key_md5(headers.md5)
                    .send()
                    .await,
            )
        };
    }
    match operation {
        "PutObject" => with!(client.put_object().body(ByteStream::from_static(b"new"))),
        "CreateMultipartUpload" => with!(client.create_multipart_upload()),
        "GetObject" => with!(client.get_object()),
        "HeadObject" => with!(client.head_object()),
        "GetObjectAttributes" => with!(
            client
                .get_object_attributes()
                .object_attributes(ObjectAttributes::ObjectSize)
        ),
        "CopyObject to" => with!(client.copy_object().copy_source("keys/plain")),
        "CopyObject from" => refused(
            client
                .copy_object()
                .bucket("keys")
                .key("copy")
                .copy_source(format!("keys/{object}"))
                .set_copy_source_sse_customer_algorithm(headers.algorithm)
                .set_copy_source_sse_customer_key(headers.key)
                .set_copy_source_sse_customer_key_md5(headers.md5)
                .send()
                .await,
        ),
        other => panic!("{other}"),
    }
}

/// Operations that write under a key.
pub(crate) const WRITES: [&str; 3] = ["PutObject", "CreateMultipartUpload", "CopyObject to"];
const READS: [&str; 4] = [
    "GetObject",
    "HeadObject",
    "GetObjectAttributes",
    "CopyObject from",
];

/// HEAD answers carry no body, so no code.
fn expected(operation: &str, status: u16, code: &str) -> Answer {
    if operation == "HeadObject" {
        (status, None)
    } else {
        answer(status, code)
    }
}

fn without_head_code(operation: &str, got: Answer) -> Answer {
    if operation == "HeadObject" {
        (got.0, None)
    } else {
        got
    }
}

async fn world() -> (World, Key) {
    let world = World::start().await;
    world.bucket("keys").await;
    let client = world.client();
    let key = Key::new(1);
    put(&client, "keys", "plain", b"in the clear").await;
    with_key!(client.put_object().bucket("keys").key("sealed"), key)
        .body(ByteStream::from_static(b"sealed under a key"))
        .send()
        .await
        .unwrap();
    (world, key)
}

/// S3-SSEC-2: the right key opens, and answers echo algorithm and key MD5.
#[tokio::test]
async fn the_right_key() {
    let (world, key) = world().await;
    let client = world.client();
    let body = pattern(300_000, 2);
    let put = with_key!(client.put_object().bucket("keys").key("big"), key)
        .body(ByteStream::from(body.clone()))
        .send()
        .await
        .unwrap();
    assert_eq!(put.sse_customer_algorithm.as_deref(), Some("AES256"));
    assert_eq!(put.sse_customer_key_md5.as_deref(), Some(&*key.md5()));
    assert_eq!(put.server_side_encryption, None);
    assert_ne!(
        put.e_tag.as_deref(),
        Some(&*format!("\"{}\"", hex::encode(md5::Md5::digest(&body)))),
        "the ETag must not be the content's MD5"
    );
    let got = with_key!(client.get_object().bucket("keys").key("big"), key)
        .send()
        .await
        .unwrap();
    assert_eq!(got.sse_customer_key_md5.as_deref(), Some(&*key.md5()));
    assert_eq!(got.body.collect().await.unwrap().to_vec(), body);
    let range = with_key!(client.get_object().bucket("keys").key("big"), key)
        .range("bytes=131071-131073")
        .send()
        .await
        .unwrap();
    assert_eq!(
        range.body.collect().await.unwrap().to_vec(),
        body[131_071..=131_073]
    );
    let head = with_key!(client.head_object().bucket("keys").key("big"), key)
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length, Some(300_000));
    assert_eq!(head.sse_customer_algorithm.as_deref(), Some("AES256"));
    let attributes = with_key!(
        client.get_object_attributes().bucket("keys").key("big"),
        key
    )
    .object_attributes(ObjectAttributes::ObjectSize)
    .object_attributes(ObjectAttributes::Checksum)
    .send()
    .await
    .unwrap();
    assert_eq!(attributes.object_size, Some(300_000));
    assert!(attributes.checksum.is_some());
}

/// S3-SSEC-3, S3-SSEC-4, S3-SSEC-5: missing, wrong and superfluous keys on every read.
#[tokio::test]
async fn keys_that_do_not_fit_the_object() {
    let (world, _key) = world().await;
    let client = world.client();
    let other = Headers::of(&Key::new(2));
    for operation in READS {
        let got = |answer| without_head_code(operation, answer);
        assert_eq!(
            got(send(&client, operation, "sealed", Headers::none()).await),
            expected(operation, 400, "InvalidRequest"),
            "{operation} without a key"
        );
        assert_eq!(
            got(send(&client, operation, "sealed", other.clone()).await),
            expected(operation, 403, "AccessDenied"),
            "{operation} with another key"
        );
        assert_eq!(
            got(send(&client, operation, "plain", other.clone()).await),
            expected(operation, 400, "InvalidRequest"),
            "{operation} with a superfluous key"
        );
    }
    let missing = client
        .get_object()
        .bucket("keys")
        .key("sealed")
        .send()
        .await;
    assert_eq!(
        refusal(missing).2,
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
    );
    let wrong = with_key!(
        client.get_object().bucket("keys").key("sealed"),
        Key::new(2)
    )
    .send()
    .await;
    assert_eq!(
        refusal(wrong).2,
        "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
    );
    let superfluous = with_key!(client.get_object().bucket("keys").key("plain"), Key::new(2))
        .send()
        .await;
    assert_eq!(
        refusal(superfluous).2,
        "The encryption parameters are not applicable to this object."
    );
}

/// S3-SSEC-6, S3-SSEC-7, S3-SSEC-8: malformed headers on every operation.
#[tokio::test]
async fn malformed_keys() {
    let (world, key) = world().await;
    let client = world.client();
    let good = Headers::of(&key);
    let short = [7; 16];
    let cases = [
        (
            "no algorithm",
            Headers {
                algorithm: None,
                ..good.clone()
            },
            "InvalidArgument",
        ),
        (
            "another algorithm",
            Headers {
                algorithm: Some("AES128".to_owned()),
                ..good.clone()
            },
            "InvalidEncryptionAlgorithmError",
        ),
        (
            "no key",
            Headers {
                key: None,
                ..good.clone()
            },
            "InvalidArgument",
        ),
        (
            "no MD5",
            Headers {
                md5: None,
                ..good.clone()
            },
            "InvalidArgument",
        ),
        (
            "another MD5",
            Headers {
                md5: Some(Key::new(2).md5()),
                ..good.clone()
            },
            "InvalidArgument",
        ),
        (
            "16 bytes",
            Headers {
                key: Some(STANDARD.encode(short)),
                md5: Some(STANDARD.encode(md5::Md5::digest(short))),
                ..good.clone()
            },
            "InvalidArgument",
        ),
        (
            "no base64",
            Headers {
                key: Some("****".to_owned()),
                ..good.clone()
            },
            "InvalidArgument",
        ),
    ];
    for operation in WRITES.into_iter().chain(READS) {
        for (what, headers, code) in &cases {
            let got = send(&client, operation, "sealed", headers.clone()).await;
            assert_eq!(
                without_head_code(operation, got),
                expected(operation, 400, code),
                "{operation} with {what}"
            );
        }
    }
}

/// S3-SSEC-9: plain http.
#[tokio::test]
async fn keys_over_plain_http() {
    let (world, key) = world().await;
    let client = world.http_client();
    for operation in WRITES.into_iter().chain(READS) {
        let got = send(&client, operation, "sealed", Headers::of(&key)).await;
        assert_eq!(
            without_head_code(operation, got),
            expected(operation, 400, "InvalidRequest"),
            "{operation}"
        );
    }
    let plain = with_key!(client.get_object().bucket("keys").key("sealed"), key)
        .send()
        .await;
    assert_eq!(
        refusal(plain).2,
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection."
    );
    // Without a key, http is served.
    assert_eq!(
        crate::support::get(&client, "keys", "plain").await,
        b"in the clear"
    );
}

/// S3-SSEC-10: not together with another encryption.
#[tokio::test]
async fn one_encryption_at_a_time() {
    let (world, key) = world().await;
    let both = with_key!(world.client().put_object().bucket("keys").key("both"), key)
        .server_side_encryption(ServerSideEncryption::Aes256)
        .send()
        .await;
    assert_eq!(refused(both), answer(400, "InvalidArgument"));
}

/// S3-SSEC-13: deleting, listing and tags need no key.
#[tokio::test]
async fn what_needs_no_key() {
    let (world, _key) = world().await;
    let client = world.client();
    let listed = client
        .list_objects_v2()
        .bucket("keys")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.key_count, Some(2));
    let tags = client
        .get_object_tagging()
        .bucket("keys")
        .key("sealed")
        .send()
        .await
        .unwrap();
    assert!(tags.tag_set.is_empty());
    client
        .delete_object()
        .bucket("keys")
        .key("sealed")
        .send()
        .await
        .unwrap();
}
