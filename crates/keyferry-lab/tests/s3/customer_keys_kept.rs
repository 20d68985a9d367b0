//! What buckets do with customer keys: block them, and keep none.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncryptionType;

use crate::customer_keys::{Headers, WRITES, send};
use crate::support::{Key, World, answer, encryption, put, refusal};
use crate::with_key;

/// S3-SSEC-20: new buckets block customer keys, for writing only; unblocking is explicit.
#[tokio::test]
async fn buckets_block_customer_keys() {
    let world = World::start().await;
    world.new_bucket_in(0, "keys").await;
    let client = world.client();
    let key = Key::new(1);
    let blocked = client
        .get_bucket_encryption()
        .bucket("keys")
        .send()
        .await
        .unwrap();
    let rule = &blocked.server_side_encryption_configuration.unwrap().rules[0];
    let types = rule.blocked_encryption_types().unwrap();
    assert_eq!(types.encryption_type(), [EncryptionType::SseC]);
    put(&client, "keys", "plain", b"in the clear").await;
    for operation in WRITES {
        let got = send(&client, operation, "new", Headers::of(&key)).await;
        assert_eq!(got, answer(403, "AccessDenied"), "{operation}");
    }
    let refusal = refusal(
        with_key!(client.put_object().bucket("keys").key("a"), key)
            .send()
            .await,
    );
    assert!(refusal.2.contains("blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C)"));

    crate::support::allow_sse_c(&client, "keys").await;
    with_key!(client.put_object().bucket("keys").key("sealed"), key)
        .body(ByteStream::from_static(b"sealed"))
        .send()
        .await
        .unwrap();
    // S3-ENC-1: leaving the element out changes nothing, here and after blocking again.
    client
        .put_bucket_encryption()
        .bucket("keys")
        .server_side_encryption_configuration(encryption(None))
        .send()
        .await
        .unwrap();
    with_key!(client.put_object().bucket("keys").key("sealed"), key)
        .body(ByteStream::from_static(b"sealed"))
        .send()
        .await
        .unwrap();
    client
        .put_bucket_encryption()
        .bucket("keys")
        .server_side_encryption_configuration(encryption(Some(EncryptionType::SseC)))
        .send()
        .await
        .unwrap();
    let again = send(&client, "PutObject", "sealed", Headers::of(&key)).await;
    assert_eq!(again, answer(403, "AccessDenied"));
    // What is there can still be read.
    let got = with_key!(client.get_object().bucket("keys").key("sealed"), key)
        .send()
        .await
        .unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"sealed");
}

/// S3-SSEC-1: nothing on the lab's disk holds the key or the content.
#[tokio::test]
async fn neither_key_nor_content_is_on_disk() {
    let key = Key::new(1);
    let dir = tempfile::tempdir().unwrap();
    let lab = keyferry_lab::Lab::start(keyferry_lab::LabOptions {
        dir: Some(dir.path().to_owned()),
        ..Default::default()
    })
    .await
    .unwrap();
    let world = World { lab };
    world.bucket("keys").await;
    with_key!(
        world.client().put_object().bucket("keys").key("sealed"),
        key
    )
    .body(ByteStream::from_static(b"sealed under a customer key"))
    .send()
    .await
    .unwrap();
    world.lab.shutdown().await;
    let needles: [Vec<u8>; 4] = [
        key.0.to_vec(),
        key.base64().into_bytes(),
        hex::encode(key.0).into_bytes(),
        b"under a customer key".to_vec(),
    ];
    let mut files = 0;
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let content = std::fs::read(&path).unwrap();
            for needle in &needles {
                assert!(
                    !content.windows(needle.len()).any(|window| window == needle),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(files > 3, "{files} files");
}
