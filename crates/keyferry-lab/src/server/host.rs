//! Which bucket a `Host` header names (`S3-HOST-1`).
//!
//! Path style for addresses and the bare hosts; virtual-host style for `BUCKET.localhost`,
//! `BUCKET.s3.REGION.localhost` and S3's own `BUCKET.s3.REGION.amazonaws.com`, which reach the
//! lab through a client's address override.

use std::borrow::Cow;

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Parses hosts for one region's endpoint.
#[derive(Clone, Debug)]
pub(crate) struct RegionHosts {
    /// Longest first, so that `b.s3.R.localhost` is not a bucket `b.s3.R` of `localhost`.
    bases: [String; 4],
}

impl RegionHosts {
    /// The hosts of `region`.
    pub(crate) fn new(region: &str) -> Self {
        Self {
            bases: [
                format!("s3.{region}.amazonaws.com"),
                format!("s3.{region}.localhost"),
                "s3.localhost".to_owned(),
                "localhost".to_owned(),
            ],
        }
    }

    /// The bucket of a virtual host, lower-cased; `None` for path style.
    pub(crate) fn bucket(&self, host: &str) -> Option<String> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
        .to_ascii_lowercase();
        self.bases
            .iter()
            .find_map(|base| match name.strip_suffix(base.as_str()) {
                Some("") => Some(None),
                Some(rest) => rest.strip_suffix('.').map(|bucket| Some(bucket.to_owned())),
                None => None,
            })
            .flatten()
    }
}

impl S3Host for RegionHosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let virtual_host = VirtualHost::new(host);
        Ok(match self.bucket(host) {
            Some(bucket) => virtual_host.with_bucket(Cow::Owned(bucket)),
            None => virtual_host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets() {
        let hosts = RegionHosts::new("ap-northeast-1");
        for (host, bucket) in [
            ("localhost:9000", None),
            ("s3.ap-northeast-1.localhost:9000", None),
            ("s3.localhost", None),
            ("b.localhost:9000", Some("b")),
            ("my.dotted.bucket.localhost", Some("my.dotted.bucket")),
            ("b.s3.ap-northeast-1.localhost:9000", Some("b")),
            ("B.s3.ap-northeast-1.amazonaws.com", Some("b")),
            ("example.com", None),
        ] {
            assert_eq!(hosts.bucket(host).as_deref(), bucket, "{host}");
        }
    }
}
