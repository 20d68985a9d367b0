//! What only a replica bucket shows.
//!
//! It may have come to the source, too, since the listings began: the source is asked first. What is not
//! there is left over from a version that was deleted by its id or expired, which is not replicated
//! (S3-REPL-9), or was written to the replica bucket by somebody else, or replicated there from another
//! bucket.

use jiff::Timestamp;
use keyferry_policy::BucketName;
use keyferry_transfer::ObjectAddress;

use super::checked::{Checked, CheckedResult, Extra, Verdict};
use super::context::Context;
use super::marker;
use super::object::{Worked, version};
use crate::VerifyError;
use crate::access::ObjectAccess;
use crate::answer::Trouble;

pub(super) async fn look<'a>(
    context: &Context<'a>,
    name: &BucketName,
    (key, version_id): (&str, Option<String>),
    mut found: Extra,
    made: Option<Timestamp>,
) -> Result<Worked<'a>, VerifyError> {
    let (source_name, region) = context.listed_bucket()?;
    let source = context.source(source_name, region)?;
    let original = ObjectAddress {
        bucket: source_name.clone(),
        key: key.to_owned(),
    };
    let opening = context.opener.likely(&original, version_id.as_deref());
    let access = ObjectAccess::new(source.client.clone(), &original, version_id.as_deref());
    let came_meanwhile = match access.head(opening.key.as_deref()).await {
        // A marker with its id answers 405: it is there.
        Err(Trouble::Refused(refusal)) => refusal.status == 405,
        Ok(_) => true,
        Err(_) => false,
    };
    if came_meanwhile {
        return Ok(Worked::Done(None));
    }
    let place = source.place(name, None).await?;
    let Some((there_region, client)) = &place.found else {
        return Ok(Worked::Done(None));
    };
    let address = ObjectAddress {
        bucket: name.clone(),
        key: key.to_owned(),
    };
    if context.options.both_ways && found.is_delete_marker {
        let listed = marker::Listed {
            address,
            version_id,
            is_latest: found.is_latest,
            made,
            shown_in: Vec::new(),
        };
        return marker::begin(context, Some(name), listed).await;
    }
    if context.options.both_ways {
        let origin = context.other_way(&source, name, there_region)?;
        let worked = version(context, origin, &address, version_id.as_deref(), true).await?;
        match worked {
            Worked::Done(Some(checked)) if checked.verdict() == Verdict::Replica => {}
            worked => return Ok(worked),
        }
    }
    if !found.is_delete_marker {
        let there = access.in_bucket(client.clone(), name);
        if let Ok(view) = there.head(opening.key.as_deref()).await {
            found.status = view.status;
        }
    }
    Ok(Worked::Done(Some(Checked {
        address,
        version_id,
        result: CheckedResult::Extra(found),
    })))
}
