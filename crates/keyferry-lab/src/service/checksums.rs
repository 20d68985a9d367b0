//! Additional checksums and `Content-MD5`: what a request sends, and what is compared.
//!
//! `S3-SUM-1` one checksum per object; `S3-SUM-2` CRC64NVME when none is sent; `S3-SUM-4`
//! the header's or trailer's value must be what the data gives; `S3-SUM-5` which types an
//! algorithm has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use s3s::{S3Error, S3Result, TrailingHeaders, s3_error};

use crate::server::exchange::Exchange;
use crate::store::{ChecksumAlgorithm, ChecksumKind, Digests};

/// Every algorithm with its name, header and digest length.
const ALGORITHMS: [(ChecksumAlgorithm, &str, &str, usize); 5] = [
    (ChecksumAlgorithm::Crc32, "CRC32", "x-amz-checksum-crc32", 4),
    (
        ChecksumAlgorithm::Crc32c,
        "CRC32C",
        "x-amz-checksum-crc32c",
        4,
    ),
    (
        ChecksumAlgorithm::Crc64Nvme,
        "CRC64NVME",
        "x-amz-checksum-crc64nvme",
        8,
    ),
    (ChecksumAlgorithm::Sha1, "SHA1", "x-amz-checksum-sha1", 20),
    (
        ChecksumAlgorithm::Sha256,
        "SHA256",
        "x-amz-checksum-sha256",
        32,
    ),
];

/// S3's name of an algorithm.
pub(super) fn algorithm_name(algorithm: ChecksumAlgorithm) -> &'static str {
    ALGORITHMS
        .iter()
        .find(|(known, ..)| *known == algorithm)
        .map_or("", |(_, name, ..)| name)
}

/// The algorithm of that name, as `x-amz-checksum-algorithm` has it.
pub(super) fn parse_algorithm(name: &str) -> S3Result<ChecksumAlgorithm> {
    ALGORITHMS
        .iter()
        .find(|(_, known, ..)| known.eq_ignore_ascii_case(name))
        .map(|(algorithm, ..)| *algorithm)
        .ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
            )
        })
}

/// S3's name of a type.
pub(super) fn kind_name(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::FullObject => "FULL_OBJECT",
        ChecksumKind::Composite => "COMPOSITE",
    }
}

/// The type of a multipart upload's checksum: as asked, else the algorithm's default
/// (`S3-SUM-5`).
pub(super) fn upload_kind(
    algorithm: ChecksumAlgorithm,
    asked: Option<&str>,
) -> S3Result<ChecksumKind> {
    use ChecksumAlgorithm as A;
    let kind = match (asked, algorithm) {
        (None, A::Crc64Nvme) | (Some("FULL_OBJECT"), _) => ChecksumKind::FullObject,
        (None, _) | (Some("COMPOSITE"), _) => ChecksumKind::Composite,
        (Some(other), _) => {
            return Err(s3_error!(
                InvalidRequest,
                "Value for x-amz-checksum-type header is invalid: {other}"
            ));
        }
    };
    let possible = match kind {
        ChecksumKind::FullObject => !matches!(algorithm, A::Sha1 | A::Sha256),
        ChecksumKind::Composite => algorithm != A::Crc64Nvme,
    };
    if possible {
        Ok(kind)
    } else {
        Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind_name(kind),
            algorithm_name(algorithm).to_ascii_lowercase()
        ))
    }
}

/// Where the value of a sent checksum is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SentValue {
    Header(String),
    Trailer(HeaderName),
}

/// A checksum that a request sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SentChecksum {
    pub(super) algorithm: ChecksumAlgorithm,
    value: SentValue,
}

