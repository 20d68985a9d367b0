//! How an object is cut into parts.
//!
//! S3 allows 10,000 parts of 5 MiB to 5 GiB (the last may be smaller), 48.8 TiB in all, and 5 GiB in
//! a single PUT (S3-XFER-6).
//! AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.

use std::fmt;
use std::str::FromStr;

use crate::TransferError;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// The most parts of one object.
pub const MAX_PARTS: u32 = 10_000;
/// The most bytes of a single PUT: 5 GiB.
pub const MAX_SINGLE_PUT: u64 = 5 * GIB;
/// The most bytes of one object: 10,000 parts of 5 GiB, 48.8 TiB.
pub const MAX_OBJECT_SIZE: u64 = MAX_PARTS as u64 * PartSize::MAX.0;

/// Bytes of every part but the last: 5 MiB to 5 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartSize(u64);

/// Text or a number that is no part size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePartSizeError {
    /// S3 does not take parts of this size.
    #[error("a part of {0} bytes is not possible: S3 takes parts of 5 MiB to 5 GiB")]
    OutOfRange(u64),
    /// The text is no size.
    #[error("`{0}` is not a size: it must look like `8MiB`, `1GiB` or `8388608`")]
    NotASize(String),
}

impl PartSize {
    /// The smallest part, 5 MiB.
    pub const MIN: Self = Self(5 * MIB);
    /// The largest part, 5 GiB.
    pub const MAX: Self = Self(5 * GIB);
    /// What is used where nothing else is asked for: 8 MiB, which costs the least CPU.
    pub const DEFAULT: Self = Self(8 * MIB);

    /// A part size in bytes.
    ///
    /// # Errors
    /// When S3 would not take it.
    pub fn new(bytes: u64) -> Result<Self, ParsePartSizeError> {
        if (Self::MIN.0..=Self::MAX.0).contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(ParsePartSizeError::OutOfRange(bytes))
        }
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PartSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes.is_multiple_of(GIB) => write!(formatter, "{}GiB", bytes / GIB),
            bytes if bytes.is_multiple_of(MIB) => write!(formatter, "{}MiB", bytes / MIB),
            bytes => write!(formatter, "{bytes}"),
        }
    }
}

impl FromStr for PartSize {
    type Err = ParsePartSizeError;

    /// A number of bytes, or one with `KiB`, `MiB` or `GiB` (or `K`, `M`, `G`) behind it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_size = || ParsePartSizeError::NotASize(text.to_owned());
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text
            .get(digits.len()..)
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("" | "b") => 1,
            Some("k" | "kib") => KIB,
            Some("m" | "mib") => MIB,
            Some("g" | "gib") => GIB,
            _ => return Err(not_a_size()),
        };
        let number: u64 = digits.parse().map_err(|_| not_a_size())?;
        Self::new(number.checked_mul(unit).ok_or_else(not_a_size)?)
    }
}

/// All parts have one size, except that the last may be smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    /// Bytes of every part but the last.
    pub part_size: PartSize,
}

impl PartPlan {
    /// For an object of known size: what was asked for, or 8 MiB grown by whole MiB until 10,000
    /// parts suffice.
    ///
    /// # Errors
    /// When the object is larger than S3 allows, or needs more than 10,000 parts of the size asked.
    pub fn for_size(size: u64, asked: Option<PartSize>) -> Result<Self, TransferError> {
        if size > MAX_OBJECT_SIZE {
            return Err(TransferError::TooLarge { size });
        }
        let least = PartSize(
            size.div_ceil(u64::from(MAX_PARTS))
                .next_multiple_of(MIB)
                .clamp(PartSize::DEFAULT.0, PartSize::MAX.0),
        );
        let plan = Self {
            part_size: asked.unwrap_or(least),
        };
        match plan.count(size) {
            0..=10_000 => Ok(plan),
            count => Err(TransferError::TooManyParts {
                size: Some(size),
                part_size: plan.part_size,
                count,
                enough: least,
            }),
        }
    }

