use super::*;
use proptest::prelude::*;

fn sum(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Vec<u8> {
    let mut summing = Summing::new(algorithm);
    summing.update(bytes);
    summing.finish()
}

/// By the definition of a composite checksum.
fn composite(algorithm: ChecksumAlgorithm, content: &[u8], part_size: usize) -> (String, u32) {
    let sums: Vec<u8> = content
        .chunks(part_size)
        .flat_map(|part| sum(algorithm, part))
        .collect();
    let parts = content.len().div_ceil(part_size);
    let value = BASE64_STANDARD.encode(sum(algorithm, &sums));
    (format!("{value}-{parts}"), u32::try_from(parts).unwrap())
}

fn verify(expected: Expected, content: &[u8], chunk: usize) -> Result<Verification, TransferError> {
    let mut in_order = InOrder::new(expected, content.len() as u64);
    for bytes in content.chunks(chunk) {
        in_order.update(bytes);
    }
    in_order.finish(&"s3://bucket/key".parse().unwrap())
}

fn algorithms() -> impl Strategy<Value = ChecksumAlgorithm> {
    prop::sample::select(vec![
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Sha256,
        ChecksumAlgorithm::Sha1,
    ])
}

proptest! {
    #[test]
    fn composites_are_verified_in_chunks_of_any_size(
        algorithm in algorithms(),
        content in prop::collection::vec(any::<u8>(), 1..500),
        part_size in 1_usize..200,
        chunk in 1_usize..300,
        flipped in any::<prop::sample::Index>(),
    ) {
        let (value, parts) = composite(algorithm, &content, part_size);
        let expected = Expected::Composite {
            algorithm,
            value,
            parts,
            part_size: part_size as u64,
        };
        let good = verify(expected.clone(), &content, chunk);
        let verified = matches!(good, Ok(Verification::Parts { parts: counted, .. }) if counted == parts);
        prop_assert!(verified);
        let mut damaged = content.clone();
        let at = flipped.index(damaged.len());
        damaged[at] ^= 1;
        let bad = verify(expected, &damaged, chunk);
        let refused = matches!(bad, Err(TransferError::ChecksumMismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn full_checksums_are_verified(
        algorithm in algorithms(),
        content in prop::collection::vec(any::<u8>(), 0..500),
        chunk in 1_usize..300,
    ) {
        let value = BASE64_STANDARD.encode(sum(algorithm, &content));
        let good = verify(Expected::Full(algorithm, value.clone()), &content, chunk);
        let verified = matches!(&good, Ok(Verification::FullObject(full)) if full.value == value);
        prop_assert!(verified);
        let mut longer = content.clone();
        longer.push(1);
        let bad = verify(Expected::Full(algorithm, value), &longer, chunk);
        let refused = matches!(bad, Err(TransferError::ChecksumMismatch { .. }));
        prop_assert!(refused);
    }
}
