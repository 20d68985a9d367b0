//! Everything that is emitted, compared with what is stored.
//!
//! `KEYFERRY_GOLDEN=overwrite cargo test -p keyferry-policy --test golden` writes it anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support outside #[test] functions"
)]

mod cells;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use keyferry_policy::documents::Kind;
use keyferry_policy::formats::{EmittedFile, Format, emit};
use keyferry_policy::matrix::Matrix;
use keyferry_policy::{Documents, Profile, ReplicationPlan};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// What the folders should hold, by path.
fn add(files: &mut BTreeMap<PathBuf, EmittedFile>, folder: &Path, plan: &ReplicationPlan) {
    for format in Format::ALL {
        for file in emit(plan, format) {
            let path = folder.join(format.as_str()).join(&file.name);
            let twice = files.insert(path, file);
            assert!(twice.is_none(), "{twice:?} is emitted twice");
        }
    }
}

fn compare(root: &Path, expected: &BTreeMap<PathBuf, EmittedFile>) {
    if std::env::var_os("KEYFERRY_GOLDEN").is_some_and(|value| value == "overwrite") {
        let _ = fs::remove_dir_all(root);
        for (path, file) in expected {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.text).unwrap();
        }
        return;
    }
    let mut stored = BTreeSet::new();
    walk(root, &mut stored);
    let emitted: BTreeSet<PathBuf> = expected.keys().cloned().collect();
    let stray: Vec<_> = stored.symmetric_difference(&emitted).collect();
    assert!(
        stray.is_empty(),
        "stored or emitted, but not both: {stray:?}"
    );
    for (path, file) in expected {
        let text = fs::read_to_string(path).unwrap();
        if text != file.text {
            let lines = text.lines().zip(file.text.lines()).enumerate();
            let first = lines.into_iter().find(|(_, (one, other))| one != other);
            panic!("{} differs: {first:#?}", path.display());
        }
    }
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.insert(path);
        }
    }
}

#[test]
fn every_cell_is_emitted_as_stored() {
    let root = folder("golden");
    let mut files = BTreeMap::new();
    for cell in Matrix::carried().cells().keys() {
        for profile in [Profile::Minimal, Profile::Compatible] {
            let folder = root.join(cell).join(profile.as_str());
            add(&mut files, &folder, &cells::plan(cell, profile));
        }
    }
    compare(&root, &files);
}

#[test]
fn every_special_plan_is_emitted_as_stored() {
    let root = folder("golden-special");
    let mut files = BTreeMap::new();
    for (name, plan) in cells::special() {
        add(&mut files, &root.join(name), &plan);
    }
    compare(&root, &files);
}

#[test]
fn statements_are_those_of_the_cells_rows() {
    for (name, cell) in Matrix::carried().cells() {
        let plan = cells::plan(name, Profile::Minimal);
        let documents = Documents::of(&plan);
        let flows = plan.flows();
        assert_eq!(flows.len(), cell.flows, "{name}");
        for flow in &flows {
            let source = [Kind::Trust, Kind::Role, Kind::KeyPolicy].map(|kind| (kind, flow.source));
            let destination =
                [Kind::BucketPolicy, Kind::KeyPolicy].map(|kind| (kind, flow.destination));
            let reasons: BTreeSet<&str> = source
                .iter()
                .chain(&destination)
                .filter_map(|(kind, site)| documents.find(*kind, &site.bucket)?.policy())
                .flat_map(|policy| policy.statements().collect::<Vec<_>>())
                .flat_map(|(_, reasons)| reasons.iter().map(|reason| reason.id()))
                .collect();
            let rows: BTreeSet<&str> = cell.rows_per_flow.iter().map(String::as_str).collect();
            assert_eq!(reasons, rows, "{name}: {flow}");
        }
    }
}
