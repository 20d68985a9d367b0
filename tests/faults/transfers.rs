//! The transfers, and what must hold for each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_s3::types::MultipartUpload;
use futures::{StreamExt, stream};
use keyferry_transfer::{
    Download, DownloadTarget, LeftUpload, ObjectAddress, PartSize, Receipt, Silent, TransferError,
    Upload, UploadSource, download, upload,
};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, Faults};
use crate::proxy::Proxy;
use crate::world::{BUCKET, World};

/// How many transfers are under way at once; most of them wait for something.
const AT_ONCE: usize = 24;
/// Behind this a transfer counts as stuck.
const PATIENCE: Duration = Duration::from_secs(300);
const PART: u64 = 5 << 20;
/// Objects that are downloaded: nothing, one byte, one range, parts.
const SIZES: [u64; 6] = [0, 1, 16 << 10, (1 << 20) + 1, 2 * PART, 2 * PART + 12_345];

/// How a transfer ended.
struct Ended {
    upload: bool,
    /// The kind of error; `None` where the transfer succeeded.
    error: Option<String>,
    injected: Vec<(String, Fault)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_end_with_the_right_bytes_or_a_clear_error() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().unwrap())
    };
    let count = number("KEYFERRY_TEST_TRANSFERS", 150);
    let first = match number("KEYFERRY_TEST_SEED", 0) {
        0 => rand::rng().next_u64() >> 16,
        seed => seed,
    };
    eprintln!("{count} transfers with seeds from {first}");
    let started = Instant::now();
    let world = Arc::new(World::start().await);
    let objects = Arc::new(store_objects(&world).await);
    let ended: Vec<Ended> = stream::iter(first..first + count)
        .map(|seed| {
            let (world, objects) = (Arc::clone(&world), Arc::clone(&objects));
            // A task of its own, so that a failure tells which seed it was.
            let one = tokio::spawn(async move {
                tokio::time::timeout(PATIENCE, transfer(&world, &objects, seed)).await
            });
            async move {
                match one.await {
                    Ok(Ok(ended)) => ended,
                    Ok(Err(_)) => panic!("the transfer with seed {seed} is stuck"),
                    Err(error) => panic!("the transfer with seed {seed} failed: {error}"),
                }
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let left = world
        .direct
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    assert!(left.uploads().is_empty(), "{:?}", left.uploads());
    report(&ended, started.elapsed());
}

fn report(ended: &[Ended], took: Duration) {
    let mut injected = BTreeMap::<Fault, usize>::new();
    let mut errors = BTreeMap::<&str, usize>::new();
    for one in ended {
        for (_, fault) in &one.injected {
            *injected.entry(*fault).or_default() += 1;
        }
        let how = one.error.as_deref();
        *errors.entry(how.unwrap_or("none")).or_default() += 1;
    }
    let uploads = ended.iter().filter(|one| one.upload).count();
    eprintln!(
        "{uploads} uploads, {} downloads, {took:?}",
        ended.len() - uploads
    );
    eprintln!("errors: {errors:?}");
    eprintln!("faults: {injected:?}");
    // Neither a proxy that does nothing nor an engine that gives up at once would prove anything.
    if ended.len() >= 100 {
        let well = errors.get("none").copied().unwrap_or(0);
        assert!(well * 3 > ended.len(), "only {well} transfers ended well");
        assert!(injected.len() > 15, "only {injected:?}");
        let in_spite = |one: &&Ended| one.error.is_none() && !one.injected.is_empty();
        assert!(ended.iter().filter(in_spite).count() * 10 > ended.len());
    }
}

async fn store_objects(world: &World) -> Vec<(ObjectAddress, Vec<u8>)> {
    let mut objects = Vec::new();
    for size in SIZES {
        let bytes = content(size, size);
        let address = address(&format!("stored-{size}"));
        let stored = send(world, &world.direct, file_of(&bytes).path(), &address, None).await;
        stored.unwrap();
        objects.push((address, bytes));
    }
    objects
}

async fn transfer(world: &World, objects: &[(ObjectAddress, Vec<u8>)], seed: u64) -> Ended {
    let mut random = StdRng::seed_from_u64(!seed);
    let proxy = Proxy::start(world.tls.clone(), world.port(), Faults::new(seed)).await;
    let is_upload = random.random_bool(0.5);
    let error = if is_upload {
        one_upload(world, &proxy, seed, &mut random).await
    } else {
        let object = &objects[random.random_range(0..objects.len())];
        one_download(world, &proxy, object, &mut random).await
    };
    if let Some(error) = &error {
        assert!(
            !matches!(error, TransferError::Task(_) | TransferError::Interrupted),
            "{error:?}"
        );
        let injected = proxy.injected();
        let what_happened = |(_, fault): &(String, Fault)| *fault != Fault::Delay;
        assert!(
            injected.iter().any(what_happened),
            "no fault, but {error:?}"
        );
    }
    Ended {
        upload: is_upload,
        error: error.map(|error| kind(&error)),
        injected: proxy.injected(),
    }
}

async fn one_upload(
    world: &World,
    proxy: &Proxy,
    seed: u64,
    random: &mut StdRng,
) -> Option<TransferError> {
    let size = match random.random_range(0..10) {
        0 => 0,
        1..6 => random.random_range(1..64 << 10),
        6..8 => random.random_range(64 << 10..2 << 20),
        _ => random.random_range(PART..2 * PART + (1 << 20)),
    };
    let bytes = content(size, seed);
    let file = file_of(&bytes);
    let address = address(&format!("uploads/{seed}"));
    let client = world.client(proxy.port);
    let as_stream = random.random_bool(0.3).then(|| bytes.clone());
    let sent = send(world, &client, file.path(), &address, as_stream).await;
    match sent {
        Ok(receipt) => {
            assert_eq!(receipt.size, size);
            let stored = fetch(world, &world.direct, &address, None).await;
            assert!(stored.unwrap() == bytes, "other bytes were stored");
            assert_confirmed(proxy);
            assert_no_upload(world, proxy, &address).await;
            None
        }
        Err(error) => {
            if let TransferError::LeftBehind { left, .. } = &error {
                clean_up(world, left).await;
            }
            assert_no_upload(world, proxy, &address).await;
            // An answer may have been lost; what is stored is whole nevertheless.
            match fetch(world, &world.direct, &address, None).await {
                Ok(stored) => assert!(stored == bytes, "other bytes were stored"),
                Err(TransferError::NoSuchObject { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
            Some(error)
        }
    }
}

async fn one_download(
    world: &World,
    proxy: &Proxy,
    (address, bytes): &(ObjectAddress, Vec<u8>),
    random: &mut StdRng,
) -> Option<TransferError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("object");
    let before = random.random_bool(0.3).then_some(b"what was there before");
    if let Some(before) = before {
        std::fs::write(&path, before).unwrap();
    }
    let client = world.client(proxy.port);
    let error = if random.random_bool(0.7) {
        fetch(world, &client, address, Some(&path)).await.err()
    } else {
        match fetch(world, &client, address, None).await {
            Ok(found) => {
                assert!(found == *bytes, "other bytes were written");
                return None;
            }
            Err(error) => return Some(error),
        }
    };
    let found = std::fs::read(&path).ok();
    match &error {
        None => assert!(found.as_ref() == Some(bytes), "other bytes were written"),
        Some(_) => assert_eq!(found.as_deref(), before.map(|bytes| &bytes[..])),
    }
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, usize::from(found.is_some()), "something was left");
    error
}

async fn send(
    world: &World,
    client: &aws_sdk_s3::Client,
    path: &std::path::Path,
    address: &ObjectAddress,
    as_stream: Option<Vec<u8>>,
) -> Result<Receipt, TransferError> {
    let source = match as_stream {
        Some(bytes) => UploadSource::Reader(Box::new(std::io::Cursor::new(bytes))),
        None => UploadSource::File(path.to_owned()),
    };
    let mut new = Upload::new(
        source,
        address.clone(),
        world.region.clone(),
        world.key.clone(),
    );
    new.part_size = Some(PartSize::new(PART).unwrap());
    let sent = upload(client, new, &Silent, CancellationToken::new()).await?;
    Ok(sent.receipt)
}

/// Downloads to a file, or into memory.
async fn fetch(
    world: &World,
    client: &aws_sdk_s3::Client,
    address: &ObjectAddress,
    path: Option<&std::path::Path>,
) -> Result<Vec<u8>, TransferError> {
    let output = Output::default();
    let target = match path {
        Some(path) => DownloadTarget::File(path.to_owned()),
        None => DownloadTarget::Writer(Box::new(output.clone())),
    };
    let mut new = Download::new(address.clone(), world.key.clone(), target);
    new.overwrite = keyferry_transfer::Overwrite::Always;
    new.range_size = (1 << 20).try_into().unwrap();
    download(client, new, &Silent, CancellationToken::new()).await?;
    let written = output.0.lock().unwrap().clone();
    Ok(written)
}

/// An upload that succeeded was confirmed by each answer that stored content.
fn assert_confirmed(proxy: &Proxy) {
    let unconfirmed = proxy.injected().into_iter().find(|(request, fault)| {
        request.starts_with("PUT")
            && matches!(fault, Fault::StripConfirmation | Fault::ConfirmOtherKey)
    });
    assert!(
        unconfirmed.is_none(),
        "the upload succeeded in spite of {unconfirmed:?}"
    );
}

/// What could not be aborted through the proxy is aborted as its error says.
async fn clean_up(world: &World, left: &LeftUpload) {
    let abort = world
        .direct
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key(&left.address.key)
        .upload_id(&left.upload_id);
    // Gone already: the answer that said so was lost.
    let _ = abort.send().await;
}

/// No parts are left, save where the answer that named the upload never came.
async fn assert_no_upload(world: &World, proxy: &Proxy, address: &ObjectAddress) {
    let listed = world
        .direct
        .list_multipart_uploads()
        .bucket(BUCKET)
        .prefix(&address.key)
        .send()
        .await
        .unwrap();
    // The prefix finds `uploads/25` as well as `uploads/2`.
    let own = |open: &&MultipartUpload| open.key() == Some(address.key.as_str());
    for open in listed.uploads().iter().filter(own) {
        let injected = proxy.injected();
        let unnamed = injected
            .iter()
            .any(|(request, _)| request.starts_with("POST") && request.contains("?uploads"));
        assert!(unnamed, "{open:?} is left: {injected:?}");
        let parts = world
            .direct
            .list_parts()
            .bucket(BUCKET)
            .key(&address.key)
            .upload_id(open.upload_id().unwrap())
            .sse_customer_algorithm("AES256")
            .sse_customer_key(world.key.headers().expose_key())
            .sse_customer_key_md5(world.key.md5().to_string())
            .send()
            .await
            .unwrap();
        assert!(parts.parts().is_empty(), "parts are left: {injected:?}");
        let left = LeftUpload {
            address: address.clone(),
            upload_id: open.upload_id().unwrap().to_owned(),
            reason: String::new(),
        };
        clean_up(world, &left).await;
    }
}

fn kind(error: &TransferError) -> String {
    let text = match error {
        TransferError::LeftBehind { cause, .. } => return format!("LeftBehind+{}", kind(cause)),
        TransferError::Service { answer, .. } => return format!("Service: {answer}"),
        other => format!("{other:?}"),
    };
    text.split([' ', '(', '{'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn address(key: &str) -> ObjectAddress {
    format!("s3://{BUCKET}/{key}").parse().unwrap()
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn content(size: u64, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(size).unwrap()];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A writer whose content can be looked at afterwards.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl tokio::io::AsyncWrite for Output {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
