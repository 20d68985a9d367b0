//! Object keys taken literally; media type, metadata, tags.

use keyferry_key::KeyId;
use keyferry_transfer::{TransferError, UploadSource, key_tag};

use crate::setup::{Setup, address};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_literal() {
    let setup = Setup::start().await;
    for key in [
        "with space",
        "日本語/ファイル.txt",
        "e\u{301} and é",
        "100%",
        "%20",
        "a+b",
        "a%2Bb",
        "folder/",
        "/leading",
        "double//slash",
        "?versionId=1#fragment",
        "a&b=c;d:e@f!$'()*,",
        "dot/./dot/../dot",
        "\"quoted\"<xml>&amp;",
    ] {
        let to = format!("s3://tokyo/{key}");
        let content = format!("content of {key}").into_bytes();
        setup.put(&content, &to).await;
        let (downloaded, got) = setup.get(&to).await;
        assert!(downloaded.is_ok(), "{key}: {downloaded:?}");
        assert_eq!(got, content, "{key}");
        let mut listed = Vec::new();
        let list = setup.client.list_objects_v2().bucket("tokyo").send().await;
        for object in list.unwrap().contents() {
            listed.push(object.key().unwrap().to_owned());
        }
        assert!(
            listed.iter().any(|listed| listed == key),
            "{key}: {listed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_arrive() {
    let setup = Setup::start().await;
    let id = KeyId::generate().unwrap();
    for size in [10, 6 << 20] {
        let path = setup.file("table.csv", &vec![7; size]);
        let mut upload = setup.new_upload(UploadSource::File(path), "s3://tokyo/labelled");
        upload.key_id = Some(id.clone());
        upload.metadata = [("Owner".to_owned(), "team a".to_owned())].into();
        upload.tags = [("größe".to_owned(), "1+1=2 /@".to_owned())].into();
        let receipt = setup.send(upload).await.unwrap();
        assert_eq!(receipt.key_id, Some(id.clone()));
        let (downloaded, _) = setup.get("s3://tokyo/labelled").await;
        let downloaded = downloaded.unwrap();
        assert_eq!(downloaded.content_type.as_deref(), Some("text/csv"));
        assert_eq!(downloaded.metadata["owner"], "team a");
        let object = address("s3://tokyo/labelled");
        let found = key_tag(&setup.client, &object, receipt.version_id.as_deref()).await;
        assert_eq!(found.unwrap(), Some(id.clone()));
        let tags = setup.client.get_object_tagging().bucket("tokyo");
        let tags = tags.key("labelled").send().await.unwrap();
        assert!(
            tags.tag_set()
                .iter()
                .any(|tag| tag.key() == "größe" && tag.value() == "1+1=2 /@")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_tag_names_no_key() {
    let setup = Setup::start().await;
    setup.put(b"x", "s3://tokyo/untagged").await;
    let object = address("s3://tokyo/untagged");
    assert_eq!(key_tag(&setup.client, &object, None).await.unwrap(), None);
    let missing = address("s3://tokyo/missing");
    assert!(matches!(
        key_tag(&setup.client, &missing, None).await,
        Err(TransferError::NoSuchObject { .. })
    ));
}
