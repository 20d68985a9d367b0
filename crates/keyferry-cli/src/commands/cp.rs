//! `keyferry cp`

mod elsewhere;

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use keyferry_policy::BucketName;
use keyferry_transfer::{Filter, ListedVersion, Listing, ObjectAddress, Scope, TransferError};
use keyferry_verify::ParseScopeError;

use super::Invocation;
use super::moving::{Copies, Moving, MovingJob, What, all_keys, copy_job};
use crate::args::CpArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::printable;

/// Two places, and what is copied from one to the other.
struct Route {
    source: BucketName,
    /// The source's key, or with `--recursive` what the keys begin with.
    from: String,
    destination: BucketName,
    /// The copy's key, or what the keys begin with.
    to: String,
}

pub(super) async fn run(invocation: &Invocation, arguments: CpArgs) -> Result<Exit, Failure> {
    if !is_s3(&arguments.source) || !is_s3(&arguments.destination) {
        return elsewhere::run(invocation, &arguments).await;
    }
    let route = Route::parse(&arguments)?;
    let (keys, encrypting) = all_keys(
        invocation,
        &arguments.moving,
        &route.source,
        Some(&route.destination),
    )?;
    let Some(encrypting) = encrypting else {
        return Err(Failure::new(Exit::Key, "there is no key to encrypt under"));
    };
    let moving = Moving::begin(invocation, &arguments.moving, keys).await?;
    let copies = Copies::begin(&moving, &route.source, &route.destination, encrypting).await?;
    let filter = arguments.moving.choice.filter.filter()?;
    let dry_run = arguments.moving.choice.dry_run;
    let to = Some((&copies.region, &copies.encrypting));
    let address = &arguments.destination;
    let moved = if arguments.recursive {
        let scope = Scope::Prefix(route.from.clone());
        let listing = Listing::new(&copies.source_client, &route.source, scope);
        let jobs = jobs(listing, &copies, &route, filter, dry_run);
        moving.run(jobs, to, address).await?
    } else {
        let object = one(&copies, &route, arguments.version_id.as_deref()).await?;
        let job = copy_job(&copies, object, route.to.clone(), dry_run);
        moving.run(stream::iter([job]), to, address).await?
    };
    let finished = copies.copier.finish().await;
    let is_empty = moved.tally.is_empty() && moved.stopped.is_none();
    let exit = moving.end(moved, Some(&copies.encrypting)).await?;
    finished?;
    if is_empty {
        return Err(Failure::new(
            Exit::Failure,
            format!("nothing was copied from `{}`", printable(&arguments.source)),
        )
        .hint("keys are taken literally; `keyferry ls` shows what is there"));
    }
    Ok(exit)
}

pub(super) fn is_s3(text: &str) -> bool {
    text.starts_with("s3://")
}

fn jobs(
    listing: Listing,
    copies: &Copies,
    route: &Route,
    filter: Filter,
    dry_run: bool,
) -> impl Stream<Item = MovingJob> + Send + use<> {
    let copies = copies.clone();
    let (source, from, to) = (
        format!("s3://{}/{}", route.source, route.from),
        route.from.len(),
        route.to.clone(),
    );
    listing.objects().filter_map(move |object| {
        let job = match object {
            Ok(object) => {
                let name = object.key.get(from..).unwrap_or_default().to_owned();
                filter
                    .takes(&name)
                    .then(|| copy_job(&copies, object, format!("{to}{name}"), dry_run))
            }
            // The listing ends with it.
            Err(error) => {
                let what = What {
                    action: "list",
                    source: source.clone(),
                    destination: String::new(),
                    object: None,
                    size: 0,
                };
                Some(MovingJob::new(what, 0, async move |_| Err(error.into())))
            }
        };
        std::future::ready(job)
    })
}

/// The object that was named.
async fn one(
    copies: &Copies,
    route: &Route,
    version_id: Option<&str>,
) -> Result<ListedVersion, Failure> {
    let scope = Scope::Object(route.from.clone());
    let listing = Listing::new(&copies.source_client, &route.source, scope);
    let found = match version_id {
        None => std::pin::pin!(listing.objects()).try_next().await?,
        Some(id) => {
            let mut versions = std::pin::pin!(listing.versions());
            loop {
                match versions.try_next().await? {
                    Some(version) if version.version_id.as_deref() != Some(id) => {}
                    found => break found,
                }
            }
        }
    };
    found.ok_or_else(|| {
        let address = ObjectAddress {
            bucket: route.source.clone(),
            key: route.from.clone(),
        };
        let version_id = version_id.map(str::to_owned);
        TransferError::NoSuchObject {
            address,
            version_id,
        }
        .into()
    })
}

impl Route {
    fn parse(arguments: &CpArgs) -> Result<Self, Failure> {
        let parse = |text: &str| {
            text.parse::<keyferry_verify::Scope>()
                .map_err(|error: ParseScopeError| Failure::from_error(Exit::Usage, &error))
        };
        let source = parse(&arguments.source)?;
        let destination = parse(&arguments.destination)?;
        let is_folder = |key: &str| key.is_empty() || key.ends_with('/');
        let usage = |what: String, hint: &str| Err(Failure::new(Exit::Usage, what).hint(hint));
        let (from, to) = if arguments.recursive {
            (folder(&source.prefix), folder(&destination.prefix))
        } else {
            if !arguments.moving.choice.filter.rules().is_empty() {
                return usage(
                    "--include and --exclude choose among many objects, and only one is named"
                        .to_owned(),
                    "--recursive copies all objects of a folder",
                );
            }
            if is_folder(&source.prefix) {
                return usage(
                    format!("`{}` names no object", arguments.source),
                    "--recursive copies all objects of a folder",
                );
            }
            let name = source.prefix.rsplit('/').next().unwrap_or_default();
            let to = match is_folder(&destination.prefix) {
                true => format!("{}{name}", destination.prefix),
                false => destination.prefix,
            };
            (source.prefix, to)
        };
        if source.bucket == destination.bucket {
            if from == to {
                return usage(
                    format!("`{}` is copied onto itself", arguments.source),
                    "`keyferry rekey` re-encrypts objects where they are",
                );
            }
            if arguments.recursive && to.starts_with(&from) {
                return usage(
                    format!(
                        "`{}` is a part of `{}`: copies would be copied again",
                        arguments.destination, arguments.source
                    ),
                    "copy to another folder",
                );
            }
        }
        Ok(Self {
            source: source.bucket,
            from,
            destination: destination.bucket,
            to,
        })
    }
}

/// A prefix as that of a folder: nothing, or what ends in a slash.
pub(super) fn folder(prefix: &str) -> String {
    match prefix {
        "" => String::new(),
        whole if whole.ends_with('/') => whole.to_owned(),
        name => format!("{name}/"),
    }
}
