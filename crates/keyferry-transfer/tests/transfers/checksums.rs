//! Objects that other tools uploaded, with other checksums.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use keyferry_transfer::{DownloadTarget, Verification};

use crate::setup::{Output, PART, Setup, content};

/// A client that adds checksums as the SDK does by default.
fn summing(setup: &Setup) -> Client {
    let config = setup.client.config().to_builder();
    let calculation = RequestChecksumCalculation::WhenSupported;
    Client::from_conf(config.request_checksum_calculation(calculation).build())
}

/// Downloads to a file and to a stream; both must say the same.
async fn verification(setup: &Setup, source: &str, sent: &[u8]) -> Verification {
    let (downloaded, got) = setup.get(source).await;
    assert!(got == sent);
    let output = Output::default();
    let target = DownloadTarget::Writer(Box::new(output.clone()));
    let streamed = setup.fetch(setup.new_download(source, target)).await;
    assert!(*output.0.lock().unwrap() == sent);
    let verification = downloaded.unwrap().verification;
    assert_eq!(streamed.unwrap().verification, verification);
    verification
}

#[tokio::test(flavor = "multi_thread")]
async fn of_single_puts() {
    let setup = Setup::start().await;
    let (client, key) = (summing(&setup), setup.key.headers());
    for algorithm in [
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        for size in [0, 100, (2 << 20) + 3] {
            let sent = content(size);
            client
                .put_object()
                .bucket("tokyo")
                .key("key")
                .checksum_algorithm(algorithm.clone())
                .sse_customer_algorithm(key.algorithm())
                .sse_customer_key(key.expose_key())
                .sse_customer_key_md5(key.md5().to_string())
                .body(sent.clone().into())
                .send()
                .await
                .unwrap();
            match verification(&setup, "s3://tokyo/key", &sent).await {
                Verification::FullObject(checksum) => {
                    assert_eq!(checksum.algorithm, algorithm.as_str());
                }
                other => panic!("{algorithm}, {size} bytes: {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_parts() {
    let setup = Setup::start().await;
    let (client, key) = (summing(&setup), setup.key.headers());
    for algorithm in [ChecksumAlgorithm::Sha256, ChecksumAlgorithm::Crc32] {
        let sent = content(2 * PART + 77);
        let begun = client
            .create_multipart_upload()
            .bucket("tokyo")
            .key("key")
            .checksum_algorithm(algorithm.clone())
            .checksum_type(ChecksumType::Composite)
            .sse_customer_algorithm(key.algorithm())
            .sse_customer_key(key.expose_key())
            .sse_customer_key_md5(key.md5().to_string())
            .send()
            .await
            .unwrap();
        let id = begun.upload_id().unwrap();
        let mut parts = Vec::new();
        for (number, bytes) in (1..).zip(sent.chunks(usize::try_from(PART).unwrap())) {
            let part = client
                .upload_part()
                .bucket("tokyo")
                .key("key")
                .upload_id(id)
                .part_number(number)
                .checksum_algorithm(algorithm.clone())
                .sse_customer_algorithm(key.algorithm())
                .sse_customer_key(key.expose_key())
                .sse_customer_key_md5(key.md5().to_string())
                .body(bytes.to_vec().into())
                .send()
                .await
                .unwrap();
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(part.e_tag().map(str::to_owned))
                    .set_checksum_sha256(part.checksum_sha256().map(str::to_owned))
                    .set_checksum_crc32(part.checksum_crc32().map(str::to_owned))
                    .build(),
            );
        }
        let all = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        client
            .complete_multipart_upload()
            .bucket("tokyo")
            .key("key")
            .upload_id(id)
            .multipart_upload(all)
            .sse_customer_algorithm(key.algorithm())
            .sse_customer_key(key.expose_key())
            .sse_customer_key_md5(key.md5().to_string())
            .send()
            .await
            .unwrap();
        match verification(&setup, "s3://tokyo/key", &sent).await {
            Verification::Parts { checksum, parts } => {
                assert_eq!(checksum.algorithm, algorithm.as_str());
                assert_eq!(parts, 3);
            }
            other => panic!("{algorithm}: {other:?}"),
        }
    }
}
