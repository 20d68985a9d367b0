//! Every file and folder of a store, judged for type, owner and mode, and put right.
//!
//! Opening a store stops at the first problem; this looks at all of them, and works where the
//! store does not open because of them.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::permission::{Actual, Expected};
use crate::{Error, PermissionFault, PermissionProblem};

/// The problems below a folder, itself included, and how many files and folders were looked at.
pub(crate) fn permission_problems(dir: &Path) -> Result<(Vec<PermissionProblem>, usize), Error> {
    let mut survey = Survey::default();
    survey.visit(dir.components().collect(), true)?;
    Ok((survey.problems, survey.looked_at))
}

/// Takes the access of group and others away from every file and folder of a store, as far as
/// they are this user's; says what was changed and what remains.
///
/// Whoever had access before may have read the files: what is encrypted needed the passphrase all
/// the same.
///
/// # Errors
/// [`Error::NoStore`] if there is nothing; [`Error::Io`].
pub fn fix_permissions(dir: &Path) -> Result<FixedPermissions, Error> {
    if fs::symlink_metadata(dir).is_err() {
        let path = dir.to_owned();
        return Err(Error::NoStore { path });
    }
    let mut fixed = FixedPermissions::default();
    // A folder closed to its owner hides what is in it: as often as something changed.
    loop {
        let (problems, _) = permission_problems(dir)?;
        let before = fixed.changed.len();
        fixed.remaining.clear();
        for problem in problems {
            let PermissionFault::OpenToOthers { mode } = problem.fault else {
                fixed.remaining.push(problem);
                continue;
            };
            let path = problem.path;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o700))
                .map_err(|error| Error::io("change the mode of", path.clone(), error))?;
            fixed.changed.push(path);
        }
        if fixed.changed.len() == before {
            return Ok(fixed);
        }
    }
}

/// What [`fix_permissions`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixedPermissions {
    /// Files and folders that group and others had access to.
    pub changed: Vec<PathBuf>,
    /// What it takes a person to decide: links, foreign owners, other kinds of files.
    pub remaining: Vec<PermissionProblem>,
}

#[derive(Default)]
struct Survey {
    problems: Vec<PermissionProblem>,
    looked_at: usize,
}

impl Survey {
    fn visit(&mut self, path: PathBuf, must_be_folder: bool) -> Result<(), Error> {
        let metadata = fs::symlink_metadata(&path)
            .map_err(|error| Error::io("examine", path.clone(), error))?;
        self.looked_at += 1;
        if let Some(fault) = fault(&metadata, must_be_folder) {
            let path = path.clone();
            self.problems.push(PermissionProblem { path, fault });
        }
        if !metadata.is_dir() {
            return Ok(());
        }
        let failed = |error| Error::io("list", path.clone(), error);
        let mut below = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            below.push(entry.map_err(failed)?.path());
        }
        below.sort();
        below
            .into_iter()
            .try_for_each(|path| self.visit(path, false))
    }
}

fn fault(metadata: &Metadata, must_be_folder: bool) -> Option<PermissionFault> {
    if metadata.is_symlink() {
        return Some(PermissionFault::Symlink);
    }
    let kind = match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Some(Expected::File),
        (_, true) => Some(Expected::Folder),
        _ => None,
    };
    let expected = match kind {
        Some(kind) if !must_be_folder => kind,
        _ => Expected::Folder,
    };
    let actual = Actual {
        kind,
        owner: metadata.uid(),
        mode: metadata.mode(),
    };
    actual.fault(expected, rustix::process::geteuid().as_raw())
}
