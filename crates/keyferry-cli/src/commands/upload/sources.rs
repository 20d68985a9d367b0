//! The files that `keyferry upload` was asked for, and what each is called below the prefix.
//!
//! One folder: its content goes below the prefix. Several files and folders: each keeps its name there,
//! so no two may have the same. A list: the paths in it, below a folder, are the names.

mod list;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use keyferry_transfer::{Found, LocalFile, Special, TransferError, Walk};

use crate::args::UploadArgs;
use crate::exit::Exit;
use crate::failure::{Context, Failure};

use list::List;

/// What is found, one after the other. Blocks while folders and lists are read.
pub(super) type Files = Box<dyn Iterator<Item = Found> + Send>;

/// Where files come from.
#[derive(Debug, Clone)]
pub(super) enum Sources {
    /// Files and folders, each with the name that it keeps, if it does.
    Places(Vec<Place>),
    /// A list of paths below a folder.
    List(List),
}

#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
    name: Option<String>,
    follow_links: bool,
}

impl Sources {
    /// Says what is wrong with what was asked for before a passphrase is.
    pub(super) fn new(arguments: &UploadArgs, sources: &[PathBuf]) -> Result<Self, Failure> {
        if let Some(file) = &arguments.files_from {
            return List::new(arguments, file, sources).map(Self::List);
        }
        let several = sources.len() > 1;
        let mut names = HashSet::new();
        let mut places = Vec::new();
        for path in sources {
            let is_folder = is_folder(path, arguments.many.recursive)?;
            let name = match several || !is_folder {
                true => Some(name_of(path)?),
                false => None,
            };
            if let Some(name) = &name
                && !names.insert(name.clone())
            {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("two of the sources are called `{name}`, and would have the same keys"),
                )
                .hint("upload them to different prefixes"));
            }
            places.push(Place {
                path: path.clone(),
                name,
                follow_links: arguments.follow_symlinks,
            });
        }
        Ok(Self::Places(places))
    }

    /// The files. A list on standard input can be read once.
    pub(super) fn files(&self) -> Result<Files, Failure> {
        match self {
            Self::Places(places) => {
                let places = places.clone();
                Ok(Box::new(places.into_iter().flat_map(Place::into_files)))
            }
            Self::List(list) => list.clone().into_files(),
        }
    }

    /// Whether they can be looked through a second time, to be counted.
    pub(super) fn can_be_counted(&self) -> bool {
        match self {
            Self::Places(_) => true,
            Self::List(list) => list.can_be_read_twice(),
        }
    }
}

/// Whether a source is a folder, if it may be.
fn is_folder(path: &Path, recursive: bool) -> Result<bool, Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::new(
            Exit::Usage,
            "standard input cannot be one of several sources",
        )
        .hint("upload it by itself: `keyferry upload - s3://BUCKET/KEY`"));
    }
    let metadata = std::fs::metadata(path).map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be read: {error}", path.display()),
        )
        .hint("check the path")
    })?;
    match metadata.is_dir() {
        true if !recursive => Err(Failure::new(
            Exit::Usage,
            format!("`{}` is a folder", path.display()),
        )
        .hint("-r uploads all that is in it")),
        is_folder => Ok(is_folder),
    }
}

fn name_of(path: &Path) -> Result<String, Failure> {
    let name = match path.file_name() {
        Some(name) => name.to_owned(),
        // `.`, `..` and what ends in them have names, too.
        None => path
            .canonicalize()
            .context("read", path.display())?
            .file_name()
            .map(OsStr::to_owned)
            .unwrap_or_default(),
    };
    match name.into_string() {
        Ok(name) if !name.is_empty() => Ok(name),
        _ => Err(Failure::new(
            Exit::Usage,
            format!("`{}` has no name that could be in a key", path.display()),
        )
        .hint("upload it by itself")),
    }
}

impl Place {
    fn into_files(self) -> Files {
        files_at(self.path, self.name, self.follow_links)
    }
}

/// What is at a path: a file of this name, or all of a folder below it.
fn files_at(path: PathBuf, name: Option<String>, follow_links: bool) -> Files {
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(source) => {
            let error = TransferError::SourceUnreadable { path, source };
            return one(Found::Failed(error));
        }
    };
    let kind = metadata.file_type();
    if kind.is_dir() {
        let walk = Walk::new(path).follow_links(follow_links);
        return Box::new(match name {
            Some(name) => walk.below(name).iter(),
            None => walk.iter(),
        });
    }
    if !kind.is_file() {
        let what = match () {
            () if kind.is_fifo() => Special::Pipe,
            () if kind.is_socket() => Special::Socket,
            () => Special::Device,
        };
        let name = name.unwrap_or_default();
        return one(Found::Special { path, name, what });
    }
    let modified = metadata.modified().ok();
    one(Found::File(LocalFile {
        name: name.unwrap_or_default(),
        size: metadata.len(),
        modified: modified.and_then(|time| Timestamp::try_from(time).ok()),
        path,
    }))
}

fn one(found: Found) -> Files {
    Box::new(std::iter::once(found))
}
