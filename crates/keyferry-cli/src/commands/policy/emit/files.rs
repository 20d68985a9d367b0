//! Files in a folder that may hold something already.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use keyferry_policy::formats::EmittedFile;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// A file, and what became of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct WrittenFile {
    file: PathBuf,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Written,
    Replaced,
    Unchanged,
}

impl fmt::Display for WrittenFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Written => "wrote",
            State::Replaced => "replaced",
            State::Unchanged => "unchanged",
        };
        write!(formatter, "{state} {}", self.file.display())
    }
}

/// Writes all files or, if one of them would replace something else, none.
pub(super) fn write(
    folder: &Path,
    files: &[EmittedFile],
    force: bool,
) -> Result<Vec<WrittenFile>, Failure> {
    if folder.exists() && !folder.is_dir() {
        let message = format!("`{}` is no folder", folder.display());
        return Err(Failure::new(Exit::Failure, message));
    }
    let planned = files
        .iter()
        .map(|file| plan(folder, file))
        .collect::<Result<Vec<_>, _>>()?;
    let differing: Vec<String> = planned
        .iter()
        .filter(|file| file.state == State::Replaced)
        .map(|written| format!("`{}`", written.file.display()))
        .collect();
    if !force && let Some((first, others)) = differing.split_first() {
        let others = match others.len() {
            0 => String::new(),
            number => format!(" (and {number} more)"),
        };
        return Err(Failure::new(
            Exit::Failure,
            format!("{first}{others} would be replaced by something else; nothing was written"),
        )
        .hint("--force replaces; another --out leaves it alone"));
    }
    std::fs::create_dir_all(folder).context("make", folder.display())?;
    for (written, file) in planned.iter().zip(files) {
        if written.state != State::Unchanged {
            put(folder, &written.file, file)?;
        }
    }
    Ok(planned)
}

fn plan(folder: &Path, file: &EmittedFile) -> Result<WrittenFile, Failure> {
    let path = folder.join(&file.name);
    let state = match std::fs::read(&path) {
        Ok(found) if found == file.text.as_bytes() => State::Unchanged,
        Ok(_) => State::Replaced,
        Err(error) if error.kind() == ErrorKind::NotFound => State::Written,
        Err(error) => return Err(error).context("read", path.display()),
    };
    Ok(WrittenFile { file: path, state })
}

/// Whoever reads the file meanwhile sees all of it or nothing.
fn put(folder: &Path, path: &Path, file: &EmittedFile) -> Result<(), Failure> {
    let mut new = tempfile::Builder::new();
    new.prefix(".keyferry-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask takes away what others may not do.
        let mode = if file.executable { 0o777 } else { 0o666 };
        new.permissions(std::fs::Permissions::from_mode(mode));
    }
    let mut new = new
        .tempfile_in(folder)
        .context("write to", folder.display())?;
    new.write_all(file.text.as_bytes())
        .context("write", path.display())?;
    new.persist(path).context("write", path.display())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> EmittedFile {
        EmittedFile {
            name: name.to_owned(),
            text: text.to_owned(),
            executable: name.ends_with(".sh"),
        }
    }

    #[test]
    fn what_differs_is_left_alone_unless_forced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let states = |written: Vec<WrittenFile>| -> Vec<State> {
            written.iter().map(|file| file.state).collect()
        };
        let first = [file("one", "1\n"), file("two.sh", "2\n")];
        let written = write(&folder, &first, false).unwrap();
        assert_eq!(states(written), [State::Written, State::Written]);
        let written = write(&folder, &first, false).unwrap();
        assert_eq!(states(written), [State::Unchanged, State::Unchanged]);

        let second = [file("zero", "0\n"), file("one", "new\n")];
        let failure = write(&folder, &second, false).unwrap_err().to_string();
        assert!(failure.contains("nothing was written"), "{failure}");
        assert!(!folder.join("zero").exists());
        assert_eq!(std::fs::read_to_string(folder.join("one")).unwrap(), "1\n");

        let written = write(&folder, &second, true).unwrap();
        assert_eq!(states(written), [State::Written, State::Replaced]);
        assert_eq!(
            std::fs::read_to_string(folder.join("one")).unwrap(),
            "new\n"
        );
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn scripts_can_be_run_and_documents_can_not() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[file("one", "1"), file("two.sh", "2")], false).unwrap();
        let mode = |name: &str| {
            let metadata = std::fs::metadata(dir.path().join(name)).unwrap();
            metadata.permissions().mode() & 0o111
        };
        assert_eq!(mode("one"), 0);
        assert_ne!(mode("two.sh"), 0);
    }
}
