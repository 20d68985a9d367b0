//! The documents that are given, as files.

use std::path::Path;

use keyferry_policy::check::Installed;
use keyferry_policy::documents::Kind;
use keyferry_policy::{BucketName, ReplicationPlan};

use crate::args::{GivenArgs, GivenFile};
use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// Reads all that is given.
pub(super) fn read(plan: &ReplicationPlan, given: &GivenArgs) -> Result<Installed, Failure> {
    let files = [
        (Kind::Trust, &given.trust),
        (Kind::Role, &given.role),
        (Kind::Replication, &given.replication),
        (Kind::KeyPolicy, &given.key_policy),
        (Kind::BucketPolicy, &given.bucket_policy),
        (Kind::Encryption, &given.encryption_configuration),
        (Kind::Versioning, &given.versioning),
    ];
    let none = given.documents.is_none() && given.terraform_plan.is_none();
    if none && files.iter().all(|(_, files)| files.is_empty()) {
        return Err(Failure::new(Exit::Usage, "there are no documents to check")
            .hint("give --documents DIR, --terraform-plan FILE, or files, or --live: see --help"));
    }
    let mut installed = Installed::default();
    if let Some(path) = &given.terraform_plan {
        let text = text_of(path)?;
        let file = path.display().to_string();
        installed
            .read_terraform(plan, &file, &text)
            .map_err(|error| unreadable(path, &error))?;
    }
    if let Some(folder) = &given.documents {
        folder_into(plan, folder, &mut installed)?;
    }
    for (kind, files) in files {
        for file in files {
            let bucket = bucket_of(plan, kind, file)?;
            add(plan, kind, &bucket, &file.path, &mut installed)?;
        }
    }
    if given.documents.is_some() {
        installed.complete(plan);
    }
    Ok(installed)
}

/// Every document of the plan's buckets that a folder has.
fn folder_into(
    plan: &ReplicationPlan,
    folder: &Path,
    installed: &mut Installed,
) -> Result<(), Failure> {
    const KINDS: [Kind; 11] = [
        Kind::Versioning,
        Kind::Encryption,
        Kind::Trust,
        Kind::Role,
        Kind::KeyPolicy,
        Kind::BucketPolicy,
        Kind::Replication,
        Kind::BatchTrust,
        Kind::BatchRole,
        Kind::Uploader,
        Kind::Verifier,
    ];
    std::fs::read_dir(folder).context("read", folder.display())?;
    let mut found = false;
    for site in plan.sites() {
        for kind in KINDS {
            let path = folder.join(format!("{}-{}.json", kind.as_str(), site.bucket));
            if path.exists() {
                found = true;
                add(plan, kind, &site.bucket, &path, installed)?;
            }
        }
    }
    if found {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        format!(
            "`{}` has no document of the plan's buckets",
            folder.display()
        ),
    )
    .hint("they are named as `policy emit --format json --out` names them: `role-BUCKET.json`"))
}

fn add(
    plan: &ReplicationPlan,
    kind: Kind,
    bucket: &BucketName,
    path: &Path,
    installed: &mut Installed,
) -> Result<(), Failure> {
    let text = text_of(path)?;
    installed
        .read(plan, kind, bucket, &path.display().to_string(), &text)
        .map_err(|error| unreadable(path, &error))
}

fn text_of(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).context("read", path.display())
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("`{}`: {error}", path.display()))
}

/// The bucket that a file belongs to.
fn bucket_of(plan: &ReplicationPlan, kind: Kind, file: &GivenFile) -> Result<BucketName, Failure> {
    let flows = plan.flows();
    let bucket = match (&file.bucket, flows.first()) {
        (Some(bucket), _) => bucket.clone(),
        (None, Some(flow)) if kind == Kind::BucketPolicy => flow.destination.bucket.clone(),
        (None, Some(flow)) => flow.source.bucket.clone(),
        (None, None) => return Err(Failure::new(Exit::Usage, "the plan has no direction")),
    };
    if plan.site(&bucket).is_some() {
        return Ok(bucket);
    }
    let known: Vec<String> = plan
        .sites()
        .iter()
        .map(|site| format!("`{}`", site.bucket))
        .collect();
    Err(
        Failure::new(Exit::Usage, format!("`{bucket}` is no bucket of the plan"))
            .hint(format!("it has {}", known.join(" and "))),
    )
}
