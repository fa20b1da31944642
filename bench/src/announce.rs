//! How a server tells where it listens: a line on stdout with its address in it.
//!
//! `listening on 127.0.0.1:40123` is what the programs of this package print; other servers may
//! print anything around the address. With port 0 this line is the only way to learn it. A Unix
//! socket's path is known before; its line says that connections are taken.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;

/// Prints the line on stdout and flushes it, since a pipe is block-buffered.
///
/// # Errors
///
/// Returns the error of the write.
pub fn listening_on(addr: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {addr}")?;
    stdout.flush()
}

/// The first socket address in `line`, whatever surrounds it.
#[must_use]
pub fn find_address(line: &str) -> Option<SocketAddr> {
    line.split(|c: char| c.is_whitespace() || "(),;\"'=".contains(c))
        .map(|word| word.rsplit_once("//").map_or(word, |(_, rest)| rest))
        .find_map(|word| word.trim_end_matches(['.', '…', '/']).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_servers_print() {
        let want: SocketAddr = "127.0.0.1:4012".parse().unwrap();
        for line in [
            "listening on 127.0.0.1:4012",
            "listening on 127.0.0.1:4012 (tcp), one thread",
            "INFO server: addr=127.0.0.1:4012…",
            "ready at tcp://127.0.0.1:4012/.",
        ] {
            assert_eq!(find_address(line), Some(want), "{line}");
        }
        assert_eq!(find_address("listening on [::1]:80"), Some("[::1]:80".parse().unwrap()));
        assert_eq!(find_address("starting 1.2.3 at 12:30"), None);
    }
}
