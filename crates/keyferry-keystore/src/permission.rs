//! Who may touch the store's files: its owner and nobody else.

use std::fmt;
use std::path::PathBuf;

/// A file or folder of the store that others could read, change or have put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionProblem {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: PermissionFault,
}

/// What is wrong with a file's type, owner or mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermissionFault {
    /// A symbolic link, which could point anywhere.
    Symlink,
    /// Neither a plain file nor a folder, or one in place of the other.
    WrongType,
    /// It belongs to another user.
    ForeignOwner {
        /// Its owner's user id.
        owner: u32,
        /// The user id of this process.
        me: u32,
    },
    /// Group or others have some access.
    OpenToOthers {
        /// Its permission bits.
        mode: u32,
    },
}

/// What an object of the file system should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    File,
    Folder,
}

/// What it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actual {
    pub(crate) kind: Option<Expected>,
    pub(crate) owner: u32,
    pub(crate) mode: u32,
}

impl Actual {
    /// Judges it for a process of the user `me`.
    pub(crate) fn fault(self, expected: Expected, me: u32) -> Option<PermissionFault> {
        let mode = self.mode & 0o7777;
        if self.kind != Some(expected) {
            Some(PermissionFault::WrongType)
        } else if self.owner != me {
            let owner = self.owner;
            Some(PermissionFault::ForeignOwner { owner, me })
        } else if mode & 0o077 != 0 {
            Some(PermissionFault::OpenToOthers { mode })
        } else {
            None
        }
    }
}

impl PermissionProblem {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let path = self.path.display();
        match self.fault {
            PermissionFault::Symlink => {
                format!(
                    "give the store's real path, or replace the link `{path}` by what it points to"
                )
            }
            PermissionFault::WrongType => {
                format!(
                    "something else lies at `{path}`: move it away, or restore the store from a backup"
                )
            }
            PermissionFault::ForeignOwner { owner, .. } => {
                format!(
                    "run as user {owner}, or `chown` the store to yourself if you know who put it there"
                )
            }
            PermissionFault::OpenToOthers { .. } => {
                format!(
                    "`chmod go-rwx {path}`; if others could read it before, consider its keys known to them"
                )
            }
        }
    }
}

impl fmt::Display for PermissionProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.fault {
            PermissionFault::Symlink => write!(formatter, "`{path}` is a symbolic link"),
            PermissionFault::WrongType => {
                write!(
                    formatter,
                    "`{path}` is not the kind of file that belongs there"
                )
            }
            PermissionFault::ForeignOwner { owner, me } => write!(
                formatter,
                "`{path}` belongs to user {owner}, and this process runs as user {me}"
            ),
            PermissionFault::OpenToOthers { mode } => {
                write!(
                    formatter,
                    "`{path}` is open to other users (mode {mode:04o})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: Option<Expected>, owner: u32, mode: u32) -> Option<PermissionFault> {
        Actual { kind, owner, mode }.fault(Expected::File, 1000)
    }

    #[test]
    fn only_the_owner_has_access() {
        let file = Some(Expected::File);
        assert_eq!(fault(file, 1000, 0o100_600), None);
        assert_eq!(fault(file, 1000, 0o100_400), None);
        for mode in [0o640, 0o604, 0o602, 0o620, 0o610, 0o677] {
            let open = Some(PermissionFault::OpenToOthers { mode });
            assert_eq!(fault(file, 1000, 0o100_000 | mode), open);
        }
        let foreign = PermissionFault::ForeignOwner { owner: 0, me: 1000 };
        assert_eq!(fault(file, 0, 0o600), Some(foreign));
        let folder = Some(Expected::Folder);
        assert_eq!(fault(folder, 1000, 0o700), Some(PermissionFault::WrongType));
        assert_eq!(fault(None, 1000, 0o600), Some(PermissionFault::WrongType));
    }
}
