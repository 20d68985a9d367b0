//! Faults set from another process, through a socket in the lab's folder.
//!
//! One connection, one line of JSON each way: a [`FaultRequest`], and what is in force afterwards. Whoever
//! may use the socket may read the lab's data anyway.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::faults::{ActiveFault, Faults};
use crate::{Fault, FaultScope, LabError};

/// No request is longer.
const LONGEST: u64 = 4096;
const PATIENCE: Duration = Duration::from_secs(5);

/// What to do with a running lab's faults.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultRequest {
    /// Set one, in place of the one that its scope has.
    Set(ActiveFault),
    /// Clear the one of a scope.
    Clear {
        /// Where.
        scope: FaultScope,
    },
    /// Clear all.
    ClearAll,
    /// Leave them.
    Keep,
}

/// What the lab answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// These are in force.
    Active(Vec<ActiveFault>),
    /// Nothing was set: there is no such bucket.
    NoBucket(String),
}

impl FaultRequest {
    /// Sends the request to the lab that runs in a folder; the faults that are in force then.
    ///
    /// # Errors
    /// No lab runs there, or it does not answer, or it does not have the bucket.
    pub async fn send(&self, folder: &Path) -> Result<Vec<ActiveFault>, LabError> {
        let path = socket(folder);
        let failed = |source| LabError::io("ask the lab through", &path, source);
        let ask = async {
            let mut stream = UnixStream::connect(&path).await?;
            let mut line = serde_json::to_vec(self)?;
            line.push(b'\n');
            stream.write_all(&line).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(serde_json::from_str(&answer)?)
        };
        let answer = match tokio::time::timeout(PATIENCE, ask).await {
            Ok(answer) => answer.map_err(failed)?,
            Err(elapsed) => return Err(failed(elapsed.into())),
        };
        match answer {
            Answer::Active(faults) => Ok(faults),
            Answer::NoBucket(bucket) => Err(LabError::NoSuchBucket(bucket)),
        }
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("control.sock")
}

/// Serves until stopped. The folder is locked by this lab, so a socket that is there is a dead one's.
pub(crate) fn serve(
    folder: &Path,
    faults: Faults,
    has_bucket: impl Fn(&str) -> bool + Clone + Send + Sync + 'static,
    stop: CancellationToken,
) {
    let path = socket(folder);
    let _absent = std::fs::remove_file(&path);
    let listening = UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match listening {
        Ok(listener) => listener,
        // Sockets cannot have paths as long as those of files; all else of the lab works.
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "faults cannot be set from outside");
            return;
        }
    };
    tokio::spawn(async move {
        while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (faults, has_bucket) = (faults.clone(), has_bucket.clone());
            tokio::spawn(async move {
                let answered = answer(stream, &faults, has_bucket);
                let _given_up = tokio::time::timeout(PATIENCE, answered).await;
            });
        }
        let _gone = std::fs::remove_file(&path);
    });
}

async fn answer(
    mut stream: UnixStream,
    faults: &Faults,
    has_bucket: impl Fn(&str) -> bool,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    BufReader::new(reader.take(LONGEST))
        .read_line(&mut line)
        .await?;
    let mut missing = None;
    match serde_json::from_str(&line)? {
        FaultRequest::Set(ActiveFault {
            scope: FaultScope::SourceBucket(bucket),
            ..
        }) if !has_bucket(&bucket) => missing = Some(bucket),
        FaultRequest::Set(ActiveFault { scope, fault }) => faults.set(scope, fault),
        FaultRequest::Clear { scope } => faults.clear(&scope),
        FaultRequest::ClearAll => faults.clear_all(),
        FaultRequest::Keep => {}
    }
    let active: Vec<ActiveFault> = faults
        .active()
        .into_iter()
        .map(|(scope, fault): (FaultScope, Fault)| ActiveFault { scope, fault })
        .collect();
    let answer = missing.map_or(Answer::Active(active), Answer::NoBucket);
    writer.write_all(&serde_json::to_vec(&answer)?).await?;
    writer.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn faults_are_set_listed_and_cleared_from_outside() {
        let folder = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let stop = CancellationToken::new();
        let has_bucket = |name: &str| name == "tokyo";
        serve(folder.path(), faults.clone(), has_bucket, stop.clone());
        let bucket = FaultScope::SourceBucket("tokyo".to_owned());
        for (scope, fault) in [
            (FaultScope::Everywhere, Fault::Delay(Duration::from_secs(2))),
            (bucket.clone(), Fault::Stall),
        ] {
            let request = FaultRequest::Set(ActiveFault { scope, fault });
            request.send(folder.path()).await.unwrap();
        }
        assert_eq!(faults.for_source("tokyo"), Some(Fault::Stall));
        let active = FaultRequest::Keep.send(folder.path()).await.unwrap();
        assert_eq!(active.len(), 2);
        let request = FaultRequest::Set(ActiveFault {
            scope: FaultScope::SourceBucket("nosuch".to_owned()),
            fault: Fault::Fail,
        });
        let refused = request.send(folder.path()).await.unwrap_err();
        assert_eq!(refused.to_string(), "the lab has no bucket `nosuch`");
        assert_eq!(faults.active().len(), 2);
        let request = FaultRequest::Clear { scope: bucket };
        assert_eq!(request.send(folder.path()).await.unwrap().len(), 1);
        assert!(
            FaultRequest::ClearAll
                .send(folder.path())
                .await
                .unwrap()
                .is_empty()
        );
        assert!(faults.active().is_empty());

        // What is no request does nothing, and does not end the service.
        let mut stream = UnixStream::connect(socket(folder.path())).await.unwrap();
        stream.write_all(b"nonsense\n").await.unwrap();
        let mut nothing = Vec::new();
        stream.read_to_end(&mut nothing).await.unwrap();
        assert!(nothing.is_empty());
        FaultRequest::Keep.send(folder.path()).await.unwrap();

        stop.cancel();
        while socket(folder.path()).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(FaultRequest::Keep.send(folder.path()).await.is_err());
    }
}
