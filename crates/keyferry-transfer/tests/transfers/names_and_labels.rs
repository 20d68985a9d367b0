//! Object keys taken literally; media type, metadata, tags.

use keyferry_key::KeyId;
use keyferry_transfer::{
    Event, NoKeyTag, Observer, Receipt, TagRepair, TransferError, Upload, UploadSource, key_tag,
    repair_key_tag, upload,
};
use tokio_util::sync::CancellationToken;

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

/// Takes note of why there is no tag that names the key.
#[derive(Default)]
struct LeftOut(std::sync::Mutex<Option<NoKeyTag>>);

impl Observer for LeftOut {
    fn on(&self, event: Event) {
        if let Event::KeyTagLeftOut { reason } = event {
            *self.0.lock().unwrap() = Some(reason);
        }
    }
}

async fn noting(setup: &Setup, new: Upload) -> (Result<Receipt, TransferError>, Option<NoKeyTag>) {
    let left_out = LeftOut::default();
    let sent = upload(&setup.client, new, &left_out, CancellationToken::new()).await;
    let reason = *left_out.0.lock().unwrap();
    (sent.map(|sent| sent.receipt), reason)
}

async fn deny(setup: &Setup, actions: &str) {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":[{actions}],"Resource":"arn:aws:s3:::tokyo/*"}}]}}"#
    );
    let put = setup.client.put_bucket_policy().bucket("tokyo");
    put.policy(policy).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tagging_is_denied_the_object_is_stored_without_the_keys_tag() {
    let setup = Setup::start().await;
    deny(&setup, r#""s3:PutObjectTagging""#).await;
    let id = KeyId::generate().unwrap();
    for size in [10, 6 << 20] {
        let path = setup.file("put", &vec![7; size]);
        let new = || {
            let mut new = setup.new_upload(UploadSource::File(path.clone()), "s3://tokyo/k");
            new.key_id = Some(id.clone());
            new
        };
        let (sent, reason) = noting(&setup, new()).await;
        let receipt = sent.unwrap();
        assert_eq!(receipt.size, size as u64);
        assert_eq!(reason, Some(NoKeyTag::Denied));
        let object = address("s3://tokyo/k");
        assert_eq!(key_tag(&setup.client, &object, None).await.unwrap(), None);
        // Tags that were asked for are not given up in silence.
        let mut tagged = new();
        tagged.tags = [("a".to_owned(), "b".to_owned())].into();
        let (sent, _) = noting(&setup, tagged).await;
        assert!(
            matches!(sent, Err(TransferError::AccessDenied { .. })),
            "{sent:?}"
        );
    }
    assert_eq!(setup.open_uploads("tokyo").await, 0);

    // What is denied for other reasons stays denied, and says for which.
    deny(&setup, r#""s3:PutObject""#).await;
    let path = setup.file("put", b"x");
    let mut new = setup.new_upload(UploadSource::File(path), "s3://tokyo/k");
    new.key_id = Some(id);
    let (sent, reason) = noting(&setup, new).await;
    let error = sent.unwrap_err().to_string();
    assert!(
        error.contains("not authorized to perform: s3:PutObject on"),
        "{error}"
    );
    assert_eq!(reason, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_other_tags_leave_no_room_for_the_keys() {
    let setup = Setup::start().await;
    let id = KeyId::generate().unwrap();
    let path = setup.file("put", b"x");
    let mut new = setup.new_upload(UploadSource::File(path), "s3://tokyo/full");
    new.key_id = Some(id.clone());
    new.tags = (0..10).map(|n| (format!("t{n}"), n.to_string())).collect();
    let (sent, reason) = noting(&setup, new).await;
    let receipt = sent.unwrap();
    assert_eq!(reason, Some(NoKeyTag::Full));
    let object = address("s3://tokyo/full");
    let version = receipt.version_id.as_deref();
    let repaired = repair_key_tag(&setup.client, &object, version, &id).await;
    assert_eq!(repaired.unwrap(), TagRepair::Full);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_tag_is_put_right_and_others_stay() {
    let setup = Setup::start().await;
    let (wrong, right) = (KeyId::generate().unwrap(), KeyId::generate().unwrap());
    let path = setup.file("put", b"x");
    let mut new = setup.new_upload(UploadSource::File(path), "s3://tokyo/k");
    new.key_id = Some(wrong);
    new.tags = [("größe".to_owned(), "1+1=2 /@".to_owned())].into();
    let version = setup.send(new).await.unwrap().version_id;
    let version = version.as_deref();
    let object = address("s3://tokyo/k");
    for expected in [TagRepair::Written, TagRepair::Right] {
        let repaired = repair_key_tag(&setup.client, &object, version, &right).await;
        assert_eq!(repaired.unwrap(), expected);
    }
    assert_eq!(
        key_tag(&setup.client, &object, version).await.unwrap(),
        Some(right)
    );
    let tags = setup.client.get_object_tagging().bucket("tokyo").key("k");
    let tags = tags.send().await.unwrap();
    assert_eq!(tags.tag_set().len(), 2);
    assert!(
        tags.tag_set()
            .iter()
            .any(|tag| (tag.key(), tag.value()) == ("größe", "1+1=2 /@"))
    );

    deny(&setup, r#""s3:PutObjectVersionTagging""#).await;
    let other = KeyId::generate().unwrap();
    let refused = repair_key_tag(&setup.client, &object, version, &other).await;
    assert!(
        matches!(refused, Err(TransferError::AccessDenied { .. })),
        "{refused:?}"
    );
}
