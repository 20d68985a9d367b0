//! A list of paths: `--files-from`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use keyferry_transfer::{Found, LocalError, TransferError};

use super::{Files, files_at, one};
use crate::args::UploadArgs;
use crate::exit::Exit;
use crate::failure::{Context, Failure};

#[derive(Debug, Clone)]
pub(in crate::commands::upload) struct List {
    /// `-` is standard input.
    file: PathBuf,
    folder: PathBuf,
    terminator: u8,
    recursive: bool,
    follow_links: bool,
}

impl List {
    pub(super) fn new(
        arguments: &UploadArgs,
        file: &Path,
        sources: &[PathBuf],
    ) -> Result<Self, Failure> {
        let folder = match sources {
            [] => PathBuf::from("."),
            [folder] if folder.is_dir() => folder.clone(),
            [other] => {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("`{}` is not a folder", other.display()),
                )
                .hint("with --files-from, name the folder that the paths of the list are in"));
            }
            _ => {
                return Err(Failure::new(
                    Exit::Usage,
                    "--files-from takes one folder that the paths of the list are in",
                )
                .hint("add the other files to the list"));
            }
        };
        if file.as_os_str() != "-" {
            File::open(file)
                .context("read", file.display())
                .map_err(|failure| failure.hint("check the path; `-` reads standard input"))?;
        }
        Ok(Self {
            file: file.to_owned(),
            folder,
            terminator: if arguments.null { 0 } else { b'\n' },
            recursive: arguments.many.recursive,
            follow_links: arguments.follow_symlinks,
        })
    }

    pub(super) fn into_files(self) -> Result<Files, Failure> {
        let input: Box<dyn BufRead + Send> = if self.file.as_os_str() == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let file = File::open(&self.file).context("read", self.file.display())?;
            Box::new(BufReader::new(file))
        };
        let paths = Paths {
            input,
            terminator: self.terminator,
            file: self.file.clone(),
            broken: false,
        };
        Ok(Box::new(paths.flat_map(move |path| match path {
            Ok(path) => self.files_of(path),
            Err(error) => one(Found::Failed(error)),
        })))
    }

    pub(super) fn can_be_read_twice(&self) -> bool {
        self.file.is_file()
    }

    fn files_of(&self, path: PathBuf) -> Files {
        let (path, name) = match self.below(path) {
            Ok(named) => named,
            Err(error) => return one(Found::Failed(error)),
        };
        let Some(name) = name else {
            return one(Found::Failed(LocalError::NotUtf8 { path }.into()));
        };
        if path.is_dir() && !self.recursive {
            let source = io::ErrorKind::IsADirectory.into();
            return one(Found::Failed(TransferError::SourceUnreadable {
                path,
                source,
            }));
        }
        files_at(
            path,
            Some(name).filter(|name| !name.is_empty()),
            self.follow_links,
        )
    }

    /// Where a path of the list is, and its name below the folder, where that is UTF-8.
    fn below(&self, path: PathBuf) -> Result<(PathBuf, Option<String>), TransferError> {
        let not_below = |path: PathBuf| LocalError::NotBelow {
            path,
            folder: self.folder.clone(),
        };
        let relative = match path.is_absolute() {
            false => path,
            true => {
                let folder = std::path::absolute(&self.folder).unwrap_or(self.folder.clone());
                match path.strip_prefix(folder) {
                    Ok(relative) => relative.to_owned(),
                    Err(_) => return Err(not_below(path).into()),
                }
            }
        };
        let mut names = Vec::new();
        for component in relative.components() {
            match component {
                Component::Normal(name) => names.push(name),
                Component::CurDir => {}
                _ => return Err(not_below(relative.clone()).into()),
            }
        }
        let name = names
            .iter()
            .map(|name| name.to_str())
            .collect::<Option<Vec<_>>>();
        let name = name.map(|names| names.join("/"));
        let path: PathBuf = names.iter().collect();
        match self.folder == Path::new(".") {
            true => Ok((path, name)),
            false => Ok((self.folder.join(path), name)),
        }
    }
}

/// The paths of a list.
struct Paths {
    input: Box<dyn BufRead + Send>,
    terminator: u8,
    file: PathBuf,
    broken: bool,
}

impl Iterator for Paths {
    type Item = Result<PathBuf, TransferError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.broken {
                return None;
            }
            let mut line = Vec::new();
            match self.input.read_until(self.terminator, &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => {
                    self.broken = true;
                    let path = self.file.clone();
                    return Some(Err(TransferError::SourceUnreadable { path, source }));
                }
            }
            if line.last() == Some(&self.terminator) {
                line.pop();
            }
            if self.terminator == b'\n' && line.last() == Some(&b'\r') {
                line.pop();
            }
            if !line.is_empty() {
                return Some(Ok(OsString::from_vec(line).into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(folder: &Path, text: &[u8], terminator: u8) -> (Vec<String>, Vec<String>) {
        let file = folder.join("list");
        std::fs::write(&file, text).unwrap();
        let list = List {
            file,
            folder: folder.to_owned(),
            terminator,
            recursive: false,
            follow_links: false,
        };
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for found in list.into_files().unwrap() {
            match found {
                Found::File(file) => files.push(file.name),
                Found::Special { path, what, .. } => {
                    others.push(format!("{} {what}", path.display()))
                }
                Found::Failed(error) => others.push(error.to_string()),
            }
        }
        (files, others)
    }

    #[test]
    fn paths_of_a_list_are_names() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path();
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        for name in ["a", "sub/b c", "new\nline"] {
            std::fs::write(inside.join(name), name).unwrap();
        }
        let absolute = inside.join("sub/b c");
        let text = format!("a\n\n./sub//b c\r\n{}\n", absolute.display());
        let (files, others) = list(inside, text.as_bytes(), b'\n');
        assert_eq!(
            (files, others.len()),
            (vec!["a".into(), "sub/b c".into(), "sub/b c".into()], 0)
        );
        let (files, _) = list(inside, b"new\nline\0a", 0);
        assert_eq!(files, ["new\nline", "a"]);

        let text = b"missing\n../a\n/etc/passwd\nsub\nodd-\xff\n";
        let (files, others) = list(inside, text, b'\n');
        assert!(files.is_empty());
        for (said, expected) in others.iter().zip([
            "missing` cannot be read",
            "`../a` is not below",
            "`/etc/passwd` is not below",
            "sub` cannot be read",
            "not UTF-8",
        ]) {
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(others.len(), 5);
    }
}
