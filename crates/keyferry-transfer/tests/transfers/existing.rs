//! Objects and files that exist already.

use keyferry_key::CustomerKey;
use keyferry_transfer::{
    DownloadTarget, Overwrite, Silent, TransferError, Upload, UploadSource, Uploaded, upload,
};
use tokio_util::sync::CancellationToken;

use crate::setup::{PART, Setup, content};

async fn send(setup: &Setup, new: Upload) -> Result<Uploaded, TransferError> {
    upload(&setup.client, new, &Silent, CancellationToken::new()).await
}

async fn versions(setup: &Setup, key: &str) -> usize {
    let list = setup.client.list_object_versions().bucket("tokyo");
    list.prefix(key).send().await.unwrap().versions().len()
}

fn is_refusal(sent: &Result<Uploaded, TransferError>) -> bool {
    matches!(sent, Err(TransferError::ObjectExists { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_not_overwritten() {
    let setup = Setup::start().await;
    for size in [10, 2 * PART] {
        let key = format!("s3://tokyo/of-{size}");
        let path = setup.file("source", &content(size));
        let new = |change: &dyn Fn(&mut Upload)| {
            let mut new = setup.new_upload(UploadSource::File(path.clone()), &key);
            change(&mut new);
            new
        };
        let condition = |new: &mut Upload| new.if_none_match = true;
        let never = |new: &mut Upload| new.overwrite = Overwrite::Never;
        send(&setup, new(&condition)).await.unwrap();
        for change in [&condition as &dyn Fn(&mut Upload), &never] {
            assert!(is_refusal(&send(&setup, new(change)).await));
        }
        // An object under another key cannot be looked at, but it is there.
        let other = CustomerKey::generate().unwrap();
        let with_another_key = |new: &mut Upload| {
            new.key = other.clone();
            new.overwrite = Overwrite::Never;
        };
        let sent = send(&setup, new(&with_another_key)).await;
        assert!(is_refusal(&sent), "{sent:?}");
        assert!(sent.unwrap_err().hint().is_some());
        assert_eq!(versions(&setup, &format!("of-{size}")).await, 1);
    }
    assert_eq!(setup.open_uploads("tokyo").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_is_not_sent_again() {
    let setup = Setup::start().await;
    for size in [0, 10, 2 * PART] {
        let key = format!("s3://tokyo/of-{size}");
        let same = setup.file("same", &content(size));
        let new = |path: &std::path::Path| {
            let mut new = setup.new_upload(UploadSource::File(path.to_owned()), &key);
            new.overwrite = Overwrite::IfDifferent;
            new
        };
        let first = send(&setup, new(&same)).await.unwrap();
        assert!(!first.unchanged);
        let again = send(&setup, new(&same)).await.unwrap();
        assert!(again.unchanged);
        assert_eq!(again.receipt.version_id, first.receipt.version_id);
        assert_eq!(again.receipt.checksum, first.receipt.checksum);
        assert_eq!(again.receipt.sha256, first.receipt.sha256);
        assert_eq!(versions(&setup, &format!("of-{size}")).await, 1);

        let mut other = content(size + 1);
        other.truncate(usize::try_from(size.max(1)).unwrap());
        let other = setup.file("other", &other);
        assert!(!send(&setup, new(&other)).await.unwrap().unchanged);
        let mut rekeyed = new(&other);
        rekeyed.key = CustomerKey::generate().unwrap();
        assert!(!send(&setup, rekeyed).await.unwrap().unchanged);
        assert_eq!(versions(&setup, &format!("of-{size}")).await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_is_left_alone() {
    let setup = Setup::start().await;
    for size in [0, 10, 2 * PART + 1] {
        let key = format!("s3://tokyo/of-{size}");
        let sent = content(size);
        setup.put(&sent, &key).await;
        let path = setup.folder.path().join("got");
        let _none_yet = std::fs::remove_file(&path);
        let fetch = || {
            let mut new = setup.new_download(&key, DownloadTarget::File(path.clone()));
            new.overwrite = Overwrite::IfDifferent;
            setup.fetch(new)
        };
        let first = fetch().await.unwrap();
        let again = fetch().await.unwrap();
        assert!(!first.unchanged && again.unchanged);
        assert_eq!(again.verification, first.verification);
        assert_eq!(again.version_id, first.version_id);

        let mut changed = sent.clone();
        match changed.first_mut() {
            Some(byte) => *byte ^= 1,
            None => changed.push(0),
        }
        std::fs::write(&path, &changed).unwrap();
        assert!(!fetch().await.unwrap().unchanged);
        assert!(std::fs::read(&path).unwrap() == sent);
    }
}
