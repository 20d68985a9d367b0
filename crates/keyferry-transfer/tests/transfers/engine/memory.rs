//! One budget for everything that runs.

use std::io::Cursor;

use futures::future::try_join_all;
use keyferry_transfer::{DownloadTarget, PartSize, UploadSource};

use super::engine;
use crate::setup::{Output, PART, Setup, content};

/// Uploads of files and streams, and downloads to streams, all at once, with less memory than one
/// part: none waits for ever for what another holds.
#[tokio::test(flavor = "multi_thread")]
async fn little_memory_is_enough_for_all() {
    let setup = Setup::start().await;
    let engine = engine(|settings| settings.memory = 2 << 20);
    let large = content(2 * PART + 12_345);
    let small = content(100_000);
    setup.put(&large, "s3://tokyo/large").await;
    let (file, small_file) = (setup.file("large", &large), setup.file("small", &small));

    let uploads = try_join_all((0..9).map(|number| {
        let (source, name) = match number % 3 {
            0 => (UploadSource::File(file.clone()), "file"),
            1 => (UploadSource::File(small_file.clone()), "small"),
            _ => (
                UploadSource::Reader(Box::new(Cursor::new(large.clone()))),
                "stream",
            ),
        };
        let mut new = setup.new_upload(source, &format!("s3://tokyo/{name}/{number}"));
        new.engine = engine.clone();
        new.part_size = Some(PartSize::MIN);
        setup.send(new)
    }));
    let outputs: Vec<_> = (0..6).map(|_| Output::default()).collect();
    let downloads = try_join_all(outputs.iter().map(|output| {
        let target = DownloadTarget::Writer(Box::new(output.clone()));
        let mut new = setup.new_download("s3://tokyo/large", target);
        new.engine = engine.clone();
        setup.fetch(new)
    }));
    let (uploaded, downloaded) = tokio::join!(uploads, downloads);
    downloaded.unwrap();
    for output in outputs {
        assert!(*output.0.lock().unwrap() == large);
    }
    for receipt in uploaded.unwrap() {
        let is_small = receipt.source.key.contains("small");
        let expected = if is_small { &small } else { &large };
        let (downloaded, got) = setup.get(&receipt.source.to_string()).await;
        downloaded.unwrap();
        assert!(got == *expected, "{}", receipt.source);
    }
}
