//! Files to objects.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Method;

use crate::connection::Server;
use crate::{Failure, share};

/// Bytes of a part.
const PART: u64 = 8 << 20;

/// Buffers that are used again: fresh memory costs page faults.
#[derive(Clone, Default)]
struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffers {
    fn read(&self, file: &File, offset: u64, length: u64) -> std::io::Result<Bytes> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bytes = free.unwrap_or_default();
        bytes.resize(usize::try_from(length).unwrap_or_default(), 0);
        file.read_exact_at(&mut bytes, offset)?;
        let home = self.clone();
        Ok(Bytes::from_owner(Buffer { bytes, home }))
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.bytes));
    }
}

/// A file in parts.
pub(crate) async fn file(
    server: &Server,
    source: &Path,
    target: &str,
    connections: usize,
) -> Result<(), Failure> {
    let file = Arc::new(File::open(source)?);
    let size = file.metadata()?.len();
    let mut first = server.connect().await?;
    let begin = format!("{target}?uploads");
    let begun = first.ask_text(Method::POST, &begin, Bytes::new()).await?;
    let begun = String::from_utf8_lossy(&begun).into_owned();
    let id = begun
        .split_once("<UploadId>")
        .and_then(|(_, rest)| rest.split_once("</UploadId>"))
        .map(|(id, _)| id)
        .ok_or("there is no upload id")?;
    let parts: Vec<(u64, String)> = (0..size.div_ceil(PART))
        .map(|index| {
            let number = index + 1;
            (
                index * PART,
                format!("{target}?partNumber={number}&uploadId={id}"),
            )
        })
        .collect();
    let buffers = Buffers::default();
    share(
        server,
        parts,
        connections,
        |parts, index, mut connection| {
            let (file, buffers) = (Arc::clone(&file), buffers.clone());
            async move {
                let (offset, target) = parts.get(index).ok_or("no such part")?;
                let body = buffers.read(&file, *offset, PART.min(size - offset))?;
                connection.ask_text(Method::PUT, target, body).await?;
                Ok(connection)
            }
        },
    )
    .await?;
    let complete = format!("{target}?uploadId={id}");
    let document = Bytes::from_static(b"<CompleteMultipartUpload/>");
    first.ask_text(Method::POST, &complete, document).await?;
    Ok(())
}

/// Each file of a folder whole.
pub(crate) async fn folder(
    server: &Server,
    source: &Path,
    target: &str,
    connections: usize,
) -> Result<(), Failure> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        let target = format!("{target}/{}", entry.file_name().to_string_lossy());
        files.push((entry.path(), target));
    }
    let buffers = Buffers::default();
    share(
        server,
        files,
        connections,
        |files, index, mut connection| {
            let buffers = buffers.clone();
            async move {
                let (path, target) = files.get(index).ok_or("no such file")?;
                let file = File::open(path)?;
                let body = buffers.read(&file, 0, file.metadata()?.len())?;
                connection.ask_text(Method::PUT, target, body).await?;
                Ok(connection)
            }
        },
    )
    .await
}
