//! What the command does, says and how it exits.

use std::process::Stdio;

use keyferry_key::{CustomerKey, KeyId};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::world::{Key, OSAKA, TOKYO, World, get, put, put_parts};
use crate::running::text;

fn json(output: &str) -> Value {
    serde_json::from_str(output).unwrap()
}

#[test]
fn a_bucket_a_folder_and_an_object() {
    let world = World::start();
    let old = world.active();
    let large = vec![7; (5 << 20) + 9];
    world.runtime.block_on(async {
        for key in ["a", "album/1", "album/2", "albums"] {
            put(&world.tokyo, &old, key, key.into()).await;
        }
        put_parts(&world.tokyo, &old, "album/film", &large, &[5 << 20, 9]).await;
    });
    let (_, new) = world.rotate();
    let user = &world.user;
    let under_new = |key: &str| {
        let read = get(&world.tokyo, TOKYO, key, &new.key);
        world.runtime.block_on(read).is_some()
    };

    // Nothing is changed without a yes.
    let refused = user.fails(2, &["rekey", "s3://lab-tokyo", "--to", "photos"]);
    assert!(refused.contains("--yes"), "{refused}");
    let plan = json(&user.done(&[
        "rekey",
        "s3://lab-tokyo",
        "--to",
        "photos",
        "--dry-run",
        "--output",
        "json",
    ]));
    assert_eq!(plan["summary"]["counts"]["planned"], 5);
    assert_eq!(plan["summary"]["plan"]["write_requests"], 4 + 4);
    assert_eq!(plan["summary"]["plan"]["keys"][0]["from"], old.id.as_str());
    let shown = user.done(&["rekey", "s3://lab-tokyo", "--to", "photos", "--dry-run"]);
    assert!(
        shown.contains("5 of 5 objects would be re-encrypted"),
        "{shown}"
    );
    assert!(shown.contains("8 copy requests"), "{shown}");
    assert!(!under_new("a"));

    let said = user.done(&["rekey", "s3://lab-tokyo/a", "--to", "photos", "--yes"]);
    assert!(said.starts_with("re-encrypted 1 object,"), "{said}");
    assert!(said.contains("replicas     1 verified"), "{said}");
    assert!(under_new("a") && !under_new("albums"));
    // A key that no object has is a folder.
    user.done(&["rekey", "s3://lab-tokyo/album", "--to", "photos", "--yes"]);
    assert!(under_new("album/1") && under_new("album/film") && !under_new("albums"));
    let again = json(&user.done(&[
        "rekey",
        "s3://lab-tokyo",
        "--to",
        "photos",
        "--yes",
        "--output",
        "json",
    ]));
    let counts = &again["summary"]["counts"];
    assert_eq!(
        (&counts["rekeyed"], &counts["already"]),
        (&1.into(), &4.into())
    );
    assert_eq!(again["objects"].as_array().unwrap().len(), 5);

    // The journal knows each version, and old versions are listed with what deletes them.
    assert_eq!(world.recorded().len(), 5);
    assert!(world.recorded().values().all(|id| *id == new.id));
    assert_eq!(world.journal().matches(r#""type":"rekeyed""#).count(), 3);
    let listed = user.done(&[
        "rekey",
        "s3://lab-tokyo",
        "--to",
        "photos",
        "--dry-run",
        "--all-versions",
    ]);
    assert_eq!(
        listed
            .matches("aws s3api delete-object --bucket lab-tokyo")
            .count(),
        5
    );
    assert!(
        listed.contains(&format!("5 old versions under key {}", old.id)),
        "{listed}"
    );
    for client_and_bucket in [(&world.tokyo, TOKYO), (&world.osaka, OSAKA)] {
        let (client, bucket) = client_and_bucket;
        let read = get(client, bucket, "album/film", &new.key);
        let (content, _, in_parts) = world.runtime.block_on(read).unwrap();
        assert!(content == large && in_parts);
    }
    // What keyferry downloads it finds by itself.
    user.done(&["download", "s3://lab-tokyo/albums", "copy"]);
    assert_eq!(std::fs::read(user.path("copy")).unwrap(), b"albums");
    assert_eq!(world.records(), Vec::<String>::new());
    world.user.stop();
}

#[test]
fn what_is_left_alone_and_exit_codes() {
    let world = World::start();
    let old = world.active();
    let stranger = Key {
        id: KeyId::generate().unwrap(),
        key: CustomerKey::generate().unwrap(),
    };
    world.runtime.block_on(async {
        put(&world.tokyo, &old, "ours", b"ours".to_vec()).await;
        put(&world.tokyo, &stranger, "foreign", b"x".to_vec()).await;
        let plain = world.tokyo.put_object().bucket(TOKYO).key("plain");
        plain.body(b"plain".to_vec().into()).send().await.unwrap();
    });
    let user = &world.user;
    // Not rotated: everything of ours is under the active key already.
    let output = user.run(&["rekey", "s3://lab-tokyo", "--to", "photos", "--yes"]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    let (_, new) = world.rotate();
    user.done(&["key", "new", "other"]);
    let other = [
        "rekey",
        "s3://lab-tokyo/ours",
        "--to",
        "photos",
        "--yes",
        "--from",
        "other",
        "--output",
        "json",
    ];
    assert_eq!(
        json(&user.done(&other))["summary"]["counts"]["other_key"],
        1
    );
    let output = user.run(&[
        "rekey",
        "s3://lab-tokyo",
        "--to",
        "photos",
        "--yes",
        "--output",
        "ndjson",
    ]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("s3://lab-tokyo/foreign"));
    let lines: Vec<Value> = text(&output.stdout).lines().map(json).collect();
    assert_eq!(lines.len(), 4);
    let outcome = |key: &str| {
        let line = lines.iter().find(|line| line["key"] == key).unwrap();
        line["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome("ours"), "re-encrypted");
    assert_eq!(outcome("foreign"), "unknown key");
    assert_eq!(outcome("plain"), "no customer key");

    let all = [
        "rekey",
        "s3://lab-tokyo/plain",
        "--to",
        "photos",
        "--yes",
        "--include-unencrypted",
    ];
    user.done(&all);
    let read = get(&world.tokyo, TOKYO, "plain", &new.key);
    assert_eq!(world.runtime.block_on(read).unwrap().0, b"plain");

    for (code, arguments) in [
        (2, &["rekey", "lab-tokyo", "--to", "photos"][..]),
        (5, &["rekey", "s3://lab-tokyo", "--to", "nothing"]),
        (2, &["rekey", "s3://lab-tokyo", "--to", old.id.as_str()]),
        (
            5,
            &[
                "rekey",
                "s3://lab-tokyo",
                "--to",
                "photos",
                "--from",
                "nothing",
            ],
        ),
        (
            1,
            &["rekey", "s3://lab-tokyo/nothing", "--to", "photos", "--yes"],
        ),
        (
            1,
            &[
                "rekey",
                "s3://no-such-bucket-here",
                "--to",
                "photos",
                "--yes",
            ],
        ),
    ] {
        user.fails(code, arguments);
    }
    world.user.stop();
}

/// Replicas that may not be looked at, and replicas that do not come.
#[test]
fn replicas_that_are_not_confirmed() {
    let world = World::start();
    let old = world.active();
    world
        .runtime
        .block_on(put(&world.tokyo, &old, "key", b"x".to_vec()));
    world.rotate();
    let deny = |action: &str| {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"{action}",
            "Resource":"arn:aws:s3:::{OSAKA}/*"}}]}}"#
        );
        let put = world.osaka.put_bucket_policy().bucket(OSAKA).policy(policy);
        world.runtime.block_on(put.send()).unwrap();
    };
    deny("s3:GetObject*");
    let rekey = ["rekey", "s3://lab-tokyo", "--to", "photos", "--yes"];
    let output = world.user.run(&rekey);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1 not confirmed"));
    // Re-encrypted already, and still to be confirmed.
    let output = world.user.run(&rekey);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(world.records().len(), 1);
    let delete = world.osaka.delete_bucket_policy().bucket(OSAKA);
    world.runtime.block_on(delete.send()).unwrap();
    let said = world.user.done(&rekey);
    assert!(said.contains("1 verified"), "{said}");
    assert_eq!(world.records(), Vec::<String>::new());

    deny("s3:ReplicateObject");
    world.user.done(&["key", "rotate", "photos"]);
    let output = world.user.run(&rekey);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1 failed or different"));
    world.user.done(&["key", "rotate", "photos"]);
    let mut no_wait = rekey.to_vec();
    no_wait.push("--no-wait");
    world.user.done(&no_wait);
    world.user.stop();
}

/// Ctrl-C: exit 130, nothing left, and the command to go on with.
#[test]
fn interrupted_runs_can_go_on() {
    let world = World::start();
    let old = world.active();
    world.runtime.block_on(async {
        for number in 0..300 {
            put(&world.tokyo, &old, &format!("{number:03}"), b"x".to_vec()).await;
        }
    });
    let (_, new) = world.rotate();
    let rekey = [
        "rekey",
        "s3://lab-tokyo",
        "--to",
        "photos",
        "--yes",
        "--concurrency",
        "1",
    ];
    let run = world
        .user
        .command(&rekey)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let recorded = || {
        world
            .recorded()
            .values()
            .filter(|id| **id == new.id)
            .count()
    };
    while recorded() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    rustix::process::kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    let output = run.wait_with_output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("go on with `keyferry rekey s3://lab-tokyo --to photos`"),
        "{stderr}"
    );
    let before = recorded();
    assert!((1..300).contains(&before), "{before}");
    let again = world.user.done(&rekey);
    assert!(
        again.contains(&format!("re-encrypted {} objects", 300 - before)),
        "{again}"
    );
    assert!(again.contains("300 verified"), "{again}");
    assert_eq!(recorded(), 300);
    world.user.stop();
}
