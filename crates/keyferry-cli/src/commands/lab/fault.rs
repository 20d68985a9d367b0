//! `keyferry lab fault`: replication broken on purpose, in a lab that runs in another process.

use keyferry_lab::{ActiveFault, Fault, FaultRequest, FaultScope, LabError};
use serde_json::{Value, json};

use crate::args::{FaultArgs, FaultKind};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) async fn run(invocation: &Invocation, arguments: FaultArgs) -> Result<Exit, Failure> {
    let dir = arguments.dir.clone();
    let active = request(arguments)?.send(&dir).await.map_err(|error| {
        let hint = match &error {
            LabError::NoSuchBucket(_) => "`keyferry ls` lists its buckets; nothing was set",
            _ => "start one with `keyferry lab up`; its exports name the folder",
        };
        Failure::from(error).hint(hint)
    })?;
    let terminal = invocation.terminal;
    if terminal.is_text() {
        let lines: Vec<String> = active.iter().map(line).collect();
        terminal.print(match lines.is_empty() {
            true => "replication works everywhere".to_owned(),
            false => lines.join("\n"),
        })?;
    } else {
        let faults: Vec<Value> = active.iter().map(data).collect();
        terminal.json(&json!({"faults": faults}))?;
    }
    Ok(Exit::Done)
}

fn request(arguments: FaultArgs) -> Result<FaultRequest, Failure> {
    let scope = match arguments.bucket {
        Some(bucket) => FaultScope::SourceBucket(bucket.to_string()),
        None => FaultScope::Everywhere,
    };
    let fault = match (arguments.fault, arguments.time) {
        (Some(FaultKind::Delay), Some(time)) => Fault::Delay(time),
        (None, None) => return Ok(FaultRequest::Keep),
        (_, Some(_)) => {
            return Err(Failure::new(Exit::Usage, "--for belongs to `delay`"));
        }
        // clap asks for the time of a delay.
        (Some(FaultKind::Stall | FaultKind::Delay), None) => Fault::Stall,
        (Some(FaultKind::Fail), None) => Fault::Fail,
        (Some(FaultKind::Corrupt), None) => Fault::Corrupt,
        (Some(FaultKind::Clear), None) if scope == FaultScope::Everywhere => {
            return Ok(FaultRequest::ClearAll);
        }
        (Some(FaultKind::Clear), None) => return Ok(FaultRequest::Clear { scope }),
    };
    Ok(FaultRequest::Set(ActiveFault { scope, fault }))
}

fn data(active: &ActiveFault) -> Value {
    let bucket = match &active.scope {
        FaultScope::SourceBucket(bucket) => Some(bucket),
        _ => None,
    };
    let (fault, seconds) = match active.fault {
        Fault::Delay(time) => ("delay", Some(time.as_secs_f64())),
        Fault::Fail => ("fail", None),
        Fault::Corrupt => ("corrupt", None),
        Fault::Stall => ("stall", None),
        _ => ("other", None),
    };
    json!({"bucket": bucket, "fault": fault, "seconds": seconds})
}

fn line(active: &ActiveFault) -> String {
    let place = match &active.scope {
        FaultScope::SourceBucket(bucket) => format!("from `{bucket}`"),
        _ => "everywhere".to_owned(),
    };
    let what = match active.fault {
        Fault::Delay(time) => format!("waits {} s", time.as_secs_f64()),
        Fault::Fail => "fails".to_owned(),
        Fault::Corrupt => "corrupts the replicas".to_owned(),
        Fault::Stall => "stands still".to_owned(),
        _ => "is broken".to_owned(),
    };
    format!("replication {place} {what}")
}
