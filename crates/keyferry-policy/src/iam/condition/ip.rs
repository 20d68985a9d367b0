//! `IpAddress`: addresses and ranges, IPv4 and IPv6. An address without prefix is a range of one.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Match;

pub(super) fn contains(wanted: &str, given: &str) -> Match {
    match (read(wanted), read(given)) {
        (Some(wanted), Some(given)) => Match::from(wanted.contains(&given)),
        (None, _) => Match::Malformed(format!("`{wanted}` is not an address or range")),
        (_, None) => Match::Malformed(format!("the request's `{given}` is not an address")),
    }
}

fn read(text: &str) -> Option<IpNet> {
    let address = || Some(IpNet::from(text.parse::<IpAddr>().ok()?));
    text.parse().ok().or_else(address)
}
