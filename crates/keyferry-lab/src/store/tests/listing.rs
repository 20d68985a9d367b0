//! Listings, page by page, against lists made the simple way.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::bench::Bench;
use crate::encryption::EncryptionChoice;
use crate::store::{
    NewUpload, ObjectMetadata, ObjectQuery, RegionStore, Resume, UploadQuery, VersionQuery,
    Versioning,
};

#[derive(Clone, Debug)]
enum Step {
    Put(String),
    Delete(String),
    DeleteNewestForGood(String),
}

fn keys() -> impl Strategy<Value = String> {
    "[ab/\u{e9}\u{1f600}]{1,4}"
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => keys().prop_map(Step::Put),
        2 => keys().prop_map(Step::Delete),
        1 => keys().prop_map(Step::DeleteNewestForGood),
    ];
    prop::collection::vec(step, 0..25)
}

/// Newest first; whether it is a delete marker.
type Model = BTreeMap<String, Vec<(String, bool)>>;

async fn play(region: &RegionStore, bucket: &str, steps: &[Step]) -> Model {
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Put(key) => {
                let version = region.put(bucket, key, b"", EncryptionChoice::SseS3).await;
                let versions = model.entry(key.clone()).or_default();
                versions.insert(0, (version.version_id, false));
            }
            Step::Delete(key) => {
                let id = region.delete_one(bucket, key, None).await.version_id;
                let versions = model.entry(key.clone()).or_default();
                versions.insert(0, (id.unwrap(), true));
            }
            Step::DeleteNewestForGood(key) => {
                let Some(versions) = model.get_mut(key) else {
                    continue;
                };
                let (id, _) = versions.remove(0);
                region.delete_one(bucket, key, Some(&id)).await;
                if versions.is_empty() {
                    model.remove(key);
                }
            }
        }
    }
    model
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Key(String),
    Group(String),
}

fn group<'k>(key: &'k str, prefix: &str, delimiter: &str) -> Option<&'k str> {
    let at = key[prefix.len()..].find(delimiter)?;
    (!delimiter.is_empty()).then(|| &key[..prefix.len() + at + delimiter.len()])
}

fn expected<'k>(
    keys: impl Iterator<Item = &'k String>,
    prefix: &str,
    delimiter: &str,
) -> Vec<Item> {
    let mut items = Vec::new();
    for key in keys.filter(|key| key.starts_with(prefix)) {
        let item = match group(key, prefix, delimiter) {
            Some(group) => Item::Group(group.to_owned()),
            None => Item::Key(key.clone()),
        };
        if items.last() != Some(&item) {
            items.push(item);
        }
    }
    items
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_add_up_to_the_whole(
        steps in steps(),
        prefix in "[ab/]{0,2}",
        delimiter in prop_oneof![Just(""), Just("/"), Just("a"), Just("b/")],
        after in prop::option::of(keys()),
        page_size in 1..5_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let region = bench.here();
            bench.bucket(region, "b", Versioning::Enabled).await;
            // Neighbours must not show.
            bench.bucket(region, "a", Versioning::Enabled).await;
            bench.bucket(region, "b-b", Versioning::Enabled).await;
            for neighbour in ["a", "b-b"] {
                region.put(neighbour, "a", b"", EncryptionChoice::SseS3).await;
            }
            let model = play(region, "b", &steps).await;
            objects(region, &model, &prefix, delimiter, after.as_ref(), page_size);
            versions(region, &model, &prefix, delimiter, page_size);
        });
    }
}

fn objects(
    region: &RegionStore,
    model: &Model,
    prefix: &str,
    delimiter: &str,
    after: Option<&String>,
    page_size: usize,
) {
    let current = model
        .iter()
        .filter(|(key, versions)| !versions[0].1 && after.is_none_or(|after| *key > after))
        .map(|(key, _)| key);
    let expected = expected(current, prefix, delimiter);
    let mut resume = after.cloned().map(Resume::AfterKey);
    let mut listed = Vec::new();
    loop {
        let query = ObjectQuery {
            prefix,
            delimiter: Some(delimiter),
            resume: resume.as_ref(),
            max_keys: page_size,
        };
        let page = region.list_objects("b", query).unwrap();
        let count = page.objects.len() + page.common_prefixes.len();
        assert!(count <= page_size);
        let objects = page.objects.into_iter().map(|object| {
            assert_eq!(object.version_id, model[&object.key][0].0);
            Item::Key(object.key)
        });
        let mut items: Vec<_> = objects.collect();
        items.extend(page.common_prefixes.into_iter().map(Item::Group));
        items.sort_by_key(|item| match item {
            Item::Key(text) | Item::Group(text) => text.clone(),
        });
        listed.extend(items);
        match page.next {
            None => break,
            Some(next) => {
                assert_eq!(count, page_size);
                resume = Resume::from_token(&next.to_token());
                assert_eq!(resume, Some(next));
            }
        }
    }
    assert_eq!(listed, expected);
}

