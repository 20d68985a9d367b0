//! What a transfer does to bytes besides sending them: planning parts, summing, putting them together.
//!
//! `cargo bench -p keyferry-transfer --features benches`

#![expect(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use keyferry_transfer::benches::{checksum, combined_checksum, reassembled};
use keyferry_transfer::{MAX_OBJECT_SIZE, PartPlan};
use rand::Rng as _;

const MIB: usize = 1 << 20;

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn part_planning(criterion: &mut Criterion) {
    let sizes = [1, 8 << 20, 1 << 30, 100 << 30, 5 << 40, MAX_OBJECT_SIZE];
    criterion.bench_function("part plans of six sizes", |bencher| {
        bencher.iter(|| {
            for size in sizes {
                let plan = PartPlan::for_size(black_box(size), None).unwrap();
                black_box(plan.count(size));
            }
        });
    });
}

fn checksums(criterion: &mut Criterion) {
    let part = random(8 * MIB);
    let pieces: Vec<&[u8]> = part.chunks(16 << 10).collect();
    let mut group = criterion.benchmark_group("CRC64NVME");
    group.throughput(Throughput::Bytes(part.len() as u64));
    group.bench_function("of a part of 8 MiB", |bencher| {
        bencher.iter(|| checksum(black_box(&part)));
    });
    group.bench_function("of 8 MiB, combined from pieces of 16 KiB", |bencher| {
        bencher.iter(|| combined_checksum(black_box(&pieces)));
    });
    group.finish();
}

fn reassembly(criterion: &mut Criterion) {
    // Four ranges, the last one first, in pieces as large as TLS brings them.
    let range = Bytes::from(random(8 * MIB));
    let pieces: Vec<Bytes> = (0..range.len())
        .step_by(16 << 10)
        .map(|start| range.slice(start..start + (16 << 10)))
        .collect();
    let ranges: Vec<_> = (0..4)
        .rev()
        .map(|number| (number * range.len() as u64, pieces.clone()))
        .collect();
    let file = tempfile::tempfile().unwrap();
    let mut group = criterion.benchmark_group("reassembly");
    group.throughput(Throughput::Bytes(4 * range.len() as u64));
    group.bench_function("of four ranges of 8 MiB", |bencher| {
        bencher.iter(|| reassembled(&file, black_box(&ranges)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, part_planning, checksums, reassembly);
criterion_main!(benches);
