//! Grouping of keys under common prefixes, and finding the place after a group.

/// The common prefix that `key` falls under: up to and with the first delimiter after the
/// prefix.
pub(super) fn common_prefix<'k>(
    key: &'k str,
    prefix: &str,
    delimiter: Option<&str>,
) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.strip_prefix(prefix)?;
    let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// The least string above every string with that prefix; `None` when there is none.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut successor = prefix.to_owned();
    while let Some(last) = successor.pop() {
        // UTF-8 sorts by code point.
        if let Some(next) = (last..=char::MAX).nth(1) {
            successor.push(next);
            return Some(successor);
        }
    }
    None
}

/// The least string above that key.
pub(super) fn after_key(key: &str) -> String {
    format!("{key}\0")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_end_with_the_first_delimiter_after_the_prefix() {
        assert_eq!(common_prefix("a/b/c", "", Some("/")), Some("a/"));
        assert_eq!(common_prefix("a/b/c", "a/", Some("/")), Some("a/b/"));
        assert_eq!(common_prefix("a/b/c", "a/b/", Some("/")), None);
        assert_eq!(common_prefix("a/b/c", "", Some("")), None);
        assert_eq!(common_prefix("a/b/c", "", None), None);
        assert_eq!(common_prefix("a--b--c", "a", Some("--")), Some("a--"));
    }

    proptest! {
        #[test]
        fn nothing_with_the_prefix_lies_above_its_successor(
            prefix in "[ab\u{d7ff}\u{10ffff}]{1,3}",
            rest in "[ab\u{d7ff}\u{10ffff}]{0,3}",
            other in "[abc\u{d7ff}\u{e000}\u{10ffff}]{0,4}",
        ) {
            match after_prefix(&prefix) {
                None => prop_assert!(prefix.chars().all(|c| c == char::MAX)),
                Some(successor) => {
                    let with_prefix = format!("{prefix}{rest}");
                    prop_assert!(with_prefix < successor);
                    if other >= prefix && !other.starts_with(&prefix) {
                        prop_assert!(other >= successor);
                    }
                }
            }
        }
    }
}
