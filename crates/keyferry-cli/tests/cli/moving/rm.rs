//! `keyferry rm`

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectLockRetention,
    ObjectLockRetentionMode,
};

use super::{documents, keys, put_plain, results, summary};
use crate::rekey::world::{TOKYO, World, put};

#[test]
fn objects_get_delete_markers_and_versions_are_gone() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    // What XML cannot hold, what it changes, and what other tools take apart.
    let names = [
        "a/1",
        "a/2.tmp",
        "a/b/3",
        "a\u{1}",
        "a\r",
        "a&<>\"' +%2F",
        "b",
    ];
    world.runtime.block_on(async {
        for name in names {
            put(&world.tokyo, &key, name, b"1".to_vec()).await;
        }
    });

    let refused = user.fails(2, &["rm", "-r", "s3://lab-tokyo/a"]);
    assert!(refused.contains("remove 6 objects (6 B)"), "{refused}");
    assert!(refused.contains("--yes"), "{refused}");
    let typo = user.fails(1, &["rm", "s3://lab-tokyo/c"]);
    assert!(
        typo.contains("there is no object `s3://lab-tokyo/c`"),
        "{typo}"
    );
    user.fails(2, &["rm", "s3://lab-tokyo"]);
    user.fails(2, &["rm", "s3://lab-tokyo/a", "--exclude", "x"]);
    let bad = user.fails(2, &["rm", "-r", "s3://lab-tokyo/a", "--exclude", "["]);
    assert!(bad.contains("`[` is no pattern"), "{bad}");

    let dry = user.done(&[
        "rm",
        "-r",
        "s3://lab-tokyo/a/",
        "--dry-run",
        "--exclude",
        "*",
        "--include",
        "*.tmp",
    ]);
    assert!(
        dry.starts_with("would remove s3://lab-tokyo/a/2.tmp\nwould remove 1 object"),
        "{dry}"
    );
    assert_eq!(keys(&world, "s3://lab-tokyo").len(), names.len());

    let removed = user.done(&["rm", "s3://lab-tokyo/b"]);
    assert!(removed.contains("the bucket keeps versions"), "{removed}");
    let removed = user.done(&[
        "rm",
        "-ry",
        "s3://lab-tokyo/a",
        "--exclude",
        "b/*",
        "--output",
        "ndjson",
    ]);
    assert_eq!(summary(&removed)["marked"], 5);
    assert_eq!(keys(&world, "s3://lab-tokyo"), ["a/b/3"]);

    // A delete marker that is removed brings the object back.
    let marked = documents(&removed);
    let marker = marked
        .iter()
        .find(|action| action["address"] == "s3://lab-tokyo/a/1")
        .unwrap();
    let marker = marker["delete_marker"].as_str().unwrap();
    let refused = user.fails(2, &["rm", "s3://lab-tokyo/a/1", "--version-id", marker]);
    assert!(refused.contains("for good"), "{refused}");
    user.done(&["rm", "-y", "s3://lab-tokyo/a/1", "--version-id", marker]);
    assert_eq!(keys(&world, "s3://lab-tokyo"), ["a/1", "a/b/3"]);

    user.done(&["rm", "-ry", "--versions", "s3://lab-tokyo"]);
    let left = user.done(&[
        "ls",
        "-r",
        "--versions",
        "s3://lab-tokyo",
        "--output",
        "ndjson",
    ]);
    assert_eq!(left, "");
}

#[test]
fn locked_versions_stay_and_others_go() {
    let world = World::start();
    let (user, key) = (&world.user, world.active());
    let in_an_hour = jiff::Timestamp::now().as_second() + 3600;
    world.runtime.block_on(async {
        let location = BucketLocationConstraint::from("ap-northeast-1");
        let configuration = CreateBucketConfiguration::builder().location_constraint(location);
        let create = world.tokyo.create_bucket().bucket("locked");
        create
            .object_lock_enabled_for_bucket(true)
            .create_bucket_configuration(configuration.build())
            .send()
            .await
            .unwrap();
        for name in ["a", "b"] {
            put_plain(&world.tokyo, "locked", name).await;
        }
        let retention = ObjectLockRetention::builder()
            .mode(ObjectLockRetentionMode::Governance)
            .retain_until_date(aws_sdk_s3::primitives::DateTime::from_secs(in_an_hour));
        let lock = world.tokyo.put_object_retention().bucket("locked").key("a");
        lock.retention(retention.build()).send().await.unwrap();
        put(&world.tokyo, &key, "x", b"1".to_vec()).await;
    });
    let all = [
        "rm",
        "-ry",
        "--versions",
        "s3://locked",
        "--output",
        "ndjson",
    ];
    let output = user.run(&all);
    assert_eq!(output.status.code(), Some(1));
    let stderr = crate::running::text(&output.stderr);
    assert!(stderr.contains("is protected by Object Lock"), "{stderr}");
    assert!(stderr.contains("--bypass-governance"), "{stderr}");
    let found = results(&crate::running::text(&output.stdout), "address");
    let result = |name: &str, result: &str| (format!("s3://locked/{name}"), result.to_owned());
    assert_eq!(found, [result("a", "failed"), result("b", "removed")]);
    user.done(&[&all[..], &["--bypass-governance"]].concat());

    // On a bucket without Object Lock, S3 refuses the flag.
    user.fails(
        1,
        &[
            "rm",
            "-y",
            "--bypass-governance",
            "--versions",
            &format!("s3://{TOKYO}/x"),
        ],
    );
    assert_eq!(keys(&world, "s3://lab-tokyo"), ["x"]);
}

#[test]
fn without_versioning_an_object_is_gone() {
    let world = World::start();
    let user = &world.user;
    world.runtime.block_on(async {
        let location = BucketLocationConstraint::from("ap-northeast-1");
        let configuration = CreateBucketConfiguration::builder().location_constraint(location);
        let create = world.tokyo.create_bucket().bucket("plain");
        let create = create.create_bucket_configuration(configuration.build());
        create.send().await.unwrap();
        for number in 0..3 {
            put_plain(&world.tokyo, "plain", &format!("a/{number}")).await;
        }
    });
    let refused = user.fails(2, &["rm", "-r", "s3://plain/a/"]);
    assert!(refused.contains("for good"), "{refused}");
    let removed = user.done(&["rm", "-ry", "s3://plain/a/"]);
    assert_eq!(removed, "removed 3 objects (15 B)\n");
}
