//! No change to a data file goes unnoticed.

use std::path::PathBuf;

use proptest::prelude::*;

use super::bench::{Bench, TEST_KEY, customer_key};
use crate::encryption::EncryptionChoice;
use crate::store::{StoreError, VersionRecord, Versioning};

/// Sealed length of a whole chunk.
const SEALED: usize = 64 * 1024 + 16;

fn data_file(bench: &Bench, version: &VersionRecord) -> PathBuf {
    let region = bench.here();
    let layout = region.layout("b", version).unwrap();
    region.files().path(&layout.parts[0].segment.id)
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
    Append(Vec<u8>),
    SwapChunks,
    DropFirstChunk,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        2 => any::<prop::sample::Index>().prop_map(Damage::Truncate),
        1 => prop::collection::vec(any::<u8>(), 1..40).prop_map(Damage::Append),
        1 => Just(Damage::SwapChunks),
        1 => Just(Damage::DropFirstChunk),
    ]
}

impl Damage {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Flip(at, bit) => {
                let at = at.index(file.len());
                file[at] ^= 1 << bit;
            }
            Self::Truncate(at) => file.truncate(at.index(file.len())),
            Self::Append(more) => file.extend_from_slice(more),
            Self::SwapChunks => {
                let (first, rest) = file.split_at_mut(SEALED);
                first.swap_with_slice(&mut rest[..SEALED]);
            }
            Self::DropFirstChunk => drop(file.drain(..SEALED)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_is_an_error(damage in damage(), extra in 0..3_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let region = bench.here();
            bench.bucket(region, "b", Versioning::Unversioned).await;
            // Two whole chunks, or a little more.
            let data: Vec<u8> = (0..2 * 64 * 1024 + extra).map(|i| (i / 64 % 256) as u8).collect();
            let key = customer_key(TEST_KEY);
            let choice = EncryptionChoice::SseC(key.clone());
            let version = region.put("b", "k", &data, choice).await;
            let path = data_file(&bench, &version);
            let mut file = std::fs::read(&path).unwrap();
            damage.apply(&mut file);
            std::fs::write(&path, file).unwrap();
            let error = region.get("b", &version, Some(&key)).await.unwrap_err();
            assert!(
                matches!(error, StoreError::Damaged { .. } | StoreError::Truncated { .. }),
                "{damage:?}: {error}"
            );
        });
    }
}
