//! Which names of many: those that one of the included globs matches, all if there are none, and none
//! of the excluded globs does.
//!
//! Globs are of names below the folder or prefix that was given. A `*` matches slashes, too, as it does
//! for `aws s3`: `*.txt` is every text file, however deep.

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::exit::Exit;
use crate::failure::Failure;

/// Which names are taken.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Selection {
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Self, Failure> {
        Ok(Self {
            include: match include {
                [] => None,
                globs => Some(set(globs)?),
            },
            exclude: set(exclude)?,
        })
    }

    /// Whether a name is one of those.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let included = self.include.as_ref().is_none_or(|set| set.is_match(name));
        included && !self.exclude.is_match(name)
    }
}

fn set(globs: &[String]) -> Result<GlobSet, Failure> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(Glob::new(glob).map_err(|error| bad(glob, &error))?);
    }
    builder.build().map_err(|error| bad("", &error))
}

fn bad(glob: &str, error: &globset::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("`{glob}` is no glob: {}", error.kind()),
    )
    .hint("`*` and `?` match anything, `[ab]` and `{one,other}` choices, a backslash takes the next character literally")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(include: &[&str], exclude: &[&str]) -> Vec<&'static str> {
        let owned = |globs: &[&str]| {
            globs
                .iter()
                .map(|&glob| glob.to_owned())
                .collect::<Vec<_>>()
        };
        let selection = Selection::new(&owned(include), &owned(exclude)).unwrap();
        ["a.txt", "x/b.txt", "x/c.jpg", "y/.git/d"]
            .into_iter()
            .filter(|name| selection.takes(name))
            .collect()
    }

    #[test]
    fn exclusion_goes_before_inclusion() {
        assert_eq!(taken(&[], &[]).len(), 4);
        assert_eq!(taken(&["*.txt"], &[]), ["a.txt", "x/b.txt"]);
        assert_eq!(taken(&["*.txt", "x/*"], &["x/b*"]), ["a.txt", "x/c.jpg"]);
        assert_eq!(taken(&[], &["**/.git/**"]), ["a.txt", "x/b.txt", "x/c.jpg"]);
        assert!(Selection::new(&["[".to_owned()], &[]).is_err());
    }
}
