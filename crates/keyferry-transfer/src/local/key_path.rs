//! From the key of an object to a path within a folder.

use std::fmt;
use std::path::Path;

/// What stands behind the prefix in an object's key, as a path that stays within any folder.
///
/// Every key stands for one path, and no other key for the same: `a//b`, `a/./b` and `/a` are not
/// brought into shape but refused. A backslash is an ordinary character.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(String);

/// Why a key cannot be a path within a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyPathError {
    /// It ends in a slash, as the keys of folder markers do, or nothing is left of it.
    #[error("it names a folder, not a file")]
    Folder,
    /// It begins with a slash.
    #[error("it is an absolute path")]
    Absolute,
    /// It has `..` in it.
    #[error("`..` would leave the target folder")]
    Leaves,
    /// It has `.` in it.
    #[error("`.` is no name of a file or folder")]
    Dot,
    /// Two slashes follow each other.
    #[error("there is no name between two of its slashes")]
    EmptyName,
    /// It has a NUL character.
    #[error("a NUL character cannot be in the name of a file")]
    Nul,
    /// One of its names is longer than file systems allow.
    #[error("a name of {0} bytes is too long for a file, 255 are possible")]
    NameTooLong(usize),
}

impl KeyPath {
    /// Bytes of the name of a file or folder, on every file system in common use.
    const LONGEST_NAME: usize = 255;

    /// The path that a key stands for, without the prefix that stands for the folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(key: &str) -> Result<Self, KeyPathError> {
        if key.is_empty() {
            return Err(KeyPathError::Folder);
        }
        if key.starts_with('/') {
            return Err(KeyPathError::Absolute);
        }
        let is_folder = key.ends_with('/');
        let names = key.strip_suffix('/').unwrap_or(key);
        for name in names.split('/') {
            match name {
                "" => return Err(KeyPathError::EmptyName),
                "." => return Err(KeyPathError::Dot),
                ".." => return Err(KeyPathError::Leaves),
                name if name.contains('\0') => return Err(KeyPathError::Nul),
                name if name.len() > Self::LONGEST_NAME => {
                    return Err(KeyPathError::NameTooLong(name.len()));
                }
                _ => {}
            }
        }
        match is_folder {
            true => Err(KeyPathError::Folder),
            false => Ok(Self(key.to_owned())),
        }
    }

    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// As text, with `/` between its names.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder, if it is not the topmost, and the name in it.
    pub(super) fn split(&self) -> (Option<&str>, &str) {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => (Some(folder), name),
            None => (None, &self.0),
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Component;

    #[test]
    fn keys_that_are_no_paths() {
        use KeyPathError::*;
        for (key, why) in [
            ("", Folder),
            ("a/", Folder),
            ("/", Absolute),
            ("/etc/passwd", Absolute),
            ("..", Leaves),
            ("../a", Leaves),
            ("a/../b", Leaves),
            ("a/..", Leaves),
            ("../", Leaves),
            (".", Dot),
            ("a/./b", Dot),
            ("a//b", EmptyName),
            ("a//", EmptyName),
            ("a\0b", Nul),
        ] {
            assert_eq!(KeyPath::new(key), Err(why), "{key:?}");
        }
        let long = "é".repeat(128);
        assert_eq!(KeyPath::new(&format!("a/{long}")), Err(NameTooLong(256)));
    }

    #[test]
    fn keys_that_are() {
        for key in [
            "a", "a/b c/ü", "...", "a\\b", "..a/b..", "-", " ", "C:", "\n",
        ] {
            assert_eq!(KeyPath::new(key).unwrap().as_str(), key);
        }
        let path = KeyPath::new("a/b/c").unwrap();
        assert_eq!(path.split(), (Some("a/b"), "c"));
    }

    proptest! {
        /// What the operating system makes of a path that was taken has the same names, and no others.
        #[test]
        fn paths_stay_within(key in "[a./\\\\\0 ]{0,12}") {
            if let Ok(path) = KeyPath::new(&key) {
                let names: Vec<_> = key.split('/').map(std::ffi::OsStr::new).collect();
                let components: Vec<_> = path.as_path().components().map(|component| match component {
                    Component::Normal(name) => Some(name),
                    _ => None,
                }).collect::<Option<_>>().expect("nothing special");
                prop_assert_eq!(components, names);
            }
        }
    }
}
