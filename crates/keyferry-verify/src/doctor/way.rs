//! The way to a bucket: endpoint, TLS, clock, region. Asked unsigned, so that credentials do not matter:
//! S3 tells everybody where a bucket is, and what time it is.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, SdkError};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use keyferry_policy::check::{Finding, Level, Preflight, Rule};
use keyferry_policy::{BucketName, Region};
use keyferry_transfer::{ConnectError, Connector, TransferError, without_answer};

use super::{Examination, preflight};

/// Signatures hold this long: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
const SIGNATURES_HOLD: SignedDuration = SignedDuration::from_mins(15);
/// From here on it is worth saying.
const WORTH_SAYING: SignedDuration = SignedDuration::from_mins(5);

/// What was met on the way.
pub(super) struct Way {
    /// The bucket's region, if it exists.
    pub(super) region: Option<Region>,
    endpoint: String,
    /// How far this machine's clock is ahead of the server's.
    ahead: Option<SignedDuration>,
    finding: Option<Finding>,
}

/// Goes to a bucket by the endpoint of a region.
pub(super) async fn look(connector: &Connector, bucket: &BucketName, region: &Region) -> Way {
    let endpoint = connector.endpoint(region);
    let mut way = Way {
        region: None,
        endpoint: endpoint.map_or_else(|| format!("AWS in {region}"), |url| format!("`{url}`")),
        ahead: None,
        finding: None,
    };
    let client = match connector.client(region) {
        Ok(client) => client,
        Err(error) => {
            way.finding = Some(no_connection(&error));
            return way;
        }
    };
    let clock = Clock::default();
    let config = client
        .config()
        .to_builder()
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .interceptor(clock.clone())
        .allow_no_auth()
        .build();
    let answer = Client::from_conf(config)
        .head_bucket()
        .bucket(bucket.as_str())
        .send()
        .await;
    way.ahead = clock.ahead();
    let error = match answer {
        Ok(answer) => {
            let named = answer.bucket_region().and_then(|named| named.parse().ok());
            way.region = Some(named.unwrap_or_else(|| region.clone()));
            return way;
        }
        Err(error) => error,
    };
    let Some(raw) = error.raw_response() else {
        let timed_out = matches!(error, SdkError::TimeoutError(_));
        way.finding = Some(no_answer(&without_answer(&error, timed_out)));
        return way;
    };
    let status = raw.status().as_u16();
    let named = raw
        .headers()
        .get("x-amz-bucket-region")
        .and_then(|named| named.parse().ok());
    match (status, named) {
        (404, _) => way.finding = Some(missing(bucket, region)),
        (_, Some(named)) => way.region = Some(named),
        // Refused, as whoever does not sign is; a server with one region need not name it.
        (301 | 307 | 400 | 401 | 403, None) => way.region = Some(region.clone()),
        _ => {
            way.finding = Some(
                preflight(
                    Preflight::AnswerUnexpected,
                    Level::Error,
                    way.endpoint.clone(),
                    format!("HeadBucket of `{bucket}` is answered with HTTP {status}"),
                )
                .because("S3 answers 200, 301, 400, 403 or 404; this may be another service")
                .fix("check the endpoint: --endpoint-url, AWS_ENDPOINT_URL, or in the profile"),
            );
        }
    }
    way
}

impl Way {
    /// Reports what was met; whether it led to the bucket.
    pub(super) fn tell(self, examination: &mut Examination) -> bool {
        let reached = self.region.is_some();
        if reached {
            let tls = match self.endpoint.contains("http://") {
                true => "plain http on this machine",
                false => "TLS with a trusted certificate",
            };
            examination.saw("endpoint", format!("{}, {tls}", self.endpoint));
        }
        if let Some(region) = &self.region {
            examination.saw("region", region.as_str());
        }
        if let Some(ahead) = self.ahead {
            examination.saw(
                "clock",
                format!("{} off the server's", in_words(ahead.abs())),
            );
            examination.findings.extend(clock_finding(ahead));
        }
        examination.findings.extend(self.finding);
        reached
    }
}

/// Why there is no connection.
#[must_use]
pub fn no_connection(error: &ConnectError) -> Finding {
    let (rule, why) = match error {
        ConnectError::Plaintext { .. } => (
            Preflight::EndpointPlaintext,
            "whoever is on the way could read the key; S3 itself refuses such requests",
        ),
        ConnectError::NoEndpoint { .. } => (
            Preflight::EndpointMissing,
            "endpoints were given, so AWS's own are not asked",
        ),
        ConnectError::BundleUnreadable { .. } | ConnectError::BadBundle { .. } => (
            Preflight::CertificateUntrusted,
            "without certificates to trust, no server can be trusted",
        ),
    };
    preflight(rule, Level::Error, "connection", super::text_of(error))
        .because(why)
        .fix(error.hint().unwrap_or_default())
}

fn no_answer(error: &TransferError) -> Finding {
    let (rule, why) = match error {
        TransferError::UntrustedCertificate { .. } => (
            Preflight::CertificateUntrusted,
            "a customer key is sent to a server that has proven who it is, and to no other",
        ),
        _ => (
            Preflight::EndpointUnreachable,
            "nothing can be transferred or verified without it",
        ),
    };
    preflight(rule, Level::Error, "connection", error.to_string())
        .because(why)
        .fix(error.hint().unwrap_or_default())
}

fn missing(bucket: &BucketName, region: &Region) -> Finding {
    Finding::new(
        Rule::BucketMissing,
        Level::Error,
        format!("bucket {bucket}"),
        "the bucket does not exist",
    )
    .because("nothing can be uploaded to it")
    .fix(format!(
        "check the name and the endpoint, or make it: `keyferry policy apply --create-buckets` makes \
         both buckets with all they need; {region} is where it was looked for"
    ))
}

/// What a difference between the clocks means.
fn clock_finding(ahead: SignedDuration) -> Option<Finding> {
    let level = match ahead.abs() {
        off if off >= SIGNATURES_HOLD => Level::Error,
        off if off >= WORTH_SAYING => Level::Warning,
        _ => return None,
    };
    let direction = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let what = format!(
        "this machine's clock is {} {direction} the server's",
        in_words(ahead.abs())
    );
    Some(
        preflight(Preflight::ClockSkewed, level, "clock", what)
            .because("requests signed more than 15 minutes early or late are refused: RequestTimeTooSkewed")
            .fix("let the clock be set by NTP")
            .command("sudo timedatectl set-ntp true"),
    )
}

fn in_words(duration: SignedDuration) -> String {
    match duration.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// Compares the time in the answer's `Date` with this machine's.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<Mutex<Option<SignedDuration>>>);

impl Clock {
    fn ahead(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(theirs) = date.and_then(server_time) {
            let ahead = Timestamp::now().duration_since(theirs);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
        Ok(())
    }
}

fn server_time(date: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_in_both_directions() {
        let level =
            |minutes| clock_finding(SignedDuration::from_mins(minutes)).map(|found| found.level);
        assert_eq!(level(0), None);
        assert_eq!(level(4), None);
        assert_eq!(level(-5), Some(Level::Warning));
        assert_eq!(level(14), Some(Level::Warning));
        assert_eq!(level(15), Some(Level::Error));
        assert_eq!(level(-90), Some(Level::Error));
        let late = clock_finding(SignedDuration::from_mins(-90)).unwrap();
        assert_eq!(
            late.message,
            "this machine's clock is 90 min behind the server's"
        );
    }

    #[test]
    fn dates_of_http_are_read() {
        let read = server_time("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(read.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(server_time("yesterday"), None);
    }
}