impl SentChecksum {
    /// Reads the headers of a PutObject or UploadPart; at most one checksum may be sent.
    pub(super) fn from_headers(headers: &HeaderMap) -> S3Result<Option<Self>> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut sent = Vec::new();
        for (algorithm, _, header, length) in ALGORITHMS {
            if let Some(value) = text(header) {
                check_shape(header, value, length)?;
                sent.push(Self {
                    algorithm,
                    value: SentValue::Header(value.to_owned()),
                });
            }
            let in_trailer = text("x-amz-trailer").is_some_and(|names| {
                names
                    .split(',')
                    .any(|name| name.trim().eq_ignore_ascii_case(header))
            });
            if in_trailer {
                sent.push(Self {
                    algorithm,
                    value: SentValue::Trailer(HeaderName::from_static(header)),
                });
            }
        }
        if sent.len() > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        let sent = sent.pop();
        if let Some(name) = text("x-amz-sdk-checksum-algorithm") {
            let named = parse_algorithm(name)?;
            match &sent {
                None => {
                    return Err(s3_error!(
                        InvalidRequest,
                        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
                    ));
                }
                // A checksum that is there counts more than the algorithm named.
                Some(sent) if sent.algorithm != named => {
                    return Err(s3_error!(
                        InvalidRequest,
                        "Value for x-amz-sdk-checksum-algorithm header is invalid."
                    ));
                }
                Some(_) => {}
            }
        }
        Ok(sent)
    }

    /// Compares with what the data gave, after the body was read.
    pub(super) fn verify(
        &self,
        digests: &Digests,
        trailers: Option<&TrailingHeaders>,
    ) -> S3Result<()> {
        let sent = match &self.value {
            SentValue::Header(value) => value.clone(),
            SentValue::Trailer(name) => trailers
                .and_then(|trailers| {
                    trailers.read(|map| {
                        map.get(name)
                            .and_then(|value| value.to_str().ok())
                            .map(str::to_owned)
                    })
                })
                .flatten()
                .ok_or_else(|| {
                    s3_error!(
                        InvalidRequest,
                        "The trailer {name} was announced and is missing."
                    )
                })?,
        };
        if value_of(digests, self.algorithm).as_deref() == Some(&*sent) {
            return Ok(());
        }
        Err(mismatch(self.algorithm))
    }
}

/// 400 BadDigest of a checksum.
pub(super) fn mismatch(algorithm: ChecksumAlgorithm) -> S3Error {
    s3_error!(
        BadDigest,
        "The {} you specified did not match the calculated checksum.",
        algorithm_name(algorithm)
    )
}

fn check_shape(header: &str, value: &str, length: usize) -> S3Result<()> {
    match STANDARD.decode(value) {
        Ok(digest) if digest.len() == length => Ok(()),
        _ => Err(s3_error!(
            InvalidRequest,
            "Value for {header} header is invalid."
        )),
    }
}

/// The computed checksum, in base64.
pub(super) fn value_of(digests: &Digests, algorithm: ChecksumAlgorithm) -> Option<String> {
    digests
        .checksums
        .iter()
        .find(|(known, _)| *known == algorithm)
        .map(|(_, digest)| STANDARD.encode(digest))
}

/// The checksums given as fields of an XML element or of CompleteMultipartUpload's headers.
pub(super) fn sent_fields(
    fields: [(ChecksumAlgorithm, Option<&String>); 5],
) -> S3Result<Option<(ChecksumAlgorithm, String)>> {
    let mut sent = fields
        .into_iter()
        .filter_map(|(algorithm, value)| value.map(|value| (algorithm, value.clone())));
    match (sent.next(), sent.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )),
    }
}

/// Lists the five checksum fields of a value of s3s.
macro_rules! checksum_fields {
    ($value:expr) => {
        [
            (
                $crate::store::ChecksumAlgorithm::Crc32,
                $value.checksum_crc32.as_ref(),
            ),
            (
                $crate::store::ChecksumAlgorithm::Crc32c,
                $value.checksum_crc32c.as_ref(),
            ),
            (
                $crate::store::ChecksumAlgorithm::Crc64Nvme,
                $value.checksum_crc64nvme.as_ref(),
            ),
            (
                $crate::store::ChecksumAlgorithm::Sha1,
                $value.checksum_sha1.as_ref(),
            ),
            (
                $crate::store::ChecksumAlgorithm::Sha256,
                $value.checksum_sha256.as_ref(),
            ),
        ]
    };
}

