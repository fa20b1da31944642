//! Names and the order of addresses for the fuzz targets; see `crate::fuzz`.

use std::net::SocketAddr;

use super::{lookup, tcp};

/// The host and the port that a text names.
pub fn split_host(text: &str) -> Option<(&str, u16)> {
    lookup::split(text)
}

/// The order in which addresses are tried.
pub fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    tcp::interleaved(addresses)
}
