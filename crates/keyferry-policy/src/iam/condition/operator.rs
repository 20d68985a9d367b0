//! Names of condition operators, taken apart.

use super::{Match, arn, binary, boolean, date, ip, numeric, string};
use crate::iam::variables::Scope;

/// An operator with its set qualifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) set: Option<SetQualifier>,
    pub(super) test: Test,
}

/// How several values of a request count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetQualifier {
    ForAllValues,
    ForAnyValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Null,
    Compare {
        comparison: Comparison,
        negated: bool,
        if_exists: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    Arn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    pub(super) fn holds<T: PartialOrd>(self, given: &T, wanted: &T) -> bool {
        match self {
            Self::Equal => given == wanted,
            Self::Less => given < wanted,
            Self::LessOrEqual => given <= wanted,
            Self::Greater => given > wanted,
            Self::GreaterOrEqual => given >= wanted,
        }
    }
}

/// Every operator, without qualifier and `IfExists`; the last column says whether it is negated.
const COMPARISONS: [(&str, Comparison, bool); 26] = [
    ("StringEquals", Comparison::StringEquals, false),
    ("StringNotEquals", Comparison::StringEquals, true),
    (
        "StringEqualsIgnoreCase",
        Comparison::StringEqualsIgnoreCase,
        false,
    ),
    (
        "StringNotEqualsIgnoreCase",
        Comparison::StringEqualsIgnoreCase,
        true,
    ),
    ("StringLike", Comparison::StringLike, false),
    ("StringNotLike", Comparison::StringLike, true),
    ("NumericEquals", Comparison::Numeric(Order::Equal), false),
    ("NumericNotEquals", Comparison::Numeric(Order::Equal), true),
    ("NumericLessThan", Comparison::Numeric(Order::Less), false),
    (
        "NumericLessThanEquals",
        Comparison::Numeric(Order::LessOrEqual),
        false,
    ),
    (
        "NumericGreaterThan",
        Comparison::Numeric(Order::Greater),
        false,
    ),
    (
        "NumericGreaterThanEquals",
        Comparison::Numeric(Order::GreaterOrEqual),
        false,
    ),
    ("DateEquals", Comparison::Date(Order::Equal), false),
    ("DateNotEquals", Comparison::Date(Order::Equal), true),
    ("DateLessThan", Comparison::Date(Order::Less), false),
    (
        "DateLessThanEquals",
        Comparison::Date(Order::LessOrEqual),
        false,
    ),
    ("DateGreaterThan", Comparison::Date(Order::Greater), false),
    (
        "DateGreaterThanEquals",
        Comparison::Date(Order::GreaterOrEqual),
        false,
    ),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::IpAddress, false),
    ("NotIpAddress", Comparison::IpAddress, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
];

impl Operator {
    /// Takes a name apart, whatever its case; nothing for a name that IAM does not have.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (set, name) = match name.split_once(':') {
            None => (None, name.as_str()),
            Some(("forallvalues", rest)) => (Some(SetQualifier::ForAllValues), rest),
            Some(("foranyvalue", rest)) => (Some(SetQualifier::ForAnyValue), rest),
            Some(_) => return None,
        };
        if name == "null" && set.is_none() {
            let test = Test::Null;
            return Some(Self { set, test });
        }
        let (name, if_exists) = match name.strip_suffix("ifexists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (_, comparison, negated) = COMPARISONS
            .iter()
            .find(|(known, _, _)| known.eq_ignore_ascii_case(name))?;
        Some(Self {
            set,
            test: Test::Compare {
                comparison: *comparison,
                negated: *negated,
                if_exists,
            },
        })
    }
}

impl Comparison {
    /// Whether a value of the request matches a value of the policy.
    pub(super) fn matches(self, wanted: &str, given: &str, scope: Scope<'_>) -> Match {
        match self {
            Self::StringEquals => string::equals(wanted, given, scope),
            Self::StringEqualsIgnoreCase => string::equals_ignoring_case(wanted, given, scope),
            Self::StringLike => string::like(wanted, given, scope),
            Self::Numeric(order) => numeric::compares(order, wanted, given),
            Self::Date(order) => date::compares(order, wanted, given),
            Self::Bool => boolean::equals(wanted, given, scope),
            Self::Binary => binary::equals(wanted, given),
            Self::IpAddress => ip::contains(wanted, given),
            Self::Arn => arn::like(wanted, given, scope),
        }
    }
}
