use std::fs;
use std::os::unix::fs::FileExt;

use super::earlier::sum;
use super::*;

fn header(size: u64) -> Header {
    Header {
        format: FORMAT,
        source: "s3://bucket/key".parse().unwrap(),
        version_id: Some("v1".to_owned()),
        etag: "\"e1\"".to_owned(),
        size,
    }
}

fn find(target: &Path, version: Option<&str>, resume: Resume) -> Result<Left, TransferError> {
    Partial::find(target, &header(0).source, version, resume)
}

/// A partial file of ten bytes of which two ranges were written.
fn begun(target: &Path) {
    let (partial, file) = Partial::begin(target, &header(10)).unwrap();
    file.set_len(10).unwrap();
    file.write_all_at(b"abc", 0).unwrap();
    file.write_all_at(b"hij", 7).unwrap();
    partial.record(7, 10, sum(&file, 7, 3).unwrap());
    partial.record(0, 3, sum(&file, 0, 3).unwrap());
    assert_eq!(partial.kept(), 6);
}

#[tokio::test]
async fn what_was_written_is_summed_again() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("film");
    begun(&target);
    let (path, _) = names(&target);
    assert_eq!(path, folder.path().join(".film.keyferry-part"));
    let Ok(Left::Fits(partial, mut earlier)) = find(&target, Some("v1"), Resume::Continue) else {
        unreachable!()
    };
    assert_eq!(partial.kept(), 6);
    let mut told = 0;
    let sound = earlier.checked(&partial, |bytes| told += bytes).await;
    assert_eq!(sound.unwrap().len(), 2);
    assert_eq!(told, 6);
    drop((partial, earlier));

    // A byte that flipped on disk.
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"x", 8).unwrap();
    let Ok(Left::Fits(partial, mut earlier)) = find(&target, None, Resume::Continue) else {
        unreachable!()
    };
    let sound = earlier.checked(&partial, |_| ()).await.unwrap();
    assert_eq!(sound.len(), 1);
    assert_eq!((sound[0].0, sound[0].1.length()), (0, 3));
    assert_eq!(partial.kept(), 3);
    partial.discard().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("film");
    let (path, state) = names(&target);
    let why = |resume, version| match find(&target, version, resume) {
        Ok(Left::Unfit(_, why)) => why,
        other => unreachable!("{other:?}"),
    };
    begun(&target);
    assert_eq!(why(Resume::StartOver, None), StartedOver::NotAsked);
    assert_eq!(
        why(Resume::Continue, Some("v2")),
        StartedOver::ObjectChanged
    );
    let other = "s3://bucket/other".parse().unwrap();
    assert!(matches!(
        Partial::find(&target, &other, None, Resume::Continue),
        Ok(Left::Unfit(_, StartedOver::OtherObject))
    ));
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(9)
        .unwrap();
    assert_eq!(why(Resume::Continue, None), StartedOver::PartialFileChanged);
    fs::remove_file(&path).unwrap();
    assert_eq!(why(Resume::Continue, None), StartedOver::PartialFileChanged);
    fs::write(&state, "{\"format\": 1}\n").unwrap();
    assert_eq!(why(Resume::Continue, None), StartedOver::DamagedState);
    fs::write(&state, "").unwrap();
    assert_eq!(why(Resume::Continue, None), StartedOver::DamagedState);
    fs::write(&state, "{\"format\": 2, \"new\": true}\n").unwrap();
    assert_eq!(why(Resume::StartOver, None), StartedOver::NotAsked);
    let newer = find(&target, None, Resume::Continue).unwrap_err();
    assert!(newer.to_string().contains("a newer version"), "{newer}");
}

/// Lines that were damaged, overlap or lie outside do not count.
#[test]
fn only_sound_lines_count() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("film");
    begun(&target);
    let (_, state) = names(&target);
    let mut lines = fs::read_to_string(&state).unwrap();
    lines += "{\"from\":1,\"to\":5,\"crc\":\"x\"}\n{\"from\":9,\"to\":12,\"crc\":\"x\"}\nrubbish\n";
    lines += "{\"from\":5,\"to\":5,\"crc\":\"x\"}\n{\"from\":3,\"to\":7";
    fs::write(&state, lines).unwrap();
    let Ok(Left::Fits(_, earlier)) = find(&target, None, Resume::Continue) else {
        unreachable!()
    };
    let ranges: Vec<_> = earlier
        .written
        .iter()
        .map(|range| (range.from, range.to))
        .collect();
    assert_eq!(ranges, [(0, 3), (7, 10)]);
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("film");
    let held = Partial::begin(&target, &header(10)).unwrap();
    assert!(matches!(
        find(&target, None, Resume::Continue),
        Err(TransferError::ResumeBusy { .. })
    ));
    assert!(matches!(
        find(&target, None, Resume::StartOver),
        Ok(Left::Nothing { busy: true })
    ));
    assert!(Partial::begin(&target, &header(10)).is_none());
    drop(held);
}

#[test]
fn long_names_get_short_ones() {
    let long = "x".repeat(250);
    let (path, state) = names(&Path::new("folder").join(&long));
    for name in [&path, &state] {
        assert!(name.file_name().unwrap().len() <= 255);
        assert_eq!(name.parent().unwrap(), Path::new("folder"));
    }
    assert_ne!(path, names(&Path::new("folder").join(format!("{long}y"))).0);
}
