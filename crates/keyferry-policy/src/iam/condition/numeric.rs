//! `Numeric*`: integers and decimals, compared exactly.

use rust_decimal::Decimal;

use super::Match;
use super::operator::Order;

pub(super) fn compares(order: Order, wanted: &str, given: &str) -> Match {
    match (read(wanted), read(given)) {
        (Some(wanted), Some(given)) => Match::from(order.holds(&given, &wanted)),
        (None, _) => Match::Malformed(format!("`{wanted}` is not a number")),
        (_, None) => Match::Malformed(format!("the request's `{given}` is not a number")),
    }
}

fn read(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}
