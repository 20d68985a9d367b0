//! The condition keys that every request has, and those that its subject adds.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{REFERER, USER_AGENT};
use keyferry_policy::iam::Context;

use crate::server::exchange::Transport;
use crate::store::Tag;

/// Condition keys and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circumstances(BTreeMap<String, Vec<String>>);

impl Circumstances {
    /// Of a request that came over `transport` to `region`.
    pub(crate) fn of(transport: Transport, headers: &HeaderMap, region: &str) -> Self {
        let mut circumstances = Self::default();
        circumstances.set(
            "aws:SecureTransport",
            match transport {
                Transport::Tls => "true",
                Transport::Plain => "false",
            },
        );
        // The lab listens on loopback only.
        circumstances.set("aws:SourceIp", "127.0.0.1");
        for (key, header) in [("aws:UserAgent", USER_AGENT), ("aws:Referer", REFERER)] {
            if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
                circumstances.set(key, value);
            }
        }
        circumstances.set_time_and_region(region);
        circumstances
    }

    /// Of what a service does by itself.
    pub(crate) fn of_service(region: &str) -> Self {
        let mut circumstances = Self::default();
        circumstances.set("aws:SecureTransport", "true");
        circumstances.set_time_and_region(region);
        circumstances
    }

    fn set_time_and_region(&mut self, region: &str) {
        let now = SystemTime::now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.set("aws:EpochTime", &seconds.to_string());
        let format = &time::format_description::well_known::Rfc3339;
        let whole = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        if let Ok(text) = time::OffsetDateTime::from(whole).format(format) {
            self.set("aws:CurrentTime", &text);
        }
        self.set("aws:RequestedRegion", region);
    }

    /// Gives a key one value.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.set_all(key, vec![value.to_owned()]);
    }

    /// Gives a key several values.
    pub(crate) fn set_all(&mut self, key: &str, values: Vec<String>) {
        self.0.insert(key.to_owned(), values);
    }

    /// `SERVICE:ResourceTag/KEY`, and `aws:ResourceTag/KEY`, of what the request is about.
    pub(crate) fn set_resource_tags(&mut self, service: &str, tags: &[Tag]) {
        for tag in tags {
            for service in ["aws", service] {
                self.set(&format!("{service}:ResourceTag/{}", tag.key), &tag.value);
            }
        }
    }

    /// `aws:RequestTag/KEY` and `aws:TagKeys` of the tags that a request sets.
    pub(crate) fn set_request_tags(&mut self, tags: &[Tag]) {
        for tag in tags {
            self.set(&format!("aws:RequestTag/{}", tag.key), &tag.value);
        }
        if !tags.is_empty() {
            let keys = tags.iter().map(|tag| tag.key.clone()).collect();
            self.set_all("aws:TagKeys", keys);
        }
    }

    /// `s3:object-lock-retain-until-date` and `s3:object-lock-remaining-retention-days` of a
    /// request that retains an object until then. Silent on parts of days; a day begun counts.
    pub(crate) fn set_retain_until(&mut self, until: SystemTime) {
        let format = &time::format_description::well_known::Rfc3339;
        if let Ok(text) = time::OffsetDateTime::from(until).format(format) {
            self.set("s3:object-lock-retain-until-date", &text);
        }
        let left = until.duration_since(SystemTime::now()).unwrap_or_default();
        let days = left.as_secs().div_ceil(24 * 60 * 60);
        self.set("s3:object-lock-remaining-retention-days", &days.to_string());
    }

    /// As evaluation takes them.
    pub(super) fn into_context(self) -> Context {
        let mut context = Context::default();
        for (key, values) in self.0 {
            context.insert(&key, values);
        }
        context
    }
}
