//! Where a server listens and a generator connects: a transport and an address of it.
//!
//! On a command line a target is a flag and its value (`--udp 127.0.0.1:0`) for servers, a word and
//! its value (`udp 127.0.0.1:4000`) for the generator, and one word (`tcp:127.0.0.1:0`) for
//! proxies, which have two. Pure data.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A TCP stream.
    Tcp,
    /// UDP datagrams.
    Udp,
    /// A Unix stream.
    Unix,
}

/// A transport and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A TCP stream.
    Tcp(SocketAddr),
    /// UDP datagrams.
    Udp(SocketAddr),
    /// A Unix stream at a path.
    Unix(PathBuf),
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Unix];

    /// Its word on command lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
        }
    }

    /// The transport of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.word() == word)
    }
}

impl Target {
    /// Reads an address of `transport`.
    ///
    /// # Errors
    ///
    /// Returns a sentence if it is none.
    pub fn parse(transport: Transport, address: &str) -> Result<Self, String> {
        let ip = || {
            address.parse().map_err(|_| format!("{address:?} is no address like 127.0.0.1:4000"))
        };
        Ok(match transport {
            Transport::Tcp => Self::Tcp(ip()?),
            Transport::Udp => Self::Udp(ip()?),
            Transport::Unix if address.is_empty() => return Err("an empty path".into()),
            Transport::Unix => Self::Unix(address.into()),
        })
    }

    /// Reads a place of a proxy: a transport, a colon, and an address of it.
    ///
    /// # Errors
    ///
    /// Returns a sentence if it is none.
    pub fn parse_place(place: &str) -> Result<Self, String> {
        let named = place.split_once(':').and_then(|(transport, address)| {
            Transport::named(transport).map(|transport| (transport, address))
        });
        match named {
            Some((transport, address)) => Self::parse(transport, address),
            None => Err(format!("{place:?} is no place like tcp:127.0.0.1:4000")),
        }
    }

    /// The place as [`parse_place`](Self::parse_place) reads it.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{self}", self.transport().word())
    }

    /// Its transport.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
            Self::Unix(_) => Transport::Unix,
        }
    }

    /// Whether bytes are kept in messages, so that one call takes a whole one.
    #[must_use]
    pub fn keeps_messages(&self) -> bool {
        self.transport() == Transport::Udp
    }
}

/// The address alone, as the command lines take it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => addr.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_printed() {
        for (word, address) in
            [("tcp", "127.0.0.1:80"), ("udp", "[::1]:53"), ("unix", "/tmp/a socket")]
        {
            let transport = Transport::named(word).unwrap();
            let target = Target::parse(transport, address).unwrap();
            assert_eq!((target.transport(), target.to_string()), (transport, address.to_owned()));
            assert_eq!(target.place(), format!("{word}:{address}"));
            assert_eq!(Target::parse_place(&target.place()), Ok(target));
        }
        assert_eq!(Transport::named("carrier pigeon"), None);
        assert!(Target::parse(Transport::Udp, "/tmp/socket").is_err());
        assert!(Target::parse_place("127.0.0.1:80").is_err());
        assert!(Target::parse(Transport::Unix, "").is_err());
    }
}
