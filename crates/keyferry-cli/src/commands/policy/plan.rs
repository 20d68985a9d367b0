//! The plan that flags or a file describe.

use clap::ValueEnum;
use keyferry_policy::plan::PlanFileError;
use keyferry_policy::{AccountId, Encryption, Flow, PlanError, Profile, ReplicationPlan, Site};

use crate::args::{Place, PlanArgs, ProfileArg};
use crate::exit::Exit;
use crate::failure::{Context, Failure};

/// Reads the plan. `profile` is the value of `--profile` in a command that talks to nobody: there it
/// says how much to grant.
pub(super) fn read(
    arguments: &PlanArgs,
    profile: Option<&str>,
) -> Result<ReplicationPlan, Failure> {
    match &arguments.plan {
        Some(path) => {
            let text = std::fs::read_to_string(path).context("read", path.display())?;
            ReplicationPlan::from_toml(&text).map_err(|error| match error {
                PlanFileError::Syntax(error) => Failure::new(
                    Exit::Usage,
                    format!(
                        "`{}` is no plan: {}",
                        path.display(),
                        error.to_string().trim_end()
                    ),
                )
                .hint("`keyferry policy emit --print-plan` with flags prints a plan file"),
                PlanFileError::Plan(error) => refused(&error),
            })
        }
        None => from_flags(arguments, profile).map_err(|error| refused(&by_flag(error, arguments))),
    }
}

fn from_flags(arguments: &PlanArgs, profile: Option<&str>) -> Result<ReplicationPlan, PlanError> {
    // clap has seen to it that all of these are there.
    let (Some(kind), Some(source), Some(destination), Some(account)) = (
        arguments.encryption,
        &arguments.source,
        &arguments.destination,
        &arguments.account,
    ) else {
        return ReplicationPlan::new(Vec::new(), Vec::new(), Profile::Minimal);
    };
    let destination_account = arguments.destination_account.as_ref().unwrap_or(account);
    let across_accounts = destination_account != account;
    let site = |place: &Place, owner: &AccountId, kms_key: Option<&String>, option: &str| {
        let encryption = Encryption::from_parts(
            kind.into(),
            kms_key.map(String::as_str),
            arguments.bucket_key.map(Into::into),
            across_accounts,
        )
        .map_err(|error| PlanError {
            field: match error.field.as_str() {
                "kms-key" => format!("--{option}-kms-key"),
                other => format!("--{other}"),
            },
            ..error
        })?;
        Ok(Site {
            guard: arguments.guard,
            ..Site::new(
                place.bucket.clone(),
                place.region.clone(),
                AccountId::clone(owner),
                encryption,
            )
        })
    };
    let source = site(source, account, arguments.source_kms_key.as_ref(), "source")?;
    let destination = site(
        destination,
        destination_account,
        arguments.destination_kms_key.as_ref(),
        "destination",
    )?;
    let named = profile.and_then(|name| ProfileArg::from_str(name, false).ok());
    let profile = arguments
        .permissions
        .or(named)
        .map_or_else(|| Profile::default_for(kind.into()), Into::into);
    let there = Flow::new(source.bucket.clone(), destination.bucket.clone());
    let back = arguments.both_ways.then(|| there.reversed());
    let flows = std::iter::once(there).chain(back).collect();
    ReplicationPlan::new(vec![source, destination], flows, profile)
}

/// The error with the field as its option is called.
fn by_flag(error: PlanError, arguments: &PlanArgs) -> PlanError {
    let option = |place: &Option<Place>, name: &str| {
        let place = place.as_ref()?;
        let key = format!("site {}: kms-key", place.bucket);
        let region = format!("site {}: region", place.bucket);
        (error.field == key)
            .then(|| format!("--{name}-kms-key"))
            .or_else(|| (error.field == region).then(|| format!("--{name}")))
    };
    let field = option(&arguments.source, "source")
        .or_else(|| option(&arguments.destination, "destination"));
    match field {
        Some(field) => PlanError { field, ..error },
        None => error,
    }
}

fn refused(error: &PlanError) -> Failure {
    let page = error.rule.page().map(|page| format!("see {page}"));
    Failure::from_error(Exit::Usage, error).maybe_hint(page)
}
