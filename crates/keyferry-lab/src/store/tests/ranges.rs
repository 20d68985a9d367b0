//! Ranges over segments and chunks, against slices of a vector.

use futures::TryStreamExt as _;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::bench::{Bench, TEST_KEY, customer_key};
use crate::encryption::{DataKey, EncryptionChoice};
use crate::store::version_record::PartRecord;
use crate::store::{DigestPlan, Layout, RegionStore, Sequence, StoreError};

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|index| (index % 251) as u8 ^ seed)
        .collect()
}

async fn layout(region: &RegionStore, key: &DataKey, parts: &[Vec<u8>]) -> Layout {
    let mut layout = Layout::default();
    for (number, data) in (1..).zip(parts) {
        let staged = region.stage(key, DigestPlan::default(), data).await;
        layout.parts.push(PartRecord {
            number,
            size: staged.size(),
            etag: String::new(),
            checksum: None,
            uploaded: Sequence(0),
            segment: staged.record().clone(),
        });
        staged.into_file().keep();
    }
    layout
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    const CHUNK: usize = 64 * 1024;
    let size = prop_oneof![
        0..10_usize,
        CHUNK - 2..CHUNK + 3,
        2 * CHUNK - 1..2 * CHUNK + 2,
        0..12 * CHUNK,
    ];
    prop::collection::vec(size, 1..4)
}

#[test]
fn a_range_is_the_slice() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let bench = Bench::new();
    let index = any::<prop::sample::Index>;
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    runner
        .run(
            &(sizes(), index(), index(), 0..4_usize),
            |(sizes, a, b, choice)| {
                runtime.block_on(check(bench.here(), &sizes, [a, b], choice));
                Ok(())
            },
        )
        .unwrap();
}

async fn check(
    region: &RegionStore,
    sizes: &[usize],
    ends: [prop::sample::Index; 2],
    choice: usize,
) {
    let choices = [
        EncryptionChoice::SseS3,
        EncryptionChoice::SseKms {
            key: None,
            bucket_key_enabled: false,
            context: None,
        },
        EncryptionChoice::DsseKms {
            key: None,
            context: None,
        },
        EncryptionChoice::SseC(customer_key(TEST_KEY)),
    ];
    let (_, key) = region.begin_encryption(&choices[choice]).unwrap();
    let parts: Vec<_> = (1..)
        .zip(sizes)
        .map(|(seed, size)| bytes(*size, seed))
        .collect();
    let layout = layout(region, &key, &parts).await;
    let whole = parts.concat();

    let mut ends = ends.map(|end| end.index(whole.len() + 1));
    ends.sort_unstable();
    let [start, end] = ends;
    let range = start as u64..end as u64;
    let reader = region.read(&layout, &key, range).await.unwrap();
    assert_eq!(reader.remaining(), (end - start) as u64);
    let pieces: Vec<_> = reader.try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 64 * 1024));
    assert!(pieces.concat() == whole[start..end]);

    let beyond = 0..whole.len() as u64 + 1;
    let refused = region.read(&layout, &key, beyond).await.map(drop);
    assert!(matches!(refused, Err(StoreError::InvalidRange { .. })));
}

#[tokio::test]
async fn deleting_does_not_cut_off_a_reader() {
    let bench = Bench::new();
    let region = bench.here();
    bench
        .bucket(region, "b", crate::store::Versioning::Unversioned)
        .await;
    let data = bytes(3 << 20, 9);
    let version = region.put("b", "k", &data, EncryptionChoice::SseS3).await;
    let object = version.object().unwrap();
    let key = region.unlock(&object.encryption, None).unwrap();
    let layout = region.layout("b", &version).unwrap();
    let reader = region.read(&layout, &key, 0..object.size).await.unwrap();
    region.delete_one("b", "k", None).await;
    bench.store.close().await.unwrap();
    let pieces: Vec<_> = reader.try_collect().await.unwrap();
    assert!(pieces.concat() == data);
    bench.store.close().await.unwrap();
    assert_eq!(bench.data_files(), 0);
}