/// Sets the one of the five checksum fields that `algorithm` means.
macro_rules! set_checksum_field {
    ($value:expr, $algorithm:expr, $checksum:expr) => {{
        let checksum = Some($checksum);
        match $algorithm {
            $crate::store::ChecksumAlgorithm::Crc32 => $value.checksum_crc32 = checksum,
            $crate::store::ChecksumAlgorithm::Crc32c => $value.checksum_crc32c = checksum,
            $crate::store::ChecksumAlgorithm::Crc64Nvme => $value.checksum_crc64nvme = checksum,
            $crate::store::ChecksumAlgorithm::Sha1 => $value.checksum_sha1 = checksum,
            $crate::store::ChecksumAlgorithm::Sha256 => $value.checksum_sha256 = checksum,
        }
    }};
}

pub(super) use {checksum_fields, set_checksum_field};

/// `Content-MD5`, decoded.
pub(super) fn content_md5(header: Option<&str>) -> S3Result<Option<[u8; 16]>> {
    header
        .map(|value| {
            STANDARD
                .decode(value)
                .ok()
                .and_then(|digest| digest.try_into().ok())
                .ok_or_else(|| {
                    s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid.")
                })
        })
        .transpose()
}

/// Compares `Content-MD5` with the data's.
pub(super) fn verify_md5(
    exchange: &Exchange,
    sent: Option<[u8; 16]>,
    computed: Option<[u8; 16]>,
) -> S3Result<()> {
    match (sent, computed) {
        (Some(sent), Some(computed)) if sent != computed => {
            exchange.error_field("ExpectedDigest", hex::encode(sent));
            exchange.error_field("CalculatedDigest", STANDARD.encode(computed));
            Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ))
        }
        _ => Ok(()),
    }
}

/// Whether a request says what its body must be: by `Content-MD5`, a checksum's header, or a
/// trailer.
pub(super) fn has_digest(headers: &HeaderMap) -> bool {
    let is_value = |name: &HeaderName| {
        name.as_str()
            .strip_prefix("x-amz-checksum-")
            .is_some_and(|rest| !["algorithm", "mode", "type"].contains(&rest))
    };
    headers.contains_key("content-md5")
        || headers.contains_key("x-amz-trailer")
        || headers.keys().any(is_value)
}

/// Refuses a document that comes without one, where S3 demands it.
pub(super) fn expect_digest(headers: &HeaderMap) -> S3Result<()> {
    if has_digest(headers) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn one_checksum_and_only_one() {
        assert_eq!(SentChecksum::from_headers(&headers(&[])).unwrap(), None);
        let sent = SentChecksum::from_headers(&headers(&[("x-amz-checksum-crc32", "AAAAAA==")]))
            .unwrap()
            .unwrap();
        assert_eq!(sent.algorithm, ChecksumAlgorithm::Crc32);
        for bad in [
            &[
                ("x-amz-checksum-crc32", "AAAAAA=="),
                ("x-amz-checksum-crc32c", "AAAAAA=="),
            ][..],
            &[("x-amz-checksum-crc32", "AAAA")],
            &[("x-amz-checksum-sha256", "AAAAAA==")],
            &[("x-amz-sdk-checksum-algorithm", "CRC32")],
            &[
                ("x-amz-sdk-checksum-algorithm", "MD4"),
                ("x-amz-checksum-crc32", "AAAAAA=="),
            ],
            &[
                ("x-amz-sdk-checksum-algorithm", "SHA1"),
                ("x-amz-checksum-crc32", "AAAAAA=="),
            ],
        ] {
            let error = SentChecksum::from_headers(&headers(bad)).unwrap_err();
            assert_eq!(error.code().as_str(), "InvalidRequest", "{bad:?}");
        }
    }

    #[test]
    fn types_and_algorithms() {
        use ChecksumAlgorithm as A;
        use ChecksumKind as K;
        assert_eq!(upload_kind(A::Crc64Nvme, None).unwrap(), K::FullObject);
        assert_eq!(upload_kind(A::Crc32, None).unwrap(), K::Composite);
        assert_eq!(
            upload_kind(A::Crc32c, Some("FULL_OBJECT")).unwrap(),
            K::FullObject
        );
        assert!(upload_kind(A::Crc64Nvme, Some("COMPOSITE")).is_err());
        assert!(upload_kind(A::Sha256, Some("FULL_OBJECT")).is_err());
    }
}