fn versions(region: &RegionStore, model: &Model, prefix: &str, delimiter: &str, page_size: usize) {
    let matching = |key: &&String| key.starts_with(prefix);
    let mut expected_entries = Vec::new();
    let mut expected_groups = BTreeSet::new();
    for key in model.keys().filter(matching) {
        if let Some(group) = group(key, prefix, delimiter) {
            expected_groups.insert(group.to_owned());
            continue;
        }
        for (index, (id, marker)) in model[key].iter().enumerate() {
            expected_entries.push((key.clone(), id.clone(), *marker, index == 0));
        }
    }
    let (mut entries, mut groups) = (Vec::new(), Vec::new());
    let mut marker: Option<(String, Option<String>)> = None;
    loop {
        let query = VersionQuery {
            prefix,
            delimiter: Some(delimiter),
            key_marker: marker.as_ref().map(|(key, _)| key.as_str()),
            version_id_marker: marker.as_ref().and_then(|(_, id)| id.as_deref()),
            max_keys: page_size,
        };
        let page = region.list_versions("b", query).unwrap();
        assert!(page.entries.len() + page.common_prefixes.len() <= page_size);
        entries.extend(page.entries.into_iter().map(|entry| {
            let marker = entry.version.is_delete_marker();
            (
                entry.version.key,
                entry.version.version_id,
                marker,
                entry.is_latest,
            )
        }));
        groups.extend(page.common_prefixes);
        match page.next {
            None => break,
            next => marker = next,
        }
    }
    assert_eq!(entries, expected_entries);
    assert_eq!(groups, expected_groups.into_iter().collect::<Vec<_>>());
}

/// Listing and deleting page by page, as clients empty a bucket.
#[tokio::test]
async fn a_deleted_version_still_marks_its_place() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Enabled).await;
    for _ in 0..7 {
        region.put("b", "k", b"", EncryptionChoice::SseS3).await;
    }
    let mut marker: Option<(String, Option<String>)> = None;
    let mut seen = 0;
    loop {
        let query = VersionQuery {
            key_marker: marker.as_ref().map(|(key, _)| key.as_str()),
            version_id_marker: marker.as_ref().and_then(|(_, id)| id.as_deref()),
            max_keys: 2,
            ..VersionQuery::default()
        };
        let page = region.list_versions("b", query).unwrap();
        for entry in &page.entries {
            seen += 1;
            let id = entry.version.version_id.as_str();
            region.delete_one("b", "k", Some(id)).await;
        }
        match page.next {
            None => break,
            next => marker = next,
        }
    }
    assert_eq!(seen, 7);
    region.delete_bucket("b").await.unwrap();
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_then_age() {
    let bench = Bench::new();
    let region = bench.here();
    bench.bucket(region, "b", Versioning::Unversioned).await;
    let mut created = Vec::new();
    for key in ["b", "a", "a", "d/x", "d/y", "c"] {
        let (encryption, _) = region.begin_encryption(&EncryptionChoice::SseS3).unwrap();
        let upload = NewUpload {
            key: key.to_owned(),
            owner: String::new(),
            encryption,
            checksum: None,
            metadata: ObjectMetadata::default(),
            tags: Vec::new(),
            storage_class: "STANDARD".to_owned(),
            lock: crate::store::RequestedLock::default(),
        };
        created.push(region.create_upload("b", upload).await.unwrap());
    }
    let mut listed = Vec::new();
    let mut groups = Vec::new();
    let mut marker: Option<(String, Option<String>)> = None;
    loop {
        let query = UploadQuery {
            delimiter: Some("/"),
            key_marker: marker.as_ref().map(|(key, _)| key.as_str()),
            upload_id_marker: marker.as_ref().and_then(|(_, id)| id.as_deref()),
            max_uploads: 1,
            ..UploadQuery::default()
        };
        let page = region.list_uploads("b", query).unwrap();
        listed.extend(page.uploads);
        groups.extend(page.common_prefixes);
        match page.next {
            None => break,
            next => marker = next,
        }
    }
    let expected = [1, 2, 0, 5].map(|index: usize| created[index].clone());
    assert_eq!(listed, expected);
    assert_eq!(groups, ["d/"]);
}
