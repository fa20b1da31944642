//! Names and addresses to connect to: which host and port a text names, and in which order several
//! addresses are tried (RFC 8305, section 4).
#![no_main]

use std::net::SocketAddr;

use arbitrary::Arbitrary;
use edgewake::fuzz::{interleaved, split_host};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Text(&'a str),
    HostPort { host: &'a str, port: u32, brackets: bool },
    Addresses(Vec<SocketAddr>),
}

/// By the last colon; brackets, of which there must be two, go.
fn expected(text: &str) -> Option<(&str, u16)> {
    let at = text.bytes().rposition(|byte| byte == b':')?;
    let port = text[at + 1..].parse::<u16>().ok()?;
    let mut host = &text[..at];
    if host.len() >= 2 && host.starts_with('[') && host.ends_with(']') {
        host = &host[1..host.len() - 1];
    }
    if host.is_empty() { None } else { Some((host, port)) }
}

fn order(addresses: &[SocketAddr]) {
    let ordered = interleaved(addresses);
    assert_eq!(ordered.len(), addresses.len());
    for v4 in [true, false] {
        let of = |list: &[SocketAddr]| -> Vec<SocketAddr> {
            list.iter().copied().filter(|address| address.is_ipv4() == v4).collect()
        };
        assert_eq!(of(&ordered), of(addresses), "within a family they keep their order");
    }
    assert_eq!(
        ordered.first().map(SocketAddr::is_ipv4),
        addresses.first().map(SocketAddr::is_ipv4)
    );
    // As long as there are both, each is of another family than the one before it.
    let count = |v4: bool| addresses.iter().filter(|address| address.is_ipv4() == v4).count();
    let in_turn = 2 * count(true).min(count(false));
    let pairs = ordered.windows(2).take(in_turn.saturating_sub(1));
    assert!(pairs.into_iter().all(|pair| pair[0].is_ipv4() != pair[1].is_ipv4()));
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Text(text) => assert_eq!(split_host(text), expected(text)),
        Input::HostPort { host, port, brackets } => {
            let text = if brackets { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
            let split = split_host(&text);
            assert_eq!(split, expected(&text));
            if let (Ok(port), false) = (u16::try_from(port), host.is_empty()) {
                let plain = brackets || !host.starts_with('[');
                assert!(!plain || split == Some((host, port)));
            }
        }
        Input::Addresses(addresses) => order(&addresses),
    }
});
