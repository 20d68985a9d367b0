//! Objects that are left as they are, and why.

use aws_sdk_s3::types::StorageClass;
use keyferry_key::{CustomerKey, KeyId};
use keyferry_transfer::{Ended, Left, Outcome, Rekeyer, Scope, Silent};
use tokio_util::sync::CancellationToken;

use super::ring::{BUCKET, Finder, Kept, Ring, only, rekeyed};

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys() {
    let ring = Ring::start().await;
    let stranger = (KeyId::generate().unwrap(), CustomerKey::generate().unwrap());
    ring.put_under(&stranger, "foreign", b"x").await;
    let handled = ring.run().await;
    let tag = Some(stranger.0.to_string());
    assert!(
        matches!(&only(&handled).outcome, Outcome::Left(Left::UnknownKey { tag: found, tried: 2 }) if *found == tag),
        "{handled:?}"
    );
    assert_eq!(ring.versions("foreign").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_without_a_customer_key_unless_they_are_asked_for() {
    let ring = Ring::start().await;
    let put = ring.client().put_object().bucket(BUCKET).key("plain");
    let put = put.tagging("a=b").metadata("m", "n");
    put.body(b"plain".to_vec().into()).send().await.unwrap();
    let handled = ring.run().await;
    assert!(matches!(
        only(&handled).outcome,
        Outcome::Left(Left::NotCustomerKey)
    ));
    assert_eq!(ring.versions("plain").await.len(), 1);

    let mut rekey = ring.rekey();
    rekey.include_unencrypted = true;
    let (handled, _) = ring.run_as(ring.client(), &rekey).await;
    assert_eq!(rekeyed(&handled).from, None);
    ring.is_under_new("plain", b"plain").await;
    assert_eq!(ring.tags("plain").await.len(), 2);
    let without = ring.client().get_object().bucket(BUCKET).key("plain");
    assert!(without.send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_objects() {
    let ring = Ring::start().await;
    let headers = ring.old.1.headers();
    for class in [StorageClass::Glacier, StorageClass::DeepArchive] {
        let put = ring.client().put_object().bucket(BUCKET);
        put.key(class.as_str())
            .storage_class(class)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(headers.expose_key())
            .sse_customer_key_md5(headers.md5().to_string())
            .body(b"x".to_vec().into())
            .send()
            .await
            .unwrap();
    }
    ring.put("normal", b"x").await;
    for handled in ring.run().await {
        match handled.outcome {
            Outcome::Left(Left::Archived(class)) => assert_eq!(class, handled.object.key),
            Outcome::Rekeyed(_) => assert_eq!(handled.object.key, "normal"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_not_asked_for() {
    let ring = Ring::start().await;
    ring.put("key", b"x").await;
    let mut rekey = ring.rekey();
    rekey.only_from = Some([KeyId::generate().unwrap()].into());
    let (handled, _) = ring.run_as(ring.client(), &rekey).await;
    assert!(
        matches!(&only(&handled).outcome, Outcome::Left(Left::OtherKey(id)) if *id == ring.old.0),
        "{handled:?}"
    );
    rekey.only_from = Some([ring.old.0.clone()].into());
    let (handled, _) = ring.run_as(ring.client(), &rekey).await;
    rekeyed(&handled);
}

/// Delete markers, old versions and objects elsewhere are no part of a run; old versions are named.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_and_old_versions() {
    let ring = Ring::start().await;
    for key in ["a", "a/b", "a/c", "ab", "b"] {
        ring.put(key, b"1").await;
        ring.put(key, b"2").await;
    }
    let delete = ring.client().delete_object().bucket(BUCKET).key("a/c");
    delete.send().await.unwrap();
    let (rekey, finder, unfinished) = (ring.rekey(), ring.finder(), ring.unfinished());
    let cancel = CancellationToken::new();
    let rekeyer = Rekeyer::new(
        ring.client(),
        &rekey,
        &finder,
        &unfinished,
        &Silent,
        &cancel,
    )
    .await
    .unwrap();
    assert_eq!(rekeyer.bucket().versioned, Some(true));
    for (scope, objects, old) in [
        (Scope::Object("a".to_owned()), 1, 1),
        (Scope::Object("nothing".to_owned()), 0, 0),
        (Scope::Prefix("a/".to_owned()), 1, 3),
        (Scope::Prefix("a".to_owned()), 3, 5),
        (Scope::Prefix(String::new()), 4, 6),
    ] {
        let totals = rekeyer.totals(&scope).await.unwrap();
        assert_eq!(
            (totals.objects, totals.old_versions),
            (objects, old),
            "{scope:?}"
        );
        assert_eq!((totals.bytes, totals.old_bytes), (objects, old));
    }
    let mut kept = Kept::default();
    let ended = rekeyer
        .run(&Scope::Prefix("a/".to_owned()), &mut kept)
        .await;
    assert!(matches!(ended, Ended::Complete));
    assert_eq!(only(&kept.0).object.key, "a/b");
    assert_eq!(ring.versions("ab").await.len(), 2);
    assert_eq!(ring.versions("a/c").await.len(), 2);
}

/// No key at all is known here.
#[tokio::test(flavor = "multi_thread")]
async fn empty_rings() {
    let ring = Ring::start().await;
    ring.put("key", b"x").await;
    let (rekey, finder, unfinished) = (ring.rekey(), Finder(Vec::new()), ring.unfinished());
    let cancel = CancellationToken::new();
    let rekeyer = Rekeyer::new(
        ring.client(),
        &rekey,
        &finder,
        &unfinished,
        &Silent,
        &cancel,
    )
    .await
    .unwrap();
    let mut kept = Kept::default();
    rekeyer.run(&Scope::Prefix(String::new()), &mut kept).await;
    assert!(matches!(
        only(&kept.0).outcome,
        Outcome::Left(Left::UnknownKey { tried: 0, .. })
    ));
}
