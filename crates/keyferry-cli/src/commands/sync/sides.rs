//! The two sides, as they were typed.

use std::path::PathBuf;

use keyferry_policy::BucketName;
use keyferry_transfer::{Filter, Listing, Walk};
use keyferry_verify::{ParseScopeError, Scope};

use super::jobs::Way;
use super::listed;
use crate::args::SyncArgs;
use crate::commands::cp::{folder, is_s3};
use crate::exit::Exit;
use crate::failure::Failure;

/// A folder here, or one in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Side {
    Folder(PathBuf),
    /// Its prefix is empty or ends in a slash.
    Prefix(Scope),
}

/// From where to where.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) source: Side,
    pub(super) destination: Side,
    /// The bucket that is read, or the one that is written.
    bucket: BucketName,
}

impl Side {
    fn parse(text: &str) -> Result<Self, Failure> {
        if !is_s3(text) {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        let scope: Scope = text
            .parse()
            .map_err(|error: ParseScopeError| Failure::from_error(Exit::Usage, &error))?;
        Ok(Self::Prefix(Scope {
            prefix: folder(&scope.prefix),
            bucket: scope.bucket,
        }))
    }

    /// The bucket, if it is in one.
    pub(super) fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Folder(_) => None,
            Self::Prefix(scope) => Some(&scope.bucket),
        }
    }
}

impl Ends {
    pub(super) fn parse(arguments: &SyncArgs) -> Result<Self, Failure> {
        let source = Side::parse(&arguments.source)?;
        let destination = Side::parse(&arguments.destination)?;
        let usage = |what: String, hint: &str| Err(Failure::new(Exit::Usage, what).hint(hint));
        let Some(bucket) = source.bucket().or(destination.bucket()).cloned() else {
            return usage(
                format!(
                    "neither `{}` nor `{}` is an S3 address",
                    arguments.source, arguments.destination
                ),
                "an S3 address looks like `s3://bucket/prefix`; between folders `rsync` does this",
            );
        };
        if let (Side::Prefix(one), Side::Prefix(other)) = (&source, &destination)
            && one.bucket == other.bucket
            && (one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix))
        {
            return usage(
                format!("of `{one}` and `{other}` one is a part of the other"),
                "choose two prefixes that have nothing in common",
            );
        }
        Ok(Self {
            source,
            destination,
            bucket,
        })
    }

    /// A bucket whose objects need keys.
    pub(super) fn any_bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// A mistyped folder must not be taken for an empty one.
    pub(super) fn must_be_there(&self) -> Result<(), Failure> {
        let Side::Folder(path) = &self.source else {
            return Ok(());
        };
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(Failure::new(
                Exit::Failure,
                format!("`{}` is not a folder", path.display()),
            )
            .hint("`keyferry upload` sends a single file")),
            Err(error) => Err(Failure::new(
                Exit::Failure,
                format!("`{}` cannot be read: {error}", path.display()),
            )
            .hint("check the path")),
        }
    }

    /// What is on either side.
    pub(super) fn lists(
        &self,
        way: &Way,
        filter: &Filter,
        follow_links: bool,
    ) -> (listed::Side, listed::Side) {
        let files = |path: &PathBuf, follow: bool| {
            listed::files(&Walk::new(path).follow_links(follow), filter.clone())
        };
        match (way, &self.source, &self.destination) {
            (Way::Up { place, .. }, Side::Folder(path), _) => (
                files(path, follow_links),
                objects(&place.client, &place.bucket, &place.prefix, filter, false),
            ),
            (Way::Down { place, root, .. }, _, _) => (
                objects(&place.client, &place.bucket, &place.prefix, filter, false),
                match root.exists() {
                    // Links are never followed where files may be removed.
                    true => files(root, false),
                    false => listed::nothing(),
                },
            ),
            (Way::Across { copies, from, to }, _, _) => (
                objects(&copies.source_client, &copies.source, from, filter, true),
                objects(&copies.client, &copies.destination, to, filter, true),
            ),
            (Way::Up { .. }, Side::Prefix(_), _) => (listed::nothing(), listed::nothing()),
        }
    }
}

fn objects(
    client: &aws_sdk_s3::Client,
    bucket: &BucketName,
    prefix: &str,
    filter: &Filter,
    markers: bool,
) -> listed::Side {
    let scope = keyferry_transfer::Scope::Prefix(prefix.to_owned());
    let listing = Listing::new(client, bucket, scope);
    listed::objects(listing, prefix, filter.clone(), markers)
}
