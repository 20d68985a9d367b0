//! `keyferry doctor`

mod store;

use jiff::Timestamp;
use keyferry_policy::Region;
use keyferry_policy::check::{Finding, Level, Preflight, Rule, sarif};
use keyferry_transfer::{Connector, Endpoints};
use keyferry_verify::{Checkup, Examination, ReplicaTarget, Shell, examine, no_connection};

use super::Invocation;
use crate::args::{DoctorArgs, Output};
use crate::aws::{Aws, NoConnection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::terminal::findings::{self, exit};
use crate::terminal::width;

/// What S3 can be asked by.
struct Reached {
    connector: Connector,
    aws: Option<Aws>,
    first_region: Region,
}

pub(super) async fn run(invocation: &Invocation, arguments: DoctorArgs) -> Result<Exit, Failure> {
    let cancel = interrupt::token(invocation.terminal)?;
    let mut examination = Examination::begun(&arguments.address.bucket);
    let mut connected = Vec::new();
    if let Some(reached) = reach(invocation, &mut connected).await? {
        let mut others = Vec::new();
        if let Some(profile) = &arguments.other.destination_profile {
            match Aws::connect_as(&invocation.settings, Some(profile)).await {
                Ok(aws) => others.push(aws.connector().clone()),
                Err(failure) => connected.push(credentials(&failure)),
            }
        }
        let region = reached.aws.as_ref().and_then(Aws::region).cloned();
        let region = region.or_else(|| invocation.settings.region.clone());
        let checkup = Checkup {
            connector: &reached.connector,
            others,
            signed: reached.aws.is_some(),
            bucket: &arguments.address.bucket,
            object: arguments.address.object.as_deref(),
            region: region.as_ref(),
            first_region: &reached.first_region,
            replica: replica(invocation, &arguments, &reached).await,
            shell: shell(invocation, &reached.connector),
            now: Timestamp::now(),
        };
        examination = examine(&checkup, &cancel).await?;
    }
    examination.add(connected);
    if !arguments.no_store {
        examination.add(store::check(invocation));
    }
    print(invocation, &examination)?;
    Ok(exit(&examination.findings, arguments.fail_on))
}

/// Connects with credentials, or, if there are none, without.
async fn reach(
    invocation: &Invocation,
    found: &mut Vec<Finding>,
) -> Result<Option<Reached>, Failure> {
    let failure = match Aws::connect(&invocation.settings).await {
        Ok(aws) => {
            return Ok(Some(Reached {
                connector: aws.connector().clone(),
                first_region: aws.first_region()?,
                aws: Some(aws),
            }));
        }
        Err(failure) => failure,
    };
    Ok(match Aws::unsigned(&invocation.settings).await {
        Ok((connector, first_region)) => {
            found.push(credentials(&failure));
            Some(Reached {
                connector,
                aws: None,
                first_region,
            })
        }
        Err(NoConnection::Settings(error)) => {
            found.push(no_connection(&error));
            None
        }
        Err(NoConnection::Other(failure)) => {
            let rule = Rule::Preflight(Preflight::EndpointUnreachable);
            found.push(
                Finding::new(rule, Level::Error, "connection", failure.message())
                    .because("nothing can be transferred or verified without it")
                    .fix(failure.hint_text().unwrap_or_default()),
            );
            None
        }
    })
}

fn credentials(failure: &Failure) -> Finding {
    Finding::new(
        Rule::Preflight(Preflight::CredentialsMissing),
        Level::Error,
        "credentials",
        failure.message(),
    )
    .because("S3 lets nobody upload, and nobody read what is not public, without them")
    .fix(failure.hint_text().unwrap_or_default())
}

/// The destination that the options or the configuration name.
async fn replica(
    invocation: &Invocation,
    arguments: &DoctorArgs,
    reached: &Reached,
) -> Option<ReplicaTarget> {
    let Some(named) = &arguments.replica else {
        let pair = invocation.settings.pair(&arguments.address.bucket)?;
        return Some(ReplicaTarget {
            bucket: pair.replica.bucket,
            region: pair.replica.region,
        });
    };
    let region = match &named.region {
        Some(region) => region.clone(),
        None => match reached.aws.as_ref()?.bucket_region(&named.bucket).await {
            Ok(region) => region,
            Err(failure) => {
                invocation.terminal.warn(format!(
                    "the region of `{}` was not found out: {}",
                    named.bucket,
                    failure.message()
                ));
                return None;
            }
        },
    };
    Some(ReplicaTarget {
        bucket: named.bucket.clone(),
        region,
    })
}

fn shell(invocation: &Invocation, connector: &Connector) -> Shell {
    let settings = &invocation.settings;
    let endpoints: &Endpoints = connector.endpoints();
    Shell {
        profile: settings.profile.clone(),
        endpoints: endpoints.clone(),
        other_services: settings.other_services.clone(),
        ca_bundle: settings
            .ca_bundle
            .as_ref()
            .map(|path| path.display().to_string()),
    }
}

fn print(invocation: &Invocation, examination: &Examination) -> Result<(), Failure> {
    let terminal = &invocation.terminal;
    if terminal.is_sarif() {
        let findings = &examination.findings;
        return terminal.json(&sarif(findings, env!("CARGO_PKG_VERSION")));
    }
    match terminal.output() {
        Output::Json => terminal.json(examination),
        Output::Ndjson => terminal.json_list(&examination.findings),
        Output::Text => terminal.print(text(examination)),
    }
}

fn text(examination: &Examination) -> String {
    let mut text = format!("s3://{}\n", examination.bucket);
    for look in &examination.looked_at {
        text.push_str(&format!("  {:<9} {}\n", look.what, look.seen));
    }
    text.push('\n');
    let nothing =
        "Nothing found that would stop an upload, its replication, verification or download.";
    text + &findings::of(&examination.findings, width().min(100), nothing)
}
