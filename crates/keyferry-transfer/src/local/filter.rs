//! Which names of many are taken: `--include` and `--exclude`.

use globset::{GlobBuilder, GlobMatcher};

/// Takes names or leaves them out.
///
/// Of the rules that match a name, the last one decides, as in the AWS CLI. A name that none matches
/// is left out where the first rule is an include, since nobody includes what is taken anyway, and
/// taken otherwise.
///
/// `*` and `?` match any character, `/` too: `*.tmp` is every such file, at any depth, and `logs/*` is
/// all that lies below `logs`. `[a-z]`, `[!a-z]` and `{one,two}` mean what they do in a shell, and `\`
/// takes the character behind it literally. A pattern has to match the whole name.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    rules: Vec<(GlobMatcher, bool)>,
    otherwise: Option<bool>,
}

/// A rule of a filter, with its pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Takes what matches.
    Include(String),
    /// Leaves out what matches.
    Exclude(String),
}

/// A pattern that makes no sense.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{pattern}` is no pattern: {reason}")]
pub struct BadPattern {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Filter {
    /// A filter with these rules, in their order.
    ///
    /// # Errors
    /// When a pattern makes no sense.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self, BadPattern> {
        let mut filter = Self::default();
        for rule in rules {
            let (pattern, takes) = match rule {
                Rule::Include(pattern) => (pattern, true),
                Rule::Exclude(pattern) => (pattern, false),
            };
            let glob = GlobBuilder::new(&pattern)
                .literal_separator(false)
                .backslash_escape(true)
                .build()
                .map_err(|error| BadPattern {
                    reason: error.kind().to_string(),
                    pattern,
                })?;
            filter.otherwise.get_or_insert(!takes);
            filter.rules.push((glob.compile_matcher(), takes));
        }
        Ok(filter)
    }

    /// Whether it takes a name: what stands behind the prefix or the folder.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.rules
            .iter()
            .rev()
            .find(|(pattern, _)| pattern.is_match(name))
            .map_or(self.otherwise.unwrap_or(true), |(_, takes)| *takes)
    }

    /// Whether it takes every name.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        self.rules.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(rules: &[&str], names: &[&str]) -> Vec<String> {
        let rules = rules.iter().map(|rule| match rule.split_at(1) {
            ("+", pattern) => Rule::Include(pattern.to_owned()),
            (_, pattern) => Rule::Exclude(pattern.to_owned()),
        });
        let filter = Filter::new(rules).unwrap();
        let names = names.iter().filter(|name| filter.takes(name));
        names.map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_last_rule_that_matches_decides() {
        let names = ["a.jpg", "b/c.jpg", "b/d.txt", "logs/x/y", ".hidden"];
        assert_eq!(takes(&[], &names), names);
        assert_eq!(takes(&["-*", "+*.jpg"], &names), ["a.jpg", "b/c.jpg"]);
        assert_eq!(takes(&["+*.jpg"], &names), ["a.jpg", "b/c.jpg"]);
        assert_eq!(takes(&["+*.jpg", "-b/*"], &names), ["a.jpg"]);
        assert_eq!(
            takes(&["-logs/*"], &names),
            ["a.jpg", "b/c.jpg", "b/d.txt", ".hidden"]
        );
        assert_eq!(
            takes(&["-*.{jpg,txt}", "+b/[c-d].jpg"], &names),
            ["b/c.jpg", "logs/x/y", ".hidden"]
        );
        assert_eq!(takes(&["-**/x/*", "-.*"], &names).len(), 3);
        // Whole names only.
        assert_eq!(takes(&["-b"], &names), names);
        assert_eq!(takes(&["+a\\*b"], &["a*b", "axb"]), ["a*b"]);
    }

    #[test]
    fn patterns_that_make_no_sense() {
        for pattern in ["[z-a]", "{a", "a[", "\\"] {
            let error = Filter::new([Rule::Exclude(pattern.to_owned())]).unwrap_err();
            assert_eq!(error.pattern, pattern);
        }
    }
}
