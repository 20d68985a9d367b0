//! Legal hold and retention, which no copy takes over.

use keyferry_transfer::LockState;

use super::ring::Ring;

#[tokio::test(flavor = "multi_thread")]
async fn without_object_lock_nothing_is_asked() {
    let ring = Ring::start().await;
    let (rekey, finder, unfinished) = (ring.rekey(), ring.finder(), ring.unfinished());
    let cancel = tokio_util::sync::CancellationToken::new();
    let rekeyer = keyferry_transfer::Rekeyer::new(
        ring.client(),
        &rekey,
        &finder,
        &unfinished,
        &keyferry_transfer::Silent,
        &cancel,
    )
    .await
    .unwrap();
    assert_eq!(rekeyer.bucket().lock, LockState::Off);
}
