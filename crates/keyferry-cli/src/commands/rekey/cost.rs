//! `--dry-run`: what would be done, in which requests, and about what they cost.
//!
//! Prices are list prices of us-east-1 in USD, from <https://aws.amazon.com/s3/pricing/>. Other regions
//! differ by up to a half, and contracts by more: an estimate to decide by, not a bill.

use std::collections::BTreeMap;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keyferry_transfer::Totals;
use serde_json::{Value, json};

use super::Course;
use super::recorder::{Plans, Recorder};
use super::report::objects;
use crate::failure::Failure;
use crate::terminal::human_bytes;

/// Prices of a storage class.
struct Prices {
    /// 1,000 PUT, COPY, POST or LIST requests.
    writes: f64,
    /// 1,000 GET, HEAD and other requests.
    reads: f64,
    /// Reading a GiB.
    retrieval: f64,
}

fn prices(storage_class: &str) -> Prices {
    let (writes, reads, retrieval) = match storage_class {
        "STANDARD_IA" | "ONEZONE_IA" => (0.01, 0.001, 0.01),
        "GLACIER_IR" => (0.02, 0.01, 0.03),
        _ => (0.005, 0.0004, 0.0),
    };
    Prices {
        writes,
        reads,
        retrieval,
    }
}

/// Requests of the GET kind for one object: its tags and HEAD, and both again of the new version.
const READS: u64 = 4;

#[derive(Default)]
struct Estimate {
    writes: u64,
    reads: u64,
    bytes: u64,
    usd: f64,
}

fn estimate(plans: &BTreeMap<(Option<String>, String), Plans>, price: Option<f64>) -> Estimate {
    let mut sum = Estimate::default();
    for ((_, class), plan) in plans {
        let prices = prices(class);
        // Of an object in parts, the parts are asked for as well.
        let reads = plan.objects * READS + u64::from(plan.writes > plan.objects) * plan.objects;
        sum.writes += plan.writes;
        sum.reads += reads;
        sum.bytes += plan.bytes;
        sum.usd += plan.writes as f64 / 1000.0 * price.unwrap_or(prices.writes)
            + reads as f64 / 1000.0 * prices.reads
            + plan.bytes as f64 / f64::from(1 << 30) * prices.retrieval;
    }
    sum
}

/// Prints the plan for people; as data it becomes part of the summary.
pub(super) fn show(
    course: &Course<'_>,
    recorder: &Recorder<'_>,
    totals: Totals,
) -> Result<Option<Value>, Failure> {
    let terminal = course.invocation.terminal;
    let price = course.arguments.price_per_1000;
    let sum = estimate(&recorder.plans, price);
    if !terminal.is_text() {
        let keys: Vec<_> = recorder
            .plans
            .iter()
            .map(|((from, class), plan)| {
                json!({"from": from, "storage_class": class, "objects": plan.objects,
                    "bytes": plan.bytes, "writes": plan.writes})
            })
            .collect();
        return Ok(Some(json!({
            "keys": keys, "write_requests": sum.writes, "read_requests": sum.reads,
            "bytes": sum.bytes, "usd": sum.usd,
        })));
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["UNDER", "STORAGE CLASS", "OBJECTS", "SIZE", "COPY REQUESTS"]);
    for ((from, class), plan) in &recorder.plans {
        table.add_row([
            from.clone().unwrap_or_else(|| "no customer key".to_owned()),
            class.clone(),
            plan.objects.to_string(),
            human_bytes(plan.bytes).to_string(),
            plan.writes.to_string(),
        ]);
    }
    if !recorder.plans.is_empty() {
        terminal.print(table)?;
    }
    let tally = &recorder.tally;
    let left = tally.unknown_key
        + tally.other_key
        + tally.no_customer_key
        + tally.archived
        + tally.replicas_left
        + tally.failed;
    terminal.print(format!(
        "{} of {} would be re-encrypted under key {}; {} already, {left} left as they are",
        tally.planned,
        objects(totals.objects),
        course.rekey.key_id,
        tally.already,
    ))?;
    let by = match price {
        Some(price) => format!("at {price} USD for 1,000 copy requests"),
        None => "at us-east-1's list prices; --price-per-1000 takes yours".to_owned(),
    };
    terminal.print(format!(
        "{} copy requests and {} others, about {:.2} USD {by}",
        sum.writes, sum.reads, sum.usd
    ))?;
    terminal.print(format!(
        "not counted: replication of {0}, and in a versioned bucket the storage of {0} twice until old versions are deleted",
        human_bytes(sum.bytes)
    ))?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_retrieval_cost() {
        let plan = |writes, bytes| Plans {
            objects: 1000,
            bytes,
            writes,
        };
        let plans = BTreeMap::from([
            ((None, "STANDARD".to_owned()), plan(1000, 5 << 30)),
            ((None, "GLACIER_IR".to_owned()), plan(5000, 10 << 30)),
        ]);
        let sum = estimate(&plans, None);
        assert_eq!((sum.writes, sum.reads, sum.bytes), (6000, 9000, 15 << 30));
        let expected = 0.005 + 4.0 * 0.0004 + 5.0 * 0.02 + 5.0 * 0.01 + 10.0 * 0.03;
        assert!((sum.usd - expected).abs() < 1e-9, "{}", sum.usd);
        let dearer = estimate(&plans, Some(1.0)).usd;
        assert!(
            (dearer - (6.0 + 4.0 * 0.0004 + 0.05 + 0.3)).abs() < 1e-9,
            "{dearer}"
        );
    }
}
