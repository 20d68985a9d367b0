//! Comparing a new version with the one that it was copied from.

use std::collections::BTreeSet;

use super::facts::Facts;

/// What is not as it was to be, in words.
pub(super) fn differences(expected: &Facts, found: &Facts) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, expected: String, found: String| {
        if expected != found {
            differences.push(format!("{what}: `{expected}` became `{found}`"));
        }
    };
    compare("size", expected.size.to_string(), found.size.to_string());
    if let Some(sum) = &expected.checksum {
        let became = found
            .checksum
            .as_ref()
            .map_or_else(|| "none".to_owned(), ToString::to_string);
        compare("checksum", sum.to_string(), became);
    }
    compare(
        "storage class",
        expected.storage_class.clone(),
        found.storage_class.clone(),
    );
    compare("lock", expected.lock.to_string(), found.lock.to_string());
    compare(
        "metadata that headers cannot express",
        expected.unseen_metadata.to_string(),
        found.unseen_metadata.to_string(),
    );
    // An empty object cannot be copied in parts, whatever it was uploaded as.
    if expected.size > 0 {
        let count = |facts: &Facts| match facts.part_count() {
            Some(count) => format!("in {count} parts"),
            None => "in one piece".to_owned(),
        };
        compare("layout", count(expected), count(found));
    }
    let maps = [
        ("tag", text(&expected.tags), text(&found.tags)),
        ("metadata", text(&expected.metadata), text(&found.metadata)),
        ("header", text(&expected.headers), text(&found.headers)),
    ];
    for (what, expected, found) in maps {
        let names: BTreeSet<&str> = expected
            .iter()
            .chain(&found)
            .map(|(name, _)| *name)
            .collect();
        for name in names {
            let value = |pairs: &[(&str, &str)]| {
                pairs
                    .iter()
                    .find(|(other, _)| *other == name)
                    .map_or_else(|| "none".to_owned(), |(_, value)| (*value).to_owned())
            };
            compare(&format!("{what} {name}"), value(&expected), value(&found));
        }
    }
    differences
}

fn text<K: AsRef<str>>(map: &std::collections::BTreeMap<K, String>) -> Vec<(&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_ref(), value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rekey::facts::StoredSum;
    use aws_sdk_s3::operation::head_object::HeadObjectOutput;

    fn facts() -> Facts {
        Facts {
            size: 10,
            etag: "0123-2".to_owned(),
            checksum: Some(StoredSum {
                algorithm: "CRC64NVME",
                value: "AAAAAAAAAAA=".to_owned(),
                is_composite: false,
            }),
            ..Facts::of(HeadObjectOutput::builder().build())
        }
    }

    #[test]
    fn everything_counts() {
        assert_eq!(differences(&facts(), &facts()), Vec::<String>::new());
        let changes: [fn(&mut Facts); 8] = [
            |facts| facts.size = 11,
            |facts| facts.checksum = None,
            |facts| facts.etag = "4567-3".to_owned(),
            |facts| facts.storage_class = "STANDARD_IA".to_owned(),
            |facts| facts.lock.hold = true,
            |facts| facts.unseen_metadata = 1,
            |facts| {
                facts.tags.insert("a".to_owned(), "b".to_owned());
            },
            |facts| {
                facts.metadata.insert("a".to_owned(), String::new());
            },
        ];
        for change in changes {
            let mut found = facts();
            change(&mut found);
            assert_eq!(differences(&facts(), &found).len(), 1);
        }
        let mut header = facts();
        header
            .headers
            .insert("content-type", "text/plain".to_owned());
        assert_eq!(
            differences(&header, &facts()),
            ["header content-type: `text/plain` became `none`"]
        );
    }

    #[test]
    fn etags_differ_always_and_what_had_no_checksum_may_get_one() {
        let mut expected = facts();
        expected.checksum = None;
        expected.etag = "89ab-2".to_owned();
        assert!(differences(&expected, &facts()).is_empty());
    }
}
