//! One result in words and as data, so that it can be kept and told in the reports of a later run.

use keyferry_verify::Checked;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::{ReportError, records};

/// What reports tell of one object. Holds nothing secret.
///
/// Can be written to a file and read again: a run that goes on where another one was reports what that one
/// found, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub(crate) entry: Entry,
    /// The object's JSON document.
    pub(crate) record: String,
}

impl Told {
    /// Puts into words what was found of one object.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(checked: &Checked) -> Result<Self, ReportError> {
        Self::with(checked, Entry::from(checked))
    }

    pub(crate) fn with(checked: &Checked, entry: Entry) -> Result<Self, ReportError> {
        let record =
            records::object(checked, &entry).map_err(|source| ReportError::Spool { source })?;
        Ok(Self { entry, record })
    }
}
