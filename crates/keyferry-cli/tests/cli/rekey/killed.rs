//! A run over 1,000 objects that is killed ten times and run again.
//!
//! `KEYFERRY_TEST_SEED` repeats a course of random moments and contents.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use keyferry_keystore::ObjectUse;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use sha2::{Digest, Sha256};

use super::world::{OSAKA, TOKYO, World, get, put, put_parts};
use crate::running::text;

const OBJECTS: usize = 1000;
const IN_PARTS: usize = 16;
const KILLS: usize = 10;
/// How many of them come at some moment after the start, whatever was done by then.
const EARLY: usize = 2;
const MIB: usize = 1 << 20;
/// No run of all takes as long as this, not even on a machine with much else to do.
const TOO_LONG: Duration = Duration::from_secs(600);

/// An object as it was put: SHA-256 of its content, and whether it is in parts.
type Put = BTreeMap<String, ([u8; 32], bool)>;

#[test]
fn a_run_that_is_killed_ten_times_finishes() {
    let seed = std::env::var("KEYFERRY_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random::<u64>);
    eprintln!("KEYFERRY_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let started = Instant::now();
    let world = World::start();
    let old = world.active();
    let put = world.runtime.block_on(put_all(&world, &mut random));
    eprintln!("{OBJECTS} objects put after {:?}", started.elapsed());
    let (_, new) = world.rotate();

    let mut kills = 0;
    while kills < KILLS {
        let mut run = rekey(&world);
        let mut run = run
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moment = Duration::from_millis(random.random_range(0..1500));
        match kills.checked_sub(EARLY) {
            // Perhaps before anything was done.
            None => std::thread::sleep(moment),
            // Further on each time, the last time when only replicas are waited for.
            Some(later) => {
                let object = (later + 1) * OBJECTS / (KILLS - EARLY) - 1;
                while run.try_wait().unwrap().is_none() && !is_rekeyed(&world, object) {
                    std::thread::sleep(Duration::from_millis(20));
                    assert!(started.elapsed() < TOO_LONG, "seed {seed}");
                }
                std::thread::sleep(moment / 8);
            }
        }
        if run.try_wait().unwrap().is_none() {
            // SIGKILL
            run.kill().unwrap();
            kills += 1;
        }
        run.wait().unwrap();
        assert!(started.elapsed() < TOO_LONG, "seed {seed}");
    }
    let recorded = world
        .recorded()
        .values()
        .filter(|id| **id == new.id)
        .count();
    eprintln!(
        "killed {kills} times after {:?}; {recorded} objects recorded",
        started.elapsed()
    );

    let output = rekey(&world).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "seed {seed}: {}",
        text(&output.stderr)
    );
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // One line an object, and the summary.
    assert_eq!(lines.len(), OBJECTS + 1);
    for line in lines.iter().take(OBJECTS) {
        assert_eq!(line["replication"], "verified", "seed {seed}: {line}");
    }
    eprintln!("finished after {:?}", started.elapsed());

    let versions = world.runtime.block_on(async {
        let tokyo = read_all(&world, TOKYO, &put, &new.key, seed).await;
        let osaka = read_all(&world, OSAKA, &put, &new.key, seed).await;
        assert_eq!(tokyo, osaka, "seed {seed}: versions differ between regions");
        for client_and_bucket in [(&world.tokyo, TOKYO), (&world.osaka, OSAKA)] {
            let (client, bucket) = client_and_bucket;
            let list = client.list_multipart_uploads().bucket(bucket);
            assert!(
                list.send().await.unwrap().uploads().is_empty(),
                "seed {seed}"
            );
            let key = put.keys().next().unwrap();
            assert!(get(client, bucket, key, &old.key).await.is_none());
        }
        tokyo
    });
    let recorded = world.recorded();
    for (key, version) in versions {
        let of = ObjectUse {
            bucket: TOKYO.to_owned(),
            key,
            version,
        };
        assert_eq!(recorded.get(&of), Some(&new.id), "seed {seed}: {of:?}");
    }
    let journal = world.journal();
    assert_eq!(
        journal.matches(r#""type":"rekeyed""#).count(),
        1,
        "seed {seed}"
    );
    assert_eq!(world.records(), Vec::<String>::new(), "seed {seed}");
    eprintln!("all verified after {:?}", started.elapsed());
    world.user.stop();
}

fn rekey(world: &World) -> Command {
    let target = format!("s3://{TOKYO}");
    world.user.command(&[
        "rekey", &target, "--to", "photos", "--yes", "--output", "ndjson", "--quiet",
    ])
}

fn name(number: usize) -> String {
    format!("{number:04}/a b+ü")
}

/// Whether an object has a second version.
fn is_rekeyed(world: &World, number: usize) -> bool {
    let list = world.tokyo.list_object_versions().bucket(TOKYO);
    let listed = world.runtime.block_on(list.prefix(name(number)).send());
    listed.unwrap().versions().len() > 1
}

/// Small objects, and between them some in parts.
async fn put_all(world: &World, random: &mut StdRng) -> Put {
    let old = world.active();
    let mut objects = Vec::new();
    for number in 0..OBJECTS {
        let in_parts =
            number % (OBJECTS / IN_PARTS) == 0 && number / (OBJECTS / IN_PARTS) < IN_PARTS;
        let size = if in_parts {
            5 * MIB + random.random_range(1..MIB)
        } else {
            random.random_range(0..4096)
        };
        let mut content = vec![0; size];
        random.fill_bytes(&mut content);
        objects.push((name(number), content, in_parts));
    }
    let put: Put = objects
        .iter()
        .map(|(key, content, in_parts)| (key.clone(), (Sha256::digest(content).into(), *in_parts)))
        .collect();
    let (client, old) = (&world.tokyo, &old);
    stream::iter(objects)
        .for_each_concurrent(16, |(key, content, in_parts)| async move {
            if in_parts {
                let sizes = [5 * MIB, content.len() - 5 * MIB];
                put_parts(client, old, &key, &content, &sizes).await;
            } else {
                self::put(client, old, &key, content).await;
            }
        })
        .await;
    put
}

/// Reads every object of a bucket with this key and compares it with what was put; the version of
/// each.
async fn read_all(
    world: &World,
    bucket: &str,
    put: &Put,
    key: &keyferry_key::CustomerKey,
    seed: u64,
) -> BTreeMap<String, Option<String>> {
    let client = if bucket == TOKYO {
        &world.tokyo
    } else {
        &world.osaka
    };
    stream::iter(put)
        .map(|(name, (digest, in_parts))| async move {
            let read = get(client, bucket, name, key).await;
            let (content, version, is_in_parts) =
                read.unwrap_or_else(|| panic!("seed {seed}: {bucket}/{name} is not under the key"));
            let found: [u8; 32] = Sha256::digest(&content).into();
            assert_eq!(found, *digest, "seed {seed}: {bucket}/{name}");
            assert_eq!(is_in_parts, *in_parts, "seed {seed}: {bucket}/{name}");
            (name.clone(), version)
        })
        .buffer_unordered(16)
        .collect()
        .await
}
