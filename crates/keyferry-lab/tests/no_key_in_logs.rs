//! S3-SSEC-30: whatever level logging is set to, no line holds a customer key.
//!
//! Everything in the process is captured at TRACE: the lab, s3s, hyper. Left out are
//! the targets of the SDK (`aws_*`), which runs in this process only because the test does:
//! its signer logs the headers it signs at TRACE, as its documentation warns.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

#[path = "s3/support.rs"]
#[expect(dead_code, reason = "this test needs a part of what the others need")]
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ObjectAttributes,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use support::{Key, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every operation that takes a key, with the right one, another one, and malformed headers.
async fn use_keys(world: &World, key: &Key, other: &Key) {
    let client = world.client();
    let bucket = "logged";
    for key in [key, other] {
        let put = with_key!(client.put_object().bucket(bucket).key("a"), key)
            .body(ByteStream::from(vec![1; 100_000]));
        put.send().await.unwrap();
    }
    for key in [key, other] {
        let get = with_key!(client.get_object().bucket(bucket).key("a"), key);
        if let Ok(got) = get.send().await {
            got.body.collect().await.unwrap();
        }
        let _refused = with_key!(client.head_object().bucket(bucket).key("a"), key)
            .send()
            .await;
        let _refused = with_key!(client.get_object_attributes().bucket(bucket).key("a"), key)
            .object_attributes(ObjectAttributes::Checksum)
            .send()
            .await;
        let _refused = with_key!(client.get_object().bucket(bucket).key("a"), key)
            .sse_customer_algorithm("AES128")
            .send()
            .await;
        let _refused = with_key!(client.get_object().bucket(bucket).key("a"), key)
            .sse_customer_key_md5("AAAAAAAAAAAAAAAAAAAAAA==")
            .send()
            .await;
        let _refused = with_key!(client.copy_object().bucket(bucket).key("b"), key)
            .copy_source("logged/a")
            .copy_source_sse_customer_algorithm("AES256")
            .copy_source_sse_customer_key(other.base64())
            .copy_source_sse_customer_key_md5(other.md5())
            .send()
            .await;
    }
    let id = with_key!(
        client.create_multipart_upload().bucket(bucket).key("m"),
        key
    )
    .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
    .send()
    .await
    .unwrap()
    .upload_id
    .unwrap();
    for key in [other, key] {
        let _refused = with_key!(client.upload_part().bucket(bucket).key("m"), key)
            .upload_id(&id)
            .part_number(1)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .body(ByteStream::from_static(b"part"))
            .send()
            .await;
    }
    let part = with_key!(client.upload_part_copy().bucket(bucket).key("m"), key)
        .upload_id(&id)
        .part_number(1)
        .copy_source("logged/a")
        .copy_source_sse_customer_algorithm("AES256")
        .copy_source_sse_customer_key(other.base64())
        .copy_source_sse_customer_key_md5(other.md5())
        .send()
        .await
        .unwrap();
    with_key!(client.list_parts().bucket(bucket).key("m"), key)
        .upload_id(&id)
        .send()
        .await
        .unwrap();
    let parts = CompletedMultipartUpload::builder()
        .parts(
            CompletedPart::builder()
                .part_number(1)
                .e_tag(part.copy_part_result.unwrap().e_tag.unwrap())
                .build(),
        )
        .build();
    with_key!(
        client.complete_multipart_upload().bucket(bucket).key("m"),
        key
    )
    .upload_id(&id)
    .multipart_upload(parts)
    .send()
    .await
    .unwrap();
    let _refused = with_key!(
        world.http_client().get_object().bucket(bucket).key("a"),
        key
    )
    .send()
    .await;
    let _presigned = with_key!(client.get_object().bucket(bucket).key("a"), key)
        .presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap())
        .await
        .unwrap();
}

/// Keys where they do not belong: in the query, in a form, under Signature Version 2, in a
/// header twice, in a header that is no text.
async fn misplace_key(world: &World, key: &Key) {
    let encoded = key
        .base64()
        .replace('+', "%2B")
        .replace('=', "%3D")
        .replace('/', "%2F");
    let name = "x-amz-server-side-encryption-customer-key";
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n--x--\r\n",
        key.base64()
    );
    let requests = [
        format!("GET /logged/a?{name}={encoded} HTTP/1.1\r\n"),
        format!(
            "GET /logged/a?X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key={encoded} HTTP/1.1\r\n"
        ),
        format!(
            "GET /logged/a HTTP/1.1\r\nAuthorization: AWS AKIA:c2ln\r\n{name}: {}\r\n",
            key.base64()
        ),
        format!(
            "GET /logged/a HTTP/1.1\r\n{name}: {0}\r\n{name}: {0}\r\n",
            key.base64()
        ),
        format!(
            "GET /logged/a HTTP/1.1\r\n{name}: {}\u{ff}\r\n",
            key.base64()
        ),
        format!(
            "POST /logged HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n",
            form.len()
        ),
    ];
    for head in requests {
        let body = if head.starts_with("POST") {
            form.as_str()
        } else {
            ""
        };
        let request = format!("{head}Host: localhost\r\nConnection: close\r\n\r\n{body}");
        let mut stream =
            tokio::net::TcpStream::connect(("127.0.0.1", world.lab.regions()[0].port()))
                .await
                .unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(!answer.is_empty());
        // The answer does not hold it either.
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(&key.base64()), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_line_holds_a_key() {
    let capture = Capture::default();
    let filter = [
        "trace",
        "aws_config=off",
        "aws_credential_types=off",
        "aws_runtime=off",
        "aws_sdk_s3=off",
        "aws_sigv4=off",
        "aws_smithy_checksums=off",
        "aws_smithy_http=off",
        "aws_smithy_http_client=off",
        "aws_smithy_runtime=off",
        "aws_smithy_runtime_api=off",
        "aws_smithy_types=off",
    ]
    .join(",");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(capture.clone())
        .with_ansi(false)
        .init();

    let world = World::start().await;
    world.bucket("logged").await;
    let (key, other) = (Key::new(11), Key::new(12));
    use_keys(&world, &key, &other).await;
    misplace_key(&world, &key).await;
    world.lab.shutdown().await;

    let log = capture.0.lock().unwrap().clone();
    let text = String::from_utf8_lossy(&log);
    for key in [&key, &other] {
        let needles = [
            key.0.to_vec(),
            key.base64().into_bytes(),
            STANDARD_NO_PAD.encode(key.0).into_bytes(),
            URL_SAFE.encode(key.0).into_bytes(),
            STANDARD.encode(key.base64()).into_bytes(),
            key.base64()
                .replace('+', "%2B")
                .replace('=', "%3D")
                .replace('/', "%2F")
                .into_bytes(),
            hex::encode(key.0).into_bytes(),
            hex::encode_upper(key.0).into_bytes(),
            format!("{:?}", key.0).into_bytes(),
            format!("{:02x?}", key.0).into_bytes(),
        ];
        for needle in needles {
            if let Some(at) = log
                .windows(needle.len())
                .position(|window| window == needle)
            {
                let line = text[..at.min(text.len())]
                    .rsplit('\n')
                    .next()
                    .unwrap_or_default();
                panic!("a log line holds a key: {}", &line[..line.len().min(200)]);
            }
        }
    }
    // The capture works, and headers are logged, without their values.
    for seen in ["s3s::service", "hyper", "keyferry_lab", "Sensitive"] {
        assert!(text.contains(seen), "no `{seen}` in the log");
    }
}
