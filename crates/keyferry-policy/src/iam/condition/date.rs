//! `Date*`: the forms of ISO 8601 that <https://www.w3.org/TR/NOTE-datetime> names, or seconds since
//! 1970.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Match;
use super::operator::Order;

pub(super) fn compares(order: Order, wanted: &str, given: &str) -> Match {
    match (read(wanted), read(given)) {
        (Some(wanted), Some(given)) => Match::from(order.holds(&given, &wanted)),
        (None, _) => Match::Malformed(format!("`{wanted}` is not a date")),
        (_, None) => Match::Malformed(format!("the request's `{given}` is not a date")),
    }
}

fn read(text: &str) -> Option<Timestamp> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let date = match text.len() {
        // Four digits are a year; any other number of digits counts seconds.
        4 if digits => Date::new(text.parse().ok()?, 1, 1).ok()?,
        _ if digits => return Timestamp::from_second(text.parse().ok()?).ok(),
        7 => {
            let (year, month) = text.split_once('-')?;
            Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?
        }
        10 => text.parse().ok()?,
        _ => return text.parse().ok(),
    };
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
