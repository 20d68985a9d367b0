use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use keyferry_transfer::{Filter, Rule, Special, Walk};
use proptest::prelude::*;

use super::super::listed::{At, files};
use super::*;

fn side(names: &BTreeMap<String, u64>) -> Side {
    let items: Vec<_> = names
        .iter()
        .map(|(name, size)| {
            Ok(Listed::Item(Item {
                name: name.clone(),
                size: *size,
                modified: None,
                at: At::File(PathBuf::new()),
            }))
        })
        .collect();
    stream::iter(items).boxed()
}

fn joined(source: Side, destination: Side) -> Vec<Result<(String, &'static str), String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(
        join(source, destination)
            .map(|pair| match pair {
                Ok(Pair::Source(item)) => Ok((item.name, "source")),
                Ok(Pair::Destination(item)) => Ok((item.name, "destination")),
                Ok(Pair::Both(source, destination)) => {
                    assert_eq!(source.name, destination.name);
                    let same = source.size == destination.size;
                    Ok((source.name, if same { "same" } else { "differs" }))
                }
                Ok(Pair::Aside(_) | Pair::AsideThere(_)) => Ok((String::new(), "aside")),
                Err(error) => Err(error.to_string()),
            })
            .collect(),
    )
}

/// Names with few letters, so that two sides have many in common; among them what sorts before a
/// slash, and what is more than a byte.
fn names() -> impl Strategy<Value = BTreeMap<String, u64>> {
    prop::collection::btree_map("[ab/\\-.é𝄞]{1,4}", 0_u64..3, 0..24)
}

proptest! {
    #[test]
    fn every_name_comes_once_and_is_where_it_is(source in names(), destination in names()) {
        let found = joined(side(&source), side(&destination));
        let all: BTreeSet<&String> = source.keys().chain(destination.keys()).collect();
        let expected: Vec<_> = all
            .into_iter()
            .map(|name| {
                let what = match (source.get(name), destination.get(name)) {
                    (Some(_), None) => "source",
                    (None, _) => "destination",
                    (Some(one), Some(other)) if one == other => "same",
                    (Some(_), Some(_)) => "differs",
                };
                Ok((name.clone(), what))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }

    /// A folder's files come as S3 would list their keys, and the filter takes what each rule in turn
    /// says.
    #[test]
    fn folders_are_read_as_s3_lists(
        paths in prop::collection::btree_set("([ab][-.]?/){0,2}[abé]{1,2}[-.]?x", 0..12),
        rules in prop::collection::vec((any::<bool>(), "(\\*|a\\*|\\*x|b/\\*|a/\\*)"), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut written = BTreeSet::new();
        for name in &paths {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
            written.insert(name.clone());
        }
        let filter = Filter::new(rules.iter().map(|(include, pattern)| match include {
            true => Rule::Include(pattern.clone()),
            false => Rule::Exclude(pattern.clone()),
        }))
        .unwrap();
        let naive = |name: &str| {
            let matches = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
                (Some(end), _) => name.ends_with(end),
                (None, Some(start)) => name.starts_with(start),
                (None, None) => name == pattern,
            };
            let mut taken = rules.first().is_none_or(|(include, _)| !include);
            for (include, pattern) in &rules {
                if matches(pattern) {
                    taken = *include;
                }
            }
            taken
        };
        let expected: Vec<String> = written.into_iter().filter(|name| naive(name)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let found: Vec<String> = runtime.block_on(async {
            files(&Walk::new(folder.path()), filter)
                .map(|listed| match listed.unwrap() {
                    Listed::Item(item) => item.name,
                    Listed::Aside(aside) => panic!("{aside:?}"),
                })
                .collect()
                .await
        });
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_side_out_of_order_is_not_believed() {
    let item = |name: &str| {
        Ok(Listed::Item(Item {
            name: name.to_owned(),
            size: 0,
            modified: None,
            at: At::File(PathBuf::new()),
        }))
    };
    for names in [["b", "a"], ["a", "a"]] {
        let source = stream::iter(names.map(item)).boxed();
        let found = joined(source, stream::empty().boxed());
        assert_eq!(found.len(), 2);
        assert!(
            found[1].as_ref().unwrap_err().contains("order"),
            "{found:?}"
        );
    }
}

#[test]
fn what_is_no_file_is_told_and_stops_nothing() {
    let source = stream::iter([
        Ok(Listed::Aside(Aside::Special("p".into(), Special::Pipe))),
        Ok(Listed::Item(Item {
            name: "x".to_owned(),
            size: 0,
            modified: None,
            at: At::File(PathBuf::new()),
        })),
    ])
    .boxed();
    let found = joined(source, stream::empty().boxed());
    let what: Vec<_> = found.into_iter().map(|found| found.unwrap().1).collect();
    assert_eq!(what, ["aside", "source"]);
}
