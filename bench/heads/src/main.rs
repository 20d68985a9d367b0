//! A bare loop of HEAD requests on both sides of a replicated pair.
//!
//! It looks at the same objects over the same connections as `keyferry verify --level equal`, with the
//! same key and as many at once, and compares nothing but size and entity tag. What verification costs
//! more than this is its own.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use clap::{Parser, Subcommand};
use futures::stream::{self, StreamExt, TryStreamExt};
use keyferry_key::{CustomerKey, CustomerKeyHeaders};
use keyferry_policy::Region;
use keyferry_transfer::{Connector, ConnectorSettings};

type Failure = Box<dyn Error + Send + Sync>;

/// Puts small objects, or looks at them on both sides. Credentials, endpoints and the authority come from
/// the variables that `keyferry lab up` prints.
#[derive(Parser)]
struct Arguments {
    /// Source bucket and its region.
    #[arg(long, value_parser = place)]
    source: (String, Region),
    /// Replica bucket and its region.
    #[arg(long, value_parser = place)]
    replica: (String, Region),
    /// File with the 32 bytes of the customer key.
    #[arg(long)]
    key: PathBuf,
    /// How many objects, or pairs, are under way at once.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Stores objects of 100 bytes below `small/`.
    Put {
        /// How many.
        count: u64,
        /// Whether each gets two tags.
        #[arg(long)]
        tagged: bool,
    },
    /// Looks at every object below `small/` on both sides.
    Pairs,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let key: [u8; CustomerKey::LEN] = std::fs::read(&arguments.key)?
        .try_into()
        .map_err(|_| "the key has not 32 bytes")?;
    let connector = connector()?;
    let [source, replica] = [&arguments.source, &arguments.replica].map(|(bucket, region)| {
        Ok::<_, Failure>(Side {
            client: connector.client(region)?,
            bucket: bucket.clone(),
            key: CustomerKey::from_bytes(key).headers(),
        })
    });
    let (source, replica) = (source?, replica?);
    match arguments.command {
        Command::Put { count, tagged } => {
            stream::iter(0..count)
                .map(|number| source.put(format!("small/{number:08}"), tagged))
                .buffer_unordered(arguments.concurrency)
                .try_collect::<()>()
                .await
        }
        Command::Pairs => {
            let pairs = source
                .versions()
                .map_ok(|(name, version)| pair(&source, &replica, name, version))
                .try_buffer_unordered(arguments.concurrency);
            let count = pairs
                .try_fold(0_u64, |count, ()| async move { Ok(count + 1) })
                .await?;
            writeln!(std::io::stdout(), "{count}")?;
            Ok(())
        }
    }
}

fn place(text: &str) -> Result<(String, Region), String> {
    let (bucket, region) = text.split_once('@').ok_or("it must be BUCKET@REGION")?;
    let region = region.parse().map_err(|_| "no region is called so")?;
    Ok((bucket.to_owned(), region))
}

fn connector() -> Result<Connector, Failure> {
    let credentials = Credentials::new(
        std::env::var("AWS_ACCESS_KEY_ID")?,
        std::env::var("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "environment",
    );
    Ok(Connector::new(ConnectorSettings {
        endpoints: std::env::var("KEYFERRY_ENDPOINT_URL")?.parse()?,
        ca_bundle: Some(std::env::var("AWS_CA_BUNDLE")?.into()),
        ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
    })?)
}

/// A bucket and what its objects are asked with.
struct Side {
    client: Client,
    bucket: String,
    key: CustomerKeyHeaders,
}

impl Side {
    async fn put(&self, name: String, tagged: bool) -> Result<(), Failure> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(name)
            .body(ByteStream::from_static(&[7; 100]))
            .set_tagging(tagged.then(|| "class=gold&team=archive".to_owned()))
            .sse_customer_algorithm(self.key.algorithm())
            .sse_customer_key(self.key.expose_key())
            .sse_customer_key_md5(self.key.md5().to_string())
            .send()
            .await?;
        Ok(())
    }

    fn versions(&self) -> impl futures::Stream<Item = Result<(String, String), Failure>> {
        let pages = self
            .client
            .list_object_versions()
            .bucket(&self.bucket)
            .prefix("small/");
        stream::try_unfold(Some(pages), |pages| async move {
            let Some(pages) = pages else {
                return Ok(None);
            };
            let page = pages.clone().send().await?;
            let versions: Vec<_> = page
                .versions()
                .iter()
                .filter_map(|version| {
                    Some(Ok((
                        version.key()?.to_owned(),
                        version.version_id()?.to_owned(),
                    )))
                })
                .collect();
            let next = (page.is_truncated() == Some(true)).then(|| {
                pages
                    .set_key_marker(page.next_key_marker)
                    .set_version_id_marker(page.next_version_id_marker)
            });
            Ok::<_, Failure>(Some((stream::iter(versions), next)))
        })
        .try_flatten()
    }

    async fn head(&self, name: &str, version: &str) -> Result<HeadObjectOutput, Failure> {
        Ok(self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(name)
            .version_id(version)
            .sse_customer_algorithm(self.key.algorithm())
            .sse_customer_key(self.key.expose_key())
            .sse_customer_key_md5(self.key.md5().to_string())
            .send()
            .await?)
    }
}

async fn pair(source: &Side, replica: &Side, name: String, version: String) -> Result<(), Failure> {
    let (ours, theirs) =
        tokio::try_join!(source.head(&name, &version), replica.head(&name, &version))?;
    if (ours.content_length(), ours.e_tag()) == (theirs.content_length(), theirs.e_tag()) {
        Ok(())
    } else {
        Err(format!("`{name}` differs").into())
    }
}
