//! What a lab is started with.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::lab_error::LabError;

/// How to start a lab.
///
/// ```
/// let options = keyferry_lab::LabOptions {
///     ports: [9001, 9002],
///     ..Default::default()
/// };
/// assert_eq!(options.regions, ["ap-northeast-1", "ap-northeast-3"]);
/// ```
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// Where everything is kept: made if missing, opened again if it holds a lab. `None` is a
    /// temporary folder that goes with the lab.
    pub dir: Option<PathBuf>,
    /// Names of the two regions, as AWS writes them.
    pub regions: [String; 2],
    /// Loopback ports of the two regions; 0 is any free one.
    pub ports: [u16; 2],
    /// The account that everything belongs to that names no other: 12 digits.
    pub account_id: String,
    /// Further accounts, each with credentials of its own.
    pub other_accounts: Vec<String>,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            dir: None,
            regions: ["ap-northeast-1".to_owned(), "ap-northeast-3".to_owned()],
            ports: [0, 0],
            account_id: "111122223333".to_owned(),
            other_accounts: Vec::new(),
        }
    }
}

impl LabOptions {
    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<(), LabError> {
        let invalid = |what: String| Err(LabError::InvalidOption(what));
        let [first, second] = &self.regions;
        for region in [first, second] {
            let valid = !region.is_empty()
                && region.len() <= 32
                && region
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !valid {
                return invalid(format!("`{region}` is not a region name"));
            }
        }
        if first == second {
            return invalid(format!("both regions are named `{first}`"));
        }
        let mut known = HashSet::new();
        for account in self.accounts() {
            if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
                return invalid(format!("`{account}` is not an account id of 12 digits"));
            }
            if !known.insert(account) {
                return invalid(format!("account `{account}` is given twice"));
            }
        }
        Ok(())
    }

    /// All accounts, the one that others default to first.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.account_id).chain(&self.other_accounts)
    }
}
