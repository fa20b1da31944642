//! Where a server listens and a client connects: a transport and an address, as people write them.

use std::{fmt, net::SocketAddr};

use edgewake::net::UnixAddr;

/// A transport and an address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// A TCP stream.
    Tcp(SocketAddr),
    /// UDP datagrams.
    Udp(SocketAddr),
    /// A Unix stream.
    Unix(UnixAddr),
}

impl Place {
    /// Reads an address of the transport of that name: an address with a port, or for `unix` a
    /// path, or `@` and an abstract name.
    pub(crate) fn parse(transport: &str, address: &str) -> Result<Place, String> {
        let ip = || {
            let hint = "an address with a port, like 127.0.0.1:8000";
            address.parse().map_err(|_| format!("{transport} needs {hint}, not `{address}`"))
        };
        match transport {
            "tcp" => Ok(Place::Tcp(ip()?)),
            "udp" => Ok(Place::Udp(ip()?)),
            "unix" => match address.strip_prefix('@') {
                Some(name) => UnixAddr::from_abstract_name(name),
                None => UnixAddr::from_path(address),
            }
            .map(Place::Unix)
            .map_err(|error| format!("unix cannot use `{address}`: {error}")),
            other => Err(format!("`{other}` is neither tcp nor udp nor unix")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(address) => write!(f, "{address} (tcp)"),
            Place::Udp(address) => write!(f, "{address} (udp)"),
            Place::Unix(address) => write!(f, "{} (unix)", Name(address)),
        }
    }
}

/// A path, or `@` and an abstract name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a>(pub(crate) &'a UnixAddr);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Name(address) = self;
        match (address.as_path(), address.as_abstract_name()) {
            (Some(path), _) => path.display().fmt(f),
            (_, Some(name)) => write!(f, "@{}", name.escape_ascii()),
            _ => f.write_str("nowhere"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_are_read_and_printed() {
        let abstract_names = cfg!(any(target_os = "linux", target_os = "android"));
        for (transport, address) in
            [("tcp", "127.0.0.1:80"), ("udp", "[::1]:53"), ("unix", "/tmp/socket"), ("unix", "@a")]
        {
            if address.starts_with('@') && !abstract_names {
                continue;
            }
            let place = Place::parse(transport, address).expect("a place");
            assert_eq!(place.to_string(), format!("{address} ({transport})"));
        }
        for (transport, address) in [("tcp", "80"), ("udp", "/tmp/socket"), ("pigeon", "home")] {
            Place::parse(transport, address).expect_err("no place");
        }
        Place::parse("unix", &"x".repeat(200)).expect_err("too long for a socket's path");
    }
}
