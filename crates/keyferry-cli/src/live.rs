//! What is live in AWS, as commands meet it: connections for the accounts of a plan, and failures.

use keyferry_live::{
    ApplyError, CompareOptions, Connections, ConnectionsError, Refusal, ServiceError, Silent,
    apply, compare, read,
};
use keyferry_policy::ReplicationPlan;
use keyferry_policy::check::Installed;
use tokio_util::sync::CancellationToken;

use crate::args::OtherAccountArgs;
use crate::aws::Aws;
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let hint = error.hint();
        Self::from_error(Exit::Failure, &error).maybe_hint(hint)
    }
}

impl From<ConnectionsError> for Failure {
    fn from(error: ConnectionsError) -> Self {
        match error {
            ConnectionsError::Service(error) => error.into(),
            ConnectionsError::WrongAccount { .. } => Self::from_error(Exit::Failure, &error)
                .hint("--profile gives the credentials of the source's account, --destination-profile those of the destination's"),
        }
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        let go_on = "the same command goes on from here";
        let hint = match &error {
            ApplyError::Failed { source, .. } => match source.hint() {
                Some(hint) => format!("{hint}; {go_on}"),
                None => go_on.to_owned(),
            },
            ApplyError::ChangedMeanwhile { .. } => {
                "the same command reads it again and shows what is to change now".to_owned()
            }
            ApplyError::Interrupted { .. } | ApplyError::ReadsBackOtherwise { .. } => {
                go_on.to_owned()
            }
        };
        let exit = match error {
            ApplyError::Interrupted { .. } => Exit::Interrupted,
            _ => Exit::Failure,
        };
        Self::from_error(exit, &error).hint(hint)
    }
}

/// All that speaks against touching what is live, as one failure.
pub(crate) fn refused(refusals: &[Refusal]) -> Failure {
    let each: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let mut hints: Vec<String> = refusals.iter().filter_map(Refusal::hint).collect();
    hints.dedup();
    let message = match each.as_slice() {
        [one] => format!("nothing was changed: {one}"),
        many => format!("nothing was changed:\n  - {}", many.join("\n  - ")),
    };
    let hints = (!hints.is_empty()).then(|| hints.join("\n      "));
    Failure::new(Exit::Findings, message).maybe_hint(hints)
}

/// Connections for a plan's accounts, by the profiles that the command line names.
pub(crate) async fn connections(
    settings: &Settings,
    other: &OtherAccountArgs,
    plan: &ReplicationPlan,
) -> Result<Connections, Failure> {
    let mut connectors = vec![Aws::connect(settings).await?.shared_connector()];
    if let Some(profile) = &other.destination_profile {
        let aws = Aws::connect_as(settings, Some(profile)).await?;
        connectors.push(aws.shared_connector());
    }
    let Some(site) = plan.sites().first() else {
        return Err(Failure::new(Exit::Usage, "the plan has no bucket"));
    };
    Ok(Connections::identify(connectors, &site.region).await?)
}

/// What S3, IAM and KMS have of a plan. What belongs to an account without credentials is unknown.
pub(crate) async fn installed(
    invocation: &Invocation,
    other: &OtherAccountArgs,
    plan: &ReplicationPlan,
) -> Result<Installed, Failure> {
    let connections = connections(&invocation.settings, other, plan).await?;
    connections.require_some(plan)?;
    if let Err(lacking) = connections.require_all(plan) {
        // Whoever names a profile for the other account means to read it.
        if other.destination_profile.is_some() {
            return Err(lacking.into());
        }
        invocation.terminal.say(format!(
            "only one account is read: {lacking}; --destination-profile names those of the other"
        ));
    }
    Ok(read(plan, &connections).await.installed)
}

/// Brings everything to the plan without asking, buckets included: for the lab.
pub(crate) async fn install(aws: &Aws, plan: &ReplicationPlan) -> Result<(), Failure> {
    let Some(site) = plan.sites().first() else {
        return Ok(());
    };
    let connections = Connections::identify(vec![aws.shared_connector()], &site.region).await?;
    connections.require_all(plan)?;
    let options = CompareOptions {
        create_buckets: true,
        ..CompareOptions::default()
    };
    let live = read(plan, &connections).await;
    let changes = compare(plan, &live, options).map_err(|refusals| refused(&refusals))?;
    apply(&changes, &connections, &Silent, &CancellationToken::new()).await?;
    Ok(())
}
