//! Objects to files.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;

use crate::connection::{Connection, Server};
use crate::{Failure, share};

/// Bytes of a range.
const RANGE: u64 = 8 << 20;

/// An object in ranges.
pub(crate) async fn file(
    server: &Server,
    source: &str,
    target: &Path,
    size: u64,
    connections: usize,
) -> Result<(), Failure> {
    let file = Arc::new(File::create(target)?);
    let ranges: Vec<(u64, u64)> = (0..size.div_ceil(RANGE))
        .map(|index| (index * RANGE, size.min((index + 1) * RANGE)))
        .collect();
    let source: Arc<str> = source.into();
    share(
        server,
        ranges,
        connections,
        |ranges, index, mut connection| {
            let (file, source) = (Arc::clone(&file), Arc::clone(&source));
            async move {
                let range = ranges.get(index).copied();
                fetch(&mut connection, &source, range, &file).await?;
                Ok(connection)
            }
        },
    )
    .await
}

/// Objects, each whole.
pub(crate) async fn folder(
    server: &Server,
    source: &str,
    target: &Path,
    (count, size): (u64, u64),
    connections: usize,
) -> Result<(), Failure> {
    std::fs::create_dir_all(target)?;
    let names: Vec<String> = (0..count)
        .map(|number| format!("{number:08}.bin"))
        .collect();
    let (source, target): (Arc<str>, Arc<Path>) = (source.into(), target.into());
    share(
        server,
        names,
        connections,
        |names, index, mut connection| {
            let (source, target) = (Arc::clone(&source), Arc::clone(&target));
            async move {
                let name = names.get(index).ok_or("no such object")?;
                let file = File::create(target.join(name))?;
                let source = format!("{source}/{name}");
                let fetched = fetch(&mut connection, &source, None, &file).await?;
                match fetched == size {
                    true => Ok(connection),
                    false => Err(format!("{source}: {fetched} bytes").into()),
                }
            }
        },
    )
    .await
}

/// Writes what is answered to its place; how much it was.
async fn fetch(
    connection: &mut Connection,
    source: &str,
    range: Option<(u64, u64)>,
    file: &File,
) -> Result<u64, Failure> {
    let answer = connection
        .ask(Method::GET, source, range, Bytes::new())
        .await?;
    let start = range.map_or(0, |(from, _)| from);
    let mut offset = start;
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            file.write_all_at(&bytes, offset)?;
            offset += bytes.len() as u64;
        }
    }
    let fetched = offset - start;
    match range {
        Some((from, to)) if fetched != to - from => {
            Err(format!("{source}: {fetched} bytes of {from} to {to}").into())
        }
        _ => Ok(fetched),
    }
}