    /// For a stream: as for the expected size where there is one, otherwise what was asked for or
    /// 8 MiB, which carries 78 GiB.
    ///
    /// # Errors
    /// As [`PartPlan::for_size`], for the size expected.
    pub fn for_stream(
        expected: Option<u64>,
        asked: Option<PartSize>,
    ) -> Result<Self, TransferError> {
        Self::for_size(expected.unwrap_or(0), asked)
    }

    /// How many parts an object of this size has; at least one.
    #[must_use]
    pub fn count(&self, size: u64) -> u64 {
        size.div_ceil(self.part_size.0).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_parse_and_print() {
        for (text, bytes) in [
            ("8MiB", 8 * MIB),
            ("5m", 5 * MIB),
            ("1GiB", GIB),
            ("8388608", 8 * MIB),
            ("5120k", 5 * MIB),
        ] {
            assert_eq!(text.parse::<PartSize>().map(PartSize::bytes), Ok(bytes));
        }
        for text in ["", "MiB", "8 MiB", "8TiB", "-8MiB", "99999999999999G", "é"] {
            assert!(
                matches!(
                    text.parse::<PartSize>(),
                    Err(ParsePartSizeError::NotASize(_))
                ),
                "{text}"
            );
        }
        assert_eq!(
            "4MiB".parse::<PartSize>(),
            Err(ParsePartSizeError::OutOfRange(4 * MIB))
        );
        assert_eq!(PartSize::DEFAULT.to_string(), "8MiB");
    }

    #[test]
    fn limits_are_those_of_s3() {
        assert_eq!(MAX_OBJECT_SIZE, 53_687_091_200_000);
        assert!(PartPlan::for_size(MAX_OBJECT_SIZE, None).is_ok());
        assert!(matches!(
            PartPlan::for_size(MAX_OBJECT_SIZE + 1, None),
            Err(TransferError::TooLarge { .. })
        ));
        let asked = Some(PartSize::MIN);
        let most = u64::from(MAX_PARTS) * PartSize::MIN.bytes();
        assert!(PartPlan::for_size(most, asked).is_ok());
        assert!(matches!(
            PartPlan::for_size(most + 1, asked),
            Err(TransferError::TooManyParts { count: 10_001, .. })
        ));
    }

    proptest! {
        /// Against the definition: parts cover the object, none is empty, none too many, and the
        /// next smaller plan would not do.
        #[test]
        fn a_plan_fits_and_is_the_smallest(size in 0..=MAX_OBJECT_SIZE) {
            let plan = PartPlan::for_size(size, None).unwrap();
            let part = plan.part_size.bytes();
            let count = plan.count(size);
            prop_assert!((1..=u64::from(MAX_PARTS)).contains(&count));
            prop_assert!(count * part >= size);
            prop_assert!(size == 0 || (count - 1) * part < size);
            prop_assert!((PartSize::DEFAULT.bytes()..=PartSize::MAX.bytes()).contains(&part));
            if part > PartSize::DEFAULT.bytes() {
                prop_assert!(size.div_ceil(part - MIB) > u64::from(MAX_PARTS));
            }
        }

        #[test]
        fn a_size_asked_for_is_used_or_refused(
            size in 0..=MAX_OBJECT_SIZE,
            asked in PartSize::MIN.bytes()..=PartSize::MAX.bytes(),
        ) {
            let asked = PartSize::new(asked).unwrap();
            match PartPlan::for_size(size, Some(asked)) {
                Ok(plan) => prop_assert_eq!(plan.part_size, asked),
                Err(TransferError::TooManyParts { enough, .. }) => {
                    prop_assert!(size.div_ceil(asked.bytes()) > u64::from(MAX_PARTS));
                    prop_assert!(PartPlan::for_size(size, Some(enough)).is_ok());
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
