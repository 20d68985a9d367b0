//! Tags, read only where there may be some.
//!
//! HEAD tells how many tags an object has, to whoever may read them, and says nothing where there are
//! none (S3-VERIFY-10). So an object without a count has no tags where it is known that counts come: the
//! bucket has shown one, or its server is S3 and has let the tags of an object be read. Servers that do not
//! count are asked for the tags of every object.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::access::ObjectAccess;
use crate::answer::Trouble;
use crate::{ObjectView, Refusal, VerifyError};

/// Tags, or why they may not be read.
pub(crate) type Tags = Result<BTreeMap<String, String>, Refusal>;

/// What a bucket has shown of its counts.
#[derive(Debug, Default)]
pub(crate) struct TagCounting {
    counts: AtomicBool,
    readable: AtomicBool,
}

impl TagCounting {
    /// Whether an object is known to have no tags.
    fn rules_out(&self, access: &ObjectAccess, view: &ObjectView) -> bool {
        match view.tag_count {
            Some(count) => {
                self.counts.store(true, Ordering::Relaxed);
                count == 0
            }
            None => {
                self.counts.load(Ordering::Relaxed)
                    || self.readable.load(Ordering::Relaxed) && access.is_s3()
            }
        }
    }
}

/// The tags of an object that HEAD has shown.
pub(crate) async fn read_tags(
    access: &ObjectAccess,
    view: &ObjectView,
    counting: &TagCounting,
) -> Result<Tags, VerifyError> {
    if counting.rules_out(access, view) {
        return Ok(Ok(BTreeMap::new()));
    }
    match access.tags().await {
        Ok(tags) => {
            counting.readable.store(true, Ordering::Relaxed);
            Ok(Ok(tags))
        }
        Err(Trouble::Refused(refusal)) => Ok(Err(refusal)),
        Err(trouble) => Err(access.error("GetObjectTagging", trouble)),
    }
}
