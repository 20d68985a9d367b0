//! `ls`, `rm`, `cp` and `sync` against the lab.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "only tests come here, and a test fails by panicking"
)]

mod cp;
mod ls;
mod rm;
mod sync;
mod sync_deleting;

use std::path::Path;

use aws_sdk_s3::Client;
use serde_json::Value;

use crate::rekey::world::World;

/// Documents, one a line.
pub(crate) fn documents(output: &str) -> Vec<Value> {
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// Of each document but the summary, what was done to what and what came of it, in order of names.
pub(crate) fn results(output: &str, name: &str) -> Vec<(String, String)> {
    let mut results: Vec<(String, String)> = documents(output)
        .iter()
        .filter(|document| document["action"] != "summary")
        .map(|document| {
            let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
            (text(name), text("status"))
        })
        .collect();
    results.sort();
    results
}

/// What a document says in all.
pub(crate) fn summary(output: &str) -> Value {
    let documents = documents(output);
    let last = documents.last().unwrap();
    assert_eq!(last["action"], "summary", "{last}");
    last["summary"].clone()
}

/// Writes files, and the folders that they are in.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// Puts an object without a customer key.
pub(crate) async fn put_plain(client: &Client, bucket: &str, key: &str) {
    let put = client.put_object().bucket(bucket).key(key);
    put.body(b"plain".to_vec().into()).send().await.unwrap();
}

/// The keys of all current objects in a bucket, as `keyferry ls` shows them.
pub(crate) fn keys(world: &World, address: &str) -> Vec<String> {
    let listed = world
        .user
        .done(&["ls", "-r", address, "--output", "ndjson"]);
    documents(&listed)
        .iter()
        .map(|document| document["key"].as_str().unwrap().to_owned())
        .collect()
}
