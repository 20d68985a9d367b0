//! `keyferry lab`: the two-region lab for other clients.

mod fault;

use keyferry_lab::{Lab, LabError, LabOptions};
use keyferry_policy::{Encryption, ReplicationPlan, Site};
use keyferry_transfer::ParseEndpointsError;

use super::Invocation;
use crate::args::{LabArgs, LabCommand, UpArgs};
use crate::aws::Aws;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{interrupt, live};

const BUCKETS: [&str; 2] = ["lab-tokyo", "lab-osaka"];

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        Self::from_error(Exit::Failure, &error)
    }
}

pub(super) async fn run(invocation: &Invocation, arguments: LabArgs) -> Result<Exit, Failure> {
    match arguments.command {
        LabCommand::Up(arguments) => up(invocation, arguments).await,
        LabCommand::Fault(arguments) => fault::run(invocation, arguments).await,
    }
}

async fn up(invocation: &Invocation, arguments: UpArgs) -> Result<Exit, Failure> {
    let terminal = invocation.terminal;
    let cancel = interrupt::token(terminal)?;
    let lab = Lab::start(LabOptions {
        dir: arguments.dir,
        other_accounts: arguments.other_accounts.clone(),
        ports: arguments.port.map_or([0, 0], |first| [first, first + 1]),
        ..LabOptions::default()
    })
    .await?;
    if !arguments.empty {
        let plan = plan(&lab, BUCKETS)?;
        let aws = connect(&lab)?;
        live::install(&aws, &plan).await?;
    }
    terminal.print(exports(&lab, &arguments.other_accounts))?;
    let buckets = if arguments.empty {
        String::new()
    } else {
        format!(
            "; buckets {} and {} replicate both ways",
            BUCKETS[0], BUCKETS[1]
        )
    };
    terminal.say(format!(
        "# serving {} and {}{buckets}\n# paste the lines above into another shell; Ctrl-C here ends the lab",
        lab.regions()[0].name(),
        lab.regions()[1].name()
    ));
    cancel.cancelled().await;
    lab.shutdown().await;
    Ok(Exit::Done)
}

/// A plan for two buckets, one in each of the lab's regions, both ways, under customer keys.
pub(super) fn plan(lab: &Lab, buckets: [&str; 2]) -> Result<ReplicationPlan, Failure> {
    let failure = |error: keyferry_policy::NameError| Failure::from_error(Exit::Failure, &error);
    let [first, second] = lab.regions();
    let site = |bucket: &str, region: &str| {
        Ok(Site::new(
            bucket.parse()?,
            region.parse()?,
            lab.account_id().parse()?,
            Encryption::SseC,
        ))
    };
    let [source, destination] = buckets;
    ReplicationPlan::between(
        site(source, first.name()).map_err(failure)?,
        site(destination, second.name()).map_err(failure)?,
        true,
    )
    .map_err(|error| Failure::from_error(Exit::Failure, &error))
}

/// Connections to the lab itself, whatever the environment says.
pub(super) fn connect(lab: &Lab) -> Result<Aws, Failure> {
    let credentials = lab.credentials();
    let credentials = aws_credential_types::Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        None,
        None,
        "lab",
    );
    let first = lab.regions()[0].name().parse();
    Aws::to_lab(
        lab.ca_path(),
        credentials,
        endpoints(lab)
            .parse()
            .map_err(|error: ParseEndpointsError| Failure::from_error(Exit::Failure, &error))?,
        first.map_err(|error| Failure::from_error(Exit::Failure, &error))?,
    )
}

fn endpoints(lab: &Lab) -> String {
    lab.regions()
        .iter()
        .map(|region| format!("{}={}", region.name(), region.endpoint_url()))
        .collect::<Vec<_>>()
        .join(",")
}

/// Lines for a shell, after which keyferry, the AWS CLI, boto3 and rclone (remote `lab:`) use the lab:
/// its S3, and its IAM, KMS and STS. Then the access keys of further accounts.
fn exports(lab: &Lab, others: &[String]) -> String {
    let [first, _] = lab.regions();
    let credentials = lab.credentials();
    let ca = lab.ca_path().display().to_string();
    let id = credentials.access_key_id().to_owned();
    let secret = credentials.secret_access_key().to_owned();
    let region = first.name().to_owned();
    let url = first.endpoint_url().to_owned();
    let variables = [
        ("AWS_ACCESS_KEY_ID", id.clone()),
        ("AWS_SECRET_ACCESS_KEY", secret.clone()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_CA_BUNDLE", ca.clone()),
        ("AWS_ENDPOINT_URL", url.clone()),
        ("AWS_ENDPOINT_URL_S3", url.clone()),
        ("KEYFERRY_ENDPOINT_URL", endpoints(lab)),
        ("KEYFERRY_LAB_DIR", lab.dir().display().to_string()),
        ("RCLONE_CA_CERT", ca),
        ("RCLONE_CONFIG_LAB_TYPE", "s3".to_owned()),
        ("RCLONE_CONFIG_LAB_PROVIDER", "Other".to_owned()),
        ("RCLONE_CONFIG_LAB_ACCESS_KEY_ID", id),
        ("RCLONE_CONFIG_LAB_SECRET_ACCESS_KEY", secret),
        ("RCLONE_CONFIG_LAB_REGION", region.clone()),
        ("RCLONE_CONFIG_LAB_LOCATION_CONSTRAINT", region),
        ("RCLONE_CONFIG_LAB_ENDPOINT", url),
    ];
    let own = variables.map(|(name, value)| (name.to_owned(), value));
    let others = others.iter().filter_map(|account| {
        let credentials = lab.credentials_of(account)?;
        Some([
            (
                format!("LAB_ACCESS_KEY_{account}"),
                credentials.access_key_id().to_owned(),
            ),
            (
                format!("LAB_SECRET_KEY_{account}"),
                credentials.secret_access_key().to_owned(),
            ),
        ])
    });
    own.into_iter()
        .chain(others.flatten())
        .map(|(name, value)| format!("export {name}='{}'", value.replace('\'', r"'\''")))
        .collect::<Vec<_>>()
        .join("\n")
}
