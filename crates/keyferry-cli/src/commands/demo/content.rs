//! The file that the demo moves, and the comparison of what came back.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use rand::TryRng;
use rand::rngs::SysRng;

use crate::exit::Exit;
use crate::failure::{Context, Failure};

const BLOCK: usize = 1024 * 1024;

/// A file and the object key it gets.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

/// The file given, or one of random bytes.
pub(super) fn source(
    given: Option<PathBuf>,
    size: ByteSize,
    folder: &Path,
) -> Result<Source, Failure> {
    if let Some(path) = given {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("`{}` is not a file", path.display()))
        })?;
        return Ok(Source { path, name });
    }
    let name = "random.bin".to_owned();
    let path = folder.join(&name);
    write_random(&path, size.as_u64()).context("write", path.display())?;
    Ok(Source { path, name })
}

fn write_random(path: &Path, size: u64) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    let mut block = vec![0; BLOCK];
    let mut left = size;
    while left > 0 {
        SysRng
            .try_fill_bytes(&mut block)
            .map_err(std::io::Error::other)?;
        let length = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        file.write_all(block.get(..length).unwrap_or(&block))?;
        left -= length as u64;
    }
    file.flush()
}

/// Whether two files hold the same bytes.
pub(super) fn identical(one: &Path, other: &Path) -> Result<bool, Failure> {
    let mut files = [one, other].map(|path| (path, File::open(path)));
    loop {
        let mut blocks = [Vec::new(), Vec::new()];
        for ((path, file), block) in files.iter_mut().zip(&mut blocks) {
            let file = file
                .as_mut()
                .map_err(|error| std::io::Error::new(error.kind(), error.to_string()))
                .context("open", path.display())?;
            file.take(BLOCK as u64)
                .read_to_end(block)
                .context("read", path.display())?;
        }
        let [left, right] = blocks;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_makes_files_differ() {
        let dir = tempfile::tempdir().unwrap();
        let [one, same, other, shorter] =
            ["one", "same", "other", "shorter"].map(|name| dir.path().join(name));
        let mut bytes = vec![7; 3 * BLOCK + 5];
        std::fs::write(&one, &bytes).unwrap();
        std::fs::write(&same, &bytes).unwrap();
        std::fs::write(&shorter, &bytes[..3 * BLOCK]).unwrap();
        bytes[2 * BLOCK] = 8;
        std::fs::write(&other, &bytes).unwrap();
        assert!(identical(&one, &same).unwrap());
        assert!(!identical(&one, &other).unwrap());
        assert!(!identical(&one, &shorter).unwrap());
        assert!(identical(&one, &dir.path().join("missing")).is_err());
    }
}
